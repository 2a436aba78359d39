"""Texts that the program did not understand: a clerk reads each and answers for whoever wrote it."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from volunteer_hub.boards import unclear as board
from volunteer_hub.boards.unclear import Asked, UnclearLine
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError, Malformed
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.core.site import Site
from volunteer_hub.flows import note
from volunteer_hub.flows import unclear as flow
from volunteer_hub.flows.unclear import Choice
from volunteer_hub.notify import notes
from volunteer_hub.volunteers import queries
from volunteer_hub.volunteers.queries import Person, Wanted
from volunteer_hub.web import forms, nav
from volunteer_hub.web.forms import Form, Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.render import language_of, page

router = APIRouter()

_ROWS = 50
_FOUND = 10
_CLAIM, _ATTACH, _IGNORE, _WRITE = "claim", "attach", "ignore", "write"


@router.get("/unclear-replies")
def show(
    request: Request,
    actor: Annotated[Actor, allow("duty.write")],
    of: str = "",
    search: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """The oldest first; beside the text ``of`` an unknown number, whoever is found by ``search``."""
    return _page(request, actor, of=of, search=search)


@router.post("/unclear-replies/{id:uuid}")
def settle(
    request: Request, actor: Annotated[Actor, allow("duty.write")], id: uuid.UUID, form: Sent
) -> Response:
    """Claims it, says who wrote it, answers it on their behalf, or lets it be."""
    try:
        with db.transaction(actor, "offer.on_behalf") as tx:
            _settle(tx, id, form)
    except HubError as error:
        if error.status in (401, 403):
            raise
        return _page(request, actor, error)
    stays = form.text("do") in (_CLAIM, _ATTACH)
    return see_other(f"/unclear-replies#t-{id}" if stays else "/unclear-replies")


def _settle(tx: Tx, id: uuid.UUID, form: Form) -> None:
    do = form.text("do")
    if do == _CLAIM:
        flow.claim(tx, id)
        return
    if do == _ATTACH:
        flow.attach(tx, id, _id(form, "person"))
        return
    if do == _IGNORE:
        flow.ignore(tx, id)
        return
    if do == _WRITE:
        note.to_person(tx, _id(form, "person"), form.text("words"), answering=id)
        return
    try:
        offer, choice = uuid.UUID(form.text("offer")), Choice(do)
    except ValueError:
        raise Malformed("form") from None
    minutes = form.whole("minutes") if form.text("minutes") else None
    from_when = form.moment("from", policy.load("hub", Site).zone)
    form.check()
    flow.answer(tx, id, offer, choice, minutes, from_when)


def _id(form: Form, name: str) -> uuid.UUID:
    try:
        return uuid.UUID(form.text(name))
    except ValueError:
        raise Malformed("form") from None


def _page(
    request: Request, actor: Actor, error: HubError | None = None, *, of: str = "", search: str = ""
) -> Response:
    lang = language_of(request)
    wanted = Wanted(search=search) if search and actor.may("volunteer.read") else None
    with db.read(actor) as tx:
        lines = board.waiting(tx, limit=_ROWS)
        context = nav.console(
            request,
            actor,
            title=t(lang, "unclear.title"),
            zone=policy.load("hub", Site).zone,
            lines=[_shown(line, lang) for line in lines],
            may_write=actor.may(note.TO_ONE),
            may_search=actor.may("volunteer.read"),
            of=of,
            search=search,
            found=[_person(one, lang) for one in queries.people(tx, wanted, limit=_FOUND)] if wanted else [],
            longest=notes.LONGEST,
            error="; ".join(text for _, text in forms.words(lang, error).items()) or t(lang, "unclear.failed")
            if error
            else "",
            now=tx.now,
        )
    return page(request, "console/unclear.html", status=error.status if error else 200, **context)


def _shown(line: UnclearLine, lang: str) -> dict[str, Any]:
    return {
        "id": line.text.public_id,
        "at": line.text.at,
        "words": line.written.words if line.written is not None else t(lang, "unclear.forgotten"),
        "people": [(str(one.public_id), one.name or t(lang, "pool.nameless")) for one in line.people],
        "number": line.written.number if line.written is not None else "",
        "claimed_by": line.claimed_by,
        "offers": [(str(asked.question.offer.public_id), _question(asked, lang)) for asked in line.asked],
    }


def _person(found: Person, lang: str) -> tuple[str, str]:
    name = found.row.name or t(lang, "pool.nameless")
    return str(found.row.public_id), f"{name} · {pick(found.community_name, lang)}"


def _question(asked: Asked, lang: str) -> str:
    letter = f"{asked.question.letter}: " if asked.question.letter else ""
    kind = t(lang, f"message.kind.{asked.question.callout.kind}")
    state = t(lang, f"offer.state.{asked.question.offer.state}")
    return f"{letter}{kind}{pick(asked.facts.title, lang)} · {asked.name or ''} · {state}"
