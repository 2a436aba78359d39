"""One person's tour in compiled loops: its schedule, where a stop fits, what changes when stops leave.

A tour is a row of stop numbers in `Routes.seq`; the depot (stop S) may stand in it once. Every position keeps
when its visit begins at the earliest and at the latest, so that an insertion is judged in constant time per
position, with any number of windows per stop: beginning earlier never hurts what follows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from volunteer_hub.engine.arrays import Ints
from volunteer_hub.engine.tours.bare import bare, inner
from volunteer_hub.engine.tours.network import NEVER, Network, begins, begins_by, to_end, travel

MAX_STOPS = 500  # in one tour


class Routes(NamedTuple):
    """P tours of at most L entries. `kept` twins are what a rejected change goes back to."""

    seq: Ints  # [P, L] stops in order
    early: Ints  # [P, L] earliest beginning of each visit, leaving home as early as allowed
    late: Ints  # [P, L] latest beginning that keeps the rest of the tour in time
    length: Ints  # [P]
    cost: Ints  # [P] ticks of travel
    depot: Ints  # [P] position of the depot, -1 without
    load: Ints  # [P, 2] quantity before and after the depot
    used: Ints  # [P, Q] parts used before the depot
    version: Ints  # [P] differs whenever the tour does
    scratch: Ints  # [L]


def empty_routes(people: int, longest: int, kinds: int) -> Routes:
    """Room for tours of up to `longest` stops, with so many kinds of parts."""

    def table(*shape: int) -> Ints:
        return np.zeros(shape, np.int64)

    rows = (people, longest)
    return Routes(
        seq=table(*rows), early=table(*rows), late=table(*rows), length=table(people), cost=table(people),
        depot=np.full(people, -1, np.int64), load=table(people, 2), used=table(people, kinds),
        version=np.arange(people, dtype=np.int64), scratch=table(longest),
    )  # fmt: skip


@bare
def copy_route(source: Routes, target: Routes, p: int) -> None:
    """One person's tour from one set into another."""
    n = source.length[p]
    for k in range(n):
        target.seq[p, k] = source.seq[p, k]
        target.early[p, k] = source.early[p, k]
        target.late[p, k] = source.late[p, k]
    target.length[p], target.cost[p] = n, source.cost[p]
    target.depot[p], target.version[p] = source.depot[p], source.version[p]
    target.load[p, 0], target.load[p, 1] = source.load[p, 0], source.load[p, 1]
    for q in range(source.used.shape[1]):
        target.used[p, q] = source.used[p, q]


@inner
def duty(net: Network, p: int, row: Ints, n: int) -> tuple[int, int]:
    """(leaves, is back): as early back as possible, then as late gone as that allows. With one window per
    stop no schedule is shorter."""
    at, t = net.start[p], net.since[p]
    for k in range(n):
        s = row[k]
        t = begins(net, s, t + travel(net, p, at, net.place[s])) + net.service[s]
        if t >= NEVER:
            return 0, NEVER
        at = net.place[s]
    back = t + to_end(net, p, at)
    t = back - to_end(net, p, at)
    for k in range(n - 1, -1, -1):
        s = row[k]
        t = begins_by(net, s, t - net.service[s])
        t -= travel(net, p, net.place[row[k - 1]] if k else net.start[p], net.place[s])
    return t, back


@inner
def schedule(net: Network, routes: Routes, p: int) -> bool:
    """Bring everything that follows from seq and length up to date. False: the tour is not allowed."""
    n, depot = routes.length[p], len(net.place) - 1
    at, t, cost = net.start[p], net.since[p], 0
    routes.depot[p] = -1
    routes.load[p, 0] = routes.load[p, 1] = 0
    for q in range(net.stock.shape[1]):
        routes.used[p, q] = 0
    good = True
    for k in range(n):
        s = routes.seq[p, k]
        step = travel(net, p, at, net.place[s])
        t = begins(net, s, t + step)
        if t == NEVER:
            return False
        routes.early[p, k] = t
        t, at, cost = t + net.service[s], net.place[s], cost + step
        if s == depot:
            routes.depot[p] = k
        elif routes.depot[p] < 0:
            routes.load[p, 0] += net.quantity[s]
            good = good and (net.tools[s] & ~net.own_tools[p]) == 0
            for q in range(net.stock.shape[1]):
                routes.used[p, q] += net.parts[s, q]
                good = good and routes.used[p, q] <= net.stock[p, q]
        else:
            routes.load[p, 1] += net.quantity[s]
    good = good and routes.load[p, 0] <= net.capacity[p] and routes.load[p, 1] <= net.capacity[p]
    step = to_end(net, p, at) if n else 0
    routes.cost[p] = cost + step
    if not good or (n and t + step > net.until[p]):
        return False
    t = net.until[p] - step
    for k in range(n - 1, -1, -1):
        s = routes.seq[p, k]
        t = begins_by(net, s, t - net.service[s])
        routes.late[p, k] = t
        t -= travel(net, p, net.place[routes.seq[p, k - 1]] if k else net.start[p], net.place[s])
    return _short_enough(net, p, routes.seq[p], n)


@inner
def _short_enough(net: Network, p: int, row: Ints, n: int) -> bool:
    if n == 0 or net.longest[p] >= net.until[p] - net.since[p]:
        return True
    leaves, back = duty(net, p, row, n)
    return bool(back - leaves <= net.longest[p])


@inner
def insert(routes: Routes, p: int, s: int, position: int) -> None:
    """Only seq and length; `schedule` does the rest."""
    row, n = routes.seq[p], routes.length[p]
    for k in range(n, position, -1):
        row[k] = row[k - 1]
    row[position] = s
    routes.length[p] = n + 1


@inner
def _allowed_with(net: Network, routes: Routes, p: int, s: int, position: int, refill: int) -> bool:
    """Is the tour with stop s at `position` (and the depot at `refill`, before it) short enough?"""
    if net.longest[p] >= net.until[p] - net.since[p]:
        return True
    row, n = routes.scratch, 0
    for k in range(routes.length[p] + 1):
        if k == refill:
            row[n] = len(net.place) - 1
            n += 1
        if k == position:
            row[n] = s
            n += 1
        if k < routes.length[p]:
            row[n] = routes.seq[p, k]
            n += 1
    return _short_enough(net, p, row, n)


@inner
def best_place(net: Network, routes: Routes, p: int, s: int) -> tuple[int, int, int]:
    """(ticks more, position, position of a new visit to the depot or -1) where stop s fits best into the
    tour; NEVER ticks if it does not fit. Positions are those before anything is inserted."""
    n = routes.length[p]
    if n + 1 > routes.seq.shape[1]:
        return NEVER, -1, -1
    at_depot = routes.depot[p]
    first, last = 0, n  # positions between which the goods suffice
    if not _carried(net, routes, p, s):
        first = at_depot + 1 if at_depot >= 0 else n + 1
    if at_depot >= 0 and routes.load[p, 1] + net.quantity[s] > net.capacity[p]:
        last = at_depot
    best, where, place = NEVER, -1, net.place[s]
    for k in range(first, last + 1):
        before = net.place[routes.seq[p, k - 1]] if k else net.start[p]
        there = travel(net, p, before, place)
        if k < n:
            after = net.place[routes.seq[p, k]]
            onward = travel(net, p, place, after)
            more = there + onward - travel(net, p, before, after)
        else:
            onward = to_end(net, p, place)
            more = there + onward - (to_end(net, p, before) if n else 0)
        if more >= best:
            continue
        leaves = net.since[p]
        if k:
            leaves = routes.early[p, k - 1] + net.service[routes.seq[p, k - 1]]
        start = begins(net, s, leaves + there)
        limit = routes.late[p, k] if k < n else net.until[p]
        if start + net.service[s] + onward <= limit and _allowed_with(net, routes, p, s, k, -1):
            best, where = more, k
    if first > n and net.depot and n + 2 <= routes.seq.shape[1]:
        return _with_depot(net, routes, p, s)
    return best, where, -1


@inner
def _carried(net: Network, routes: Routes, p: int, s: int) -> bool:
    """Do tools, parts and room suffice for one stop more before the depot?"""
    if (net.tools[s] & ~net.own_tools[p]) != 0:
        return False
    if routes.load[p, 0] + net.quantity[s] > net.capacity[p]:
        return False
    for q in range(net.stock.shape[1]):
        if net.parts[s, q] > 0 and routes.used[p, q] + net.parts[s, q] > net.stock[p, q]:
            return False
    return True


@inner
def _with_depot(net: Network, routes: Routes, p: int, s: int) -> tuple[int, int, int]:
    """Both the depot and the stop enter a tour without the depot: every pair of positions."""
    n, depot = routes.length[p], len(net.place) - 1
    row, here = routes.seq[p], net.place[len(net.place) - 1]
    best, where, refill, rest = NEVER, -1, -1, routes.load[p, 0]  # what is delivered after the depot
    for i in range(n + 1):
        if i:
            rest -= net.quantity[row[i - 1]]
        if rest + net.quantity[s] > net.capacity[p]:
            continue
        at = net.place[row[i - 1]] if i else net.start[p]
        t = routes.early[p, i - 1] + net.service[row[i - 1]] if i else net.since[p]
        step = travel(net, p, at, here)
        t, at, spent = t + step + net.service[depot], here, step
        removed = 0  # travel of the old tour that the part looked at replaces
        for j in range(i, n + 1):
            there = travel(net, p, at, net.place[s])
            start = begins(net, s, t + there)
            onward, limit, old = _onward(net, routes, p, net.place[s], j)
            more = spent + there + onward - removed - old
            if (
                more < best
                and start + net.service[s] + onward <= limit
                and _allowed_with(net, routes, p, s, j, i)
            ):
                best, where, refill = more, j, i
            if j == n:
                break
            step = travel(net, p, at, net.place[row[j]])
            t = begins(net, row[j], t + step)
            if t > routes.late[p, j]:
                break
            removed += travel(net, p, net.place[row[j - 1]] if j else net.start[p], net.place[row[j]])
            t, at, spent = t + net.service[row[j]], net.place[row[j]], spent + step
    return best, where, refill


@inner
def _onward(net: Network, routes: Routes, p: int, place: int, j: int) -> tuple[int, int, int]:
    """(ticks from `place` to what comes at position j, the latest arrival there, ticks of the old leg)."""
    n = routes.length[p]
    before = net.place[routes.seq[p, j - 1]] if j else net.start[p]
    if j < n:
        after = net.place[routes.seq[p, j]]
        return travel(net, p, place, after), routes.late[p, j], travel(net, p, before, after)
    return to_end(net, p, place), net.until[p], to_end(net, p, before) if n else 0


@inner
def refit_depot(net: Network, routes: Routes, p: int) -> bool:
    """Move the tour's visit to the depot to its best position, or drop it when nothing needs it any more.
    Expects seq and length only; False: no position is allowed."""
    n, depot, at = routes.length[p], len(net.place) - 1, -1
    row = routes.seq[p]
    for k in range(n):
        if row[k] == depot:
            at = k
    if at < 0:
        return schedule(net, routes, p)
    for k in range(at, n - 1):
        row[k] = row[k + 1]
    routes.length[p] = n - 1
    if schedule(net, routes, p):
        return True
    best, where = NEVER, -1
    for i in range(n):
        _put_depot(net, routes, p, i)
        if schedule(net, routes, p) and routes.cost[p] < best:
            best, where = routes.cost[p], i
        for k in range(i, n - 1):
            row[k] = row[k + 1]
        routes.length[p] = n - 1
    if where < 0:
        return False
    _put_depot(net, routes, p, where)
    return schedule(net, routes, p)


@inner
def _put_depot(net: Network, routes: Routes, p: int, position: int) -> None:
    insert(routes, p, len(net.place) - 1, position)
