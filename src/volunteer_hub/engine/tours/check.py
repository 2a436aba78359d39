"""An independent check of tours against the problem as it was asked: plain Python, nothing of the solver."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from volunteer_hub.engine.tours.problem import PRIZE, Tours
from volunteer_hub.engine.tours.solve import ToursPlan


@dataclass(frozen=True)
class Finding:
    """A fault of a plan."""

    code: str
    stop: int | None = None
    person: int | None = None


def check(tours: Tours, plan: ToursPlan) -> tuple[Finding, ...]:
    """All faults, none for a good plan. Codes: row, twice, lost, order, travel, early, window, service, late,
    longest, skill, tools, parts, load, depot_twice, no_depot, missed_miscounted, travel_miscounted, bound."""
    visits = plan.visits
    bad = [
        Finding("row", s, p)
        for p, s in zip(visits.person.tolist(), visits.stop.tolist(), strict=True)
        if not (0 <= p < len(tours.crew) and -1 <= s < len(tours.stops))
    ]
    if bad:
        return tuple(bad)  # nothing else can be read
    return (*_each_once(tours, plan), *_people(tours, plan), *_figures(tours, plan))


def _each_once(tours: Tours, plan: ToursPlan) -> Iterator[Finding]:
    seen = Counter(s for s in plan.visits.stop.tolist() if s >= 0)
    seen.update(each.stop for each in plan.unserved)
    for s in range(len(tours.stops)):
        if seen[s] != 1:
            yield Finding("twice" if seen[s] else "lost", s)


def _people(tours: Tours, plan: ToursPlan) -> Iterator[Finding]:
    order = plan.visits.person.tolist()
    if order != sorted(order):
        yield Finding("order")
        return
    for p in sorted(set(order)):
        rows = [i for i, each in enumerate(order) if each == p]
        yield from _times(tours, plan, p, rows)
        yield from _goods(tours, p, [int(plan.visits.stop[i]) for i in rows])


def _times(tours: Tours, plan: ToursPlan, p: int, rows: list[int]) -> Iterator[Finding]:
    crew, visits = tours.crew, plan.visits
    at, now, spent = int(crew.start[p]), int(visits.departs[p]), 0
    if now < crew.since[p] * 10:
        yield Finding("early", person=p)
    for i in rows:
        s, arrive = int(visits.stop[i]), int(visits.arrive[i])
        place, minutes = _where(tours, s, at)
        yield from _visit(tours, p, s, int(visits.start[i]))
        if not _takes(tours, p, at, place, arrive - now):
            yield Finding("travel", s, p)
        if visits.start[i] < arrive or visits.leave[i] != visits.start[i] + minutes * 10:
            yield Finding("service", s, p)
        spent += arrive - now
        at, now = place, int(visits.leave[i])
    back = int(visits.returns[p])
    if not (back == now if crew.end[p] < 0 else _takes(tours, p, at, int(crew.end[p]), back - now)):
        yield Finding("travel", person=p)
    if back > crew.until[p] * 10:
        yield Finding("late", person=p)
    if back - int(visits.departs[p]) > crew.longest[p] * 10:
        yield Finding("longest", person=p)
    if spent + back - now != visits.travel[p]:
        yield Finding("travel_miscounted", person=p)


def _where(tours: Tours, s: int, at: int) -> tuple[int, int]:
    """Place and minutes of a visit."""
    if s >= 0:
        return int(tours.stops.place[s]), int(tours.stops.service[s])
    return (tours.depot.place, tours.depot.minutes) if tours.depot else (at, 0)


def _visit(tours: Tours, p: int, s: int, start: int) -> Iterator[Finding]:
    if s < 0:
        return
    if not _open(tours, s, start):
        yield Finding("window", s, p)
    k = int(tours.stops.skill[s])
    if k >= 0 and tours.crew.levels[p, k] < tours.stops.level[s]:
        yield Finding("skill", s, p)


def _open(tours: Tours, s: int, ticks: int) -> bool:
    windows = tours.stops.windows
    rows = range(int(windows.first[s]), int(windows.first[s + 1]))
    return any(windows.start[w] * 10 <= ticks <= windows.end[w] * 10 for w in rows)


def _takes(tours: Tours, p: int, i: int, j: int, ticks: int) -> bool:
    """Is this the way from place i to place j, to the tick?"""
    places = tours.places
    if places.matrix.shape[0]:
        return ticks == places.matrix[tours.crew.mode[p], i, j] and ticks >= 0
    north = (float(places.lat[i]) - float(places.lat[j])) * 110.57
    east = math.remainder(float(places.lon[i]) - float(places.lon[j]), 360.0)
    km = math.hypot(north, east * 111.32 * math.cos(math.radians(float(places.lat.mean()))))
    return abs(ticks - places.detour * km / float(tours.crew.speed_kmh[p]) * 600) <= 0.5 + 1e-6


def _goods(tours: Tours, p: int, row: list[int]) -> Iterator[Finding]:
    crew, stops = tours.crew, tours.stops
    refills = row.count(-1)
    if refills and tours.depot is None:
        yield Finding("no_depot", person=p)
    if refills > 1:
        yield Finding("depot_twice", person=p)
    first = row.index(-1) if refills else len(row)
    before, after = row[:first], [s for s in row[first:] if s >= 0]
    for s in before:
        if any(need and not has for need, has in zip(stops.tools[s], crew.tools[p], strict=True)):
            yield Finding("tools", s, p)
    for q in range(crew.parts.shape[1]):
        if sum(int(stops.parts[s, q]) for s in before) > crew.parts[p, q]:
            yield Finding("parts", person=p)
    for part in (before, after):
        if sum(int(stops.quantity[s]) for s in part) > crew.capacity[p]:
            yield Finding("load", person=p)


def _figures(tours: Tours, plan: ToursPlan) -> Iterator[Finding]:
    missed = sum(PRIZE[int(tours.stops.priority[each.stop])] for each in plan.unserved)
    if missed != plan.missed:
        yield Finding("missed_miscounted")
    if int(plan.visits.travel.sum()) != plan.travel:
        yield Finding("travel_miscounted")
    if plan.bound > plan.missed or (plan.state == "covered" and plan.bound != plan.missed):
        yield Finding("bound")
