"""What is stored of points taken by hand: what the person was told, and their appeal."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, Column, Index, Text, text
from sqlmodel import Field, SQLModel

from volunteer_hub.core.columns import area, jsonb, personal, pk, public_id, ref, text_enum, ts
from volunteer_hub.incentives.deductions_rules import DeductionState


class Deduction(SQLModel, table=True):
    """Points taken from a person by hand. ``kind`` as config/rewards.toml named it then, in both languages;
    ``told``: a message with it went into the outbox, else somebody has to tell them; ``entered_by`` and
    ``decided_by`` are two people; ``noted_by``: who wrote the appeal down for the person."""

    __tablename__ = "deductions"
    __table_args__ = (
        CheckConstraint("points >= 0", name="points"),
        CheckConstraint("btrim(reason) <> ''", name="reason"),
        CheckConstraint("(state = 'stands') = (appealed_at IS NULL)", name="appealed"),
        CheckConstraint(
            "(state IN ('confirmed', 'given_back')) = (decided_at IS NOT NULL AND decision IS NOT NULL)",
            name="decided",
        ),
        CheckConstraint("decided_by <> entered_by", name="two_people"),
        Index("ix_deductions_appealed", "area", "id", postgresql_where=text("state = 'appealed'")),
        Index("ix_deductions_volunteer_id_id", "volunteer_id", "id"),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    volunteer_id: int = ref("volunteers.id", index=False)
    area: str = area()
    transfer_id: uuid.UUID = Field(unique=True)
    points: int
    kind: dict[str, str] = jsonb()
    reason: str = Field(sa_column=Column(Text, nullable=False))
    told: bool
    entered_by: int | None = ref("accounts.id", null=True, index=False)
    at: datetime = ts()
    appeal_until: datetime = ts()
    state: DeductionState = text_enum(DeductionState, "state", DeductionState.STANDS)
    appeal: str | None = personal()
    appealed_at: datetime | None = ts(null=True)
    noted_by: int | None = ref("accounts.id", null=True, index=False)
    decided_by: int | None = ref("accounts.id", null=True, index=False)
    decided_at: datetime | None = ts(null=True)
    decision: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
