"""Drill plans: made, changed, paused, resumed, and shown ahead."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound, PreconditionFailed
from volunteer_hub.core.policy import Name
from volunteer_hub.drills import due, recurrence, rules
from volunteer_hub.drills.models import DrillPlan
from volunteer_hub.drills.policy import Drills, DrillTemplate
from volunteer_hub.drills.rules import Kind, Misfire, Notice, PlanSpec, PlanState

_FIELDS: Final = tuple(field.name for field in fields(PlanSpec))


@dataclass(frozen=True)
class Ahead:
    """An occurrence to come. ``blackout``: the name of the days without drills that it falls into."""

    at: datetime
    blackout: Name | None


def from_template(template: DrillTemplate, title: str, zone: str) -> PlanSpec:
    """A plan as config/drills.toml proposes it."""
    return PlanSpec(
        title=title,
        hazard=template.hazard,
        rule=template.rule,
        zone=zone,
        kind=Kind(template.kind),
        notice=Notice(template.notice),
        share_percent=template.share_percent,
        answer_minutes=template.answer_minutes,
        misfire=Misfire(template.misfire),
        jitter_minutes=template.jitter_minutes,
    )


def with_rule(spec: PlanSpec, rule: str | None) -> PlanSpec:
    """The same on another calendar rule, where one is given."""
    return spec if rule is None else replace(spec, rule=rule)


def zone_of(plan: DrillPlan) -> ZoneInfo:
    """The clocks that its rule is read on."""
    return recurrence.zone_of(plan.zone)


def create(
    tx: Tx, area: str, spec: PlanSpec, *, hazards: Collection[str], skills: Collection[str]
) -> DrillPlan:
    """Makes a plan that is due by its rule from now on. ``hazards`` and ``skills``: the codes there are.

    Raises Malformed for what cannot be: naming each field, or the rule, its zone, or a code.
    """
    tx.actor.must_cover("drill.write", area)
    checked = _checked(spec, hazards, skills, tx.now)
    plan = DrillPlan(
        **_values(checked),
        area=area,
        since=tx.now,
        created_by=tx.actor.id if tx.actor.kind == "account" else None,
    )
    due.move_on(plan, tx.now)
    tx.add(plan)
    tx.flush()
    return plan


def change(
    tx: Tx,
    plan: DrillPlan,
    version: int,
    spec: PlanSpec,
    *,
    hazards: Collection[str],
    skills: Collection[str],
) -> DrillPlan:
    """Puts ``spec`` in place of what the plan was made from (`spec_of`). ``version``: the one the editor saw.

    A new rule or zone is counted from today; occurrences that fell due before are left as they are. Raises
    PreconditionFailed when somebody was faster, Malformed as `create`.
    """
    _editing(tx, plan, version)
    before, after = spec_of(plan), _checked(spec, hazards, skills, tx.now)
    if after == before:
        return plan
    for name, value in _values(after).items():
        setattr(plan, name, value)
    if (after.rule, after.zone) != (before.rule, before.zone):
        plan.since = tx.now
    timing = (after.rule, after.zone, after.jitter_minutes) != (
        before.rule,
        before.zone,
        before.jitter_minutes,
    )
    if timing and plan.state is PlanState.ACTIVE:
        due.move_on(plan, tx.now)
    plan.version += 1
    tx.flush()
    return plan


def pause(tx: Tx, plan: DrillPlan, version: int) -> DrillPlan:
    """No drill is due until `resume`. Raises PreconditionFailed, and Refused when it is paused already."""
    _editing(tx, plan, version)
    rules.check_move(plan.state, PlanState.PAUSED)
    plan.state, plan.next_at, plan.starts_at = PlanState.PAUSED, None, None
    plan.version += 1
    tx.flush()
    return plan


def resume(tx: Tx, plan: DrillPlan, version: int) -> DrillPlan:
    """Due again, from now on: what would have been meanwhile is not made up for. Raises as `pause`."""
    _editing(tx, plan, version)
    rules.check_move(plan.state, PlanState.ACTIVE)
    plan.state = PlanState.ACTIVE
    due.move_on(plan, tx.now)
    plan.version += 1
    tx.flush()
    return plan


def preview(
    rule: str, zone: str, now: datetime, policy: Drills, *, since: datetime | None = None
) -> list[Ahead]:
    """The next five occurrences, of a stored plan (give its ``since``) or of one being written. Raises
    Malformed as `create` does for its rule."""
    timezone = recurrence.zone_of(zone)
    text = recurrence.check(rule, zone, now) if since is None else rule
    moments = recurrence.next_occurrences(text, timezone, now, 5, since=since)
    return [Ahead(at, _blackout(at.astimezone(timezone), policy)) for at in moments]


def find(tx: Tx, permission: str, public_id: uuid.UUID) -> DrillPlan:
    """The plan by the id seen outside. Raises NotFound, for a foreign area too."""
    tx.actor.must(permission)
    wanted = select(DrillPlan).where(
        col(DrillPlan.public_id) == public_id, tx.actor.scope(permission, DrillPlan.area)
    )
    plan = tx.exec(wanted).first()
    if plan is None:
        raise NotFound("not_found")
    return plan


def listed(tx: Tx, *, after: int = 0, limit: int = 50) -> list[DrillPlan]:
    """The plans of the actor's areas by id: one more than ``limit`` when there are more."""
    tx.actor.must("drill.read")
    wanted = select(DrillPlan).where(col(DrillPlan.id) > after, tx.actor.scope("drill.read", DrillPlan.area))
    return list(tx.exec(wanted.order_by(col(DrillPlan.id)).limit(limit + 1)).all())


def spec_of(plan: DrillPlan) -> PlanSpec:
    """A stored plan as the values it was made from."""
    values = {name: getattr(plan, name) for name in _FIELDS}
    return PlanSpec(**{**values, "skills": tuple(plan.skills)})


def _values(spec: PlanSpec) -> dict[str, Any]:
    return {**{name: getattr(spec, name) for name in _FIELDS}, "skills": list(spec.skills)}


def _checked(spec: PlanSpec, hazards: Collection[str], skills: Collection[str], now: datetime) -> PlanSpec:
    rules.check_spec(spec, hazards, skills)
    rule = recurrence.check(spec.rule, spec.zone, now, apart=timedelta(minutes=spec.jitter_minutes))
    return replace(spec, title=spec.title.strip(), rule=rule)


def _blackout(local: datetime, policy: Drills) -> Name | None:
    found = policy.blackout(local.date())
    return None if found is None else found.name


def _editing(tx: Tx, plan: DrillPlan, version: int) -> None:
    tx.actor.must_cover("drill.write", plan.area)
    tx.refresh(plan, with_for_update=True)
    if plan.version != version:
        raise PreconditionFailed("version")
