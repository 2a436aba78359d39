"""The reverse of augmenting: one head fewer, or one person more, and the plan is optimal again.

Somebody stands without a head, or a unit has one person too many. Along the cheapest path of exchanges either
an open head is filled or somebody else is freed; prices fall where the path passes. It is the search of
augment.py with every arc turned round (Ahuja, Magnanti & Orlin 1993, ch. 9.7), over the pairs no dearer than
their unit's price: others could not be worth it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from volunteer_hub.engine.augment import Best, Search, Standing, lift, pop
from volunteer_hub.engine.candidates import ENDLESS, Arcs
from volunteer_hub.engine.compiled import compiled
from volunteer_hub.engine.index import counted
from volunteer_hub.engine.problem import Ints


class Ways(NamedTuple):
    """Where each person could go, and who serves each unit."""

    first: Ints  # [P + 1] rows of `unit` and `cost`
    unit: Ints
    cost: Ints
    member: Ints  # [U] one who serves the unit, -1 for nobody
    following: Ints  # [P] the next who serves the same unit


def ways_of(standing: Standing, worth: Arcs, units: int) -> Ways:
    """Where somebody who becomes free could go, by person, and who serves each unit."""
    people = len(standing.serves)
    order, first = counted(worth.position, people)
    nobody, following = np.full(units, -1), np.empty(people, np.int64)
    ways = Ways(first, worth.unit[order], worth.cost[order], nobody, following)
    _gather(standing.serves, ways.member, ways.following)
    return ways


@compiled
def _gather(serves: Ints, member: Ints, following: Ints) -> None:
    for p in range(len(serves)):
        if 0 <= serves[p] < len(member):
            following[p] = member[serves[p]]
            member[serves[p]] = p


@compiled
def _leave(member: Ints, following: Ints, u: int, p: int) -> None:
    if member[u] == p:
        member[u] = following[p]
        return
    before = member[u]
    while following[before] != p:
        before = following[before]
    following[before] = following[p]


@compiled
def release(standing: Standing, ways: Ways, search: Search, stamp: int, people: Ints, units: Ints) -> None:
    """Find a place, or none, for each of these people who serve nowhere, and take one head off each of these
    units (a unit may come several times)."""
    nobody = int(np.int64(-1))
    for p in people:
        stamp += 1
        _release(standing, ways, search, stamp, p, nobody)
    for u in units:
        stamp += 1
        _release(standing, ways, search, stamp, nobody, u)


@compiled
def _reach(
    standing: Standing, ways: Ways, search: Search, stamp: int, p: int, origin: int, distance: int,
    worth: int, limit: int, size: int,
) -> int:  # fmt: skip
    """Go on from a person of the origin to every unit that could use them; the heap's size."""
    for i in range(ways.first[p], ways.first[p + 1]):
        u = ways.unit[i]
        d = distance + ways.cost[i] + worth - standing.price[u]
        if d >= limit or (search.stamp[u] == stamp and d >= search.distance[u]):
            continue
        new = search.stamp[u] != stamp
        search.stamp[u], search.distance[u] = stamp, d
        search.person[u], search.towards[u], search.cost[u] = p, origin, ways.cost[i]
        size = lift(search.heap, search.place, search.distance, u, size, new)
    return size


@compiled
def _release(standing: Standing, ways: Ways, search: Search, stamp: int, person: int, unit: int) -> None:
    price, none, nowhere = standing.price, int(np.int64(0)), int(np.int64(-1))
    best, size, count, u = Best(ENDLESS, -1, -1, 0, -1), none, 0, unit
    if person >= 0:
        worth = none
        for i in range(ways.first[person], ways.first[person + 1]):
            worth = max(worth, price[ways.unit[i]] - ways.cost[i])
        best = Best(worth, -1, person, 0, -1)  # to stay free
        size = _reach(standing, ways, search, stamp, person, nowhere, none, worth, best.distance, none)
    else:
        search.stamp[u], search.distance[u] = stamp, 0
        size = lift(search.heap, search.place, search.distance, u, size, bool(np.int64(1)))
    while size > 0 and search.distance[search.heap[0]] < best.distance:
        u = pop(search.heap, search.place, search.distance, size)
        size -= 1
        search.settled[count] = u
        count += 1
        d = search.distance[u]
        best = _end_at(standing, ways, u, d, best)
        p = ways.member[u]
        while p >= 0:
            worth = price[u] - standing.pays[p]
            size = _reach(standing, ways, search, stamp, p, u, d, worth, best.distance, size)
            p = ways.following[p]
    for i in range(count):
        u = search.settled[i]
        price[u] -= best.distance - search.distance[u]
    _move(standing, ways, search, unit, best)


@compiled
def _end_at(standing: Standing, ways: Ways, u: int, distance: int, best: Best) -> Best:
    """The best end of the search if one of the unit's open heads is filled, or one of its people freed."""
    for tier in range(2):
        end = distance + standing.price[u] - standing.penalty[u, tier]
        if standing.open_heads[u, tier] > 0 and end < best.distance:
            best = Best(end, u, -1, 0, tier)
    p = ways.member[u]
    while p >= 0:
        end = distance + standing.price[u] - standing.pays[p]
        if end < best.distance:
            best = Best(end, u, p, 0, -1)
        p = ways.following[p]
    return best


@compiled
def _move(standing: Standing, ways: Ways, search: Search, origin: int, best: Best) -> None:
    """Move everybody along the path found."""
    serves, pays = standing.serves, standing.pays
    if best.tier >= 0:
        standing.open_heads[best.unit, best.tier] -= 1
    else:
        serves[best.person], pays[best.person] = -1, 0
        if best.unit >= 0:
            _leave(ways.member, ways.following, best.unit, best.person)
    u = best.unit
    while u not in (origin, -1):
        p, source = search.person[u], search.towards[u]
        if source >= 0:
            _leave(ways.member, ways.following, source, p)
        serves[p], pays[p] = u, search.cost[u]
        ways.following[p] = ways.member[u]
        ways.member[u] = p
        u = source
