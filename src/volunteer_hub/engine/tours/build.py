"""The first plan and the memory of a search."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from volunteer_hub.engine.arrays import Bools, Floats, Ints
from volunteer_hub.engine.clock import Clock
from volunteer_hub.engine.tours.network import GRACE, Network
from volunteer_hub.engine.tours.route import MAX_STOPS, empty_routes
from volunteer_hub.engine.tours.search import (
    BEST_MISSED,
    BEST_TRAVEL,
    MISSED,
    OUT,
    STEPS,
    VERSION,
    Search,
    keep_if_best,
    recreate,
    settle,
)

NEIGHBOURS = 250  # of a stop, in a ruin
ROWS = 1000  # distances held at once
PORTION = 50  # stops put in between two looks at the clock


def begin(net: Network, possible: Bools, near: Ints, seed: int) -> Search:
    """Everything out, nobody under way. possible [S, P]: who could visit what (network.alone); near: see
    neighbours."""
    stops, people = possible.shape
    width = longest_row(net, possible)
    who_first = np.concatenate([[0], np.cumsum(possible.sum(axis=1))]).astype(np.int64)
    who = np.nonzero(possible)[1].astype(np.int64)
    out = np.flatnonzero(possible.any(axis=1)).astype(np.int64)
    totals = np.zeros(STEPS + 1, np.int64)
    totals[OUT], totals[MISSED], totals[VERSION] = len(out), net.prize.sum(), people
    totals[BEST_MISSED] = totals[BEST_TRAVEL] = 1 << 60
    kinds = net.stock.shape[1]
    pairs = len(who)
    return Search(
        now=empty_routes(people, width, kinds),
        kept=empty_routes(people, width, kinds),
        best=empty_routes(people, width, kinds),
        owner=np.full(stops, -1, np.int64),
        out=np.concatenate([out, np.zeros(stops - len(out), np.int64)]),
        out_kept=np.zeros(stops, np.int64),
        touched=np.zeros(people, np.int64),
        is_touched=np.zeros(people, np.int64),
        totals=totals,
        dice=np.array([seed % 2147483561 + 1, (seed * 7919 + 104729) % 2147483397 + 1], np.int64),
        first=who_first,
        who=who,
        possible=possible,
        gain=np.zeros(pairs, np.int64),
        position=np.zeros(pairs, np.int64),
        refill=np.zeros(pairs, np.int64),
        seen=np.full(pairs, -1, np.int64),
        near=near,
        appeal=appeals(net, possible),
        keys=np.zeros(stops),
    )


def construct(net: Network, search: Search, clock: Clock) -> None:
    """Greedy insertion, the most urgent first and among equals those with the least choice; in portions, so
    that it can stop at the deadline."""
    out, appeal = search.out[: search.totals[OUT]].copy(), search.appeal
    out = out[np.lexsort((appeal[out, 4], appeal[out, 2], appeal[out, 0]))]
    left: list[int] = []
    for low in range(0, len(out), PORTION):
        portion = out[low : low + PORTION]
        if clock.left > -GRACE:
            search.totals[OUT] = len(portion)
            search.out[: len(portion)] = portion
            recreate(net, search, 0.0)
            settle(search)
            portion = search.out[: search.totals[OUT]]
        left += portion.tolist()
    search.totals[OUT] = len(left)
    search.out[: len(left)] = left
    keep_if_best(search)


def longest_row(net: Network, possible: Bools) -> int:
    """Entries the longest tour may have with the depot: as many visits as fit by their minutes alone."""
    most = 0
    span = net.until - net.since
    for p in range(possible.shape[1]):
        minutes = np.sort(net.service[:-1][possible[:, p]])
        most = max(most, int(np.searchsorted(np.cumsum(minutes), span[p], side="right")))
    return min(most, MAX_STOPS) + 1


def neighbours(net: Network, clock: Clock) -> Ints:
    """[S, A] the stops nearest to each by distance, itself among the first. Raises DeadlinePassed."""
    place = net.place[:-1]
    keep = min(len(place), NEIGHBOURS)
    if not net.matrix.shape[0]:
        clock.check(-GRACE)
        xy = np.stack([net.x[place], net.y[place]], axis=1)
        near = cKDTree(xy).query(xy, k=np.arange(1, keep + 1))[1] if keep else np.zeros((0, 0))
        return np.array(near, np.int64)
    found = np.zeros((len(place), keep), np.int64)
    for low in range(0, len(place), ROWS):
        clock.check(-GRACE)
        apart = _apart(net, place[low : low + ROWS], place)
        nearest = np.argpartition(apart, keep - 1, axis=1)[:, :keep]
        order = np.argsort(np.take_along_axis(apart, nearest, axis=1), axis=1, kind="stable")
        found[low : low + ROWS] = np.take_along_axis(nearest, order, axis=1)
    return found


def appeals(net: Network, possible: Bools) -> Floats:
    """[S, 5] keys of putting back: prize, width of the windows, people who may come, how far, closing."""
    stops = possible.shape[0]
    place = net.place[:-1]
    keys = np.zeros((stops, 5))
    keys[:, 0] = -net.prize[:-1]
    widths = np.append(np.cumsum((net.closes - net.opens)[:-1]), 0)
    for s in range(stops):
        low, high = net.first[s], net.first[s + 1]
        keys[s, 1] = widths[high - 1] - (widths[low - 1] if low else 0) if high > low else 0
        keys[s, 4] = net.closes[high - 1] if high > low else 0
    keys[:, 2] = possible.sum(axis=1)
    homes = np.unique(net.start)[:200]
    if stops and len(homes):
        keys[:, 3] = -_apart(net, place, homes).mean(axis=1)
    return keys


def _apart(net: Network, rows: Ints, columns: Ints) -> Floats:
    if net.matrix.shape[0]:
        there = net.matrix[0][np.ix_(rows, columns)] + net.matrix[0][np.ix_(columns, rows)].T
        return np.asarray(there / 2.0)
    return np.hypot(net.x[rows, None] - net.x[None, columns], net.y[rows, None] - net.y[None, columns])
