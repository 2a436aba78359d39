"""A course's test on the phone: begun with one button, answered in one form, judged by the server's clock."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.boards import assessment as board
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.errors import HubError, NotFound
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.flows import assess
from volunteer_hub.training.rules import AttemptState
from volunteer_hub.web.forms import Form, Sent
from volunteer_hub.web.guard import Volunteer, see_other
from volunteer_hub.web.render import language_of, page

router = APIRouter(prefix="/learn/courses/{code}/test")
_DIGITS = 2


@router.get("")
def show(request: Request, actor: Volunteer, code: str) -> Response:
    """What awaits me, the questions, or how it went."""
    return _show(request, actor, code)


@router.post("/begin")
def begin(request: Request, actor: Volunteer, code: str) -> Response:
    """Draws the questions, and the time runs."""
    try:
        with db.transaction(actor, "training.begin") as tx:
            assess.begin(tx, _own(actor), code)
    except HubError as error:
        if error.bars:
            raise
        return _show(request, actor, code, error)
    return see_other(f"/learn/courses/{code}/test")


@router.post("")
def hand_in(request: Request, actor: Volunteer, code: str, form: Sent) -> Response:
    """Takes the answers."""
    try:
        with db.transaction(actor, "training.hand_in") as tx:
            assess.hand_in(tx, _own(actor), code, _answers(form))
    except HubError as error:
        if error.bars:
            raise
        return _show(request, actor, code, error)
    return see_other(f"/learn/courses/{code}/test")


def _own(actor: Actor) -> int:
    assert actor.id is not None
    return actor.id


def _answers(form: Form) -> dict[str, int]:
    """Question -> place of the answer chosen; what no form of ours sends is left out."""
    sent = {name: values[0] for name, values in form.values.items() if values}
    return {
        name: int(value)
        for name, value in sent.items()
        if value.isascii() and value.isdigit() and len(value) <= _DIGITS
    }


def _show(request: Request, actor: Actor, code: str, error: HubError | None = None) -> Response:
    lang = language_of(request)
    with db.read(actor) as tx:
        at = board.studying(tx, _own(actor), code)
        if at.offered.course.test is None:
            raise NotFound("not_found")
        running = at.attempt is not None and at.attempt.state is AttemptState.OPEN
        over = running and at.attempt is not None and tx.now > at.attempt.ends_at
        return page(
            request,
            "phone/learn_test.html",
            zone=at.zone,
            status=error.status if error is not None else 200,
            title=t(lang, "learn.test.title", course=pick(at.offered.name, lang)),
            at=at,
            test=at.offered.course.test,
            running=running and not over,
            over=over,
            now=tx.now,
            error=t(lang, f"error.{error.code}", **error.params) if error is not None else "",
        )
