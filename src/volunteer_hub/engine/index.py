"""The arrays the compiled search reads: people in the order of a map, and what units ask.

People lie in the order of a square grid (of travel zones, when times are measured), so that all people of a
cell are one stretch of positions, in every list.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from volunteer_hub.engine.compiled import compiled, inner
from volunteer_hub.engine.eligible import Bytes, Eligible, Flags, Small
from volunteer_hub.engine.problem import Bools, Floats, Ints, Problem
from volunteer_hub.engine.terms import per_km
from volunteer_hub.engine.units import Access, Units

MOST_ROWS = 2000  # of grid cells
PEOPLE_PER_CELL = 8  # on average over the map's whole box; towns are much denser


class Index(NamedTuple):
    """What the compiled search reads. P: positions of people, U: units."""

    x: Floats  # [P] km
    y: Floats
    rate: Floats  # [P] cost of a km
    day_km: Floats  # [P] farthest by day
    night_km: Floats
    day_cost: Ints  # [P] what the person costs wherever they go
    night_cost: Ints
    flags: Flags  # [P] see eligible.py
    periods: Bytes  # [P, periods / 8]
    zone: Ints  # [P] of travel, empty without measured times
    cell_first: Ints  # [cells + 1] positions of the people of each cell
    grid: Floats  # left, bottom, size of a cell, columns, rows, the cheapest rate of all
    tenths: Ints  # [zones, slots] measured times, empty without
    first: Ints  # [lists + 1]
    listed: Small  # positions, ascending in each list
    until: Small
    unit_x: Floats  # [U]
    unit_y: Floats
    reach: Floats  # [U] km
    open: Bools  # [U] to everybody who passes
    night: Bools
    slot: Ints
    list_of: Ints
    end: Ints
    period_of: Ints
    needs: Flags
    barred_first: Ints  # [U + 1]
    barred: Ints  # positions no unit may have


def places(problem: Problem) -> tuple[Ints, Ints, Floats]:
    """Rows of people in the order of their cells, the first of each cell, and the grid (see Index)."""
    cell, grid, cells = _cells(problem)
    order, first = counted(cell, cells)
    return order, first, grid


def index_of(
    problem: Problem, units: Units, eligible: Eligible, order: Ints, cell_first: Ints, grid: Floats
) -> Index:
    """Everything the search reads, people by their position in `order`."""
    people, travel = problem.people, problem.travel
    x, y = problem.homes
    by_day, by_night = people.reach_km
    return Index(
        x=x[order],
        y=y[order],
        rate=per_km(problem)[order],
        day_km=by_day[order],
        night_km=by_night[order],
        day_cost=people.fatigue[order],
        night_cost=(people.fatigue + people.night_cost)[order],
        flags=eligible.flags,
        zone=np.zeros(0, np.int64) if travel is None else travel.zone[order],
        cell_first=cell_first,
        grid=grid,
        **unit_columns(problem, units, eligible),
    )


def unit_columns(problem: Problem, units: Units, eligible: Eligible) -> dict[str, Any]:
    """The fields of Index that new units change."""
    travel = problem.travel
    return {
        "periods": eligible.periods,
        "first": eligible.first,
        "listed": eligible.listed,
        "until": eligible.until,
        "tenths": np.zeros((0, 0), np.int64) if travel is None else travel.tenths.copy(),
        "unit_x": units.x,
        "unit_y": units.y,
        "reach": np.minimum(units.max_km, _farthest(problem)),
        "open": units.access == Access.OPEN,
        "night": units.night,
        "slot": units.slot,
        "list_of": eligible.list_of,
        "end": eligible.end,
        "period_of": eligible.period_of,
        "needs": eligible.needs,
        "barred_first": eligible.barred_first,
        "barred": eligible.barred,
    }


def _farthest(problem: Problem) -> float:
    """No reach beyond the map itself, or boxes would be widened for nothing; km."""
    (hx, hy), (sx, sy) = problem.homes, problem.sites
    across = float(np.hypot(_span(hx, sx), _span(hy, sy))) + 1.0
    return min(float(problem.people.max_km.max(initial=0.0)), across)


def _span(homes: Floats, sites: Floats) -> float:
    both = np.concatenate([homes, sites])
    return float(np.ptp(both)) if len(both) else 0.0


def _cells(problem: Problem) -> tuple[Ints, Floats, int]:
    """The cell of each person, the grid, and how many cells there are."""
    x, y = problem.homes
    if problem.travel is not None:
        return problem.travel.zone.copy(), np.zeros(6), len(problem.travel.tenths)
    if not len(x):
        return np.zeros(0, np.int64), np.array([0.0, 0.0, 1.0, 1.0, 1.0, 1.0]), 1
    width, height = float(np.ptp(x)), float(np.ptp(y))
    size = np.sqrt(width * height * PEOPLE_PER_CELL / len(x))
    size = max(float(size), width / MOST_ROWS, height / MOST_ROWS, 0.01)
    left, bottom = float(x.min()), float(y.min())
    column, row = ((x - left) / size).astype(np.int64), ((y - bottom) / size).astype(np.int64)
    columns, rows = int(column.max()) + 1, int(row.max()) + 1
    grid = np.array([left, bottom, size, columns, rows, per_km(problem).min()])
    return row * columns + column, grid, rows * columns


@compiled
def counted(cell: Ints, cells: int) -> tuple[Ints, Ints]:
    """Rows in order of their cell (rows of one cell in theirs), and the first of each cell."""
    first = np.zeros(cells + 1, np.int64)
    for row in range(len(cell)):
        first[cell[row] + 1] += 1
    for c in range(cells):
        first[c + 1] += first[c]
    place = first[:-1].copy()
    order = np.empty(len(cell), np.int64)
    for row in range(len(cell)):
        order[place[cell[row]]] = row
        place[cell[row]] += 1
    return order, first


@inner
def bisect(listed: Small | Ints, low: int, left: int, right: int) -> int:
    """First index of left..right with listed[index] >= low."""
    while left < right:
        middle = (left + right) // 2
        if listed[middle] < low:
            left = middle + 1
        else:
            right = middle
    return left


@inner
def box(index: Index, u: int, radius: float) -> tuple[int, int, int, int]:
    """First and last column and row of the grid within the radius."""
    left, bottom, size, columns, rows, _ = index.grid
    x, y = index.unit_x[u] - left, index.unit_y[u] - bottom
    return (
        int(min(max(np.floor((x - radius) / size), 0.0), columns)),
        int(max(min(np.floor((x + radius) / size), columns - 1.0), -1.0)),
        int(min(max(np.floor((y - radius) / size), 0.0), rows)),
        int(max(min(np.floor((y + radius) / size), rows - 1.0), -1.0)),
    )
