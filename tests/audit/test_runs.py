"""Runs of jobs, as the auditor and the page of jobs read them."""

from datetime import timedelta

from volunteer_hub.audit import runs
from volunteer_hub.core import db


def test_a_run_is_begun_and_ended_and_the_newest_of_each_job_is_shown(tx: db.Tx) -> None:
    for job in ("seal", "seal", "dispatch"):
        runs.begin(tx, job)
    tx.now += timedelta(seconds=3)
    last = runs.begin(tx, "seal")
    tx.now += timedelta(seconds=2)
    run = runs.end(tx, last, ok=False, done=7, detail="database unreachable")
    assert (run.ok, run.done, run.detail, run.ended_at) == (False, 7, "database unreachable", tx.now)
    latest = runs.latest(tx)
    assert {job: run.id for job, run in latest.items()} == {"seal": last, "dispatch": last - 1}
    assert latest["dispatch"].ok is None
    assert [run.id for run in runs.listed(tx, "seal", limit=2)] == [last, last - 3 + 1]


def test_old_runs_are_removed(tx: db.Tx) -> None:
    runs.begin(tx, "seal")
    tx.now += timedelta(days=31)
    runs.begin(tx, "seal")
    assert runs.sweep(tx, timedelta(days=30)) == 1
    assert len(runs.listed(tx, "seal")) == 1
