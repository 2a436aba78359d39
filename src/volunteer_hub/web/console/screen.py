"""The check-in screen of a task: a code that whoever stands before it scans with their own telephone."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.boards import slots
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.errors import NotFound
from volunteer_hub.core.i18n import pick
from volunteer_hub.flows import screen as flow
from volunteer_hub.incidents import queries
from volunteer_hub.web import nav, qr
from volunteer_hub.web.guard import allow
from volunteer_hub.web.render import language_of, page

router = APIRouter()


@router.get("/tasks/{id:uuid}/screen")
def show(request: Request, actor: Annotated[Actor, allow("duty.write")], id: uuid.UUID) -> Response:
    """Its code at this moment."""
    lang = language_of(request)
    with db.read(actor) as tx:
        task = queries.find_task(tx, "duty.write", id)
        facts = next(iter(slots.of_task(tx, task.id).values()), None)
        if facts is None:
            raise NotFound("not_found")
        shown = flow.shown(task, tx.now)
        context = nav.console(
            request,
            actor,
            title=pick(facts.title, lang),
            kind=facts.incident.kind.value,
            zone=facts.zone,
            place=pick(facts.place, lang),
            shown=shown,
            picture=qr.picture(shown.address),
            where=f"/tasks/{id}/screen",
            back=f"/incidents/{facts.incident.public_id}/field",
        )
    return page(request, "console/screen.html", **context)
