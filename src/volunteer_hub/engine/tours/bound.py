"""What no plan can serve: a knapsack per person, their common stops priced apart (Lagrange).

A visit takes its service and at least the shortest way to it from anywhere; a person's visits together take
no more than the working time less the shortest way home. With any price of a minute per person, the prize
that minutes can buy plus the price of all minutes bounds what can be served. So every price gives a true
bound, and a few steps along the subgradient a good one.
"""

from __future__ import annotations

import math

import numpy as np

from volunteer_hub.engine.arrays import Bools, Floats, Ints
from volunteer_hub.engine.tours.network import FAR, Network

ROUNDS = 60
WORK = 10**7  # pairs looked at in all


def least_missed(net: Network, possible: Bools) -> int:
    """Prize that stays unserved in every plan. possible [S, P]: who could visit what (network.alone)."""
    prize = net.prize[:-1]
    reachable = possible.any(axis=1)
    most = int(prize[reachable].sum())
    if most and possible.size <= WORK:
        most = min(most, _most_served(net, possible[reachable], np.flatnonzero(reachable)))
    return int(prize.sum()) - most


def _most_served(net: Network, possible: Bools, stops: Ints) -> int:
    prize = net.prize[stops].astype(np.float64)
    takes = _shortest_visit(net, stops)  # [S, P]
    room = np.minimum(net.until - net.since, net.longest) - _shortest_home(net, stops, possible)
    room = np.maximum(room, 0).astype(np.float64)
    worth = np.where(possible, takes, np.inf)
    price = np.full(len(room), prize.sum() / max(1.0, room.sum()))
    best, rows = math.inf, np.arange(len(stops))
    for step in range(min(ROUNDS, 1 + WORK // possible.size)):
        with np.errstate(invalid="ignore"):
            gain = prize[:, None] - np.where(possible, price * worth, np.inf)
        who = gain.argmax(axis=1)
        bought = gain[rows, who]
        value = float(price @ room + bought[bought > 0].sum())
        best = min(best, value)
        used = np.bincount(who[bought > 0], takes[rows, who][bought > 0], minlength=len(room))
        slope = room - used
        norm = float(slope @ slope)
        if norm == 0:
            break
        price = np.maximum(0.0, price - slope * (0.05 * value / (1 + step / 5) / norm))
    return math.floor(best * (1 + 1e-9) + 1e-6)


def _shortest_visit(net: Network, stops: Ints) -> Floats:
    """[S, P] ticks of service and of the shortest way there from a home, another stop or the depot."""
    place = net.place[stops]
    sources = np.concatenate([net.start, net.place[-1:] if net.depot else net.start[:0]])
    shared = np.bincount(place, minlength=int(place.max()) + 1)[place] > 1
    nearest = np.zeros((max(1, net.matrix.shape[0]), len(place)))
    for mode in range(len(nearest)):
        for i, at in enumerate(place.tolist()):
            others = place[place != at]
            ways = _ways(net, mode, np.concatenate([sources, others]), at)
            nearest[mode, i] = 0.0 if shared[i] else ways.min(initial=FAR)
    if net.matrix.shape[0]:
        ticks = nearest[net.mode].T
    else:
        ticks = np.floor(nearest[0][:, None] * net.pace[None, :] + 0.5 - 1e-9)
    visits: Floats = (ticks + net.service[stops][:, None]).astype(np.float64)
    return visits


def _shortest_home(net: Network, stops: Ints, possible: Bools) -> Ints:
    """[P] ticks of the shortest way to the end of the tour."""
    found = np.zeros(len(net.end), np.int64)
    for p in np.flatnonzero((net.end >= 0) & possible.any(axis=0)).tolist():
        mine = net.place[stops[possible[:, p]]]
        if net.matrix.shape[0]:
            found[p] = net.matrix[net.mode[p], mine, net.end[p]].min()
        else:
            km = np.hypot(net.x[mine] - net.x[net.end[p]], net.y[mine] - net.y[net.end[p]]).min()
            found[p] = math.floor(km * net.pace[p] + 0.5 - 1e-9)
    return found


def _ways(net: Network, mode: int, sources: Ints, at: int) -> Floats:
    """Ticks (by matrix) or km of road from each of the places."""
    if net.matrix.shape[0]:
        ways: Floats = net.matrix[mode, sources, at].astype(np.float64)
    else:
        ways = np.hypot(net.x[sources] - net.x[at], net.y[sources] - net.y[at])
    return ways
