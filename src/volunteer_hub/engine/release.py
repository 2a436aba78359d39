"""The reverse of augmenting: one head fewer, or one person more, and the plan is optimal again.

Somebody stands without a head, or a unit has one person too many. Along the cheapest path of exchanges either
an open head is filled or somebody else is freed; prices fall where the path passes. It is the search of
augment.py with every arc turned round (Ahuja, Magnanti & Orlin 1993, ch. 9.7), over the pairs no dearer than
their unit's price: others could not be worth it. Those are known after a change to a standing plan; else each
person has a list of what is worth most to them, and the rest of it waits in the heap at the distance that
nothing in it can come below.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from volunteer_hub.engine.augment import Best, Search, Standing, lift, pop
from volunteer_hub.engine.candidates import ENDLESS, Arcs
from volunteer_hub.engine.compiled import compiled, inner
from volunteer_hub.engine.index import Index, bisect, counted
from volunteer_hub.engine.openings import Openings, best_openings
from volunteer_hub.engine.problem import Ints

SHORT = 32  # units listed for a person at first
NEW = 4  # one in so many of a longer list is new at least
LENGTHENED = 5000  # what making a list longer counts as rows read


class Haste(NamedTuple):
    """When a search for a person ends with an open head that need not be the best."""

    settled: int  # after so many units ...
    enough: int  # ... if the way is shorter than this


PATIENCE = Haste(ENDLESS, 0)


class Ways(NamedTuple):
    """Where each person could go, and who serves each unit. P people, U units."""

    first: Ints  # [P] rows of `unit` and `cost`
    length: Ints  # [P]
    room: Ints  # [P] rows that are the person's own
    rest: Ints  # [P] no unit that is not listed is worth more than this (price less cost)
    unit: Ints  # by what they were worth when they were listed, the best first
    cost: Ints
    score: Ints  # cost less price then; prices have only fallen since
    used: Ints  # [1] rows of `unit`, `cost` and `score` that are somebody's
    member: Ints  # [U] one who serves the unit, -1 for nobody
    following: Ints  # [P] the next who serves the same unit


def ways_of(standing: Standing, worth: Arcs, units: int) -> Ways:
    """Where somebody who becomes free could go, by person, when these are all the pairs that can be worth it,
    and who serves each unit."""
    people = len(standing.serves)
    _, first = counted(worth.position, people)
    score = worth.cost - standing.price[worth.unit]
    order = np.lexsort((score, worth.position))
    nobody, following = np.full(units, -1), np.empty(people, np.int64)
    ways = Ways(
        first=first[:-1],
        length=np.diff(first),
        room=np.diff(first),
        rest=np.full(people, -ENDLESS),
        unit=worth.unit[order],
        cost=worth.cost[order],
        score=score[order],
        used=first[-1:],
        member=nobody,
        following=following,
    )
    _gather(standing.serves, ways.member, ways.following)
    return ways


def listed_arcs(ways: Ways) -> Arcs:
    """All pairs listed."""
    position = np.repeat(np.arange(len(ways.length)), ways.length)
    begin = np.repeat(ways.first - np.cumsum(ways.length) + ways.length, ways.length)
    rows = begin + np.arange(len(position))
    return Arcs(ways.unit[rows], position, ways.cost[rows])


@compiled
def _gather(serves: Ints, member: Ints, following: Ints) -> None:
    for p in range(len(serves)):
        if 0 <= serves[p] < len(member):
            following[p] = member[serves[p]]
            member[serves[p]] = p


@inner
def _leave(member: Ints, following: Ints, u: int, p: int) -> None:
    if member[u] == p:
        member[u] = following[p]
        return
    before = member[u]
    while following[before] != p:
        before = following[before]
    following[before] = following[p]


@compiled
def release(
    index: Index, openings: Openings, standing: Standing, ways: Ways, search: Search, stamp: int,
    people: Ints, units: Ints, begin: int, most: int, haste: Haste,
) -> tuple[Ways, int]:  # fmt: skip
    """Find a place, or none, for each of people[begin:] who serve nowhere, until about `most` rows were read,
    and take one head off each of these units (a unit may come several times). Returns the ways, longer where
    they had to be, and the first person not yet placed."""
    nobody, read = int(np.int64(-1)), 0
    for i in range(begin, len(people)):
        if read > most:
            return ways, i
        stamp += 1
        ways, more = _release(index, openings, standing, ways, search, stamp, people[i], nobody, haste)
        read += more
    for u in units:
        stamp += 1
        ways, _ = _release(index, openings, standing, ways, search, stamp, nobody, u, haste)
    return ways, len(people)


@inner
def _lengthen(index: Index, openings: Openings, price: Ints, ways: Ways, p: int) -> Ways:
    """List the units that are now worth most to the person, at least some of them new."""
    room, before = max(SHORT, ways.room[p]), ways.rest[p]
    while True:
        unit, score = np.empty(room, np.int64), np.empty(room, np.int64)
        held = best_openings(index, openings, price, p, unit, score)
        known = bisect(score, 1 - before, int(np.int64(0)), held)  # worth as much as the rest was, or more
        if held < room or (held - known) * NEW >= room:
            break
        room *= 2
    units, costs, scores = ways.unit, ways.cost, ways.score
    if room > ways.room[p]:
        begin = ways.used[0]
        if begin + room > len(units):
            larger = 2 * len(units) + room
            units, costs, scores = (
                np.empty(larger, np.int64),
                np.empty(larger, np.int64),
                np.empty(larger, np.int64),
            )
            units[:begin], costs[:begin] = ways.unit[:begin], ways.cost[:begin]
            scores[:begin] = ways.score[:begin]
        ways.first[p], ways.room[p], ways.used[0] = begin, room, begin + room
    begin = ways.first[p]
    for i in range(held):
        units[begin + i], costs[begin + i], scores[begin + i] = unit[i], score[i] + price[unit[i]], score[i]
    ways.length[p], ways.rest[p] = held, -score[held - 1] if held == room else -ENDLESS
    return Ways(
        ways.first,
        ways.length,
        ways.room,
        ways.rest,
        units,
        costs,
        scores,
        ways.used,
        ways.member,
        ways.following,
    )


@compiled
def lengthen(index: Index, openings: Openings, price: Ints, ways: Ways, worth: Ints) -> Ways:
    """Longer lists, until no unit that is not listed is worth more to a person than worth[p]."""
    for p in range(len(worth)):
        while ways.rest[p] > worth[p]:
            ways = _lengthen(index, openings, price, ways, p)
    return ways


@compiled
def highest(index: Index, openings: Openings, price: Ints, ways: Ways) -> Ints:
    """[P] what the best unit is worth to each person, listed or not: no price of theirs may be lower."""
    worth, unit, score = np.zeros(len(ways.rest), np.int64), np.empty(1, np.int64), np.empty(1, np.int64)
    for p in range(len(worth)):
        if ways.rest[p] == -ENDLESS:
            worth[p] = _worth_of(ways, price, p)
        elif best_openings(index, openings, price, p, unit, score) > 0:
            worth[p] = -score[0]
    return worth


@inner
def _reach(
    standing: Standing, ways: Ways, search: Search, stamp: int, p: int, origin: int, least: int, offset: int,
    best: Best, size: int,
) -> tuple[Best, int]:  # fmt: skip
    """Go on from a person of the origin to every unit that could use them: the best end and the heap's size.
    `offset`: the distance of the person and what their place is worth; `least`: that of where they are, which
    nothing comes below unless a place was taken in haste."""
    price, open_heads, penalty = standing.price, standing.open_heads, standing.penalty
    stamps, distance = search.stamp, search.distance
    units, costs, scores, limit = ways.unit, ways.cost, ways.score, best.distance
    for i in range(ways.first[p], ways.first[p] + ways.length[p]):
        if offset + scores[i] >= limit:
            break
        u = units[i]
        d = max(offset + costs[i] - price[u], least)
        if d >= limit or (stamps[u] == stamp and d >= distance[u]):
            continue
        new = stamps[u] != stamp
        stamps[u], distance[u] = stamp, d
        search.person[u], search.towards[u], search.cost[u] = p, origin, costs[i]
        size = lift(search.heap, search.place, distance, u, size, new)
        for tier in range(2):
            end = d + price[u] - penalty[u, tier]
            if open_heads[u, tier] > 0 and end < limit:
                best, limit = Best(end, u, -1, 0, tier), end
    rest = max(offset - ways.rest[p], least)
    # The units not listed, if there are any, wait in the heap under the person's own number.
    if ways.rest[p] > -ENDLESS and rest < limit:
        node = len(ways.member) + p
        new = stamps[node] != stamp
        stamps[node], distance[node] = stamp, rest
        search.towards[node], search.cost[node] = origin, offset
        size = lift(search.heap, search.place, distance, node, size, new)
    return best, size


@inner
def _release(
    index: Index, openings: Openings, standing: Standing, ways: Ways, search: Search, stamp: int, person: int,
    unit: int, haste: Haste,
) -> tuple[Ways, int]:  # fmt: skip
    price, units, none, nowhere = standing.price, len(ways.member), int(np.int64(0)), int(np.int64(-1))
    best, size, count, u, read = Best(ENDLESS, -1, -1, 0, -1), none, 0, unit, 0
    if person >= 0:
        worth = _worth_of(ways, price, person)
        if worth < ways.rest[person]:
            ways = _lengthen(index, openings, price, ways, person)
            read += LENGTHENED
            worth = _worth_of(ways, price, person)
        best = Best(worth, -1, person, 0, -1)  # to stay free
        best, size = _reach(standing, ways, search, stamp, person, nowhere, none, worth, best, none)
    else:
        search.stamp[u], search.distance[u] = stamp, 0
        best = _end_open(standing, u, best)
        size = lift(search.heap, search.place, search.distance, u, none, bool(np.int64(1)))
    while size > 0 and search.distance[search.heap[0]] < best.distance:
        if count >= haste.settled and best.tier >= 0 and best.distance < haste.enough:
            break
        u = pop(search.heap, search.place, search.distance, size)
        size -= 1
        d = search.distance[u]
        if u >= units:
            ways = _lengthen(index, openings, price, ways, u - units)
            read += LENGTHENED
            origin, offset = search.towards[u], search.cost[u]
            search.stamp[u] = 0
            best, size = _reach(standing, ways, search, stamp, u - units, origin, d, offset, best, size)
            continue
        search.settled[count] = u
        count += 1
        p = ways.member[u]
        while p >= 0:
            worth = price[u] - standing.pays[p]
            if d + worth < best.distance:
                best = Best(d + worth, u, p, 0, -1)
            best, size = _reach(standing, ways, search, stamp, p, u, d, d + worth, best, size)
            read += ways.length[p]
            p = ways.following[p]
    reached = min(best.distance, search.distance[search.heap[0]]) if size > 0 else best.distance
    for i in range(count):
        u = search.settled[i]
        price[u] -= reached - search.distance[u]
    _move(standing, ways, search, unit, best)
    return ways, read


@inner
def _worth_of(ways: Ways, price: Ints, p: int) -> int:
    """What the best unit listed is worth to the person."""
    worth = 0
    for i in range(ways.first[p], ways.first[p] + ways.length[p]):
        worth = max(worth, price[ways.unit[i]] - ways.cost[i])
    return int(worth)


@inner
def _end_open(standing: Standing, u: int, best: Best) -> Best:
    """The end of the search if one of the open heads of the unit it starts from is taken off."""
    for tier in range(2):
        end = standing.price[u] - standing.penalty[u, tier]
        if standing.open_heads[u, tier] > 0 and end < best.distance:
            best = Best(end, u, -1, 0, tier)
    return best


@inner
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
