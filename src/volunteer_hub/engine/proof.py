"""A certificate that a plan is optimal, by linear-programming duality.

Given prices of units and people, weak duality says no plan can cost less than

    sum(heads x unit price) - sum(person price) - sum(room of an open-head arc x price above its penalty)

provided no allowed pair is cheaper than its prices allow (cost + person price >= unit price, person price
>= 0). If moreover the plan's own value equals that number, the plan is optimal. Everything is recomputed here
from the problem, pair by pair over all people and units: nothing of the search or the solver is used.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from volunteer_hub.engine.clock import Clock
from volunteer_hub.engine.feasible import feasible
from volunteer_hub.engine.problem import Bools, Ints, Problem
from volunteer_hub.engine.terms import UNITS_PER_HOUR, cost, penalties
from volunteer_hub.engine.units import Access, Units, fills


@dataclass(frozen=True)
class Proof:
    primal: int  # value of the plan
    dual: int  # lower bound the prices give
    violated: int  # allowed pairs (and people) the prices do not honour
    pairs: int  # pairs looked at: every person with every unit

    @property
    def holds(self) -> bool:
        return self.primal == self.dual and self.violated == 0


def prove(
    problem: Problem,
    units: Units,
    person: Ints,
    unit: Ints,
    unit_price: Ints,
    person_price: Ints,
    clock: Clock,
) -> Proof:
    """Check the assignment (person[i] on a head of unit[i]) against prices [U] and [V].

    Raises DeadlinePassed; ValueError when the assignment uses a person twice or more heads than there are.
    """
    penalty = penalties(problem, units)
    filled = np.bincount(unit, minlength=len(units))
    if len(np.unique(person)) < len(person) or (filled > units.heads).any():
        raise ValueError("not an assignment")
    slot_of = np.full(len(problem.people), -1)
    slot_of[problem.locked.person] = problem.locked.slot
    chosen = cost(problem, units, person, unit) - np.where(slot_of[person] >= 0, penalty.lock, 0)
    below = np.maximum(units.minimum - filled, 0)
    above = units.heads - filled - below
    primal = int(chosen.sum()) + _dot(below, penalty.short_minimum) + _dot(above, penalty.short_target)
    dual = _dot(units.heads, unit_price) - int(person_price.sum())
    dual -= _dot(units.heads - units.minimum, np.maximum(unit_price - penalty.short_target, 0))
    dual -= _dot(units.minimum, np.maximum(unit_price - penalty.short_minimum, 0))
    violated = int((person_price < 0).sum())
    tempted = _Tempted(problem, units, person_price, slot_of < 0)
    for u in range(len(units)):
        if u % 64 == 0:
            clock.check()
        violated += tempted.count(u, int(unit_price[u]))
    violated += _violated_locks(problem, units, unit_price, person_price, penalty.lock)
    return Proof(primal, dual, violated, len(problem.people) * len(units))


def _dot(count: Ints, price: Ints) -> int:
    """In Python's own integers: sums of penalties may pass 64 bits."""
    return sum(int(c) * int(p) for c, p in zip(count, price, strict=True) if c)


class _Tempted:
    """Allowed pairs of a unit with cost + person price below its price, by brute force over all people.

    People lie sorted by latitude, so that those too far north or south to be cheap enough are left out at a
    stroke; cost and distance are computed for all others.
    """

    def __init__(self, problem: Problem, units: Units, person_price: Ints, undecided: Bools) -> None:
        x, y = problem.homes
        self._problem, self._units = problem, units
        self._row = np.flatnonzero(undecided)[np.argsort(y[undecided], kind="stable")]
        self._x, self._y = x[self._row], y[self._row]
        people = problem.people
        self._per_km = problem.limits.detour * UNITS_PER_HOUR / people.speed_kmh[self._row]
        self._night = people.night_cost[self._row]
        self._least = people.fatigue[self._row] + person_price[self._row]

    def count(self, u: int, ceiling: int) -> int:
        units = self._units
        if units.access[u] != Access.OPEN or not len(self._row):
            return 0
        reach = min(float(units.max_km[u]), max(0, ceiling) / float(self._per_km.min())) + 0.001
        first, last = np.searchsorted(self._y, [units.y[u] - reach, units.y[u] + reach])
        part = slice(first, last)
        dx, dy = self._x[part] - units.x[u], self._y[part] - units.y[u]
        score = np.floor(self._per_km[part] * np.sqrt(dx * dx + dy * dy) + 0.5) + self._least[part]
        if units.night[u]:
            score += self._night[part]
        v = self._row[part][score < ceiling]
        barred = self._problem.forbidden.person[self._problem.forbidden.slot == units.slot[u]]
        v = np.setdiff1d(v, barred) if len(barred) else v
        return int(feasible(self._problem, units, v, u).sum())


def _violated_locks(problem: Problem, units: Units, unit_price: Ints, person_price: Ints, lock: int) -> int:
    violated = 0
    for v, slot in problem.locked.rows():
        for u in np.flatnonzero((units.slot == slot) & (units.access != Access.CLOSED)):
            if fills(problem, v, slot, units.minima[u]):
                least = int(cost(problem, units, np.array([v]), np.array([u]))[0]) - lock
                violated += least + int(person_price[v]) < int(unit_price[u])
    return violated
