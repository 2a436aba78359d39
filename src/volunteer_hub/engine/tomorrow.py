"""What sending these people costs the next night: who is qualified and rested then, before and after."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from volunteer_hub.engine.arrays import Bools, Intervals, Ints
from volunteer_hub.engine.feasible import RULES
from volunteer_hub.engine.problem import Minima, Pairs, Problem, Slots
from volunteer_hub.engine.solve import Plan
from volunteer_hub.engine.units import slot_units

LIMITS = ("overlap", "rest", "hours")
NOWHERE = -1


@dataclass(frozen=True)
class Readiness:
    """People of an area who hold a skill with proof, have rested and are within their hours for a night."""

    skill: int
    area: int
    before: int
    after: int  # once everybody has served where the plan sends them


def readiness(
    problem: Problem, plan: Plan, start: int, end: int, area: Ints, level: int = 1
) -> tuple[Readiness, ...]:
    """One per skill and area that loses anybody for the night [start, end), the greatest share lost first.

    area: [V] number of each person's area, NOWHERE for who counts nowhere. That they would be free is not
    asked: on nights like this most are not, and some come.
    """
    night = _night(problem, start, end, level)
    units = slot_units(night)
    everybody = np.arange(len(problem.people))
    rested = _within_limits(night, everybody)
    served = replace(night, people=replace(night.people, busy=_with_duties(problem, plan)))
    still = rested & _within_limits(served, everybody)
    found = []
    for k in range(problem.people.skills):
        able = RULES["skill"](night, units, everybody, k) & RULES["certification"](night, units, everybody, k)
        able &= area != NOWHERE
        before, after = _by_area(area, able & rested), _by_area(area, able & still)
        for a in np.flatnonzero(before != after).tolist():
            found.append(Readiness(k, a, int(before[a]), int(after[a])))
    return tuple(sorted(found, key=lambda one: (one.after / one.before, one.after, one.skill, one.area)))


def _night(problem: Problem, start: int, end: int, level: int) -> Problem:
    """The night as one slot per skill, at the place of the first slot; where does not matter."""
    each = np.arange(problem.people.skills)
    zero, one, yes = np.zeros(len(each)), np.ones(len(each), np.int64), np.ones(len(each), np.bool_)
    slots = Slots(
        key=each, task=each, lat=zero, lon=zero, start=start * one, end=end * one, minimum=one, target=one,
        maximum=one, priority=one, skill=each, level=level * one, adult_only=~yes, insured_only=~yes,
        hazardous=~yes, night=yes, max_km=zero,
    )  # fmt: skip
    return Problem(problem.people, slots, Minima(), Pairs(), Pairs(), problem.limits)


def _within_limits(night: Problem, people: Ints) -> Bools:
    units = slot_units(night)
    passed = np.ones(len(people), np.bool_)
    for code in LIMITS:
        passed &= RULES[code](night, units, people, 0)
    return passed


def _with_duties(problem: Problem, plan: Plan) -> Intervals:
    busy = problem.people.busy
    owner = np.repeat(np.arange(len(problem.people)), np.diff(busy.first))
    return Intervals.of(
        len(problem.people),
        np.append(owner, plan.person),
        np.append(busy.start, plan.units.start[plan.unit]),
        np.append(busy.end, plan.units.end[plan.unit]),
    )


def _by_area(area: Ints, able: Bools) -> Ints:
    return np.bincount(area[able], minlength=int(area.max(initial=NOWHERE)) + 1)
