"""What is stored of plans, callouts, offers and duties."""

import uuid
from datetime import datetime
from typing import Any, Final

from pydantic import ConfigDict
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import TSTZRANGE, ExcludeConstraint, Range
from sqlmodel import Field, SQLModel

from volunteer_hub.core.columns import (
    after_create,
    area,
    blob,
    jsonb,
    personal,
    pk,
    public_id,
    ref,
    text_enum,
    ts,
    version,
)
from volunteer_hub.mobilization import field_rules, rules, standby_rules
from volunteer_hub.mobilization.rules import CalloutState, DutyState, Kind, OfferState, PlanState


class PlanRun(SQLModel, table=True):
    """A plan: asked for, solved by a worker, frozen with its reasons, approved.

    ``pool_area`` is the node whose people may be chosen: wider than the incident's where neighbours help.
    ``broken_floors`` are reserve floors (ids) that it may break, for ``floors_reason``. ``confidence`` is how
    sure each minimum shall be, as approved; None: as configured. ``predecessor_id``: the plan that a re-plan
    changes; ``applied_at``: when its people were asked.
    ``result``: {"pairs": [{"slot", "volunteer", "wave", ...}], "gaps": [...], "proof": {...}, ...}, ids only.
    """

    __tablename__ = "plan_runs"
    __table_args__ = (
        CheckConstraint("state <> 'approved' OR approved_at IS NOT NULL", name="approved"),
        CheckConstraint("second_by <> approved_by", name="two_people"),
        CheckConstraint("(broken_floors IS NULL) = (floors_reason IS NULL)", name="floors_reason"),
        CheckConstraint("confidence > 0 AND confidence < 1", name="confidence"),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    incident_id: int = ref("incidents.id")
    pool_area: str = area()  # before the field that hides the helper's name
    area: str = area()
    state: PlanState = text_enum(PlanState, "state", PlanState.REQUESTED)
    requested_by: int | None = ref("accounts.id", null=True, index=False)
    requested_at: datetime = ts()
    lease_until: datetime | None = ts(null=True)
    attempts: int = 0
    progress: dict[str, Any] = jsonb()
    deadline_seconds: float
    policy_version: int = ref("policy_versions.id", index=False)
    seed: int = Field(sa_column=Column(BigInteger, nullable=False))
    problem_digest: str | None = None
    result: dict[str, Any] | None = jsonb(null=True)
    objective: dict[str, Any] | None = jsonb(null=True)
    failure: str | None = None
    finished_at: datetime | None = ts(null=True)
    approved_by: int | None = ref("accounts.id", null=True, index=False)
    approved_at: datetime | None = ts(null=True)
    second_by: int | None = ref("accounts.id", null=True, index=False)
    override_reason: str | None = None
    broken_floors: list[int] | None = jsonb(null=True)
    floors_reason: str | None = None
    confidence: float | None = None
    predecessor_id: int | None = ref("plan_runs.id", null=True, index=False)
    applied_at: datetime | None = ts(null=True)
    people_mark: int = Field(sa_column=Column(BigInteger, nullable=False))


class Callout(SQLModel, table=True):
    """One approved plan sent out. ``held_at``: since then no wave goes by the forecast. ``looked_at``: when
    the forecast was last made. ``on_paper``: a drill as if the network were down: nobody is written to."""

    __tablename__ = "callouts"
    __table_args__ = (
        CheckConstraint("confidence > 0 AND confidence < 1", name="confidence"),
        CheckConstraint("kind = 'drill' OR NOT on_paper", name="paper_is_a_drill"),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    plan_run_id: int = ref("plan_runs.id", unique=True, index=False)
    incident_id: int = ref("incidents.id")
    area: str = area()
    kind: Kind = text_enum(Kind, "kind")
    state: CalloutState = text_enum(CalloutState, "state", CalloutState.SENDING)
    answer_by: datetime = ts()
    expires_at: datetime = ts()
    created_at: datetime = ts()
    ended_at: datetime | None = ts(null=True)
    approved_by: int | None = ref("accounts.id", null=True, index=False)
    second_by: int | None = ref("accounts.id", null=True, index=False)
    reason: str | None = None
    wave: int = 1
    lease_until: datetime | None = ts(null=True)
    next_look_at: datetime | None = ts(null=True, index=True)
    confidence: float
    held_at: datetime | None = ts(null=True)
    held_by: int | None = ref("accounts.id", null=True, index=False)
    looked_at: datetime | None = ts(null=True)
    on_paper: bool = False


class SlotFill(SQLModel, table=True):
    """How many places of a slot are taken in a callout, and the last number given in its stand-by line.

    Written only by guarded updates: ``filled`` is the offers in ``rules.PLACED``, never above ``maximum``.
    Who would be there for less than ``useful_minutes`` of the work holds no place.
    """

    __tablename__ = "slot_fills"
    __table_args__ = (CheckConstraint("filled BETWEEN 0 AND maximum", name="filled"),)
    slot_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("role_slots.id"), primary_key=True, autoincrement=False)
    )
    callout_id: int = Field(
        sa_column=Column(
            BigInteger, ForeignKey("callouts.id"), primary_key=True, autoincrement=False, index=True
        )
    )
    minimum: int
    target: int
    maximum: int
    filled: int = 0
    line: int = 0
    useful_minutes: int = 0


class Offer(SQLModel, table=True):
    """One person asked for one slot. ``during`` is the duty's time, ``expires_at`` ends the time to answer,
    ``held_since`` is when the person got the place, ``chance`` that of a yes as believed when it was asked.

    ``version`` counts the changes of place or time, ``ack_version`` is the last that the person confirmed.
    ``instead_of``: the offer whose place a yes to this one gives up. ``passed_over``: why a place that was
    free went to somebody further back in the line, the last time.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)  # type: ignore[assignment]  # SQLModel's own subtype
    __tablename__ = "offers"
    __table_args__ = (
        UniqueConstraint("callout_id", "slot_id", "volunteer_id"),
        ForeignKeyConstraint(["slot_id", "callout_id"], ["slot_fills.slot_id", "slot_fills.callout_id"]),
        ExcludeConstraint(
            (literal_column("int8range(volunteer_id, volunteer_id, '[]')"), "&&"),
            ("during", "&&"),
            where=text("state IN ('accepted', 'on_site')"),
            name="ex_offers_promised_once",
        ),
        CheckConstraint("NOT isempty(during)", name="during"),
        Index("ix_offers_due", "expires_at", postgresql_where=text("state = 'asked'")),
        Index("ix_offers_line", "slot_id", "position", postgresql_where=text("state = 'standing_by'")),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    callout_id: int = ref("callouts.id", index=False)
    slot_id: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))
    volunteer_id: int = ref("volunteers.id")
    area: str = area()
    state: OfferState = text_enum(OfferState, "state", OfferState.QUEUED)
    token_hash: bytes = blob(unique=True)
    wave: int = 1
    chance: float | None = None
    during: Range[datetime] = Field(sa_column=Column(TSTZRANGE, nullable=False))
    minutes_there: int | None = None
    decline_reason: rules.DeclineReason | None = text_enum(rules.DeclineReason, "decline_reason", null=True)
    later_from: datetime | None = ts(null=True)
    asked_at: datetime | None = ts(null=True)
    answered_at: datetime | None = ts(null=True)
    held_since: datetime | None = ts(null=True)
    seen_at: datetime | None = ts(null=True)
    expires_at: datetime | None = ts(null=True)
    position: int | None = None
    version: int = version()
    ack_version: int | None = None
    instead_of: int | None = ref("offers.id", null=True, index=False)
    passed_over: standby_rules.PassedOver | None = text_enum(
        standby_rules.PassedOver, "passed_over", null=True
    )

    @property
    def starts_at(self) -> datetime:
        """When the duty begins."""
        assert self.during.lower is not None
        return self.during.lower

    @property
    def ends_at(self) -> datetime:
        """When the duty ends."""
        assert self.during.upper is not None
        return self.during.upper


class Duty(SQLModel, table=True):
    """Accepted work, from check-in to check-out. ``grade`` is the weaker of the two evidences.

    ``arrives_at``: stated by the person on the way. ``ok_due_at``: by when they say that they are OK again;
    ``ok_remind_at`` is None once they are reminded of it, ``ok_alerted_at`` set once command is alerted.
    """

    __tablename__ = "duties"
    __table_args__ = (
        Index("ix_duties_ok_due", "ok_due_at", postgresql_where=text("state = 'on_site'")),
        Index("ix_duties_ok_remind", "ok_remind_at", postgresql_where=text("state = 'on_site'")),
        CheckConstraint("checked_out_at >= checked_in_at", name="times"),
        CheckConstraint("(state = 'done') = (minutes IS NOT NULL)", name="minutes"),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    offer_id: int = ref("offers.id", unique=True, index=False)
    volunteer_id: int = ref("volunteers.id")
    incident_id: int = ref("incidents.id")
    area: str = area()
    code_hash: bytes = blob()
    checked_in_at: datetime | None = ts(null=True)
    checked_out_at: datetime | None = ts(null=True)
    grade: rules.Grade | None = text_enum(rules.Grade, "grade", null=True)
    minutes: int | None = None
    state: DutyState = text_enum(DutyState, "state", DutyState.EXPECTED)
    en_route_at: datetime | None = ts(null=True)
    arrives_at: datetime | None = ts(null=True)
    ok_at: datetime | None = ts(null=True)
    ok_due_at: datetime | None = ts(null=True)
    ok_remind_at: datetime | None = ts(null=True)
    ok_alerted_at: datetime | None = ts(null=True)


class OkTimer(SQLModel, table=True):
    """How often everybody at a task says that they are OK; without ``minutes`` nobody is asked to."""

    __tablename__ = "ok_timers"
    __table_args__ = (CheckConstraint("minutes BETWEEN 5 AND 1440", name="minutes"),)
    task_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("tasks.id"), primary_key=True, autoincrement=False)
    )
    area: str = area()
    minutes: int | None = None
    set_by: int | None = ref("accounts.id", null=True, index=False)
    set_at: datetime = ts()


class RollCall(SQLModel, table=True):
    """Everybody leaves and says that they are safe, at one task or in the whole incident.

    One that has ended is frozen with its entries; ``missing``: how many nobody had accounted for by then.
    """

    __tablename__ = "roll_calls"
    __table_args__ = (
        CheckConstraint("(ended_at IS NULL) = (missing IS NULL)", name="ended"),
        Index(
            "uq_roll_calls_running",
            "incident_id",
            "task_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    incident_id: int = ref("incidents.id")
    task_id: int | None = ref("tasks.id", null=True, index=False)
    area: str = area()
    started_at: datetime = ts()
    started_by: int | None = ref("accounts.id", null=True, index=False)
    ended_at: datetime | None = ts(null=True)
    ended_by: int | None = ref("accounts.id", null=True, index=False)
    missing: int | None = None


class RollCallEntry(SQLModel, table=True):
    """One person of a roll call: where they were when it reached them, and how they were accounted for."""

    __tablename__ = "roll_call_entries"
    __table_args__ = (
        UniqueConstraint("roll_call_id", "duty_id"),
        CheckConstraint("(accounted IS NULL) = (accounted_at IS NULL)", name="accounted_when"),
    )
    id: int = pk()
    roll_call_id: int = ref("roll_calls.id", index=False)
    duty_id: int = ref("duties.id")
    volunteer_id: int = ref("volunteers.id")
    area: str = area()
    place: field_rules.Place = text_enum(field_rules.Place, "place")
    accounted: field_rules.Accounted | None = text_enum(field_rules.Accounted, "accounted", null=True)
    accounted_at: datetime | None = ts(null=True)
    accounted_by: int | None = ref("accounts.id", null=True, index=False)


class Injury(SQLModel, table=True):
    """An injury, an exposure or a near miss, to one of our volunteers or to nobody; words are personal."""

    __tablename__ = "injuries"
    __subject__ = "volunteer_id"
    id: int = pk()
    public_id: uuid.UUID = public_id()
    incident_id: int = ref("incidents.id")
    task_id: int | None = ref("tasks.id", null=True, index=False)
    area: str = area()
    volunteer_id: int | None = ref("volunteers.id", null=True)
    kind: field_rules.Harm = text_enum(field_rules.Harm, "kind")
    severity: field_rules.Severity = text_enum(field_rules.Severity, "severity")
    treated: field_rules.Treated = text_enum(field_rules.Treated, "treated")
    happened_at: datetime = ts()
    words: str | None = personal()
    place: str | None = personal()
    recorded_at: datetime = ts()
    account_id: int | None = ref("accounts.id", null=True, index=False)
    reporter_id: int | None = ref("volunteers.id", null=True)


class AnswerEvent(SQLModel, table=True):
    """What a person did with an offer, and when; never changed."""

    __tablename__ = "answer_events"
    id: int = pk()
    offer_id: int = ref("offers.id")
    at: datetime = ts(index=True)
    kind: rules.Answer = text_enum(rules.Answer, "kind")
    data: dict[str, Any] = jsonb()


PLAN_FROZEN: Final = """
CREATE OR REPLACE FUNCTION plan_runs_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF jsonb_typeof(OLD.result) = 'object' AND (TG_OP = 'DELETE' OR
     (NEW.result, NEW.objective, NEW.problem_digest, NEW.seed, NEW.policy_version, NEW.finished_at)
     IS DISTINCT FROM
     (OLD.result, OLD.objective, OLD.problem_digest, OLD.seed, OLD.policy_version, OLD.finished_at)) THEN
    RAISE EXCEPTION 'a finished plan is frozen; make a new plan' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER plan_runs_frozen BEFORE UPDATE OR DELETE ON plan_runs
FOR EACH ROW EXECUTE FUNCTION plan_runs_frozen();
"""
"""What a worker stored as a plan's result stays as it is; its state and approval go on."""

EVENTS_APPEND_ONLY: Final = """
CREATE OR REPLACE FUNCTION answer_events_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'answer_events is append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER answer_events_append_only BEFORE UPDATE OR DELETE ON answer_events
FOR EACH ROW EXECUTE FUNCTION answer_events_append_only();
"""

ROLL_CALLS_FROZEN: Final = """
CREATE OR REPLACE FUNCTION roll_calls_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.ended_at IS NOT NULL AND
     (TG_OP = 'DELETE' OR to_jsonb(NEW) - 'area' IS DISTINCT FROM to_jsonb(OLD) - 'area') THEN
    RAISE EXCEPTION 'a roll call that has ended is frozen' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER roll_calls_frozen BEFORE UPDATE OR DELETE ON roll_calls
FOR EACH ROW EXECUTE FUNCTION roll_calls_frozen();
"""
ENTRIES_FROZEN: Final = """
CREATE OR REPLACE FUNCTION roll_call_entries_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  entry roll_call_entries := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
BEGIN
  IF (TG_OP <> 'UPDATE' OR to_jsonb(NEW) - 'area' IS DISTINCT FROM to_jsonb(OLD) - 'area') AND
     EXISTS (SELECT FROM roll_calls WHERE id = entry.roll_call_id AND ended_at IS NOT NULL) THEN
    RAISE EXCEPTION 'a roll call that has ended is frozen' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN entry;
END $$;
CREATE TRIGGER roll_call_entries_frozen BEFORE INSERT OR UPDATE OR DELETE ON roll_call_entries
FOR EACH ROW EXECUTE FUNCTION roll_call_entries_frozen();
"""
"""Who was accounted for by the end, how and by whom, stays as it was, to be read after the action; only the
path of an area may change."""

after_create("plan_runs", PLAN_FROZEN)
after_create("roll_calls", ROLL_CALLS_FROZEN)
after_create("roll_call_entries", ENTRIES_FROZEN)
after_create("answer_events", EVENTS_APPEND_ONLY)
