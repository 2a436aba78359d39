"""Which heads can be covered at all: the first level of the goal, alone and by itself exact.

Sets of heads that can be covered together are the independent sets of a matroid, so rank by rank, the most
urgent first, as many heads as possible are filled, and none that was filled is given up (Edmonds & Fulkerson
1965). A head looks for somebody free along a chain of people who could each take the next one's place; a
phase tries all open heads and enters no unit twice (Pothen & Fan 1990). When a phase fills none, the units it
entered are those whose people are all needed at this rank or above (the Hall set): that is their price, and
nobody looks there again.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from volunteer_hub.engine.candidates import Arcs
from volunteer_hub.engine.compiled import compiled, inner
from volunteer_hub.engine.flow import Flow
from volunteer_hub.engine.index import counted
from volunteer_hub.engine.problem import MAX_PRIORITY, Ints
from volunteer_hub.engine.terms import Penalties
from volunteer_hub.engine.units import Units

HIGHEST = 2 * MAX_PRIORITY


class _Cover(NamedTuple):
    """The heads filled so far. U units, P people, A pairs by unit."""

    serves: Ints  # [P] unit, -1 for nobody
    pair: Ints  # [P] by which pair
    filled: Ints  # [U]
    rank: Ints  # [U] of the Hall set the unit is in, -1 as long as it is in none


class _Marks(NamedTuple):
    """Of one search after the other."""

    phase: Ints  # [U] the last one that entered the unit
    onward: Ints  # [U] the next of its pairs to go on by
    free: Ints  # [U] the first of its pairs that may be somebody free
    unit: Ints  # [U] the chain: units ...
    pair: Ints  # ... and by which pair the next one is entered


def coverage(units: Units, arcs: Arcs, penalty: Penalties, people: int) -> tuple[Flow, Ints, Ints, Ints]:
    """The most urgent heads covered by these pairs, locked ones among them, and prices that prove it, in
    whole ranks: a step of flow.solve_flow."""
    big = penalty.big
    minimum, target = penalty.short_minimum // big, penalty.short_target // big
    order, first = counted(arcs.unit, len(units))
    position, locked = arcs.position[order], arcs.cost[order] < 0
    cover = _Cover(
        np.full(people, -1), np.full(people, -1), np.zeros(len(units), np.int64), np.full(len(units), -1)
    )
    sizes = units.minimum, units.heads, minimum, target
    if locked.any():  # they first: whoever has a place never loses it
        theirs, own = np.flatnonzero(locked), np.concatenate([[0], np.cumsum(locked)])[first]
        _cover(cover, own, position[theirs], *sizes, 0)
        cover.pair[cover.serves >= 0] = theirs[cover.pair[cover.serves >= 0]]
        cover.rank[:] = -1
    _cover(cover, first, position, *sizes, 1)
    used = np.zeros(len(arcs), np.bool_)
    used[order[cover.pair[cover.serves >= 0]]] = True
    below = np.maximum(units.minimum - cover.filled, 0)
    flow = Flow(used, units.heads - cover.filled - below, below)
    unit_price = np.maximum(cover.rank, 0) * big
    person_price = np.append(unit_price, 0)[cover.serves]
    person_price[arcs.position[arcs.cost < 0]] += penalty.lock
    return flow, unit_price, person_price, np.zeros(0, np.int64)


@compiled
def _cover(
    cover: _Cover, first: Ints, position: Ints, minimum: Ints, heads: Ints, rank_minimum: Ints,
    rank_target: Ints, lowest: int,
) -> None:  # fmt: skip
    """Fill heads of the ranks from the highest down to the lowest."""
    units = len(heads)
    nothing = np.zeros(units, np.int64)
    marks = _Marks(nothing, first[:-1].copy(), first[:-1].copy(), nothing.copy(), nothing.copy())
    phase = 0
    for rank in range(HIGHEST, lowest - 1, -1):
        more = True
        while more:
            phase, more, short = phase + 1, False, False
            for u in range(units):
                upto = minimum[u] if rank_minimum[u] == rank else 0
                upto = heads[u] if rank_target[u] == rank else upto
                while cover.rank[u] < 0 and cover.filled[u] < upto:
                    if not _fill(cover, marks, first, position, u, phase):
                        short = True
                        break
                    more = True
            more = more and short
        if short:
            for u in range(units):
                if marks.phase[u] == phase:
                    cover.rank[u] = rank


@inner
def _fill(cover: _Cover, marks: _Marks, first: Ints, position: Ints, origin: int, phase: int) -> bool:
    """Fill one more head of this unit, if a chain is found."""
    serves = cover.serves
    depth, u = 0, origin
    marks.unit[0] = u
    while True:
        if marks.phase[u] != phase:
            marks.phase[u], marks.onward[u] = phase, first[u]
        i, end = marks.free[u], first[u + 1]
        while i < end and serves[position[i]] >= 0:
            i += 1
        marks.free[u] = i
        if i < end:
            break
        i = marks.onward[u]
        while i < end:
            other = serves[position[i]]
            if marks.phase[other] != phase and cover.rank[other] < 0:
                break
            i += 1
        marks.onward[u] = i + 1
        if i < end:
            marks.pair[depth] = i
            depth, u = depth + 1, serves[position[i]]
        elif depth == 0:
            return False
        else:
            depth -= 1
            u = marks.unit[depth]
            continue
        marks.unit[depth] = u
    marks.pair[depth] = i
    for d in range(depth, -1, -1):
        i = marks.pair[d]
        serves[position[i]], cover.pair[position[i]] = marks.unit[d], i
    cover.filled[origin] += 1
    return True
