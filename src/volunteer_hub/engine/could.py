"""Who could serve each unit of a plan, and what that would cost: the pairs all explanations are made of."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np

from volunteer_hub.engine.eligible import Eligible
from volunteer_hub.engine.feasible import READS, RULES, distance
from volunteer_hub.engine.floors import Floors
from volunteer_hub.engine.problem import Ints, Problem
from volunteer_hub.engine.solve import Plan
from volunteer_hub.engine.terms import cost
from volunteer_hub.engine.units import Access

FREE, HELD_BACK = -1, -2
MOST_KEPT = 10_000_000  # pairs in memory at a time: 160 MB, where a city's own would take twenty gigabytes


def _held_back(problem: Problem, plan: Plan, floors: Floors) -> Ints:
    """Everybody of a set of whom the plan takes as many as it may: one more would break the floor."""
    taken = floors.taken(plan.person, len(problem.people))
    full = np.flatnonzero(taken >= floors.most).tolist()
    return np.concatenate([np.zeros(0, np.int64), *(floors.members(g) for g in full)])


class Could:
    """Who could serve each unit, whatever else they do; found when asked for. Locked people never could.

    `serves` [V]: the unit each person serves, FREE for none, HELD_BACK for who stays by a reserve floor.
    """

    def __init__(self, problem: Problem, plan: Plan, floors: Floors | None = None) -> None:
        self._problem, self._units = problem, plan.units
        self._eligible = Eligible(problem, plan.units)
        self._known: dict[int, tuple[Ints, Ints]] = {}
        self._kept = 0
        self._narrowed: dict[Hashable, tuple[list[tuple[str, int]], Ints]] = {}
        self.serves = np.full(len(problem.people), FREE)
        if floors is not None:
            self.serves[_held_back(problem, plan, floors)] = HELD_BACK
        self.serves[plan.person] = plan.unit

    def __call__(self, u: int) -> Ints:
        return self._people_and_costs(u)[0]

    def costs(self, u: int) -> Ints:
        """Of the people of unit u, in their order."""
        return self._people_and_costs(u)[1]

    def _people_and_costs(self, u: int) -> tuple[Ints, Ints]:
        if u not in self._known:
            v = np.zeros(0, np.int64)
            if self._units.access[u] == Access.OPEN:
                v = self._eligible.members(u)
                v = v[distance(self._problem, self._units, v, u)]
            self._known[u] = v, cost(self._problem, self._units, v, np.full(len(v), u))
            self._kept += len(v)
            while self._kept > MOST_KEPT and len(self._known) > 1:  # the one found longest ago goes
                self._kept -= len(self._known.pop(next(iter(self._known)))[0])
        return self._known[u]

    def narrowed(self, u: int) -> tuple[list[tuple[str, int]], Ints]:
        """How many people each rule leaves, in order, and who is left before the last one, distance: the same
        for all units that ask the same."""
        problem, units = self._problem, self._units
        columns = dict.fromkeys(column for code in READS for column in READS[code])
        asks = tuple(tuple(np.atleast_1d(getattr(units, column)[u]).tolist()) for column in columns)
        if asks not in self._narrowed:
            v = np.arange(len(problem.people))
            left = [("pool", len(v))]
            for code in READS:
                v = v[RULES[code](problem, units, v, u)]
                left.append((code, len(v)))
            self._narrowed[asks] = left, v
        return self._narrowed[asks]
