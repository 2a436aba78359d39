"""Shift minimisation: jobs with fixed times to workers who know how, with as few workers as possible.

    python -m benchmarks.instances.smptsp --data DIR            all 69, at most 60 s each
    python -m benchmarks.instances.smptsp --data DIR --quick    five of them
    options: --only data_59,data_101   --seconds 60   --threads 2   --results FILE

As a roster: a job is a slot of one head, calling a worker costs 1. The instances are those of Krishnamoorthy,
Ernst and Baatar (2012). This file only translates.
"""

from __future__ import annotations

import sys
from statistics import fmean

import numpy as np

from benchmarks import report
from benchmarks.instances.read import Kind, run
from volunteer_hub.engine.roster.problem import UNLIMITED, Allowed, Crew, Duties, Roster

QUICK = ("data_2_24", "data_20_99", "data_61_121", "data_67_371", "data_74_209")
AT_BOUND = 62 / 69  # of the instances


def translate(text: str) -> Roster:
    """ "Jobs = n", n lines of start and end; then per worker a line "count: jobs"."""
    lines = text.splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith("Jobs"))
    count = int(lines[head].split("=")[1])
    times = np.array(
        [[int(number) for number in line.split()] for line in lines[head + 1 : head + 1 + count]]
    )
    able = [
        [int(job) for job in line.split(":")[1].split()] for line in lines[head + 1 + count :] if ":" in line
    ]
    worker = np.repeat(np.arange(len(able)), [len(jobs) for jobs in able])
    one = np.ones(count, np.int64)
    return Roster(
        Duties(start=times[:, 0], end=times[:, 1], minimum=one, target=one),
        Crew(capacity=np.full(len(able), UNLIMITED), call_cost=np.ones(len(able), np.int64)),
        Allowed(worker, np.concatenate([np.array(jobs, np.int64) for jobs in able])),
    )


def main() -> int:
    results = run(Kind("smptsp", translate, QUICK))
    if not results:
        return 0
    at_bound = sum(one.ours == one.best_known for one in results)
    met = [
        report.bar("smptsp.at_the_bound", at_bound, ">=", round(AT_BOUND * len(results))),
        report.bar("smptsp.mean_gap_percent", fmean(one.gap for one in results), "<=", 0.3),
    ]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
