"""The fallback when the exact method has no time or fails: rank by rank, the unit with the fewest people
around first, the cheapest people free. Valid against every hard rule, not optimal; states a bound it cannot
beat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from volunteer_hub.engine.arrays import Ints
from volunteer_hub.engine.candidates import Arcs, Pool, lowest, nearest
from volunteer_hub.engine.clock import Clock
from volunteer_hub.engine.compiled import compiled
from volunteer_hub.engine.eligible import UNDECIDED
from volunteer_hub.engine.index import Index, bisect, box
from volunteer_hub.engine.problem import Options, Problem
from volunteer_hub.engine.terms import Penalties, draw
from volunteer_hub.engine.units import Access, Units, seat_locked

GRACE_S = 1.0  # past the deadline, once it has its index; units not reached by then stay open


def greedy(
    problem: Problem,
    units: Units,
    penalty: Penalties,
    seed: int,
    clock: Clock,
    held: Ints | None = None,
    rounds: Sequence[Ints] = (),
) -> tuple[Ints, Ints, int]:
    """People and units of the pairs chosen, nobody of `held` (rows) unless locked, and a lower bound on the
    objective's value: what every unit would cost if it had all people to itself.

    `rounds`: up to how many heads each unit is filled before any is filled further; the minima, then all,
    when left out."""
    seats = seat_locked(problem, units)
    person, unit = [v for v, _ in seats], [u for _, u in seats]
    if clock.left < -GRACE_S:
        return np.array(person, dtype=np.int64), np.array(unit, dtype=np.int64), 0
    pool = Pool(problem, units, Options())
    clock = Clock(max(0.0, clock.left) + GRACE_S)
    filled = np.bincount(np.array(unit, dtype=np.int64), minlength=len(units))
    aimed = np.where(units.access == Access.OPEN, units.heads, 0)
    bound = _alone(problem, units, penalty, pool.cheapest(aimed))
    flags = pool.index.flags.copy()
    if held is not None:
        flags[pool.position[held]] &= ~np.uint8(UNDECIDED)
    index = pool.index._replace(flags=flags)
    around = _around(index)
    turns = sorted(np.flatnonzero(aimed).tolist(), key=lambda u: (-units.priority[u], around[u], u))
    for up_to in rounds or (units.minimum, units.heads):
        for u in turns:
            room = int(up_to[u] - filled[u])
            if room <= 0 or clock.left < 0:
                continue
            chosen = _cheapest_free(problem, pool, index, u, room, seed)
            flags[chosen] &= ~np.uint8(UNDECIDED)
            filled[u] += len(chosen)
            person += pool.order[chosen].tolist()
            unit += [u] * len(chosen)
    return np.array(person, dtype=np.int64), np.array(unit, dtype=np.int64), bound


def _cheapest_free(problem: Problem, pool: Pool, index: Index, u: int, room: int, seed: int) -> Ints:
    """Positions of at most so many people: cheapest first, then asked least, then by the draw."""
    position, score = np.empty(room, np.int64), np.empty(room, np.int64)
    count, alike = _nearest(index, u, position, score)
    if alike > count:  # some of equal cost are left out: who of them goes is not for the order of rows to say
        ceiling, position, score = int(score[-1]) + 1, np.empty(alike, np.int64), np.empty(alike, np.int64)
        count, _ = lowest(index, u, ceiling, score[:0], position, score)
    position, score = position[:count], score[:count]
    v = pool.order[position]
    slot = np.full(count, index.slot[u])
    lots = draw(seed, problem.people.key[v], problem.slots.key[slot], 30)
    best: Ints = position[np.lexsort((lots, problem.people.served[v], score))[:room]]
    return best


@compiled
def _nearest(index: Index, u: int, position: Ints, score: Ints) -> tuple[int, int]:
    """How many of the cheapest there are, and when there is no room for more how many cost no more than
    they."""
    count = nearest(index, u, position, score)
    if count < len(position):
        return count, count
    _, alike = lowest(index, u, score[-1] + 1, score[:0], position[:0], score[:0])
    return count, alike


@compiled
def _around(index: Index) -> Ints:
    """[U] how many people hold the skills asked for and live where some could come from."""
    around = np.zeros(len(index.slot), np.int64)
    columns = int(index.grid[3])
    for u in range(len(around)):
        low, high = index.first[index.list_of[u]], index.first[index.list_of[u] + 1]
        if len(index.zone) > 0:
            around[u] = high - low
            continue
        west, east, south, north = box(index, u, index.reach[u])
        for row in range(south, north + 1 if west <= east else south):
            low = bisect(index.listed, index.cell_first[row * columns + west], low, high)
            stop = bisect(index.listed, index.cell_first[row * columns + east + 1], low, high)
            around[u] += stop - low
            low = stop
    return around


def _alone(problem: Problem, units: Units, penalty: Penalties, cheapest: Arcs) -> int:
    """The bound: every unit served by its cheapest people, who may serve many. Locked people may fill heads
    that nobody else may, so units of slots with locks count for nothing."""
    counted = (units.access == Access.OPEN) & ~np.isin(units.slot, problem.locked.slot)
    served = np.bincount(cheapest.unit, minlength=len(units))
    bound = int(cheapest.cost[counted[cheapest.unit]].sum())
    for u in np.flatnonzero(counted & (served < units.heads)).tolist():
        below = max(0, int(units.minimum[u] - served[u]))
        above = int(units.heads[u] - served[u]) - below
        bound += below * int(penalty.short_minimum[u]) + above * int(penalty.short_target[u])
    return bound
