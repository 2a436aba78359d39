"""Explanations by asking the rules about every pair of a small problem, one after the other."""

from __future__ import annotations

import numpy as np

from volunteer_hub.engine.could import HELD_BACK, Could
from volunteer_hub.engine.explain import Reason, Why
from volunteer_hub.engine.feasible import feasible
from volunteer_hub.engine.problem import Ints, Problem
from volunteer_hub.engine.ranking import FREE
from volunteer_hub.engine.solve import Plan
from volunteer_hub.engine.terms import burden, cost, distance_km, travel
from volunteer_hub.engine.units import Access, Units, fills


def able(problem: Problem, units: Units, u: int) -> Ints:
    """Everybody who could serve the unit, whatever else they do; locked people never could."""
    everybody = np.arange(len(problem.people))
    allowed = feasible(problem, units, everybody, u) & (units.access[u] == Access.OPEN)
    allowed[problem.locked.person] = False
    allowed[problem.forbidden.person[problem.forbidden.slot == units.slot[u]]] = False
    return np.flatnonzero(allowed)


def reason(problem: Problem, plan: Plan, serves: Ints, v: int, u: int) -> Reason:
    people, one, at = able(problem, plan.units, u), np.array([v]), np.array([u])
    costs = cost(problem, plan.units, people, np.full(len(people), u))
    ways = travel(problem, plan.units, people, np.full(len(people), u))
    own, way = int(cost(problem, plan.units, one, at)[0]), int(travel(problem, plan.units, one, at)[0])
    others, served = serves[people] != u, int(problem.people.served[v])
    better = others & (costs < own)
    equal = problem.people.served[people[(costs == own) & (serves[people] == FREE)]]
    if v in problem.locked.person:
        code = Why.LOCKED
    elif len(people) == 1:
        code = Why.ONLY
    elif better.any():
        code = Why.BEST_LEFT
    elif len(equal):
        code = Why.ASKED_LEAST if served < equal.min() else Why.DRAWN
    else:
        code = Why.NEAREST if (ways[others] >= way).all() else Why.LEAST_BURDEN
    night = int(burden(problem, plan.units, one, at)[0]) - int(problem.people.fatigue[v])
    return Reason(
        person=v, slot=int(plan.units.slot[u]), code=code, rank=1 + int((costs < own).sum()), of=len(people),
        km=float(distance_km(problem, plan.units, one, at)[0]), travel=way,
        fatigue=int(problem.people.fatigue[v]), night=night, served=served,
        better_elsewhere=int(better.sum()),
    )  # fmt: skip


def reasons(problem: Problem, plan: Plan, could: Could) -> tuple[Reason, ...]:
    rows = zip(plan.person.tolist(), plan.unit.tolist(), strict=True)
    return tuple(reason(problem, plan, could.serves, v, u) for v, u in rows)


def arcs(problem: Problem, units: Units, serves: Ints) -> list[tuple[int, int, int]]:
    """(unit, source, price) of every move of one person; the source FREE for who has no place."""
    found = []
    for u in range(len(units)):
        for v in able(problem, units, u).tolist():
            source = int(serves[v])
            if source not in (u, HELD_BACK):
                here, there = (
                    int(cost(problem, units, np.array([v]), np.array([at]))[0]) for at in (u, max(source, 0))
                )
                found.append((u, source, here - (there if source >= 0 else 0)))
    for v, slot in problem.locked.rows():
        for u in np.flatnonzero((units.slot == slot) & (units.access != Access.CLOSED)).tolist():
            if serves[v] not in (u, FREE, HELD_BACK) and fills(problem, v, slot, units.minima[u]):
                found.append((u, int(serves[v]), 0))
    return found


FAR = 1 << 60


def margins(problem: Problem, plan: Plan, serves: Ints, big: int) -> tuple[list[int], list[int]]:
    """([U] what one more head would cost, [U] what one head less would save), round after round."""
    units, found = plan.units, arcs(problem, plan.units, serves)
    filled = np.bincount(serves[serves >= 0], minlength=len(units))
    more, back = [], []
    for u in range(len(units)):
        target, minimum = (
            big * int(units.priority[u] + n) * (units.access[u] != Access.LOCKED) for n in (0, 5)
        )
        more.append(target if filled[u] > units.minimum[u] else minimum)
        open_above = target if units.heads[u] > max(filled[u], units.minimum[u]) else -FAR
        forgone = -(minimum if filled[u] < units.minimum[u] else open_above)
        going = [v for v in np.flatnonzero(serves == u).tolist() if v not in problem.locked.person]
        home = [-int(cost(problem, units, np.array([v]), np.array([u]))[0]) for v in going]
        back.append(min(forgone, *home) if home else forgone)
    for _ in range(len(units)):
        for u, source, price in found:
            more[u] = min(more[u], price + (more[source] if source >= 0 else 0))
            if source >= 0 and back[u] < FAR:
                back[source] = min(back[source], price + back[u])
    return more, [-value for value in back]
