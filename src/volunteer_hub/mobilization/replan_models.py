"""What is stored of re-plans that the program proposes, and of the rule that lets it apply them."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from volunteer_hub.core.columns import area, jsonb, ref, ts


class Proposal(SQLModel, table=True):
    """A re-plan that the program asked for by itself. ``news``: what had happened, News -> how often.

    ``settled_at``: when it was shown, applied by the rule or put aside because it changes nothing; until then
    nobody sees it. ``rule``: the one it was applied by, as it stood then.
    """

    __tablename__ = "proposals"
    __table_args__ = (
        Index("ix_proposals_unsettled", "plan_run_id", postgresql_where=sql("settled_at IS NULL")),
    )
    plan_run_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("plan_runs.id"), primary_key=True, autoincrement=False)
    )
    news: dict[str, Any] = jsonb()
    rule: dict[str, Any] | None = jsonb(null=True)
    settled_at: datetime | None = ts(null=True)


class ReplanRule(SQLModel, table=True):
    """The rule of an incident: a proposal that changes at most ``most_changes`` orders and moves nobody who
    has said yes is applied by itself; None: never. ``reason`` stands in for a second person, where one is
    needed."""

    __tablename__ = "replan_rules"
    __table_args__ = (CheckConstraint("most_changes BETWEEN 1 AND 1000", name="most_changes"),)
    incident_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("incidents.id"), primary_key=True, autoincrement=False)
    )
    area: str = area()
    most_changes: int | None = None
    reason: str | None = None
    set_by: int | None = ref("accounts.id", null=True, index=False)
    set_at: datetime = ts()
