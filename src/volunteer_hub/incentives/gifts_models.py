"""What is stored of points given: who is in need, and what was given to them or to a fund."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, Column, Index, Text, Uuid, text
from sqlmodel import Field, SQLModel

from volunteer_hub.core.columns import area, personal, pk, public_id, ref, text_enum, ts
from volunteer_hub.incentives.gifts_rules import GiftState


class Need(SQLModel, table=True):
    """A person in need, as the staff has named them: ``words`` are what givers read, never the name."""

    __tablename__ = "needs"
    __table_args__ = (
        Index("uq_needs_open", "volunteer_id", unique=True, postgresql_where=text("closed_at IS NULL")),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    volunteer_id: int = ref("volunteers.id")
    area: str = area()
    words: str | None = personal()
    opened_by: int | None = ref("accounts.id", null=True, index=False)
    opened_at: datetime = ts()
    closed_at: datetime | None = ts(null=True)


class Gift(SQLModel, table=True):
    """Points given: by a person, or by whoever granted them from a fund (no ``giver_id``), to a person in
    need, or to the fund of ``area`` (no ``receiver_id``). ``transfer_id`` once they have moved."""

    __tablename__ = "gifts"
    __table_args__ = (
        CheckConstraint("points > 0", name="points"),
        CheckConstraint("giver_id IS NOT NULL OR receiver_id IS NOT NULL", name="between"),
        CheckConstraint("giver_id <> receiver_id", name="another"),
        CheckConstraint("(state = 'given') = (transfer_id IS NOT NULL)", name="moved"),
        CheckConstraint("state <> 'refused' OR coalesce(btrim(reason), '') <> ''", name="refused"),
        Index("ix_gifts_giver_id_at", "giver_id", "at"),
        Index("ix_gifts_waiting", "area", "id", postgresql_where=text("state = 'waiting'")),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    giver_id: int | None = ref("volunteers.id", null=True, index=False)
    receiver_id: int | None = ref("volunteers.id", null=True)
    need_id: int | None = ref("needs.id", null=True, index=False)
    area: str = area()
    points: int
    state: GiftState = text_enum(GiftState, "state", GiftState.GIVEN)
    at: datetime = ts()
    transfer_id: uuid.UUID | None = Field(default=None, sa_column=Column(Uuid, nullable=True))
    granted_by: int | None = ref("accounts.id", null=True, index=False)
    decided_by: int | None = ref("accounts.id", null=True, index=False)
    decided_at: datetime | None = ts(null=True)
    reason: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
