"""The hard rules, one function each. A pair that breaks one never enters a plan (locked pairs excepted).

Every rule has the signature rule(problem, units, v, u) -> bool array: v are rows of people and u rows of
units, index arrays of one shape, or v everybody (`slice(None)`) against one unit u. The order of RULES is the
order in which a gap is explained.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from volunteer_hub.engine.problem import Bools, Intervals, Ints, Problem
from volunteer_hub.engine.units import Units, minimum_units, slot_units

Index = Ints | slice
Unit = Ints | int
Rule = Callable[[Problem, Units, Index, Unit], Bools]
DAY = 24 * 60


def skill(problem: Problem, units: Units, v: Index, u: Unit) -> Bools:
    """Holds every needed skill at the needed level."""
    return _each_need(units, u, lambda k, level: problem.people.levels[v, k] >= level)


def certification(problem: Problem, units: Units, v: Index, u: Unit) -> Bools:
    """The proof of every needed skill is still valid when the slot ends."""
    return _each_need(units, u, lambda k, _: problem.people.cert_until[v, k] >= units.end[u])


def age(problem: Problem, units: Units, v: Index, u: Unit) -> Bools:
    """Minors never serve where adults only may."""
    return problem.people.adult[v] | ~units.adult_only[u]


def insurance(problem: Problem, units: Units, v: Index, u: Unit) -> Bools:
    """Insured where insurance is asked for."""
    return problem.people.insured[v] | ~units.insured_only[u]


def fitness(problem: Problem, units: Units, v: Index, u: Unit) -> Bools:
    """Declared fit for hazardous work."""
    return problem.people.fit[v] | ~units.hazardous[u]


def availability(problem: Problem, units: Units, v: Index, u: Unit) -> Bools:
    """One of the person's free windows covers the whole slot."""
    start, end = units.start[u], units.end[u]
    free = problem.people.free
    covered = np.zeros(_shape(problem, v), np.bool_)
    for since, until, there in _intervals(free, v):
        covered |= there & (since <= start) & (until >= end)
    return covered


def overlap(problem: Problem, units: Units, v: Index, u: Unit) -> Bools:
    """No promised duty at the same time."""
    start, end = units.start[u], units.end[u]
    clear = np.ones(_shape(problem, v), np.bool_)
    for since, until, there in _intervals(problem.people.busy, v):
        clear &= ~(there & (since < end) & (until > start))
    return clear


def rest(problem: Problem, units: Units, v: Index, u: Unit) -> Bools:
    """The limit's rest lies between this slot and the last duty and every promised one."""
    start, end, pause = units.start[u], units.end[u], problem.limits.min_rest_min
    rested = start - problem.people.rest_since[v] >= pause
    for since, until, there in _intervals(problem.people.busy, v):
        near = (since < end + pause) & (until > start - pause)
        overlapping = (since < end) & (until > start)  # judged by the rule `overlap`
        rested &= ~(there & near & ~overlapping)
    return rested


def hours(problem: Problem, units: Units, v: Index, u: Unit) -> Bools:
    """Duty within the 24 hours up to the slot's end stays under the limit. Minutes served before the epoch
    count in full while any of those 24 hours lies before it: on the safe side."""
    start, end = units.start[u], units.end[u]
    minutes = np.where(end - DAY < 0, problem.people.minutes_24h[v], 0) + (end - start)
    for since, until, there in _intervals(problem.people.busy, v):
        inside = np.minimum(until, end) - np.maximum(since, end - DAY)
        minutes = minutes + np.where(there, np.maximum(inside, 0), 0)
    within: Bools = minutes <= problem.limits.max_minutes_24h
    return within


def night_travel(problem: Problem, units: Units, v: Index, u: Unit) -> Bools:
    """Goes out at night, for night slots."""
    return problem.people.night_travel[v] | ~units.night[u]


def distance(problem: Problem, units: Units, v: Index, u: Unit) -> Bools:
    """Lives within the person's and the slot's reach, as the crow flies, and there is a way."""
    x, y = problem.homes
    dx, dy = x[v] - units.x[u], y[v] - units.y[u]
    by_day, by_night = problem.people.reach_km
    reach = np.where(units.night[u], by_night[v], by_day[v])
    within: Bools = np.sqrt(dx * dx + dy * dy) <= np.minimum(reach, units.max_km[u])
    return within if problem.travel is None else within & problem.travel.reachable(v, units.slot[u])


RULES: dict[str, Rule] = {
    "skill": skill,
    "certification": certification,
    "age": age,
    "insurance": insurance,
    "fitness": fitness,
    "availability": availability,
    "overlap": overlap,
    "rest": rest,
    "hours": hours,
    "night_travel": night_travel,
    "distance": distance,
}

# The columns of a unit each rule reads (distance apart): units alike in them share one answer for everybody.
READS: dict[str, tuple[str, ...]] = {
    "skill": ("need_skill", "need_level"),
    "certification": ("need_skill", "end"),
    "age": ("adult_only",),
    "insurance": ("insured_only",),
    "fitness": ("hazardous",),
    "availability": ("start", "end"),
    "overlap": ("start", "end"),
    "rest": ("start", "end"),
    "hours": ("start", "end"),
    "night_travel": ("night",),
}


def feasible(problem: Problem, units: Units, v: Ints, u: Unit) -> Bools:
    """All rules at once for pairs of rows (or many people and one unit); later rules see what is left."""
    left = np.arange(len(v))
    for rule in RULES.values():
        left = left[rule(problem, units, v[left], u if isinstance(u, int) else u[left])]
    allowed = np.zeros(len(v), np.bool_)
    allowed[left] = True
    return allowed


def why_not(problem: Problem, person: int, slot: int, minimum: int | None = None) -> tuple[str, ...]:
    """Codes of every rule the pair breaks, in the order of RULES; "locked" when the person is decided for
    another slot, "forbidden" when the pair is. `minimum`: a nested minimum of the slot instead of its
    general heads. Empty: nothing stands in the way."""
    units, u = (slot_units(problem), slot) if minimum is None else (minimum_units(problem), minimum)
    one, at = np.array([person]), np.array([u])
    codes = [code for code, rule in RULES.items() if not rule(problem, units, one, at)[0]]
    if ((problem.locked.person == person) & (problem.locked.slot != slot)).any():
        codes.append("locked")
    if ((problem.forbidden.person == person) & (problem.forbidden.slot == slot)).any():
        codes.append("forbidden")
    return tuple(codes)


def _each_need(units: Units, u: Unit, holds: Callable[[Unit, Unit], Bools]) -> Bools:
    def need(r: int) -> Bools:
        k = units.need_skill[u, r]
        # -1 (nothing needed) reads the last skill's column and is then let through.
        met: Bools = holds(k, units.need_level[u, r]) | (k < 0)
        return met

    passed = need(0)
    for r in range(1, units.need_skill.shape[1]):
        passed = passed & need(r)
    return passed


def _shape(problem: Problem, v: Index) -> int:
    return len(problem.people) if isinstance(v, slice) else len(v)


def _intervals(intervals: Intervals, v: Index) -> Iterator[tuple[Ints, Ints, Bools]]:
    """The first intervals of everybody in v, then the second ones, ...: start, end, and who has one."""
    first, after = intervals.first[:-1][v], intervals.first[1:][v]
    for k in range(intervals.most):
        there: npt.NDArray[np.bool_] = first + k < after
        row = np.where(there, first + k, 0)
        yield intervals.start[row], intervals.end[row], there
