"""A plan is asked for and approved; its frozen result is told in words."""

import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from volunteer_hub.access import jurisdictions
from volunteer_hub.access.rules import COMMAND_LEVEL, CommandLevel
from volunteer_hub.core import policy, versions
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Malformed
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.core.site import Site
from volunteer_hub.flows import asking, floor_words, floors, insight_words
from volunteer_hub.flows.floor_words import FloorsView
from volunteer_hub.flows.plan_words import GapView, PairView, PlanView, view
from volunteer_hub.incidents import queries, tasks
from volunteer_hub.incidents.models import Incident, RoleSlot
from volunteer_hub.mobilization import plans
from volunteer_hub.mobilization.models import PlanRun
from volunteer_hub.mobilization.policy import Callouts
from volunteer_hub.mobilization.rules import PlanState
from volunteer_hub.volunteers.models import Volunteer

__all__ = [
    "GapView",
    "PairView",
    "PlanView",
    "Report",
    "again_without",
    "approve",
    "floors_told",
    "outside",
    "read",
    "report",
    "request",
    "request_for",
    "told",
    "usual_pool",
    "view",
]


def request(
    tx: Tx,
    incident: Incident,
    *,
    deadline_seconds: float | None = None,
    seed: int | None = None,
    pool_area: str | None = None,
    breaking: Sequence[uuid.UUID] = (),
    reason: str | None = None,
) -> PlanRun:
    """Asks for a plan. What is not given: the configured deadline, a random seed, `usual_pool`. ``breaking``
    are reserve floors that the plan may go below, for a ``reason``.

    Raises Refused when the incident is closed, Malformed for a deadline or seed out of range, a pool that
    does not hold the incident or a floor broken without a reason, NotFound for a pool or floor outside the
    actor's areas.
    """
    tx.actor.must_cover("plan.request", incident.area)
    tasks.hold_open(tx, incident)
    broken, why = floors.to_break(tx, breaking, reason)
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
        broken_floors=broken,
        floors_reason=why,
    )


def request_for(
    tx: Tx,
    incident_id: uuid.UUID,
    *,
    deadline_seconds: float | None = None,
    seed: int | None = None,
    pool: uuid.UUID | None = None,
    breaking: Sequence[uuid.UUID] = (),
    reason: str | None = None,
) -> PlanRun:
    """`request` by the ids seen outside; ``pool`` is a jurisdiction. Raises as `request`, and NotFound."""
    incident = queries.find(tx, "plan.request", incident_id)
    area = jurisdictions.find(tx, "plan.request", pool).path if pool is not None else None
    return request(
        tx,
        incident,
        deadline_seconds=deadline_seconds,
        seed=seed,
        pool_area=area,
        breaking=breaking,
        reason=reason,
    )


def again_without(tx: Tx, public_id: uuid.UUID, floor: uuid.UUID, reason: str) -> PlanRun:
    """Asks for the plan once more, from the same people, with one more floor broken. Raises as `request`."""
    run = plans.find(tx, "plan.request", public_id)
    return request(
        tx,
        tx.get_one(Incident, run.incident_id),
        deadline_seconds=run.deadline_seconds,
        pool_area=run.pool_area,
        breaking=floors.without(tx, run, floor),
        reason=reason,
    )


def usual_pool(tx: Tx, area: str) -> str:
    """Whose people are asked when nobody says otherwise: the district of the incident, or as much of the way
    up to it as the actor covers. A city's own incident draws on the city."""
    way = jurisdictions.way_down(tx, area)
    district = [n.path for n in way if COMMAND_LEVEL[n.kind] is not CommandLevel.COMMUNITY][-1:] or [area]
    covered = [n.path for n in way if n.path.startswith(district[0]) and tx.actor.may("plan.request", n.path)]
    return covered[0] if covered else area


def approve(
    tx: Tx, public_id: uuid.UUID, reason: str | None = None, confidence: float | None = None
) -> PlanRun:
    """Approves by the actor, or notes the first of two people; see mobilization.plans.approve.

    What counts is everybody whom the callout would ask, reserves included, and the hour where they are.
    """
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
        asked=asking.people(asking.sized(tx, plan, confidence).slots),
        confidence=confidence,
    )


@dataclass(frozen=True)
class Report:
    """A plan as a door shows it. ``slots`` and ``people`` turn the ids of ``view`` into those seen outside;
    ``view`` is None until the plan is made, ``failure`` says in words why there is none; ``floor_ids`` are
    those of ``floors`` and of the run's that are still there."""

    run: PlanRun
    incident: uuid.UUID
    pool: uuid.UUID
    view: PlanView | None
    slots: dict[int, uuid.UUID]
    people: dict[int, uuid.UUID]
    failure: str | None
    phase: str | None
    floors: FloorsView
    floor_ids: dict[int, uuid.UUID]


def told(tx: Tx, run: PlanRun, lang: str) -> PlanView | None:
    """The result in words, with the names of areas; None until there is one."""
    if run.result is None:
        return None
    names = jurisdictions.names(tx, insight_words.areas_named(run.result))
    return view(run.result, lang, {path: pick(name, lang) for path, name in names.items()})


def floors_told(tx: Tx, run: PlanRun, lang: str) -> FloorsView:
    """What reserve floors do to the plan, in words; nothing until it is made."""
    result = run.result or {}
    names = jurisdictions.names(tx, floor_words.areas_named(result))
    return floor_words.floors(result, lang, {path: pick(name, lang) for path, name in names.items()})


def read(tx: Tx, public_id: uuid.UUID, lang: str) -> Report:
    """A plan in words and figures. Raises NotFound."""
    return report(tx, plans.find(tx, "plan.read", public_id), lang)


def report(tx: Tx, run: PlanRun, lang: str) -> Report:
    """The same of a row at hand."""
    words, kept = told(tx, run, lang), floors_told(tx, run, lang)
    pairs = words.pairs if words is not None else ()
    gaps = words.gaps if words is not None else ()
    slots = {pair.slot for pair in pairs} | {slot for gap in gaps for slot in (gap.slot, *gap.group)}
    further = insight_words.people_named(run.result) if run.result is not None else set()
    phase = run.progress.get("phase") if run.state is PlanState.RUNNING else None
    return Report(
        run=run,
        incident=tx.exec(select(Incident.public_id).where(col(Incident.id) == run.incident_id)).one(),
        pool=jurisdictions.by_path(tx, run.pool_area).public_id,
        view=words,
        slots=outside(tx, RoleSlot, slots),
        people=outside(tx, Volunteer, {pair.volunteer for pair in pairs} | further),
        failure=t(lang, f"error.{run.failure}") if run.failure is not None else None,
        phase=t(lang, f"plan.phase.{phase}") if phase is not None else None,
        floors=kept,
        floor_ids=floors.outside(tx, {*(run.broken_floors or ()), *(one.floor for one in kept.floors)}),
    )


def outside(tx: Tx, model: type[RoleSlot] | type[Volunteer], ids: set[int]) -> dict[int, uuid.UUID]:
    """Row id -> the id seen outside."""
    rows = tx.exec(select(model.id, model.public_id).where(col(model.id).in_(ids)))
    return dict(rows.all())
