"""The table of jobs, and one tick of a job."""

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from volunteer_hub.audit import runs
from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.jobs import runner
from volunteer_hub.jobs.runner import Job, Runner
from volunteer_hub.jobs.table import JOBS


def test_no_two_jobs_share_a_name() -> None:
    assert [name for name, count in Counter(job.name for job in JOBS).items() if count > 1] == []


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_a_job_finds_nothing_to_do_in_an_empty_house(job: Job, rollback: None) -> None:
    assert job.sweep() == 0


def test_a_tick_that_did_something_is_recorded_with_both_ends(rollback: None) -> None:
    Runner(()).run(Job("three", 1, lambda: 3, leader_only=False))
    Runner(()).run(Job("idle", 1, lambda: 0, leader_only=False))
    with db.read(SYSTEM) as tx:
        latest = runs.latest(tx)
    assert [(run.job, run.ok, run.done, run.detail) for run in latest.values()] == [("three", True, 3, "")]
    assert latest["three"].ended_at is not None
    assert latest["three"].started_at <= latest["three"].ended_at


def test_a_tick_that_fails_is_recorded_by_the_name_of_its_error(rollback: None) -> None:
    def broken() -> int:
        raise ZeroDivisionError

    Runner(()).run(Job("broken", 1, broken, leader_only=False))
    with db.read(SYSTEM) as tx:
        run = runs.latest(tx)["broken"]
    assert (run.ok, run.done, run.detail) == (False, 0, "ZeroDivisionError")


def test_the_pulse_beats_again_when_the_next_tick_is_three_hours_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is once the system's clock was set back by so much."""
    monkeypatch.setattr(runner, "_WATCHDOG_SECONDS", 0.2)
    ticks = threading.Semaphore(0)
    pulse = Runner([Job("tick", 0.1, lambda: ticks.release() or 0, leader_only=False)])
    pulse.start()
    try:
        assert ticks.acquire(timeout=30)
        pulse._scheduler.modify_job("tick", next_run_time=datetime.now(UTC) + timedelta(hours=3))
        assert all(ticks.acquire(timeout=30) for _ in range(5))
    finally:
        pulse.stop()
