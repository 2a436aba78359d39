"""Texts that people sent and the program did not understand: read, and answered on their behalf."""

import uuid
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import AwareDatetime, ConfigDict, Field

from volunteer_hub.api.guard import Language, allow
from volunteer_hub.api.pages import Cursor, In, Limit, Out, Page, page
from volunteer_hub.boards import unclear as board
from volunteer_hub.boards.unclear import Asked, UnclearLine
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_cursor
from volunteer_hub.core.i18n import pick
from volunteer_hub.flows import unclear as flow
from volunteer_hub.flows.unclear import Choice
from volunteer_hub.mobilization.desk import LONGEST_WAY
from volunteer_hub.mobilization.rules import Kind, OfferState

router = APIRouter(prefix="/unclear-replies", tags=["replies"])

Clerk = Annotated[Actor, allow("duty.write")]


class QuestionOut(Out):
    """A question that the text may be about."""

    offer: uuid.UUID
    letter: str | None
    kind: Kind
    state: OfferState
    name: str | None
    task: str
    role: str
    starts_at: datetime


class UnclearOut(Out):
    """A text that waits for a person. ``words`` are null once its sender was forgotten; ``claimed_by`` is
    whoever else is working on it."""

    id: uuid.UUID
    at: datetime
    words: str | None
    number: str | None
    claimed_by: str | None
    questions: list[QuestionOut]


class OnBehalfIn(In):
    """What the text means: ``minutes_there`` goes with a yes, ``from`` with "later"."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"offer": "0193c2f0-0000-7000-8000-000000000001", "choice": "yes"}]}
    )
    offer: uuid.UUID
    choice: Choice
    minutes_there: int | None = Field(None, ge=0, le=LONGEST_WAY)
    from_when: AwareDatetime | None = Field(None, alias="from")


class WriterIn(In):
    """Who wrote."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"volunteer": "0193c2f0-0000-7000-8000-000000000001"}]}
    )
    volunteer: uuid.UUID


class AnsweredOut(Out):
    """How the offer stands now."""

    state: OfferState


@router.get("")
def listed(actor: Clerk, language: Language, limit: Limit = 50, cursor: Cursor = None) -> Page[UnclearOut]:
    """The oldest first."""
    with db.read(actor) as tx:
        rows = board.waiting(tx, after=decode_cursor(cursor), limit=limit + 1)
        return page(rows, limit, lambda row: _shown(row, language), lambda row: int(row.text.id))


@router.post("/{id}/claim", status_code=204)
def claim(actor: Clerk, id: uuid.UUID) -> None:
    """Keeps others off it for five minutes."""
    with db.transaction(actor, "reply.claim") as tx:
        flow.claim(tx, id)


@router.post("/{id}/answer")
def answer(actor: Clerk, id: uuid.UUID, body: OnBehalfIn) -> AnsweredOut:
    """Answers a question on behalf of whoever wrote; the trail keeps who did."""
    with db.transaction(actor, "offer.on_behalf") as tx:
        answered = flow.answer(tx, id, body.offer, body.choice, body.minutes_there, body.from_when)
        return AnsweredOut(state=answered.offer.state)


@router.post("/{id}/attach", status_code=204)
def attach(actor: Clerk, id: uuid.UUID, body: WriterIn) -> None:
    """Says who wrote from an unknown number: the text answers what they were asked. Their addresses stay."""
    with db.transaction(actor, "reply.attach") as tx:
        flow.attach(tx, id, body.volunteer)


@router.post("/{id}/ignore", status_code=204)
def ignore(actor: Clerk, id: uuid.UUID) -> None:
    """Nothing is to be done about it."""
    with db.transaction(actor, "reply.ignore") as tx:
        flow.ignore(tx, id)


def _shown(line: UnclearLine, language: str) -> UnclearOut:
    return UnclearOut(
        id=line.text.public_id,
        at=line.text.at,
        words=line.written.words if line.written is not None else None,
        number=line.written.number if line.written is not None else None,
        claimed_by=line.claimed_by,
        questions=[_question(asked, language) for asked in line.asked],
    )


def _question(asked: Asked, language: str) -> QuestionOut:
    offer = asked.question.offer
    return QuestionOut(
        offer=offer.public_id,
        letter=asked.question.letter,
        kind=asked.question.callout.kind,
        state=offer.state,
        name=asked.name,
        task=pick(asked.facts.title, language),
        role=pick(asked.facts.role, language),
        starts_at=offer.starts_at,
    )
