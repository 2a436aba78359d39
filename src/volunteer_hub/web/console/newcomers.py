"""Newcomers: the step each is at and how long they wait; the interview, the mentor, the first easy duty."""

import csv
import io
import uuid
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.boards import newcomers as board
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_cursor, encode_cursor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import FieldError, HubError, Malformed
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.flows import introduce, settle
from volunteer_hub.training import introductions
from volunteer_hub.training.introduction_rules import Mark, MentorState, Outcome
from volunteer_hub.web import forms, nav
from volunteer_hub.web.forms import Faults, Form, Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.render import language_of, page

router = APIRouter(prefix="/newcomers")
Reader = Annotated[Actor, allow("volunteer.read")]
Exporter = Annotated[Actor, allow("volunteer.export")]
Approver = Annotated[Actor, allow("volunteer.approve")]
ROWS: Final = 50
_MOST: Final = 10_000
TONES: Final = {Mark.DONE: "ok", Mark.NOW: "watch", Mark.AHEAD: "quiet"}
MENTOR_TONES: Final = {MentorState.ASKED: "watch", MentorState.AGREED: "ok", MentorState.DECLINED: "quiet"}
_HEADS: Final = ("name", "community", "step", "since", "days", "mentor")


@router.get("")
def listed(request: Request, actor: Reader, cursor: str = "") -> Response:
    """Everybody on their way in, who applied first before others."""
    with db.read(actor) as tx:
        skip = decode_cursor(cursor or None) or 0
        found = board.listed(tx, skip=skip, limit=ROWS)
        context = nav.console(
            request,
            actor,
            title=t(language_of(request), "newcomer.title"),
            lines=found[:ROWS],
            next=encode_cursor(skip + ROWS) if len(found) > ROWS else None,
            may_export=actor.may("volunteer.export"),
            now=tx.now,
        )
    return page(request, "console/newcomers.html", **context)


@router.get("/table.csv")
def table(request: Request, actor: Exporter) -> Response:
    """The same as a table."""
    lang = language_of(request)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([t(lang, f"newcomer.column.{name}") for name in _HEADS])
    with db.read(actor) as tx:
        for one in board.listed(tx, limit=_MOST)[:_MOST]:
            row, mentor = one.person.row, one.mentor
            cells = [row.name or "", pick(one.person.community_name, lang)]
            cells += [t(lang, f"newcomer.step.{one.step}"), f"{one.since:%Y-%m-%d}", str(one.days(tx.now))]
            cells.append(mentor.name or "" if mentor is not None else "")
            # Else a spreadsheet takes it for a formula.
            writer.writerow([f"'{cell}" if cell[:1] in "=+-@" else cell for cell in cells])
    return Response(
        "\ufeff" + out.getvalue(),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="newcomers.csv"'},
    )


@router.get("/{id:uuid}")
def show(request: Request, actor: Reader, id: uuid.UUID) -> Response:
    """One newcomer: their steps, and what the staff can do about the next."""
    return _show(request, actor, id)


@router.post("/{id:uuid}/interview")
def interview(request: Request, actor: Approver, id: uuid.UUID, form: Sent) -> Response:
    """What came of an interview."""

    def deed(tx: Tx) -> Any:
        words = form.text("words", 2_000)
        form.check()
        return introduce.interview(tx, id, _day(form), _outcome(form), words)

    return _deed(request, actor, id, "interview", deed, form)


@router.post("/{id:uuid}/mentor")
def mentor(request: Request, actor: Approver, id: uuid.UUID, form: Sent) -> Response:
    """Asks somebody to be their mentor."""

    def deed(tx: Tx) -> Any:
        try:
            wanted = uuid.UUID(form.text("mentor", 40))
        except ValueError:
            raise _missing("mentor") from None
        return introduce.name_mentor(tx, id, wanted)

    return _deed(request, actor, id, "mentor", deed, form)


def _deed(
    request: Request, actor: Actor, id: uuid.UUID, name: str, deed: Callable[[Tx], Any], form: Form
) -> Response:
    try:
        with db.transaction(actor, f"introduction.{name}") as tx:
            deed(tx)
    except HubError as error:
        if error.bars:
            raise
        return _show(request, actor, id, form, error)
    return see_other("/newcomers" if form.text("outcome", 20) == Outcome.DECLINED else f"/newcomers/{id}")


def _show(
    request: Request, actor: Actor, id: uuid.UUID, form: Form | None = None, error: HubError | None = None
) -> Response:
    lang = language_of(request)
    with db.read(actor) as tx:
        one = board.one(tx, "volunteer.read", id)
        row = one.person.row
        zone = settle.zone_of(tx, row.area)
        may = actor.may("volunteer.approve", row.area)
        policy = introductions.policy()
        wants_mentor = (
            policy.mentor and one.row is not None and one.row.taken_in_at is not None and not one.mentored
        )
        context = nav.console(
            request,
            actor,
            title=row.name or t(lang, "pool.nameless"),
            zone=zone.key,
            one=one,
            tones=TONES,
            mentor_tones=MENTOR_TONES,
            may=may,
            interviews=policy.interview and row.status.value == "applied",
            outcomes=[(each.value, t(lang, f"newcomer.outcome.{each}")) for each in Outcome],
            today=tx.now.astimezone(zone).date().isoformat(),
            candidates=board.candidates(tx, row) if may and wants_mentor else [],
            wants_mentor=wants_mentor,
            mentor_duties=policy.mentor_duties,
            suggested=board.suggested(tx, row),
            typed=form.typed if form is not None else {},
            errors=forms.words(lang, error) if error is not None else Faults(),
            now=tx.now,
        )
    return page(request, "console/newcomer.html", status=error.status if error else 200, **context)


def _day(form: Form) -> date:
    try:
        return date.fromisoformat(form.text("on", 10))
    except ValueError:
        raise _missing("on") from None


def _outcome(form: Form) -> Outcome:
    try:
        return Outcome(form.text("outcome", 20))
    except ValueError:
        raise _missing("outcome") from None


def _missing(name: str) -> Malformed:
    return Malformed("form", fields=[FieldError(name, "volunteer.required")])
