"""People in the field: who is where, whoever needs attention first, how often they say that they are OK."""

import uuid
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response
from markupsafe import Markup

from volunteer_hub.boards import field as board
from volunteer_hub.boards.field import FieldView, PersonLine
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError, NotFound
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.flows import duty as duties
from volunteer_hub.flows import field as flow
from volunteer_hub.incidents import queries
from volunteer_hub.incidents.rules import OPEN
from volunteer_hub.mobilization import attendance
from volunteer_hub.mobilization.field_rules import OK_MINUTES, Harm, Need, Place, Severity
from volunteer_hub.mobilization.rules import Evidence
from volunteer_hub.web import forms, nav, parts
from volunteer_hub.web.forms import Form, Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.render import Lang, Speech, language_of, page

router = APIRouter()

ROWS: Final = 100
TONES: Final = {
    Place.EXPECTED: "quiet",
    Place.EN_ROUTE: "info",
    Place.ON_SITE: "ok",
    Place.NO_SHOW: "watch",
    Place.LEFT: "quiet",
    Place.RELEASED: "quiet",
}


@router.get("/incidents/{id:uuid}/field")
def show(
    request: Request,
    actor: Annotated[Actor, allow("duty.read")],
    id: uuid.UUID,
    who: str = "",
    task: str = "",
    start: int = 0,
) -> Response:
    """Everybody. ``who`` and ``task`` say which people are listed, ``start`` how many stand before."""
    return _page(request, actor, id, _wanted(who, task, start))


@router.get("/incidents/{id:uuid}/field/live")
def live(
    request: Request,
    actor: Annotated[Actor, allow("duty.read")],
    id: uuid.UUID,
    who: str = "",
    task: str = "",
    start: int = 0,
    seen: str = "",
) -> Response:
    """What changes of it, or 204 when it is still as ``seen``."""
    with db.read(actor) as tx:
        view = board.people(tx, queries.find(tx, "duty.read", id))
        return parts.answer(_live(tx, view, _wanted(who, task, start), language_of(request)), seen)


@router.get("/incidents/{id:uuid}/field/roll")
def roll(request: Request, actor: Annotated[Actor, allow("duty.read")], id: uuid.UUID) -> Response:
    """Everybody on site or on the way there, by task and role, to be printed."""
    lang = language_of(request)
    with db.read(actor) as tx:
        view = board.people(tx, queries.find(tx, "duty.read", id))
        speech = Speech(lang, view.zone)
        there = [line for line in view.lines if line.place in (Place.ON_SITE, Place.EN_ROUTE)]
        there.sort(key=lambda line: (pick(line.facts.role, lang), line.name or ""))
        context = nav.console(
            request,
            actor,
            title=t(lang, "field.roll.title", title=view.incident.title),
            kind=view.incident.kind.value,
            zone=view.zone,
            here=f"/incidents/{id}/field",
            tasks=[
                (
                    row.facts.title,
                    row.facts.place,
                    [shown(line, speech) for line in there if line.facts.task.id == row.task.id],
                )
                for row in view.tasks
            ],
            count=len(there),
            now=tx.now,
        )
    return page(request, "console/field_roll.html", **context)


@router.post("/incidents/{id:uuid}/field/heard")
def heard(
    request: Request, actor: Annotated[Actor, allow("duty.write")], id: uuid.UUID, form: Sent
) -> Response:
    """Somebody on site has been heard from."""
    return _deed(
        request,
        actor,
        id,
        "field.heard",
        lambda tx: flow.ok(tx, attendance.find(tx, "duty.write", id_in(form, "duty"))),
    )


@router.post("/incidents/{id:uuid}/field/came")
def came(
    request: Request, actor: Annotated[Actor, allow("duty.write")], id: uuid.UUID, form: Sent
) -> Response:
    """A leader on site has seen somebody arrive."""

    def deed(tx: Tx) -> None:
        duty = attendance.find(tx, "duty.write", id_in(form, "duty"))
        duties.confirm_in(tx, duty, Evidence.LEADER)

    return _deed(request, actor, id, "duty.check_in", deed)


@router.post("/incidents/{id:uuid}/field/timer")
def timer(
    request: Request, actor: Annotated[Actor, allow("duty.write")], id: uuid.UUID, form: Sent
) -> Response:
    """How often everybody at a task says that they are OK; left empty: not at all."""

    def deed(tx: Tx) -> None:
        task = queries.find_task(tx, "duty.write", id_in(form, "task"))
        minutes = form.whole("minutes", 0) if form.text("minutes", 10) else None
        form.check()
        flow.set_timer(tx, task, minutes)

    return _deed(request, actor, id, "field.timer", deed, form)


def id_in(form: Form, name: str) -> uuid.UUID:
    """The id in a field. Raises NotFound for what is none."""
    return _uuid(form.text(name, 40))


def ids_in(form: Form, name: str) -> list[uuid.UUID]:
    """The ids in all fields of a name. Raises NotFound for what is none."""
    return [_uuid(value) for value in form.many(name)]


def _uuid(value: str) -> uuid.UUID:
    try:
        return uuid.UUID(value)
    except ValueError:
        raise NotFound("not_found") from None


def _wanted(who: str, task: str, start: int) -> dict[str, Any]:
    found: dict[str, Any] = {"who": who} if who in board.COUNTED else {}
    if task:
        found["task"] = _uuid(task)
    return found | ({"start": start} if start > 0 else {})


def _deed(
    request: Request, actor: Actor, id: uuid.UUID, action: str, deed: Any, form: Form | None = None
) -> Response:
    try:
        with db.transaction(actor, action) as tx:
            queries.find(tx, "duty.write", id)
            deed(tx)
    except HubError as error:
        return came_back(request, actor, id, error, form)
    return see_other(f"/incidents/{id}/field")


def came_back(
    request: Request, actor: Actor, id: uuid.UUID, error: HubError, form: Form | None = None
) -> Response:
    """The page with what was refused. A foreign incident stays one that is not there."""
    if error.bars:
        raise error
    return _page(request, actor, id, {}, error, form)


def _page(
    request: Request,
    actor: Actor,
    id: uuid.UUID,
    wanted: dict[str, Any],
    error: HubError | None = None,
    form: Form | None = None,
) -> Response:
    lang = language_of(request)
    with db.read(actor) as tx:
        view = board.people(tx, queries.find(tx, "duty.read", id))
        incident = view.incident
        context = nav.console(
            request,
            actor,
            title=t(lang, "field.title"),
            kind=incident.kind.value,
            zone=view.zone,
            view=view,
            here=f"/incidents/{id}/field",
            at=f"/incidents/{id}",
            may=lambda right: actor.may(right, incident.area),
            is_open=incident.state in OPEN,
            live_part=_live(tx, view, wanted, lang),
            there=view.counts["on_site"] + view.counts["en_route"],
            ok_range=(OK_MINUTES[0], OK_MINUTES[-1]),
            error=t(lang, f"error.{error.code}", **error.params) if error else "",
            typed=form.typed if form is not None else {},
            faults=forms.words(lang, error) if error and form is not None else forms.Faults(),
            now=tx.now,
        )
    return page(request, "console/field.html", status=error.status if error else 200, **context)


def _live(tx: Tx, view: FieldView, wanted: dict[str, Any], lang: Lang) -> Markup:
    incident = view.incident
    here = f"/incidents/{incident.public_id}/field"
    who, task, start = wanted.get("who", ""), wanted.get("task"), wanted.get("start", 0)
    speech = Speech(lang, view.zone)
    lines = view.only(who, task)
    query = urlencode(wanted)
    further = urlencode(wanted | {"start": start + ROWS})
    return parts.part(
        "field",
        "console/field_live.html",
        f"{here}/live?{query}" if query else f"{here}/live",
        lang=lang,
        zone=view.zone,
        live=incident.state in OPEN,
        view=view,
        here=here,
        may=lambda right: tx.actor.may(right, incident.area),
        who=who,
        task=task,
        counts=[
            (name, view.counts[name]) for name in board.COUNTED if view.counts[name] or name == "on_site"
        ],
        people=[shown(line, speech) for line in lines[start : start + ROWS]],
        next=f"{here}?{further}#people" if len(lines) > start + ROWS else None,
        harmed=_harmed(view, lang),
        now=tx.now,
    )


def _harmed(view: FieldView, lang: Lang) -> list[tuple[str, list[int], int]]:
    """Each kind of harm in words, how many of each severity, and how many in all."""
    rows = []
    for kind in Harm:
        by_severity = [view.harmed.get((kind, severity), 0) for severity in Severity]
        rows.append((t(lang, f"field.harm.{kind}"), by_severity, sum(by_severity)))
    return rows


def shown(line: PersonLine, speech: Speech) -> dict[str, Any]:
    """One person as the tables of the field take them."""
    lang, it = speech.lang, line.it
    states = [
        ("watch" if need is Need.REST_DUE else "short", t(lang, f"field.need.{need}")) for need in line.needs
    ]
    # A place goes without saying beside what is wrong there.
    if not {Need.OK_OVERDUE, Need.END_OVERDUE} & set(line.needs):
        states.append((TONES[line.place], t(lang, f"field.place.{line.place}")))
    return {
        "duty": line.duty.public_id,
        "name": line.name or t(lang, "callouts.name_hidden"),
        "href": f"/volunteers/{line.person}" if line.name else None,
        "phone": line.phone or "",
        "role": pick(line.facts.role, lang),
        "task": pick(line.facts.title, lang),
        "states": states,
        "detail": _detail(line, speech),
        "contact": _contact(line, speech),
        "talk": f"/volunteers/{line.person}/conversation",
        "on_site": line.place is Place.ON_SITE,
        "awaited": line.place in (Place.EXPECTED, Place.EN_ROUTE, Place.NO_SHOW),
        "timed": it.ok_due_at is not None,
        "ok_missed": Need.OK_OVERDUE in line.needs,
    }


def _detail(line: PersonLine, speech: Speech) -> str:
    """Since when, until when: what matters where they are."""
    it, lang = line.it, speech.lang
    if line.place is Place.ON_SITE and it.checked_in_at is not None:
        since = t(lang, "field.since", time=speech.clock(it.checked_in_at))
        due = t(lang, "field.ok_by", time=speech.clock(it.ok_due_at)) if it.ok_due_at is not None else ""
        return " · ".join(filter(None, (since, due)))
    if line.place in (Place.EXPECTED, Place.EN_ROUTE):
        return t(lang, "field.there_at", time=speech.clock(it.expected_at))
    return ""


def _contact(line: PersonLine, speech: Speech) -> str:
    if line.contact is None:
        return "–"
    how, at = line.contact
    return f"{t(speech.lang, f'field.contact.{how}')} {speech.clock(at)}"
