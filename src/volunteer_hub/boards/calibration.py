"""Were the chances right? What was said of people when they were asked, against what came."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Float, case, cast, func
from sqlalchemy import select as columns  # SQLModel's select is typed for four at most
from sqlmodel import col, select

from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.engine.answer_model.calibration import TENTHS, Calibration, Tenth
from volunteer_hub.mobilization import answer_rules
from volunteer_hub.mobilization.answer_models import AnswerAsk, AnswerCallout
from volunteer_hub.mobilization.answer_rules import CELLS, YES
from volunteer_hub.mobilization.models import Callout
from volunteer_hub.mobilization.policy import Answers
from volunteer_hub.volunteers.models import Volunteer

RIGHT: Final = "drill.read"
DAYS: Final = 365
CALLOUTS: Final = 24
"""The newest that are told one by one."""


@dataclass(frozen=True)
class Line:
    """One callout: its asks by weight, the mean chance said of them and the share that came to, and the Brier
    scores of what was said and of what is assumed without a model."""

    callout: Callout
    asks: float
    predicted: float
    observed: float
    brier: float
    brier_assumed: float


@dataclass(frozen=True)
class Shown:
    """``said``: the chances by which people were asked; ``assumed``: those of config/answers.toml for
    the same asks. ``callouts``: the newest first."""

    said: Calibration
    assumed: Calibration
    callouts: tuple[Line, ...]


def shown(tx: Tx, days: int = DAYS) -> Shown:
    """Over the asks of so many days to people in the actor's areas."""
    tx.actor.must(RIGHT)
    since = answer_rules.day(tx.now - timedelta(days=days))
    assumed = _assumed()
    return Shown(_over(tx, _SAID, since), _over(tx, assumed, since), tuple(_lines(tx, assumed)))


def since_when(tx: Tx, volunteer_id: int) -> tuple[int, int, datetime | None]:
    """How often a person was asked and it arrived, how often they said yes, and since when."""
    wanted = columns(
        func.count(), func.count().filter(col(AnswerAsk.outcome) == YES), func.min(col(AnswerAsk.day))
    ).where(col(AnswerAsk.volunteer_id) == volunteer_id)
    asked, yes, first = tx.execute(wanted).one()
    return asked, yes, answer_rules.moment(first) if first is not None else None


_SAID: Final = cast(col(AnswerAsk.chance), Float)
_WEIGHT: Final = cast(col(AnswerAsk.weight), Float)
_YES: Final = case((col(AnswerAsk.outcome) == YES, 1.0), else_=0.0)


def _assumed() -> ColumnElement[float]:
    known: Answers = policy.load("answers", Answers)
    chances = {number: known.prior(*way).accept for number, way in enumerate(CELLS)}
    found: ColumnElement[float] = cast(case(chances, value=col(AnswerAsk.cell)), Float)
    return found


def _off(chance: ColumnElement[Any]) -> ColumnElement[float]:
    return func.sum(_WEIGHT * (chance - _YES) * (chance - _YES))


def _over(tx: Tx, chance: ColumnElement[Any], since: float) -> Calibration:
    tenth = func.least(func.floor(chance * TENTHS), TENTHS - 1)
    sums = (func.sum(_WEIGHT), func.sum(_WEIGHT * chance), func.sum(_WEIGHT * _YES), _off(chance))
    wanted = (
        columns(tenth, *sums)
        .join(Volunteer, col(Volunteer.id) == col(AnswerAsk.volunteer_id))
        .where(_told(tx), col(AnswerAsk.day) >= since)
        .group_by(tenth)
        .order_by(tenth)
    )
    rows = tx.execute(wanted).all()
    return Calibration(tuple(Tenth(int(row[0]), *row[1:4]) for row in rows), sum(row[4] for row in rows))


def _told(tx: Tx) -> ColumnElement[bool]:
    return (col(AnswerAsk.chance) >= 0) & tx.actor.scope(RIGHT, Volunteer.area)


def _lines(tx: Tx, assumed: ColumnElement[float]) -> list[Line]:
    newest = (
        select(Callout)
        .join(AnswerCallout, col(AnswerCallout.callout_id) == col(Callout.id))
        .where(tx.actor.scope(RIGHT, Callout.area), col(AnswerCallout.asks) > 0)
        .order_by(col(AnswerCallout.settled_at).desc(), col(Callout.id).desc())
        .limit(CALLOUTS)
    )
    callouts = list(tx.exec(newest))
    sums = (func.sum(_WEIGHT), func.sum(_WEIGHT * _SAID), func.sum(_WEIGHT * _YES))
    wanted = (
        columns(col(AnswerAsk.callout_id), *sums, _off(_SAID), _off(assumed))
        .join(Volunteer, col(Volunteer.id) == col(AnswerAsk.volunteer_id))
        .where(_told(tx), col(AnswerAsk.callout_id).in_([one.id for one in callouts]))
        .group_by(col(AnswerAsk.callout_id))
    )
    found = {key: (asks, *(part / asks for part in parts)) for key, asks, *parts in tx.execute(wanted)}
    return [Line(one, *found[one.id]) for one in callouts if one.id in found]
