"""Training for the staff: the sessions ahead, one with its list, the code for the room."""

import uuid
from collections.abc import Callable
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.access import jurisdictions
from volunteer_hub.boards import training as board
from volunteer_hub.boards.training import SessionLine
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_cursor, encode_cursor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.core.settings import settings
from volunteer_hub.flows import assess, train
from volunteer_hub.training import courses, enrolments, sessions
from volunteer_hub.training.models import TrainingSession
from volunteer_hub.training.rules import SessionSpec, SessionState
from volunteer_hub.volunteers import queries
from volunteer_hub.volunteers.queries import Wanted
from volunteer_hub.web import forms, nav, qr
from volunteer_hub.web.forms import Faults, Form, Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.render import language_of, page

router = APIRouter(prefix="/training")
Reader = Annotated[Actor, allow("training.read")]
Writer = Annotated[Actor, allow("training.write")]

ROWS: Final = 50
_FOUND: Final = 10
TONES: Final = {SessionState.PLANNED: "info", SessionState.CLOSED: "ok", SessionState.CANCELLED: "quiet"}


@router.get("")
def listed(request: Request, actor: Reader, cursor: str = "", past: bool = False) -> Response:
    """The sessions ahead, or those that are over."""
    lang = language_of(request)
    with db.read(actor) as tx:
        skip = decode_cursor(cursor or None) or 0
        rows = sessions.listed(tx, past=past, skip=skip, limit=ROWS)
        context = nav.console(
            request,
            actor,
            title=t(lang, "training.title"),
            zone=_zone(tx),
            lines=board.lines(tx, rows[:ROWS]),
            tones=TONES,
            past=past,
            next=encode_cursor(skip + ROWS) if len(rows) > ROWS else None,
            may=actor.may,
            now=tx.now,
        )
    return page(request, "console/training.html", **context)


@router.get("/sessions/new")
def new(request: Request, actor: Writer) -> Response:
    """The form of a session; the address may name its course."""
    given = {name: value for name, value in request.query_params.items() if "\0" not in value}
    return _form(request, actor, None, given)


@router.post("/sessions/new")
def create(request: Request, actor: Writer, form: Sent) -> Response:
    """Plans it and goes to it."""
    try:
        with db.transaction(actor, "training.plan") as tx:
            area = jurisdictions.by_code(tx, form.text("area", 100))

            def deed() -> str:
                return f"/training/sessions/{train.plan(tx, area.path, _spec(form, area.zone)).public_id}"

            path = form.once(tx, "/training/sessions/new", deed)
    except HubError as error:
        if error.bars:
            raise
        return _form(request, actor, None, form.typed, error)
    return see_other(path)


@router.get("/sessions/{id:uuid}")
def show(request: Request, actor: Reader, id: uuid.UUID, search: str = "") -> Response:
    """One session and its list."""
    return _show(request, actor, id, search=search[:100])


@router.get("/sessions/{id:uuid}/edit")
def edit(request: Request, actor: Writer, id: uuid.UUID) -> Response:
    """Its form."""
    return _form(request, actor, id, {})


@router.post("/sessions/{id:uuid}/edit")
def change(request: Request, actor: Writer, id: uuid.UUID, form: Sent) -> Response:
    """Keeps it; those enrolled hear of another time or place."""
    try:
        with db.transaction(actor, "training.change") as tx:
            row = sessions.find(tx, "training.write", id)
            line = board.line(tx, row)
            train.change(tx, row, form.whole("version"), _spec(form, line.area.zone, row.course))
    except HubError as error:
        if error.bars:
            raise
        return _form(request, actor, id, form.typed, error)
    return see_other(f"/training/sessions/{id}")


@router.post("/sessions/{id:uuid}/cancel")
def cancel(request: Request, actor: Writer, id: uuid.UUID, form: Sent) -> Response:
    """Calls it off and tells everybody."""
    return _deed(request, actor, id, "cancel", lambda tx, row: train.cancel(tx, row, form.whole("version")))


@router.post("/sessions/{id:uuid}/close")
def close(request: Request, actor: Writer, id: uuid.UUID, form: Sent) -> Response:
    """The list is right."""
    return _deed(request, actor, id, "close", lambda tx, row: assess.close(tx, row, form.whole("version")))


@router.post("/sessions/{id:uuid}/enrol")
def enrol(request: Request, actor: Writer, id: uuid.UUID, form: Sent) -> Response:
    """Puts somebody down."""

    def deed(tx: Tx, row: TrainingSession) -> None:
        train.enrol_by_staff(tx, row, _id(form, "volunteer"))

    return _deed(request, actor, id, "enrol", deed)


@router.post("/sessions/{id:uuid}/mark")
def mark(request: Request, actor: Writer, id: uuid.UUID, form: Sent) -> Response:
    """There, or not."""

    def deed(tx: Tx, row: TrainingSession) -> None:
        one = enrolments.find(tx, row, _id(form, "enrolment"))
        enrolments.mark(tx, row, one.volunteer_id, there=form.flag("there"))

    return _deed(request, actor, id, "mark", deed)


@router.get("/sessions/{id:uuid}/code")
def code(request: Request, actor: Writer, id: uuid.UUID) -> Response:
    """The code for the room, large; it changes by itself."""
    lang = language_of(request)
    with db.read(actor) as tx:
        row = sessions.find(tx, "training.write", id)
        line = board.line(tx, row)
        rules = courses.shipped().attendance
        context = nav.console(
            request,
            actor,
            title=pick(line.offered.name, lang),
            zone=line.area.zone,
            line=line,
            digits=sessions.code(row, tx.now, rules),
            minutes=rules.code_minutes,
            now=tx.now,
        )
    return page(request, "console/training_code.html", **context)


@router.get("/sessions/{id:uuid}/qr.svg")
def drawing(actor: Writer, id: uuid.UUID) -> Response:
    """The code as a drawing: the address of the page on which people say that they are there."""
    with db.read(actor) as tx:
        row = sessions.find(tx, "training.write", id)
        digits = sessions.code(row, tx.now, courses.shipped().attendance)
    answer = qr.svg(f"{settings().base_url.rstrip('/')}/learn/sessions/{id}?code={digits}")
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _deed(
    request: Request, actor: Actor, id: uuid.UUID, name: str, deed: Callable[[Tx, TrainingSession], Any]
) -> Response:
    try:
        with db.transaction(actor, f"training.{name}") as tx:
            deed(tx, sessions.find(tx, "training.write", id))
    except HubError as error:
        if error.bars:
            raise
        return _show(request, actor, id, error=error)
    return see_other(f"/training/sessions/{id}")


def _show(
    request: Request, actor: Actor, id: uuid.UUID, *, search: str = "", error: HubError | None = None
) -> Response:
    lang = language_of(request)
    with db.read(actor) as tx:
        row = sessions.find(tx, "training.read", id)
        line = board.line(tx, row)
        may = actor.may("training.write", row.area)
        listed = board.listed(tx, row)
        there = {one.row.volunteer_id for one in listed}
        found = queries.people(tx, Wanted(area=row.area, search=search), limit=_FOUND) if search else []
        context = nav.console(
            request,
            actor,
            title=pick(line.offered.name, lang),
            zone=line.area.zone,
            line=line,
            tone=TONES[row.state],
            listed=listed,
            found=[one for one in found if one.row.id not in there],
            search=search,
            may=may,
            begun=tx.now >= row.starts_at,
            error=forms.words(lang, error)[""] or t(lang, f"error.{error.code}", **error.params)
            if error is not None
            else "",
            now=tx.now,
        )
    return page(request, "console/training_session.html", status=error.status if error else 200, **context)


def _form(
    request: Request,
    actor: Actor,
    id: uuid.UUID | None,
    typed: dict[str, str],
    error: HubError | None = None,
) -> Response:
    lang = language_of(request)
    with db.read(actor) as tx:
        line = board.line(tx, sessions.find(tx, "training.write", id)) if id is not None else None
        areas = jurisdictions.listed(tx, "training.write")
        zone = line.area.zone if line is not None else _zone(tx)
        context = nav.console(
            request,
            actor,
            title=t(lang, "training.session.edit" if line else "training.session.new"),
            zone=zone,
            line=line,
            typed=_stored(line, ZoneInfo(zone)) | typed,
            errors=forms.words(lang, error) if error is not None else Faults(),
            areas=[(node.code, "　" * (node.path.count("/") - 2) + pick(node.name, lang)) for node in areas],
            offered=[
                (one.code, pick(one.name, lang))
                for one in courses.for_staff(tx, "training.write").values()
                if one.own is None or one.own.ended_at is None
            ],
            key=forms.new_key(),
            now=tx.now,
        )
    return page(
        request, "console/training_session_form.html", status=error.status if error else 200, **context
    )


def _spec(form: Form, zone: str, course: str = "") -> SessionSpec:
    """The session as typed. Raises Malformed naming every field that cannot be read."""
    for name in ("starts_at", "ends_at"):
        form.require(name)
    starts, ends = form.moment("starts_at", zone), form.moment("ends_at", zone)
    places = form.whole("places")
    spec = (
        course or form.text("course", 100),
        form.text("place", 1_000),
        form.text("trainer", 1_000),
        form.text("words"),
    )
    form.check()
    assert starts is not None
    assert ends is not None
    return SessionSpec(spec[0], spec[1], starts, ends, places, spec[2], spec[3])


def _stored(line: SessionLine | None, zone: ZoneInfo) -> dict[str, str]:
    """What the form starts with."""
    if line is None:
        return {"places": "20"}
    row = line.session
    starts, ends = (f"{each.astimezone(zone):%Y-%m-%dT%H:%M}" for each in (row.starts_at, row.ends_at))
    kept = ("place", "places", "trainer", "words", "version")
    return {name: str(getattr(row, name)) for name in kept} | {"starts_at": starts, "ends_at": ends}


def _id(form: Form, name: str) -> uuid.UUID:
    """An id that a form of ours sends; one of nothing for what it does not."""
    try:
        return uuid.UUID(form.text(name, 40))
    except ValueError:
        return uuid.UUID(int=0)


def _zone(tx: Tx) -> str:
    """The clocks of the first area the actor sees."""
    areas = jurisdictions.listed(tx, "training.read")
    return areas[0].zone if areas else "UTC"
