"""Points taken by hand: the appeals that wait for a second person, and what may still be appealed against."""

import uuid
from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.boards import deductions as board
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError, Malformed
from volunteer_hub.core.i18n import t
from volunteer_hub.core.site import Site
from volunteer_hub.flows import deduct
from volunteer_hub.incentives.deductions_rules import Verdict
from volunteer_hub.incentives.rules import LONGEST_REASON
from volunteer_hub.web import forms, nav
from volunteer_hub.web.forms import Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.phone.points import TONES
from volunteer_hub.web.render import language_of, page

router = APIRouter(prefix="/deductions")
Writer = Annotated[Actor, allow("points.write")]
_HERE: Final = "/deductions"
_ROWS: Final = 50


@router.get("")
def show(request: Request, actor: Annotated[Actor, allow("points.read")]) -> Response:
    """The newest first."""
    return _page(request, actor)


@router.post("/of/{id:uuid}")
def take(request: Request, actor: Writer, id: uuid.UUID, form: Sent) -> Response:
    """Takes points from somebody, and tells them."""

    def deed(tx: Tx) -> None:
        points, kind, reason = form.whole("points"), form.text("kind", 40), form.text("reason")
        form.check()
        if points < 1:
            raise Malformed("deduction.points")
        deduct.adjust(tx, id, -points, reason, kind)

    return _deed(request, actor, "points.adjust", deed)


@router.post("/{id:uuid}/appeal")
def appeal(request: Request, actor: Writer, id: uuid.UUID, form: Sent) -> Response:
    """Writes down what somebody says against it."""

    def deed(tx: Tx) -> None:
        words = form.text("words")
        form.check()
        deduct.appeal_for(tx, id, words)

    return _deed(request, actor, "deduction.appeal", deed)


@router.post("/{id:uuid}")
def decide(request: Request, actor: Writer, id: uuid.UUID, form: Sent) -> Response:
    """Gives the points back, or confirms."""

    def deed(tx: Tx) -> None:
        verdict = next((each for each in Verdict if each.value == form.text("do", 20)), None)
        if verdict is None:
            raise Malformed("form")
        reason = form.text("reason")
        form.check()
        deduct.decide(tx, id, verdict, reason)

    return _deed(request, actor, "deduction.decide", deed)


def _deed(request: Request, actor: Actor, name: str, deed: Callable[[Tx], Any]) -> Response:
    try:
        with db.transaction(actor, name) as tx:
            deed(tx)
    except HubError as error:
        if error.bars:
            raise
        return _page(request, actor, error)
    return see_other(_HERE)


def _page(request: Request, actor: Actor, error: HubError | None = None) -> Response:
    lang = language_of(request)
    with db.read(actor) as tx:
        waiting = board.listed(tx, appealed=True, limit=_ROWS)
        others = board.listed(tx, appealed=False, limit=_ROWS)
        context = nav.console(
            request,
            actor,
            title=t(lang, "deductions.title"),
            zone=policy.load("hub", Site).zone,
            waiting=waiting[:_ROWS],
            others=others[:_ROWS],
            more=len(waiting) > _ROWS,
            tones=TONES,
            may_write=actor.may("points.write"),
            longest=LONGEST_REASON,
            error="; ".join(forms.words(lang, error).values()) if error is not None else "",
            now=tx.now,
        )
    return page(request, "console/deductions.html", status=error.status if error else 200, **context)
