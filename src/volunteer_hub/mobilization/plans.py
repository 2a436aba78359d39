"""A plan is asked for, solved by a worker under a lease, frozen, approved by one person or two."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import time, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, text
from sqlmodel import col, select

from volunteer_hub.core import claims
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Malformed, NotFound, Refused
from volunteer_hub.core.site import Night
from volunteer_hub.mobilization import rules
from volunteer_hub.mobilization.models import PlanRun
from volunteer_hub.mobilization.policy import CalloutRules
from volunteer_hub.mobilization.replan_models import Proposal
from volunteer_hub.mobilization.rules import Approval, PlanState
from volunteer_hub.mobilization.wave_models import Widening

LONGEST_DEADLINE: Final = 3600.0
_LONGEST_SEED: Final = 2**63 - 1
_MARK: Final = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
"""Changes of people by transactions before this one are known; see volunteers.models.REVISION_TRIGGERS."""


def request(
    tx: Tx,
    incident_id: int,
    area: str,
    *,
    deadline_seconds: float,
    seed: int,
    policy_version: int,
    pool_area: str | None = None,
    broken_floors: Sequence[int] = (),
    floors_reason: str | None = None,
) -> PlanRun:
    """Asks for a plan of one incident, from the people of ``pool_area`` (its own area where None), which may
    go below ``broken_floors`` (ids) for a reason.

    Raises Malformed for a deadline outside (0, 3600] s or a wild seed, NotFound for a foreign area.
    """
    for wanted in {area, pool_area or area}:
        tx.actor.must_cover("plan.request", wanted)
    if not 0 < deadline_seconds <= LONGEST_DEADLINE:
        raise Malformed("plan.deadline", longest=int(LONGEST_DEADLINE))
    if not 0 <= seed <= _LONGEST_SEED:
        raise Malformed("plan.seed")
    plan = PlanRun(
        incident_id=incident_id,
        area=area,
        pool_area=pool_area or area,
        requested_by=person(tx),
        requested_at=tx.now,
        deadline_seconds=deadline_seconds,
        seed=seed,
        policy_version=policy_version,
        broken_floors=list(broken_floors) or None,
        floors_reason=floors_reason,
        people_mark=tx.execute(_MARK).scalar_one(),
    )
    tx.add(plan)
    tx.flush()
    return plan


def person(tx: Tx) -> int | None:
    """The account that acts, or None where no person does: the program itself, or a machine's token."""
    return tx.actor.id if tx.actor.kind == "account" else None


def find(tx: Tx, permission: str, public_id: uuid.UUID) -> PlanRun:
    """The plan by the id seen outside. Raises NotFound, for a foreign area too."""
    tx.actor.must(permission)
    wanted = select(PlanRun).where(
        col(PlanRun.public_id) == public_id, tx.actor.scope(permission, PlanRun.area)
    )
    plan = tx.exec(wanted).first()
    if plan is None:
        raise NotFound("not_found")
    return plan


def latest(tx: Tx, incident_id: int, states: Collection[PlanState] = tuple(PlanState)) -> PlanRun | None:
    """The incident's newest plan in one of the states. Those that only widen a callout are none, and neither
    are the program's proposals until they are settled, or when they came to nothing."""
    wanted = (
        select(PlanRun)
        .where(
            col(PlanRun.incident_id) == incident_id,
            col(PlanRun.state).in_(states),
            ~_widening(),
            ~_in_vain(),
            tx.actor.scope("plan.read", PlanRun.area),
        )
        .order_by(col(PlanRun.id).desc())
        .limit(1)
    )
    return tx.exec(wanted).first()


def claim(tx: Tx, lease_seconds: int) -> PlanRun | None:
    """Takes the oldest plan to be solved, also one whose worker fell silent; ``attempts`` counts."""
    due = col(PlanRun.state).in_((PlanState.REQUESTED, PlanState.RUNNING))
    ids = claims.claim(tx, PlanRun, due, lease_seconds=lease_seconds, limit=1)
    if not ids:
        return None
    plan = _locked(tx, ids[0])
    plan.state = _step(plan, PlanState.RUNNING)
    plan.attempts += 1
    tx.flush()
    return plan


def progress(tx: Tx, plan_id: int, what: Mapping[str, Any], lease_seconds: int) -> bool:
    """Stores how far the solving is and keeps the lease; False when nobody wants the plan any more."""
    plan = _locked(tx, plan_id)
    if plan.state is not PlanState.RUNNING:
        return False
    plan.progress = dict(what)
    plan.lease_until = tx.now + timedelta(seconds=lease_seconds)
    tx.flush()
    return True


def finish(
    tx: Tx, plan_id: int, result: Mapping[str, Any], *, objective: Mapping[str, Any], problem_digest: str
) -> PlanRun:
    """Freezes the result; earlier plans of the incident that wait for approval are superseded.

    ``result["pairs"]`` is the list of people chosen. Raises Refused when the plan is not being solved.
    """
    plan = _locked(tx, plan_id)
    plan.state = _step(plan, PlanState.READY)
    plan.result, plan.objective = dict(result), dict(objective)
    plan.problem_digest, plan.finished_at, plan.lease_until = problem_digest, tx.now, None
    older = select(PlanRun).where(
        col(PlanRun.incident_id) == plan.incident_id,
        col(PlanRun.id) < plan.id,
        col(PlanRun.state) == PlanState.READY,
    )
    for previous in tx.exec(older.with_for_update()):
        previous.state = _step(previous, PlanState.SUPERSEDED)
    tx.flush()
    return plan


def fail(tx: Tx, plan_id: int, failure: str) -> PlanRun:
    """Ends a plan without a result. ``failure`` is a code for the reader, not a traceback."""
    plan = _locked(tx, plan_id)
    plan.state = _step(plan, PlanState.FAILED)
    plan.failure, plan.finished_at, plan.lease_until = failure, tx.now, None
    tx.flush()
    return plan


def supersede(tx: Tx, plan_id: int) -> PlanRun:
    """Puts a plan aside that is not approved yet; its worker learns by `progress`."""
    plan = _locked(tx, plan_id)
    tx.actor.must_cover("plan.request", plan.area)
    plan.state = _step(plan, PlanState.SUPERSEDED)
    tx.flush()
    return plan


def people(plan: PlanRun) -> int:
    """How many people the plan asks."""
    return len((plan.result or {}).get("pairs", ()))


def approve(
    tx: Tx,
    plan_id: int,
    *,
    local: time,
    rules_of: CalloutRules,
    night: Night,
    reason: str | None = None,
    asked: int | None = None,
    confidence: float | None = None,
) -> PlanRun:
    """Approves, or notes the first of two people: then the plan stays ``ready`` with ``approved_by`` set.

    ``local``: the time of day where the people are; ``asked``: how many the callout will ask where that is
    more than the plan chose, because not everybody says yes. A reason stands in for the second person.
    ``confidence``: how sure each minimum shall be; two people approve the same. Approving twice is harmless.
    Raises Refused when the plan is not ready or only widens a callout, or no person acts and a second would
    be needed; Malformed for a confidence outside (0, 1).
    """
    plan = _locked(tx, plan_id)
    tx.actor.must_cover("plan.approve", plan.area)
    actor, given = person(tx), (reason or "").strip() or None
    if plan.state is PlanState.APPROVED and actor in (plan.approved_by, plan.second_by):
        return plan
    if plan.state is not PlanState.READY:
        _step(plan, PlanState.APPROVED)
    if tx.exec(select(Widening.plan_run_id).where(col(Widening.plan_run_id) == plan.id)).first() is not None:
        raise Refused("plan.widens")
    if confidence is not None and not 0 < confidence < 1:
        raise Malformed("plan.confidence")
    if plan.approved_by not in (None, actor) and confidence not in (None, plan.confidence):
        raise Refused("plan.other_confidence", percent=round(100 * (plan.confidence or rules_of.confidence)))
    plan.confidence = plan.confidence if confidence is None else confidence
    needed = rules.needs_second_person(max(people(plan), asked or 0), local, rules_of, night)
    outcome = rules.approval(needed=needed, first=plan.approved_by, person=actor, reason=given)
    if outcome is Approval.NOBODY:
        raise Refused("plan.second_person", over=rules_of.second_person_over)
    if outcome is Approval.SECONDED:
        plan.second_by = actor
    else:
        plan.approved_by = plan.approved_by if plan.approved_by is not None else actor
    plan.override_reason = given
    if outcome is not Approval.WAITING:
        plan.state, plan.approved_at = _step(plan, PlanState.APPROVED), tx.now
    tx.flush()
    return plan


def _widening() -> ColumnElement[bool]:
    """Whether a plan was asked for to widen a callout."""
    return select(Widening.plan_run_id).where(col(Widening.plan_run_id) == col(PlanRun.id)).exists()


def _in_vain() -> ColumnElement[bool]:
    """Whether a plan is a proposal that nobody has been told of, or one put aside."""
    aside = col(PlanRun.state).in_((PlanState.SUPERSEDED, PlanState.FAILED))
    mine = select(Proposal.plan_run_id).where(col(Proposal.plan_run_id) == col(PlanRun.id))
    return mine.where(col(Proposal.settled_at).is_(None) | aside).exists()


def _locked(tx: Tx, plan_id: int) -> PlanRun:
    wanted = select(PlanRun).where(col(PlanRun.id) == plan_id).with_for_update(key_share=True)
    plan = tx.exec(wanted.execution_options(populate_existing=True)).first()
    if plan is None:
        raise NotFound("not_found")
    return plan


def _step(plan: PlanRun, after: PlanState) -> PlanState:
    return rules.step("plan", rules.PLAN_ALLOWED, plan.state, after)
