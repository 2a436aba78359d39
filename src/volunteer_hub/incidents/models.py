"""What is stored of incidents, their tasks and the alerts that led to them."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from volunteer_hub.core.columns import area, blob, jsonb, pk, public_id, ref, text_enum, ts, version
from volunteer_hub.incidents.rules import (
    Colour,
    IncidentClass,
    Kind,
    LogKind,
    Proposal,
    RaiseState,
    Source,
    State,
    TaskState,
)

_ON_EARTH = "lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180"


def _list() -> Any:
    return Field(default_factory=list, sa_column=Column(JSONB, nullable=False))


def _word(*, null: bool = False, unique: bool = False) -> Any:
    column: Column[Any] = Column(Text, nullable=null, unique=unique)
    return Field(default=None, sa_column=column) if null else Field(sa_column=column)


def _prose() -> Any:
    return Field(default="", sa_column=Column(Text, nullable=False))


class Incident(SQLModel, table=True):
    """Something sudden, in one jurisdiction. ``hazard`` is a code of config/hazards.toml; ``level`` 1 is I.

    ``origin`` names the message that it came from, so that one message makes one incident.
    """

    __tablename__ = "incidents"
    __table_args__ = (
        CheckConstraint("level BETWEEN 1 AND 4", name="level_range"),
        CheckConstraint(_ON_EARTH, name="position"),
        CheckConstraint("kind = 'drill' OR commander_id IS NOT NULL", name="in_command"),
        CheckConstraint("(closed_at IS NOT NULL) = (state IN ('closed', 'reviewed'))", name="closed"),
        UniqueConstraint("drill_plan_id", "occurrence"),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    area: str = area()
    kind: Kind = text_enum(Kind, "kind", Kind.REAL)
    hazard: str = _word()
    title: str = _word()
    incident_class: IncidentClass = text_enum(IncidentClass, "incident_class")
    colour: Colour | None = text_enum(Colour, "colour", null=True)
    level: int
    state: State = text_enum(State, "state", State.DECLARED)
    lat: float
    lon: float
    shape: dict[str, Any] | None = jsonb(null=True)
    started_at: datetime = ts()
    declared_at: datetime = ts()
    declared_by: int | None = ref("accounts.id", null=True, index=False)
    commander_id: int | None = ref("accounts.id", null=True)
    source: Source = text_enum(Source, "source")
    origin: str | None = _word(null=True, unique=True)
    drill_plan_id: int | None = ref("drill_plans.id", null=True, index=False)
    occurrence: datetime | None = ts(null=True)
    closed_at: datetime | None = ts(null=True)
    version: int = version()


class Task(SQLModel, table=True):
    """Work at a place in a window of time.

    ``template`` names the hazard's task it was made from, as "flood.boats"; ``reference`` the report it came
    from, so that a report read twice is one task.
    """

    __tablename__ = "tasks"
    __table_args__ = (
        CheckConstraint("priority BETWEEN 1 AND 5", name="priority_range"),
        CheckConstraint("ends_at > starts_at", name="window"),
        UniqueConstraint("incident_id", "reference"),
        CheckConstraint(_ON_EARTH, name="position"),
        CheckConstraint("(pickup_lat IS NULL) = (pickup_lon IS NULL)", name="pickup_whole"),
        CheckConstraint(
            "pickup_lat BETWEEN -90 AND 90 AND pickup_lon BETWEEN -180 AND 180", name="pickup_position"
        ),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    incident_id: int = ref("incidents.id")
    area: str = area()
    title: str = _word()
    template: str | None = _word(null=True)
    reference: str | None = _word(null=True)
    place: str = _prose()
    lat: float
    lon: float
    priority: int
    starts_at: datetime = ts()
    ends_at: datetime = ts()
    hazards: list[str] = _list()
    hazardous: bool = False
    outdoor: bool = True
    pickup: str = _prose()
    pickup_lat: float | None = None
    pickup_lon: float | None = None
    state: TaskState = text_enum(TaskState, "state", TaskState.OPEN)
    version: int = version()


class RoleSlot(SQLModel, table=True):
    """How many people a task wants in one role: ``minimum <= target <= maximum``; no skill means anybody.
    Who would be there for less than ``useful_minutes`` holds no place; None: as configured."""

    __tablename__ = "role_slots"
    __table_args__ = (
        CheckConstraint("0 <= minimum AND minimum <= target AND target <= maximum", name="in_order"),
        CheckConstraint("maximum >= 1", name="heads"),
        CheckConstraint("level BETWEEN 1 AND 3", name="level_range"),
        CheckConstraint("useful_minutes BETWEEN 0 AND 1440", name="useful"),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    task_id: int = ref("tasks.id")
    name: str | None = _word(null=True)
    skill: str | None = _word(null=True)
    level: int = 1
    minimum: int
    target: int
    maximum: int
    adult_only: bool = False
    insured_only: bool = False
    position: int = 0
    useful_minutes: int | None = None


class SlotMinimum(SQLModel, table=True):
    """Of a slot's people at least ``heads`` with a skill; one counts for two only if both may share."""

    __tablename__ = "slot_minima"
    __table_args__ = (
        CheckConstraint("heads >= 1", name="heads"),
        CheckConstraint("level BETWEEN 1 AND 3", name="level_range"),
    )
    id: int = pk()
    slot_id: int = ref("role_slots.id", ondelete="CASCADE")
    skill: str = _word()
    level: int = 1
    heads: int
    may_share: bool = False


class Alert(SQLModel, table=True):
    """A CAP message as it came, once, and what was decided about it.

    ``refs`` are the messages that it names, as [sender, identifier, sent]; ``matters`` the names
    "sender,identifier" of itself and of these, by which everything on one matter is found.
    ``decided_as_of`` is set by a replay.
    """

    __tablename__ = "alerts"
    __table_args__ = (
        UniqueConstraint("identifier", "sender", "sent"),
        Index("ix_alerts_matters", "matters", postgresql_using="gin"),
        CheckConstraint("proposal <> 'declared' OR incident_id IS NOT NULL", name="declared"),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    area: str = area()
    identifier: str = _word()
    sender: str = _word()
    sent: datetime = ts()
    status: str = _word()
    msg_type: str = _word()
    refs: list[list[str]] = _list()
    matters: list[str] = _list()
    received_at: datetime = ts()
    document: bytes = blob()
    decision: str = _word()
    why: str | None = _word(null=True)
    expired: bool = False
    decided_as_of: datetime | None = ts(null=True)
    hazard: str | None = _word(null=True)
    colour: Colour | None = text_enum(Colour, "colour", null=True)
    lat: float | None = None
    lon: float | None = None
    proposal: Proposal = text_enum(Proposal, "proposal", Proposal.NONE)
    incident_id: int | None = ref("incidents.id", null=True)


class Handover(SQLModel, table=True):
    """Command offered to somebody, with what is still open; it passes when they acknowledge, not before."""

    __tablename__ = "handovers"
    __table_args__ = (
        Index(
            "uq_handovers_offered",
            "incident_id",
            unique=True,
            postgresql_where=text("acknowledged_at IS NULL AND withdrawn_at IS NULL"),
        ),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    incident_id: int = ref("incidents.id")
    area: str = area()
    from_account: int | None = ref("accounts.id", null=True, index=False)
    to_account: int = ref("accounts.id")
    questions: str = _word()
    offered_at: datetime = ts()
    acknowledged_at: datetime | None = ts(null=True)
    withdrawn_at: datetime | None = ts(null=True)


class LogEntry(SQLModel, table=True):
    """One line of an incident's log. ``event`` names a text of the catalogue and ``data`` its parameters;
    ``text`` is what somebody wrote."""

    __tablename__ = "log_entries"
    __table_args__ = (Index("ix_log_entries_order", "incident_id", "at", "id"),)
    id: int = pk()
    incident_id: int = ref("incidents.id", index=False)
    at: datetime = ts()
    kind: LogKind = text_enum(LogKind, "kind")
    event: str | None = _word(null=True)
    account_id: int | None = ref("accounts.id", null=True, index=False)
    text: str = _prose()
    data: dict[str, Any] = jsonb()


class RaiseRequest(SQLModel, table=True):
    """A graver level, asked of the node above; ``area`` is that node."""

    __tablename__ = "raise_requests"
    __table_args__ = (
        CheckConstraint("level BETWEEN 1 AND 4", name="level_range"),
        Index(
            "uq_raise_requests_asked", "incident_id", unique=True, postgresql_where=text("state = 'asked'")
        ),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    incident_id: int = ref("incidents.id")
    area: str = area()
    level: int
    reason: str = _prose()
    asked_by: int | None = ref("accounts.id", null=True, index=False)
    asked_at: datetime = ts()
    state: RaiseState = text_enum(RaiseState, "state", RaiseState.ASKED)
    answered_by: int | None = ref("accounts.id", null=True, index=False)
    answered_at: datetime | None = ts(null=True)
