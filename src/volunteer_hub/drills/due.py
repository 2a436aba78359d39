"""Drills whose hour has come: each occurrence runs once, or is recorded as skipped with the reason.

A worker claims plans for a moment, then takes each in a transaction of its own, in which it also makes the
drill's incident. When it dies before the commit, the claim runs out and another takes the plan; what was
committed is there, and the unique pair of plan and occurrence refuses a second time.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import takewhile

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from volunteer_hub.core import claims
from volunteer_hub.core.columns import uuid7
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Refused
from volunteer_hub.core.signing import derived_code
from volunteer_hub.drills import recurrence, rules
from volunteer_hub.drills.models import DrillPlan, DrillRun
from volunteer_hub.drills.policy import Drills
from volunteer_hub.drills.rules import Decision, PlanState, RunState, Skipped


def claim(tx: Tx, *, lease_seconds: int = 60, limit: int = 20) -> list[int]:
    """Ids of plans that are due, leased to this worker."""
    due = (col(DrillPlan.state) == PlanState.ACTIVE) & (col(DrillPlan.starts_at) <= tx.now)
    return claims.claim(
        tx, DrillPlan, due, lease_seconds=lease_seconds, limit=limit, order_by=col(DrillPlan.starts_at)
    )


def take(tx: Tx, plan_id: int, policy: Drills) -> list[DrillRun]:
    """Records every occurrence up to now and moves the plan on; the new runs, the earliest first.

    Those in state ``run`` are to be held in this same transaction (`held`). Empty when the plan is no longer
    due, for instance because another worker was faster.
    """
    wanted = select(DrillPlan).where(col(DrillPlan.id) == plan_id).with_for_update(key_share=True)
    plan = tx.exec(wanted.execution_options(populate_existing=True)).first()
    if plan is None or plan.next_at is None or plan.starts_at is None or plan.starts_at > tx.now:
        return []
    zone = recurrence.zone_of(plan.zone)
    later = recurrence.occurrences(plan.rule, zone, plan.next_at, since=plan.since)
    due = [plan.next_at, *takewhile(lambda moment: _start(plan, moment) <= tx.now, later)]
    started = rules.decide([_start(plan, moment) for moment in due], tx.now, plan.misfire, zone, policy)
    decided = zip(due, started, strict=True)
    runs = _record(tx, plan, [replace(decision, occurrence=moment) for moment, decision in decided])
    move_on(plan, due[-1])
    plan.lease_until = None
    tx.flush()
    return runs


def move_on(plan: DrillPlan, after: datetime) -> None:
    """The plan's next hour by its rule after a moment, and when it starts then."""
    zone = recurrence.zone_of(plan.zone)
    plan.next_at = next(recurrence.occurrences(plan.rule, zone, after, since=plan.since), None)
    plan.starts_at = None if plan.next_at is None else _start(plan, plan.next_at)


def _start(plan: DrillPlan, occurrence: datetime) -> datetime:
    """When an occurrence starts: the same for every worker, and foreseen by nobody without the key."""
    drawn = derived_code("drill start", f"{plan.public_id} {occurrence.timestamp():.0f}", digits=9)
    return occurrence + timedelta(minutes=plan.jitter_minutes) * (int(drawn) / 10**9)


def held(tx: Tx, run: DrillRun, incident_id: int) -> DrillRun:
    """Notes the incident that a run became. Raises Refused when it has one, or was skipped."""
    tx.refresh(run, with_for_update=True)
    if run.state is not RunState.RUN or run.incident_id is not None:
        raise Refused("drill.held")
    run.incident_id = incident_id
    tx.flush()
    return run


def nobody(tx: Tx, run: DrillRun) -> DrillRun:
    """Notes that there was nobody to call, so that no drill was held. Raises Refused as `held`."""
    tx.refresh(run, with_for_update=True)
    if run.state is not RunState.RUN or run.incident_id is not None:
        raise Refused("drill.held")
    run.state, run.reason = RunState.SKIPPED, Skipped.NOBODY
    tx.flush()
    return run


def run_now(tx: Tx, plan: DrillPlan) -> DrillRun:
    """An occurrence on demand, outside the rule, on any day; to be held in this same transaction."""
    tx.actor.must_cover("drill.write", plan.area)
    return _record(tx, plan, [Decision(tx.now, None)])[0]


def _record(tx: Tx, plan: DrillPlan, decisions: list[Decision]) -> list[DrillRun]:
    rows = [
        {
            "public_id": uuid7(),
            "plan_id": plan.id,
            "area": plan.area,
            "occurrence": decision.occurrence,
            "state": decision.state,
            "reason": decision.reason,
            "at": tx.now,
        }
        for decision in decisions
    ]
    made = insert(DrillRun).values(rows).on_conflict_do_nothing(index_elements=["plan_id", "occurrence"])
    ids = tx.execute(made.returning(col(DrillRun.id), col(DrillRun.area))).scalars().all()
    wanted = select(DrillRun).where(col(DrillRun.id).in_(ids)).order_by(col(DrillRun.occurrence))
    return list(tx.exec(wanted).all())
