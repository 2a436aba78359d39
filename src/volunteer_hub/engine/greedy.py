"""The fallback when the exact method has no time or fails: rank by rank, the unit with the fewest people
first, the cheapest people free. Valid against every hard rule, not optimal; states a bound it cannot beat."""

from __future__ import annotations

import numpy as np

from volunteer_hub.engine.clock import Clock
from volunteer_hub.engine.eligible import Eligible
from volunteer_hub.engine.feasible import distance
from volunteer_hub.engine.problem import Ints, Problem
from volunteer_hub.engine.terms import Penalties, cost, draw
from volunteer_hub.engine.units import Units, seat_locked

GRACE_S = 1.0  # past the deadline the fallback itself may take; units not reached by then stay open


def greedy(
    problem: Problem, units: Units, penalty: Penalties, seed: int, clock: Clock, held: Ints | None = None
) -> tuple[Ints, Ints, int]:
    """People and units of the pairs chosen, nobody of `held` (rows) unless locked, and a lower bound on the
    objective's value: what every unit would cost if it had all people to itself."""
    seats = seat_locked(problem, units)
    person, unit = [v for v, _ in seats], [u for _, u in seats]
    filled = np.bincount(np.array(unit, dtype=np.int64), minlength=len(units))
    queues = _queues(problem, units, seed, clock)
    bound = _alone(problem, units, penalty, queues)
    free = np.ones(len(problem.people), np.bool_)
    free[person] = False
    if held is not None:
        free[held] = False
    for up_to in (units.minimum, units.heads):
        for u in sorted(queues, key=lambda u: (-units.priority[u], len(queues[u]), u)):
            queue = queues[u]
            chosen = queue[free[queue]][: max(0, int(up_to[u] - filled[u]))]
            free[chosen] = False
            filled[u] += len(chosen)
            person += chosen.tolist()
            unit += [u] * len(chosen)
    return np.array(person, dtype=np.int64), np.array(unit, dtype=np.int64), bound


def _queues(problem: Problem, units: Units, seed: int, clock: Clock) -> dict[int, Ints]:
    """Per open unit the people every rule allows: cheapest first, then asked least, then by the draw. The
    most urgent units are reached first when time runs out."""
    queues: dict[int, Ints] = {}
    eligible = Eligible(problem, units)
    for kind in sorted(eligible.kinds(), key=lambda kind: -int(units.priority[kind].max())):
        if clock.left < -GRACE_S:
            break
        members = eligible.members(int(kind[0])).astype(np.int64)
        for u in kind.tolist():
            near = members[distance(problem, units, members, u)]
            at = np.full(len(near), u)
            lots = draw(seed, problem.people.key[near], problem.slots.key[units.slot[at]], 30)
            order = np.lexsort((lots, problem.people.served[near], cost(problem, units, near, at)))
            queues[u] = near[order]
    return queues


def _alone(problem: Problem, units: Units, penalty: Penalties, queues: dict[int, Ints]) -> int:
    """The bound: every unit served by its cheapest people, who may serve many. Locked people may fill heads
    their queue does not know, so units of slots with locks count for nothing, as do units not reached."""
    decided = set(problem.locked.slot.tolist())
    bound = 0
    for u, queue in queues.items():
        if int(units.slot[u]) in decided:
            continue
        heads = queue[: int(units.heads[u])]
        bound += int(cost(problem, units, heads, np.full(len(heads), u)).sum())
        below = max(0, int(units.minimum[u]) - len(heads))
        above = int(units.heads[u]) - len(heads) - below
        bound += below * int(penalty.short_minimum[u]) + above * int(penalty.short_target[u])
    return bound
