"""The situation: what waits for an answer, open incidents, the map; and past incidents."""

import uuid
from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.access import jurisdictions
from volunteer_hub.access.models import Jurisdiction
from volunteer_hub.boards import first_steps, situation, situation_map, upcoming
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_cursor, encode_cursor
from volunteer_hub.core.errors import HubError
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.core.settings import settings
from volunteer_hub.core.site import Site
from volunteer_hub.drills.policy import Drills
from volunteer_hub.flows import declare as flow
from volunteer_hub.flows import whatif_words as words
from volunteer_hub.incidents import alerts, queries
from volunteer_hub.incidents.policy import Hazards
from volunteer_hub.incidents.rules import OPEN, Proposal, State, level_name
from volunteer_hub.web import forms, nav
from volunteer_hub.web.forms import Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.render import language_of, page

router = APIRouter()

ROWS: Final = 50
TONES: Final = {
    State.DECLARED: "watch",
    State.MOBILIZING: "watch",
    State.ACTIVE: "ok",
    State.DEMOBILIZING: "info",
    State.CLOSED: "quiet",
    State.REVIEWED: "quiet",
}


@router.get("/incidents")
def listed(
    request: Request, actor: Annotated[Actor, allow("incident.read")], closed: str = "", cursor: str = ""
) -> Response:
    """Open incidents with what waits for an answer, and the map; ``closed`` shows the past ones."""
    return _list(request, actor, closed=bool(closed), cursor=cursor)


def _list(
    request: Request,
    actor: Actor,
    *,
    closed: bool = False,
    cursor: str = "",
    failed: dict[str, Any] | None = None,
    status: int = 200,
) -> Response:
    lang, hazards = language_of(request), policy.load("hazards", Hazards)
    states = set(State) - OPEN if closed else OPEN
    with db.read(actor) as tx:
        rows = situation.incidents(tx, after=decode_cursor(cursor or None), limit=ROWS, states=states)
        inbox = situation.alerts(tx, limit=20, proposal=Proposal.WAITING)[:20] if not closed else []
        asked = situation.raises(tx) if not closed else []
        mine = actor.kind == "account" and actor.id is not None and not closed
        offered = situation.offered_to(tx, actor.id) if mine and actor.id is not None else []
        areas = jurisdictions.listed(tx, "incident.declare") if inbox else []
        open_ones = [line.incident for line in rows[:ROWS]]
        ground = situation_map.ground(tx, open_ones) if not closed and not cursor else None
        context = nav.console(
            request,
            actor,
            title=t(lang, "board.list.closed" if closed else "board.list.title"),
            zone=policy.load("hub", Site).zone,
            lines=rows[:ROWS],
            next=encode_cursor(rows[ROWS - 1].incident.id) if len(rows) > ROWS else None,
            inbox=inbox,
            asked=asked,
            offered=offered,
            areas={line.alert.area: _below(areas, line.alert.area, lang) for line in inbox},
            hazard_pairs=[(code, pick(row.name, lang)) for code, row in hazards.hazards.items()],
            closed=closed,
            hazards=hazards.hazards,
            colours=hazards.colours,
            level_name=level_name,
            tones=TONES,
            now=tx.now,
            may=actor.may,
            lang=lang,
            ground=ground,
            steps=first_steps.steps(tx) if not closed and not cursor else [],
            upcoming=upcoming.upcoming(tx) if not closed and not cursor else None,
            name_of={node.path: node.name for node in ground.nodes} if ground else {},
            tiles={"url": settings().tiles, "credit": settings().tiles_credit} if settings().tiles else None,
            minutes=policy.load("drills", Drills).what_if.ready_minutes[-1],
            words=words,
            failed=failed or {},
        )
        return page(request, "console/incidents.html", status=status, **context)


@router.post("/alerts/{id:uuid}/accept")
def accept(
    request: Request, actor: Annotated[Actor, allow("incident.declare")], id: uuid.UUID, form: Sent
) -> Response:
    """Declares what an alert proposes, and goes to its board."""
    try:
        with db.transaction(actor, "alert.accept") as tx:
            alert = queries.find_alert(tx, "alert.read", id)
            lat, lon = form.decimal("lat"), form.decimal("lon")
            code = form.text("area", 100)
            form.check()
            incident = flow.accept_alert(
                tx,
                alert,
                area=jurisdictions.by_code(tx, code).path if code else None,
                hazard=form.text("hazard", 100) or None,
                place=(lat, lon) if lat is not None and lon is not None else None,
            )
            path = f"/incidents/{incident.public_id}"
    except HubError as error:
        return _failed(request, actor, id, error)
    return see_other(path)


@router.post("/alerts/{id:uuid}/dismiss")
def dismiss(request: Request, actor: Annotated[Actor, allow("alert.write")], id: uuid.UUID) -> Response:
    """Says no to what an alert proposes."""
    try:
        with db.transaction(actor, "alert.dismiss") as tx:
            alerts.dismiss(tx, queries.find_alert(tx, "alert.write", id))
    except HubError as error:
        return _failed(request, actor, id, error)
    return see_other("/incidents")


@router.post("/raises/{id:uuid}")
def answer(
    request: Request, actor: Annotated[Actor, allow("incident.raise")], id: uuid.UUID, form: Sent
) -> Response:
    """Grants or refuses a level that was asked for."""
    try:
        with db.transaction(actor, "incident.level_answer") as tx:
            asked = queries.find_raise(tx, "incident.raise", id)
            grant = form.text("answer", 20) == "grant"
            flow.answer_level(tx, asked, grant=grant, reason=form.text("reason"))
    except HubError as error:
        return _failed(request, actor, id, error)
    return see_other("/incidents")


def _below(areas: Sequence[Jurisdiction], path: str, lang: str) -> list[tuple[str, str]]:
    """The areas in which an alert's incident may be declared, as (code, name)."""
    return [(node.code, pick(node.name, lang)) for node in areas if node.path.startswith(path)]


def _failed(request: Request, actor: Actor, id: uuid.UUID, error: HubError) -> Response:
    """The list again, with what went wrong beside the item."""
    if error.status in (403, 404):
        raise error
    said = " ".join(forms.words(language_of(request), error).values())
    return _list(request, actor, failed={"id": id, "said": said}, status=error.status)
