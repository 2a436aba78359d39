"""The assignment instances of the OR-Library (Beasley), solved by the engine as travel times.

    python -m benchmarks.instances.assign --data DIR        100, 300, 500 and 700 rows

Row i is a person, column j a slot of one head, the cost a measured time in 0.1 minutes. This file only
translates. scipy's linear_sum_assignment runs beside.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import tarfile
import time
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment

from benchmarks import report
from volunteer_hub.engine.check import check
from volunteer_hub.engine.problem import (
    FOREVER,
    LONG_AGO,
    Intervals,
    Ints,
    Options,
    People,
    Problem,
    Slots,
)
from volunteer_hub.engine.solve import State, solve, warm
from volunteer_hub.engine.travel import Matrix

SIZES = (100, 300, 500, 700)
COLUMNS = ("instance", "method", "ours", "best known", "gap", "seconds", "scipy s")


def main() -> int:
    given = argparse.ArgumentParser(prog="benchmarks.instances.assign")
    given.add_argument("--data", type=Path, default=os.environ.get("HUB_DATA"))
    given.add_argument("--quick", action="store_true", help="the two smallest")
    options = given.parse_args()
    folder = Path(options.data) / "instances" if options.data else None
    if folder is None or not (folder / "assign.tar.gz").is_file():
        print("no data: give --data or HUB_DATA, a folder with instances/assign.tar.gz")
        return 0
    report.machine()
    warm()
    best = best_known(folder)
    rows: list[list[object]] = []
    met = True
    for size in SIZES[:2] if options.quick else SIZES:
        name = f"assign{size}"
        costs = read(folder, name)
        problem = as_problem(costs)
        for method in ("flow", "augment"):
            started = time.perf_counter()
            plan = solve(problem, Options(method=method, deadline_s=60))
            seconds = time.perf_counter() - started
            assert check(problem, plan) == ()
            started = time.perf_counter()
            linear_sum_assignment(costs)
            beside = time.perf_counter() - started
            ours = plan.objective.cost
            rows.append([name, method, ours, best[name], ours - best[name], seconds, beside])
            met &= plan.state is State.PROVEN and ours == best[name] and plan.objective.short_target == 0
    report.table("OR-Library assignment", COLUMNS, rows)
    report.bar("assign.proven_and_best_known", float(met), ">=", 1)
    return 0 if met else 1


def read(folder: Path, name: str) -> Ints:
    """[n, n] costs: the size, then row by row."""
    with tarfile.open(folder / "assign.tar.gz") as packed:
        member = next(one for one in packed.getmembers() if Path(one.name).name == f"{name}.txt")
        content = packed.extractfile(member)
        assert content is not None
        numbers = np.array(content.read().split(), dtype=np.int64)
    return numbers[1:].reshape(numbers[0], numbers[0])


def best_known(folder: Path) -> dict[str, int]:
    with (folder / "best_known.csv").open(encoding="utf-8") as file:
        return {
            row["instance"]: int(row["best_known"]) for row in csv.DictReader(file) if row["set"] == "assign"
        }


def as_problem(costs: Ints) -> Problem:
    """Everybody may go anywhere; the ways differ."""
    n = len(costs)
    zero, one = np.zeros(n, np.int64), np.ones(n, np.int64)
    yes, no = np.ones(n, np.bool_), np.zeros(n, np.bool_)
    nowhere, some = np.zeros(n), np.ones(n)
    people = People(
        key=np.arange(n), lat=nowhere, lon=nowhere, levels=np.ones((n, 1), np.int8),
        cert_until=np.full((n, 1), FOREVER), free=Intervals.always(n), busy=Intervals.none(n), adult=yes,
        insured=yes, fit=yes, night_travel=yes, speed_kmh=some, max_km=some, fatigue=zero, night_cost=zero,
        served=zero, rest_since=np.full(n, LONG_AGO), minutes_24h=zero,
    )  # fmt: skip
    slots = Slots(
        key=np.arange(n), task=np.arange(n), lat=nowhere, lon=nowhere, start=zero, end=one, minimum=one,
        target=one, maximum=one, priority=one, skill=zero - 1, level=one, adult_only=no, insured_only=no,
        hazardous=no, night=no, max_km=some,
    )  # fmt: skip
    return Problem(people, slots, travel=Matrix(np.arange(n), costs))


if __name__ == "__main__":
    sys.exit(main())
