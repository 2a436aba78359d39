"""What is stored of a newcomer's way in."""

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, Column, Date, Index, text
from sqlmodel import Field, SQLModel

from volunteer_hub.core.columns import area, personal, pk, public_id, ref, text_enum, ts
from volunteer_hub.training.introduction_rules import Facts, MentorState, Outcome


class IntroductionRow(SQLModel, table=True):
    """One person's way in. Where they stand with the pool is the volunteer's ``status``; here is what leads
    there and on. Of several interviews the latest; ``words``: its reason, for the person to read.
    ``mentor_at``: when the mentor was asked, or answered. ``finished_at``: when every step was done."""

    __tablename__ = "introductions"
    __table_args__ = (
        CheckConstraint("(outcome IS NULL) = (interviewed_on IS NULL)", name="interview"),
        CheckConstraint("(mentor_id IS NULL) = (mentor IS NULL)", name="mentor_asked"),
        Index("ix_introductions_open", "volunteer_id", postgresql_where=text("finished_at IS NULL")),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    volunteer_id: int = ref("volunteers.id", unique=True, index=False)
    area: str = area()
    applied_at: datetime = ts()
    interviewed_on: date | None = Field(default=None, sa_column=Column(Date, nullable=True))
    interviewed_at: datetime | None = ts(null=True)
    interviewed_by: int | None = ref("accounts.id", null=True, index=False)
    outcome: Outcome | None = text_enum(Outcome, "outcome", null=True)
    words: str | None = personal()
    taken_in_at: datetime | None = ts(null=True)
    mentor_id: int | None = ref("volunteers.id", null=True)
    mentor: MentorState | None = text_enum(MentorState, "mentor", null=True)
    mentor_at: datetime | None = ts(null=True)
    first_duty_at: datetime | None = ts(null=True)
    finished_at: datetime | None = ts(null=True)

    @property
    def facts(self) -> Facts:
        """What the rules ask."""
        return Facts(
            self.applied_at,
            self.interviewed_at,
            self.taken_in_at,
            self.mentor,
            self.mentor_at,
            self.first_duty_at,
        )
