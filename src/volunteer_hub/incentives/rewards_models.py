"""What is stored of rewards: the catalogue, and who took what."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, Column, Index, Text
from sqlmodel import Field, SQLModel

from volunteer_hub.core.columns import area, blob, pk, public_id, ref, text_enum, ts
from volunteer_hub.incentives.rewards_rules import RedemptionState


class Reward(SQLModel, table=True):
    """Something to be had for points by people who live in its area. ``stock``: pieces left; nobody takes one
    once it is closed or after ``ends_at``."""

    __tablename__ = "rewards"
    __table_args__ = (
        CheckConstraint("stock >= 0", name="stock"),
        CheckConstraint("cost > 0", name="cost"),
        CheckConstraint("per_person > 0", name="per_person"),
        CheckConstraint("keep_days > 0", name="keep_days"),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    area: str = area()
    title: str = Field(sa_column=Column(Text, nullable=False))
    words: str = Field(sa_column=Column(Text, nullable=False))
    sponsor: str = Field(sa_column=Column(Text, nullable=False))
    cost: int
    stock: int
    per_person: int | None = None
    keep_days: int
    ends_at: datetime | None = ts(null=True)
    closed_at: datetime | None = ts(null=True)
    created_at: datetime = ts()


class Redemption(SQLModel, table=True):
    """One piece that somebody took. ``code_hash``: of the code a counter takes until ``until``;
    ``handed_over_at``: the true time, ``noted_at`` when it was told here; ``transfer_id``: what moved the
    points."""

    __tablename__ = "redemptions"
    __table_args__ = (
        CheckConstraint("(state = 'handed_over') <= (handed_over_at IS NOT NULL)", name="handed_over"),
        CheckConstraint(
            "(state = 'returned') = (reason IS NOT NULL AND returned_at IS NOT NULL)", name="returned"
        ),
        Index("ix_redemptions_volunteer_id_id", "volunteer_id", "id"),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    reward_id: int = ref("rewards.id")
    volunteer_id: int = ref("volunteers.id", index=False)
    area: str = area()
    cost: int
    state: RedemptionState = text_enum(RedemptionState, "state", RedemptionState.TAKEN)
    code_hash: bytes = blob(unique=True)
    transfer_id: uuid.UUID
    taken_at: datetime = ts()
    until: datetime = ts()
    handed_over_at: datetime | None = ts(null=True)
    noted_at: datetime | None = ts(null=True)
    noted_by: int | None = ref("accounts.id", null=True, index=False)
    returned_at: datetime | None = ts(null=True)
    reason: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
