"""A plan from rows to a stored PlanRun, with a warm planning process: what a coordinator waits for.

    python -m benchmarks.plan_run            20,000 volunteers x 1,000 heads
    python -m benchmarks.plan_run --quick    4,000 x 300

People come in by the same import as any file; the audit trail is on. The median of the runs counts, the split
is that of the median run. There is no peer: the engine's own peers stand in benchmarks.plan.
"""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from benchmarks import ground, report
from benchmarks.city_rows import SEED, city_of, incident_of, mixed_tasks
from volunteer_hub.audit import listener
from volunteer_hub.core import clock, db, schema
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.flows import plan
from volunteer_hub.flows.planner import Planner
from volunteer_hub.incidents.models import Incident
from volunteer_hub.mobilization.models import PlanRun

RUNS = 7
BAR_SECONDS = 3.0
MORNING = datetime(2026, 1, 17, 0, 0, tzinfo=UTC)  # a Saturday, eight o'clock in Daqing


@dataclass(frozen=True)
class Run:
    seconds: float
    split: dict[str, float]
    result: dict[str, object]


def timed(planner: Planner, incident_id: int) -> Run:
    """From the request's commit to the frozen plan's."""
    with db.transaction(SYSTEM, "plan.request") as tx:
        plan_id = plan.request(tx, tx.get_one(Incident, incident_id), seed=SEED).id
    started = time.perf_counter()
    assert planner.work_one(threading.Event())
    seconds = time.perf_counter() - started
    with db.read(SYSTEM) as tx:
        result = tx.get_one(PlanRun, plan_id).result
    assert result is not None
    return Run(seconds, result["seconds"], result)


def compare(count: int, heads: int) -> None:
    area = city_of(count)
    incident_id = incident_of(area, lambda city, now: mixed_tasks(city, heads, now))
    with Planner() as planner:
        timed(planner, incident_id)  # until the process is warm
        runs = sorted((timed(planner, incident_id) for _ in range(RUNS)), key=lambda run: run.seconds)
    run = runs[len(runs) // 2]
    figures, split = run.result["figures"], run.split
    explained = split["check"] + split["reasons"] + split["gaps"] + split["reserves"]
    rows: list[list[object]] = [
        ["rows to Problem (reads)", split["read"]],
        ["engine, with its proof", split["solve"]],
        ["  of it proof", split.get("engine.proof", 0.0)],
        ["check", split["check"]],
        ["reasons", split["reasons"]],
        ["gaps", split["gaps"]],
        ["reserves", split["reserves"]],
        ["pipe, able people", split["answer"] - split["solve"] - explained],
        ["claim and store", run.seconds - split["read"] - split["answer"]],
        ["all", run.seconds],
    ]
    report.table(
        f"{count:,} volunteers x {heads:,} heads; state {run.result['state']}, figures {figures}; "
        f"median of {RUNS} (from {runs[0].seconds:.2f} to {runs[-1].seconds:.2f} s)",
        ["phase", "seconds"],
        rows,
    )
    report.bar("plan_run.seconds", run.seconds, "<=", BAR_SECONDS)


def main() -> None:
    report.machine()
    with ground.installation(), clock.fixed(MORNING):
        schema.create(db.engine())
        listener.install()
        compare(4_000, 300) if "--quick" in sys.argv[1:] else compare(20_000, 1_000)


if __name__ == "__main__":
    main()
