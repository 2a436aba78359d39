"""What is stored of drill plans, and of every hour at which one fell due."""

import uuid
from datetime import datetime
from typing import Any, Final

from sqlalchemy import CheckConstraint, Column, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from volunteer_hub.core.columns import after_create, area, pk, public_id, ref, text_enum, ts, version
from volunteer_hub.drills.rules import Kind, Misfire, Notice, PlanState, RunState, Skipped


def _word() -> Any:
    return Field(sa_column=Column(Text, nullable=False))


class DrillPlan(SQLModel, table=True):
    """A drill on a calendar rule, read on the wall clock of ``zone`` and counted from the day of ``since``.

    ``next_at``: its next hour by the rule, ``starts_at``: when it starts, up to ``jitter_minutes`` later and
    told to nobody; both None when paused or when the rule has come to its end. ``skills``: codes of which a
    person called has at least one; empty for anybody. ``on_paper``: as if the network were down.
    """

    __tablename__ = "drill_plans"
    __table_args__ = (
        CheckConstraint("share_percent BETWEEN 1 AND 100", name="share"),
        CheckConstraint("answer_minutes > 0", name="answer_minutes"),
        CheckConstraint("jitter_minutes >= 0", name="jitter_minutes"),
        CheckConstraint("state = 'active' OR next_at IS NULL", name="paused_is_not_due"),
        CheckConstraint("(next_at IS NULL) = (starts_at IS NULL)", name="starts"),
        Index("ix_drill_plans_due", "starts_at", postgresql_where=text("state = 'active'")),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    area: str = area()
    title: str = _word()
    hazard: str = _word()
    rule: str = _word()
    zone: str = _word()
    notice: Notice = text_enum(Notice, "notice")
    kind: Kind = text_enum(Kind, "kind")
    share_percent: int
    answer_minutes: int
    skills: list[str] = Field(default_factory=list, sa_column=Column(JSONB, nullable=False))
    misfire: Misfire = text_enum(Misfire, "misfire")
    jitter_minutes: int = 0
    on_paper: bool = False
    state: PlanState = text_enum(PlanState, "state", PlanState.ACTIVE)
    since: datetime = ts()
    next_at: datetime | None = ts(null=True)
    starts_at: datetime | None = ts(null=True)
    lease_until: datetime | None = ts(null=True)
    created_by: int | None = ref("accounts.id", null=True, index=False)
    version: int = version()


class DrillRun(SQLModel, table=True):
    """One occurrence of a plan: run once, or skipped for a reason. ``figures`` are frozen once recorded."""

    __tablename__ = "drill_runs"
    __table_args__ = (
        UniqueConstraint("plan_id", "occurrence"),
        CheckConstraint("(state = 'skipped') = (reason IS NOT NULL)", name="reason"),
        CheckConstraint("state = 'run' OR (incident_id IS NULL AND figures IS NULL)", name="not_held"),
        CheckConstraint("(figures IS NULL) = (recorded_at IS NULL)", name="recorded"),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    plan_id: int = ref("drill_plans.id", index=False)
    area: str = area()
    occurrence: datetime = ts(index=True)
    state: RunState = text_enum(RunState, "state")
    reason: Skipped | None = text_enum(Skipped, "skipped", null=True)
    at: datetime = ts()
    incident_id: int | None = ref("incidents.id", null=True, unique=True, index=False)
    figures: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    recorded_at: datetime | None = ts(null=True)


FIGURES_FROZEN: Final = """
CREATE OR REPLACE FUNCTION drill_runs_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' OR (NEW.plan_id, NEW.occurrence) IS DISTINCT FROM (OLD.plan_id, OLD.occurrence)
     OR (NEW.state <> OLD.state AND (OLD.state = 'skipped' OR OLD.incident_id IS NOT NULL))
     OR (OLD.incident_id IS NOT NULL AND
     NEW.incident_id IS DISTINCT FROM OLD.incident_id) OR (OLD.figures IS NOT NULL AND
     (NEW.figures, NEW.recorded_at) IS DISTINCT FROM (OLD.figures, OLD.recorded_at)) THEN
    RAISE EXCEPTION 'a drill that was held stays as recorded' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER drill_runs_frozen BEFORE UPDATE OR DELETE ON drill_runs
FOR EACH ROW EXECUTE FUNCTION drill_runs_frozen();
"""

after_create("drill_runs", FIGURES_FROZEN)
