"""Runs of jobs: begun in one transaction and ended in another, so that a job that dies leaves its start."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import col, delete, func, select

from volunteer_hub.audit.models import JobRun
from volunteer_hub.core.db import Tx, touched


def begin(tx: Tx, job: str) -> int:
    """Notes that a job starts; the id to end it with."""
    run = JobRun(job=job, started_at=tx.now)
    tx.add(run)
    tx.flush()
    return run.id


def end(tx: Tx, run_id: int, *, ok: bool, done: int = 0, detail: str = "") -> JobRun:
    """Notes how it ended: how much was done, and what went wrong, never with personal values."""
    run = tx.get_one(JobRun, run_id)
    run.ended_at, run.ok, run.done, run.detail = tx.now, ok, done, detail
    tx.flush()
    return run


def record(tx: Tx, job: str, started_at: datetime, *, ok: bool, done: int = 0, detail: str = "") -> JobRun:
    """A run that has ended, in one row: for sweeps every second, whose starts alone are worth no writing."""
    run = JobRun(job=job, started_at=started_at, ended_at=tx.now, ok=ok, done=done, detail=detail)
    tx.add(run)
    tx.flush()
    return run


def latest(tx: Tx) -> dict[str, JobRun]:
    """Job -> its newest run."""
    newest = select(func.max(JobRun.id)).group_by(col(JobRun.job))
    return {run.job: run for run in tx.exec(select(JobRun).where(col(JobRun.id).in_(newest)))}


def failures(tx: Tx, since: datetime) -> dict[str, int]:
    """Job -> how many of its runs failed since then."""
    wanted = select(JobRun.job, func.count()).where(
        col(JobRun.ok).is_(False), col(JobRun.started_at) >= since
    )
    return dict(tx.exec(wanted.group_by(col(JobRun.job))).all())


def listed(tx: Tx, job: str, limit: int = 50) -> Sequence[JobRun]:
    """A job's runs, the newest first."""
    own = select(JobRun).where(col(JobRun.job) == job)
    return tx.exec(own.order_by(col(JobRun.id).desc()).limit(limit)).all()


def sweep(tx: Tx, keep: timedelta) -> int:
    """Removes runs older than ``keep``; the count removed."""
    old = tx.execute(delete(JobRun).where(col(JobRun.started_at) < tx.now - keep))
    return touched(old)
