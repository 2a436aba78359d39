"""The rule by which re-plans of an incident are applied by themselves, set from the board."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.errors import HubError
from volunteer_hub.flows import proposing
from volunteer_hub.incidents import queries
from volunteer_hub.web.console.board import came_back
from volunteer_hub.web.forms import Sent
from volunteer_hub.web.guard import allow, see_other

router = APIRouter()


@router.post("/incidents/{id:uuid}/replan-rule")
def set_rule(
    request: Request, actor: Annotated[Actor, allow("plan.approve")], id: uuid.UUID, form: Sent
) -> Response:
    """Switches it on for so many orders, or off where the field is empty."""
    try:
        with db.transaction(actor, "plan.rule") as tx:
            most = form.whole("most") if form.text("most", 10) else None
            reason = form.text("reason", 500)
            form.check()
            proposing.set_rule(tx, queries.find(tx, "plan.approve", id), most, reason)
    except HubError as error:
        return came_back(request, actor, id, form, "rule", error)
    return see_other(f"/incidents/{id}")
