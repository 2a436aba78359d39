"""My points and hours: what I have, what is missing to the next level, every entry with its sum, a file."""

import csv
import io
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.boards import statement as board
from volunteer_hub.core import db
from volunteer_hub.core.cursor import decode_cursor, encode_cursor
from volunteer_hub.core.i18n import say, t
from volunteer_hub.web.guard import Volunteer
from volunteer_hub.web.render import Speech, language_of, page

router = APIRouter(prefix="/me/points")
_MOST: Final = 10_000


@router.get("")
def show(request: Request, actor: Volunteer, cursor: str = "") -> Response:
    """My statement, the newest entries first."""
    assert actor.id is not None
    with db.read(actor) as tx:
        view, now = board.of(tx, actor.id, before=decode_cursor(cursor or None)), tx.now
    return page(
        request,
        "phone/points.html",
        zone=view.zone,
        title=t(language_of(request), "statement.title"),
        view=view,
        next=f"/me/points?cursor={encode_cursor(view.next)}" if view.next is not None else None,
        first=not cursor,
        now=now,
    )


@router.get("/csv")
def as_file(request: Request, actor: Volunteer) -> Response:
    """All of it as a table for a spreadsheet."""
    lang = language_of(request)
    assert actor.id is not None
    with db.read(actor) as tx:
        view = board.of(tx, actor.id, limit=_MOST)
    speech, out = Speech(lang, view.zone), io.StringIO()
    table = csv.writer(out)
    table.writerow([t(lang, f"statement.column.{name}") for name in ("at", "kind", "points", "grade", "why")])
    for line in view.lines:
        entry = line.entry
        # The sum comes first: a cell that began with a reason that somebody wrote could be a formula.
        why = "; ".join([*(say(lang, text) for text in line.explanation), entry.reason or ""]).rstrip("; ")
        at = speech.local(entry.at).isoformat(timespec="minutes")
        table.writerow([at, t(lang, f"points.kind.{entry.kind}"), entry.points, entry.grade or "", why])
    headers = {"Content-Disposition": 'attachment; filename="my-points.csv"'}
    return Response("\ufeff" + out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)
