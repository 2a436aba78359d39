"""The goal once more, by enumeration: slow, short, and sharing nothing with the engine but its input."""

from __future__ import annotations

import math
from collections import Counter

from volunteer_hub.engine.check import _broken, _holds, _tenths
from volunteer_hub.engine.problem import Problem


def pair_cost(problem: Problem, v: int, s: int) -> int:
    people = problem.people
    travel = math.floor(_tenths(problem, v, s) + 0.5)
    night = int(people.night_cost[v]) if problem.slots.night[s] else 0
    return travel + int(people.fatigue[v]) + night


def roles(problem: Problem, v: int) -> list[tuple[int, int]]:
    """(slot, nested minimum or -1) the person may take."""
    locked = dict(problem.locked.rows())
    barred = set(problem.forbidden.rows())
    found = []
    for s in range(len(problem.slots)):
        if locked.get(v, s) != s or (v not in locked and ((v, s) in barred or any(_broken(problem, v, s)))):
            continue
        found.append((s, -1))
        own = int(problem.slots.skill[s])
        for m in range(len(problem.minima)):
            needs = [(int(problem.minima.skill[m]), int(problem.minima.level[m]))]
            needs += [(own, int(problem.slots.level[s]))] if own >= 0 else []
            if problem.minima.slot[m] == s and all(_holds(problem, v, s, *need) for need in needs):
                found.append((s, m))
    return found


def best(problem: Problem) -> tuple[tuple[int, ...], int, int]:
    """(open heads by rank, cost, served) of the best plan; minima need different people."""
    slots, minima = problem.slots, problem.minima
    heads = {(int(s), m): int(minima.heads[m]) for m, s in enumerate(minima.slot)}
    minimum = dict(heads)
    for s in range(len(slots)):
        nested = sum(int(h) for h in minima.heads[minima.slot == s])
        heads[s, -1] = int(slots.target[s]) - nested
        minimum[s, -1] = max(0, int(slots.minimum[s]) - nested)
    allowed = [roles(problem, v) for v in range(len(problem.people))]
    locked = dict(problem.locked.rows())
    filled: Counter[tuple[int, int]] = Counter()
    found: list[tuple[tuple[int, ...], int, int]] = []

    def shortage() -> tuple[int, ...]:
        short = [0] * 10
        for role, count in heads.items():
            urgency = 5 - int(slots.priority[role[0]])
            below = max(0, minimum[role] - filled[role])
            short[urgency] += below
            short[5 + urgency] += count - filled[role] - below
        return tuple(short)

    def place(v: int, cost: int, served: int) -> None:
        if v == len(allowed):
            found.append((shortage(), cost, served))
            return
        if v not in locked:
            place(v + 1, cost, served)
        for role in allowed[v]:
            if filled[role] < heads[role]:
                filled[role] += 1
                place(v + 1, cost + pair_cost(problem, v, role[0]), served + int(problem.people.served[v]))
                filled[role] -= 1

    place(0, 0, 0)
    return min(found)
