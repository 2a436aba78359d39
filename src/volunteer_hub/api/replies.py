"""What became of everybody whom a callout asked, whether they answered or not."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from volunteer_hub.api.guard import allow
from volunteer_hub.api.pages import Cursor, Limit, Out, Page
from volunteer_hub.boards import replies as board
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_cursor, encode_cursor
from volunteer_hub.mobilization import callouts
from volunteer_hub.mobilization.reply_rules import Became
from volunteer_hub.mobilization.rules import DeclineReason

router = APIRouter(tags=["callouts"])


class RepliesOut(Out):
    """In people; ``declined`` tells why those said no who did."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "counts": {"delivered": 30, "declined": 4, "accepted": 12},
                    "declined": {"busy": 4},
                    "changed": 12,
                    "acknowledged": 9,
                }
            ]
        }
    )
    counts: dict[Became, int]
    declined: dict[DeclineReason, int]
    changed: int = Field(description="told of a change of place or time, of those coming")
    acknowledged: int = Field(description="of these, who confirmed it")


class ReplyOut(Out):
    offer: UUID
    volunteer: UUID
    became: Became
    reason: DeclineReason | None


@router.get("/callouts/{id}/replies")
def counts(id: UUID, actor: Annotated[Actor, allow("callout.read")]) -> RepliesOut:
    """Everybody asked, in ten kinds: from not sent to accepted, with wrong numbers and who is gone."""
    with db.read(actor) as tx:
        found = board.counted(tx, callouts.find(tx, "callout.read", id))
        return RepliesOut(
            counts=found.counts,
            declined=found.reasons,
            changed=found.changed,
            acknowledged=found.acknowledged,
        )


@router.get("/callouts/{id}/replies/{became}")
def people(
    id: UUID,
    became: Became,
    actor: Annotated[Actor, allow("offer.read")],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ReplyOut]:
    """The people behind one of the counts."""
    with db.read(actor) as tx:
        callout = callouts.find(tx, "offer.read", id)
        found, further = board.listed(tx, callout, became, decode_cursor(cursor) or 0, limit)
        return Page(
            items=[
                ReplyOut(offer=one.offer, volunteer=one.volunteer, became=one.became, reason=one.reason)
                for one in found
            ],
            next=encode_cursor(further) if further is not None else None,
        )
