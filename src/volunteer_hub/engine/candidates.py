"""Finding pairs without listing all: the cheapest people of a unit, and pairs under a price.

People lie in the order of a square grid, so that the part of a kind's list within a radius is, per grid row,
one stretch found by two bisections. Costs rise with distance, hence a radius bounds what can be cheap.
`order` maps positions used here back to rows of people.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from volunteer_hub.engine.compiled import compiled
from volunteer_hub.engine.eligible import Eligible
from volunteer_hub.engine.problem import Bools, Floats, Ints, Options, Problem
from volunteer_hub.engine.terms import per_km
from volunteer_hub.engine.units import Units

CELL_KM = 1.0
MOST_ROWS = 2000  # of grid cells; a wider map gets larger cells


@compiled
def _bisect(cells: Ints, low: int) -> int:
    """First index with cells[index] >= low."""
    left, right = 0, len(cells)
    while left < right:
        middle = (left + right) // 2
        if cells[middle] < low:
            left = middle + 1
        else:
            right = middle
    return left


@compiled
def _collect(
    x: float, y: float, reach: float, radius: float, ceiling: int,
    members: Ints, cells: Ints, grid: Floats,
    px: Floats, py: Floats, rate: Floats, base: Ints, limit: Floats, price: Ints,
    out_position: Ints, out_score: Ints,
) -> int:  # fmt: skip
    """People of the list within `radius` whose cost + price is below `ceiling`: how many there are. As many
    as fit are written to the output arrays, the lowest cost + price first kept (in no order)."""
    left, bottom, size, columns, rows = grid
    room, found, worst = len(out_position), 0, 0
    span = min(radius, reach)
    first_column = max(0, int(np.floor((x - span - left) / size)))
    last_column = min(int(columns) - 1, int(np.floor((x + span - left) / size)))
    first_row = max(0, int(np.floor((y - span - bottom) / size)))
    last_row = min(int(rows) - 1, int(np.floor((y + span - bottom) / size)))
    if first_column > last_column:
        return 0
    for row in range(first_row, last_row + 1):
        start = _bisect(cells, row * int(columns) + first_column)
        stop = _bisect(cells, row * int(columns) + last_column + 1)
        for i in range(start, stop):
            p = members[i]
            if base[p] + price[p] >= ceiling:
                continue
            dx, dy = px[p] - x, py[p] - y
            km = np.sqrt(dx * dx + dy * dy)
            if km > span or km > limit[p]:
                continue
            score = int(np.floor(rate[p] * km + 0.5)) + base[p] + price[p]
            if score >= ceiling:
                continue
            if found < room:
                out_position[found], out_score[found] = p, score
                if score > out_score[worst]:
                    worst = found
            elif room > 0 and score < out_score[worst]:
                out_position[worst], out_score[worst] = p, score
                for j in range(room):
                    if out_score[j] > out_score[worst]:
                        worst = j
            found += 1
    return found


@compiled
def _cheapest(
    x: float, y: float, reach: float, radius: float, fastest: float,
    members: Ints, cells: Ints, grid: Floats,
    px: Floats, py: Floats, rate: Floats, base: Ints, limit: Floats, price: Ints,
    out_position: Ints, out_score: Ints,
) -> int:  # fmt: skip
    """The len(out_position) people with the lowest cost: widen the circle until nobody outside can be
    cheaper than the dearest inside."""
    room = len(out_position)
    while True:
        found = _collect(
            x, y, reach, radius, 1 << 60, members, cells, grid,
            px, py, rate, base, limit, price, out_position, out_score,
        )  # fmt: skip
        if radius >= reach:
            return min(found, room)
        if found >= room:
            dearest = 0
            for j in range(room):
                dearest = max(dearest, out_score[j])
            if dearest <= fastest * radius:
                return room
        radius *= 2.0


def _span(homes: Floats, sites: Floats) -> float:
    both = np.concatenate([homes, sites])
    return float(np.ptp(both)) if len(both) else 0.0


@dataclass(frozen=True)
class _Kind:
    """Units alike in all but place and heads, and the positions of the people who may serve them."""

    units: Ints
    members: Ints
    cells: Ints


@dataclass(frozen=True)
class Arcs:
    """Pairs (unit, position of a person in the pool's order, cost)."""

    unit: Ints
    position: Ints
    cost: Ints

    def __len__(self) -> int:
        return len(self.unit)

    def only(self, rows: Bools | Ints) -> Arcs:
        return Arcs(self.unit[rows], self.position[rows], self.cost[rows])

    def __add__(self, other: Arcs) -> Arcs:
        return Arcs(
            np.concatenate([self.unit, other.unit]),
            np.concatenate([self.position, other.position]),
            np.concatenate([self.cost, other.cost]),
        )


class Pool:
    """The search index of one problem."""

    def __init__(self, problem: Problem, units: Units, options: Options) -> None:
        self._units, self._threads = units, options.threads
        x, y = problem.homes
        extent = max(float(np.ptp(x)), float(np.ptp(y))) if len(x) else 0.0
        size = max(CELL_KM, extent / MOST_ROWS)
        left, bottom = (float(x.min()), float(y.min())) if len(x) else (0.0, 0.0)
        column, row = ((x - left) // size).astype(np.int64), ((y - bottom) // size).astype(np.int64)
        columns = int(column.max(initial=0)) + 1
        cell = row * columns + column
        self.order: Ints = np.argsort(cell, kind="stable")
        cell = cell[self.order]
        self._grid = np.array([left, bottom, size, columns, row.max(initial=0) + 1], dtype=np.float64)
        self._x, self._y = x[self.order], y[self.order]
        self._rate = per_km(problem)[self.order]
        self._fastest = float(self._rate.min(initial=np.inf))
        self._limit = tuple(km[self.order] for km in problem.people.reach_km)  # by day, by night
        # No reach beyond the map itself, or circles would be widened for nothing.
        across = float(np.hypot(_span(x, problem.sites[0]), _span(y, problem.sites[1])))
        self._farthest = min(float(self._limit[0].max(initial=0.0)), across + CELL_KM)
        by_day = problem.people.fatigue[self.order]
        self._base = (by_day, by_day + problem.people.night_cost[self.order])
        self._free_of_charge = np.zeros(len(x), np.int64)
        eligible = Eligible(problem, units, self.order)
        self._kinds = []
        for group in eligible.kinds():
            members = eligible.members(int(group[0]))
            if len(members):
                self._kinds.append(_Kind(group, members, cell[members]))

    def __len__(self) -> int:
        return len(self.order)

    def cheapest(self, count: Ints) -> Arcs:
        """For each unit u the count[u] people of lowest cost, fewer if there are not as many."""

        def search(kind: _Kind, u: int, position: Ints, score: Ints) -> int:
            reach = self._reach(u)
            # Twice the circle that would hold enough people if they lay evenly within reach.
            radius = 2 * reach * float(np.sqrt(len(position) / len(kind.members)))
            return _cheapest(
                float(self._units.x[u]), float(self._units.y[u]), reach, max(radius, 0.1), self._fastest,
                *self._list(kind, u), self._free_of_charge, position, score,
            )  # fmt: skip

        arcs, _ = self._gather(search, count, self._free_of_charge)
        return arcs

    def under_price(self, unit_price: Ints, person_price: Ints, room: Ints) -> tuple[Arcs, int]:
        """Pairs with cost + person_price < unit_price among ALL pairs the rules allow: at most room[u] per
        unit, the most attractive ones, and how many there are in all.

        unit_price: [U]; person_price: [V] by position, >= 0.
        """

        def search(kind: _Kind, u: int, position: Ints, score: Ints) -> int:
            ceiling = int(unit_price[u])
            if ceiling <= 0:
                return 0
            return _collect(
                float(self._units.x[u]), float(self._units.y[u]), self._reach(u),
                (ceiling + 1) / self._fastest, ceiling, *self._list(kind, u), person_price, position, score,
            )  # fmt: skip

        return self._gather(search, room, person_price)

    def _reach(self, u: int) -> float:
        return min(self._farthest, float(self._units.max_km[u]))

    def _list(self, kind: _Kind, u: int) -> tuple[Ints, Ints, Floats, Floats, Floats, Floats, Ints, Floats]:
        night = int(self._units.night[u])
        base, limit = self._base[night], self._limit[night]
        return kind.members, kind.cells, self._grid, self._x, self._y, self._rate, base, limit

    def _gather(
        self, search: Callable[[_Kind, int, Ints, Ints], int], most: Ints, price: Ints
    ) -> tuple[Arcs, int]:
        """Run `search` for every unit with room for `most` people; the arcs kept and the number found."""

        def of_kind(kind: _Kind) -> list[tuple[int, int, Ints, Ints]]:
            rows = []
            for u in kind.units.tolist():
                room = min(int(most[u]), len(kind.members))
                position, score = np.empty(room, np.int64), np.empty(room, np.int64)
                found = search(kind, u, position, score)
                rows.append((u, found, position[:found], score[:found]))
            return rows

        if self._threads > 1 and len(self._kinds) > 1:
            with ThreadPoolExecutor(self._threads) as workers:
                rows = [row for rows in workers.map(of_kind, self._kinds) for row in rows]
        else:
            rows = [row for kind in self._kinds for row in of_kind(kind)]
        nothing = np.zeros(0, np.int64)
        unit = np.repeat(
            np.array([row[0] for row in rows], dtype=np.int64),
            np.array([len(row[2]) for row in rows], dtype=np.int64),
        )
        position = np.concatenate([row[2] for row in rows] or [nothing])
        score = np.concatenate([row[3] for row in rows] or [nothing])
        return Arcs(unit, position, score - price[position]), sum(row[1] for row in rows)
