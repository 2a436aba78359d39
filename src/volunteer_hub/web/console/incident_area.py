"""The area that an incident covers: drawn on the map corner by corner, or written as positions."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.access import jurisdictions
from volunteer_hub.boards import situation_map
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.errors import HubError
from volunteer_hub.core.i18n import t
from volunteer_hub.core.settings import settings
from volunteer_hub.incidents import declaring, drawn, queries
from volunteer_hub.incidents.policy import Hazards
from volunteer_hub.web import forms, nav
from volunteer_hub.web.forms import Faults, Form, Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.render import language_of, page

router = APIRouter()
Writer = Annotated[Actor, allow("incident.write")]


@router.get("/incidents/{id:uuid}/area")
def show(request: Request, actor: Writer, id: uuid.UUID) -> Response:
    """The map to draw on, and the corners drawn so far."""
    return _page(request, actor, id)


@router.post("/incidents/{id:uuid}/area")
def draw(request: Request, actor: Writer, id: uuid.UUID, form: Sent) -> Response:
    """Keeps the area with the incident; without corners it has none."""
    try:
        with db.transaction(actor, "incident.area") as tx:
            incident = queries.find(tx, "incident.write", id)
            shape = drawn.read(form.text("corners", 20_000))
            form.check()
            version = form.whole("version", incident.version)
            declaring.change(tx, policy.load("hazards", Hazards), incident, version, shape=shape)
    except HubError as error:
        if error.bars:
            raise
        return _page(request, actor, id, error, form)
    return see_other(f"/incidents/{id}")


def _page(
    request: Request, actor: Actor, id: uuid.UUID, error: HubError | None = None, form: Form | None = None
) -> Response:
    lang = language_of(request)
    with db.read(actor) as tx:
        incident = queries.find(tx, "incident.write", id)
        nodes, picture = situation_map.around(tx, incident)
        context = nav.console(
            request,
            actor,
            title=t(lang, "incident_area.title"),
            kind=incident.kind.value,
            zone=jurisdictions.by_path(tx, incident.area).zone,
            incident=incident,
            at=f"/incidents/{id}",
            picture=picture if nodes else None,
            name_of={node.path: node.name for node in nodes},
            place=picture.place(incident.lat, incident.lon),
            tiles={"url": settings().tiles, "credit": settings().tiles_credit} if settings().tiles else None,
            corners=form.text("corners", 20_000) if form else drawn.written(incident.shape),
            errors=forms.words(lang, error) if error else Faults(),
        )
    return page(request, "console/incident_area.html", status=error.status if error else 200, **context)
