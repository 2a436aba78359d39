"""Incidents: declared, read, changed; who is in command and at which level."""

import uuid
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, Field

from volunteer_hub.access import jurisdictions
from volunteer_hub.api.guard import Language, allow
from volunteer_hub.api.jurisdictions import AreaOut, Code, area_out
from volunteer_hub.api.pages import Cursor, In, Limit, OnceOnly, Out, Page, Version, etag, page
from volunteer_hub.api.tasks import EXAMPLE as TASK_EXAMPLE
from volunteer_hub.api.tasks import TaskIn, specs
from volunteer_hub.boards import situation
from volunteer_hub.boards.situation import IncidentLine
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_cursor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Malformed
from volunteer_hub.flows import declare as flow
from volunteer_hub.incidents import declaring, drawn, logbook, queries, states
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.policy import Hazards
from volunteer_hub.incidents.rules import (
    Colour,
    IncidentClass,
    IncidentSpec,
    Kind,
    LogKind,
    Source,
    State,
)

router = APIRouter(tags=["incidents"])

Corner = tuple[Annotated[float, Field(ge=-90, le=90)], Annotated[float, Field(ge=-180, le=180)]]
Level = Annotated[int, Field(ge=1, le=4, description="response level, 1 (I, the gravest) to 4 (IV)")]
_DECLARE: Final[dict[str, Any]] = {
    "area": "230602",
    "hazard": "flood",
    "title": "Flood at the east gate",
    "place": "East gate, Dongfeng Street",
    "lat": 46.6,
    "lon": 125.11,
    "only": ["sandbagging"],
}


class IncidentIn(In):
    """An incident to be declared. Without a position: the centre of its area. Without ``tasks``: those of its
    hazard, of which ``only`` may name some, at ``place``."""

    model_config = {
        "json_schema_extra": {
            "examples": [_DECLARE, {"area": "230602", "hazard": "flood", "tasks": [TASK_EXAMPLE]}]
        }
    }
    area: Code
    hazard: str = Field(max_length=100)
    kind: Kind = Kind.REAL
    title: str | None = Field(default=None, max_length=200)
    level: Level | None = None
    colour: Colour | None = None
    incident_class: IncidentClass | None = None
    lat: float | None = None
    lon: float | None = None
    place: str = Field(default="", max_length=4000)
    started_at: AwareDatetime | None = None
    only: list[str] | None = Field(default=None, max_length=50)
    tasks: list[TaskIn] | None = Field(default=None, max_length=200)
    ask_above: bool = Field(
        default=True, description="ask the node above for a level that this one may not start; else refuse"
    )


class IncidentChange(In):
    """What is to be different; what is left out stays. ``corners`` (lat, lon) stand around each area covered;
    an empty list takes the areas away."""

    model_config = {
        "json_schema_extra": {
            "examples": [
                {"title": "Flood at the east and south gates"},
                {"corners": [[[46.6, 125.1], [46.62, 125.1], [46.61, 125.13]]]},
            ]
        }
    }
    title: str | None = Field(default=None, max_length=200)
    lat: float | None = None
    lon: float | None = None
    colour: Colour | None = None
    incident_class: IncidentClass | None = None
    corners: list[list[Corner]] | None = Field(default=None, max_length=drawn.MOST)


class StateIn(In):
    """Where the incident goes. Releasing people and closing are requests of their own."""

    model_config = {"json_schema_extra": {"examples": [{"state": "active"}]}}
    state: Literal[State.ACTIVE, State.REVIEWED]


class NoteIn(In):
    """A line for the log, ``at`` the earlier moment when it happened."""

    model_config = {"json_schema_extra": {"examples": [{"text": "The pump truck has arrived."}]}}
    text: str = Field(max_length=4000)
    at: AwareDatetime | None = None


class IncidentOut(Out):
    """An incident. ``version`` is its ETag; ``commander`` the name of whoever is in command."""

    id: uuid.UUID
    area: AreaOut
    kind: Kind
    hazard: str
    title: str
    incident_class: IncidentClass
    colour: Colour | None
    level: int
    state: State
    lat: float
    lon: float
    shape: dict[str, Any] | None
    started_at: datetime
    declared_at: datetime
    closed_at: datetime | None
    commander: str | None
    source: Source
    version: int


class LogOut(Out):
    """One line of the log, in the language of the request."""

    at: datetime
    kind: LogKind
    text: str


def incident_out(line: IncidentLine) -> IncidentOut:
    """An incident as this API shows it."""
    row = line.incident
    return IncidentOut(
        id=row.public_id,
        area=area_out(line.area),
        commander=line.commander.name if line.commander is not None else None,
        **{
            name: getattr(row, name)
            for name in IncidentOut.model_fields
            if name not in ("id", "area", "commander")
        },
    )


def shown(tx: Tx, incident: Incident) -> IncidentOut:
    """An incident as it stands now."""
    return incident_out(situation.lines(tx, [incident])[0])


def tagged(body: IncidentOut) -> JSONResponse:
    """An incident with its ETag."""
    return JSONResponse(body.model_dump(mode="json"), headers={"ETag": etag(body.version)})


def required(version: int | None) -> int:
    """The version that a change must name. Raises Malformed without one."""
    if version is None:
        raise Malformed("if_match")
    return version


@router.get("/incidents", response_model=Page[IncidentOut])
def listed(
    actor: Annotated[Actor, allow("incident.read")],
    limit: Limit = 50,
    cursor: Cursor = None,
    state: Annotated[list[State] | None, Query()] = None,
    kind: Kind | None = None,
) -> Page[IncidentOut]:
    """The incidents of the actor's areas, the newest first."""
    with db.read(actor) as tx:
        rows = situation.incidents(tx, after=decode_cursor(cursor), limit=limit, states=state, kind=kind)
        return page(rows, limit, incident_out, lambda line: line.incident.id)


@router.post("/incidents", status_code=201, response_model=IncidentOut)
def declare(actor: Annotated[Actor, allow("incident.declare")], body: IncidentIn, once: OnceOnly) -> Response:
    """Declares an incident with its tasks; the duty officers of the area are told."""

    def deed() -> IncidentOut:
        area = jurisdictions.by_code(tx, body.area)
        lat, lon = _position(body, area.lat, area.lon)
        spec = IncidentSpec(
            area=area.path,
            lat=lat,
            lon=lon,
            source=Source.API,
            **body.model_dump(
                include={"hazard", "kind", "title", "level", "colour", "incident_class", "started_at"}
            ),
        )
        tasks = specs(body.tasks, lat, lon, body.place) if body.tasks is not None else None
        incident = flow.declare(
            tx, spec, tasks=tasks, only=body.only, place=body.place, ask_above=body.ask_above
        )
        return shown(tx, incident)

    with db.transaction(actor, "incident.declare") as tx:
        return once.run(tx, deed, 201)


def _position(body: IncidentIn, lat: float, lon: float) -> tuple[float, float]:
    if body.lat is None or body.lon is None:
        return lat, lon
    return body.lat, body.lon


@router.get("/incidents/{id}", response_model=IncidentOut)
def one(actor: Annotated[Actor, allow("incident.read")], id: uuid.UUID) -> JSONResponse:
    """One incident, with its ETag."""
    with db.read(actor) as tx:
        return tagged(shown(tx, queries.find(tx, "incident.read", id)))


@router.patch("/incidents/{id}", response_model=IncidentOut)
def change(
    actor: Annotated[Actor, allow("incident.write")], id: uuid.UUID, body: IncidentChange, version: Version
) -> JSONResponse:
    """Changes what is given, when If-Match names the version stored (else 412)."""
    seen = required(version)
    with db.transaction(actor, "incident.change") as tx:
        incident = queries.find(tx, "incident.write", id)
        given = body.model_dump(exclude={"corners"}).items()
        changes = {name: value for name, value in given if value is not None}
        if body.corners is not None:
            changes["shape"] = drawn.shape(body.corners)
        declaring.change(tx, policy.load("hazards", Hazards), incident, seen, **changes)
        return tagged(shown(tx, incident))


@router.post("/incidents/{id}/state", response_model=IncidentOut)
def move(
    actor: Annotated[Actor, allow("incident.write")], id: uuid.UUID, body: StateIn, once: OnceOnly
) -> Response:
    """Brings the incident to another state that may follow the present one."""
    with db.transaction(actor, "incident.move") as tx:
        incident = queries.find(tx, "incident.write", id)
        return once.run(tx, lambda: shown(tx, states.move(tx, incident, body.state)))


@router.get("/incidents/{id}/log", response_model=Page[LogOut])
def log(actor: Annotated[Actor, allow("incident.read")], id: uuid.UUID, lang: Language) -> Page[LogOut]:
    """Everything said and done, in order: the source of an ICS 214 activity log."""
    with db.read(actor) as tx:
        entries = logbook.entries(tx, queries.find(tx, "incident.read", id))
        items = [LogOut(at=line.at, kind=line.kind, text=logbook.words(lang, line)) for line in entries]
        return Page(items=items)


@router.post("/incidents/{id}/log", status_code=201, response_model=LogOut)
def note(
    actor: Annotated[Actor, allow("incident.write")],
    id: uuid.UUID,
    body: NoteIn,
    once: OnceOnly,
    lang: Language,
) -> Response:
    """Adds a line to the log."""

    def deed() -> LogOut:
        line = logbook.note(tx, queries.find(tx, "incident.write", id), body.text, at=body.at)
        return LogOut(at=line.at, kind=line.kind, text=logbook.words(lang, line))

    with db.transaction(actor, "incident.note") as tx:
        return once.run(tx, deed, 201)
