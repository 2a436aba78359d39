"""Small problems for tests: everybody willing, near and free unless said otherwise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from volunteer_hub.engine.problem import (
    FOREVER,
    LONG_AGO,
    Intervals,
    Limits,
    Minima,
    Options,
    Pairs,
    People,
    Problem,
    Slots,
)
from volunteer_hub.engine.travel import NO_WAY, Matrix

LAT, LON = 46.6, 125.1
KM = 1 / 110.57  # degrees of latitude
MEDIC, DRIVER, BOAT = 0, 1, 2
LAX = Limits(min_rest_min=0, max_minutes_24h=10_000)


def people(count: int, **given: object) -> People:
    """`km`: distance north of the centre; levels [count, 3], nobody skilled by default."""
    km = np.asarray(given.pop("km", np.zeros(count)), dtype=float)
    columns: dict[str, object] = {
        "key": np.arange(count) + 100,
        "lat": LAT + km * KM,
        "lon": np.full(count, LON),
        "levels": np.zeros((count, 3), np.int8),
        "cert_until": np.full((count, 3), FOREVER),
        "free": Intervals.always(count),
        "busy": Intervals.none(count),
        "adult": np.ones(count, bool),
        "insured": np.ones(count, bool),
        "fit": np.ones(count, bool),
        "night_travel": np.ones(count, bool),
        "speed_kmh": np.full(count, 30.0),
        "max_km": np.full(count, 50.0),
        "fatigue": np.zeros(count, int),
        "night_cost": np.zeros(count, int),
        "served": np.zeros(count, int),
        "rest_since": np.full(count, LONG_AGO),
        "minutes_24h": np.zeros(count, int),
    }
    return People(**(columns | given))


def slots(count: int, **given: object) -> Slots:
    """At the centre, from minute 600 to 840, one head each, open to anybody."""
    km = np.asarray(given.pop("km", np.zeros(count)), dtype=float)
    target = np.asarray(given.get("target", np.ones(count, int)))
    columns: dict[str, object] = {
        "key": np.arange(count) + 500,
        "task": np.arange(count),
        "lat": LAT + km * KM,
        "lon": np.full(count, LON),
        "start": np.full(count, 600),
        "end": np.full(count, 840),
        "minimum": target,
        "target": target,
        "maximum": target * 2,
        "priority": np.full(count, 3),
        "skill": np.full(count, -1),
        "level": np.ones(count, int),
        "adult_only": np.zeros(count, bool),
        "insured_only": np.zeros(count, bool),
        "hazardous": np.zeros(count, bool),
        "night": np.zeros(count, bool),
        "max_km": np.full(count, 100.0),
    }
    return Slots(**(columns | given))


def skilled(*rows: tuple[int, int, int]) -> np.ndarray:
    """Levels as medic, driver, boat handler, one row per person."""
    return np.array(rows, dtype=np.int8)


def pairs(*rows: tuple[int, int]) -> Pairs:
    return Pairs(np.array([v for v, _ in rows]), np.array([s for _, s in rows]))


def minima(*rows: tuple[int, int, int, int, bool]) -> Minima:
    """(slot, skill, level, heads, may_share)"""
    return Minima(*(np.array(column) for column in zip(*rows, strict=True)))


def random_problem(seed: int, count: int, places: int, nested: bool = True) -> Problem:
    """Every rule in play, scarce enough for gaps, coarse enough for ties."""
    rng = np.random.default_rng(seed)

    def some(share: float, size: int = count) -> np.ndarray:
        return rng.random(size) < share

    levels = rng.choice([0, 1, 2, 3], (count, 3), p=[0.55, 0.25, 0.15, 0.05]).astype(np.int8)
    starts = rng.choice([300, 600], places)
    target = rng.integers(1, 4, places)
    minimum = rng.integers(0, target + 1)
    skill = rng.integers(-1, 3, places)
    busy_people = np.flatnonzero(some(0.2))
    busy_start = rng.choice([0, 350, 1600], len(busy_people))
    pool = people(
        count,
        km=rng.integers(0, 12, count) * 0.25,
        levels=levels,
        cert_until=np.where(some(0.1, count * 3).reshape(count, 3), 700, FOREVER),
        free=Intervals.of(count, np.arange(count), np.where(some(0.2), 400, 0), np.full(count, 2000)),
        busy=Intervals.of(count, busy_people, busy_start, busy_start + 100),
        adult=some(0.9),
        insured=some(0.9),
        fit=some(0.9),
        night_travel=some(0.9),
        speed_kmh=rng.choice([5.0, 15.0, 30.0], count),
        max_km=rng.choice([1.1, 2.1, 3.1], count),  # never exactly a distance
        fatigue=rng.integers(0, 3, count) * 10,
        night_cost=rng.integers(0, 3, count) * 5,
        served=rng.integers(0, 4, count),
        rest_since=np.where(some(0.1), 100, LONG_AGO),
        minutes_24h=np.where(some(0.1), 600, 0),
        night_km=np.random.default_rng(seed + 1).choice([0.6, 5.1], count, p=[0.2, 0.8]),
    )
    wanted = slots(
        places,
        km=rng.integers(0, 12, places) * 0.25,
        start=starts,
        end=starts + rng.choice([120, 240], places),
        minimum=minimum,
        target=target,
        maximum=target + 1,
        priority=rng.integers(1, 6, places),
        skill=skill,
        level=rng.choice([1, 2], places),
        adult_only=some(0.3, places),
        insured_only=some(0.3, places),
        hazardous=some(0.3, places),
        night=some(0.4, places),
        max_km=rng.choice([2.1, 5.1], places),
    )
    rows = [(s, int(rng.integers(0, 3)), 1, 1, False) for s in range(places) if nested and rng.random() < 0.3]
    barred = [(int(rng.integers(count)), int(rng.integers(places))) for _ in range(3)]
    plain = sorted(set(range(places)) - {s for s, *_ in rows})
    locked = [(0, int(rng.choice(plain)))] if plain and some(0.5, 1)[0] else []
    barred = [pair for pair in barred if pair not in locked]
    return Problem(
        pool,
        wanted,
        minima(*rows) if rows else Minima(),
        pairs(*locked) if locked else Pairs(),
        pairs(*barred),
        Limits(min_rest_min=300),
    )


def measured(problem: Problem, seed: int) -> Problem:
    """The same with travel times from a road service that knows four zones, some without a way."""
    rng = np.random.default_rng(seed)
    tenths = np.where(rng.random((4, len(problem.slots))) < 0.1, NO_WAY, 0)
    tenths += (tenths == 0) * rng.integers(0, 30, tenths.shape) * 10
    return replace(problem, travel=Matrix(rng.integers(0, 4, len(problem.people)), tenths))


def take(pool: People, rows: np.ndarray) -> People:
    """The same people in another order (busy and free: always and none)."""
    columns = {
        name: getattr(pool, name)[rows] for name in pool.__dataclass_fields__ if name not in ("free", "busy")
    }
    return People(**columns, free=Intervals.always(len(rows)), busy=Intervals.none(len(rows)))


UNHURRIED = Options(deadline_s=120)
