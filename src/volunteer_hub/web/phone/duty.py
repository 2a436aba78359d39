"""Coming and going, behind the link of an accepted callout: one button each, without account or script."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from volunteer_hub.boards import duty_page as board
from volunteer_hub.boards.duty_page import DutyView
from volunteer_hub.core import clock, db
from volunteer_hub.core.actor import GUEST
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError, NotFound
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.flows import duty as flow
from volunteer_hub.mobilization import places
from volunteer_hub.mobilization.rules import DutyState
from volunteer_hub.web.guard import LINK, see_other
from volunteer_hub.web.render import language_of, page

router = APIRouter(dependencies=[LINK])

Code = Annotated[str, Form(max_length=20)]


@router.get("/c/{token}/duty")
def show(request: Request, token: str) -> Response:
    """Where to be, or since when there, or what it has earned."""
    return _show(request, token)


@router.post("/c/{token}/duty/check-in")
def check_in(request: Request, token: str, code: Code = "") -> Response:
    """I am here."""
    return _deed(
        request, token, "duty.check_in", lambda tx: flow.check_in(tx, flow.by_link(tx, token), code), code
    )


@router.post("/c/{token}/duty/check-out")
def check_out(request: Request, token: str, code: Code = "") -> Response:
    """I am going."""
    return _deed(
        request, token, "duty.check_out", lambda tx: flow.check_out(tx, flow.by_link(tx, token), code), code
    )


def _deed(request: Request, token: str, name: str, deed: Callable[[Tx], Any], typed: str) -> Response:
    try:
        with db.transaction(GUEST, name) as tx:
            deed(tx)
    except HubError as error:
        return _show(request, token, error, typed)
    return see_other(f"/c/{token}/duty")


def _show(request: Request, token: str, error: HubError | None = None, typed: str | None = None) -> Response:
    lang = language_of(request)
    try:
        with db.read(GUEST) as tx:
            view = board.view(tx, token)
    except NotFound as unknown:
        words = t(lang, f"error.{unknown.code}")
        title = t(lang, "callouts.unknown.title")
        return page(request, "phone/callout_unknown.html", status=404, title=title, words=words)
    seen = view.seen
    return page(
        request,
        "phone/duty.html",
        zone=seen.facts.zone,
        status=error.status if error is not None else 200,
        title=pick(seen.facts.title, lang),
        kind=seen.callout.kind.value,
        view=view,
        state=_state(view),
        code=typed if typed is not None else places.duty_code(seen.offer),
        role=pick(seen.facts.role, lang),
        here=f"/c/{token}",
        now=clock.now(),
        error=t(lang, f"error.{error.code}", **error.params) if error is not None else "",
    )


def _state(view: DutyView) -> str:
    """``none`` where there is nothing to come to, else the state of the duty."""
    if view.duty is None or view.duty.state is DutyState.CANCELLED:
        return "none"
    return view.duty.state.value
