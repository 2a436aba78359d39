"""What is stored of gates, and of people who come by themselves."""

import uuid
from datetime import datetime

from sqlalchemy import Column, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from volunteer_hub.core.columns import area, blob, personal, pk, public_id, ref, text_enum, ts
from volunteer_hub.mobilization.gate_rules import EntryState


class Gate(SQLModel, table=True):
    """Where people who come by themselves are taken in for one task: a link, printed as a QR code, that works
    until it is closed or its time is over."""

    __tablename__ = "gates"
    __table_args__ = (
        Index("uq_gates_open", "task_id", unique=True, postgresql_where=text("closed_at IS NULL")),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    incident_id: int = ref("incidents.id")
    task_id: int = ref("tasks.id", index=False)
    area: str = area()
    token_hash: bytes = blob(unique=True)
    opened_by: int | None = ref("accounts.id", null=True, index=False)
    opened_at: datetime = ts()
    expires_at: datetime = ts()
    closed_by: int | None = ref("accounts.id", null=True, index=False)
    closed_at: datetime | None = ts(null=True)


class GateEntry(SQLModel, table=True):
    """Somebody who filled in the form at a gate. ``name``, ``skills`` and ``fit`` are as they typed them; of
    who was known before nothing else is changed until a leader has seen who they are. ``offer_id``: the place
    they got."""

    __tablename__ = "gate_entries"
    __subject__ = "volunteer_id"
    __table_args__ = (
        Index(
            "uq_gate_entries_waiting",
            "gate_id",
            "volunteer_id",
            unique=True,
            postgresql_where=text("state = 'waiting'"),
        ),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    gate_id: int = ref("gates.id")
    volunteer_id: int = ref("volunteers.id")
    area: str = area()
    came_at: datetime = ts()
    known: bool
    name: str | None = personal()
    skills: list[str] = Field(default_factory=list, sa_column=Column(JSONB, nullable=False))
    fit: bool
    state: EntryState = text_enum(EntryState, "state", EntryState.WAITING)
    identity_by: int | None = ref("accounts.id", null=True, index=False)
    identity_at: datetime | None = ts(null=True)
    decided_by: int | None = ref("accounts.id", null=True, index=False)
    decided_at: datetime | None = ts(null=True)
    reason: str | None = personal()
    offer_id: int | None = ref("offers.id", null=True, index=False)
