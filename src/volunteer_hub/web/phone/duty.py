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
from volunteer_hub.feedback.evaluation_rules import Side
from volunteer_hub.flows import duty as flow
from volunteer_hub.flows import evaluate as evaluation
from volunteer_hub.flows import field, presence, review, roll_call
from volunteer_hub.flows.presence import Position, Proof
from volunteer_hub.mobilization import places
from volunteer_hub.mobilization.models import Duty
from volunteer_hub.mobilization.rules import DutyState
from volunteer_hub.web import device, evaluating, forms, harm
from volunteer_hub.web.console.field import id_in
from volunteer_hub.web.forms import Sent
from volunteer_hub.web.guard import LINK, see_other
from volunteer_hub.web.render import language_of, page

router = APIRouter(dependencies=[LINK])


@router.get("/c/{token}/duty")
def show(request: Request, token: str) -> Response:
    """Where to be, or since when there, or what it has earned."""
    return _show(request, token)


@router.post("/c/{token}/duty/check-in")
def check_in(request: Request, token: str, form: Sent) -> Response:
    """I am here, by code or by position."""
    return _check(request, token, form, "duty.check_in", presence.check_in)


@router.post("/c/{token}/duty/on-my-way")
def on_my_way(request: Request, token: str, minutes: Annotated[str, Form(max_length=10)] = "") -> Response:
    """I have set out, and am there in so many minutes."""
    there = int(minutes) if minutes.isascii() and minutes.isdigit() else -1
    return _deed(
        request, token, "duty.on_my_way", lambda tx: field.on_my_way(tx, flow.by_link(tx, token), there)
    )


@router.post("/c/{token}/duty/ok")
def ok(request: Request, token: str) -> Response:
    """I am OK."""
    return _deed(request, token, "duty.ok", lambda tx: field.ok(tx, flow.by_link(tx, token)))


@router.post("/c/{token}/duty/safe")
def safe(request: Request, token: str) -> Response:
    """I have left and am safe."""
    return _deed(request, token, "duty.safe", lambda tx: roll_call.safe(tx, flow.by_link(tx, token)))


@router.post("/c/{token}/duty/injury")
def injury(request: Request, token: str, form: Sent) -> Response:
    """Somebody was hurt or exposed, or nearly."""

    def deed(tx: Tx) -> None:
        duty = flow.by_link(tx, token)
        what = harm.happened(form, tx.now)
        form.check()
        field.injured_by_own(tx, duty, what, to_me=form.flag("to_me"))

    return _deed(request, token, "duty.injury", deed, form=form, done="?told=1")


@router.post("/c/{token}/duty/check-out")
def check_out(request: Request, token: str, form: Sent) -> Response:
    """I am going, by code or by position."""
    return _check(request, token, form, "duty.check_out", presence.check_out)


@router.post("/c/{token}/duty/appeal")
def appeal(request: Request, token: str, form: Sent) -> Response:
    """I do not agree with what was decided of my hours."""

    def deed(tx: Tx) -> None:
        words = form.text("words")
        form.check()
        review.appeal(tx, flow.by_link(tx, token), words)

    return _deed(request, token, "hours.appeal", deed)


@router.post("/c/{token}/duty/evaluation")
def evaluate(request: Request, token: str, form: Sent) -> Response:
    """How I was led."""

    def deed(tx: Tx) -> Any:
        marks = evaluating.marks(form)
        return evaluation.by_volunteer(tx, flow.by_link(tx, token), marks, form.text("words"))

    return _deed(request, token, "evaluation.write", deed)


@router.post("/c/{token}/duty/reply")
def reply(request: Request, token: str, form: Sent) -> Response:
    """My word about what was said of me."""

    def deed(tx: Tx) -> Any:
        flow.by_link(tx, token)
        return evaluation.reply(tx, id_in(form, "evaluation"), form.text("words"))

    return _deed(request, token, "evaluation.reply", deed)


def _check(
    request: Request, token: str, form: forms.Form, name: str, check: Callable[[Tx, Duty, Proof], Any]
) -> Response:
    typed = form.text("code", 20)

    def deed(tx: Tx) -> None:
        proof = Proof(typed, position(form), device=device.seen(request).device)
        form.check()
        check(tx, flow.by_link(tx, token), proof)

    return _deed(request, token, name, deed, typed or None)


def position(form: forms.Form) -> Position | None:
    """Where the telephone believes to be, when the script has asked it."""
    lat, lon, accuracy = (form.decimal(name) for name in ("lat", "lon", "accuracy"))
    return None if lat is None or lon is None or accuracy is None else Position(lat, lon, accuracy)


def _deed(
    request: Request,
    token: str,
    name: str,
    deed: Callable[[Tx], Any],
    typed: str | None = None,
    *,
    form: forms.Form | None = None,
    done: str = "",
) -> Response:
    try:
        with db.transaction(GUEST, name) as tx:
            deed(tx)
    except HubError as error:
        return _show(request, token, error, typed, form)
    return see_other(f"/c/{token}/duty{done}")


def _show(
    request: Request,
    token: str,
    error: HubError | None = None,
    typed: str | None = None,
    form: forms.Form | None = None,
) -> Response:
    lang = language_of(request)
    try:
        with db.read(GUEST) as tx:
            view = board.view(tx, token)
    except NotFound as unknown:
        words = t(lang, f"error.{unknown.code}")
        title = t(lang, "callouts.unknown.title")
        return page(request, "phone/callout_unknown.html", status=404, title=title, words=words)
    faults = forms.words(lang, error) if error is not None else forms.Faults()
    seen = view.seen
    words = evaluating.fault(lang, error) if error is not None and form is None else ""
    shown = page(
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
        ways=[(str(n), t(lang, "field.page.in_minutes", n=n)) for n in view.ways],
        harm=harm.choices(lang),
        asked=evaluating.asked(Side.LEADER, lang),
        told="told" in request.query_params,
        faults=faults if form is not None else forms.Faults(),
        typed=form.typed if form is not None else {},
        error=words if typed is None else "",
        code_error=words if typed is not None else "",
    )
    return device.carrying(request, device.remembered(request, shown), token)


def _state(view: DutyView) -> str:
    """``none`` where there is nothing to come to, else the state of the duty."""
    if view.duty is None or view.duty.state is DutyState.CANCELLED:
        return "none"
    return view.duty.state.value
