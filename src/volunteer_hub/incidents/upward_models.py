"""What is stored of reports upward."""

import uuid
from datetime import datetime
from typing import Any, Final

from sqlalchemy import CheckConstraint, Column, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from volunteer_hub.core.columns import after_create, area, jsonb, pk, public_id, ref, text_enum, ts, version
from volunteer_hub.incidents.upward_rules import UpwardKind


def _words() -> Any:
    return Field(default="", sa_column=Column(Text, nullable=False))


class UpwardReport(SQLModel, table=True):
    """One report upward: a draft until it is sent, then frozen.

    ``figures`` are as reported, ``counted`` what the program counted at ``as_of``. ``due_at`` is when it was
    due at the time it was sent, ``sent_to`` to whom, in words, ``email`` where it was mailed, if it was.
    """

    __tablename__ = "upward_reports"
    __table_args__ = (
        UniqueConstraint("incident_id", "number"),
        Index(
            "uq_upward_reports_draft", "incident_id", unique=True, postgresql_where=text("sent_at IS NULL")
        ),
        CheckConstraint("level BETWEEN 1 AND 4", name="level_range"),
        CheckConstraint("(sent_at IS NULL) = (sent_to IS NULL)", name="sent"),
        CheckConstraint("email IS NULL OR sent_at IS NOT NULL", name="mailed"),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    incident_id: int = ref("incidents.id", index=False)
    area: str = area()
    number: int
    kind: UpwardKind = text_enum(UpwardKind, "kind")
    level: int
    lang: str
    figures: dict[str, int] = jsonb()
    counted: dict[str, int] = jsonb()
    as_of: datetime = ts()
    situation: str = _words()
    measures: str = _words()
    resources: str = _words()
    needs: str = _words()
    written_by: int | None = ref("accounts.id", null=True, index=False)
    due_at: datetime | None = ts(null=True)
    sent_at: datetime | None = ts(null=True)
    sent_by: int | None = ref("accounts.id", null=True, index=False)
    sent_to: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    email: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    version: int = version()


SENT_FROZEN: Final = """
CREATE OR REPLACE FUNCTION upward_reports_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.sent_at IS NOT NULL AND
     (TG_OP = 'DELETE' OR to_jsonb(NEW) - 'area' IS DISTINCT FROM to_jsonb(OLD) - 'area') THEN
    RAISE EXCEPTION 'a report that was sent is frozen; send another' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER upward_reports_frozen BEFORE UPDATE OR DELETE ON upward_reports
FOR EACH ROW EXECUTE FUNCTION upward_reports_frozen();
"""
after_create("upward_reports", SENT_FROZEN)
