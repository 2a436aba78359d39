"""Re-plans that the program proposes: which wait to be settled, when the next is due, the rule about them."""

from collections.abc import Mapping, Sequence

from sqlmodel import col, select

from volunteer_hub.core.db import Tx
from volunteer_hub.mobilization import plans, replan_rules
from volunteer_hub.mobilization.models import Callout, PlanRun
from volunteer_hub.mobilization.replan_models import Proposal, ReplanRule
from volunteer_hub.mobilization.replan_rules import News
from volunteer_hub.mobilization.rules import LIVE, Kind, PlanState
from volunteer_hub.mobilization.wave_models import Widening


def propose(tx: Tx, plan: PlanRun, news: Mapping[News, int]) -> Proposal:
    """Marks a plan just asked for as one of the program's own."""
    made = Proposal(plan_run_id=plan.id, news={what.value: count for what, count in news.items()})
    tx.add(made)
    tx.flush()
    return made


def of_plan(tx: Tx, plan: PlanRun) -> Proposal | None:
    """Why the program asked for a plan; None for one that somebody asked for."""
    return tx.get(Proposal, plan.id)


def waiting(tx: Tx) -> Sequence[int]:
    """Incidents with a proposal that is made, or could not be, and is not settled."""
    made = col(PlanRun.state).not_in((PlanState.REQUESTED, PlanState.RUNNING))
    unsettled = select(PlanRun.incident_id).join(Proposal, col(Proposal.plan_run_id) == col(PlanRun.id))
    return tx.exec(unsettled.where(col(Proposal.settled_at).is_(None), made).distinct()).all()


def to_settle(tx: Tx, incident_id: int) -> Sequence[tuple[PlanRun, Proposal]]:
    """Those of an incident, the oldest first."""
    made = col(PlanRun.state).not_in((PlanState.REQUESTED, PlanState.RUNNING))
    wanted = select(PlanRun, Proposal).join(Proposal, col(Proposal.plan_run_id) == col(PlanRun.id))
    own = wanted.where(col(PlanRun.incident_id) == incident_id, col(Proposal.settled_at).is_(None), made)
    return tx.exec(own.order_by(col(PlanRun.id))).all()


def running(tx: Tx) -> Sequence[int]:
    """Incidents with a real callout that takes people."""
    live = select(Callout.incident_id).where(col(Callout.state).in_(LIVE), col(Callout.kind) == Kind.REAL)
    return tx.exec(live.distinct()).all()


def newest(tx: Tx, incident_id: int) -> PlanRun | None:
    """The plan asked for last, whatever became of it; those that only widen a callout are none."""
    widening = select(Widening.plan_run_id).where(col(Widening.plan_run_id) == col(PlanRun.id))
    mine = select(PlanRun).where(col(PlanRun.incident_id) == incident_id, ~widening.exists())
    return tx.exec(mine.order_by(col(PlanRun.id).desc()).limit(1)).first()


def told_before(tx: Tx, plan: PlanRun) -> PlanRun | None:
    """The proposal before this one, of those that were told."""
    earlier = (
        select(PlanRun)
        .join(Proposal, col(Proposal.plan_run_id) == col(PlanRun.id))
        .where(col(PlanRun.incident_id) == plan.incident_id, col(PlanRun.id) < plan.id)
        .where(col(Proposal.settled_at).is_not(None))
    )
    return tx.exec(earlier.order_by(col(PlanRun.id).desc()).limit(1)).first()


def is_out(tx: Tx, plan: PlanRun) -> bool:
    """Whether an approved plan was sent, or applied."""
    sent = select(Callout.id).where(col(Callout.plan_run_id) == plan.id)
    return plan.applied_at is not None or tx.exec(sent).first() is not None


def rule(tx: Tx, incident_id: int) -> ReplanRule | None:
    """What was set for an incident, if ever."""
    return tx.get(ReplanRule, incident_id, populate_existing=True)


def set_rule(
    tx: Tx, incident_id: int, area: str, most_changes: int | None, reason: str | None = None
) -> ReplanRule:
    """Lets proposals of at most so many orders be applied by themselves; None: never. Raises Malformed."""
    tx.actor.must_cover("plan.approve", area)
    why = replan_rules.check_rule(most_changes, reason)
    row = rule(tx, incident_id) or ReplanRule(incident_id=incident_id, area=area, set_at=tx.now)
    row.most_changes, row.reason = most_changes, why if most_changes is not None else None
    row.set_by, row.set_at = plans.person(tx), tx.now
    tx.add(row)
    tx.flush()
    return row
