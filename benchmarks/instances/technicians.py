"""The technician routing instances of Pillac, Gueret and Medaglia (2013), solved by the tours of the engine.

    python -m benchmarks.instances.technicians --data DIR            all 28, 60 s each
    python -m benchmarks.instances.technicians --data DIR --quick    three of them, 5 s each
    options: --only R104,C2   --seconds 60   --results FILE

A technician leaves home with tools (kept) and spare parts (used up), may visit the depot once for every tool
and any number of parts, and must be back home in time; the goal is the least distance with all requests
served. This file only translates: one unit of distance, which takes one unit of time, becomes 100 minutes, so
that the engine's ticks are thousandths of a unit. Ways are rounded up, so no plan is early by rounding; the
distance that is reported is summed once more from the positions. Finished instances are kept in the results
file and not solved again.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import re
import sys
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks import report
from volunteer_hub.engine.arrays import Intervals
from volunteer_hub.engine.tours.check import check
from volunteer_hub.engine.tours.problem import Crew, Depot, Places, Stops, TourOptions, Tours
from volunteer_hub.engine.tours.solve import ToursPlan, solve_tours, warm

MINUTES = 100  # per unit of distance
QUICK = ("C103", "R104", "RC208")
ROW = re.compile(r"^(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+\[(.*?)\]\s*\[(.*?)\]\s*\[(.*?)\]")


@dataclass(frozen=True)
class Instance:
    name: str
    best_known: float
    crew: int
    xy: list[tuple[int, int]]  # the depot, the technicians' homes, the requests
    tours: Tours


def read(name: str, text: str, best_known: float) -> Instance:
    """One file: the depot is row 0, then the technicians, then the requests."""
    lines = text.splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith("CREW COUNT"))
    count, skills, tools, parts = (int(each) for each in lines[head + 1].split())
    rows = [match.groups() for match in map(ROW.match, lines) if match]
    numbers = np.array([row[:6] for row in rows], np.int64)
    lists = [[[int(each) for each in cell.split(",") if each] for cell in row[6:]] for row in rows]
    crew, asks = slice(1, count + 1), slice(count + 1, None)
    requests = len(rows) - count - 1
    assert all(len(each[0]) == 1 for each in lists[asks])
    xy = [(int(x), int(y)) for x, y in numbers[:, 1:3]]
    matrix = [[math.ceil(math.dist(a, b) * MINUTES * 10 - 1e-6) for b in xy] for a in xy]
    return Instance(
        name,
        best_known,
        count,
        xy,
        Tours(
            Places(matrix=np.array([matrix], np.int64)),
            Crew(
                key=np.arange(count),
                start=np.arange(1, count + 1),
                end=np.arange(1, count + 1),
                since=numbers[crew, 3] * MINUTES,
                until=numbers[crew, 4] * MINUTES,
                levels=_flags([each[0] for each in lists[crew]], skills).astype(np.int8),
                speed_kmh=np.ones(count),
                tools=_flags([each[1] for each in lists[crew]], tools),
                parts=np.array([each[2] for each in lists[crew]], np.int64).reshape(count, -1)[:, :parts],
            ),
            Stops(
                key=np.arange(requests),
                place=np.arange(count + 1, len(rows)),
                windows=Intervals.of(
                    requests, np.arange(requests), numbers[asks, 3] * MINUTES, numbers[asks, 4] * MINUTES
                ),
                service=numbers[asks, 5] * MINUTES,
                priority=np.ones(requests, np.int64),
                skill=np.array([each[0][0] for each in lists[asks]], np.int64),
                level=np.ones(requests, np.int64),
                tools=_flags([each[1] for each in lists[asks]], tools),
                parts=np.array([each[2] for each in lists[asks]], np.int64).reshape(requests, -1)[:, :parts],
            ),
            Depot(0),
        ),
    )


def _flags(lists: list[list[int]], width: int) -> np.ndarray:
    table = np.zeros((len(lists), width), np.bool_)
    for row, each in zip(table, lists, strict=True):
        row[each] = True
    return table


def distance(instance: Instance, plan: ToursPlan) -> float:
    """Summed from the positions, without the engine's rounding."""
    total = 0.0
    for p in range(instance.crew):
        stops = plan.visits.stop[plan.visits.person == p].tolist()
        home = p + 1
        places = [home, *(0 if s < 0 else instance.crew + 1 + s for s in stops), home]
        total += sum(math.dist(instance.xy[i], instance.xy[j]) for i, j in pairwise(places)) if stops else 0.0
    return total


def instances(data: Path) -> Iterator[Instance]:
    """In the order of their names; one file of the archive has no best known value and is left out."""
    with (data / "instances" / "best_known.csv").open(newline="") as file:
        known = {row["instance"]: row["best_known"] for row in csv.DictReader(file)}
    with tarfile.open(data / "instances" / "technician_routing.tar.gz") as archive:
        for member in sorted(archive.getmembers(), key=lambda m: m.name):
            name, file_of = Path(member.name).stem, archive.extractfile(member)
            if file_of is not None and known.get(name):
                yield read(name, file_of.read().decode(), float(known[name]))


def solved(instance: Instance, seconds: float, threads: int) -> dict[str, float]:
    started = time.perf_counter()
    plan = solve_tours(instance.tours, TourOptions(deadline_s=seconds, threads=threads))
    took = time.perf_counter() - started
    assert check(instance.tours, plan) == ()
    return {
        "distance": distance(instance, plan),
        "unserved": len(plan.unserved),
        "seconds": took,
        "steps": plan.steps,
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.instances.technicians")
    parser.add_argument("--data", type=Path, default=os.environ.get("HUB_DATA"))
    parser.add_argument("--only", default="", help="beginnings of names, separated by commas")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--results", type=Path, default=Path("technicians_results.json"))
    given = parser.parse_args()
    if given.data is None or not (Path(given.data) / "instances").is_dir():
        sys.exit("name the folder with instances/technician_routing.tar.gz: --data DIR or HUB_DATA")
    names = QUICK if given.quick else tuple(filter(None, given.only.split(",")))
    seconds = given.seconds or (5.0 if given.quick else 60.0)
    report.machine()
    warm()
    kept = json.loads(given.results.read_text()) if given.results.exists() and not given.quick else {}
    rows, gaps, open_requests = [], [], 0
    for each in instances(Path(given.data)):
        if names and not each.name.startswith(names):
            continue
        key = f"{each.name} {seconds:g}s"
        if key not in kept:
            kept[key] = solved(each, seconds, given.threads)
            if not given.quick:
                given.results.write_text(json.dumps(kept, indent=1))
        found = kept[key]
        gap = 100 * (found["distance"] / each.best_known - 1)
        gaps.append(gap)
        open_requests += int(found["unserved"])
        rows.append(
            [
                each.name,
                f"{found['distance']:.3f}",
                f"{each.best_known:.3f}",
                f"{gap:+.2f} %",
                int(found["unserved"]),
                f"{found['seconds']:.1f}",
                int(found["steps"]),
            ]
        )
    columns = ("instance", "ours", "best known", "gap", "unserved", "seconds", "steps")
    report.table(f"technician routing, {seconds:g} s each, {given.threads} threads", columns, rows)
    mean = float(np.mean(gaps)) if gaps else math.nan
    if given.quick or names or seconds != 60:
        report.info("technicians.mean_gap_percent", mean)
    else:
        report.bar("technicians.mean_gap_percent", mean, "<=", 3)
        report.info("technicians.worst_gap_percent", max(gaps))
    report.bar("technicians.unserved", open_requests, "<=", 0)


if __name__ == "__main__":
    main()
