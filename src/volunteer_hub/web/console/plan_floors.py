"""A plan made again without one of the reserve floors that hold people back."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError
from volunteer_hub.flows import plan as planning
from volunteer_hub.incidents.models import Incident
from volunteer_hub.mobilization import plans
from volunteer_hub.web.console.board import came_back
from volunteer_hub.web.forms import Form, Sent
from volunteer_hub.web.guard import allow, see_other

router = APIRouter()


@router.post("/plans/{id:uuid}/floors/{floor:uuid}")
def again_without(
    request: Request,
    actor: Annotated[Actor, allow("plan.request")],
    id: uuid.UUID,
    floor: uuid.UUID,
    form: Sent,
) -> Response:
    """Asks for the plan again, with this floor broken for the reason given; the board follows it."""
    with db.read(actor) as tx:
        plan = plans.find(tx, "plan.request", id)
        incident = tx.get_one(Incident, plan.incident_id).public_id
    try:
        with db.transaction(actor, "plan.request") as tx:
            address = form.once(tx, request.url.path, lambda: _asked(tx, id, floor, form, incident))
    except HubError as error:
        return came_back(request, actor, incident, form, "plan", error)
    return see_other(address)


def _asked(tx: Tx, id: uuid.UUID, floor: uuid.UUID, form: Form, incident: uuid.UUID) -> str:
    reason = form.text("reason", 500)
    form.check()
    planning.again_without(tx, id, floor, reason)
    return f"/incidents/{incident}"
