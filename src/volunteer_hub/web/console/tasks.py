"""A task with its roles: added, changed, called off, done. One form, which works without JavaScript."""

import uuid
from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.flows import change, reshape
from volunteer_hub.flows import declare as flow
from volunteer_hub.flows.reshape import Wanted
from volunteer_hub.incidents import queries, tasks
from volunteer_hub.incidents.models import Incident, Task
from volunteer_hub.incidents.queries import TaskView
from volunteer_hub.incidents.rules import MinimumSpec, SlotSpec, TaskSpec
from volunteer_hub.volunteers.policy import Skills
from volunteer_hub.web import forms, nav
from volunteer_hub.web.console.board import came_back
from volunteer_hub.web.forms import Form, Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.render import language_of, page

router = APIRouter()

_ROWS: Final = 50
_MINIMA: Final = 20
_LOCAL: Final = "%Y-%m-%dT%H:%M"


@router.get("/incidents/{id:uuid}/tasks/new")
def new(request: Request, actor: Annotated[Actor, allow("task.write")], id: uuid.UUID) -> Response:
    """An empty task at the incident's place, from the next full hour on."""
    with db.read(actor) as tx:
        incident = queries.find(tx, "task.write", id)
        zone = flow.zone_of(tx, incident.area)
        start = tx.now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        typed = {
            "lat": f"{incident.lat:.6g}",
            "lon": f"{incident.lon:.6g}",
            "priority": "2",
            "outdoor": "yes",
            "starts_at": _local(start, zone),
            "ends_at": _local(start + timedelta(hours=4), zone),
        }
        return _form(request, actor, tx, incident, None, typed)


@router.post("/incidents/{id:uuid}/tasks/new")
def add(
    request: Request, actor: Annotated[Actor, allow("task.write")], id: uuid.UUID, form: Sent
) -> Response:
    """Adds the task, or one more empty row to the form."""
    if form.text("do", 20) != "save":
        return _again(request, actor, form, incident_id=id)
    try:
        with db.transaction(actor, "task.add") as tx:
            address = form.once(tx, f"/incidents/{id}/tasks/new", lambda: _added(tx, id, form))
    except HubError as error:
        return _again(request, actor, form, incident_id=id, error=error)
    return see_other(address)


def _added(tx: Tx, id: uuid.UUID, form: Form) -> str:
    incident = queries.find(tx, "task.write", id)
    values = _fields(form, flow.zone_of(tx, incident.area))
    slots = [one.spec for one in _slots(form, {})]
    form.check()
    spec = TaskSpec(**values, slots=tuple(slots))
    tasks.add(tx, incident, spec, policy.load("skills", Skills).skills)
    return f"/incidents/{id}"


@router.get("/tasks/{id:uuid}")
def one(request: Request, actor: Annotated[Actor, allow("task.write")], id: uuid.UUID) -> Response:
    """The task as it stands, to be changed."""
    with db.read(actor) as tx:
        task = queries.find_task(tx, "task.write", id)
        view = queries.views(tx, [task])[0]
        incident = tx.get_one(Incident, task.incident_id)
        typed = _typed(view, flow.zone_of(tx, task.area))
        return _form(request, actor, tx, incident, task, typed)


@router.post("/tasks/{id:uuid}")
def edit(
    request: Request, actor: Annotated[Actor, allow("task.write")], id: uuid.UUID, form: Sent
) -> Response:
    """Changes task and roles together, or adds one more empty row to the form."""
    if form.text("do", 20) != "save":
        return _again(request, actor, form, task_id=id)
    try:
        with db.transaction(actor, "task.change") as tx:
            task = queries.find_task(tx, "task.write", id)
            known = {str(row.slot.public_id): row.slot.id for row in queries.views(tx, [task])[0].slots}
            values = _fields(form, flow.zone_of(tx, task.area))
            slots = _slots(form, known)
            form.check()
            reshape.edit(tx, task, form.whole("version"), values, slots)
            incident = tx.get_one(Incident, task.incident_id).public_id
    except HubError as error:
        return _again(request, actor, form, task_id=id, error=error)
    return see_other(f"/incidents/{incident}")


@router.post("/tasks/{id:uuid}/cancel")
def cancel(
    request: Request, actor: Annotated[Actor, allow("task.write")], id: uuid.UUID, form: Sent
) -> Response:
    """Calls the task off with a reason; everybody asked to it is told."""
    return _end(request, actor, id, form, "cancel")


@router.post("/tasks/{id:uuid}/done")
def done(
    request: Request, actor: Annotated[Actor, allow("task.write")], id: uuid.UUID, form: Sent
) -> Response:
    """The work is done."""
    return _end(request, actor, id, form, "done")


def _end(request: Request, actor: Actor, id: uuid.UUID, form: Form, how: str) -> Response:
    incident = _incident_of(actor, id)
    try:
        with db.transaction(actor, f"task.{how}") as tx:
            task = queries.find_task(tx, "task.write", id)
            if how == "cancel":
                change.cancel_task(tx, task, form.text("reason"))
            else:
                tasks.finish(tx, task)
            form.check()
    except HubError as error:
        return came_back(request, actor, incident, form, "task", error)
    return see_other(f"/incidents/{incident}")


def _incident_of(actor: Actor, id: uuid.UUID) -> uuid.UUID:
    with db.read(actor) as tx:
        return tx.get_one(Incident, queries.find_task(tx, "task.write", id).incident_id).public_id


# ---- the form


def _fields(form: Form, zone: str) -> dict[str, Any]:
    for name in ("lat", "lon", "starts_at", "ends_at"):
        form.require(name)
    values = {
        "title": form.text("title"),
        "place": form.text("place"),
        "pickup": form.text("pickup"),
        "pickup_lat": form.decimal("pickup_lat"),
        "pickup_lon": form.decimal("pickup_lon"),
        "lat": form.decimal("lat"),
        "lon": form.decimal("lon"),
        "starts_at": form.moment("starts_at", zone),
        "ends_at": form.moment("ends_at", zone),
        "priority": form.whole("priority", 3),
        "hazardous": form.flag("hazardous"),
        "outdoor": form.flag("outdoor"),
    }
    form.check()  # before a None among them could reach the column
    return values


def _slots(form: Form, known: dict[str, int]) -> list[Wanted]:
    """The rows that say anything; ``known`` are the ids of slots that are there already."""
    found = []
    for number in range(_ROWS):
        row = f"slots.{number}."
        slot_id = known.get(form.text(f"{row}id", 40))
        if slot_id is None and not any(
            form.text(row + name, 100) for name in ("target", "minimum", "maximum", "name")
        ):
            continue
        target = form.whole(f"{row}target")
        spec = SlotSpec(
            name=form.text(f"{row}name") or None,
            skill=form.text(f"{row}skill", 100) or None,
            level=form.whole(f"{row}level", 1),
            minimum=form.whole(f"{row}minimum", target),
            target=target,
            maximum=form.whole(f"{row}maximum", target),
            adult_only=form.flag(f"{row}adult_only"),
            insured_only=form.flag(f"{row}insured_only"),
            useful_minutes=_minutes(form, f"{row}useful_minutes"),
            minima=tuple(_minima(form, row)),
        )
        found.append(Wanted(spec, slot_id, row))
    return found


def _minutes(form: Form, name: str) -> int | None:
    return form.whole(name) if form.text(name, 10) else None


def _minima(form: Form, row: str) -> list[MinimumSpec]:
    found = []
    for number in range(_MINIMA):
        inner = f"{row}minima.{number}."
        heads = form.whole(f"{inner}heads")
        if heads and form.text(f"{inner}skill", 100):
            level = form.whole(f"{inner}level", 1)
            found.append(
                MinimumSpec(form.text(f"{inner}skill", 100), heads, level, form.flag(f"{inner}may_share"))
            )
    return found


def _typed(view: TaskView, zone: str) -> dict[str, str]:
    """A stored task as the form's fields."""
    task = view.task
    typed = {
        "version": str(task.version),
        "title": task.title,
        "place": task.place,
        "pickup": task.pickup,
        "pickup_lat": "" if task.pickup_lat is None else repr(task.pickup_lat),
        "pickup_lon": "" if task.pickup_lon is None else repr(task.pickup_lon),
        "lat": repr(task.lat),
        "lon": repr(task.lon),
        "priority": str(task.priority),
        "starts_at": _local(task.starts_at, zone),
        "ends_at": _local(task.ends_at, zone),
        "hazardous": "yes" if task.hazardous else "",
        "outdoor": "yes" if task.outdoor else "",
    }
    for number, each in enumerate(view.slots):
        row, slot = f"slots.{number}.", each.slot
        typed |= {f"{row}id": str(slot.public_id), f"{row}name": slot.name or ""}
        typed |= {f"{row}useful_minutes": "" if slot.useful_minutes is None else str(slot.useful_minutes)}
        typed |= {f"{row}skill": slot.skill or "", f"{row}level": str(slot.level)}
        typed |= {f"{row}{name}": str(getattr(slot, name)) for name in ("minimum", "target", "maximum")}
        typed |= {
            f"{row}{name}": "yes" if getattr(slot, name) else "" for name in ("adult_only", "insured_only")
        }
        for place, minimum in enumerate(each.minima):
            inner = f"{row}minima.{place}."
            typed |= {f"{inner}skill": minimum.skill, f"{inner}heads": str(minimum.heads)}
            typed |= {f"{inner}level": str(minimum.level)}
            typed |= {f"{inner}may_share": "yes" if minimum.may_share else ""}
    return typed


def _local(moment: datetime, zone: str) -> str:
    return moment.astimezone(ZoneInfo(zone)).strftime(_LOCAL)


def _again(
    request: Request,
    actor: Actor,
    form: Form,
    *,
    incident_id: uuid.UUID | None = None,
    task_id: uuid.UUID | None = None,
    error: HubError | None = None,
) -> Response:
    """The form as it was typed, with what was wrong, or with one more row."""
    if error is not None and error.bars:
        raise error
    typed = {name: values[0] for name, values in form.values.items() if values}
    errors = forms.words(language_of(request), error) if error is not None else forms.Faults()
    with db.read(actor) as tx:
        task = queries.find_task(tx, "task.write", task_id) if task_id is not None else None
        incident = (
            tx.get_one(Incident, task.incident_id)
            if task is not None
            else queries.find(tx, "task.write", incident_id or uuid.UUID(int=0))
        )
        status = error.status if error is not None else 200
        return _form(
            request, actor, tx, incident, task, typed, errors, more=form.text("do", 40), status=status
        )


def _form(
    request: Request,
    actor: Actor,
    tx: Tx,
    incident: Incident,
    task: Task | None,
    typed: dict[str, str],
    errors: forms.Faults | None = None,
    *,
    more: str = "",
    status: int = 200,
) -> Response:
    lang = language_of(request)
    skills = policy.load("skills", Skills)
    used = 1 + max((int(n) for n in _numbers(typed, "slots.")), default=-1)
    rows = min(_ROWS, max(1, used) + (more == "role"))
    inner = {row: _inner_rows(typed, row, more == f"minimum.{row}") for row in range(rows)}
    context = nav.console(
        request,
        actor,
        title=t(lang, "board.task.change" if task is not None else "board.task.new"),
        kind=incident.kind.value,
        incident=incident,
        task=task,
        typed=typed,
        errors=errors or forms.Faults(),
        rows=rows,
        inner=inner,
        skills=[
            ("", t(lang, "board.anybody")),
            *((code, pick(row.name, lang)) for code, row in skills.skills.items()),
        ],
        levels=[(str(n), f"{n} · {pick(name, lang)}") for n, name in enumerate(skills.levels, 1)],
        priorities=[(str(n), t(lang, f"board.priority.{n}")) for n in range(1, 6)],
        key=typed.get("once") or forms.new_key(),
    )
    return page(request, "console/task.html", status=status, zone=flow.zone_of(tx, incident.area), **context)


def _inner_rows(typed: dict[str, str], row: int, more: bool) -> int:
    used = 1 + max((int(n) for n in _numbers(typed, f"slots.{row}.minima.")), default=0)
    return min(_MINIMA, used + more)


def _numbers(typed: dict[str, str], start: str) -> set[str]:
    """The row numbers under a prefix in which anything was typed."""
    found = {
        name[len(start) :].split(".", 1)[0]
        for name, value in typed.items()
        if name.startswith(start) and value
    }
    return {number for number in found if number.isdecimal() and len(number) < 3}
