"""Writing to everybody who is coming to an incident and on site there: to whom, by what, at what price."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.boards import audience as board
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError, Malformed
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.core.site import Site
from volunteer_hub.flows import note as flow
from volunteer_hub.flows.note import Ahead, Audience, Who
from volunteer_hub.incidents import queries
from volunteer_hub.notify import notes
from volunteer_hub.web import forms, nav
from volunteer_hub.web.forms import Form, Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.render import Lang, Speech, language_of, page

router = APIRouter()

Sender = Annotated[Actor, allow(flow.TO_MANY)]
_ROWS = 20


@router.get("/incidents/{id:uuid}/tell")
def show(
    request: Request, actor: Sender, id: uuid.UUID, to: str = "", who: Who = Who.BOTH, sent: int = 0
) -> Response:
    """The form, and what was written before."""
    return _page(request, actor, id, {"to": to, "who": who.value}, sent=sent)


@router.post("/incidents/{id:uuid}/tell")
def tell(request: Request, actor: Sender, id: uuid.UUID, form: Sent) -> Response:
    """Looks at who would get it, or sends it."""
    try:
        if form.text("do") != "send":
            with db.read(actor) as tx:
                found = flow.ahead(tx, _audience(tx, id, form), form.text("words"))
            return _page(request, actor, id, form.typed, ahead=found)
        with db.transaction(actor, "note.send") as tx:
            here = form.once(tx, f"/incidents/{id}/tell", lambda: _send(tx, id, form))
    except HubError as error:
        if error.status in (401, 403, 404):
            raise
        return _page(request, actor, id, form.typed, error=error)
    return see_other(here)


def _send(tx: Tx, id: uuid.UUID, form: Form) -> str:
    note = flow.send(tx, _audience(tx, id, form), form.text("words"))
    return f"/incidents/{id}/tell?sent={note.people}"


def _audience(tx: Tx, id: uuid.UUID, form: Form) -> Audience:
    """``to`` is ``incident``, ``callout:ID`` or ``slot:ID``."""
    kind, _, key = form.text("to").partition(":")
    try:
        who, one = Who(form.text("who") or Who.BOTH), uuid.UUID(key) if key else None
    except ValueError:
        raise Malformed("form") from None
    return flow.audience(tx, id, one if kind == "callout" else None, one if kind == "slot" else None, who)


def _page(
    request: Request,
    actor: Actor,
    id: uuid.UUID,
    typed: dict[str, str],
    *,
    ahead: Ahead | None = None,
    sent: int = 0,
    error: HubError | None = None,
) -> Response:
    lang = language_of(request)
    with db.read(actor) as tx:
        incident = queries.find(tx, flow.TO_MANY, id)
        before = notes.of_incident(tx, incident.id, limit=_ROWS)
        words = notes.read(tx, before)
        context = nav.console(
            request,
            actor,
            title=t(lang, "note.title", title=incident.title),
            kind=incident.kind.value,
            zone=policy.load("hub", Site).zone,
            here=f"/incidents/{id}/tell",
            back=f"/incidents/{id}",
            choices=_choices(tx, board.of(tx, incident), lang),
            whos=[(one.value, t(lang, f"note.who.{one}")) for one in Who],
            longest=notes.LONGEST,
            typed=typed,
            errors=forms.words(lang, error) if error is not None else forms.Faults(),
            ahead=told(ahead, lang) if ahead is not None else None,
            sent=sent,
            before=[
                {
                    "at": row.at,
                    "what": words.get(row.id) or t(lang, "note.gone"),
                    "by": t(lang, "note.to", n=row.people),
                }
                for row in before
            ],
            key=forms.new_key(),
            now=tx.now,
        )
    return page(request, "console/tell.html", status=error.status if error else 200, **context)


def _choices(tx: Tx, found: board.Places, lang: Lang) -> list[tuple[str, str]]:
    """The whole, each callout where there are several, each slot."""
    speech = Speech(lang, policy.load("hub", Site).zone)
    several = [
        (f"callout:{one.public_id}", t(lang, "note.to.callout", time=speech.when(one.created_at, tx.now)))
        for one in found.callouts
    ]
    return [
        ("incident", t(lang, "note.to.all")),
        *(several if len(several) > 1 else []),
        *(
            (f"slot:{facts.slot.public_id}", f"{pick(facts.title, lang)} · {pick(facts.role, lang)}")
            for facts in found.slots
        ),
    ]


def told(found: Ahead, lang: Lang) -> dict[str, Any]:
    """What sending would do, as the page says it."""
    speech = Speech(lang, "UTC")
    return {
        "people": found.people,
        "unreachable": found.unreachable,
        "by": [(t(lang, f"board.channel.{channel}"), n) for channel, n in found.by],
        "parts": found.parts,
        "cost": f"{found.currency} {speech.number(found.thousandths / 1000)}",
        "behind_link": found.behind_link,
        "approved": found.approved,
        "read_as": list(found.read_as.items()),
    }
