"""Words of one's own to people: to everybody coming to an incident and on site there, or to one person."""

import uuid
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import ConfigDict, Field

from volunteer_hub.api.guard import allow
from volunteer_hub.api.pages import Cursor, In, Limit, OnceOnly, Out, Page, page
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_cursor
from volunteer_hub.core.db import Tx
from volunteer_hub.flows import note as flow
from volunteer_hub.flows.note import Ahead, Audience, Who
from volunteer_hub.incidents import queries
from volunteer_hub.notify import notes
from volunteer_hub.notify.note_models import Note
from volunteer_hub.notify.notes import LONGEST
from volunteer_hub.notify.rules import Channel, Kind

router = APIRouter(tags=["notes"])

Sender = Annotated[Actor, allow(flow.TO_MANY)]
Replier = Annotated[Actor, allow(flow.TO_ONE)]
Words = Annotated[str, Field(min_length=1, max_length=LONGEST)]


class ToManyIn(In):
    """Everybody who is coming or on site, of the incident or one ``callout`` or ``slot`` of it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"words": "The bridge is closed. Come by Dongfeng Street."}]}
    )
    words: Words
    callout: uuid.UUID | None = None
    slot: uuid.UUID | None = None
    who: Who = Who.BOTH


class ToOneIn(In):
    """``answering``: a text of theirs that waits to be read, which is dealt with by this."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"words": "Gate 3, beside the pump."}]})
    words: Words
    answering: uuid.UUID | None = None


class AheadOut(Out):
    """What sending would do now. ``by``: people by the channel that reaches them; ``cost`` in thousandths of
    ``currency``, text messages of so many ``parts`` at most. ``behind_link``: text messages go by approved
    template, and the words are read behind their link; without ``approved`` they cannot be sent at all.
    ``read_as``: the words as they are read, by language."""

    people: int
    unreachable: int
    by: dict[Channel, int]
    parts: int
    cost: int
    currency: str
    behind_link: bool
    approved: bool
    read_as: dict[str, str]


class NoteOut(Out):
    """What was written. ``words`` are null once they were taken away."""

    id: uuid.UUID
    at: datetime
    kind: Kind
    people: int
    words: str | None


@router.post("/incidents/{id}/notes/preview")
def preview(actor: Sender, id: uuid.UUID, body: ToManyIn) -> AheadOut:
    """Sends nothing."""
    with db.read(actor) as tx:
        return _ahead(flow.ahead(tx, _audience(tx, id, body), body.words))


@router.post("/incidents/{id}/notes", status_code=201, response_model=NoteOut)
def send(actor: Sender, once: OnceOnly, id: uuid.UUID, body: ToManyIn) -> JSONResponse:
    """Queued to everybody at once, REAL or DRILL first."""
    with db.transaction(actor, "note.send") as tx:
        return once.run(
            tx, lambda: _note(flow.send(tx, _audience(tx, id, body), body.words), body.words), 201
        )


@router.get("/incidents/{id}/notes")
def listed(actor: Sender, id: uuid.UUID, limit: Limit = 50, cursor: Cursor = None) -> Page[NoteOut]:
    """What was written to its people, the newest first."""
    with db.read(actor) as tx:
        incident = queries.find(tx, flow.TO_MANY, id)
        rows = notes.of_incident(tx, incident.id, before=decode_cursor(cursor), limit=limit + 1)
        words = notes.read(tx, rows)
        return page(rows, limit, lambda row: _note(row, words.get(row.id)), lambda row: int(row.id))


@router.post("/volunteers/{id}/notes", status_code=201, response_model=NoteOut)
def reply(actor: Replier, once: OnceOnly, id: uuid.UUID, body: ToOneIn) -> JSONResponse:
    """Queued to one person, about what they are asked or expected at just now."""
    with db.transaction(actor, "note.reply") as tx:
        return once.run(
            tx, lambda: _note(flow.to_person(tx, id, body.words, body.answering), body.words), 201
        )


def _audience(tx: Tx, id: uuid.UUID, body: ToManyIn) -> Audience:
    return flow.audience(tx, id, body.callout, body.slot, body.who)


def _ahead(found: Ahead) -> AheadOut:
    return AheadOut(
        people=found.people,
        unreachable=found.unreachable,
        by=dict(found.by),
        parts=found.parts,
        cost=found.thousandths,
        currency=found.currency,
        behind_link=found.behind_link,
        approved=found.approved,
        read_as=dict(found.read_as),
    )


def _note(row: Note, words: str | None) -> NoteOut:
    return NoteOut(id=row.public_id, at=row.at, kind=row.kind, people=row.people, words=words)
