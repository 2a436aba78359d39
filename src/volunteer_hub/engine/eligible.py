"""Who passes every rule but distance, one list per kind of unit.

A rule reads few columns of a unit (feasible.READS): a city has hundreds of units but a handful of periods and
some dozens of (skill, level) pairs. Each rule is asked once about everybody per distinct reading. What a unit
asks of skills gives a posting list, as in text retrieval; all else gives a mask; a kind of unit is one list
filtered by one mask.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator

import numpy as np

from volunteer_hub.engine.feasible import READS, RULES
from volunteer_hub.engine.problem import Bools, Ints, Problem
from volunteer_hub.engine.units import Access, Units

POSTED = ("skill", "certification")  # few pass: kept as lists
MASKED = tuple(code for code in READS if code not in POSTED)  # most pass: kept as masks


class Eligible:
    """Answers of the rules for one problem and its units. People are named by their position in `order`."""

    def __init__(self, problem: Problem, units: Units, order: Ints | None = None) -> None:
        self._problem, self._units = problem, units
        self._order = np.arange(len(problem.people)) if order is None else order
        self._answers: dict[Hashable, Bools] = {}
        self._lists: dict[Hashable, Ints] = {}
        self._masks: dict[Hashable, Bools] = {}
        self._asked = _readings(units, POSTED)
        self._other = _readings(units, MASKED)
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
            groups[own, self._asked[u], self._other[u]].append(u)
        return (np.array(units, dtype=np.int64) for units in groups.values())

    def members(self, u: int) -> Ints:
        """Positions, ascending, of all who may serve unit u as far as every rule but distance goes; locked
        people and forbidden pairs excluded."""
        asked, other = self._asked[u], self._other[u]
        if asked not in self._lists:
            passed = self._all(POSTED, asked, u) & self._undecided
            self._lists[asked] = np.flatnonzero(passed[self._order])
        if other not in self._masks:
            self._masks[other] = self._all(MASKED, other, u)
        listed = self._lists[asked]
        allowed = listed[self._masks[other][self._order[listed]]]
        barred = self._barred.get(int(self._units.slot[u]))
        return allowed[~np.isin(self._order[allowed], barred)] if barred else allowed

    def _all(self, codes: tuple[str, ...], readings: tuple[Hashable, ...], u: int) -> Bools:
        """[V] who passes all of these rules, each asked once per reading."""
        passed = np.ones(len(self._problem.people), np.bool_)
        for code, reading in zip(codes, readings, strict=True):
            key = code, reading
            if key not in self._answers:
                self._answers[key] = RULES[code](self._problem, self._units, slice(None), u)
            passed &= self._answers[key]
        return passed


def _readings(units: Units, codes: tuple[str, ...]) -> list[tuple[Hashable, ...]]:
    """Per unit, what each of the rules reads of it."""
    columns = [np.column_stack([getattr(units, c) for c in READS[code]]).tolist() for code in codes]
    return list(zip(*(map(tuple, rows) for rows in columns), strict=True))
