"""A whole city from a real database: rows, plan, PlanRun, offers and messages, cold and warm.

    python -m benchmarks.end_to_end                     200,000 people x 5,000 heads
    python -m benchmarks.end_to_end --quick             20,000 x 500
    python -m benchmarks.end_to_end --people 2200000 --heads 50000 --folder DIR

With a folder the database is built there once and copied for each run. The first plan starts cold from rows,
the second cold from blocks in a new worker, the third in the same worker with one person in a hundred changed
since. There is no peer: those of the engine stand in benchmarks.plan, those of reading in benchmarks.pool.
"""

from __future__ import annotations

import argparse
import resource
import sys
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import text
from sqlmodel import col, func, select

from benchmarks import report
from benchmarks.city_kept import city
from benchmarks.city_rows import SEED, incident_of, mixed_tasks
from volunteer_hub.access import accounts
from volunteer_hub.access.models import Account
from volunteer_hub.audit import listener
from volunteer_hub.core import clock, db
from volunteer_hub.core.actor import SYSTEM, Actor
from volunteer_hub.flows import mobilize, plan
from volunteer_hub.flows.planner import Planner
from volunteer_hub.incidents.models import Incident
from volunteer_hub.jobs.table import JOBS
from volunteer_hub.mobilization.models import Offer, PlanRun
from volunteer_hub.notify.models import Message

MORNING: Final = datetime(2026, 1, 17, 0, 0, tzinfo=UTC)  # a Saturday, eight o'clock in Daqing
DEADLINE: Final = 600.0


@dataclass(frozen=True)
class Run:
    """One plan: seconds from the request's commit to the frozen plan's, by phase, and the process's peak."""

    name: str
    seconds: float
    result: dict[str, Any]
    child_mb: float
    plan_id: int

    def phases(self) -> list[object]:
        split = self.result["seconds"]
        explained = sum(split.get(name, 0.0) for name in ("check", "reasons", "gaps", "reserves", "insight"))
        told = split["answer"] - split["solve"] - explained
        rest = self.seconds - split["read"] - split["answer"]
        return [self.name, split["read"], split["solve"], explained, told, rest, self.seconds, self.child_mb]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--people", type=int, default=200_000)
    options.add_argument("--heads", type=int, default=5_000)
    options.add_argument("--folder", type=Path, help="where the database is kept; without it, it goes")
    options.add_argument("--quick", action="store_true", help="20,000 people x 500 heads")
    given = options.parse_args()
    people, heads = (20_000, 500) if given.quick else (given.people, given.heads)
    report.machine()
    # People can be reached, so that messages are written; nobody is there to send them.
    mail = "smtp://127.0.0.1:2525"
    with city(people, given.folder, HUB_SMTP_URL=mail) as area, clock.fixed(MORNING):
        listener.install()
        measure(area, people, heads)


def measure(area: str, people: int, heads: int) -> None:
    incident_id = incident_of(area, lambda city, now: mixed_tasks(city, heads, now))
    with db.transaction(SYSTEM, "bench.blocks") as tx:
        tx.execute(text("DELETE FROM pool_blocks"))
    with Planner() as planner:
        _started(planner)
        cold = timed("cold, from rows", planner, incident_id)
    seconds_kept, blocks = _timed(next(job for job in JOBS if job.name == "pool_blocks").sweep)
    with Planner() as planner:
        _started(planner)
        again = timed("cold, from blocks", planner, incident_id)
        _change_one_in_a_hundred()
        warm = timed("warm, 1 % changed", planner, incident_id)
    report.table(
        f"{people:,} people x {heads:,} heads: {figures(warm)}",
        ["plan", "read", "solve", "explain", "hand over", "claim, store", "seconds", "planning process MB"],
        [run.phases() for run in (cold, again, warm)],
    )
    print(f"the sweep wrote {blocks} blocks in {seconds_kept:.1f} s")
    report.table("the callout", ["step", "seconds"], sent(warm.plan_id))
    print(
        f"peak memory of the worker: {_peak_mb():,.0f} MB; of its planning process: {warm.child_mb:,.0f} MB"
    )
    report.info("end_to_end.cold_rows_seconds", cold.seconds)
    report.info("end_to_end.cold_blocks_seconds", again.seconds)
    report.info("end_to_end.warm_seconds", warm.seconds)


def timed(name: str, planner: Planner, incident_id: int) -> Run:
    """From the request's commit to the frozen plan's."""
    with db.transaction(SYSTEM, "plan.request") as tx:
        incident = tx.get_one(Incident, incident_id)
        plan_id = plan.request(tx, incident, seed=SEED, deadline_seconds=DEADLINE).id
    seconds, worked = _timed(lambda: planner.work_one(threading.Event()))
    assert worked
    with db.read(SYSTEM) as tx:
        run = tx.get_one(PlanRun, plan_id)
    assert run.result is not None, run.failure
    return Run(name, seconds, run.result, _child_mb(planner.process.pid), plan_id)


def sent(plan_id: int) -> list[list[object]]:
    """Approval and sending, each in its transaction, and what was written."""
    with db.read(SYSTEM) as tx:
        run = tx.get_one(PlanRun, plan_id)
        incident = tx.get_one(Incident, run.incident_id)
        chief = accounts.actor_for(tx, tx.get_one(Account, incident.commander_id))
    approving, _ = _timed(lambda: _approve(chief, run))
    sending, callout_id = _timed(lambda: _send(chief, plan_id))
    with db.read(SYSTEM) as tx:
        offers = tx.exec(select(func.count()).where(col(Offer.callout_id) == callout_id)).one()
        messages = tx.exec(select(func.count()).select_from(Message)).one()
    return [
        ["approve: who would be asked", approving],
        [f"send: {offers:,} offers; {messages:,} messages in the outbox", sending],
    ]


def _approve(chief: Actor, run: PlanRun) -> None:
    with db.transaction(chief, "plan.approve") as tx:
        plan.approve(tx, run.public_id, reason="a benchmark")


def _send(chief: Actor, plan_id: int) -> int:
    with db.transaction(chief, "callout.send") as tx:
        return mobilize.send(tx, tx.get_one(PlanRun, plan_id)).id


def figures(run: Run) -> str:
    told = run.result["figures"]
    return (
        f"state {run.result['state']}, {len(run.result['pairs']):,} chosen, "
        f"{told['short_minimum']:,} short of the minimum, {told['short_target']:,} of the target"
    )


def _change_one_in_a_hundred() -> None:
    changed = text("UPDATE volunteers SET availability = 16383 - availability WHERE id % 100 = 7")
    with db.transaction(SYSTEM, "bench.change") as tx:
        tx.execute(changed)


def _started(planner: Planner) -> None:
    """Until the planning process is warm: it starts with the worker, not with a plan."""
    planner.process._wait_until_ready(lambda _: None)


def _timed(work: Any) -> tuple[float, Any]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1 << 20)


def _child_mb(pid: int) -> float:
    """The most memory the planning process has had so far; 0 where the system does not say."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return 0.0
    peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1024


if __name__ == "__main__":
    main()
