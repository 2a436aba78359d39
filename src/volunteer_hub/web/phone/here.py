"""The page behind the QR code on a screen: who is here, one button each. Opening it checks nobody in."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.access import sessions
from volunteer_hub.boards import duties as board
from volunteer_hub.boards import slots
from volunteer_hub.boards.duties import DutyLine
from volunteer_hub.core import db
from volunteer_hub.core.actor import GUEST
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError, Malformed, Refused, Unauthenticated
from volunteer_hub.core.i18n import pick
from volunteer_hub.flows import screen as flow
from volunteer_hub.flows.screen import Phone
from volunteer_hub.mobilization import offers
from volunteer_hub.mobilization.rules import Way
from volunteer_hub.web import device, forms
from volunteer_hub.web.console.field import id_in
from volunteer_hub.web.forms import Form, Sent
from volunteer_hub.web.guard import LINK, SESSION_COOKIE, see_other
from volunteer_hub.web.public.join import network_address
from volunteer_hub.web.render import language_of, page

router = APIRouter(prefix="/here", dependencies=[LINK])


@router.get("/{code}")
def show(request: Request, code: str) -> Response:
    """Whom this telephone may check in or out here, or a field for their six digits."""
    return _page(request, code)


@router.post("/{code}")
def check(request: Request, code: str, form: Sent) -> Response:
    """In, or out, of whoever is named, or whose digits they are."""
    digits, named = form.text("digits", 20), bool(form.text("who", 40))
    try:
        with db.transaction(GUEST, "duty.check_in") as tx:
            phone = _phone(tx, request)
            if named:
                line = flow.check_carried(tx, code, phone, id_in(form, "who"), _way(form))
                return see_other(_duty_page(line))
            found = flow.check_digits(tx, code, phone, digits)
    except HubError as error:
        if error.bars:
            raise
        return _page(request, code, error, digits)
    return _page(request, code, None if found else Refused("duty.code"), digits, done=found)


def _way(form: Form) -> Way:
    try:
        return Way(form.text("way", 3))
    except ValueError:
        raise Malformed("form") from None


def _duty_page(line: DutyLine) -> str:
    return f"/c/{offers.link_token(line.offer.public_id)}/duty"


def _phone(tx: Tx, request: Request) -> Phone:
    links, device_hash = tuple(device.links(request)), device.seen(request).device
    return Phone(links, _signed_in(tx, request), network_address(request), device_hash)


def _signed_in(tx: Tx, request: Request) -> int | None:
    """The volunteer whose session the telephone carries."""
    cookie = request.cookies.get(SESSION_COOKIE)
    try:
        actor = sessions.actor_of_session(tx, cookie) if cookie else None
    except Unauthenticated:
        return None
    return actor.id if actor is not None and actor.kind == "volunteer" else None


def _page(
    request: Request,
    code: str,
    error: HubError | None = None,
    digits: str = "",
    done: DutyLine | None = None,
) -> Response:
    lang = language_of(request)
    with db.transaction(GUEST, "session.read") as tx:  # reading a session prolongs it
        task, phone = flow.task_of(tx, code), _phone(tx, request)
        facts = next(iter(slots.of_task(tx, task.id).values()))
        fresh, now = flow.counts(code, tx.now), tx.now
        people = [_shown(line, lang) for line in board.carried(tx, task.id, phone.links, phone.volunteer_id)]
    shown = page(
        request,
        "phone/here.html",
        zone=facts.zone,
        status=error.status if error is not None else 200,
        title=pick(facts.title, lang),
        kind=facts.incident.kind.value,
        place=pick(facts.place, lang),
        here=f"/here/{code}",
        people=people,
        fresh=fresh,
        digits=digits,
        done=done.duty if done is not None else None,
        error=" ".join(forms.words(lang, error).values()) if error is not None else "",
        now=now,
    )
    return device.remembered(request, shown)


def _shown(line: DutyLine, lang: str) -> dict[str, Any]:
    """One person of this telephone, and which end of their duty comes next."""
    return {
        "name": line.name or "",
        "role": pick(line.facts.role, lang),
        "duty": line.duty,
        "way": flow.due(line.duty).value,
        "link": _duty_page(line),
    }
