"""Finding pairs from the people's side: the units that are worth most to one person.

The mirror image of candidates.py. Each list of people (eligible.py) has the open units that ask for it, in
the order of a square grid; a person goes through the part of their lists within reach. What a unit is worth
to somebody is its price less their cost.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from volunteer_hub.engine.candidates import ENDLESS, ascending, keep
from volunteer_hub.engine.compiled import compiled, inner
from volunteer_hub.engine.eligible import Small
from volunteer_hub.engine.index import Index, bisect, counted
from volunteer_hub.engine.problem import Floats, Ints

MOST_ROWS = 100  # of grid cells
UNITS_PER_CELL = 32  # on average over the map's whole box


class Openings(NamedTuple):
    """What the compiled search reads beside the index. P: positions of people."""

    first: Ints  # [P + 1] rows of `list_of` and `until`: the lists each person is in
    list_of: Small
    until: Small  # the minute the proof of skill lapses
    grid: Floats  # left, bottom, size of a cell, columns, rows
    start: Ints  # [lists x cells + 1] rows of `unit`
    unit: Small
    top: Ints  # [lists x cells] no unit there has a price above this (ENDLESS: not looked at yet)
    reach: float  # km, of the unit that reaches farthest


NO_OPENINGS = Openings(
    first=np.zeros(0, np.int64),
    list_of=np.zeros(0, np.int32),
    until=np.zeros(0, np.int32),
    grid=np.zeros(5),
    start=np.zeros(0, np.int64),
    unit=np.zeros(0, np.int32),
    top=np.zeros(0, np.int64),
    reach=0.0,
)


def openings_of(index: Index) -> Openings:
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
    return Openings(
        first=first,
        list_of=list_of,
        until=index.until[order],
        grid=np.array([left, bottom, size, columns, rows]),
        start=start,
        unit=units[by_place].astype(np.int32),
        top=np.full(len(start) - 1, ENDLESS),
        reach=float(index.reach[units].max(initial=0.0)),
    )


@inner
def _within(openings: Openings, x: float, y: float, radius: float) -> tuple[int, int, int, int]:
    """First and last column and row of the cells within the radius."""
    left, bottom, size, columns, rows = openings.grid
    return (
        int(min(max(np.floor((x - radius - left) / size), 0.0), columns)),
        int(max(min(np.floor((x + radius - left) / size), columns - 1.0), -1.0)),
        int(min(max(np.floor((y - radius - bottom) / size), 0.0), rows)),
        int(max(min(np.floor((y + radius - bottom) / size), rows - 1.0), -1.0)),
    )


@compiled
def appraise(openings: Openings, price: Ints) -> None:
    """Note the highest price of each cell. Prices that only fall afterwards never pass it."""
    for cell in range(len(openings.top)):
        openings.top[cell] = -ENDLESS
        for i in range(openings.start[cell], openings.start[cell + 1]):
            openings.top[cell] = max(openings.top[cell], price[openings.unit[i]])


@inner
def best_openings(index: Index, openings: Openings, price: Ints, p: int, unit: Ints, score: Ints) -> int:
    """The len(unit) units that are worth most to the person, the best first: how many are worth anything.
    `score`: cost less price, below 0."""
    x, y, rate = index.x[p], index.y[p], 0.0 if len(index.zone) else index.rate[p]
    left, bottom, size, columns, rows = openings.grid
    west, east, south, north = _within(openings, x, y, min(index.day_km[p], openings.reach) + 0.001)
    home_column, home_row = np.floor((x - left) / size), np.floor((y - bottom) / size)
    held, room = int(np.int64(0)), len(unit)
    for far in range(2):  # the nearest cells first, then those where a unit could still be better
        for r in range(openings.first[p], openings.first[p + 1]):
            for row in range(south, north + 1):
                cells = int((openings.list_of[r] * rows + row) * columns)
                gap_y = max(bottom + row * size - y, y - bottom - (row + 1) * size, 0.0)
                for column in range(west, east + 1):
                    close = abs(column - home_column) <= 1 and abs(row - home_row) <= 1
                    if (
                        close == (far == 1)
                        or openings.start[cells + column] == openings.start[cells + column + 1]
                    ):
                        continue
                    gap_x = max(left + column * size - x, x - left - (column + 1) * size, 0.0)
                    way = int(np.floor(rate * np.sqrt(gap_x * gap_x + gap_y * gap_y)))
                    ceiling = score[0] if held == room else 0
                    if way + index.day_cost[p] - openings.top[cells + column] < ceiling:
                        held = _of_cell(index, openings, price, p, r, cells + column, unit, score, held)
    ascending(unit, score, held)
    return held


@inner
def _of_cell(
    index: Index,
    openings: Openings,
    price: Ints,
    p: int,
    r: int,
    cell: int,
    unit: Ints,
    score: Ints,
    held: int,
) -> int:
    """Keep what is best of one list (row r of the person's) in one cell; how many are held then."""
    x, y, rate, day_km, night_km = index.x[p], index.y[p], index.rate[p], index.day_km[p], index.night_km[p]
    day_cost, night_cost, until = index.day_cost[p], index.night_cost[p], openings.until[r]
    flags, periods, room, measured = index.flags[p], index.periods, len(unit), len(index.zone) > 0
    zone = index.zone[p] if measured else 0
    for i in range(openings.start[cell], openings.start[cell + 1]):
        u = openings.unit[i]
        night = index.night[u]
        least = (night_cost if night else day_cost) - price[u]
        ceiling = score[0] if held == room else 0
        if least >= ceiling or index.end[u] > until or flags & index.needs[u] != index.needs[u]:
            continue
        if not periods[p, index.period_of[u] >> 3] >> (index.period_of[u] & 7) & 1:
            continue
        dx, dy = x - index.unit_x[u], y - index.unit_y[u]
        km = np.sqrt(dx * dx + dy * dy)
        if km > index.reach[u] or km > (night_km if night else day_km):
            continue
        way = index.tenths[zone, index.slot[u]] if measured else int(np.floor(rate * km + 0.5))
        if way < 0 or way + least >= ceiling:
            continue
        barred = index.barred[index.barred_first[u] : index.barred_first[u + 1]]
        at = bisect(barred, p, int(np.int64(0)), len(barred))
        if at == len(barred) or barred[at] != p:
            held = keep(u, way + least, unit, score, held)
    return held
