"""What the program does by itself: every job, and its latest runs."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path

from volunteer_hub.api.guard import allow
from volunteer_hub.api.pages import Limit, Out, Page
from volunteer_hub.audit import runs
from volunteer_hub.audit.models import JobRun
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor

router = APIRouter(tags=["jobs"])


class JobRunOut(Out):
    """One run that did something or failed; ``done`` counts rows, ``ok`` is null while it runs."""

    job: str
    started_at: datetime
    ended_at: datetime | None
    ok: bool | None
    done: int
    detail: str


def _shown(run: JobRun) -> JobRunOut:
    return JobRunOut.model_validate(run)


@router.get("/jobs", response_model=Page[JobRunOut])
def latest(actor: Annotated[Actor, allow("job.read")]) -> Page[JobRunOut]:
    """The newest run of every job; sweeps that found nothing leave none."""
    with db.read(actor) as tx:
        newest = runs.latest(tx)
        return Page(items=[_shown(newest[name]) for name in sorted(newest)])


@router.get("/jobs/{job}/runs", response_model=Page[JobRunOut])
def of_job(
    actor: Annotated[Actor, allow("job.read")],
    job: Annotated[str, Path(max_length=100, pattern=r"^[a-z_]+$")],
    limit: Limit = 50,
) -> Page[JobRunOut]:
    """A job's runs, the newest first."""
    with db.read(actor) as tx:
        return Page(items=[_shown(run) for run in runs.listed(tx, job, limit)])
