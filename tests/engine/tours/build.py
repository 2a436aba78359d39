"""Small problems of tours, on a street with a house every 250 metres (a minute's walk at 15 km/h)."""

from __future__ import annotations

from typing import Any

import numpy as np

from volunteer_hub.engine.arrays import Intervals
from volunteer_hub.engine.tours.problem import Crew, Depot, Places, Stops, Tours

HOUSES = 40
KM_PER_DEGREE = 110.57


def street(houses: int = HOUSES) -> Places:
    """House i lies i * 250 m north of house 0."""
    return Places(lat=46.0 + np.arange(houses) * 0.25 / KM_PER_DEGREE, lon=np.full(houses, 125.0), detour=1.0)


def crew(*homes: int, **given: Any) -> Crew:
    """People at these houses from minute 0 to 240 with the first of two skills, walking 15 km/h."""
    count = len(homes)
    columns: dict[str, Any] = {
        "key": np.arange(count),
        "start": np.array(homes, np.int64),
        "end": np.array(homes, np.int64),
        "since": np.zeros(count, np.int64),
        "until": np.full(count, 240),
        "levels": np.tile([1, 0], (count, 1)),
        "speed_kmh": np.full(count, 15.0),
    }
    return Crew(**(columns | given))


def stops(*houses: int, windows: list[tuple[int, int, int]] | None = None, **given: Any) -> Stops:
    """Ten minutes at each of these houses at any time; windows: (stop, from, until)."""
    count = len(houses)
    rows = windows if windows is not None else [(s, 0, 1000) for s in range(count)]
    columns: dict[str, Any] = {
        "key": np.arange(count),
        "place": np.array(houses, np.int64),
        "windows": Intervals.of(count, [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows]),
        "service": np.full(count, 10),
        "priority": np.full(count, 3),
        "skill": np.full(count, -1),
        "level": np.ones(count, np.int64),
    }
    return Stops(**(columns | given))


def random_tours(seed: int, people: int, count: int, limits: bool = True) -> Tours:
    """Every rule in play, too little time for all stops. `limits`: goods, a depot and short duties too."""
    rng = np.random.default_rng(seed)
    homes = rng.integers(0, HOUSES, people)
    end = np.where(rng.random(people) < 0.3, -1, homes)
    end = np.where(rng.random(people) < 0.2, rng.integers(0, HOUSES, people), end)
    since = rng.integers(0, 30, people)
    windows = []
    for s in range(count):
        opens = int(rng.integers(0, 90))
        windows.append((s, opens, opens + int(rng.choice([10, 30, 60]))))
        if rng.random() < 0.3:
            windows.append((s, opens + 80, opens + 100))
    goods = {
        "tools": rng.random((count, 2)) < 0.2,
        "parts": rng.choice([0, 0, 1], (count, 2)),
        "quantity": rng.integers(0, 3, count),
    }
    carried = {
        "longest": rng.choice([60, 200], people),
        "capacity": rng.integers(1, 5, people),
        "tools": rng.random((people, 2)) < 0.5,
        "parts": rng.integers(0, 2, (people, 2)),
    }
    return Tours(
        street(),
        crew(
            *homes.tolist(),
            end=end,
            since=since,
            until=since + rng.choice([60, 120, 180], people),
            levels=rng.choice([0, 1, 2, 2], (people, 2)),
            speed_kmh=rng.choice([5.0, 15.0, 17.3], people),
            **(carried if limits else {}),
        ),
        stops(
            *rng.integers(0, HOUSES, count).tolist(),
            windows=windows,
            service=rng.choice([0, 5, 20], count),
            priority=rng.integers(1, 6, count),
            skill=rng.choice([-1, -1, 0, 1], count),
            level=rng.choice([1, 1, 2], count),
            **(goods if limits else {}),
        ),
        Depot(int(rng.integers(0, HOUSES)), 5) if limits and rng.random() < 0.6 else None,
    )
