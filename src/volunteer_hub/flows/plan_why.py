"""Why somebody is in a plan or not, and what would have to be otherwise; for one person, at once.

1. Whom the plan chose keeps the reason it was made with. 2. Anybody else is read as they stand now, alone,
against the slots. 3. Rules in the way are named with what would lift them. 4. The plan's own prices say
whether they would then be chosen: exact for one person, and no plan has to be solved again.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from sqlmodel import col, select

from volunteer_hub.access import jurisdictions
from volunteer_hub.boards import problem as board
from volunteer_hub.boards.problem import Case
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Refused
from volunteer_hub.core.i18n import t
from volunteer_hub.engine.arrays import Ints
from volunteer_hub.engine.counterfactual import Obstacle, WhyNot, alone, judged
from volunteer_hub.engine.margins import BIG
from volunteer_hub.engine.units import Units, split
from volunteer_hub.flows import floors, insight_words, plan_words
from volunteer_hub.flows.person_words import PersonWords, SlotWhy, nearest_first
from volunteer_hub.incidents.models import Incident, RoleSlot
from volunteer_hub.mobilization import plans
from volunteer_hub.mobilization.models import PlanRun
from volunteer_hub.volunteers import pool, registry
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.rules import CALLABLE


@dataclass(frozen=True)
class PersonWhy:
    """``said`` is the answer as a whole; ``slots``: those nearest to being theirs first."""

    volunteer: Volunteer
    said: str
    slots: tuple[SlotWhy, ...]


@dataclass(frozen=True)
class Told:
    """The answer as a door shows it; ``slots`` turns ids into those seen outside."""

    run: PlanRun
    person: PersonWhy
    slots: dict[int, uuid.UUID]


def read(tx: Tx, plan_id: uuid.UUID, volunteer_id: uuid.UUID, lang: str) -> Told:
    """`why` by the ids seen outside. Raises as it, and NotFound."""
    run = plans.find(tx, "plan.read", plan_id)
    person = why(tx, run, registry.find(tx, "volunteer.read", volunteer_id), lang)
    wanted = select(RoleSlot.id, RoleSlot.public_id)
    wanted = wanted.where(col(RoleSlot.id).in_([one.slot for one in person.slots]))
    return Told(run, person, dict(tx.exec(wanted).all()))


def why(tx: Tx, run: PlanRun, person: Volunteer, lang: str) -> PersonWhy:
    """The answer about a person whom the caller may read. Raises Refused while the plan is not made, and when
    its incident is closed and the person was not chosen."""
    if run.result is None:
        raise Refused("plan.unfinished")
    chosen = [pair for pair in run.result["pairs"] if pair["volunteer"] == person.id]
    if chosen:
        (pair,) = chosen
        stands = insight_words.firmness(pair, lang)
        slot = SlotWhy(pair["slot"], True, plan_words.why(pair, lang), (), stands)
        return PersonWhy(person, t(lang, "plan.person.chosen"), (slot,))
    if outside := _outside(run, person, lang):
        return PersonWhy(person, outside, ())
    case = board.build(
        tx,
        tx.get_one(Incident, run.incident_id),
        run.pool_area,
        lambda tx, area: pool.one(tx, person.id, area),
    )
    if person.id in case.volunteers[_free(case) :].tolist():
        return PersonWhy(person, t(lang, "plan.person.placed"), ())
    if (peace := case.spared.reason(person.id)) is not None:
        return PersonWhy(person, t(lang, f"plan.person.{peace}"), ())
    if not _free(case):
        return PersonWhy(person, t(lang, "plan.person.not_now"), ())
    zone = ZoneInfo(jurisdictions.by_path(tx, run.area).zone)
    decided = (Obstacle("reserved"),) if floors.holding(tx, run, person) else ()
    found = _judged(case, run.result, decided)
    words = PersonWords(case, zone, lang)
    slots = tuple(words.slot(one) for one in sorted(found, key=nearest_first))
    near = any(not one.obstacles for one in found)
    return PersonWhy(person, t(lang, "plan.person.could" if near else "plan.person.barred"), slots)


def _outside(run: PlanRun, person: Volunteer, lang: str) -> str:
    if not person.area.startswith(run.pool_area):
        return t(lang, "plan.person.elsewhere")
    return "" if person.status in CALLABLE else t(lang, f"plan.person.status.{person.status.value}")


def _free(case: Case) -> int:
    return len(case.volunteers) - len(case.problem.locked)


def _judged(case: Case, result: Mapping[str, Any], decided: tuple[Obstacle, ...]) -> list[WhyNot]:
    """The person, who is the only free row, against every slot; ``decided`` stands in the way of all."""
    problem = case.problem
    units, person = split(problem), alone(problem, 0)
    less = _prices(case, units, result)
    barred = problem.forbidden.slot[problem.forbidden.person == 0]
    return [
        judged(
            person,
            units,
            less,
            slot,
            (*decided, *([Obstacle("forbidden")] if slot in barred else [])),
            barred,
        )
        for slot in range(len(case.slots))
    ]


def _prices(case: Case, units: Units, result: Mapping[str, Any]) -> Ints | None:
    """[U] what one head less of each unit saves, from the document; None where it knows not all of them: the
    plan was not exact, or the tasks have changed since."""
    known: dict[tuple[int, str], int] = {}
    for one in result.get("prices", ()):
        key = one["slot"], str(sorted(map(tuple, (need for nested in one["nested"] for need in nested))))
        known[key] = one["heads"] * BIG + one["tenths"]
    found = []
    for u in range(len(units)):
        nested = [need for m in units.minima[u] for need in case.needs[int(case.problem.minima.skill[m])]]
        found.append(known.get((int(case.slots[units.slot[u]]), str(sorted(nested)))))
    kept = [price for price in found if price is not None]
    return np.array(kept, dtype=np.int64) if len(kept) == len(found) else None
