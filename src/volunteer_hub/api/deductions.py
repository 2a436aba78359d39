"""Points taken by hand, as a person and the staff read them; the appeal against it and its end."""

import uuid
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field

from volunteer_hub.api.guard import Language, Volunteer, allow
from volunteer_hub.api.me import id_of
from volunteer_hub.api.pages import Cursor, In, Limit, OnceOnly, Out, Page, page
from volunteer_hub.boards import deductions as board
from volunteer_hub.boards.deductions import DeductionLine
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_cursor
from volunteer_hub.core.i18n import pick
from volunteer_hub.flows import deduct
from volunteer_hub.incentives.deductions_rules import DeductionState, Verdict
from volunteer_hub.incentives.rules import LONGEST_REASON

router = APIRouter(tags=["points"])


class DeductionOut(Out):
    """Points taken by hand. ``name`` is null for readers who may not see people's names; ``told``: a message
    with it went out."""

    id: uuid.UUID
    volunteer: uuid.UUID
    name: str | None
    points: int
    kind: str
    reason: str
    told: bool
    at: datetime
    appeal_until: datetime
    state: DeductionState
    appeal: str | None
    decision: str | None


class ObjectionIn(In):
    """Why it is wrong that the points were taken."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"words": "I was there, ask Lin."}]})
    words: str = Field(min_length=1, max_length=LONGEST_REASON)


class VerdictIn(In):
    """What somebody else makes of an appeal."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"verdict": "give_back", "reason": "Lin saw her."}]}
    )
    verdict: Verdict
    reason: str = Field(min_length=1, max_length=LONGEST_REASON, description="the person reads it")


@router.get("/volunteers/me/deductions", response_model=list[DeductionOut])
def mine(actor: Volunteer, lang: Language) -> list[DeductionOut]:
    """What was taken from me by hand, the newest first."""
    with db.read(actor) as tx:
        return [_shown(line, lang) for line in board.own(tx, id_of(actor))]


@router.post("/volunteers/me/deductions/{id}/appeal", response_model=DeductionOut)
def appeal(actor: Volunteer, id: uuid.UUID, body: ObjectionIn, once: OnceOnly, lang: Language) -> Response:
    """I do not agree; somebody else decides. Once, until the day that the message named."""

    def deed() -> DeductionOut:
        return _shown(board.lines(tx, [deduct.appeal(tx, id_of(actor), id, body.words)])[0], lang)

    with db.transaction(actor, "deduction.appeal") as tx:
        return once.run(tx, deed)


@router.get("/deductions", response_model=Page[DeductionOut])
def listed(
    actor: Annotated[Actor, allow("points.read")],
    lang: Language,
    appealed: bool = True,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[DeductionOut]:
    """Those of the actor's areas with an appeal that waits, or with ``appealed=false`` all others; the newest
    first."""
    with db.read(actor) as tx:
        lines = board.listed(tx, appealed=appealed, before=decode_cursor(cursor), limit=limit)
        return page(lines, limit, lambda line: _shown(line, lang), lambda line: line.row.id)


@router.post("/deductions/{id}/appeal", response_model=DeductionOut)
def appeal_for(
    actor: Annotated[Actor, allow("points.write")],
    id: uuid.UUID,
    body: ObjectionIn,
    once: OnceOnly,
    lang: Language,
) -> Response:
    """Writes down the appeal of a person who cannot send it themselves."""

    def deed() -> DeductionOut:
        return _shown(board.lines(tx, [deduct.appeal_for(tx, id, body.words)])[0], lang)

    with db.transaction(actor, "deduction.appeal") as tx:
        return once.run(tx, deed)


@router.post("/deductions/{id}/decide", response_model=DeductionOut)
def decide(
    actor: Annotated[Actor, allow("points.write")],
    id: uuid.UUID,
    body: VerdictIn,
    once: OnceOnly,
    lang: Language,
) -> Response:
    """Gives the points back or confirms; the person is told. Not what one took oneself, nor one's own."""

    def deed() -> DeductionOut:
        return _shown(board.lines(tx, [deduct.decide(tx, id, body.verdict, body.reason)])[0], lang)

    with db.transaction(actor, "deduction.decide") as tx:
        return once.run(tx, deed)


def _shown(line: DeductionLine, lang: str) -> DeductionOut:
    row = line.row
    return DeductionOut(
        id=row.public_id,
        volunteer=line.person,
        name=line.name,
        points=row.points,
        kind=pick(row.kind, lang),
        reason=row.reason,
        told=row.told,
        at=row.at,
        appeal_until=row.appeal_until,
        state=row.state,
        appeal=row.appeal,
        decision=row.decision,
    )
