"""Tables of the trail: its lines, those not yet sealed, the seals, and the runs of jobs."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Column, Index, Text
from sqlalchemy.dialects.postgresql import INT8MULTIRANGE
from sqlmodel import Field, SQLModel

from volunteer_hub.audit.rules import Operation
from volunteer_hub.core.columns import after_create, blob, jsonb, pk, text_enum, ts


class AuditLine(SQLModel, table=True):
    """One change. ``area`` is where it happened then: it does not follow a node that moves later."""

    __tablename__ = "audit_lines"
    __audit__ = False
    __table_args__ = (Index("ix_audit_lines_row", "table_name", "row_id"),)
    id: int = pk()
    at: datetime = ts(index=True)
    actor_kind: str = Field(sa_column=Column(Text, nullable=False))
    actor_id: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    action: str = Field(sa_column=Column(Text, nullable=False))
    table_name: str = Field(sa_column=Column(Text, nullable=False))
    row_id: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    area: str | None = Field(default=None, sa_column=Column(Text(collation="C"), nullable=True, index=True))
    op: Operation = text_enum(Operation, "operation")
    changes: dict[str, Any] = jsonb()


class AuditPending(SQLModel, table=True):
    """A line that no seal holds yet; written with it, so that only committed lines are seen here."""

    __tablename__ = "audit_pending"
    __audit__ = False
    line_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))


class AuditSeal(SQLModel, table=True):
    """A link of the chain over the lines of ``ids``."""

    __tablename__ = "audit_seals"
    __audit__ = False
    id: int = pk()
    at: datetime = ts()
    ids: Any = Field(sa_column=Column(INT8MULTIRANGE, nullable=False))
    first_id: int = Field(sa_column=Column(BigInteger, nullable=False))
    last_id: int = Field(sa_column=Column(BigInteger, nullable=False))
    count: int
    previous: bytes = blob(unique=True)
    digest: bytes = blob(unique=True)
    leaves: bytes = blob()


class JobRun(SQLModel, table=True):
    """One run of a job: what the auditor and the page of jobs read."""

    __tablename__ = "job_runs"
    __audit__ = False
    __table_args__ = (Index("ix_job_runs_job_started_at", "job", "started_at"),)
    id: int = pk()
    job: str = Field(sa_column=Column(Text, nullable=False))
    started_at: datetime = ts(index=True)
    ended_at: datetime | None = ts(null=True)
    ok: bool | None = None
    done: int = 0
    detail: str = ""


REFUSE_FUNCTION: Final = """
CREATE OR REPLACE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$
"""
"""Shared by both triggers below; made before them."""


def append_only(table: str) -> str:
    """The trigger that refuses every change and removal of rows."""
    return (
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()"
    )


for _name in ("audit_lines", "audit_seals"):
    after_create(_name, REFUSE_FUNCTION, append_only(_name))
