"""A small city whose callouts are played by plain loops, one person and one number at a time.

Shares nothing with the engine but its inputs: numbers come from `random`, the common shock from the Beta
quantile itself, travel and delays from their definitions.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from scipy.special import betaincinv

from volunteer_hub.engine.play import Answering, Asked, Rules
from volunteer_hub.engine.problem import Problem


def delay(share: float, minutes: Sequence[float], shares: Sequence[float]) -> float | None:
    """When somebody answers of whom this share of all yeses comes before; None: never."""
    before_minute, before_share = 0.0, 0.0
    for minute, by_then in zip(minutes, shares, strict=True):
        if share <= by_then:
            return before_minute + (minute - before_minute) * (share - before_share) / (
                by_then - before_share
            )
        before_minute, before_share = minute, by_then
    return None


def chance_given(p: float, together: float, u: float, known: dict[tuple[float, float], float]) -> float:
    if p in (0.0, 1.0) or not together:
        return p
    if (p, u) not in known:
        known[p, u] = float(betaincinv(p * (1 - together) / together, (1 - p) * (1 - together) / together, u))
    return known[p, u]


def arrival(rng: random.Random, chance: float, curve: tuple[Sequence[float], Sequence[float]], ways: float,
            rules: Rules) -> tuple[float, float] | None:  # fmt: skip
    """(minute of the yes, minute of the arrival) of one person in one draw."""
    if rng.random() >= chance:
        return None
    answered = delay(rng.random(), *curve)
    if answered is None:
        return None
    return answered, answered + rules.prepare + ways * math.exp(rules.spread * rng.gauss(0, 1))


def played(
    problem: Problem, asked: Asked, answering: Answering, together: float, rules: Rules, draws: int, seed: int
) -> tuple[list[list[list[int]]], list[list[int]]]:
    """For each draw and slot who is there by each minute: (counts [draw][slot][minute], draws in which the
    slot is covered [slot][minute])."""
    rng = random.Random(seed)
    slots = range(len(problem.slots.key))
    all_counts: list[list[list[int]]] = []
    covered = [[0] * len(rules.minutes) for _ in slots]
    rows = list(zip(asked.person.tolist(), asked.slot.tolist(), asked.ways.tolist(), strict=True))
    for _ in range(draws):
        known: dict[tuple[float, float], float] = {}
        u = rng.random()
        coming: list[list[tuple[float, float, int]]] = [[] for _ in slots]
        for person, slot, ways in rows:
            curve = answering.curves[int(answering.curve[person])]
            chance = chance_given(float(answering.chance[person]), together, u, known)
            found = arrival(rng, chance, (curve.minutes, curve.shares), ways, rules)
            if found is not None:
                coming[slot].append((*found, person))
        counts = []
        for slot in slots:
            placed = sorted(coming[slot])[: int(problem.slots.maximum[slot])]
            line = []
            for at, minute in enumerate(rules.minutes):
                there = [person for _, arrives, person in placed if arrives <= minute]
                line.append(len(there))
                covered[slot][at] += enough(problem, slot, there)
            counts.append(line)
        all_counts.append(counts)
    return all_counts, covered


def enough(problem: Problem, slot: int, there: list[int]) -> bool:
    """The minimum is there, and for the minima within it different people can be named."""
    if len(there) < problem.slots.minimum[slot]:
        return False
    wanted: list[int] = []
    for m in range(len(problem.minima.slot)):
        if problem.minima.slot[m] == slot:
            wanted += [m] * int(problem.minima.heads[m])
    return seated(problem, slot, wanted, there)


def seated(problem: Problem, slot: int, wanted: list[int], there: list[int]) -> bool:
    if not wanted:
        return True
    m = wanted[0]
    skill, level = int(problem.minima.skill[m]), int(problem.minima.level[m])
    for person in there:
        holds = problem.people.levels[person, skill] >= level
        if holds and problem.people.cert_until[person, skill] >= problem.slots.end[slot]:
            rest = [other for other in there if other != person]
            if seated(problem, slot, wanted[1:], rest):
                return True
    return False
