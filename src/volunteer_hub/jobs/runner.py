"""The pulse: APScheduler ticks in real seconds, every job sweeps whatever rows are due.

A job is a sweep, so a missed tick heals itself at the next. The leader lease only saves work: each sweep
claims its rows by compare-and-swap, so two leaders would still do everything once.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import Connection, text

from volunteer_hub.audit import runs
from volunteer_hub.core import clock, db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.log import logger

_LEADER_LOCK: Final = 7_110_002
_WATCHDOG_SECONDS: Final = 5.0
_log = logger("jobs")


@dataclass(frozen=True)
class Job:
    """A sweep: called every ``seconds``, it does what is due and returns how much that was."""

    name: str
    seconds: float
    sweep: Callable[[], int]
    leader_only: bool = True


class Leadership:
    """One process at a time holds a session lock on a connection of its own; death gives it up."""

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._lock = threading.Lock()

    def held(self) -> bool:
        """Whether this process leads, taking the lead when nobody has it."""
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = db.engine().connect().execution_options(isolation_level="AUTOCOMMIT")
                    taken = self._connection.execute(
                        text("SELECT pg_try_advisory_lock(:k)"), {"k": _LEADER_LOCK}
                    )
                    if taken.scalar_one():
                        return True
                    self._drop()
                    return False
                self._connection.execute(text("SELECT 1"))
            except Exception:
                self._drop()
                return False
            return True

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None

    def release(self) -> None:
        """Gives up the lead, so that another process need not wait for this one's death."""
        with self._lock:
            self._drop()


class Runner:
    """Runs the jobs of a table until stopped."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.jobs = tuple(jobs)
        self.leadership = Leadership()
        self._scheduler = BackgroundScheduler(timezone=UTC)
        self._last_tick = time.monotonic()
        self._watch: threading.Thread | None = None
        self._stopped = threading.Event()

    def start(self) -> None:
        """Starts the pulse and the watchdog that wakes it after the system clock was set back."""
        for job in self.jobs:
            self._add(job)
        self._scheduler.start()
        self._watch = threading.Thread(target=self._watchdog, name="watchdog", daemon=True)
        self._watch.start()

    def stop(self) -> None:
        """Lets running sweeps end, then stops."""
        self._stopped.set()
        self._scheduler.shutdown(wait=True)
        self.leadership.release()

    def _add(self, job: Job) -> None:
        # A late tick is still a good one: the default grace of one second would drop it silently.
        options: dict[str, Any] = {"max_instances": 1, "coalesce": True, "misfire_grace_time": None}
        self._scheduler.add_job(
            self.run,
            "interval",
            seconds=job.seconds,
            args=[job],
            id=job.name,
            replace_existing=True,
            next_run_time=datetime.now(UTC),
            **options,
        )

    def run(self, job: Job) -> None:
        """One tick of one job; a failure is logged and kept, and the next tick tries again."""
        self._last_tick = time.monotonic()
        if job.leader_only and not self.leadership.held():
            return
        started = clock.now()
        try:
            done = job.sweep()
        except Exception as error:
            _log.error("job failed", job=job.name, exc_info=error)
            _record(job.name, started, ok=False, done=0, detail=type(error).__name__)
            return
        if done:
            _record(job.name, started, ok=True, done=done, detail="")

    def _watchdog(self) -> None:
        # APScheduler sleeps until a wall-clock time: set back by three hours, it would sleep three hours.
        patience = max(_WATCHDOG_SECONDS, 2 * min((job.seconds for job in self.jobs), default=1.0))
        while not self._stopped.wait(_WATCHDOG_SECONDS / 2):
            if time.monotonic() - self._last_tick > patience:
                self._last_tick = time.monotonic()
                for job in self.jobs:
                    self._scheduler.modify_job(job.name, next_run_time=datetime.now(UTC))
                self._scheduler.wakeup()


def _record(name: str, started: datetime, *, ok: bool, done: int, detail: str) -> None:
    try:
        with db.transaction(SYSTEM, "job.run") as tx:
            runs.record(tx, name, started, ok=ok, done=done, detail=detail)
    except Exception as error:
        _log.error("job run not recorded", job=name, exc_info=error)
