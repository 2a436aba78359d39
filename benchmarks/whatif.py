"""What an imagined callout costs: one in a city of 100,000, and cells of a whole city and week.

    python -m benchmarks.whatif            one scenario, 500 cells, one worker and two
    python -m benchmarks.whatif --quick    20,000 people, 4 cells, one worker

The hazards are those of config/hazards.toml, their skills laid onto the forty of the made-up city; each cell
asks the people of its own town. Seconds a cell are those of a processor, whatever else the machine does;
two workers are measured by the clock. Readiness is told of every community and skill at one hour.
"""

from __future__ import annotations

import multiprocessing
import statistics
import sys
import time
from dataclasses import replace
from functools import cache

import numpy as np

from benchmarks import report
from benchmarks.city_arrays import COMMUNITIES, SKILLS, TOWNS, city_problem
from volunteer_hub.core import policy
from volunteer_hub.drills.policy import Drills
from volunteer_hub.engine.changes import some
from volunteer_hub.engine.play import Answering, Rules
from volunteer_hub.engine.problem import Ints, Limits, Minima, People, Problem, Slots
from volunteer_hub.engine.readiness import Crowd, parts
from volunteer_hub.engine.shock import shock
from volunteer_hub.engine.solve import warm
from volunteer_hub.engine.waves import Curve
from volunteer_hub.engine.whatif import WhatIf, whatif
from volunteer_hub.incidents.policy import Hazard, Hazards

QUICK = "--quick" in sys.argv
PEOPLE = 20_000 if QUICK else 100_000
DAY, NIGHT = 600, 960  # minutes at which a scenario begins, by day and at night
END = 1440
DRAWS = 1000
CURVES = (Curve((1, 2, 5, 14, 35, 120), (0.10, 0.25, 0.50, 0.75, 0.90, 0.99)),
          Curve((1, 2, 6, 60), (0.50, 0.75, 0.90, 0.99)))  # fmt: skip
HOURS = {str(kind): hours for kind, hours in policy.load("drills", Drills).what_if.hours.items()}


@cache
def city() -> tuple[People, Answering, Ints]:
    """People, their answers, and the town of each."""
    people = city_problem(PEOPLE, 10).people
    rng = np.random.default_rng(7)
    chance = rng.choice([0.0, 0.28, 0.40, 0.45], PEOPLE, p=[0.05, 0.2, 0.6, 0.15])
    answering = Answering(chance, (chance == 0.45).astype(np.int64), CURVES, shock(0.03, 36))
    at = np.column_stack([people.lat, people.lon])
    town = np.argmin(((at[:, None, :] - TOWNS[None, :, :2]) ** 2).sum(axis=2), axis=1)
    return people, answering, town


@cache
def of_town(town: int) -> tuple[People, Answering]:
    """Those of one town whom something reaches; all of the city for -1."""
    people, answering, where = city()
    rows = np.flatnonzero((answering.chance > 0) & ((where == town) | (town < 0)))
    return some(people, rows), answering.some(rows)


def scenario(hazard: Hazard, people: People, lat: float, lon: float, begins: int) -> Problem:
    """The hazard's tasks at a place."""
    slots = [(n, task, slot) for n, task in enumerate(hazard.tasks.values()) for slot in task.slots]
    minutes = np.array([task.minutes for _, task, _ in slots])
    start = np.minimum(begins, END - minutes)
    count = len(slots)

    def flags(values: list[bool]) -> np.ndarray:
        return np.array(values, dtype=np.bool_)

    wanted = Slots(
        key=np.arange(count), task=np.array([n for n, _, _ in slots]),
        lat=np.full(count, lat), lon=np.full(count, lon), start=start, end=start + minutes,
        minimum=np.array([slot.minimum for _, _, slot in slots]),
        target=np.array([slot.target for _, _, slot in slots]),
        maximum=np.array([slot.maximum for _, _, slot in slots]),
        priority=np.array([6 - task.priority for _, task, _ in slots]),
        skill=np.array([numbers()[slot.skill] for _, _, slot in slots]),
        level=np.array([slot.level for _, _, slot in slots]),
        adult_only=flags([slot.adult_only for _, _, slot in slots]),
        insured_only=flags([slot.insured_only for _, _, slot in slots]),
        hazardous=np.full(count, hazard.hazardous), night=np.full(count, begins == NIGHT),
        max_km=np.full(count, 200.0),
    )  # fmt: skip
    nested = [(s, m) for s, (_, _, slot) in enumerate(slots) for m in slot.minima]
    minima = Minima(
        np.array([s for s, _ in nested], dtype=np.int64),
        np.array([numbers()[m.skill] for _, m in nested], dtype=np.int64),
        np.array([m.level for _, m in nested], dtype=np.int64),
        np.array([m.heads for _, m in nested], dtype=np.int64),
        flags([m.may_share for _, m in nested]),
    )
    return Problem(people, wanted, minima, limits=Limits())


@cache
def hazards() -> dict[str, Hazard]:
    """As configured."""
    return dict(policy.load("hazards", Hazards).hazards)


@cache
def numbers() -> dict[str, int]:
    """Skill -> one of the city's, the skills named most often the most popular there."""
    named = [code for _, code in policy.load("hazards", Hazards).skills_named()]
    order = sorted(set(named), key=lambda code: (-named.count(code), code))
    return {code: n % SKILLS for n, code in enumerate(order)}


def cell(number: int) -> tuple[float, float]:
    """Plays one cell; seconds of processor, and the chance that all is covered within the hour."""
    rng = np.random.default_rng(number)
    people, _, where = city()
    home = int(rng.integers(PEOPLE))
    code = list(hazards())[number % len(hazards())]
    mine, answering = of_town(int(where[home]))
    began = time.process_time()
    problem = scenario(
        hazards()[code], mine, people.lat[home], people.lon[home], (DAY, NIGHT)[number // 12 % 2]
    )
    found = played(problem, answering)
    return time.process_time() - began, float(found.played.all_sure[RULES.at])


RULES = Rules(draws=DRAWS, minutes=(0.0, 15.0, 30.0, 60.0, 120.0))


def played(problem: Problem, answering: Answering, rules: Rules = RULES) -> WhatIf:
    """With what would help."""
    return whatif(problem, answering, rules, HOURS)


def ready() -> float:
    """Seconds for the readiness of every community and skill at one hour."""
    people, answering, _ = city()
    rng = np.random.default_rng(3)
    crowd = Crowd(
        area=rng.integers(0, COMMUNITIES, PEOPLE),
        holds=people.levels > 0,
        free=rng.random(PEOPLE) < 0.5,
        ways=rng.exponential(8.0, PEOPLE),
        answering=answering,
    )
    parts(crowd, COMMUNITIES, (15.0,), 10.0, 0.3)  # loads the loops
    began = time.process_time()
    parts(crowd, COMMUNITIES, (15.0, 30.0, 60.0), 10.0, 0.3)
    return time.process_time() - began


def _load(_: int) -> None:
    warm()
    city()
    for town in range(len(TOWNS)):
        of_town(town)
    cell(0)


def by_workers(workers: int, cells: int) -> float:
    """Seconds by the clock for so many cells."""
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        pool.map(_load, range(workers), chunksize=1)
        began = time.perf_counter()
        pool.map(cell, range(cells), chunksize=1)
        return time.perf_counter() - began


def main() -> int:
    report.machine()
    count = 4 if QUICK else 500
    warm()
    people, answering = of_town(-1)
    whole = replace(RULES, minutes=Rules().minutes)
    problem = scenario(hazards()["flood"], people, 46.59, 125.10, NIGHT)
    played(problem, answering, whole)  # sizes are looked up, loops loaded
    fresh = replace(answering, sizes={})
    began = time.process_time()
    found = played(problem, fresh, whole)
    one = time.process_time() - began
    _load(0)
    seconds, sure = zip(*(cell(number) for number in range(count)), strict=True)
    readiness = ready()
    workers = () if QUICK else (1, 2)
    clock = {number: by_workers(number, count) for number in workers}
    ordered = sorted(seconds)
    report.table(
        f"Imagined callouts, {PEOPLE:,} people, {DRAWS:,} draws, with what would help",
        ("what", "seconds"),
        [
            (f"a flood at night, {int(found.asked.sum())} asked of the whole city", one),
            (f"a cell, mean of {count}", statistics.fmean(seconds)),
            ("a cell, median", statistics.median(seconds)),
            ("a cell, the slowest", ordered[-1]),
            ("readiness of 258 communities x 40 skills at an hour", readiness),
            *((f"{count} cells by the clock, workers: {number}", took) for number, took in clock.items()),
        ],
    )
    print(f"covered for sure in {sum(share >= 0.95 for share in sure)} of {count} cells")
    met = [
        report.bar("whatif.one", one, "<=", 5.0),
        report.bar("whatif.cell", statistics.fmean(seconds), "<=", 1.0),
    ]
    if clock:
        report.info("whatif.two_workers", clock[1] / clock[2])
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
