"""Why a stop is left unserved."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from volunteer_hub.engine.arrays import Bools, Ints
from volunteer_hub.engine.clock import Clock
from volunteer_hub.engine.tours.bare import bare
from volunteer_hub.engine.tours.network import NEVER, Network, equipped, qualified
from volunteer_hub.engine.tours.problem import Tours
from volunteer_hub.engine.tours.route import Routes, best_place, copy_route, insert, schedule
from volunteer_hub.engine.tours.search import BEST_MISSED, BEST_TRAVEL, Search

GRACE = 0.5  # seconds after the deadline


class Reason(StrEnum):
    SKILL = "skill"  # nobody has the skill at its level
    GOODS = "goods"  # nobody who has it carries, or can fetch, the tools, the parts or so large a load
    WINDOW = "window"  # none of those works long enough while the stop may be visited
    TOO_FAR = "too_far"  # none of those could be there in time and back, even with nothing else to do
    TIME = "time"  # no tour has room for it, even with one of its stops left out
    OUTWEIGHED = "outweighed"  # it would fit in place of stops that weigh at least as much
    NOT_TRIED = "not_tried"  # the deadline came first


@dataclass(frozen=True)
class Unserved:
    """`person` and `instead`: for OUTWEIGHED, whose tour it would fit into and the stop that would go."""

    stop: int
    reason: Reason
    person: int = -1
    instead: int = -1


def hopeless(tours: Tours, net: Network, possible: Bools) -> dict[int, Unserved]:
    """The stops nobody could visit with nothing else to do, and why. possible [S, P]: network.alone."""
    found: dict[int, Unserved] = {}
    able = qualified(tours)
    ready = able & equipped(net)
    for s in np.flatnonzero(~possible.any(axis=1)).tolist():
        if not able[s].any():
            reason = Reason.SKILL
        elif not ready[s].any():
            reason = Reason.GOODS
        elif not _in_time(net, s, ready[s]):
            reason = Reason.WINDOW
        else:
            reason = Reason.TOO_FAR
        found[s] = Unserved(s, reason)
    return found


def _in_time(net: Network, s: int, able: Bools) -> bool:
    """Has anybody the time at hand while one of the windows is open, were there no way to go?"""
    for w in range(int(net.first[s]), int(net.first[s + 1])):
        begin = np.maximum(net.opens[w], net.since)
        fits = (
            (begin <= net.closes[w]) & (begin + net.service[s] <= net.until) & (net.service[s] <= net.longest)
        )
        if (fits & able).any():
            return True
    return False


@bare
def room_instead(net: Network, routes: Routes, spare: Routes, s: int, people: Ints) -> tuple[int, int]:
    """(person, stop): the least stop that could leave a tour and let stop s in; -1, -1 if there is none."""
    least, who, which, depot = NEVER, -1, -1, len(net.place) - 1
    for i in range(len(people)):
        p = people[i]
        for k in range(routes.length[p]):
            out = routes.seq[p, k]
            if out == depot or net.prize[out] >= least:
                continue
            copy_route(routes, spare, p)
            for j in range(k, spare.length[p] - 1):
                spare.seq[p, j] = spare.seq[p, j + 1]
            spare.length[p] -= 1
            if schedule(net, spare, p) and best_place(net, spare, p, s)[0] < NEVER:
                least, who, which = net.prize[out], p, out
    return who, which


def outcome(net: Network, possible: Bools, search: Search, clock: Clock) -> dict[int, Unserved]:
    """Why the stops that somebody could visit are not in the best plan. Where a stop turns out to fit in
    place of a lesser one, it takes that place first."""
    routes, spare = search.best, search.kept
    served = np.zeros(len(net.place), np.bool_)
    for p, n in enumerate(routes.length.tolist()):
        served[routes.seq[p, :n]] = True
    found: dict[int, Unserved] = {}
    open_stops = [s for s in np.flatnonzero(possible.any(axis=1)).tolist() if not served[s]]
    open_stops.sort(key=lambda s: (-int(net.prize[s]), s))
    while open_stops:
        s = open_stops.pop(0)
        if clock.left < -GRACE:
            found[s] = Unserved(s, Reason.NOT_TRIED)
            continue
        people = np.flatnonzero(possible[s]).astype(np.int64)
        person, instead = room_instead(net, routes, spare, s, people)
        if person < 0:
            found[s] = Unserved(s, Reason.TIME)
        elif net.prize[instead] >= net.prize[s]:
            found[s] = Unserved(s, Reason.OUTWEIGHED, person, instead)
        else:
            exchange(net, routes, person, s, instead)
            search.totals[BEST_MISSED] += net.prize[instead] - net.prize[s]
            search.totals[BEST_TRAVEL] = routes.cost.sum()
            open_stops = [*found, *open_stops, instead]  # tours changed: every reason is found again
            open_stops.sort(key=lambda s: (-int(net.prize[s]), s))
            found = {}
    return found


@bare
def exchange(net: Network, routes: Routes, p: int, s: int, instead: int) -> None:
    """Stop s takes the place of `instead` in the tour of p, wherever it fits best."""
    n, m = routes.length[p], 0
    for k in range(n):
        if routes.seq[p, k] != instead:
            routes.seq[p, m] = routes.seq[p, k]
            m += 1
    routes.length[p] = m
    schedule(net, routes, p)
    _, position, refill = best_place(net, routes, p, s)
    insert(routes, p, s, position)
    if refill >= 0:
        insert(routes, p, len(net.place) - 1, refill)
    schedule(net, routes, p)
