"""A volunteer's own day: what waits for an answer, where to be, what it has earned."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.boards import today as board
from volunteer_hub.core import db
from volunteer_hub.core.i18n import t
from volunteer_hub.mobilization.rules import OfferState
from volunteer_hub.web.guard import Volunteer
from volunteer_hub.web.render import language_of, page

router = APIRouter()

TONES = {
    OfferState.ASKED: "watch",
    OfferState.ACCEPTED: "ok",
    OfferState.STANDING_BY: "info",
    OfferState.ON_SITE: "ok",
    OfferState.DONE: "ok",
    OfferState.NO_SHOW: "watch",
}


@router.get("/today")
def show(request: Request, actor: Volunteer) -> Response:
    """My day."""
    assert actor.id is not None
    with db.read(actor) as tx:
        today, now = board.of(tx, actor.id), tx.now
    return page(
        request,
        "phone/today.html",
        zone=today.zone,
        title=t(language_of(request), "today.title"),
        today=today,
        now=now,
        tone=lambda state: TONES.get(state, "quiet"),
    )
