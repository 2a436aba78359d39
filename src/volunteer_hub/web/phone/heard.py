"""What was changed because of somebody: read by their own link, without account or script."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.boards import actions as board
from volunteer_hub.core import db
from volunteer_hub.core.actor import GUEST
from volunteer_hub.core.errors import NotFound
from volunteer_hub.core.i18n import t
from volunteer_hub.feedback.actions_rules import ActionState
from volunteer_hub.web.guard import LINK
from volunteer_hub.web.render import language_of, page

router = APIRouter(dependencies=[LINK])
_TONES = {ActionState.DONE: "ok", ActionState.PROVEN: "ok"}


@router.get("/h/{token}")
def show(request: Request, token: str) -> Response:
    """What they had raised, what was changed, whether a drill has shown that it holds."""
    lang = language_of(request)
    try:
        with db.read(GUEST) as tx:
            heard = board.heard(tx, token)
    except NotFound:
        title, words = t(lang, "survey.page.unknown"), t(lang, "survey.page.unknown.text")
        return page(request, "phone/callout_unknown.html", status=404, title=title, words=words)
    return page(
        request,
        "phone/heard.html",
        zone=heard.zone,
        title=heard.action.title,
        heard=heard,
        tone=_TONES.get(heard.action.state, "watch"),
        word=t(lang, f"heard.state.{heard.action.state}"),
    )
