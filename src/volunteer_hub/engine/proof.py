"""A certificate that a plan is optimal, by linear-programming duality.

Given prices of units and people, weak duality says no plan can cost less than

    sum(heads x unit price) - sum(person price) - sum(room of an open-head arc x price above its penalty)

provided no allowed pair is cheaper than its prices allow (cost + person price >= unit price, person price
>= 0). If moreover the plan's own value equals that number, the plan is optimal. Everything is recomputed here
from the problem, pair by pair over all people and units: nothing of the search or the solver is used.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from volunteer_hub.engine.clock import Clock
from volunteer_hub.engine.compiled import compiled
from volunteer_hub.engine.floors import Floors
from volunteer_hub.engine.problem import Bools, Floats, Ints, Levels, Minutes, Pairs, Problem
from volunteer_hub.engine.terms import UNITS_PER_HOUR, Penalties, cost, distance_km, penalties
from volunteer_hub.engine.units import Access, Units, fills

BAND_KM = 0.25  # people lie in bands of latitude, from west to east in each
DAY = 24 * 60
AT_ONCE = 64  # units between two looks at the clock


@dataclass(frozen=True)
class Proof:
    primal: int  # value of the plan
    dual: int  # lower bound the prices give
    violated: int  # allowed pairs (and people) the prices do not honour
    pairs: int  # pairs looked at: every person with every unit

    @property
    def holds(self) -> bool:
        return self.primal == self.dual and self.violated == 0


@dataclass(frozen=True)
class InForce:
    """Orders given before a plan is changed: keeping one is worth `bonus`, to whichever unit of the slot."""

    kept: Pairs  # (person, slot) of people who are still there, each person at most once
    bonus: int  # 0.1 minutes
    absent: Ints  # rows of people who serve nowhere
    big: int  # of the penalties, at least what the problem needs


def scaled(penalty: Penalties, big: int) -> Penalties:
    """The same ranks on a larger scale."""
    return Penalties(
        big=big,
        short_target=penalty.short_target // penalty.big * big,
        short_minimum=penalty.short_minimum // penalty.big * big,
        lock=penalty.lock // penalty.big * big,
    )


def prove(
    problem: Problem,
    units: Units,
    person: Ints,
    unit: Ints,
    unit_price: Ints,
    person_price: Ints,
    clock: Clock,
    threads: int = 1,
    orders: InForce | None = None,
    floors: Floors | None = None,
    floor_price: Ints | None = None,
) -> Proof:
    """Check the assignment (person[i] on a head of unit[i]) against prices [U], [V] and, of floors, [G]. A
    person's price holds the share of every set they are in.

    Raises DeadlinePassed; ValueError when the assignment uses a person twice or more heads than there are,
    somebody absent or more of a set than its floor allows.
    """
    orders = orders or InForce(Pairs(), 0, person[:0], penalties(problem, units).big)
    prices = unit_price, person_price
    primal, dual, violated = values(problem, units, person, unit, *prices, orders, floors, floor_price)
    penalty = scaled(penalties(problem, units), orders.big)
    searched = np.ones(len(problem.people), np.bool_)
    searched[problem.locked.person] = searched[orders.absent] = False
    search = _Brute(problem, units, unit_price, person_price, searched)
    violated += search.tempted(clock, threads)
    violated += search.tempted_to_stay(orders)
    violated += _violated_locks(problem, units, unit_price, person_price, penalty.lock)
    return Proof(primal, dual, violated, len(problem.people) * len(units))


def values(
    problem: Problem,
    units: Units,
    person: Ints,
    unit: Ints,
    unit_price: Ints,
    person_price: Ints,
    orders: InForce | None = None,
    floors: Floors | None = None,
    floor_price: Ints | None = None,
) -> tuple[int, int, int]:
    """Value of the assignment, that of the prices, and how many people have one below 0. Raises ValueError
    as prove() does."""
    penalty = penalties(problem, units)
    orders = orders or InForce(Pairs(), 0, person[:0], penalty.big)
    penalty = scaled(penalty, orders.big)
    filled = np.bincount(unit, minlength=len(units))
    absent = np.zeros(len(problem.people), np.bool_)
    absent[orders.absent] = True
    if len(np.unique(person)) < len(person) or (filled > units.heads).any() or absent[person].any():
        raise ValueError("not an assignment")
    locked = np.isin(person, problem.locked.person)
    chosen = cost(problem, units, person, unit) - np.where(locked, penalty.lock, 0)
    chosen -= _worth_keeping(problem, units, person, unit, orders)
    below = np.maximum(units.minimum - filled, 0)
    above = units.heads - filled - below
    primal = int(chosen.sum()) + _dot(below, penalty.short_minimum) + _dot(above, penalty.short_target)
    own, floors_dual, broken = _own_prices(person, person_price, floors, floor_price)
    if broken:
        raise ValueError("not within the floors")
    dual = _dot(units.heads, unit_price) - int(own.sum()) - floors_dual
    dual -= _dot(units.heads - units.minimum, np.maximum(unit_price - penalty.short_target, 0))
    dual -= _dot(units.minimum, np.maximum(unit_price - penalty.short_minimum, 0))
    return primal, dual, int((own < 0).sum())


def _own_prices(
    person: Ints, person_price: Ints, floors: Floors | None, floor_price: Ints | None
) -> tuple[Ints, int, bool]:
    """Prices of people without what their sets take, the dual value of the sets, and whether one has more of
    its people taken than allowed or a price below 0."""
    if floors is None or floor_price is None:
        return person_price, 0, False
    own, taken = person_price.copy(), np.zeros(len(person_price), np.int64)
    taken[person] = 1
    for g in range(len(floors)):
        own[floors.members(g)] -= floor_price[g]
    counts = np.array([taken[floors.members(g)].sum() for g in range(len(floors))], dtype=np.int64)
    broken = bool((counts > floors.most).any() or (floor_price < 0).any())
    return own, _dot(floors.most, floor_price), broken


def _dot(count: Ints, price: Ints) -> int:
    """In Python's own integers: sums of penalties may pass 64 bits."""
    return sum(int(c) * int(p) for c, p in zip(count, price, strict=True) if c)


class _People(NamedTuple):
    """Everybody not locked, from west to east in bands of latitude. The first six are in that order; the
    others are the problem's own, by row."""

    place: Floats  # band x width of the map + km from its west
    x: Floats
    y: Floats
    rate: Floats  # cost of a km
    least: Ints  # cost without travel and night, and the person's price
    row: Ints
    night_cost: Ints
    day_km: Floats
    night_km: Floats
    adult: Bools
    insured: Bools
    fit: Bools
    night_travel: Bools
    levels: Levels  # [K, V], as the problem's lie in memory
    cert_until: Minutes
    free_first: Ints
    free_start: Ints
    free_end: Ints
    busy_first: Ints
    busy_start: Ints
    busy_end: Ints
    rest_since: Ints
    minutes_24h: Ints
    zone: Ints


class _Asked(NamedTuple):
    """What the units ask, by unit, and their prices."""

    price: Ints
    x: Floats
    y: Floats
    max_km: Floats
    start: Ints
    end: Ints
    adult_only: Bools
    insured_only: Bools
    hazardous: Bools
    night: Bools
    open: Bools
    need_skill: Ints
    need_level: Ints
    slot: Ints
    barred_first: Ints  # by slot
    barred: Ints  # rows of people, ascending
    tenths: Ints


class _Frame(NamedTuple):
    """The map and the limits."""

    west: float
    south: float
    width: float
    bands: int
    least_rate: float  # no km costs less; 0 when travel is measured and distance says nothing
    pause: int
    most_minutes: int


def _worth_keeping(problem: Problem, units: Units, person: Ints, unit: Ints, orders: InForce) -> Ints:
    before = np.full(len(problem.people), -1)
    before[orders.kept.person] = orders.kept.slot
    before[problem.locked.person] = -1  # decided anyway
    return np.where(before[person] == units.slot[unit], orders.bonus, 0)


class _Brute:
    """Every person in every box that could hold one who is cheaper than the prices allow is looked at."""

    def __init__(
        self, problem: Problem, units: Units, unit_price: Ints, person_price: Ints, undecided: Bools
    ) -> None:
        self._problem, self._units, self._undecided = problem, units, undecided
        self._unit_price, self._person_price = unit_price, person_price
        self._frame, self._people = _people(problem, person_price, undecided)
        self._asked = _asked(problem, units, unit_price)

    def tempted(self, clock: Clock, threads: int) -> int:
        """Allowed pairs with cost + person price below the unit's price."""

        def count(begin: int) -> int:
            clock.check()
            end = min(begin + AT_ONCE, len(self._units))
            return _count(self._frame, self._people, self._asked, begin, end)

        if not len(self._people.row):
            return 0
        parts = range(0, len(self._units), AT_ONCE)
        if threads == 1:
            return sum(map(count, parts))
        with ThreadPoolExecutor(threads) as workers:
            return sum(workers.map(count, parts))

    def tempted_to_stay(self, orders: InForce) -> int:
        """The same of orders in force, cheaper by their bonus, and each unit of their slot."""
        units, by_slot = self._units, np.argsort(self._units.slot, kind="stable")
        mine = self._undecided[orders.kept.person]
        person, slot = orders.kept.person[mine], orders.kept.slot[mine]
        low = np.searchsorted(units.slot[by_slot], slot)
        count = np.searchsorted(units.slot[by_slot], slot, side="right") - low
        v = np.repeat(person, count)
        u = by_slot[np.repeat(low - np.cumsum(count) + count, count) + np.arange(len(v))]
        score = cost(self._problem, units, v, u) - orders.bonus + self._person_price[v]
        below = (score < self._unit_price[u]) & (units.access[u] == Access.OPEN)
        if self._problem.travel is not None:
            below &= self._problem.travel.reachable(v, units.slot[u])
        v, u = v[below], u[below]
        km = distance_km(self._problem, units, v, u)
        rows = zip(v.tolist(), u.tolist(), km.tolist(), strict=True)
        return sum(_allowed(self._frame, self._people, self._asked, *row) for row in rows)


def _people(problem: Problem, person_price: Ints, undecided: Bools) -> tuple[_Frame, _People]:
    people, travel = problem.people, problem.travel
    x, y = problem.homes
    if not len(x):
        x, y = np.zeros(1), np.zeros(1)
    west, south = float(x.min()), float(y.min())
    width, bands = float(np.ptp(x)) + 1.0, int((y.max() - south) / BAND_KM) + 1
    row = np.flatnonzero(undecided)
    place = np.floor((y[row] - south) / BAND_KM) * width + (x[row] - west)
    order = np.argsort(place)
    row, place = row[order], place[order]
    del order  # a city's worth of memory
    rate = problem.limits.detour * UNITS_PER_HOUR / people.speed_kmh[row]
    frame = _Frame(
        west, south, width, bands,
        0.0 if travel is not None else float(rate.min(initial=np.inf)),
        problem.limits.min_rest_min, problem.limits.max_minutes_24h,
    )  # fmt: skip
    return frame, _People(
        place, x[row], y[row], rate, people.fatigue[row] + person_price[row], row,
        people.night_cost, *people.reach_km, people.adult, people.insured, people.fit, people.night_travel,
        people.levels.T, people.cert_until.T, people.free.first, people.free.start, people.free.end,
        people.busy.first, people.busy.start, people.busy.end, people.rest_since, people.minutes_24h,
        np.zeros(0, np.int64) if travel is None else travel.zone.copy(),
    )  # fmt: skip


def _asked(problem: Problem, units: Units, unit_price: Ints) -> _Asked:
    barred = np.lexsort((problem.forbidden.person, problem.forbidden.slot))
    slots = np.arange(len(problem.slots) + 1)
    tenths = np.zeros((0, 0), np.int64) if problem.travel is None else problem.travel.tenths.copy()
    return _Asked(
        unit_price, units.x, units.y, units.max_km, units.start, units.end, units.adult_only,
        units.insured_only, units.hazardous, units.night, units.access == Access.OPEN, units.need_skill,
        units.need_level, units.slot, np.searchsorted(problem.forbidden.slot[barred], slots),
        problem.forbidden.person[barred], tenths,
    )  # fmt: skip


@compiled
def _count(frame: _Frame, people: _People, asked: _Asked, begin: int, end: int) -> int:
    """Violated pairs of units begin..end. One long loop: it is asked about every pair there is."""
    place, x, y, rate, least, row = people.place, people.x, people.y, people.rate, people.least, people.row
    night_cost, levels, zone, tenths = people.night_cost, people.levels, people.zone, asked.tenths
    adult, insured, fit = people.adult, people.insured, people.fit
    free_first, free_start, free_end = people.free_first, people.free_start, people.free_end
    violated, measured = 0, len(zone) > 0
    for u in range(begin, end):
        limit = people.night_km if asked.night[u] else people.day_km
        adult_only, insured_only, hazardous = asked.adult_only[u], asked.insured_only[u], asked.hazardous[u]
        since, until = asked.start[u], asked.end[u]
        ceiling, reach, slot, night = asked.price[u], asked.max_km[u], asked.slot[u], asked.night[u]
        if not asked.open[u] or ceiling <= 0:
            continue
        if frame.least_rate > 0 and ceiling < reach * frame.least_rate:
            reach = ceiling / frame.least_rate
        reach = min(reach, frame.width + frame.bands * BAND_KM) + 0.001
        unit_x, unit_y = asked.x[u], asked.y[u]
        k, level = asked.need_skill[u, 0], asked.need_level[u, 0]
        low = max(0, int(np.floor((unit_y - reach - frame.south) / BAND_KM)))
        high = min(frame.bands - 1, int(np.floor((unit_y + reach - frame.south) / BAND_KM)))
        west = max(0.0, unit_x - reach - frame.west)
        east = min(frame.width, unit_x + reach - frame.west)
        for band in range(low, high + 1 if west <= east else low):
            first = np.searchsorted(place, band * frame.width + west)
            last = np.searchsorted(place, band * frame.width + east, side="right")
            for i in range(first, last):
                if least[i] >= ceiling:
                    continue
                dx, dy = x[i] - unit_x, y[i] - unit_y
                km = np.sqrt(dx * dx + dy * dy)
                if not measured and np.floor(rate[i] * km + 0.5) + least[i] >= ceiling:
                    continue
                v = row[i]
                # The commonest reasons first and here: a call for every pair would cost more than the pair.
                if (k >= 0 and levels[k, v] < level) or km > limit[v] or (adult_only and not adult[v]):
                    continue
                if (insured_only and not insured[v]) or (hazardous and not fit[v]):
                    continue
                w, last_free = free_first[v], free_first[v + 1]
                while w < last_free and not (free_start[w] <= since and until <= free_end[w]):
                    w += 1
                way = tenths[zone[v], slot] if measured else int(np.floor(rate[i] * km + 0.5))
                score = way + least[i] + (night_cost[v] if night else 0)
                if w < last_free and way >= 0 and score < ceiling:
                    violated += _allowed(frame, people, asked, v, u, km)
    return violated


@compiled
def _allowed(frame: _Frame, people: _People, asked: _Asked, v: int, u: int, km: float) -> bool:
    """Every hard rule once more, for one pair."""
    start, end, night = asked.start[u], asked.end[u], asked.night[u]
    for r in range(asked.need_skill.shape[1]):
        k = asked.need_skill[u, r]
        if k >= 0 and (people.levels[k, v] < asked.need_level[u, r] or people.cert_until[k, v] < end):
            return False
    if km > asked.max_km[u] or km > (people.night_km[v] if night else people.day_km[v]):
        return False
    barred = (asked.adult_only[u] and not people.adult[v]) or (
        asked.insured_only[u] and not people.insured[v]
    )
    barred = barred or (asked.hazardous[u] and not people.fit[v]) or (night and not people.night_travel[v])
    for i in range(asked.barred_first[asked.slot[u]], asked.barred_first[asked.slot[u] + 1]):
        barred = barred or asked.barred[i] == v
    covered = False
    for i in range(people.free_first[v], people.free_first[v + 1]):
        covered = covered or (people.free_start[i] <= start and end <= people.free_end[i])
    pause = start - people.rest_since[v]
    minutes = end - start + (people.minutes_24h[v] if end < DAY else 0)
    for i in range(people.busy_first[v], people.busy_first[v + 1]):
        since, until = people.busy_start[i], people.busy_end[i]
        pause = min(pause, max(since - end, start - until))  # below 0 when they overlap
        minutes += max(0, min(until, end) - max(since, end - DAY))
    return not barred and covered and pause >= frame.pause and minutes <= frame.most_minutes


def _violated_locks(problem: Problem, units: Units, unit_price: Ints, person_price: Ints, lock: int) -> int:
    violated = 0
    for v, slot in problem.locked.rows():
        for u in np.flatnonzero((units.slot == slot) & (units.access != Access.CLOSED)):
            if fills(problem, v, slot, units.minima[u]):
                least = int(cost(problem, units, np.array([v]), np.array([u]))[0]) - lock
                violated += least + int(person_price[v]) < int(unit_price[u])
    return violated
