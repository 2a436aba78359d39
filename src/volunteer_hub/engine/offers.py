"""Finding pairs from the people's side: the units that are worth most to one person.

The mirror image of candidates.py. Each list of people (eligible.py) has the open units that ask for it, in
the order of a square grid; a person goes through the part of their lists within reach. What a unit is worth
to somebody is its price less their cost.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from volunteer_hub.engine.candidates import ascending, keep
from volunteer_hub.engine.compiled import compiled
from volunteer_hub.engine.eligible import Small
from volunteer_hub.engine.index import Index, counted
from volunteer_hub.engine.problem import Floats, Ints

MOST_ROWS = 100  # of grid cells
UNITS_PER_CELL = 64  # on average over the map's whole box


class Offers(NamedTuple):
    """What the compiled search reads beside the index. P: positions of people."""

    first: Ints  # [P + 1] rows of `list_of` and `until`: the lists each person is in
    list_of: Small
    until: Small  # the minute the proof of skill lapses
    grid: Floats  # left, bottom, size of a cell, columns, rows
    start: Ints  # [lists x cells + 1] rows of `unit`
    unit: Small
    reach: float  # km, of the unit that reaches farthest


NO_OFFERS = Offers(
    first=np.zeros(0, np.int64),
    list_of=np.zeros(0, np.int32),
    until=np.zeros(0, np.int32),
    grid=np.zeros(5),
    start=np.zeros(0, np.int64),
    unit=np.zeros(0, np.int32),
    reach=0.0,
)


def offers_of(index: Index) -> Offers:
    """The open units by list and cell, and the lists of each person."""
    units, lists = np.flatnonzero(index.open), len(index.first) - 1
    length = np.diff(index.first)
    order, first = counted(index.listed.astype(np.int64), len(index.x))
    list_of = np.repeat(np.arange(lists, dtype=np.int32), length)[order]
    x, y = index.unit_x[units], index.unit_y[units]
    left, bottom = float(x.min(initial=0.0)), float(y.min(initial=0.0))
    width, height = float(x.max(initial=0.0)) - left, float(y.max(initial=0.0)) - bottom
    size = max(
        float(np.sqrt(width * height * UNITS_PER_CELL / max(1, len(units)))), width / 100, height / 100, 0.01
    )
    column, row = ((x - left) / size).astype(np.int64), ((y - bottom) / size).astype(np.int64)
    columns, rows = int(column.max(initial=0)) + 1, int(row.max(initial=0)) + 1
    place = (index.list_of[units] * rows + row) * columns + column
    by_place, start = counted(place, lists * rows * columns)
    return Offers(
        first=first,
        list_of=list_of,
        until=index.until[order],
        grid=np.array([left, bottom, size, columns, rows]),
        start=start,
        unit=units[by_place].astype(np.int32),
        reach=float(index.reach[units].max(initial=0.0)),
    )


@compiled
def _within(offers: Offers, x: float, y: float, radius: float) -> tuple[int, int, int, int]:
    """First and last column and row of the cells within the radius."""
    left, bottom, size, columns, rows = offers.grid
    return (
        int(min(max(np.floor((x - radius - left) / size), 0.0), columns)),
        int(max(min(np.floor((x + radius - left) / size), columns - 1.0), -1.0)),
        int(min(max(np.floor((y - radius - bottom) / size), 0.0), rows)),
        int(max(min(np.floor((y + radius - bottom) / size), rows - 1.0), -1.0)),
    )


@compiled
def best_offers(index: Index, offers: Offers, price: Ints, p: int, unit: Ints, score: Ints) -> int:
    """The len(unit) units that are worth most to the person, the best first: how many are worth anything.
    `score`: cost less price, below 0."""
    x, y, rate, day_km, night_km = index.x[p], index.y[p], index.rate[p], index.day_km[p], index.night_km[p]
    day_cost, night_cost, flags, periods = (
        index.day_cost[p],
        index.night_cost[p],
        index.flags[p],
        index.periods,
    )
    unit_x, unit_y, reach, night = index.unit_x, index.unit_y, index.reach, index.night
    ends, needs, period_of, slot, tenths = index.end, index.needs, index.period_of, index.slot, index.tenths
    barred_first, barred = index.barred_first, index.barred
    measured = len(index.zone) > 0
    zone = index.zone[p] if measured else 0
    start, listed = offers.start, offers.unit
    columns, rows = int(offers.grid[3]), int(offers.grid[4])
    west, east, south, north = _within(offers, x, y, min(day_km, offers.reach) + 0.001)
    held, room, ceiling = int(np.int64(0)), len(unit), 0
    if west > east or room == 0:
        return 0
    for r in range(offers.first[p], offers.first[p + 1]):
        until = offers.until[r]
        for row in range(south, north + 1):
            cells = (offers.list_of[r] * rows + row) * columns
            for i in range(start[cells + west], start[cells + east + 1]):
                u = listed[i]
                least = (night_cost if night[u] else day_cost) - price[u]
                if least >= ceiling or ends[u] > until or flags & needs[u] != needs[u]:
                    continue
                if not periods[p, period_of[u] >> 3] >> (period_of[u] & 7) & 1:
                    continue
                dx, dy = x - unit_x[u], y - unit_y[u]
                km = np.sqrt(dx * dx + dy * dy)
                if km > reach[u] or km > (night_km if night[u] else day_km):
                    continue
                way = tenths[zone, slot[u]] if measured else int(np.floor(rate * km + 0.5))
                if way < 0 or way + least >= ceiling:
                    continue
                others = barred[barred_first[u] : barred_first[u + 1]]
                if len(others) > 0:
                    at = np.searchsorted(others, p)
                    if at < len(others) and others[at] == p:
                        continue
                held = keep(u, way + least, unit, score, held)
                if held == room:
                    ceiling = score[0]
    ascending(unit, score, held)
    return held
