"""What the roster benchmarks share: instances out of their archive, best known values, results that a later
run takes up again, and the loop over the instances."""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import tarfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import report
from volunteer_hub.engine.problem import Options
from volunteer_hub.engine.roster.check import check
from volunteer_hub.engine.roster.problem import Roster
from volunteer_hub.engine.roster.solve import solve_roster, warm

COLUMNS = ("instance", "ours", "best known", "gap %", "bound", "state", "seconds")


@dataclass(frozen=True)
class Result:
    instance: str
    ours: int  # -1: some head stayed open
    best_known: int
    bound: int
    state: str
    seconds: float

    @property
    def gap(self) -> float:
        """Percent above the best known value."""
        return 100 * (self.ours - self.best_known) / self.best_known if self.ours >= 0 else 100.0


@dataclass(frozen=True)
class Kind:
    """One set of instances: how to read it, and which ones make a quick run."""

    name: str
    translate: Callable[[str], Roster]
    quick: Sequence[str]
    limit: Callable[[str], float] = lambda name: math.inf  # most seconds for an instance


def run(kind: Kind) -> list[Result] | None:
    """Solve the instances that the command line asks for; None without data."""
    options = _arguments(kind.name)
    archive = Path(options.data) / "instances" / f"{kind.name}.tar.gz" if options.data else None
    if archive is None or not archive.is_file():
        print(f"no data: give --data or HUB_DATA, a folder with instances/{kind.name}.tar.gz")
        return None
    report.machine()
    best = best_known(archive.parent, kind.name)
    asked = kind.quick if options.quick else options.only.split(",") if options.only else list(best)
    kept = Results(options.results)
    warm()
    found = []
    for name, text in texts(archive):
        if name not in best or not any(part in name for part in asked):
            continue
        result = kept.get(name) or kept.put(_solve(name, kind, text, best[name], options))
        print(f"{name}: {result.ours} in {result.seconds:.1f} s, best known {result.best_known}", flush=True)
        found.append(result)
    report.table(f"{kind.name}, {options.seconds:g} s, {options.threads} threads", COLUMNS, _rows(found))
    return found


def _arguments(name: str) -> argparse.Namespace:
    given = argparse.ArgumentParser(prog=f"benchmarks.instances.{name}")
    given.add_argument("--data", default=os.environ.get("HUB_DATA"))
    given.add_argument("--only", default="", help="parts of names, by comma")
    given.add_argument("--quick", action="store_true", help="a few instances")
    given.add_argument("--seconds", type=float, default=60.0)
    given.add_argument("--threads", type=int, default=2)
    given.add_argument("--results", type=Path, help="file that finished instances are kept in")
    return given.parse_args()


def _solve(name: str, kind: Kind, text: str, best: int, options: argparse.Namespace) -> Result:
    roster = kind.translate(text)
    limit = min(options.seconds, kind.limit(name))
    started = time.perf_counter()
    plan = solve_roster(roster, Options(deadline_s=limit, threads=options.threads))
    seconds = time.perf_counter() - started
    assert check(roster, plan) == ()
    filled = plan.objective.short_minimum == 0
    ours = plan.objective.cost if filled else -1
    return Result(name, ours, best, plan.bound if filled else 0, str(plan.state), round(seconds, 2))


def _rows(results: list[Result]) -> list[list[object]]:
    return [
        [one.instance, one.ours, one.best_known, f"{one.gap:.3f}", one.bound, one.state, one.seconds]
        for one in results
    ]


def texts(archive: Path) -> Iterator[tuple[str, str]]:
    """Name without folder "Data_137/" or ending ".dat", and text of every file of the archive."""
    with tarfile.open(archive) as packed:
        for member in sorted(packed.getmembers(), key=lambda member: member.name):
            content = packed.extractfile(member)
            if content is not None:
                name = member.name.removeprefix("Data_137/").removesuffix(".dat")
                yield name, content.read().decode()


def best_known(folder: Path, kind: str) -> dict[str, int]:
    """Best known value by instance."""
    with (folder / "best_known.csv").open() as lines:
        return {
            row["instance"]: int(row["best_known"]) for row in csv.DictReader(lines) if row["set"] == kind
        }


class Results:
    """Finished instances, one JSON line each, so that a run that was stopped goes on where it was."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        lines = path.read_text().splitlines() if path is not None and path.is_file() else []
        self._done = {row["instance"]: Result(**row) for row in map(json.loads, lines)}

    def get(self, name: str) -> Result | None:
        return self._done.get(name)

    def put(self, result: Result) -> Result:
        self._done[result.instance] = result
        if self._path is not None:
            with self._path.open("a") as out:
                out.write(json.dumps(asdict(result)) + "\n")
        return result
