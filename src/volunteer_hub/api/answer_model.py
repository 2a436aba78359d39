"""The answer model: its versions, whether its chances were right, and what it believes of a person."""

import uuid
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from volunteer_hub.api.guard import Language, allow
from volunteer_hub.api.pages import Cursor, Limit, Out, Page, page
from volunteer_hub.boards import calibration as board
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_cursor
from volunteer_hub.engine.answer_model.calibration import TENTHS, Calibration
from volunteer_hub.flows import answer_words as words
from volunteer_hub.mobilization import answers
from volunteer_hub.mobilization.rules import Kind
from volunteer_hub.volunteers import registry

router = APIRouter(tags=["answers"])
Reader = Annotated[Actor, allow("drill.read")]


class VersionOut(Out):
    """``anew``: fitted to all settled asks, else new callouts were added to the version before."""

    id: uuid.UUID
    made_at: datetime
    anew: bool
    callouts: int
    asks: int
    half_life_days: float


class TenthOut(Out):
    """Chances from ``low`` to ``high``: how many asks, the mean chance, the share that said yes."""

    low: float
    high: float
    asks: float
    predicted: float
    observed: float


class ScoresOut(Out):
    """``error``: the mean absolute difference between predicted and observed. Null without asks."""

    asks: float
    brier: float | None
    error: float | None
    tenths: list[TenthOut]


class CalloutScore(Out):
    """One callout, with the Brier scores of what was said and of what is assumed without a model."""

    callout: uuid.UUID
    kind: Kind
    at: datetime
    asks: float
    predicted: float
    observed: float
    brier: float
    brier_assumed: float


class CalibrationOut(Out):
    """``said``: the chances by which people were asked; ``assumed``: those without a model, same asks."""

    said: ScoresOut
    assumed: ScoresOut
    callouts: list[CalloutScore]


class WayOut(Out):
    """``chance`` of a yes, between ``low`` and ``high`` with 90 %; ``area``: in their community. ``measured``
    here, more than assumed; ``partly``: something was."""

    kind: Literal["real", "drill"]
    when: Literal["day", "night"]
    chance: float
    low: float
    high: float
    area: float
    measured: bool
    partly: bool


class PersonAnswers(Out):
    """What is believed of a person by the channel that reaches them; null and no ways without one."""

    sentence: str
    channel: str | None
    asked: int = Field(description="asks that reached them")
    yes: int
    since: datetime | None
    ways: list[WayOut]


def _scores(one: Calibration) -> ScoresOut:
    tenths = [
        TenthOut(
            low=tenth.number / TENTHS,
            high=(tenth.number + 1) / TENTHS,
            asks=tenth.asks,
            predicted=tenth.predicted / tenth.asks,
            observed=tenth.yes / tenth.asks,
        )
        for tenth in one.tenths
    ]
    return ScoresOut(asks=one.asks, brier=one.brier, error=one.error, tenths=tenths)


@router.get("/answer-model")
def versions(actor: Reader, limit: Limit = 50, cursor: Cursor = None) -> Page[VersionOut]:
    """Every version, the newest first."""
    with db.read(actor) as tx:
        rows = answers.versions(tx, decode_cursor(cursor), limit + 1)
        return page(
            rows,
            limit,
            lambda row: VersionOut(
                id=row.public_id, **row.model_dump(include=set(VersionOut.model_fields) - {"id"})
            ),
            lambda row: int(row.id),
        )


@router.get("/answer-model/calibration")
def calibration(actor: Reader, days: Annotated[int, Query(ge=1, le=3650)] = board.DAYS) -> CalibrationOut:
    """What was said of people in the actor's areas when they were asked, against what came."""
    with db.read(actor) as tx:
        found = board.shown(tx, days)
        lines = [
            CalloutScore(
                callout=line.callout.public_id,
                kind=line.callout.kind,
                at=line.callout.created_at,
                asks=line.asks,
                predicted=line.predicted,
                observed=line.observed,
                brier=line.brier,
                brier_assumed=line.brier_assumed,
            )
            for line in found.callouts
        ]
        return CalibrationOut(said=_scores(found.said), assumed=_scores(found.assumed), callouts=lines)


@router.get("/volunteers/{id}/answers")
def of_person(
    actor: Annotated[Actor, allow("volunteer.read")], id: uuid.UUID, lang: Language
) -> PersonAnswers:
    """How likely a person says yes, by kind and hour, and why in one sentence."""
    with db.read(actor) as tx:
        told = words.person(tx, registry.find(tx, "volunteer.read", id), lang)
        ways = [WayOut(**vars(way)) for way in told.ways]
        return PersonAnswers(
            sentence=told.sentence,
            channel=told.channel,
            asked=told.asked,
            yes=told.yes,
            since=told.since,
            ways=ways,
        )
