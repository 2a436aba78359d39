"""What one drill has shown: its record, answers over time, and by community, skill, hour, channel."""

import csv
import io
import uuid
from typing import Annotated, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.boards import drill_result as board
from volunteer_hub.boards.drill_result import DrillResult
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.i18n import Lang, t
from volunteer_hub.drills.policy import Drills
from volunteer_hub.drills.record import By
from volunteer_hub.drills.rules import PARTS, Figures
from volunteer_hub.flows import drill_words
from volunteer_hub.web import nav
from volunteer_hub.web.guard import allow
from volunteer_hub.web.render import language_of, page

router = APIRouter()
Reader = Annotated[Actor, allow("drill.read")]
_BEYOND: Final = 1.05  # the drawing goes on a little past the last answer


@router.get("/drills/{id:uuid}/runs/{run:uuid}")
def show(request: Request, actor: Reader, id: uuid.UUID, run: uuid.UUID) -> Response:
    """The record of one drill."""
    lang = language_of(request)
    with db.read(actor) as tx:
        shown = board.result(tx, id, run)
        record = shown.line.result.record
        minutes = policy.load("drills", Drills).report_minutes
        last = max(minute for minute, _ in record.curve) if record and record.curve else 0
        context = nav.console(
            request,
            actor,
            title=shown.plan.plan.title,
            zone=shown.plan.plan.zone,
            shown=shown,
            record=record,
            minutes=minutes,
            span=max(last * _BEYOND, minutes[-1] * _BEYOND),
            groups=[(by, _rows(shown, by, lang)) for by in By],
            parts=PARTS,
            callout=shown.callout if actor.may("offer.read", shown.plan.plan.area) else None,
            asked_back=record is not None and actor.may("survey.read", shown.plan.plan.area),
            now=tx.now,
        )
    return page(request, "console/drill_result.html", **context)


@router.get("/drills/{id:uuid}/runs/{run:uuid}/figures.csv")
def as_file(request: Request, actor: Reader, id: uuid.UUID, run: uuid.UUID) -> Response:
    """The same figures as a table for a spreadsheet."""
    lang = language_of(request)
    with db.read(actor) as tx:
        shown = board.result(tx, id, run)
        minutes = policy.load("drills", Drills).report_minutes
    out = io.StringIO()
    table = csv.writer(out)
    heads = [t(lang, f"drills.figure.{part}") for part in PARTS]
    within = [t(lang, "drills.within", n=minute) for minute in minutes]
    table.writerow([t(lang, "drills.by"), t(lang, "drills.by.which"), *heads, *within])
    for by in By:
        for name, figures in _rows(shown, by, lang):
            counts = [getattr(figures, part) for part in PARTS]
            in_time = [figures.within.get(minute, "") for minute in minutes]
            table.writerow([t(lang, f"drills.by.{by}"), name, *counts, *in_time])
    headers = {"Content-Disposition": f'attachment; filename="drill-{run}.csv"'}
    return Response("\ufeff" + out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _rows(shown: DrillResult, by: By, lang: Lang) -> list[tuple[str, Figures]]:
    """The groups of one breakdown with their names."""
    return [(drill_words.group_name(shown, by, key, lang), figures) for key, figures in shown.groups(by)]
