"""The people behind a count of a plan's funnel, each with what stops them."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.boards.funnel import COULD
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_cursor, encode_cursor
from volunteer_hub.core.errors import NotFound
from volunteer_hub.core.i18n import t
from volunteer_hub.flows import ahead
from volunteer_hub.incidents.models import Incident
from volunteer_hub.mobilization import plans
from volunteer_hub.web import nav
from volunteer_hub.web.guard import allow
from volunteer_hub.web.render import language_of, page

router = APIRouter()


@router.get("/plans/{id:uuid}/funnel/{step}")
def people(
    request: Request,
    actor: Annotated[Actor, allow("volunteer.read")],
    id: uuid.UUID,
    step: str,
    cursor: str = "",
) -> Response:
    """So many of the pool looked at, and those of them who are in the count."""
    lang = language_of(request)
    if step not in ahead.LISTS:
        raise NotFound("not_found")
    with db.read(actor) as tx:
        plan = plans.find(tx, "plan.read", id)
        incident = tx.get_one(Incident, plan.incident_id)
        found = ahead.people(tx, plan, step, decode_cursor(cursor or None) or 0)
        further = f"?cursor={encode_cursor(found.further)}" if found.further is not None else ""
        context = nav.console(
            request,
            actor,
            title=t(lang, "funnel.people", step=ahead.label(step, lang)),
            kind=incident.kind.value,
            zone="UTC",
            plan=plan,
            incident=incident,
            rows=[(one.volunteer, one.step == COULD, ahead.reason(one, lang)) for one in found.people],
            looked_at=found.looked_at,
            further=further,
        )
        return page(request, "console/funnel.html", **context)
