"""When everybody is where: rows of stops turned into times."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from volunteer_hub.engine.arrays import Ints
from volunteer_hub.engine.tours.bare import plain
from volunteer_hub.engine.tours.network import Network, begins, begins_by, travel

DEPOT = -1  # in place of a stop

_travel, _begins, _begins_by = plain(travel), plain(begins), plain(begins_by)


@dataclass(frozen=True)
class Timetable:
    """All visits, by person and then by time. Ticks of 0.1 minutes since the epoch."""

    person: Ints  # [N]
    stop: Ints  # [N] DEPOT for a refill
    arrive: Ints  # [N]
    start: Ints  # [N] the visit begins
    leave: Ints  # [N]
    departs: Ints  # [P] from the start of the tour; `since` for those without one
    returns: Ints  # [P] to the end of the tour
    travel: Ints  # [P] ticks under way


def timetable(net: Network, rows: list[list[int]]) -> Timetable:
    """Everybody comes back as early as possible and leaves as late as that allows. rows: stops per person,
    the depot as stop S."""
    visits: list[tuple[int, int, int, int, int]] = []
    departs, returns = net.since.copy(), net.since.copy()
    spent = np.zeros(len(rows), np.int64)
    depot = len(net.place) - 1
    for p, row in enumerate(rows):
        if not row:
            continue
        places = [int(net.start[p]), *(int(net.place[s]) for s in row)]
        legs = [int(_travel(net, p, i, j)) for i, j in pairwise(places)]
        home = int(_travel(net, p, places[-1], int(net.end[p]))) if net.end[p] >= 0 else 0
        departs[p] = t = _departure(net, row, legs, int(net.since[p]))
        for s, leg in zip(row, legs, strict=True):
            arrive = t + leg
            start = int(_begins(net, s, arrive))
            t = start + int(net.service[s])
            visits.append((p, s if s != depot else DEPOT, arrive, start, t))
        returns[p], spent[p] = t + home, sum(legs) + home
    column = np.array(visits, np.int64).reshape(-1, 5).T
    return Timetable(column[0], column[1], column[2], column[3], column[4], departs, returns, spent)


def _departure(net: Network, row: list[int], legs: list[int], since: int) -> int:
    """The latest departure that brings the person back as early as the earliest one does."""
    t = since
    for s, leg in zip(row, legs, strict=True):
        t = int(_begins(net, s, t + leg)) + int(net.service[s])
    for s, leg in zip(reversed(row), reversed(legs), strict=True):
        t = int(_begins_by(net, s, t - int(net.service[s]))) - leg
    return t
