"""Who passes every rule but distance, one list per kind of unit.

A rule reads few columns of a unit (feasible.READS): a city has hundreds of units but a handful of periods and
some dozens of (skill, level) pairs. Each rule is asked once about everybody per distinct reading, and a kind
of unit is the conjunction of such answers: skill postings, in the words of text retrieval.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from volunteer_hub.engine.feasible import READS, RULES
from volunteer_hub.engine.problem import Bools, Ints, Problem
from volunteer_hub.engine.units import Access, Units


class Eligible:
    """Answers of the rules for one problem and its units."""

    def __init__(self, problem: Problem, units: Units) -> None:
        self._problem, self._units = problem, units
        self._answers: dict[tuple[object, ...], Bools] = {}
        self._readings = {
            code: list(map(tuple, np.column_stack([getattr(units, c) for c in columns]).tolist()))
            for code, columns in READS.items()
        }
        self._barred: dict[int, list[int]] = defaultdict(list)
        for person, slot in problem.forbidden.rows():
            self._barred[slot].append(person)
        self._undecided = np.ones(len(problem.people), np.bool_)
        self._undecided[problem.locked.person] = False

    def kinds(self) -> Iterator[Ints]:
        """Open units, grouped so that each group has one list of people."""
        groups: dict[tuple[object, ...], list[int]] = defaultdict(list)
        for u in np.flatnonzero(self._units.access == Access.OPEN).tolist():
            slot = int(self._units.slot[u])
            own = slot if slot in self._barred else -1
            groups[(own, *(reading[u] for reading in self._readings.values()))].append(u)
        return (np.array(units, dtype=np.int64) for units in groups.values())

    def mask(self, u: int) -> Bools:
        """[V] who may serve unit u as far as every rule but distance goes, locked people excluded."""
        allowed = self._undecided.copy()
        for code, reading in self._readings.items():
            allowed &= self._answer(code, reading[u], u)
        allowed[self._barred.get(int(self._units.slot[u]), [])] = False
        return allowed

    def _answer(self, code: str, reading: object, u: int) -> Bools:
        key = (code, reading)
        if key not in self._answers:
            self._answers[key] = RULES[code](self._problem, self._units, slice(None), u)
        return self._answers[key]
