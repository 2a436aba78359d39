"""The gates of an incident: opened and closed, and whoever waits there let in or sent home."""

import uuid
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from volunteer_hub.access import jurisdictions
from volunteer_hub.api.guard import Language, allow
from volunteer_hub.api.pages import In, Out, Page
from volunteer_hub.boards import gate as board
from volunteer_hub.boards.gate import EntryLine, GateLine
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.i18n import pick
from volunteer_hub.flows import gate as flow
from volunteer_hub.incidents import queries
from volunteer_hub.incidents.models import Incident
from volunteer_hub.mobilization import gates
from volunteer_hub.mobilization.gate_models import Gate
from volunteer_hub.mobilization.gate_rules import EntryState

router = APIRouter(tags=["gates"])
Leader = Annotated[Actor, allow("duty.write")]


class GateIn(In):
    """The open task that people are taken in for."""

    task: uuid.UUID


class RoleOut(Out):
    """A role of the task. ``free`` places; null where nobody is being called to it: none can be given."""

    slot: uuid.UUID
    role: str
    free: int | None


class EntryOut(Out):
    """Somebody who filled in the form. ``known``: in the pool before; ``vouched``: skills that somebody other
    than themselves stands for."""

    id: uuid.UUID
    state: EntryState
    came_at: datetime
    name: str | None
    phone: str | None
    known: bool
    age: int | None
    claims: list[str]
    vouched: list[str]
    fit: bool
    decided_by: str
    reason: str | None


class GateOut(Out):
    """A gate. ``link`` is the address behind its QR code; ``open``: it takes people now."""

    id: uuid.UUID
    task: uuid.UUID
    link: str
    open: bool
    expires_at: datetime
    roles: list[RoleOut]
    entries: list[EntryOut]


class AdmitIn(In):
    """A place for somebody whose identity card a leader has seen. ``birthday``: as the card says."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"slot": "01890a5d-ac96-774b-bcce-b302099a8057", "identity": True}]}
    )
    slot: uuid.UUID
    identity: bool = Field(description="true: a leader has seen an identity card")
    birthday: date | None = None


class RefuseIn(In):
    """Why they are sent home; they may read it."""

    reason: str = Field(min_length=1, max_length=300)


@router.get("/incidents/{id}/gates")
def listed(actor: Leader, language: Language, id: uuid.UUID) -> Page[GateOut]:
    """Every gate, the newest first, whoever waits longest first."""
    with db.read(actor) as tx:
        return Page(items=_gates(tx, queries.find(tx, "duty.write", id), language))


@router.post("/incidents/{id}/gates", status_code=201)
def open_gate(actor: Leader, language: Language, id: uuid.UUID, body: GateIn) -> GateOut:
    """Opens the gate of a task; the same one again while it is open."""
    with db.transaction(actor, "gate.open") as tx:
        incident = queries.find(tx, "duty.write", id)
        return _one(
            tx, flow.open_gate(tx, queries.find_task(tx, "duty.write", body.task)), incident, language
        )


@router.post("/gates/{id}/close")
def close(actor: Leader, language: Language, id: uuid.UUID) -> GateOut:
    """Takes nobody new."""
    with db.transaction(actor, "gate.close") as tx:
        gate = flow.close(tx, gates.find(tx, "duty.write", id))
        return _one(tx, gate, tx.get_one(Incident, gate.incident_id), language)


@router.post("/gate-entries/{id}/admit", status_code=204)
def admit(actor: Leader, id: uuid.UUID, body: AdmitIn) -> None:
    """Identity seen, a place given, the duty begun."""
    with db.transaction(actor, "gate.admit") as tx:
        flow.admit(tx, id, body.slot, identity=body.identity, birthday=body.birthday)


@router.post("/gate-entries/{id}/refuse", status_code=204)
def refuse(actor: Leader, id: uuid.UUID, body: RefuseIn) -> None:
    """Sent home, with the reason."""
    with db.transaction(actor, "gate.refuse") as tx:
        flow.refuse(tx, id, body.reason)


def _gates(tx: Tx, incident: Incident, language: str) -> list[GateOut]:
    zone = jurisdictions.by_path(tx, incident.area).zone
    return [_gate(line, language) for line in board.of_incident(tx, incident, zone).gates]


def _one(tx: Tx, gate: Gate, incident: Incident, language: str) -> GateOut:
    tx.flush()
    return next(shown for shown in _gates(tx, incident, language) if shown.id == gate.public_id)


def _gate(line: GateLine, language: str) -> GateOut:
    return GateOut(
        id=line.gate.public_id,
        task=line.task.public_id,
        link=flow.address_of(line.gate),
        open=line.open,
        expires_at=line.gate.expires_at,
        roles=[
            RoleOut(slot=role.facts.slot.public_id, role=pick(role.facts.role, language), free=role.free)
            for role in line.roles
        ],
        entries=[_entry(entry) for entry in line.entries],
    )


def _entry(line: EntryLine) -> EntryOut:
    entry, person = line.entry, line.person
    return EntryOut(
        id=entry.public_id,
        state=entry.state,
        came_at=entry.came_at,
        name=person.name,
        phone=person.phone,
        known=entry.known,
        age=line.age,
        claims=entry.skills,
        vouched=list(line.vouched),
        fit=entry.fit,
        decided_by=line.decided_by,
        reason=entry.reason,
    )
