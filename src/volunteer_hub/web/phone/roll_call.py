"""The roll call behind the link of whoever leads a task: one tap starts it, one for each who is safe."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.boards import field as board
from volunteer_hub.boards.field import EntryLine
from volunteer_hub.boards.leading import Led
from volunteer_hub.core import db
from volunteer_hub.core.actor import GUEST
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Gone, HubError, Refused
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.flows import lead as flow
from volunteer_hub.web.console import field, roll_calls
from volunteer_hub.web.forms import Sent
from volunteer_hub.web.guard import LINK, see_other
from volunteer_hub.web.render import Speech, language_of, page

router = APIRouter(dependencies=[LINK])


@router.get("/c/{token}/roll-call")
def show(request: Request, token: str) -> Response:
    """Who of the leader's people is missing, who is safe; before any roll call, how to start one."""
    return _page(request, token)


@router.post("/c/{token}/roll-call")
def start(request: Request, token: str) -> Response:
    """Tells everybody at the task to leave and to say that they are safe."""
    return _deed(request, token, "roll_call.start", lambda tx: flow.call_roll(tx, token))


@router.post("/c/{token}/roll-call/safe")
def safe(request: Request, token: str, form: Sent) -> Response:
    """Somebody has been seen, safe."""
    return _deed(request, token, "roll_call.mark", lambda tx: flow.mark(tx, token, field.id_in(form, "duty")))


def _deed(request: Request, token: str, name: str, deed: Callable[[Tx], Any]) -> Response:
    try:
        with db.transaction(GUEST, name) as tx:
            deed(tx)
    except (Gone, Refused) as error:
        return _page(request, token, error)
    return see_other(f"/c/{token}/roll-call")


def _page(request: Request, token: str, error: HubError | None = None) -> Response:
    lang = language_of(request)
    with db.read(GUEST) as tx:
        led = flow.by_link(tx, token)
        zone, lines = _lines(tx, led)
        speech = Speech(lang, zone)
        call = led.call
        context: dict[str, Any] = {
            "kind": led.facts.incident.kind.value,
            "call": call,
            "there": led.there,
            "people": len(lines),
            "missing": [roll_calls.shown(one, speech) for one in lines if one.entry.accounted is None],
            "safe": [roll_calls.shown(one, speech) for one in lines if one.entry.accounted is not None],
            "minutes": ((call.ended_at or tx.now) - call.started_at) // timedelta(minutes=1) if call else 0,
            "task": pick(led.facts.title, lang),
            "now": tx.now,
        }
    return page(
        request,
        "phone/roll_call.html",
        zone=zone,
        status=error.status if error else 200,
        title=t(lang, "field.call.title"),
        here=f"/c/{token}",
        error=t(lang, f"error.{error.code}", **error.params) if error else "",
        **context,
    )


def _lines(tx: Tx, led: Led) -> tuple[str, list[EntryLine]]:
    """The zone of the incident, and the leader's people on the roll call, whoever is missing first."""
    if led.call is None:
        return led.facts.zone, []
    view = board.roll_call(tx, led.call)
    return view.zone, [one for one in view.lines if one.line.facts.slot.id in led.slots]
