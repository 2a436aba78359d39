"""Whoever is asked to be a newcomer's mentor says yes or no. Plain forms, no script."""

import uuid

from fastapi import APIRouter
from fastapi.responses import Response

from volunteer_hub.core import db
from volunteer_hub.flows import introduce
from volunteer_hub.web.forms import Sent
from volunteer_hub.web.guard import Volunteer, see_other

router = APIRouter(prefix="/me/mentoring")


@router.post("/{id:uuid}")
def answer(actor: Volunteer, id: uuid.UUID, form: Sent) -> Response:
    """I will, or I will not."""
    assert actor.id is not None
    with db.transaction(actor, "introduction.answer") as tx:
        introduce.answer(tx, actor.id, id, agrees=form.flag("agree"))
    return see_other("/me")
