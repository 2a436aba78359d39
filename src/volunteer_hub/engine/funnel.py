"""How a pool narrows: for how many some unit is left after the rules of each step, and where others fall out.

A person stands where the unit stands that is nearest to being theirs: a driver who is free but lives too far
from the only driver's place falls out by distance, whatever speaks against them elsewhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping
from typing import Final

import numpy as np

from volunteer_hub.engine.arrays import Bools, Ints
from volunteer_hub.engine.feasible import READS, RULES
from volunteer_hub.engine.problem import Problem
from volunteer_hub.engine.units import Access, Units, split

STEPS: Final[Mapping[str, tuple[str, ...]]] = {
    "fit": ("skill", "certification", "age", "insurance", "fitness"),
    "free": ("availability", "overlap", "rest", "hours"),
    "near": ("night_travel", "distance"),
}
CODES: Final = tuple(RULES)
ALL: Final = len(CODES)
"""What `passed` says of somebody who could serve."""
MOST_JUDGED: Final = 20_000_000
"""People times kinds of units, up to which everybody is judged: below a second."""


def passed(problem: Problem) -> Ints | None:
    """[V] how many of CODES each person passes one after the other, for the unit where they are most; ALL who
    could serve. None where so many people and kinds of units would take too long."""
    units = split(problem)
    kinds = _kinds(units)
    if len(problem.people) * len(kinds) > MOST_JUDGED:
        return None
    best = np.zeros(len(problem.people), np.int64)
    for kind in kinds:
        best = np.maximum(best, _passed(problem, units, kind))
    return best


def counts(far: Ints, among: Bools) -> dict[str, int]:
    """Of the people ``among`` all, how many are left after each of STEPS."""
    found, last = {}, 0
    for step, rules in STEPS.items():
        last += len(rules)
        found[step] = int((among & (far >= last)).sum())
    return found


def step_of(rule: int) -> str:
    """The step that somebody falls out at who passes so many rules."""
    return next(step for step, rules in STEPS.items() if CODES[rule] in rules)


def _kinds(units: Units) -> list[list[int]]:
    """Open units, those together that differ in their place alone."""
    names = sorted({name for columns in READS.values() for name in columns})
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for u in np.flatnonzero(units.access == Access.OPEN).tolist():
        groups[tuple(np.asarray(getattr(units, name)[u]).tobytes() for name in names)].append(u)
    return list(groups.values())


def _passed(problem: Problem, units: Units, kind: list[int]) -> Ints:
    left = np.arange(len(problem.people))
    count = np.zeros(len(problem.people), np.int64)
    for rule in CODES[:-1]:
        left = left[RULES[rule](problem, units, left, kind[0])]
        count[left] += 1
    for u in kind:
        left = left[count[left] < ALL]
        count[left[RULES[CODES[-1]](problem, units, left, u)]] = ALL
    return count
