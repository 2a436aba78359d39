"""What is stored of surveys: one row a person asked, with the answers when there are some."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from volunteer_hub.core.columns import area, blob, pk, public_id, ref, text_enum, ts
from volunteer_hub.feedback.rules import Form, Kind, State


class Survey(SQLModel, table=True):
    """The questions of one form, asked of one person after one incident or drill.

    ``answers``: question code -> mark 1-5, choice code or the person's own words. ``seen_at``: when its page
    was first known to be looked at. ``remind_at``: when the next reminder is due, None when no more will be
    sent.
    """

    __tablename__ = "surveys"
    __table_args__ = (
        UniqueConstraint("incident_id", "volunteer_id", "form"),
        CheckConstraint("(state = 'answered') = (answered_at IS NOT NULL)", name="answered"),
        CheckConstraint("state = 'open' OR remind_at IS NULL", name="ended"),
        Index("ix_surveys_reminder", "remind_at", postgresql_where=text("state = 'open'")),
        Index("ix_surveys_expiry", "expires_at", postgresql_where=text("state = 'open'")),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    incident_id: int = ref("incidents.id")
    volunteer_id: int = ref("volunteers.id")
    area: str = area()
    form: Form = text_enum(Form, "form")
    kind: Kind = text_enum(Kind, "kind")
    state: State = text_enum(State, "state", State.OPEN)
    token_hash: bytes = blob(unique=True)
    opened_at: datetime = ts()
    seen_at: datetime | None = ts(null=True)
    reminders: int = 0
    reminded_at: datetime | None = ts(null=True)
    remind_at: datetime | None = ts(null=True)
    answered_at: datetime | None = ts(null=True)
    expires_at: datetime = ts()
    answers: dict[str, Any] | None = Field(
        default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True, info={"personal": True})
    )
