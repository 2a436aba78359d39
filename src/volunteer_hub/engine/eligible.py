"""Who passes every rule but distance, one list per kind of unit.

A rule reads few columns of a unit (feasible.READS): a city has hundreds of units but a handful of periods and
some dozens of (skill, level) pairs. Each group of rules is asked once about everybody per distinct reading.
What a unit asks of skills gives a posting list, as in text retrieval; all else gives masks; a kind of unit is
one list filtered by its masks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator

import numpy as np

from volunteer_hub.engine.feasible import READS, RULES
from volunteer_hub.engine.problem import Bools, Ints, Problem
from volunteer_hub.engine.units import Access, Units

POSTED = ("skill",)  # few pass: kept as lists
MASKED = (  # most pass: kept as masks, one per group
    ("certification",),
    ("availability", "overlap", "rest", "hours"),
    ("age", "insurance", "fitness", "night_travel"),
)


class Eligible:
    """Answers of the rules for one problem and its units. People are named by their position in `order`."""

    def __init__(self, problem: Problem, units: Units, order: Ints | None = None) -> None:
        self._problem, self._units = problem, units
        self._order = np.arange(len(problem.people)) if order is None else order
        self._position = np.empty_like(self._order)
        self._position[self._order] = np.arange(len(self._order))
        self._lists: dict[Hashable, Ints] = {}
        self._masks: dict[Hashable, Bools] = {}
        self._asked = _readings(units, POSTED)
        self._others = [(group, _readings(units, group)) for group in MASKED]
        self._barred: dict[int, list[int]] = defaultdict(list)
        for person, slot in problem.forbidden.rows():
            self._barred[slot].append(person)
        self._undecided = np.ones(len(problem.people), np.bool_)
        self._undecided[problem.locked.person] = False

    def kinds(self) -> Iterator[Ints]:
        """Open units, grouped so that each group has one list of people."""
        groups: dict[Hashable, list[int]] = defaultdict(list)
        for u in np.flatnonzero(self._units.access == Access.OPEN).tolist():
            slot = int(self._units.slot[u])
            own = slot if slot in self._barred else -1
            groups[own, self._asked[u], *(readings[u] for _, readings in self._others)].append(u)
        return (np.array(units, dtype=np.int64) for units in groups.values())

    def members(self, u: int) -> Ints:
        """Positions, ascending, of all who may serve unit u as far as every rule but distance goes; locked
        people and forbidden pairs excluded."""
        if self._asked[u] not in self._lists:
            rows = np.flatnonzero(self._all(POSTED, u) & self._undecided)
            self._lists[self._asked[u]] = np.sort(self._position[rows])
        listed = self._lists[self._asked[u]]
        rows = self._order[listed]
        allowed = np.ones(len(rows), np.bool_)
        for group, readings in self._others:
            if (group, readings[u]) not in self._masks:
                self._masks[group, readings[u]] = self._all(group, u)
            allowed &= self._masks[group, readings[u]][rows]
        barred = self._barred.get(int(self._units.slot[u]))
        if barred:
            allowed &= ~np.isin(rows, barred)
        return listed[allowed]

    def _all(self, codes: tuple[str, ...], u: int) -> Bools:
        """[V] who passes all of these rules for unit u."""
        passed = np.ones(len(self._problem.people), np.bool_)
        for code in codes:
            passed &= RULES[code](self._problem, self._units, slice(None), u)
        return passed


def _readings(units: Units, codes: tuple[str, ...]) -> list[Hashable]:
    """Per unit, what these rules read of it."""
    columns = dict.fromkeys(column for code in codes for column in READS[code])
    return list(map(tuple, np.column_stack([getattr(units, column) for column in columns]).tolist()))
