"""A seeded made-up city as engine arrays: nine towns over some hundred kilometres, 258 communities, 40 skills
with Zipf popularity, one to six skills a person, four operational periods of six hours."""

from __future__ import annotations

import numpy as np

from volunteer_hub.engine.problem import FOREVER, LONG_AGO, Floats, Intervals, Ints, People, Problem, Slots

SKILLS = 40
COMMUNITIES = 258
PERIOD = 360  # minutes
TOWNS = np.array(
    [  # latitude, longitude, share of the people
        [46.59, 125.10, 0.34], [46.65, 124.87, 0.20], [46.53, 125.11, 0.10],
        [46.40, 124.89, 0.07], [46.03, 124.82, 0.07], [45.70, 125.27, 0.07],
        [45.52, 125.08, 0.06], [47.18, 124.87, 0.05], [46.86, 124.44, 0.04],
    ]
)  # fmt: skip
AVAILABLE = [(0, 4), (0, 2), (2, 4), (3, 4), (1, 3), (0, 3), (0, 1)]  # first and last period
AVAILABLE_SHARE = [0.15, 0.15, 0.2, 0.15, 0.15, 0.1, 0.1]


def city_problem(people: int, heads: int, seed: int = 1, helpers: float = 0.25) -> Problem:
    """People and slots with `heads` heads wanted in all; a share `helpers` of slots takes anybody."""
    rng = np.random.default_rng(seed)
    town = rng.choice(len(TOWNS), COMMUNITIES, p=TOWNS[:, 2])
    centre = TOWNS[town, :2] + rng.normal(0, [0.035, 0.05], (COMMUNITIES, 2))
    share = rng.lognormal(0, 0.7, COMMUNITIES)
    share /= share.sum()
    return Problem(people_around(rng, people, centre, share), _slots(rng, heads, centre, share, helpers))


def _popularity() -> Floats:
    weight = 1.0 / np.arange(1, SKILLS + 1)
    popularity: Floats = weight / weight.sum()
    return popularity


def people_around(rng: np.random.Generator, count: int, centre: Floats, share: Floats) -> People:
    """People scattered around centres [C, 2] (latitude, longitude) of which each has its share [C]."""
    home = centre[rng.choice(len(centre), count, p=share)] + rng.normal(0, [0.0063, 0.0091], (count, 2))
    levels = np.zeros((count, SKILLS), np.int8)
    how_many = rng.choice(6, count, p=[0.45, 0.25, 0.15, 0.08, 0.05, 0.02]) + 1
    for k in range(6):
        row = np.flatnonzero(how_many > k)
        levels[row, rng.choice(SKILLS, len(row), p=_popularity())] = rng.choice(
            [1, 2, 3], len(row), p=[0.6, 0.3, 0.1]
        )
    until = np.where(rng.random((count, SKILLS)) < 0.03, np.int32(-1), np.int32(FOREVER))
    window = np.array(AVAILABLE)[rng.choice(len(AVAILABLE), count, p=AVAILABLE_SHARE)] * PERIOD
    on_duty = np.flatnonzero(rng.random(count) < 0.03)
    hour = rng.integers(0, 20, len(on_duty)) * 60
    reach = rng.choice(3, count, p=[0.1, 0.3, 0.6])  # on foot, bicycle, car
    return People(
        key=rng.permutation(count) + 10**6,
        lat=home[:, 0],
        lon=home[:, 1],
        levels=levels,
        cert_until=until,
        free=Intervals(np.arange(count + 1), window[:, 0], window[:, 1]),
        busy=Intervals.of(count, on_duty, hour, hour + 240),
        adult=rng.random(count) < 0.97,
        insured=rng.random(count) < 0.9,
        fit=rng.random(count) < 0.85,
        night_travel=rng.random(count) < 0.9,
        speed_kmh=np.array([5.0, 14.0, 30.0])[reach],
        max_km=np.array([4.0, 12.0, 25.0])[reach],
        fatigue=np.minimum(100, rng.exponential(25, count)).astype(np.int64),
        night_cost=rng.integers(0, 60, count),
        served=rng.poisson(2.0, count),
        rest_since=np.where(rng.random(count) < 0.05, -300, LONG_AGO),
        minutes_24h=np.where(rng.random(count) < 0.05, 480, 0),
    )


def _slots(rng: np.random.Generator, heads: int, centre: Floats, share: Floats, helpers: float) -> Slots:
    hot = rng.choice(COMMUNITIES, 12, replace=False)  # where the disaster is
    rows: list[tuple[float, ...]] = []
    left, task = heads, 0
    while left > 0:
        community = rng.choice(COMMUNITIES, p=share) if rng.random() < 0.6 else rng.choice(hot)
        lat, lon = centre[community] + rng.normal(0, [0.009, 0.013])
        priority = rng.choice([1, 2, 3, 4, 5], p=[0.3, 0.3, 0.2, 0.12, 0.08])
        first, last = AVAILABLE[rng.choice([6, 1, 2, 3, 4], p=[0.3, 0.15, 0.2, 0.2, 0.15])]
        for _ in range(rng.choice([1, 2, 3, 4], p=[0.45, 0.3, 0.15, 0.1])):
            target = int(min(rng.geometric(0.25), 40, left))
            if target:
                skill, level = rng.choice(SKILLS, p=_popularity()), rng.choice([1, 2, 3], p=[0.7, 0.25, 0.05])
                rows.append((task, lat, lon, priority, first, last, skill, level, target))
                left -= target
        task += 1
    table = np.array(rows)
    whole: Ints = table.astype(np.int64)
    count, wanted = len(table), whole[:, 8]
    start, end = whole[:, 4] * PERIOD, np.minimum(whole[:, 5], whole[:, 4] + 2) * PERIOD
    return Slots(
        key=np.arange(count),
        task=whole[:, 0],
        lat=table[:, 1],
        lon=table[:, 2],
        start=start,
        end=end,
        minimum=np.maximum(1, np.round(wanted * 0.6)).astype(np.int64),
        target=wanted,
        maximum=wanted + wanted // 2,
        priority=whole[:, 3],
        skill=np.where(rng.random(count) < helpers, -1, whole[:, 6]),
        level=whole[:, 7],
        adult_only=rng.random(count) < 0.3,
        insured_only=rng.random(count) < 0.3,
        hazardous=rng.random(count) < 0.2,
        night=end > 3 * PERIOD,
        max_km=np.full(count, 30.0),
    )
