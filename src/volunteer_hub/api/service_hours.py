"""Hours that wait until somebody has looked at them; the person's appeal."""

import uuid
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field

from volunteer_hub.api.guard import Language, Volunteer, allow
from volunteer_hub.api.pages import Cursor, In, Limit, OnceOnly, Out, Page, page
from volunteer_hub.boards import hours as board
from volunteer_hub.boards.hours import HoursLine
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_cursor
from volunteer_hub.core.i18n import pick, say
from volunteer_hub.flows import duty as duties
from volunteer_hub.flows import review as flow
from volunteer_hub.incentives.review import Decision
from volunteer_hub.incentives.rules import LONGEST_REASON, MOST_MINUTES, Grade, Review

router = APIRouter(tags=["points"])


class FlagOut(Out):
    """One thing that speaks against hours, as a code and in words."""

    code: str
    why: str


class ServiceHoursOut(Out):
    """The hours of one duty. ``name`` is null for readers who may not see people's names; ``minutes`` hold,
    ``served_minutes`` lie between the checks."""

    id: uuid.UUID
    duty: uuid.UUID
    volunteer: uuid.UUID
    name: str | None
    task: str
    checked_in_at: datetime | None
    checked_out_at: datetime | None
    served_minutes: int
    minutes: int
    grade: Grade
    state: Review
    flags: list[FlagOut]
    entered_by: list[str]
    reason: str | None
    appeal: str | None


class DecisionIn(In):
    """What somebody makes of them: ``minutes`` go with "correct"; a reason with "correct", "refuse" and any
    decision on an appeal."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"decision": "accept"},
                {"decision": "correct", "minutes": 70, "reason": "He left after an hour."},
            ]
        }
    )
    decision: Decision
    minutes: int | None = Field(None, ge=0, le=MOST_MINUTES)
    reason: str = Field("", max_length=LONGEST_REASON, description="the person reads it")


class AppealIn(In):
    """Why the decision is wrong."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"words": "I left at two, ask my leader."}]})
    words: str = Field(min_length=1, max_length=LONGEST_REASON)


@router.get("/service-hours", response_model=Page[ServiceHoursOut])
def waiting(
    actor: Annotated[Actor, allow("points.read")], lang: Language, limit: Limit = 50, cursor: Cursor = None
) -> Page[ServiceHoursOut]:
    """The hours of the actor's areas that wait, the oldest first."""
    with db.read(actor) as tx:
        lines = board.waiting(tx, after=decode_cursor(cursor), limit=limit)
        return page(lines, limit, lambda line: _shown(line, lang), lambda line: line.hours.id)


@router.post("/service-hours/{id}/decide", response_model=ServiceHoursOut)
def decide(
    actor: Annotated[Actor, allow("points.write")],
    id: uuid.UUID,
    body: DecisionIn,
    once: OnceOnly,
    lang: Language,
) -> Response:
    """Accepts, corrects or refuses; the person is told. Not one's own hours, nor those that one entered."""

    def deed() -> ServiceHoursOut:
        hours = flow.decide(tx, id, body.decision, body.reason, body.minutes)
        return _shown(board.lines(tx, [hours])[0], lang)

    with db.transaction(actor, "hours.decide") as tx:
        return once.run(tx, deed)


@router.post("/duties/mine/{id}/appeal", response_model=ServiceHoursOut)
def appeal(actor: Volunteer, id: uuid.UUID, body: AppealIn, once: OnceOnly, lang: Language) -> Response:
    """The volunteer does not agree with what was decided of a duty's hours; somebody else decides then."""

    def deed() -> ServiceHoursOut:
        hours = flow.appeal(tx, duties.own(tx, id), body.words)
        return _shown(board.lines(tx, [hours])[0], lang)

    with db.transaction(actor, "hours.appeal") as tx:
        return once.run(tx, deed)


def _shown(line: HoursLine, lang: str) -> ServiceHoursOut:
    hours, duty = line.hours, line.line.duty
    return ServiceHoursOut(
        id=hours.public_id,
        duty=duty.public_id,
        volunteer=line.line.person,
        name=line.line.name,
        task=pick(line.line.facts.title, lang),
        checked_in_at=duty.checked_in_at,
        checked_out_at=duty.checked_out_at,
        served_minutes=hours.served_minutes,
        minutes=hours.minutes,
        grade=hours.grade,
        state=hours.state,
        flags=[
            FlagOut(code=flag["code"], why=say(lang, text))
            for flag, text in zip(hours.flags, line.doubts, strict=True)
        ],
        entered_by=list(line.entered_by),
        reason=hours.reason,
        appeal=hours.appeal,
    )
