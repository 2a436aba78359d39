"""People of a callout whom nothing reached: a helper rings them up and writes down what they say."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.boards import hand_calls as board
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError, Malformed
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.core.site import Site
from volunteer_hub.flows import hand_call as flow
from volunteer_hub.mobilization import callouts
from volunteer_hub.mobilization.desk import Reply
from volunteer_hub.mobilization.reply_rules import REASONS
from volunteer_hub.mobilization.rules import Answer, DeclineReason, Rung
from volunteer_hub.web import forms, nav
from volunteer_hub.web.forms import Form, Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.render import language_of, page

router = APIRouter()

_ANSWERS = {one.value: one for one in (Answer.ACCEPT, Answer.DECLINE, Answer.LATER)}
_OUTCOMES = {one.value: one for one in (Rung.NO_ANSWER, Rung.WRONG_NUMBER, Rung.INACTIVE)}


@router.get("/callouts/{id:uuid}/hand-calls")
def show(request: Request, actor: Annotated[Actor, allow("duty.write")], id: uuid.UUID) -> Response:
    """Whoever waits longest first."""
    return _page(request, actor, id)


@router.post("/callouts/{id:uuid}/hand-calls")
def settle(
    request: Request, actor: Annotated[Actor, allow("duty.write")], id: uuid.UUID, form: Sent
) -> Response:
    """Claims somebody, or writes down how the call ended."""
    try:
        with db.transaction(actor, "hand_call.outcome") as tx:
            _settle(tx, form)
    except HubError as error:
        if error.status in (401, 403):
            raise
        return _page(request, actor, id, error)
    at = f"#o-{form.text('offer')}" if form.text("do") == "claim" else ""
    return see_other(f"/callouts/{id}/hand-calls{at}")


def _settle(tx: Tx, form: Form) -> None:
    do = form.text("do")
    try:
        offer = uuid.UUID(form.text("offer"))
    except ValueError:
        raise Malformed("form") from None
    if do in _ANSWERS:
        flow.answered(tx, offer, _reply(form, _ANSWERS[do]))
    elif do in _OUTCOMES:
        flow.not_answered(tx, offer, _OUTCOMES[do])
    else:
        flow.claim(tx, offer)


def _reply(form: Form, answer: Answer) -> Reply:
    """What goes with each answer stands beside its button; the rest of the form is not read."""
    minutes = form.whole("minutes") if answer is Answer.ACCEPT and form.text("minutes") else None
    reason = next((one for one in REASONS if one.value == form.text("reason")), DeclineReason.OTHER)
    from_when = form.moment("from", policy.load("hub", Site).zone) if answer is Answer.LATER else None
    form.check()
    return Reply(answer, minutes, reason, from_when)


def _page(request: Request, actor: Actor, id: uuid.UUID, error: HubError | None = None) -> Response:
    lang = language_of(request)
    with db.read(actor) as tx:
        callout = callouts.find(tx, "duty.write", id)
        lines = board.of_callout(tx, callout)
        here = {line.offer.public_id for line in lines}
        context = nav.console(
            request,
            actor,
            title=t(lang, "hand_calls.title"),
            kind=callout.kind.value,
            zone=policy.load("hub", Site).zone,
            here=f"/callouts/{id}/hand-calls",
            back=f"/callouts/{id}",
            reasons=[(one.value, t(lang, f"hand_calls.reason.{one}")) for one in REASONS],
            lines=[
                {
                    "id": line.offer.public_id,
                    "name": line.name or "",
                    "phone": line.phone or "",
                    "person": line.person,
                    "task": pick(line.facts.title, lang),
                    "role": pick(line.facts.role, lang),
                    "starts_at": line.offer.starts_at,
                    "tries": line.call.tries if line.call is not None else 0,
                    "claimed_by": line.claimed_by,
                    "for_another": line.for_another,
                    "also": [
                        {
                            "id": also.offer.public_id,
                            "name": also.name or "",
                            "task": pick(also.facts.title, lang),
                            "here": also.offer.public_id in here,
                        }
                        for also in line.also
                    ],
                }
                for line in lines
            ],
            error="; ".join(forms.words(lang, error).values())
            or t(lang, f"error.{error.code}", **error.params)
            if error
            else "",
            now=tx.now,
        )
    return page(request, "console/hand_calls.html", status=error.status if error else 200, **context)
