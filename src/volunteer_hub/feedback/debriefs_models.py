"""What is stored of debriefs: what those who were in command say about how it went."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from volunteer_hub.core.columns import area, pk, public_id, ref, ts, version


class Debrief(SQLModel, table=True):
    """The coordinator's questions, asked of one account after one incident or drill.

    ``answers`` as of a survey; they may be changed until the action plan is written. ``remind_at``: when the
    next reminder is due, None when no more will be sent.
    """

    __tablename__ = "debriefs"
    __table_args__ = (
        UniqueConstraint("incident_id", "account_id"),
        CheckConstraint("(answers IS NULL) = (answered_at IS NULL)", name="answered"),
        Index("ix_debriefs_reminder", "remind_at", postgresql_where=text("remind_at IS NOT NULL")),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    incident_id: int = ref("incidents.id", index=False)
    account_id: int = ref("accounts.id")
    area: str = area()
    opened_at: datetime = ts()
    reminders: int = 0
    remind_at: datetime | None = ts(null=True)
    answered_at: datetime | None = ts(null=True)
    answers: dict[str, Any] | None = Field(
        default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True, info={"personal": True})
    )
    version: int = version()
