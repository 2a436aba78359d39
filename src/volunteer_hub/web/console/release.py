"""People go home in order: who first and why, one, several or all of them."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.boards import field as board
from volunteer_hub.boards.field import LeavingLine
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.errors import HubError, Refused
from volunteer_hub.core.i18n import t
from volunteer_hub.flows import close as closing
from volunteer_hub.flows import duty as flow
from volunteer_hub.incidents import queries
from volunteer_hub.incidents.rules import OPEN
from volunteer_hub.web import nav
from volunteer_hub.web.console import field
from volunteer_hub.web.forms import Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.render import Speech, language_of, page

router = APIRouter()


@router.get("/incidents/{id:uuid}/release")
def show(request: Request, actor: Annotated[Actor, allow("duty.write")], id: uuid.UUID) -> Response:
    """Everybody on site in the order in which they go home."""
    return _page(request, actor, id)


@router.post("/incidents/{id:uuid}/release")
def release(
    request: Request, actor: Annotated[Actor, allow("duty.write")], id: uuid.UUID, form: Sent
) -> Response:
    """Lets the chosen go, with thanks, hours and points."""
    try:
        chosen = field.ids_in(form, "duty")
        if not chosen:
            raise Refused("field.none_chosen")
        with db.transaction(actor, "duty.release") as tx:
            flow.release_several(tx, queries.find(tx, "duty.write", id), chosen)
    except HubError as error:
        return _came_back(request, actor, id, error)
    return see_other(f"/incidents/{id}/release")


@router.post("/incidents/{id:uuid}/release/all")
def release_all(
    request: Request, actor: Annotated[Actor, allow("incident.write")], id: uuid.UUID
) -> Response:
    """Ends the callouts and lets everybody go: the expected are told, those on site checked out."""
    try:
        with db.transaction(actor, "incident.release") as tx:
            closing.demobilise(tx, queries.find(tx, "incident.write", id))
    except HubError as error:
        return _came_back(request, actor, id, error)
    return see_other(f"/incidents/{id}/field")


def _came_back(request: Request, actor: Actor, id: uuid.UUID, error: HubError) -> Response:
    if error.bars:
        raise error
    return _page(request, actor, id, error)


def _page(request: Request, actor: Actor, id: uuid.UUID, error: HubError | None = None) -> Response:
    lang = language_of(request)
    with db.read(actor) as tx:
        view = board.people(tx, queries.find(tx, "duty.write", id))
        speech = Speech(lang, view.zone)
        incident = view.incident
        context = nav.console(
            request,
            actor,
            title=t(lang, "field.release.title"),
            kind=incident.kind.value,
            zone=view.zone,
            here=f"/incidents/{id}/release",
            back=f"/incidents/{id}/field",
            people=[_shown(line, speech) for line in board.release_order(tx, view)],
            coming=view.counts["expected"] + view.counts["en_route"],
            may_all=incident.state in OPEN and actor.may("incident.write", incident.area),
            error=t(lang, f"error.{error.code}", **error.params) if error else "",
        )
    return page(request, "console/release.html", status=error.status if error else 200, **context)


def _shown(line: LeavingLine, speech: Speech) -> dict[str, Any]:
    away = line.line.km_home
    distance = speech.distance(away) if away is not None else "–"
    return field.shown(line.line, speech) | {
        "why": t(speech.lang, f"field.first.{line.first}"),
        "time": speech.duration(line.minutes_on),
        "distance": distance,
    }
