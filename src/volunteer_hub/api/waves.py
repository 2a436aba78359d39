"""The waves of a callout: the forecast, what was decided and why; holding, hurrying and widening it."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import ConfigDict, Field

from volunteer_hub.api.guard import Language, allow
from volunteer_hub.api.pages import In, OnceOnly, Out
from volunteer_hub.boards import callout as board
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.flows import course, waves
from volunteer_hub.mobilization import callouts
from volunteer_hub.mobilization.models import Callout
from volunteer_hub.mobilization.rules import WaveSource

router = APIRouter(tags=["callouts"])


class WaveNowIn(In):
    """``people``: so many for every role still short; left out, as many as it takes without the silent."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}, {"people": 10}]})
    people: int | None = Field(None, ge=1, le=waves.MOST_BY_HAND)


class WidenIn(In):
    """``km``: how far people are looked for who name no limit of their own. ``pool``: the jurisdiction whose
    people may be asked; left out, the widest around the incident that you may plan for."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"km": 40}]})
    km: float = Field(gt=0, le=waves.FARTHEST_KM)
    pool: UUID | None = None


class ForecastOut(Out):
    """One slot: the chance ``sure`` that ``need`` come in time; ``low`` to ``high`` are likely."""

    slot: UUID
    need: int
    sure: float
    low: int
    high: int


class WavePartOut(Out):
    """One slot's part of a wave."""

    slot: UUID
    need: int
    people: int
    before: float
    after: float


class WaveOut(Out):
    """One wave as it was decided, never changed. ``before``, ``after``: the chance of its least sure slot."""

    number: int
    decided_at: datetime
    source: WaveSource
    need: int
    people: int
    before: float
    after: float
    why: str
    slots: list[WavePartOut]


class CourseOut(Out):
    """How a callout is going. ``rests_on`` says what the forecast rests on."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "confidence": 0.95,
                    "deadline": "2031-01-20T02:30:00Z",
                    "rests_on": "assumed, not measured here (14% to 36% say yes)",
                    "held_at": None,
                    "widening": "",
                    "forecast": [],
                    "waves": [],
                }
            ]
        }
    )
    confidence: float
    deadline: datetime
    rests_on: str
    held_at: datetime | None
    widening: str
    forecast: list[ForecastOut]
    waves: list[WaveOut]


@router.get("/callouts/{id}/course")
def read(id: UUID, actor: Annotated[Actor, allow("callout.read")], lang: Language) -> CourseOut:
    """The forecast as it stands, and every wave with its reason."""
    with db.read(actor) as tx:
        return _out(tx, callouts.find(tx, "callout.read", id), lang)


@router.post("/callouts/{id}/waves", response_model=CourseOut)
def send_now(
    id: UUID, body: WaveNowIn, actor: Annotated[Actor, allow("callout.send")], once: OnceOnly, lang: Language
) -> JSONResponse:
    """Sends the next wave now, whatever the forecast says."""
    with db.transaction(actor, "callout.wave") as tx:

        def deed() -> CourseOut:
            callout = callouts.find(tx, "callout.send", id)
            waves.send_now(tx, callout, body.people)
            return _out(tx, callout, lang)

        return once.run(tx, deed)


@router.post("/callouts/{id}/hold", response_model=CourseOut)
def hold(
    id: UUID, actor: Annotated[Actor, allow("callout.send")], once: OnceOnly, lang: Language
) -> JSONResponse:
    """Nobody more is asked by the forecast; who was asked may answer."""
    with db.transaction(actor, "callout.hold") as tx:

        def deed() -> CourseOut:
            return _out(tx, waves.hold(tx, callouts.find(tx, "callout.send", id)), lang)

        return once.run(tx, deed)


@router.post("/callouts/{id}/resume", response_model=CourseOut)
def resume(
    id: UUID, actor: Annotated[Actor, allow("callout.send")], once: OnceOnly, lang: Language
) -> JSONResponse:
    """The forecast decides again."""
    with db.transaction(actor, "callout.resume") as tx:

        def deed() -> CourseOut:
            return _out(tx, waves.resume(tx, callouts.find(tx, "callout.send", id)), lang)

        return once.run(tx, deed)


@router.post("/callouts/{id}/widen", status_code=202, response_model=CourseOut)
def widen(
    id: UUID, body: WidenIn, actor: Annotated[Actor, allow("callout.send")], once: OnceOnly, lang: Language
) -> JSONResponse:
    """Asks for a plan that finds people farther away; they become reserves, and the forecast decides."""
    with db.transaction(actor, "callout.widen") as tx:

        def deed() -> CourseOut:
            callout = callouts.find(tx, "callout.send", id)
            waves.widen(tx, callout, body.km, body.pool)
            return _out(tx, callout, lang)

        return once.run(tx, deed, 202)


def _out(tx: Tx, callout: Callout, lang: str) -> CourseOut:
    told = course.told(tx, callout, lang)
    ids = board.slot_ids(tx, callout)
    return CourseOut(
        confidence=told.confidence,
        deadline=told.deadline,
        rests_on=told.rests_on,
        held_at=told.held_at,
        widening=told.widening,
        forecast=[
            ForecastOut(slot=ids[key], need=one.need, sure=one.sure, low=one.low, high=one.high)
            for key, one in told.slots.items()
        ],
        waves=[_wave(one, ids) for one in told.waves],
    )


def _wave(told: course.WaveTold, ids: dict[int, UUID]) -> WaveOut:
    wave = told.wave
    same = ("number", "decided_at", "source", "need", "people", "before", "after")
    return WaveOut(
        why=told.why,
        slots=[WavePartOut(**{**part, "slot": ids[part["slot"]]}) for part in wave.slots],
        **{name: getattr(wave, name) for name in same},
    )
