"""Who could serve each unit of a plan, and what that would cost: the pairs all explanations are made of."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from functools import cached_property
from typing import TypeVar

import numpy as np

from volunteer_hub.engine.candidates import Kind, Pool
from volunteer_hub.engine.feasible import READS, RULES, distance
from volunteer_hub.engine.floors import Floors
from volunteer_hub.engine.problem import Ints, Options, Problem
from volunteer_hub.engine.ranking import FREE, Ranking, ranking
from volunteer_hub.engine.solve import Plan
from volunteer_hub.engine.terms import cost

HELD_BACK = -2
T = TypeVar("T")
MOST_KEPT = 10_000_000  # pairs in memory at a time: 160 MB, where a city's own would take twenty gigabytes


def _held_back(problem: Problem, plan: Plan, floors: Floors) -> Ints:
    """Everybody of a set of whom the plan takes as many as it may: one more would break the floor."""
    taken = floors.taken(plan.person, len(problem.people))
    full = np.flatnonzero(taken >= floors.most).tolist()
    return np.concatenate([np.zeros(0, np.int64), *(floors.members(g) for g in full)])


class _Latest(dict[Hashable, T]):
    """What was found last, as many people in all as are kept: the one found longest ago goes first."""

    def __init__(self) -> None:
        super().__init__()
        self._sizes: dict[Hashable, int] = {}

    def keep(self, key: Hashable, found: T, size: int) -> None:
        self[key], self._sizes[key] = found, size
        while sum(self._sizes.values()) > MOST_KEPT and len(self) > 1:
            oldest = next(iter(self))
            del self[oldest], self._sizes[oldest]


class Could:
    """Who could serve each unit, whatever else they do; found when asked for. Locked people never could.

    `serves` [V]: the unit each person serves, FREE for none, HELD_BACK for who stays by a reserve floor.
    """

    def __init__(self, problem: Problem, plan: Plan, floors: Floors | None = None) -> None:
        self._problem, self._plan, self._units = problem, plan, plan.units
        self._known: _Latest[tuple[Ints, Ints]] = _Latest()
        self._serving: list[Kind] | None = None
        self._holders: dict[Hashable, Ints] = {}
        self._narrowed: _Latest[tuple[list[tuple[str, int]], Ints]] = _Latest()
        self.serves = np.full(len(problem.people), FREE)
        if floors is not None:
            self.serves[_held_back(problem, plan, floors)] = HELD_BACK
        self.serves[plan.person] = plan.unit

    @cached_property
    def pool(self) -> Pool:
        """The search over the people of the problem and the units of the plan."""
        return Pool(self._problem, self._units, Options())

    @cached_property
    def ranking(self) -> Ranking:
        """Where everybody chosen stands among all who could; rows in the order of the plan's."""
        plan, order = self._plan, self.pool.order
        own = cost(self._problem, self._units, plan.person, plan.unit)
        by_unit = np.lexsort((own, plan.unit))
        found = ranking(
            self._noted(), self.pool, plan.unit[by_unit], own[by_unit], self.serves[order],
            self._problem.people.served[order],
        )  # fmt: skip
        back = np.empty_like(by_unit)
        back[by_unit] = np.arange(len(back))
        return found._replace(
            cheaper=found.cheaper[back], others=found.others[back], fewest=found.fewest[back]
        )

    @property
    def serving(self) -> list[Kind]:
        """Kinds of units, with those only who serve somewhere."""
        if self._serving is None:
            _ = self.ranking
        return self._serving or []

    def _noted(self) -> Iterator[Kind]:
        """The kinds with everybody, which takes a while: who serves is noted on the way."""
        serves, self._serving = self.serves[self.pool.order], []
        for units, members in self.pool.kinds():
            self._serving.append((units, members[serves[members] >= 0]))
            yield units, members

    def __call__(self, u: int) -> Ints:
        return self._people_and_costs(u)[0]

    def costs(self, u: int) -> Ints:
        """Of the people of unit u, in their order."""
        return self._people_and_costs(u)[1]

    def _people_and_costs(self, u: int) -> tuple[Ints, Ints]:
        if u not in self._known:
            v = np.sort(self.pool.order[self.pool.members(u)])
            v = v[distance(self._problem, self._units, v, u)]
            self._known.keep(u, (v, cost(self._problem, self._units, v, np.full(len(v), u))), len(v))
        return self._known[u]

    def narrowed(self, u: int) -> tuple[list[tuple[str, int]], Ints]:
        """How many people each rule leaves, in order, and who is left before the last one, distance: the same
        for all units that ask the same."""
        problem, units = self._problem, self._units
        columns = dict.fromkeys(column for code in READS for column in READS[code])
        asks = tuple(tuple(np.atleast_1d(getattr(units, column)[u]).tolist()) for column in columns)
        if asks not in self._narrowed:
            left, v = [("pool", len(problem.people))], self._skilled(u)
            left.append(("skill", len(v)))
            for code in (code for code in READS if code != "skill"):
                v = v[RULES[code](problem, units, v, u)]
                left.append((code, len(v)))
            self._narrowed.keep(asks, (left, v), len(v))
        return self._narrowed[asks]

    def _skilled(self, u: int) -> Ints:
        """Who holds what unit u asks for: many ask for it at other hours."""
        units = self._units
        asks = tuple(units.need_skill[u].tolist()), tuple(units.need_level[u].tolist())
        if asks not in self._holders:
            self._holders[asks] = np.flatnonzero(RULES["skill"](self._problem, units, slice(None), u))
        return self._holders[asks]
