"""Buttons of a running callout: hold it, let it go on, send the next wave now, look farther away."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.core.actor import Actor
from volunteer_hub.flows import waves
from volunteer_hub.web.console.callouts import deed
from volunteer_hub.web.forms import Sent
from volunteer_hub.web.guard import allow

router = APIRouter()


@router.post("/callouts/{id:uuid}/hold")
def hold(request: Request, actor: Annotated[Actor, allow("callout.send")], id: uuid.UUID) -> Response:
    """No further wave goes out by itself."""
    return deed(request, actor, id, "callout.send", waves.hold)


@router.post("/callouts/{id:uuid}/resume")
def resume(request: Request, actor: Annotated[Actor, allow("callout.send")], id: uuid.UUID) -> Response:
    """Waves go out by the forecast again."""
    return deed(request, actor, id, "callout.send", waves.resume)


@router.post("/callouts/{id:uuid}/wave")
def wave(
    request: Request, actor: Annotated[Actor, allow("callout.send")], id: uuid.UUID, form: Sent
) -> Response:
    """The next wave now: so many people for each role as typed, else as many as it takes."""
    people = form.whole("people") if form.text("people", 10) else None
    return deed(request, actor, id, "callout.send", lambda tx, callout: waves.send_now(tx, callout, people))


@router.post("/callouts/{id:uuid}/widen")
def widen(
    request: Request, actor: Annotated[Actor, allow("callout.send")], id: uuid.UUID, form: Sent
) -> Response:
    """Further people are looked for, so many km away."""
    km = form.whole("km")
    return deed(request, actor, id, "callout.send", lambda tx, callout: waves.widen(tx, callout, km))
