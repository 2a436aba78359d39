"""Hours to look at: what speaks against each, and what somebody makes of it."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.boards import hours as board
from volunteer_hub.boards.hours import HoursLine
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.errors import HubError, Malformed
from volunteer_hub.core.i18n import pick, say, t
from volunteer_hub.core.site import Site
from volunteer_hub.flows import review as flow
from volunteer_hub.incentives.review import Decision
from volunteer_hub.incentives.rules import LONGEST_REASON, MOST_MINUTES
from volunteer_hub.web import forms, nav
from volunteer_hub.web.forms import Form, Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.render import language_of, page

router = APIRouter()

_ROWS = 50


@router.get("/hours")
def show(request: Request, actor: Annotated[Actor, allow("points.read")]) -> Response:
    """The oldest first."""
    return _page(request, actor)


@router.post("/hours/{id:uuid}")
def decide(
    request: Request, actor: Annotated[Actor, allow("points.write")], id: uuid.UUID, form: Sent
) -> Response:
    """Accepts, corrects or refuses one."""
    try:
        with db.transaction(actor, "hours.decide") as tx:
            flow.decide(tx, id, *_decision(form))
    except HubError as error:
        if error.status in (401, 403):
            raise
        return _page(request, actor, error)
    return see_other("/hours")


def _decision(form: Form) -> tuple[Decision, str, int | None]:
    try:
        decision = Decision(form.text("do", 20))
    except ValueError:
        raise Malformed("form") from None
    minutes = form.whole("minutes") if form.text("minutes") else None
    reason = form.text("reason")
    form.check()
    return decision, reason, minutes


def _page(request: Request, actor: Actor, error: HubError | None = None) -> Response:
    lang = language_of(request)
    with db.read(actor) as tx:
        lines = board.waiting(tx, limit=_ROWS)
        context = nav.console(
            request,
            actor,
            title=t(lang, "hours.title"),
            zone=policy.load("hub", Site).zone,
            lines=[_shown(one, lang) for one in lines[:_ROWS]],
            more=len(lines) > _ROWS,
            may_write=actor.may("points.write"),
            longest=LONGEST_REASON,
            most=MOST_MINUTES,
            error="; ".join(forms.words(lang, error).values()) if error is not None else "",
            now=tx.now,
        )
    return page(request, "console/hours.html", status=error.status if error else 200, **context)


def _shown(one: HoursLine, lang: str) -> dict[str, Any]:
    return {
        "line": one,
        "task": pick(one.line.facts.title, lang),
        "why": [say(lang, doubt) for doubt in one.doubts],
    }
