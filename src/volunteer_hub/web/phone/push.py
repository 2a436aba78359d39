"""Notifications on this device, turned on and off by the script of my page; without it there are none."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from volunteer_hub.core import db
from volunteer_hub.flows import push
from volunteer_hub.flows.push import Subscription
from volunteer_hub.web.forms import Sent
from volunteer_hub.web.guard import SESSION_COOKIE, Volunteer

router = APIRouter(prefix="/me/push")


@router.post("")
def turn_on(request: Request, actor: Volunteer, form: Sent) -> Response:
    """This browser's subscription is mine; a first notification goes there."""
    assert actor.id is not None
    given = Subscription(*(form.text(name) for name in ("endpoint", "p256dh", "auth")))
    with db.transaction(actor, "me.push_on") as tx:
        push.turn_on(tx, actor.id, given, request.cookies[SESSION_COOKIE])
    return Response(status_code=204)


@router.post("/known")
def known(actor: Volunteer, form: Sent) -> JSONResponse:
    """Whether this browser's subscription is mine."""
    assert actor.id is not None
    with db.read(actor) as tx:
        return JSONResponse({"on": push.is_on(tx, actor.id, form.text("endpoint"))})


@router.post("/off")
def turn_off(actor: Volunteer, form: Sent) -> Response:
    """Nothing more is sent to this browser."""
    assert actor.id is not None
    with db.transaction(actor, "me.push_off") as tx:
        push.turn_off(tx, actor.id, form.text("endpoint"))
    return Response(status_code=204)
