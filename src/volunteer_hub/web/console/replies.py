"""What became of everybody whom a callout asked: counts, each opening its list."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.boards import replies as board
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_cursor, encode_cursor
from volunteer_hub.core.i18n import t
from volunteer_hub.incidents.models import Incident
from volunteer_hub.mobilization import callouts
from volunteer_hub.mobilization.reply_rules import Became
from volunteer_hub.web import nav
from volunteer_hub.web.guard import allow
from volunteer_hub.web.render import language_of, page

router = APIRouter()


@router.get("/callouts/{id:uuid}/replies")
def show(
    request: Request,
    actor: Annotated[Actor, allow("offer.read")],
    id: uuid.UUID,
    which: Became | None = None,
    cursor: str = "",
) -> Response:
    """The counts, and the people behind the one that is opened."""
    lang = language_of(request)
    with db.read(actor) as tx:
        callout = callouts.find(tx, "offer.read", id)
        incident = tx.get_one(Incident, callout.incident_id)
        found = board.counted(tx, callout)
        after = decode_cursor(cursor or None) or 0
        people, further = board.listed(tx, callout, which, after) if which is not None else ([], None)
        context = nav.console(
            request,
            actor,
            title=t(lang, "callouts.became.title", title=incident.title),
            kind=callout.kind.value,
            zone="UTC",
            here=f"/callouts/{id}",
            counts=[(one.value, found.counts[one]) for one in Became if found.counts.get(one)],
            changed=found.changed,
            acknowledged=found.acknowledged,
            which=which.value if which is not None else "",
            people=people,
            names=board.names(tx, [one.volunteer for one in people]),
            further=f"?which={which}&cursor={encode_cursor(further)}" if further is not None else "",
        )
        return page(request, "console/replies.html", **context)
