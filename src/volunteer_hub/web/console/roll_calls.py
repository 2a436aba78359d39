"""The evacuation roll call: started with two taps, the missing on top, one tap for each who is safe."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from markupsafe import Markup

from volunteer_hub.boards import field as board
from volunteer_hub.boards.field import EntryLine, RollCallView
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Gone, HubError
from volunteer_hub.core.i18n import t
from volunteer_hub.flows import roll_call as flow
from volunteer_hub.incidents import queries
from volunteer_hub.mobilization import attendance, roll_calls
from volunteer_hub.web import nav, parts
from volunteer_hub.web.console import field
from volunteer_hub.web.forms import Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.render import Lang, Speech, language_of, page

router = APIRouter()


@router.post("/incidents/{id:uuid}/roll-calls")
def start(
    request: Request, actor: Annotated[Actor, allow("duty.write")], id: uuid.UUID, form: Sent
) -> Response:
    """Tells everybody to leave and to say that they are safe: at one task, or in the whole incident."""
    try:
        with db.transaction(actor, "roll_call.start") as tx:
            incident = queries.find(tx, "duty.write", id)
            task = (
                queries.find_task(tx, "duty.write", field.id_in(form, "task")) if form.text("task") else None
            )
            call = flow.start(tx, incident, task).public_id
    except HubError as error:
        return field.came_back(request, actor, id, error)
    return see_other(f"/roll-calls/{call}")


@router.get("/roll-calls/{id:uuid}")
def show(request: Request, actor: Annotated[Actor, allow("duty.read")], id: uuid.UUID) -> Response:
    """Who is missing, who is safe."""
    return _page(request, actor, id)


@router.get("/roll-calls/{id:uuid}/live")
def live(
    request: Request, actor: Annotated[Actor, allow("duty.read")], id: uuid.UUID, seen: str = ""
) -> Response:
    """The lists, or 204 when they are still as ``seen``."""
    with db.read(actor) as tx:
        view = board.roll_call(tx, roll_calls.find(tx, "duty.read", id))
        return parts.answer(_live(tx, view, language_of(request)), seen)


@router.post("/roll-calls/{id:uuid}/safe")
def safe(
    request: Request, actor: Annotated[Actor, allow("duty.write")], id: uuid.UUID, form: Sent
) -> Response:
    """Somebody has been seen, safe."""

    def deed(tx: Tx) -> None:
        call = roll_calls.find(tx, "duty.write", id)
        flow.mark(tx, call, attendance.find(tx, "duty.write", field.id_in(form, "duty")))

    return _deed(request, actor, id, "roll_call.mark", deed)


@router.post("/roll-calls/{id:uuid}/end")
def end(request: Request, actor: Annotated[Actor, allow("duty.write")], id: uuid.UUID) -> Response:
    """Ends it with whoever is missing."""
    return _deed(
        request, actor, id, "roll_call.end", lambda tx: flow.end(tx, roll_calls.find(tx, "duty.write", id))
    )


def _deed(request: Request, actor: Actor, id: uuid.UUID, action: str, deed: Any) -> Response:
    try:
        with db.transaction(actor, action) as tx:
            deed(tx)
    except Gone as error:
        return _page(request, actor, id, error)
    return see_other(f"/roll-calls/{id}")


def _page(request: Request, actor: Actor, id: uuid.UUID, error: HubError | None = None) -> Response:
    lang = language_of(request)
    with db.read(actor) as tx:
        view = board.roll_call(tx, roll_calls.find(tx, "duty.read", id))
        context = nav.console(
            request,
            actor,
            title=t(lang, "field.call.title"),
            kind=view.incident.kind.value,
            zone=view.zone,
            view=view,
            here=f"/roll-calls/{id}",
            may_write=actor.may("duty.write", view.call.area),
            live_part=_live(tx, view, lang),
            error=t(lang, f"error.{error.code}", **error.params) if error else "",
            now=tx.now,
        )
    return page(request, "console/roll_call.html", status=error.status if error else 200, **context)


def _live(tx: Tx, view: RollCallView, lang: Lang) -> Markup:
    speech = Speech(lang, view.zone)
    call = view.call
    here = f"/roll-calls/{call.public_id}"
    return parts.part(
        "roll-call",
        "console/roll_call_live.html",
        f"{here}/live",
        lang=lang,
        zone=view.zone,
        live=call.ended_at is None,
        view=view,
        here=here,
        may_write=tx.actor.may("duty.write", call.area),
        missing=[shown(line, speech) for line in view.missing],
        safe=[shown(line, speech) for line in view.safe],
        minutes=int((((call.ended_at or tx.now) - call.started_at).total_seconds()) // 60),
        now=tx.now,
    )


def shown(line: EntryLine, speech: Speech) -> dict[str, Any]:
    """One person of a roll call's list; of whoever is safe, how that is known."""
    entry, lang = line.entry, speech.lang
    how = ""
    if entry.accounted is not None and entry.accounted_at is not None:
        said = [t(lang, f"field.accounted.{entry.accounted}"), line.by.name if line.by is not None else ""]
        how = " · ".join([*filter(None, said), speech.clock(entry.accounted_at)])
    there = t(lang, f"field.place.{entry.place}")
    return field.shown(line.line, speech) | {"there": there, "how": how}
