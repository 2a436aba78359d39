"""/messages: what the signed-in account was told, and how messages fare."""

import uuid
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter

from volunteer_hub.api.guard import Language, SignedIn, allow
from volunteer_hub.api.pages import Cursor, Limit, Out, Page, page
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_cursor
from volunteer_hub.flows import deliver
from volunteer_hub.notify import inbox
from volunteer_hub.notify.models import Message
from volunteer_hub.notify.rules import Channel, Kind, State

router = APIRouter(prefix="/messages", tags=["messages"])


class MessageOut(Out):
    """One thing the account was told, in the reader's language."""

    id: uuid.UUID
    at: datetime
    kind: Kind
    purpose: str
    subject: str
    text: str


class MessageCounts(Out):
    """How many messages of the actor's areas are in each state."""

    by_state: dict[State, int]


class UnreachedOut(Out):
    """A message that reached nobody: ``error`` is what the gateway or the line said, null where its time was
    simply over."""

    id: uuid.UUID
    at: datetime
    kind: Kind
    purpose: str
    channel: Channel
    state: State
    attempts: int
    error: str | None


@router.get("")
def listed(actor: SignedIn, lang: Language, limit: Limit = 50, cursor: Cursor = None) -> Page[MessageOut]:
    """My console messages, the newest first."""
    with db.read(actor) as tx:
        rows = inbox.mine(tx, before=decode_cursor(cursor), limit=limit + 1)
        words = deliver.read_out(tx, rows, lang)

        def view(row: Message) -> MessageOut:
            said = words[row.id]
            return MessageOut(
                id=row.public_id,
                at=row.created_at,
                kind=row.kind,
                purpose=row.purpose,
                subject=said.subject,
                text=said.body,
            )

        return page(rows, limit, view, lambda row: int(row.id))


@router.get("/counts")
def counts(actor: Annotated[Actor, allow("callout.read")]) -> MessageCounts:
    """Queued, sent, delivered, failed, expired: nothing ends in silence."""
    with db.read(actor) as tx:
        return MessageCounts(by_state=inbox.counts(tx))


@router.get("/unreached")
def unreached(
    actor: Annotated[Actor, allow("callout.read")], limit: Limit = 50, cursor: Cursor = None
) -> Page[UnreachedOut]:
    """Messages that failed for good or came too late, and why; the newest first."""
    with db.read(actor) as tx:
        rows = inbox.unreached(tx, before=decode_cursor(cursor), limit=limit + 1)

        def view(row: Message) -> UnreachedOut:
            return UnreachedOut(
                id=row.public_id,
                at=row.created_at,
                **{
                    name: getattr(row, name) for name in UnreachedOut.model_fields if name not in ("id", "at")
                },
            )

        return page(rows, limit, view, lambda row: int(row.id))
