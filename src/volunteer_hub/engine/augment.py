"""The optimum by successive shortest augmenting paths with prices (method B).

One head after the other, the most urgent first, looks for the cheapest way to be filled: by somebody free, by
somebody of another unit who is replaced there, and so on, or by staying open. Prices make every step's cost
non-negative, so each search is a Dijkstra over units that ends at the first free person; after each head the
plan is optimal for the heads so far (Jonker & Volgenant 1987; Ahuja, Magnanti & Orlin 1993, ch. 9.7). Pairs
are never listed: each unit has its cheapest people in order and asks the index for more when its price
comes to the end of them.

Fast where most searches end nearby, slow where demand exceeds supply and each failing head searches far:
there the ranks go first (ranks.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from volunteer_hub.engine.candidates import ENDLESS, Arcs, Pool, nearest
from volunteer_hub.engine.clock import Clock
from volunteer_hub.engine.compiled import compiled, inner
from volunteer_hub.engine.flow import Flow, Solution, locked_arcs, prices
from volunteer_hub.engine.index import Index, bisect
from volunteer_hub.engine.problem import Bools, Ints, Problem
from volunteer_hub.engine.terms import Penalties
from volunteer_hub.engine.units import Units

SPARE = 6  # people per list beyond the heads, at first
WIDER = 3  # a list that came to its end is made so many times as long
STEP = 20_000_000  # list entries read between two looks at the clock, some tenths of a second


class Standing(NamedTuple):
    """An assignment with prices under which no pair is cheaper than it should be. U units, P people."""

    serves: Ints  # [P] unit, -1 for nobody, U for people who are gone
    pays: Ints  # [P] cost of that pair
    price: Ints  # [U + 1] the last one, of the gone, is endless
    open_heads: Ints  # [U, 2] target, minimum
    room: Ints  # [U, 2] heads that may be open
    penalty: Ints  # [U, 2]
    extra_first: Ints  # [U + 1] pairs at a cost of their own: locked ones, kept ones
    extra_position: Ints
    extra_cost: Ints


class Lists(NamedTuple):
    """Per unit its cheapest people, cheapest first, at first[u] of length[u]."""

    first: Ints  # [U]
    length: Ints  # [U]
    whole: Bools  # [U] there are no others
    position: Ints
    cost: Ints


class Best(NamedTuple):
    """The nearest end a search has found: a free person for a unit, or a head of it that stays open."""

    distance: int
    unit: int
    person: int  # -1: open
    cost: int
    tier: int


class Search(NamedTuple):
    """Marks of one Dijkstra over units; a unit is reached when its stamp is the search's."""

    stamp: Ints  # [U]
    distance: Ints
    person: Ints  # who would leave the unit ...
    towards: Ints  # ... for which one ...
    cost: Ints  # ... at which cost
    heap: Ints  # units, the nearest on top
    place: Ints  # in the heap
    settled: Ints


def search_of(units: int) -> Search:
    """Room for one search over so many units."""
    return Search(*(np.zeros(units + 1, np.int64) for _ in Search._fields))


@inner
def lift(heap: Ints, place: Ints, distance: Ints, u: int, size: int, new: bool) -> int:
    """Put a unit into the heap, or move it up after its distance fell; the heap's size then."""
    i = size if new else place[u]
    d = distance[u]
    while i > 0 and distance[heap[(i - 1) // 2]] > d:
        heap[i] = heap[(i - 1) // 2]
        place[heap[i]] = i
        i = (i - 1) // 2
    heap[i] = u
    place[u] = i
    return size + 1 if new else size


@inner
def pop(heap: Ints, place: Ints, distance: Ints, size: int) -> int:
    """Take the nearest unit off the heap of this size (it then has one less)."""
    top, u, size = heap[0], heap[size - 1], size - 1
    i = 0
    while True:
        child = 2 * i + 1
        if child >= size:
            break
        if child + 1 < size and distance[heap[child + 1]] < distance[heap[child]]:
            child += 1
        if distance[heap[child]] >= distance[u]:
            break
        heap[i] = heap[child]
        place[heap[i]] = i
        i = child
    heap[i] = u
    place[u] = i
    return int(top)


@inner
def _widen(index: Index, lists: Lists, u: int, used: int) -> tuple[Lists, int, int]:
    """A longer list for the unit, at the end of the buffers: the lists (with larger buffers when they were
    full), how much of the buffers is used, and the first entry not seen before."""
    position, cost = lists.position, lists.cost
    old, length = lists.first[u], lists.length[u]
    wanted = WIDER * length + SPARE
    if used + wanted > len(position):
        larger = 2 * len(position) + wanted
        more_position, more_cost = np.empty(larger, np.int64), np.empty(larger, np.int64)
        more_position[:used], more_cost[:used] = position[:used], cost[:used]
        position, cost = more_position, more_cost
    held = nearest(index, u, position[used : used + wanted], cost[used : used + wanted])
    unseen = 0
    if length > 0:  # those as dear as the old list's last may not all have been in it
        unseen = bisect(cost, cost[old + length - 1], used, used + held) - used
    lists.first[u], lists.length[u], lists.whole[u] = used, held, held < wanted
    return Lists(lists.first, lists.length, lists.whole, position, cost), used + held, used + unseen


@inner
def _scan(
    standing: Standing, search: Search, stamp: int, u: int, begin: int, end: int, position: Ints, cost: Ints,
    best: Best, size: int, ordered: bool,
) -> tuple[Best, int, bool]:  # fmt: skip
    """Go on from unit u to people begin..end: the best end of the search, the heap's size, and whether an
    ordered list came to where nobody further can be better."""
    serves, pays, price = standing.serves, standing.pays, standing.price
    stamps, distance, leaver = search.stamp, search.distance, search.person
    towards, leaver_cost = search.towards, search.cost
    offset, nearest_end = distance[u] - price[u], best.distance
    for i in range(begin, end):
        p, c = position[i], cost[i]
        d = offset + c
        if d >= nearest_end:
            if ordered:
                return best, size, True
            continue
        other = serves[p]
        if other < 0:
            best, nearest_end = Best(d, u, p, c, -1), d
            continue
        d += price[other] - pays[p]
        if d >= nearest_end or (stamps[other] == stamp and d >= distance[other]):
            continue
        new = stamps[other] != stamp
        stamps[other], distance[other] = stamp, d
        leaver[other], towards[other], leaver_cost[other] = p, u, c
        size = lift(search.heap, search.place, distance, other, size, new)
    return best, size, False


@inner
def _leave_open(standing: Standing, u: int, distance: int, best: Best) -> Best:
    """The best end of the search if one of the unit's heads may stay open instead."""
    for tier in range(2):
        if standing.open_heads[u, tier] < standing.room[u, tier]:
            d = distance - standing.price[u] + standing.penalty[u, tier]
            if d < best.distance:
                best = Best(d, u, -1, 0, tier)
    return best


@inner
def _adopt(standing: Standing, search: Search, origin: int, settled: int, best: Best) -> None:
    """Raise the prices of the units settled, and move everybody along the path found."""
    for i in range(settled):
        u = search.settled[i]
        standing.price[u] += best.distance - search.distance[u]
    if best.person < 0:
        standing.open_heads[best.unit, best.tier] += 1
    else:
        standing.serves[best.person], standing.pays[best.person] = best.unit, best.cost
    u = best.unit
    while u != origin:
        p, onward = search.person[u], search.towards[u]
        standing.serves[p], standing.pays[p] = onward, search.cost[u]
        u = onward


@compiled
def _fill(
    index: Index, standing: Standing, lists: Lists, used: int, search: Search, stamp: int, heads: Ints,
    begin: int, most: int,
) -> tuple[Lists, int, int]:  # fmt: skip
    """Fill heads[begin:] (units, in this order) until about `most` list entries were read. Returns the
    lists, how much of their buffers is used, and the first head not yet filled."""
    read, ordered, unordered = 0, bool(np.int64(1)), bool(np.int64(0))
    for h in range(begin, len(heads)):
        if read > most:
            return lists, used, h
        stamp += 1
        u = heads[h]
        search.stamp[u], search.distance[u] = stamp, 0
        best, size, count = Best(ENDLESS, -1, -1, 0, -1), int(np.int64(0)), 0
        while True:
            search.settled[count] = u
            count += 1
            best = _leave_open(standing, u, search.distance[u], best)
            best, size, _ = _scan(
                standing, search, stamp, u, standing.extra_first[u], standing.extra_first[u + 1],
                standing.extra_position, standing.extra_cost, best, size, unordered,
            )  # fmt: skip
            i, ended = lists.first[u], False
            while True:
                stop = lists.first[u] + lists.length[u]
                best, size, ended = _scan(
                    standing, search, stamp, u, i, stop, lists.position, lists.cost, best, size, ordered
                )
                read += stop - i
                if ended or lists.whole[u]:
                    break
                lists, used, i = _widen(index, lists, u, used)
            if size == 0 or search.distance[search.heap[0]] >= best.distance:
                break
            u = pop(search.heap, search.place, search.distance, size)
            size -= 1
        _adopt(standing, search, heads[h], count, best)
    return lists, used, len(heads)


@compiled
def _worth(standing: Standing, lists: Lists, unit: Ints, position: Ints, cost: Ints) -> int:
    """Write the list entries and extras no dearer than their unit's price; how many there are (all of them
    when the arrays have no room)."""
    count = 0
    for u in range(len(lists.first)):
        for i in range(standing.extra_first[u], standing.extra_first[u + 1]):
            if standing.extra_cost[i] <= standing.price[u]:
                if count < len(unit):
                    unit[count], position[count] = u, standing.extra_position[i]
                    cost[count] = standing.extra_cost[i]
                count += 1
        for i in range(lists.first[u], lists.first[u] + lists.length[u]):
            if lists.cost[i] > standing.price[u]:
                break
            if count < len(unit):
                unit[count], position[count], cost[count] = u, lists.position[i], lists.cost[i]
            count += 1
    return count


@dataclass
class Book:
    """A standing assignment and the lists it was found with."""

    units: Units
    pool: Pool
    standing: Standing
    lists: Lists
    used: int
    search: Search
    searches: int = 0

    @classmethod
    def of(cls, units: Units, pool: Pool, penalty: Penalties, extra: Arcs) -> Book:
        """Nobody placed yet. `extra`: pairs with a cost of their own, possibly below 0."""
        count = units.heads + SPARE
        cheapest = pool.cheapest(count)
        first = np.searchsorted(cheapest.unit, np.arange(len(units) + 1))
        length = np.diff(first)
        spare = len(cheapest) // 2 + 1000
        empty = np.zeros(spare, np.int64)
        lists = Lists(
            first[:-1].astype(np.int64), length.astype(np.int64), length < count,
            np.concatenate([cheapest.position, empty]), np.concatenate([cheapest.cost, empty]),
        )  # fmt: skip
        standing = standing_of(units, penalty, extra, len(pool))
        return cls(units, pool, standing, lists, len(cheapest), search_of(len(units)))

    def fill(self, heads: Ints, clock: Clock) -> None:
        """Fill one head of each of these units, in this order. Raises DeadlinePassed."""
        begin = 0
        while begin < len(heads):
            clock.check()
            self.lists, self.used, end = _fill(
                self.pool.index, self.standing, self.lists, self.used, self.search, self.searches, heads,
                begin, STEP,
            )  # fmt: skip
            self.searches += end - begin
            begin = end

    def worth(self) -> Arcs:
        """Every pair no dearer than its unit's price: all that can matter to lower prices."""
        nothing = np.zeros(0, np.int64)
        count = _worth(self.standing, self.lists, nothing, nothing, nothing)
        arcs = Arcs(*(np.empty(count, np.int64) for _ in range(3)))
        _worth(self.standing, self.lists, arcs.unit, arcs.position, arcs.cost)
        return arcs

    def as_it_stands(self) -> Solution:
        """The assignment with the prices it was found with, which prove it but need not be the lowest."""
        serves, price = self.standing.serves, self.standing.price
        position = np.flatnonzero((serves >= 0) & (serves < len(self.units)))
        unit, pays = serves[position], self.standing.pays[position]
        person_price = np.zeros(len(serves), np.int64)
        person_price[position] = price[unit] - pays
        arcs = Arcs(unit, position, pays)
        return Solution(arcs, price[:-1].copy(), person_price, 1, int(self.lists.length.sum()))

    def solution(self, penalty: Penalties) -> Solution:
        """The assignment with the lowest prices that prove it: the same, whatever method found it."""
        standing, arcs = self.standing, self.worth()
        arcs = arcs.only(standing.serves[arcs.position] < len(self.units))
        used = (standing.serves[arcs.position] == arcs.unit) & (standing.pays[arcs.position] == arcs.cost)
        flow = Flow(used, standing.open_heads[:, 0], standing.open_heads[:, 1])
        unit_price, person_price = prices(self.units, arcs, flow, penalty, len(self.pool))
        return Solution(arcs.only(used), unit_price, person_price, 1, int(self.lists.length.sum()))


def standing_of(units: Units, penalty: Penalties, extra: Arcs, people: int) -> Standing:
    """Prices must start at or below the cost of every pair, which may be negative for extra ones: from zero,
    a negative pair would be found too late and the result would not be optimal."""
    order = np.argsort(extra.unit, kind="stable")
    price = np.zeros(len(units) + 1, np.int64)
    np.minimum.at(price, extra.unit, extra.cost)
    price[-1] = ENDLESS
    return Standing(
        serves=np.full(people, -1),
        pays=np.zeros(people, np.int64),
        price=price,
        open_heads=np.zeros((len(units), 2), np.int64),
        room=np.column_stack([units.heads - units.minimum, units.minimum]),
        penalty=np.column_stack([penalty.short_target, penalty.short_minimum]),
        extra_first=np.searchsorted(extra.unit[order], np.arange(len(units) + 1)).astype(np.int64),
        extra_position=extra.position[order],
        extra_cost=extra.cost[order],
    )


def by_urgency(units: Units, minimum: Ints, target: Ints) -> Ints:
    """Units, one entry per head: `minimum` heads of each, the most urgent first, then `target` heads."""
    urgent = np.argsort(-units.priority, kind="stable")
    return np.concatenate([np.repeat(urgent, minimum[urgent]), np.repeat(urgent, target[urgent])])


def solve_augment(problem: Problem, units: Units, pool: Pool, penalty: Penalties, clock: Clock) -> Solution:
    """Raises DeadlinePassed."""
    with clock.phase("candidates"):
        book = Book.of(units, pool, penalty, locked_arcs(problem, units, pool, penalty))
    with clock.phase("augment"):
        book.fill(by_urgency(units, units.minimum, units.heads - units.minimum), clock)
    with clock.phase("prices"):
        return book.solution(penalty)
