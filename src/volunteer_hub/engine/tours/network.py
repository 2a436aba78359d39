"""The problem as flat arrays for compiled loops, and who could visit what in a tour of its own.

Times are ticks of 0.1 minutes throughout. The depot is stop S: it has a place, the minutes of a refill as its
service and one endless window.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from volunteer_hub.engine.arrays import Bools, Floats, Ints
from volunteer_hub.engine.clock import Clock
from volunteer_hub.engine.tours.bare import bare, inner
from volunteer_hub.engine.tours.problem import MAX_MINUTES, NO_LIMIT, TICKS, Tours
from volunteer_hub.engine.travel import NO_WAY

NEVER = 1 << 50
FAR = 1 << 40  # ticks where there is no way
PORTION = 500  # stops between two looks at the clock
GRACE = 0.5  # seconds after the deadline until preparations are given up


class Network(NamedTuple):
    x: Floats  # [N] km of road
    y: Floats
    matrix: Ints  # [M, N, N] ticks; of no size without one
    pace: Floats  # [P] ticks per km of road
    mode: Ints  # [P]
    start: Ints  # [P] place
    end: Ints  # [P] place or -1
    since: Ints  # [P]
    until: Ints  # [P]
    longest: Ints  # [P]
    capacity: Ints  # [P]
    own_tools: Ints  # [P] bits
    stock: Ints  # [P, Q]
    place: Ints  # [S + 1]
    service: Ints  # [S + 1]
    prize: Ints  # [S + 1]
    quantity: Ints  # [S + 1]
    tools: Ints  # [S + 1] bits
    parts: Ints  # [S + 1, Q]
    first: Ints  # [S + 2] windows of a stop: rows first[s]:first[s + 1]
    opens: Ints
    closes: Ints
    depot: bool  # is there one?


def network(tours: Tours) -> Network:
    """The arrays of a problem, all of them contiguous copies (compiled code knows one layout only)."""
    crew, stops, depot = tours.crew, tours.stops, tours.depot
    x, y = tours.places.road_km()
    place, minutes = (depot.place, depot.minutes) if depot else (0, 0)
    parts = np.zeros((len(stops) + 1, crew.parts.shape[1]), np.int64)
    if len(stops):
        parts[:-1, : stops.parts.shape[1]] = stops.parts
    return Network(
        x=np.array(x),
        y=np.array(y),
        matrix=np.where(tours.places.matrix == NO_WAY, FAR, np.array(tours.places.matrix, order="C")),
        pace=600.0 / crew.speed_kmh,
        mode=_copy(crew.mode),
        start=_copy(crew.start),
        end=_copy(crew.end),
        since=_copy(crew.since * TICKS),
        until=_copy(crew.until * TICKS),
        longest=np.minimum(crew.longest, 4 * MAX_MINUTES) * TICKS,
        capacity=np.minimum(crew.capacity, NO_LIMIT),
        own_tools=_bits(crew.tools),
        stock=np.array(crew.parts, np.int64, order="C"),
        place=np.append(stops.place, place),
        service=np.append(stops.service, minutes) * TICKS,
        prize=np.append(stops.prize, 0),
        quantity=np.append(stops.quantity, 0),
        tools=np.append(_bits(stops.tools), 0),
        parts=parts,
        first=np.append(stops.windows.first, len(stops.windows.start) + 1),
        opens=np.append(stops.windows.start * TICKS, -NEVER),
        closes=np.append(stops.windows.end * TICKS, NEVER),
        depot=depot is not None,
    )


def qualified(tours: Tours) -> Bools:
    """[S, P] has the person the stop's skill at its level?"""
    crew, stops = tours.crew, tours.stops
    able = np.ones((len(stops), len(crew)), np.bool_)
    asks = np.flatnonzero(stops.skill >= 0)
    able[asks] = stops.level[asks, None] <= crew.levels[:, stops.skill[asks]].T
    return able


def equipped(net: Network) -> Bools:
    """[S, P] can the person have what the stop takes, with a visit to the depot if there is one?"""
    carries = net.quantity[:-1, None] <= net.capacity[None, :]
    if net.depot:
        return carries
    carries &= (net.tools[:-1, None] & ~net.own_tools[None, :]) == 0
    for q in range(net.parts.shape[1]):
        carries &= net.parts[:-1, q, None] <= net.stock[None, :, q]
    return carries


def _copy(values: Ints) -> Ints:
    return np.array(values, np.int64)


def _bits(table: Bools) -> Ints:
    return table.astype(np.int64) @ (1 << np.arange(table.shape[1], dtype=np.int64))


@bare
def travel(net: Network, p: int, i: int, j: int) -> int:
    """Ticks from place i to place j for person p."""
    if net.matrix.shape[0] > 0:
        ticks: int = net.matrix[net.mode[p], i, j]
        return ticks
    dx, dy = net.x[i] - net.x[j], net.y[i] - net.y[j]
    return int(np.sqrt(dx * dx + dy * dy) * net.pace[p] + 0.5)


@inner
def to_end(net: Network, p: int, i: int) -> int:
    """Ticks from place i to the end of the tour."""
    if net.end[p] < 0:
        return 0
    return travel(net, p, i, net.end[p])


@bare
def begins(net: Network, s: int, arrival: int) -> int:
    """When a visit to stop s begins after this arrival; NEVER if the last window is over."""
    for w in range(net.first[s], net.first[s + 1]):
        if arrival <= net.closes[w]:
            return int(max(arrival, net.opens[w]))
    return NEVER


@bare
def begins_by(net: Network, s: int, latest: int) -> int:
    """The latest beginning of a visit to stop s that is not after `latest`; -NEVER if there is none."""
    for w in range(net.first[s + 1] - 1, net.first[s] - 1, -1):
        if latest >= net.opens[w]:
            return int(min(latest, net.closes[w]))
    return -NEVER


def alone(net: Network, able: Bools, clock: Clock) -> Bools:
    """[S, P] could the person, with a tour of nothing else, visit the stop? Raises DeadlinePassed.

    able [S, P]: qualified and equipped; whether the depot must be visited first is looked at here. Travel is
    taken to obey the triangle inequality: what cannot be reached alone cannot be reached on the way."""
    found = np.zeros(able.shape, np.bool_)
    for low in range(0, len(able), PORTION):
        clock.check(-GRACE)
        _alone(net, able, found, low, min(len(able), low + PORTION))
    return found


@bare
def _alone(net: Network, able: Bools, found: Bools, low: int, high: int) -> None:
    for s in range(low, high):
        for p in range(able.shape[1]):
            if not able[s, p]:
                continue
            refill = (net.tools[s] & ~net.own_tools[p]) != 0
            for q in range(net.parts.shape[1]):
                refill = refill or net.parts[s, q] > net.stock[p, q]
            found[s, p] = _fits(net, p, s, refill)


@inner
def _fits(net: Network, p: int, s: int, refill: bool) -> bool:
    at, t, depot = net.start[p], net.since[p], len(net.place) - 1
    if refill:
        t += travel(net, p, at, net.place[depot]) + net.service[depot]
        at = net.place[depot]
    start = begins(net, s, t + travel(net, p, at, net.place[s]))
    if start == NEVER:
        return False
    home = start + net.service[s] + to_end(net, p, net.place[s])
    if home > net.until[p]:
        return False
    leaves = start - travel(net, p, at, net.place[s])
    if refill:
        leaves -= net.service[depot] + travel(net, p, net.start[p], net.place[depot])
    return bool(home - leaves <= net.longest[p])
