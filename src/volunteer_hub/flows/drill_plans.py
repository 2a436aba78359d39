"""Drill plans as people keep them: made and changed with what the configuration knows, and shown ahead."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from volunteer_hub.access import jurisdictions
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.drills import plans
from volunteer_hub.drills.models import DrillPlan
from volunteer_hub.drills.plans import Ahead
from volunteer_hub.drills.policy import Drills
from volunteer_hub.drills.rules import PlanSpec
from volunteer_hub.incidents.policy import Hazards
from volunteer_hub.volunteers.policy import Skills


def create(tx: Tx, area_code: str, spec: PlanSpec) -> DrillPlan:
    """Makes a plan for the area of that code. Raises as `plans.create`, and NotFound."""
    node = jurisdictions.by_code(tx, area_code)
    tx.actor.must_cover("drill.write", node.path)
    return plans.create(tx, node.path, spec, **_codes())


def change(tx: Tx, plan: DrillPlan, version: int, **changes: Any) -> DrillPlan:
    """Changes fields of a plan (those of PlanSpec). Raises as `plans.change`."""
    return plans.change(tx, plan, version, replace(plans.spec_of(plan), **changes), **_codes())


def ahead(plan: DrillPlan, now: datetime) -> list[Ahead]:
    """The next five occurrences of a plan; none while it is paused."""
    if plan.next_at is None:
        return []
    return plans.preview(plan.rule, plan.zone, now, policy.load("drills", Drills), since=plan.since)


def preview(rule: str, zone: str, now: datetime) -> list[Ahead]:
    """The next five occurrences of a rule that is being written. Raises as `plans.preview`."""
    return plans.preview(rule, zone, now, policy.load("drills", Drills))


def zone_of(tx: Tx, area_code: str) -> str:
    """The clocks of an area within the actor's areas. Raises NotFound."""
    node = jurisdictions.by_code(tx, area_code)
    tx.actor.must_cover("drill.read", node.path)
    return node.zone


def _codes() -> dict[str, Any]:
    return {
        "hazards": policy.load("hazards", Hazards).hazards,
        "skills": policy.load("skills", Skills).skills,
    }
