"""What a quiet duty looks ahead to: the next drill, and the improvement actions that are due."""

from dataclasses import dataclass

from sqlmodel import col, select

from volunteer_hub.core.db import Tx
from volunteer_hub.drills.models import DrillPlan
from volunteer_hub.feedback import actions_queries as actions


@dataclass(frozen=True)
class Upcoming:
    """``drill``: the plan whose next hour comes first. ``pending``: actions not done yet, ``overdue`` those
    of them whose day has passed. Each is None for a reader who may not know."""

    drill: DrillPlan | None = None
    pending: int | None = None
    overdue: int | None = None


def upcoming(tx: Tx) -> Upcoming:
    """Of the actor's areas, in two queries."""
    drill = _next_drill(tx) if tx.actor.may("drill.read") else None
    if not tx.actor.may("action.read"):
        return Upcoming(drill)
    ages = actions.ages(tx, (1,))
    return Upcoming(drill, sum(one.actions for one in ages), sum(one.overdue for one in ages))


def _next_drill(tx: Tx) -> DrillPlan | None:
    scope = tx.actor.scope("drill.read", DrillPlan.area)
    due = select(DrillPlan).where(col(DrillPlan.next_at) >= tx.now, scope)
    return tx.exec(due.order_by(col(DrillPlan.next_at), col(DrillPlan.id)).limit(1)).first()
