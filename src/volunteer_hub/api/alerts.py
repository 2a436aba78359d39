"""CAP 1.1 and 1.2 alerts: posted as XML, decided by their status, accepted or dismissed by a person."""

import uuid
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Body, Query, Response
from pydantic import AwareDatetime, Field

from volunteer_hub.access import jurisdictions
from volunteer_hub.api.guard import allow
from volunteer_hub.api.incidents import IncidentOut, shown
from volunteer_hub.api.jurisdictions import AreaOut, Code, area_out
from volunteer_hub.api.pages import Cursor, In, Limit, OnceOnly, Out, Page, page
from volunteer_hub.boards import situation
from volunteer_hub.boards.situation import AlertLine
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_cursor
from volunteer_hub.core.db import Tx
from volunteer_hub.flows import declare as flow
from volunteer_hub.incidents import alerts, queries
from volunteer_hub.incidents.alerts import Received
from volunteer_hub.incidents.models import Alert
from volunteer_hub.incidents.rules import Colour, Proposal

router = APIRouter(tags=["alerts"])

_CAP = """<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>DQ-2026-0714-1</identifier><sender>weather@example.org</sender>
  <sent>2026-07-14T02:40:00+08:00</sent><status>Actual</status><msgType>Alert</msgType><scope>Public</scope>
  <info><language>en</language><category>Met</category><event>Flash flood</event><urgency>Immediate</urgency>
    <severity>Severe</severity><certainty>Observed</certainty><expires>2026-07-14T09:00:00+08:00</expires>
    <area><areaDesc>Sartu</areaDesc><circle>46.6,125.11 5</circle></area></info>
</alert>"""


class AlertOut(Out):
    """An alert as it came and what was decided: ``decision`` says what it does here, ``proposal`` what became
    of the incident that it proposes."""

    id: uuid.UUID
    area: AreaOut
    identifier: str
    sender: str
    sent: datetime
    status: str
    msg_type: str
    received_at: datetime
    decision: str
    why: str | None
    expired: bool
    hazard: str | None
    colour: Colour | None
    lat: float | None
    lon: float | None
    proposal: Proposal
    incident: uuid.UUID | None


class ReceivedOut(Out):
    """What came of a message. ``alert`` is null for the repeat of one stored in an area you cannot see;
    ``to_decide`` are incidents that it cancels while people are under way."""

    alert: AlertOut | None
    decision: str
    why: str | None
    changed: list[uuid.UUID]
    to_decide: list[uuid.UUID]


class AcceptIn(In):
    """What the alert leaves open: an area below its own, the hazard, the position."""

    model_config = {"json_schema_extra": {"examples": [{}, {"hazard": "flood", "lat": 46.6, "lon": 125.11}]}}
    area: Code | None = None
    hazard: str | None = Field(default=None, max_length=100)
    lat: float | None = None
    lon: float | None = None


def _view(line: AlertLine) -> AlertOut:
    row = line.alert
    return AlertOut(
        id=row.public_id,
        area=area_out(line.area),
        incident=line.incident.public_id if line.incident is not None else None,
        **{
            name: getattr(row, name)
            for name in AlertOut.model_fields
            if name not in ("id", "area", "incident")
        },
    )


def _one(tx: Tx, alert: Alert) -> AlertOut:
    return _view(situation.alert_lines(tx, [alert])[0])


def _received(tx: Tx, received: Received) -> ReceivedOut:
    decision = received.decision
    return ReceivedOut(
        alert=_one(tx, received.alert) if received.alert is not None else None,
        decision=decision.kind.value,
        why=decision.why.value if decision.why is not None else None,
        changed=[incident.public_id for incident in received.changed],
        to_decide=[incident.public_id for incident in received.to_decide],
    )


@router.post("/alerts", status_code=201, response_model=ReceivedOut)
def receive(
    actor: Annotated[Actor, allow("alert.write")],
    area: Annotated[Code, Query(description="the node at whose door it comes in")],
    once: OnceOnly,
    document: Annotated[
        bytes,
        Body(
            media_type="application/cap+xml",
            max_length=1_000_000,
            openapi_examples={"a flood": {"value": _CAP}},
        ),
    ],
    as_of: Annotated[AwareDatetime | None, Query(description="replay it as of another time")] = None,
) -> Response:
    """Takes a CAP message. Actual may propose a real incident, Exercise only a drill, Test nothing; Update
    and Cancel act on what they reference; a repeat changes nothing."""

    def deed() -> ReceivedOut:
        node = jurisdictions.by_code(tx, area)
        return _received(tx, flow.receive_alert(tx, document, node.path, as_of=as_of))

    with db.transaction(actor, "alert.receive") as tx:
        return once.run(tx, deed, 201)


@router.get("/alerts", response_model=Page[AlertOut])
def listed(
    actor: Annotated[Actor, allow("alert.read")],
    limit: Limit = 50,
    cursor: Cursor = None,
    proposal: Proposal | None = None,
) -> Page[AlertOut]:
    """The alerts of the actor's areas, the newest first; ``proposal=waiting`` are those to answer."""
    with db.read(actor) as tx:
        rows = situation.alerts(tx, after=decode_cursor(cursor), limit=limit, proposal=proposal)
        return page(rows, limit, _view, lambda line: line.alert.id)


@router.get("/alerts/{id}", response_model=AlertOut)
def one(actor: Annotated[Actor, allow("alert.read")], id: uuid.UUID) -> AlertOut:
    """One alert."""
    with db.read(actor) as tx:
        return _one(tx, queries.find_alert(tx, "alert.read", id))


@router.get("/alerts/{id}/document", response_class=Response)
def document(actor: Annotated[Actor, allow("alert.read")], id: uuid.UUID) -> Response:
    """The message as it came."""
    with db.read(actor) as tx:
        row = queries.find_alert(tx, "alert.read", id)
        headers = {"Content-Disposition": "attachment; filename=alert.xml"}
        return Response(row.document, media_type="application/cap+xml", headers=headers)


@router.post("/alerts/{id}/accept", status_code=201, response_model=IncidentOut)
def accept(
    actor: Annotated[Actor, allow("incident.declare")], id: uuid.UUID, body: AcceptIn, once: OnceOnly
) -> Response:
    """Declares the incident that an alert proposes, with its hazard's tasks."""

    def deed() -> IncidentOut:
        alert = queries.find_alert(tx, "alert.read", id)
        area = jurisdictions.by_code(tx, body.area).path if body.area is not None else None
        place = (body.lat, body.lon) if body.lat is not None and body.lon is not None else None
        return shown(tx, flow.accept_alert(tx, alert, area=area, hazard=body.hazard, place=place))

    with db.transaction(actor, "alert.accept") as tx:
        return once.run(tx, deed, 201)


@router.post("/alerts/{id}/dismiss", response_model=AlertOut)
def dismiss(actor: Annotated[Actor, allow("alert.write")], id: uuid.UUID, once: OnceOnly) -> Response:
    """Says no to what an alert proposes."""
    with db.transaction(actor, "alert.dismiss") as tx:
        row = queries.find_alert(tx, "alert.write", id)
        return once.run(tx, lambda: _one(tx, alerts.dismiss(tx, row)))
