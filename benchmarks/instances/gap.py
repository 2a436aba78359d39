"""Generalised assignment: jobs to agents of limited capacity, each job by one agent, at the least cost.

    python -m benchmarks.instances.gap --data DIR            all 59, at most 60 s each, the small ones 5 s
    python -m benchmarks.instances.gap --data DIR --quick    five of them
    options: --only d20400,gap12   --seconds 60   --threads 2   --results FILE

As a roster: a job is a slot of one head without a place in time, an agent a person, the use a load. This file
only translates.
"""

from __future__ import annotations

import math
import sys
from statistics import fmean

import numpy as np

from benchmarks import report
from benchmarks.instances.read import Kind, run
from volunteer_hub.engine.roster.problem import Allowed, Crew, Duties, Roster

QUICK = ("gap1-0", "gap12-3", "a20100", "e05100", "c10100")
SMALL = "cattrysse1994/"
SMALL_S = 5.0


def translate(text: str) -> Roster:
    """m n, then m rows of n costs, m rows of n uses, m capacities; to be minimised."""
    m, n, *rest = (int(number) for number in text.split())
    numbers = np.array(rest)
    agent, job = np.divmod(np.arange(m * n), n)
    never = np.zeros(n, np.int64)
    return Roster(
        Duties(start=never, end=never, minimum=never + 1, target=never + 1),
        Crew(capacity=numbers[2 * m * n : 2 * m * n + m]),
        Allowed(agent, job, cost=numbers[: m * n], load=numbers[m * n : 2 * m * n]),
    )


def limit(name: str) -> float:
    """Seconds: the small ones must be optimal soon."""
    return SMALL_S if name.startswith(SMALL) else math.inf


def main() -> int:
    results = run(Kind("gap", translate, QUICK, limit))
    if not results:
        return 0
    gaps = [one.gap for one in results]
    small = [one for one in results if one.instance.startswith(SMALL)]
    late = sum(one.ours != one.best_known for one in small)
    met = [
        report.bar("gap.small_not_optimal_in_5s", late, "<=", 0),
        report.bar("gap.mean_gap_percent", fmean(gaps), "<=", 0.1),
        report.bar("gap.largest_gap_percent", max(gaps), "<=", 0.5),
    ]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
