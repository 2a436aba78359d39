"""Results of training, as a page and as a table to take along."""

import csv
import io
from datetime import date, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.boards import training_results as board
from volunteer_hub.boards.training_results import By
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.web import nav
from volunteer_hub.web.guard import allow
from volunteer_hub.web.render import language_of, page

router = APIRouter(prefix="/training/results")
Reader = Annotated[Actor, allow("training.read")]
_USUAL: Final = timedelta(days=365)
_HEADS: Final = ("by", "key", "name", "taken", "passed", "percent")


@router.get("")
def show(request: Request, actor: Reader, since: str = "", until: str = "") -> Response:
    """By course, community, level and age, within a time."""
    lang = language_of(request)
    with db.read(actor) as tx:
        first, last = _time(since, until, tx.now.date())
        groups = board.groups(tx, first, last)
        context = nav.console(
            request,
            actor,
            title=t(lang, "training.results"),
            tables=[(by, [one for one in groups if one.by is by]) for by in By],
            since=first.isoformat(),
            until=last.isoformat(),
        )
    return page(request, "console/training_results.html", **context)


@router.get("/table.csv")
def table(request: Request, actor: Reader, since: str = "", until: str = "") -> Response:
    """The same as a table."""
    lang = language_of(request)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_HEADS)
    with db.read(actor) as tx:
        first, last = _time(since, until, tx.now.date())
        for one in board.groups(tx, first, last):
            name = pick(one.name, lang)
            safe = f"'{name}" if name[:1] in "=+-@" else name  # else a spreadsheet takes it for a formula
            writer.writerow((one.by, one.key, safe, one.taken, one.passed, one.percent))
    return Response(
        "\ufeff" + out.getvalue(),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="training.csv"'},
    )


def _time(since: str, until: str, today: date) -> tuple[date, date]:
    """The days asked for; the year until today for what cannot be read."""
    last = _day(until) or today
    return _day(since) or last - _USUAL, last


def _day(typed: str) -> date | None:
    try:
        return date.fromisoformat(typed[:10]) if typed else None
    except ValueError:
        return None
