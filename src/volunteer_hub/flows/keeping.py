"""What reserve floors mean for the rest of the planning process: whom else to ask, and what each floor costs.

Like all of the planning process it knows the engine alone.
"""

from dataclasses import dataclass

import numpy as np

from volunteer_hub.engine.clock import Clock
from volunteer_hub.engine.floors import Floors
from volunteer_hub.engine.problem import Options, Problem
from volunteer_hub.engine.solve import Plan, State, solve

_EXACT = (State.PROVEN, State.BOUNDED)


@dataclass(frozen=True)
class FloorPrice:
    """What a plan would gain without a floor: ``heads`` more places filled, 0.1 minutes of travel and burden
    saved (below 0: spent). More people never only shift which places are filled (see engine.terms)."""

    heads: int = 0
    tenths: int = 0

    @property
    def any(self) -> bool:
        """Whether the floor costs anything."""
        return self.heads > 0 or self.tenths > 0


def full(problem: Problem, plan: Plan, floors: Floors) -> list[int]:
    """The floors of which the plan takes all it may while others would be left."""
    taken = floors.taken(plan.person, len(problem.people))
    return [g for g in range(len(floors)) if floors.most[g] <= taken[g] < len(floors.members(g))]


def further(problem: Problem, plan: Plan, floors: Floors | None) -> Floors | None:
    """The floors as they limit who is asked beyond the plan."""
    if floors is None:
        return None
    left = floors.most - floors.taken(plan.person, len(problem.people))
    sets = [np.setdiff1d(floors.members(g), plan.person) for g in range(len(floors))]
    stay = [max(0, len(rows) - max(0, int(most))) for rows, most in zip(sets, left, strict=True)]
    return Floors.keeping(sets, stay)


def prices(
    problem: Problem, plan: Plan, floors: Floors | None, seconds: float
) -> tuple[FloorPrice | None, ...]:
    """[G] what each floor costs: the plan is made again without it, within ``seconds`` for all, the floors
    first whose next person is worth most. None where that takes too long, nothing for a floor that holds
    nobody back."""
    if floors is None:
        return ()
    found: list[FloorPrice | None] = [FloorPrice()] * len(floors)
    clock = Clock(seconds)
    for g in sorted(full(problem, plan, floors), key=lambda g: -int(plan.floor_price[g : g + 1].sum())):
        found[g] = _price(problem, plan, floors, g, clock.left)
    return tuple(found)


def _price(problem: Problem, plan: Plan, floors: Floors, g: int, seconds: float) -> FloorPrice | None:
    if plan.state not in _EXACT or seconds <= 0:
        return None
    others = floors.only([other for other in range(len(floors)) if other != g])
    freer = solve(problem, Options(seed=plan.seed, deadline_s=seconds), others)
    if freer.state not in _EXACT:
        return None
    kept, free = plan.objective, freer.objective
    if (free.short, free.cost) >= (kept.short, kept.cost):
        return FloorPrice()
    return FloorPrice(sum(kept.short) - sum(free.short), kept.cost - free.cost)
