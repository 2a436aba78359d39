"""What is stored of evaluations after a duty."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from volunteer_hub.core.columns import area, personal, pk, public_id, ref, text_enum, ts
from volunteer_hub.feedback.evaluation_rules import Side


class EvaluationRow(SQLModel, table=True):
    """What one said of the other after a duty. Whoever is rated is ``volunteer_id``, or ``account_id`` where
    the staff led; whoever wrote it ``by_volunteer`` or ``by_account``. ``marks``: criterion -> mark.
    ``reply`` is the word of whoever is rated; after it nothing is changed any more."""

    __tablename__ = "evaluations"
    __table_args__ = (
        UniqueConstraint("duty_id", "side"),
        CheckConstraint("volunteer_id IS NULL OR account_id IS NULL", name="rated"),
        CheckConstraint("by_volunteer IS NULL OR by_account IS NULL", name="written_by"),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    duty_id: int = ref("duties.id", index=False)
    incident_id: int = ref("incidents.id", index=False)
    area: str = area()
    side: Side = text_enum(Side, "side")
    volunteer_id: int | None = ref("volunteers.id", null=True)
    account_id: int | None = ref("accounts.id", null=True)
    by_volunteer: int | None = ref("volunteers.id", null=True)
    by_account: int | None = ref("accounts.id", null=True, index=False)
    marks: dict[str, Any] = Field(
        default_factory=dict, sa_column=Column(JSONB, nullable=False, info={"personal": True})
    )
    words: str | None = personal()
    written_at: datetime = ts()
    reply: str | None = personal()
    replied_at: datetime | None = ts(null=True)
