"""What is stored of improvement actions: the findings behind one, who raised them, every step of its way."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from volunteer_hub.core.columns import area, blob, jsonb, pk, public_id, ref, text_enum, ts, version
from volunteer_hub.feedback.actions_rules import ActionState, Figure, Priority, Source
from volunteer_hub.feedback.rules import Form


def _words(*, null: bool = False) -> Any:
    if null:
        return Field(default=None, sa_column=Column(Text, nullable=True))
    return Field(sa_column=Column(Text, nullable=False))


class ImprovementAction(SQLModel, table=True):
    """Something to be changed, by whom, until when; later what shows that it was, and that it holds.

    ``nudge_at``: when the clock speaks next, None when no more; ``nudged_at``: up to when it has spoken.
    ``retest_run_id``: the drill that has judged it, or waits for somebody to do so.
    """

    __tablename__ = "improvement_actions"
    __table_args__ = (
        CheckConstraint("state IN ('proposed', 'dropped') OR owner_id IS NOT NULL", name="owned"),
        CheckConstraint("state IN ('proposed', 'dropped') OR due_at IS NOT NULL", name="dated"),
        CheckConstraint(
            "state NOT IN ('done', 'proven') OR (done_at IS NOT NULL AND evidence IS NOT NULL AND "
            "reference IS NOT NULL AND changed IS NOT NULL)",
            name="evidence",
        ),
        CheckConstraint("(state = 'dropped') = (dropped IS NOT NULL)", name="reason"),
        CheckConstraint("retest_plan_id IS NOT NULL OR retest_figure IS NULL", name="retest"),
        CheckConstraint("(retest_figure IS NULL) = (retest_at_least IS NULL)", name="measure"),
        Index("ix_improvement_actions_nudge", "nudge_at", postgresql_where=text("nudge_at IS NOT NULL")),
        Index("ix_improvement_actions_retest", "retest_plan_id", postgresql_where=text("state = 'done'")),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    area: str = area()
    title: str = _words()
    words: str = _words()
    priority: Priority = text_enum(Priority, "priority", Priority.NORMAL)
    state: ActionState = text_enum(ActionState, "state", ActionState.PROPOSED)
    proposed_at: datetime = ts()
    proposed_by: int | None = ref("accounts.id", null=True, index=False)
    owner_id: int | None = ref("accounts.id", null=True)
    due_at: datetime | None = ts(null=True)
    done_at: datetime | None = ts(null=True)
    evidence: str | None = _words(null=True)
    reference: str | None = _words(null=True)
    changed: str | None = _words(null=True)
    dropped: str | None = _words(null=True)
    nudged_at: datetime = ts()
    nudge_at: datetime | None = ts(null=True)
    retest_plan_id: int | None = ref("drill_plans.id", null=True, index=False)
    retest_figure: Figure | None = text_enum(Figure, "retest_figure", null=True)
    retest_minutes: int | None = None
    retest_at_least: int | None = None
    retest_run_id: int | None = ref("drill_runs.id", null=True, index=False)
    version: int = version()


class Finding(SQLModel, table=True):
    """Why there is an action. ``key`` names what it was found in, so that nothing is raised twice; ``code``:
    the theme, the question, or the figure."""

    __tablename__ = "findings"
    __table_args__ = (UniqueConstraint("key"),)
    id: int = pk()
    public_id: uuid.UUID = public_id()
    action_id: int = ref("improvement_actions.id")
    area: str = area()
    source: Source = text_enum(Source, "source")
    key: str | None = _words(null=True)
    incident_id: int | None = ref("incidents.id", null=True)
    form: Form | None = text_enum(Form, "form", null=True)
    code: str | None = _words(null=True)
    injury_id: int | None = ref("injuries.id", null=True, index=False)
    run_id: int | None = ref("drill_runs.id", null=True, index=False)
    debrief_id: int | None = ref("debriefs.id", null=True, index=False)
    words: str = _words()
    found_at: datetime = ts()
    found_by: int | None = ref("accounts.id", null=True, index=False)


class Voice(SQLModel, table=True):
    """Somebody who raised what an action is about: a volunteer or an account. ``told_at``: when they were
    told what was changed because of them."""

    __tablename__ = "action_voices"
    __table_args__ = (
        UniqueConstraint("action_id", "volunteer_id"),
        UniqueConstraint("action_id", "account_id"),
        CheckConstraint("num_nonnulls(volunteer_id, account_id) = 1", name="somebody"),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    action_id: int = ref("improvement_actions.id", index=False)
    finding_id: int = ref("findings.id", index=False)
    area: str = area()
    volunteer_id: int | None = ref("volunteers.id", null=True)
    account_id: int | None = ref("accounts.id", null=True)
    token_hash: bytes = blob(unique=True)
    told_at: datetime | None = ts(null=True)


class ActionStep(SQLModel, table=True):
    """One step of an action's way: into which state, by whom, in which words. ``facts`` of a drill that
    judged it: ``figure``, ``minutes``, ``at_least``, ``shown``, ``people``."""

    __tablename__ = "action_steps"
    id: int = pk()
    action_id: int = ref("improvement_actions.id")
    area: str = area()
    at: datetime = ts()
    state: ActionState = text_enum(ActionState, "state")
    account_id: int | None = ref("accounts.id", null=True, index=False)
    run_id: int | None = ref("drill_runs.id", null=True, index=False)
    words: str = _words()
    facts: dict[str, Any] = jsonb()
