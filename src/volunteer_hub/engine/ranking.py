"""Where everybody chosen stands among all who could serve there: how many could, how many cost less.

A city has millions of people who could serve some slot, and for each slot all of them are looked at. So that
this stays a matter of seconds, people are sorted out once for all units that ask the same (candidates.Pool),
lie side by side in memory in the order of the map, and only distance is asked for each pair; what takes more
than a comparison is asked within the radius of the dearest person chosen, where alone it matters.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from volunteer_hub.engine.arrays import Bools, Floats, Ints
from volunteer_hub.engine.candidates import Kind, Pool
from volunteer_hub.engine.compiled import compiled, inner
from volunteer_hub.engine.eligible import Bytes, Small
from volunteer_hub.engine.index import Index, bisect, box

FREE = -1  # serves nowhere
NO_OTHER = 1 << 60


class Ranking(NamedTuple):
    """By unit U, by row R of those chosen, by position P of people. "Others" do not serve the unit."""

    of: Ints  # [U] how many could serve it
    shortest: (
        Ints  # [U] the shortest way of the others (0.1 minutes) where it is below the dearest row's cost
    )
    cheaper: Ints  # [R] how many could serve there at less cost
    others: Ints  # [R] of them others
    fewest: Ints  # [R] the least `served` of the free at the same cost; NO_OTHER where there are none
    able: Bools  # [P] could serve some unit


def ranking(kinds: Iterable[Kind], pool: Pool, unit: Ints, own: Ints, serves: Ints, served: Ints) -> Ranking:
    """kinds: those of the pool. unit, own: [R] the unit of everybody chosen and what they cost there, sorted
    by both. serves, served: [P] the unit each person serves, FREE for none, and how often they were asked."""
    count = len(pool.index.unit_x)
    first = np.searchsorted(unit, np.arange(count + 1))
    found = Ranking(
        of=np.zeros(count, np.int64),
        shortest=np.full(count, NO_OTHER),
        cheaper=np.zeros(len(unit), np.int64),
        others=np.zeros(len(unit), np.int64),
        fewest=np.full(len(unit), NO_OTHER),
        able=np.zeros(len(pool), np.bool_),
    )
    for units, members in kinds:
        _count(pool.index, units, members, found.of, found.able)
        _rank(pool.index, units, members, first, own, serves, served, found)
    return found


def how_many(pool: Pool) -> Ints:
    """[U] how many people could serve each unit."""
    of, able = np.zeros(len(pool.index.unit_x), np.int64), np.zeros(len(pool), np.bool_)
    for units, members in pool.kinds():
        _count(pool.index, units, members, of, able)
    return of


@compiled
def _count(index: Index, units: Ints, members: Small, of: Ints, able: Bools) -> None:
    """How many of the members could serve each unit. All the units ask the same of them, place apart."""
    size, measured = len(members), len(index.zone) > 0
    farthest = index.night_km if index.night[units[0]] else index.day_km
    x, y, limit, hit = np.empty(size), np.empty(size), np.empty(size), np.zeros(size, np.uint8)
    for i in range(size):
        p = members[i]
        x[i], y[i], limit[i] = index.x[p], index.y[p], farthest[p]
    columns = int(index.grid[3])
    for u in units:
        unit_x, unit_y, reach = index.unit_x[u], index.unit_y[u], index.reach[u]
        if measured:
            way = index.tenths[:, index.slot[u]]
            for i in range(size):
                dx, dy = x[i] - unit_x, y[i] - unit_y
                km = np.sqrt(dx * dx + dy * dy)
                if km <= reach and km <= limit[i] and way[index.zone[members[i]]] >= 0:
                    hit[i] = 1
                    of[u] += 1
            continue
        west, east, south, north = box(index, u, reach)
        low = int(np.int64(0))
        for row in range(south, north + 1 if west <= east else south):
            low = bisect(members, index.cell_first[row * columns + west], low, size)
            high = bisect(members, index.cell_first[row * columns + east + 1], low, size)
            of[u] += _within(x[low:high], y[low:high], limit[low:high], unit_x, unit_y, reach, hit[low:high])
            low = high
    for i in range(size):
        if hit[i]:
            able[members[i]] = True


@inner
def _within(
    x: Floats, y: Floats, limit: Floats, unit_x: float, unit_y: float, reach: float, hit: Bytes
) -> int:
    """No branch and no call, so that the processor takes several people at once."""
    count = 0
    for i in range(len(x)):
        dx, dy = x[i] - unit_x, y[i] - unit_y
        km = np.sqrt(dx * dx + dy * dy)
        near = (km <= reach) & (km <= limit[i])
        hit[i] |= near
        count += near
    return count


@compiled
def _rank(
    index: Index, units: Ints, members: Small, first: Ints, own: Ints, serves: Ints, served: Ints,
    found: Ranking,
) -> None:  # fmt: skip
    """The rows of the units among the members."""
    size, measured, columns = len(members), len(index.zone) > 0, int(index.grid[3])
    none = int(np.int64(0))
    for u in units:
        since, until = first[u], first[u + 1]
        if since == until:
            continue
        costs, ceiling = own[since:until], own[until - 1] + 1
        if measured:
            _among(index, u, members, none, size, ceiling, costs, since, serves, served, found)
        else:
            radius = index.reach[u]
            if ceiling < radius * index.grid[5]:
                radius = (ceiling + 1) / index.grid[5]
            west, east, south, north = box(index, u, radius)
            low = none
            for row in range(south, north + 1 if west <= east else south):
                low = bisect(members, index.cell_first[row * columns + west], low, size)
                high = bisect(members, index.cell_first[row * columns + east + 1], low, size)
                _among(index, u, members, low, high, ceiling, costs, since, serves, served, found)
                low = high
        for i in range(since + 1, until):  # each was noted at one row, and counts for all that follow
            found.cheaper[i] += found.cheaper[i - 1]
            found.others[i] += found.others[i - 1]
            if own[i] == own[i - 1]:
                found.fewest[i] = found.fewest[i - 1]


@inner
def _among(
    index: Index, u: int, members: Small, low: int, high: int, ceiling: int, costs: Ints, since: int,
    serves: Ints, served: Ints, found: Ranking,
) -> None:  # fmt: skip
    """Notes each of members low..high at the first row of the unit that costs more, and who is free at the
    first that costs the same. since: the row of costs[0]."""
    shortest = found.shortest[u]
    limit = index.night_km if index.night[u] else index.day_km
    base = index.night_cost if index.night[u] else index.day_cost
    measured, slot, reach = len(index.zone) > 0, index.slot[u], index.reach[u]
    none = int(np.int64(0))
    for i in range(low, high):
        p = members[i]
        dx, dy = index.x[p] - index.unit_x[u], index.y[p] - index.unit_y[u]
        km = np.sqrt(dx * dx + dy * dy)
        if km > reach or km > limit[p]:
            continue
        way = index.tenths[index.zone[p], slot] if measured else int(np.floor(index.rate[p] * km + 0.5))
        if way < 0 or way >= ceiling:
            continue
        other = serves[p] != u
        if other and way < shortest:
            shortest = way
        score = way + base[p]
        if score >= ceiling:
            continue
        row = bisect(costs, score, none, len(costs))
        if costs[row] == score and serves[p] == FREE:
            found.fewest[since + row] = min(found.fewest[since + row], served[p])
        while row < len(costs) and costs[row] == score:
            row += 1
        if row < len(costs):
            found.cheaper[since + row] += 1
            found.others[since + row] += other
    found.shortest[u] = shortest
