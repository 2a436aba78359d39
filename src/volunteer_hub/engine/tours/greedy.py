"""Tours without a search: everybody in turn goes on to the most urgent stop there is time for.

What is left when not even the compiler had time: a feasible plan in plain numpy. Nobody goes to the depot.
"""

from __future__ import annotations

import numpy as np

from volunteer_hub.engine.arrays import Bools, Floats, Ints
from volunteer_hub.engine.clock import Clock
from volunteer_hub.engine.tours.network import NEVER, Network

GRACE = 1.0  # seconds after the deadline


def greedy_rows(net: Network, able: Bools, clock: Clock) -> list[list[int]]:
    """Stops in order per person. able [S, P]: qualified and equipped."""
    rows: list[list[int]] = [[] for _ in net.since]
    free = np.ones(able.shape[0], np.bool_)
    for p, row in enumerate(rows):
        at, now, load, stock = int(net.start[p]), int(net.since[p]), 0, net.stock[p].copy()
        mine = np.flatnonzero(able[:, p] & ((net.tools[:-1] & ~net.own_tools[p]) == 0))
        until = min(int(net.until[p]), int(net.since[p] + net.longest[p]))
        while clock.left > -GRACE:
            mine = mine[free[mine]]
            begin = _begin(net, mine, now + _ticks(net, p, at, net.place[mine]))
            leave = begin + net.service[mine]
            fits = leave + _home(net, p, net.place[mine]) <= until
            fits &= load + net.quantity[mine] <= net.capacity[p]
            fits &= (net.parts[mine] <= stock).all(axis=1)
            if not fits.any():
                break
            choice = np.lexsort((leave, -net.prize[mine], ~fits))[0]
            s = int(mine[choice])
            row.append(s)
            free[s] = False
            at, now = int(net.place[s]), int(leave[choice])
            load += int(net.quantity[s])
            stock = stock - net.parts[s]
    return rows


def _home(net: Network, p: int, places: Ints) -> Ints:
    return _ticks(net, p, int(net.end[p]), places, back=True) if net.end[p] >= 0 else 0 * places


def _ticks(net: Network, p: int, at: int, places: Ints, back: bool = False) -> Ints:
    """From `at` to each place, or `back` from each place to `at`."""
    if net.matrix.shape[0]:
        matrix = net.matrix[net.mode[p]]
        ways: Ints = matrix[places, at] if back else matrix[at, places]
        return ways
    dx, dy = net.x[places] - net.x[at], net.y[places] - net.y[at]
    km: Floats = np.sqrt(dx * dx + dy * dy)
    ticks: Ints = (km * net.pace[p] + 0.5).astype(np.int64)
    return ticks


def _begin(net: Network, stops: Ints, arrival: Ints) -> Ints:
    begin = np.full(len(stops), NEVER)
    for turn in range(int(np.diff(net.first[:-1]).max(initial=0)), 0, -1):  # the last window first
        w = net.first[stops] + turn - 1
        has = w < net.first[stops + 1]
        w = np.where(has, w, 0)
        begin = np.where(has & (arrival <= net.closes[w]), np.maximum(arrival, net.opens[w]), begin)
    return begin
