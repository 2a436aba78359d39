"""Slack induction by string removals (Christiaens & Vanden Berghe, Transportation Science 54, 2020): take
strings of neighbouring stops out of neighbouring tours, put everything that is out back greedily with blinks,
keep the result by simulated annealing. Stops that find no room stay out and are tried again every time.

Three additions: a stop's best place in a tour is remembered until that tour changes; prizes weigh in the
annealing as some legs of travel each, so that the search may give up a lesser stop for a while; and some
ruins make room around a stop that is out, in the tours of those who may visit it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from volunteer_hub.engine.arrays import Bools, Floats, Ints
from volunteer_hub.engine.tours.bare import bare, inner
from volunteer_hub.engine.tours.network import NEVER, Network
from volunteer_hub.engine.tours.route import (
    Routes,
    best_place,
    copy_route,
    insert,
    refit_depot,
    schedule,
)

REMOVED = 10.0  # stops taken out on average
STRING = 10.0  # longest string
SPLIT = 0.5  # share of strings with a part left standing
STRETCH = 0.01  # chance that this part is longer by one more
BLINK = 0.01  # chance that a tour is overlooked
FROM_ABSENT = 0.4  # share of ruins around a stop that is out, in tours of people who may visit it


class Search(NamedTuple):
    """One chain's memory. The totals are counted by the constants below."""

    now: Routes
    kept: Routes
    best: Routes
    owner: Ints  # [S] person, -1 out
    out: Ints  # [S] stops out, the first totals[OUT]
    out_kept: Ints  # [S]
    touched: Ints  # [P] people whose tour changed in this step, the first totals[TOUCHED]
    is_touched: Ints  # [P]
    totals: Ints
    dice: Ints  # [2] state of the random numbers
    first: Ints  # [S + 1] people who may visit stop s: rows first[s]:first[s + 1] of who
    who: Ints
    possible: Bools  # [S, P] the same as a table
    gain: Ints  # like who, remembered: ticks more, position, depot's position, version of the tour
    position: Ints
    refill: Ints
    seen: Ints
    near: Ints  # [S, A] stops by distance, the stop itself first
    appeal: Floats  # [S, 5] keys by which stops are put back, smallest first
    keys: Floats  # [S] of those out


OUT, MISSED, TRAVEL, BEST_MISSED, BEST_TRAVEL, VERSION, TOUCHED, STEPS = range(8)


@inner
def uniform(dice: Ints) -> float:
    """In (0, 1): L'Ecuyer's combination of two generators (1988), the same with and without a compiler."""
    dice[0] = dice[0] * 40014 % 2147483563
    dice[1] = dice[1] * 40692 % 2147483399
    z = int(dice[0] - dice[1]) % 2147483562
    return (z + 1) / 2147483564.0


@inner
def _below(dice: Ints, n: int) -> int:
    return int(uniform(dice) * n)


@inner
def _touch(search: Search, p: int) -> None:
    if not search.is_touched[p]:
        search.is_touched[p] = 1
        search.touched[search.totals[TOUCHED]] = p
        search.totals[TOUCHED] += 1
        copy_route(search.now, search.kept, p)
    search.totals[VERSION] += 1
    search.now.version[p] = search.totals[VERSION]


@inner
def _take_out(net: Network, search: Search, s: int) -> None:
    search.owner[s] = -1
    search.out[search.totals[OUT]] = s
    search.totals[OUT] += 1
    search.totals[MISSED] += net.prize[s]


@inner
def _cut(net: Network, search: Search, p: int, low: int, count: int, hole: int, spared: int) -> None:
    """Take `count` entries from position `low` on out of tour p, sparing some after the first `hole`."""
    now, depot = search.now, len(net.place) - 1
    before, n, m = now.cost[p], now.length[p], 0
    _touch(search, p)
    for k in range(n):
        s, i = now.seq[p, k], k - low
        stays = i < 0 or i >= count + spared or hole <= i < hole + spared
        if stays or s == depot:
            now.seq[p, m] = s
            m += 1
        else:
            _take_out(net, search, s)
    now.length[p] = m
    if not refit_depot(net, now, p):  # travel that breaks the triangle inequality, or a short duty
        for k in range(now.length[p]):
            if now.seq[p, k] != depot:
                _take_out(net, search, now.seq[p, k])
        now.length[p] = 0
        schedule(net, now, p)
    search.totals[TRAVEL] += now.cost[p] - before


@inner
def _ruin(net: Network, search: Search) -> None:
    dice, now, stops = search.dice, search.now, len(search.owner)
    served = stops - search.totals[OUT]
    if served == 0:
        return
    tours = 0
    for p in range(len(now.length)):
        tours += now.length[p] > 0
    longest = min(STRING, served / tours)
    most = 4.0 * REMOVED / (1.0 + longest) - 1.0
    strings = int(uniform(dice) * most + 1.0)
    if search.totals[OUT] > 0 and uniform(dice) < FROM_ABSENT:
        seed, out = search.out[_below(dice, search.totals[OUT])], True
    else:
        seed, out = _below(dice, stops), False
    for a in range(search.near.shape[1]):
        s = search.near[seed, a]
        p = search.owner[s]
        if p < 0 or search.is_touched[p] or (out and not search.possible[seed, p]):
            continue
        n = now.length[p]
        count = int(uniform(dice) * min(float(n), longest) + 1.0)
        at = 0
        while now.seq[p, at] != s:
            at += 1
        spared = 0
        if 1 < count < n and uniform(dice) < SPLIT:
            spared = 1
            while count + spared < n and uniform(dice) < STRETCH:
                spared += 1
        span = count + spared
        least, greatest = max(0, at - span + 1), min(at, n - span)
        low = least + _below(dice, greatest - least + 1)
        hole = 1 + _below(dice, count - 1) if spared else 0
        _cut(net, search, p, low, count, hole, spared)
        strings -= 1
        if strings == 0:
            break


@inner
def _sort_out(search: Search) -> None:
    """Order of putting back: by chance, prize, narrow window, few people, far, near or early."""
    n, dice = search.totals[OUT], search.dice
    keys = search.keys
    pick = uniform(dice) * 12.0
    for i in range(n):
        s = search.out[i]
        if pick < 3.0:
            keys[i] = uniform(dice)
        elif pick < 6.0:
            keys[i] = search.appeal[s, 0] + uniform(dice)
        elif pick < 8.0:
            keys[i] = search.appeal[s, 1]
        elif pick < 9.0:
            keys[i] = search.appeal[s, 2]
        elif pick < 10.0:
            keys[i] = search.appeal[s, 3]
        elif pick < 11.0:
            keys[i] = -search.appeal[s, 3]
        else:
            keys[i] = search.appeal[s, 4]
    gap = 1
    while gap < n:
        gap = 3 * gap + 1
    while gap > 1:  # Shell's sort: nothing to allocate
        gap //= 3
        for i in range(gap, n):
            key, s, j = keys[i], search.out[i], i
            while j >= gap and keys[j - gap] > key:
                keys[j], search.out[j] = keys[j - gap], search.out[j - gap]
                j -= gap
            keys[j], search.out[j] = key, s


@bare
def recreate(net: Network, search: Search, blink: float) -> None:
    """Put every stop that is out where it costs least, in the order of `out`; without room it stays out."""
    now, still = search.now, 0
    for i in range(search.totals[OUT]):
        s = search.out[i]
        best, chosen = NEVER, -1
        for e in range(search.first[s], search.first[s + 1]):
            p = search.who[e]
            if search.seen[e] != now.version[p]:
                search.gain[e], search.position[e], search.refill[e] = best_place(net, now, p, s)
                search.seen[e] = now.version[p]
            if search.gain[e] < best and (blink == 0.0 or uniform(search.dice) >= blink):
                best, chosen = search.gain[e], e
        if chosen < 0:
            search.out[still] = s
            still += 1
            continue
        p = search.who[chosen]
        _touch(search, p)
        before = now.cost[p]
        insert(now, p, s, search.position[chosen])
        if search.refill[chosen] >= 0:
            insert(now, p, len(net.place) - 1, search.refill[chosen])
        schedule(net, now, p)
        search.owner[s] = p
        search.totals[MISSED] -= net.prize[s]
        search.totals[TRAVEL] += now.cost[p] - before
    search.totals[OUT] = still


@inner
def _refit_touched(net: Network, search: Search) -> None:
    now = search.now
    for i in range(search.totals[TOUCHED]):
        p = search.touched[i]
        if now.depot[p] >= 0:
            before = now.cost[p]
            refit_depot(net, now, p)
            search.totals[TRAVEL] += now.cost[p] - before
            search.totals[VERSION] += 1
            now.version[p] = search.totals[VERSION]


@bare
def settle(search: Search) -> None:
    """End a step: what went before it is forgotten."""
    for i in range(search.totals[TOUCHED]):
        search.is_touched[search.touched[i]] = 0
    search.totals[TOUCHED] = 0


@inner
def _undo(search: Search) -> None:
    """End a step by going back to what went before it; the totals are the caller's."""
    for i in range(search.totals[OUT]):
        s = search.out_kept[i]
        search.out[i] = s
        search.owner[s] = -1
    for i in range(search.totals[TOUCHED]):
        p = search.touched[i]
        copy_route(search.kept, search.now, p)
        for k in range(search.now.length[p]):
            s = search.now.seq[p, k]
            if s < len(search.owner):
                search.owner[s] = p
    settle(search)


@bare
def keep_if_best(search: Search) -> None:
    """Copy the tours that changed, if they are now the best seen."""
    totals = search.totals
    worse = totals[MISSED] > totals[BEST_MISSED]
    if worse or (totals[MISSED] == totals[BEST_MISSED] and totals[TRAVEL] >= totals[BEST_TRAVEL]):
        return
    totals[BEST_MISSED], totals[BEST_TRAVEL] = totals[MISSED], totals[TRAVEL]
    for p in range(len(search.now.length)):
        if search.best.version[p] != search.now.version[p]:
            copy_route(search.now, search.best, p)


@bare
def steps(net: Network, search: Search, count: int, warmth: float, per_prize: float) -> None:
    """`count` ruins and recreations at a temperature of `warmth` ticks, a unit of prize worth `per_prize`."""
    totals = search.totals
    for _ in range(count):
        prize, cost, absent = totals[MISSED], totals[TRAVEL], totals[OUT]
        for i in range(absent):
            search.out_kept[i] = search.out[i]
        _ruin(net, search)
        _sort_out(search)
        recreate(net, search, BLINK)
        _refit_touched(net, search)
        change = per_prize * (totals[MISSED] - prize) + (totals[TRAVEL] - cost)
        if change < -warmth * np.log(uniform(search.dice)):
            settle(search)
            keep_if_best(search)
        else:
            totals[MISSED], totals[TRAVEL], totals[OUT] = prize, cost, absent
            _undo(search)
        totals[STEPS] += 1
