"""My points and hours: what I have, what is missing to the next level, every entry with its sum, a file."""

import csv
import io
import uuid
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.boards import deductions
from volunteer_hub.boards import statement as board
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_cursor, encode_cursor
from volunteer_hub.core.errors import HubError
from volunteer_hub.core.i18n import say, t
from volunteer_hub.flows import deduct
from volunteer_hub.web import forms
from volunteer_hub.web.forms import Sent
from volunteer_hub.web.guard import Volunteer, see_other
from volunteer_hub.web.render import Speech, language_of, page

router = APIRouter(prefix="/me/points")
_MOST: Final = 10_000
TONES: Final = {"stands": "watch", "appealed": "info", "confirmed": "quiet", "given_back": "ok"}


@router.get("")
def show(request: Request, actor: Volunteer, cursor: str = "") -> Response:
    """My statement, the newest entries first."""
    return _show(request, actor, cursor)


def _show(request: Request, actor: Actor, cursor: str = "", error: HubError | None = None) -> Response:
    if error is not None and error.bars:
        raise error
    assert actor.id is not None
    lang = language_of(request)
    with db.read(actor) as tx:
        view, now = board.of(tx, actor.id, before=decode_cursor(cursor or None)), tx.now
        taken = [] if cursor else [line for line in deductions.own(tx, actor.id) if line.current]
    return page(
        request,
        "phone/points.html",
        status=error.status if error is not None else 200,
        zone=view.zone,
        title=t(lang, "statement.title"),
        view=view,
        taken=taken,
        tones=TONES,
        next=f"/me/points?cursor={encode_cursor(view.next)}" if view.next is not None else None,
        first=not cursor,
        now=now,
        error="; ".join(forms.words(lang, error).values()) if error is not None else "",
    )


@router.post("/deductions/{id:uuid}/appeal")
def appeal(request: Request, actor: Volunteer, id: uuid.UUID, form: Sent) -> Response:
    """I do not agree that points were taken from me."""
    assert actor.id is not None
    try:
        words = form.text("words")
        form.check()
        with db.transaction(actor, "deduction.appeal") as tx:
            deduct.appeal(tx, actor.id, id, words)
    except HubError as error:
        return _show(request, actor, error=error)
    return see_other("/me/points")


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
