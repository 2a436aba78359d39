"""Finding pairs without listing all: the cheapest people of a unit, and pairs under a price.

People lie in the order of a square grid (of travel zones, when times are measured), so that the part of a
list within a box is, per grid row, one stretch found by two bisections. Costs rise with distance, hence a
radius bounds what can be cheap. `order` maps positions used here back to rows of people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass

import numpy as np

from volunteer_hub.engine.compiled import compiled, inner
from volunteer_hub.engine.eligible import MATCHING, UNDECIDED, Eligible, Small
from volunteer_hub.engine.index import Index, bisect, box, index_of, places, unit_columns
from volunteer_hub.engine.problem import Bools, Ints, Options, Problem
from volunteer_hub.engine.units import Units

ENDLESS = 1 << 60


@inner
def _sink(position: Ints, score: Ints, held: int) -> None:
    """Restore the heap (dearest on top) after its top was replaced."""
    i, p, s = 0, position[0], score[0]
    while True:
        child = 2 * i + 1
        if child >= held:
            break
        if child + 1 < held and score[child + 1] > score[child]:
            child += 1
        if score[child] <= s:
            break
        position[i], score[i] = position[child], score[child]
        i = child
    position[i], score[i] = p, s


@inner
def keep(p: int, s: int, position: Ints, score: Ints, held: int) -> int:
    """Put a person into the heap of the cheapest; how many it holds then."""
    if held == len(score):
        if held > 0 and s < score[0]:
            position[0], score[0] = p, s
            _sink(position, score, held)
        return held
    i = held
    while i > 0 and score[(i - 1) // 2] < s:
        position[i], score[i] = position[(i - 1) // 2], score[(i - 1) // 2]
        i = (i - 1) // 2
    position[i], score[i] = p, s
    return held + 1


@inner
def ascending(position: Ints, score: Ints, held: int) -> None:
    """Turn the heap into a list, cheapest first."""
    while held > 1:
        held -= 1
        position[0], position[held] = position[held], position[0]
        score[0], score[held] = score[held], score[0]
        _sink(position, score, held)


@inner
def _stretch(
    index: Index, u: int, start: int, stop: int, ceiling: int, price: Ints,
    position: Ints, score: Ints, held: int, found: int,
) -> tuple[int, int]:  # fmt: skip
    """Go through list entries start..stop: those every rule allows, with cost + price below the ceiling.

    One long loop on purpose: handing the index to a function per pair costs more than the pair.
    """
    listed, until, flags, periods = index.listed, index.until, index.flags, index.periods
    x, y, rate, zone, tenths = index.x, index.y, index.rate, index.zone, index.tenths
    limit = index.night_km if index.night[u] else index.day_km
    base = index.night_cost if index.night[u] else index.day_cost
    unit_x, unit_y, reach, slot = index.unit_x[u], index.unit_y[u], index.reach[u], index.slot[u]
    needs, end = index.needs[u], index.end[u]
    byte, bit = index.period_of[u] >> 3, index.period_of[u] & 7
    barred = index.barred[index.barred_first[u] : index.barred_first[u + 1]]
    priced, measured = len(price) > 0, len(zone) > 0
    for i in range(start, stop):
        p = listed[i]
        least = base[p] + price[p] if priced else base[p]
        if least >= ceiling or flags[p] & needs != needs or until[i] < end:
            continue
        if not periods[p, byte] >> bit & 1:
            continue
        dx, dy = x[p] - unit_x, y[p] - unit_y
        km = np.sqrt(dx * dx + dy * dy)
        if km > reach or km > limit[p]:
            continue
        way = tenths[zone[p], slot] if measured else int(np.floor(rate[p] * km + 0.5))
        if way < 0 or way + least >= ceiling:
            continue
        if len(barred) > 0:
            at = bisect(barred, p, int(np.int64(0)), len(barred))
            if at < len(barred) and barred[at] == p:
                continue
        found += 1
        held = keep(p, way + least, position, score, held)
    return held, found


@inner
def _ring(
    index: Index, u: int, inner: float, outer: float, ceiling: int, price: Ints,
    position: Ints, score: Ints, held: int, found: int,
) -> tuple[int, int]:  # fmt: skip
    """Go through the list's entries in the box of the outer radius that are not in that of the inner one
    (below 0: none)."""
    low, high = index.first[index.list_of[u]], index.first[index.list_of[u] + 1]
    columns = int(index.grid[3])
    west, east, south, north = box(index, u, outer)
    old_west, old_east, old_south, old_north = 0, -1, 0, -1
    if inner >= 0:
        old_west, old_east, old_south, old_north = box(index, u, inner)
    if west > east:
        return held, found
    for row in range(south, north + 1):
        cells = row * columns
        low = bisect(index.listed, index.cell_first[cells + west], low, high)
        stop = bisect(index.listed, index.cell_first[cells + east + 1], low, high)
        if old_south <= row <= old_north and old_west <= old_east:
            hole = bisect(index.listed, index.cell_first[cells + old_west], low, stop)
            after = bisect(index.listed, index.cell_first[cells + old_east + 1], hole, stop)
            held, found = _stretch(index, u, low, hole, ceiling, price, position, score, held, found)
            low = after
        held, found = _stretch(index, u, low, stop, ceiling, price, position, score, held, found)
        low = stop
    return held, found


@inner
def _zones(
    index: Index, u: int, ceiling: int, price: Ints, position: Ints, score: Ints
) -> tuple[int, int]:  # fmt: skip
    """The same with measured times: zone by zone, leaving out those whose time alone is too much."""
    low, high = index.first[index.list_of[u]], index.first[index.list_of[u] + 1]
    held, found = int(np.int64(0)), int(np.int64(0))
    for zone in range(len(index.cell_first) - 1):
        stop = bisect(index.listed, index.cell_first[zone + 1], low, high)
        way = index.tenths[zone, index.slot[u]]
        if 0 <= way < ceiling:
            held, found = _stretch(index, u, low, stop, ceiling, price, position, score, held, found)
        low = stop
    return held, found


@compiled
def lowest(
    index: Index, u: int, ceiling: int, price: Ints, position: Ints, score: Ints
) -> tuple[int, int]:  # fmt: skip
    """The len(position) people of the lowest cost + price below the ceiling, in no order: how many are kept
    and how many were found. `price` empty: everybody counts by cost alone."""
    if not index.open[u]:
        return 0, 0
    if len(index.zone):
        return _zones(index, u, ceiling, price, position, score)
    radius = index.reach[u]
    if ceiling < radius * index.grid[5]:
        radius = (ceiling + 1) / index.grid[5]
    none = int(np.int64(0))
    return _ring(index, u, -1.0, radius, ceiling, price, position, score, none, none)


@inner
def nearest(index: Index, u: int, position: Ints, score: Ints) -> int:
    """The len(position) cheapest people, cheapest first: how many there are. The box is widened until nobody
    outside can be cheaper than the dearest inside."""
    if not index.open[u] or not len(position):
        return 0
    nobody, none, endless = score[:0], int(np.int64(0)), int(np.int64(ENDLESS))
    held = none
    if len(index.zone):
        held, _ = _zones(index, u, endless, nobody, position, score)
    else:
        room, reach, fastest = len(position), index.reach[u], index.grid[5]
        inner, radius = -1.0, _first_radius(index, u, room)
        while True:
            held, _ = _ring(index, u, inner, radius, endless, nobody, position, score, held, none)
            if radius >= reach or (held == room and score[0] <= fastest * radius):
                break
            # With the list full, nobody beyond the dearest one's way matters.
            inner, radius = radius, 2.0 * radius if held < room else min(2 * radius, (score[0] + 1) / fastest)
            radius = min(radius, reach)
    ascending(position, score, held)
    return held


@inner
def _first_radius(index: Index, u: int, room: int) -> float:
    """Where the box holds at least twice as many list entries as wanted, rules not asked."""
    low, high = index.first[index.list_of[u]], index.first[index.list_of[u] + 1]
    columns, radius = int(index.grid[3]), float(index.grid[2]) / 2
    while radius < index.reach[u]:
        west, east, south, north = box(index, u, radius)
        inside = 0
        if west <= east:
            for row in range(south, north + 1):
                start = bisect(index.listed, index.cell_first[row * columns + west], low, high)
                stop = bisect(index.listed, index.cell_first[row * columns + east + 1], start, high)
                inside += stop - start
        if inside >= 2 * room:
            return radius
        radius *= 2.0
    return float(index.reach[u])


@compiled
def _nearest_of_all(index: Index, units: Ints, first: Ints, position: Ints, score: Ints, held: Ints) -> None:
    for u in units:
        part = slice(first[u], first[u + 1])
        held[u] = nearest(index, u, position[part], score[part])


@compiled
def _lowest_of_all(
    index: Index, units: Ints, ceiling: Ints, price: Ints, first: Ints, position: Ints, score: Ints,
    held: Ints, found: Ints,
) -> None:  # fmt: skip
    for u in units:
        part = slice(first[u], first[u + 1])
        held[u], found[u] = lowest(index, u, ceiling[u], price, position[part], score[part])


@compiled
def _raise(index: Index, ceiling: Ints, price: Ints, position: Ints, score: Ints) -> None:
    for u in range(len(ceiling)):
        held, _ = lowest(index, u, ceiling[u], price, position, score)
        for i in range(held):
            price[position[i]] += ceiling[u] - score[i]


@dataclass(frozen=True)
class Arcs:
    """Pairs (unit, position of a person in the pool's order, cost)."""

    unit: Ints
    position: Ints
    cost: Ints

    def __len__(self) -> int:
        return len(self.unit)

    def only(self, rows: Bools | Ints | slice) -> Arcs:
        return Arcs(self.unit[rows], self.position[rows], self.cost[rows])

    def __add__(self, other: Arcs) -> Arcs:
        return Arcs(
            np.concatenate([self.unit, other.unit]),
            np.concatenate([self.position, other.position]),
            np.concatenate([self.cost, other.cost]),
        )


Kind = tuple[Ints, Small]
"""Units that ask the same of a person, place apart, and positions of people, ascending."""


class Pool:
    """The search index of one problem."""

    def __init__(self, problem: Problem, units: Units, options: Options) -> None:
        self._units, self._threads = units, options.threads
        self.order, cell_first, grid = places(problem)
        self._eligible = Eligible(problem, units, self.order)
        self.index = index_of(problem, units, self._eligible, self.order, cell_first, grid)

    def ask(self, problem: Problem, units: Units) -> None:
        """Search for these units from now on; people, limits, map and locks must be the same."""
        self._units = units
        self._eligible.ask(problem, units)
        self.index = self.index._replace(**unit_columns(problem, units, self._eligible))

    def __len__(self) -> int:
        return len(self.order)

    @property
    def position(self) -> Ints:
        """[V] where each row is in `order`."""
        return self._eligible.position

    def kinds(self) -> Iterator[Kind]:
        """All open units with those who pass every rule but distance."""
        for units in self._eligible.kinds():
            yield units, self.members(int(units[0]))

    def members(self, u: int) -> Small:
        """Positions, ascending, of all who pass every rule for unit u but distance."""
        return self._eligible.members(u)

    def leave_out(self, position: Ints) -> None:
        """Find these people no longer."""
        self.index.flags[position] &= ~np.uint16(UNDECIDED)

    def matching(self, person: Ints, unit: Ints) -> Pool:
        """The same pool where only people (by position) and units of one rank (0 to 10) meet."""
        pool, index = copy(self), self.index
        flags = index.flags | (MATCHING << person).astype(np.uint16)
        pool.index = index._replace(flags=flags, needs=index.needs | (MATCHING << unit).astype(np.uint16))
        return pool

    def cheapest(self, count: Ints, without: Ints | None = None) -> Arcs:
        """For each unit u the count[u] people of lowest cost, fewer if there are not as many. `without`:
        positions of people who are not looked for this once."""
        index = self.index
        if without is not None:
            index = index._replace(flags=index.flags.copy())
            index.flags[without] &= ~np.uint16(UNDECIDED)

        def search(units: Ints, first: Ints, position: Ints, score: Ints, held: Ints, _: Ints) -> None:
            _nearest_of_all(index, units, first, position, score, held)

        arcs, _ = self._gather(search, count)
        return arcs

    def under_price(self, unit_price: Ints, person_price: Ints, room: Ints | None = None) -> tuple[Arcs, int]:
        """Pairs with cost + person_price < unit_price among ALL pairs the rules allow: at most room[u] per
        unit, the most attractive ones, and how many there are in all (of units with room). Without `room` all
        of them.

        unit_price: [U]; person_price: [V] by position, >= 0.
        """

        def search(units: Ints, first: Ints, position: Ints, score: Ints, held: Ints, found: Ints) -> None:
            _lowest_of_all(self.index, units, unit_price, person_price, first, position, score, held, found)

        # Tight pairs are rarely many more than heads: one search for nearly all units.
        arcs, found = self._gather(search, 2 * self._units.heads + 8 if room is None else room)
        if room is None and found.sum() > len(arcs):
            short = found > np.bincount(arcs.unit, minlength=len(found))
            rest, _ = self._gather(search, np.where(short, found, 0))
            arcs = arcs.only(~short[arcs.unit]) + rest
        return Arcs(arcs.unit, arcs.position, arcs.cost - person_price[arcs.position]), int(found.sum())

    def raised(self, unit_price: Ints, person_price: Ints) -> Ints:
        """[V] by position: the person prices raised just so far that no allowed pair is under its price."""
        higher = person_price.copy()
        room = int(np.diff(self.index.first).max(initial=0))
        _raise(self.index, unit_price, higher, np.empty(room, np.int64), np.empty(room, np.int64))
        return higher

    def _gather(self, search: Callable[..., None], most: Ints) -> tuple[Arcs, Ints]:
        """Run `search` for every unit with room for `most` people; what it kept, and how many it found."""
        lengths = np.diff(self.index.first)[self.index.list_of]
        first = np.concatenate([[0], np.cumsum(np.minimum(most, lengths))]).astype(np.int64)
        position, score = np.empty(first[-1], np.int64), np.empty(first[-1], np.int64)
        held, found = np.zeros(len(most), np.int64), np.zeros(len(most), np.int64)
        every, units = np.arange(len(most)), np.flatnonzero(most)
        if self._threads > 1:
            parts = [units[i :: 4 * self._threads].copy() for i in range(4 * self._threads)]
            with ThreadPoolExecutor(self._threads) as workers:
                list(workers.map(lambda part: search(part, first, position, score, held, found), parts))
        else:
            search(units, first, position, score, held, found)
        unit = np.repeat(every, held)
        kept = np.repeat(first[:-1] - np.cumsum(held) + held, held) + np.arange(len(unit))
        return Arcs(unit, position[kept], score[kept]), found
