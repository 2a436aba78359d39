"""What the program does by itself: every job, how often it looks, what it last did, what failed."""

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from volunteer_hub.audit import runs
from volunteer_hub.audit.pulse import PULSE
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.errors import NotFound
from volunteer_hub.core.i18n import t
from volunteer_hub.core.site import Site
from volunteer_hub.web import nav
from volunteer_hub.web.guard import allow
from volunteer_hub.web.render import language_of, page

router = APIRouter()
_DAY: Final = timedelta(days=1)
_RUNS: Final = 100
Reads = Annotated[Actor, allow("job.read")]


@router.get("/jobs")
def listed(request: Request, actor: Reads) -> Response:
    """Every job, those that failed within a day first."""
    with db.read(actor) as tx:
        newest, failed = runs.latest(tx), runs.failures(tx, tx.now - _DAY)
        rows = [(name, seconds, newest.get(name), failed.get(name, 0)) for name, seconds in PULSE.items()]
        rows.sort(key=lambda row: (-row[3], row[0]))
        context = nav.console(
            request,
            actor,
            title=t(language_of(request), "jobs.title"),
            zone=policy.load("hub", Site).zone,
            rows=rows,
            now=tx.now,
        )
    return page(request, "console/jobs.html", **context)


@router.get("/jobs/{job}")
def of_job(
    request: Request, actor: Reads, job: Annotated[str, Path(max_length=100)], failed: str = ""
) -> Response:
    """The newest runs of one job; ``failed`` shows only those that failed within a day."""
    if job not in PULSE:
        raise NotFound("not_found")
    lang = language_of(request)
    with db.read(actor) as tx:
        found = runs.listed(tx, job, _RUNS)
        if failed:
            found = [run for run in found if run.ok is False and run.started_at >= tx.now - _DAY]
        context = nav.console(
            request,
            actor,
            title=t(lang, f"jobs.name.{job}"),
            zone=policy.load("hub", Site).zone,
            job=job,
            seconds=PULSE[job],
            runs=found,
            failed=bool(failed),
            now=tx.now,
        )
    return page(request, "console/job.html", **context)
