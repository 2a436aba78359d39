"""A partner's counter: a code typed or scanned, what it stands for, handed over once."""

from typing import Annotated, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.access import jurisdictions
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.errors import HubError
from volunteer_hub.core.i18n import t
from volunteer_hub.flows import redeem
from volunteer_hub.incentives import rewards, rewards_rules
from volunteer_hub.web import forms, nav
from volunteer_hub.web.forms import Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.render import language_of, page

router = APIRouter(prefix="/counter")
Counter = Annotated[Actor, allow(rewards.REDEEM)]
TONES: Final = {"taken": "ok", "handed_over": "short", "returned": "short"}


@router.get("")
def ask(request: Request, actor: Counter) -> Response:
    """The field for a code."""
    return _ask(request, actor)


@router.post("")
def look(request: Request, actor: Counter, form: Sent) -> Response:
    """Leads to what a typed code stands for."""
    typed = form.text("code", 200)
    try:
        form.check()
        letters = rewards_rules.read(typed)
        with db.read(actor) as tx:
            rewards.by_code(tx, letters)
    except HubError as error:
        return _ask(request, actor, error, typed)
    return see_other(f"/counter/{letters}")


@router.get("/{code}")
def show(request: Request, actor: Counter, code: str) -> Response:
    """What the code stands for; a scanned one opens here. Opening it hands nothing over."""
    return _show(request, actor, code)


@router.post("/{code}")
def hand_over(request: Request, actor: Counter, code: str, form: Sent) -> Response:
    """Hands it over now, or at the hour that was noted on paper."""
    try:
        letters = rewards_rules.read(code)
        with db.transaction(actor, "reward.hand_over") as tx:
            known = rewards.by_code(tx, letters)
            zone = jurisdictions.by_path(tx, known.reward.area).zone
            noted = form.moment("at", zone)
            form.check()
            redeem.hand_over(tx, letters, noted)
    except HubError as error:
        if error.bars:
            raise
        return _show(request, actor, code, error)
    return see_other(f"/counter/{letters}?done=1")


def _ask(request: Request, actor: Actor, error: HubError | None = None, typed: str = "") -> Response:
    lang = language_of(request)
    words = ""
    if error is not None:
        code = error.fields[0].code if error.fields else "reward.unknown"
        words = t(lang, f"error.{code}")
    context = nav.console(request, actor, title=t(lang, "counter.title"), typed=typed, error=words)
    return page(request, "console/counter.html", status=error.status if error else 200, **context)


def _show(request: Request, actor: Actor, code: str, error: HubError | None = None) -> Response:
    lang = language_of(request)
    try:
        letters = rewards_rules.read(code)
    except HubError as unread:
        return _ask(request, actor, unread, code)
    with db.read(actor) as tx:
        known = rewards.by_code(tx, letters)
        zone = jurisdictions.by_path(tx, known.reward.area).zone
        context = nav.console(
            request,
            actor,
            title=known.reward.title,
            zone=zone,
            known=known,
            code=rewards_rules.grouped(letters),
            now=tx.now,
            done="done" in request.query_params,
            tone=TONES[known.redemption.state.value],
            errors=forms.words(lang, error) if error is not None else forms.Faults(),
        )
    return page(request, "console/counter_code.html", status=error.status if error else 200, **context)
