"""The answer model told in words: of one person in a sentence, of its calibration as a table."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from volunteer_hub.access import jurisdictions
from volunteer_hub.boards import calibration
from volunteer_hub.boards.calibration import Shown
from volunteer_hub.core.db import Tx
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.engine.answer_model.calibration import TENTHS, Calibration
from volunteer_hub.flows import learning, letters
from volunteer_hub.flows.course import percent
from volunteer_hub.mobilization import answer_rules, answers
from volunteer_hub.mobilization.answer_models import AnswerVersion
from volunteer_hub.mobilization.answer_rules import CELLS, KINDS, WHENS
from volunteer_hub.mobilization.policy import CalloutKind, When
from volunteer_hub.volunteers.models import Volunteer

_COLUMNS: Final = ("from", "to", "which", "asks", "predicted", "observed")


@dataclass(frozen=True)
class Way:
    """One way of asking a person: ``chance`` of a yes, between ``low`` and ``high`` with 90 %; that of
    somebody of their community of whom nothing is known. ``measured`` here, more than assumed; ``partly``:
    something was."""

    kind: CalloutKind
    when: When
    chance: float
    low: float
    high: float
    area: float
    measured: bool
    partly: bool


@dataclass(frozen=True)
class Person:
    """What is believed of somebody, by the channel that reaches them; no ways without one. ``sentence`` is
    about a real callout by day."""

    channel: str | None
    asked: int
    yes: int
    since: datetime | None
    ways: tuple[Way, ...]
    sentence: str


@dataclass(frozen=True)
class Cell:
    """A way of asking in one city: the chance assumed, and the one learned, worth so many asks."""

    channel: str
    when: When
    kind: CalloutKind
    assumed: float
    chance: float
    worth: int
    measured: bool


def person(tx: Tx, row: Volunteer, lang: str) -> Person:
    """What is believed of a person whom the actor may read. Raises NotFound for a foreign area."""
    tx.actor.must_cover("volunteer.read", row.area)
    channel = letters.reach(tx, [row.id])[row.id].channel
    asked, yes, since = calibration.since_when(tx, row.id)
    if channel is None:
        return Person(None, asked, yes, since, (), t(lang, "answers.person.unreached"))
    circle = learning.circle(tx, [row.id], learning.model_of(answers.latest(tx), tx.now))
    ways = []
    for kind in KINDS:
        for when in WHENS:
            at = answer_rules.cell(channel.value, when, kind)
            figures = circle.chance(at), *circle.band(at), circle.of_area(at)
            chance, low, high, area = (float(each[0]) for each in figures)
            partly = bool(circle.strength(at)[0] > circle.model.settings.asks[at])
            measured = bool(circle.measured(at)[0])
            ways.append(Way(kind, when, chance, low, high, area, measured, partly))
    home = jurisdictions.by_path(tx, row.area)
    said = _sentence(ways[0], (asked, yes, since), pick(home.name, lang), home.zone, lang)
    return Person(channel.value, asked, yes, since, tuple(ways), said)


def _sentence(way: Way, known: tuple[int, int, datetime | None], area: str, zone: str, lang: str) -> str:
    asked, yes, since = known
    figures = {
        "area": area,
        "share": percent(way.area),
        "chance": percent(way.chance),
        "low": percent(way.low),
        "high": percent(way.high),
    }
    if since is None:
        said = t(lang, "answers.person.never", **figures)
    else:
        month = f"{since.astimezone(ZoneInfo(zone)):%Y-%m}"
        said = t(lang, "answers.person.asked", n=asked, yes=yes, since=month, **figures)
    if way.measured:
        return said
    return t(lang, "answers.person.partly" if way.partly else "answers.person.assumed", said=said)


def cells(version: AnswerVersion | None, now: datetime, city: int) -> list[Cell]:
    """The ways of asking of which a city has shown something, the most shown first."""
    model = learning.model_of(version, now)
    [row] = model.row_of(learning.ids([city]))
    assumed = model.settings
    found = [
        Cell(
            *CELLS[at],
            assumed=float(assumed.chance[at]),
            chance=float(model.chance[row, at]),
            worth=round(float(model.strength[row, at] - assumed.asks[at])),
            measured=bool(model.measured[row, at]),
        )
        for at in range(len(CELLS))
        if model.strength[row, at] > assumed.asks[at]
    ]
    return sorted(found, key=lambda cell: -cell.worth)


def table(shown: Shown, lang: str) -> str:
    """The tenths of both calibrations as CSV."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow([t(lang, f"answers.csv.{name}") for name in _COLUMNS])
    for which, one in (("said", shown.said), ("assumed", shown.assumed)):
        writer.writerows(_rows(one, t(lang, f"answers.which.{which}")))
    return file.getvalue()


def _rows(one: Calibration, which: str) -> Sequence[Sequence[object]]:
    return [
        (
            tenth.number / TENTHS,
            (tenth.number + 1) / TENTHS,
            which,
            round(tenth.asks, 1),
            round(tenth.predicted / tenth.asks, 4),
            round(tenth.yes / tenth.asks, 4),
        )
        for tenth in one.tenths
    ]
