"""The start: everybody is led to the page they work with."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.core.errors import Unauthenticated
from volunteer_hub.web.guard import PUBLIC, actor_at, see_other

router = APIRouter(dependencies=[PUBLIC])


@router.get("/")
def start(request: Request) -> Response:
    """Staff to the incidents, a partner to the counter, volunteers to their day, guests to the way in."""
    try:
        actor = actor_at(request)
    except Unauthenticated:
        return see_other("/login")
    if actor.kind == "volunteer":
        return see_other("/today")
    counter = actor.may("reward.redeem") and not actor.may("incident.read")
    return see_other("/counter" if counter else "/incidents")
