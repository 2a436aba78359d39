"""A plan is asked for and approved; its frozen result is told in words."""

import secrets
import uuid
from zoneinfo import ZoneInfo

from volunteer_hub.access import jurisdictions
from volunteer_hub.access.rules import COMMAND_LEVEL, CommandLevel
from volunteer_hub.core import policy, versions
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Malformed
from volunteer_hub.core.site import Site
from volunteer_hub.flows.plan_words import GapView, PairView, PlanView, view
from volunteer_hub.incidents import tasks
from volunteer_hub.incidents.models import Incident
from volunteer_hub.mobilization import plans
from volunteer_hub.mobilization.models import PlanRun
from volunteer_hub.mobilization.policy import Callouts

__all__ = ["GapView", "PairView", "PlanView", "approve", "request", "usual_pool", "view"]


def request(
    tx: Tx,
    incident: Incident,
    *,
    deadline_seconds: float | None = None,
    seed: int | None = None,
    pool_area: str | None = None,
) -> PlanRun:
    """Asks for a plan. What is not given: the configured deadline, a random seed, `usual_pool`.

    Raises Refused when the incident is closed, Malformed for a deadline or seed out of range or a pool that
    does not hold the incident, NotFound for a pool outside the actor's areas.
    """
    tx.actor.must_cover("plan.request", incident.area)
    tasks.hold_open(tx, incident)
    pool = pool_area or usual_pool(tx, incident.area)
    if not incident.area.startswith(pool):
        raise Malformed("plan.pool")
    goal = policy.load("callouts", Callouts).goal
    return plans.request(
        tx,
        incident.id,
        incident.area,
        deadline_seconds=goal.deadline_seconds if deadline_seconds is None else deadline_seconds,
        seed=secrets.randbelow(2**31) if seed is None else seed,
        policy_version=versions.current(tx),
        pool_area=pool,
    )


def usual_pool(tx: Tx, area: str) -> str:
    """Whose people are asked when nobody says otherwise: the district of the incident, or as much of the way
    up to it as the actor covers. A city's own incident draws on the city."""
    way = jurisdictions.way_down(tx, area)
    district = [n.path for n in way if COMMAND_LEVEL[n.kind] is not CommandLevel.COMMUNITY][-1:] or [area]
    covered = [n.path for n in way if n.path.startswith(district[0]) and tx.actor.may("plan.request", n.path)]
    return covered[0] if covered else area


def approve(tx: Tx, public_id: uuid.UUID, reason: str | None = None) -> PlanRun:
    """Approves by the actor, or notes the first of two people; see mobilization.plans.approve."""
    plan = plans.find(tx, "plan.approve", public_id)
    site = policy.load("hub", Site)
    zone = ZoneInfo(jurisdictions.by_path(tx, plan.area).zone)
    return plans.approve(
        tx,
        plan.id,
        local=tx.now.astimezone(zone).time(),
        rules_of=policy.load("callouts", Callouts).callout,
        night=site.night,
        reason=reason,
    )
