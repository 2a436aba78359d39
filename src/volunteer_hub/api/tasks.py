"""The work of an incident: tasks with role slots and nested minima."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, Field

from volunteer_hub.api.guard import allow
from volunteer_hub.api.pages import Cursor, In, Limit, OnceOnly, Out, Page, Version, etag, page
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_cursor
from volunteer_hub.core.errors import Malformed
from volunteer_hub.flows import change as flow
from volunteer_hub.incidents import queries, tasks
from volunteer_hub.incidents.queries import SlotView, TaskView
from volunteer_hub.incidents.rules import MinimumSpec, SlotSpec, TaskSpec, TaskState
from volunteer_hub.volunteers.policy import Skills

router = APIRouter(tags=["tasks"])
_MAY_BE_NULL: Final = frozenset({"pickup_lat", "pickup_lon"})

EXAMPLE: Final[dict[str, Any]] = {
    "title": "Sandbags at the east gate",
    "place": "East gate, Dongfeng Street",
    "lat": 46.6,
    "lon": 125.11,
    "starts_at": "2026-07-14T03:00:00+08:00",
    "ends_at": "2026-07-14T07:00:00+08:00",
    "priority": 1,
    "slots": [
        {
            "name": "Sandbag crew",
            "skill": "sandbagging",
            "minimum": 12,
            "target": 16,
            "maximum": 20,
            "adult_only": True,
            "minima": [{"skill": "first_aid", "heads": 2}],
        }
    ],
}


class MinimumIn(In):
    """Of a slot's people at least ``heads`` with a skill; one counts for two only where both may share."""

    skill: str = Field(max_length=100)
    level: int = 1
    heads: int
    may_share: bool = False


class SlotIn(In):
    """How many people in one role; without a skill anybody will do. Minimum <= target <= maximum. Who would
    be there for less than ``useful_minutes`` holds no place; null: as configured."""

    model_config = {"json_schema_extra": {"examples": EXAMPLE["slots"]}}
    name: str | None = Field(default=None, max_length=200)
    skill: str | None = Field(default=None, max_length=100)
    level: int = 1
    minimum: int
    target: int
    maximum: int
    adult_only: bool = False
    insured_only: bool = False
    useful_minutes: int | None = None
    minima: list[MinimumIn] = Field(default_factory=list, max_length=20)


class TaskIn(In):
    """Work at a place in a window of time. Priority 1 is the most urgent of 5. Without a position: that of
    the incident. People are taken there from ``pickup``; where it has a position too, they travel to that."""

    model_config = {"json_schema_extra": {"examples": [EXAMPLE]}}
    title: str = Field(max_length=200)
    place: str = Field(default="", max_length=4000)
    lat: float | None = None
    lon: float | None = None
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    priority: int = 3
    hazards: list[Annotated[str, Field(max_length=100)]] = Field(default_factory=list, max_length=20)
    hazardous: bool = False
    outdoor: bool = True
    pickup: str = Field(default="", max_length=4000)
    pickup_lat: float | None = None
    pickup_lon: float | None = None
    slots: list[SlotIn] = Field(default_factory=list, max_length=100)


class TaskChange(In):
    """What is to be different; what is left out stays. Null takes the position of the pick-up point away."""

    model_config = {"json_schema_extra": {"examples": [{"place": "South gate", "lat": 46.59}]}}
    title: str | None = Field(default=None, max_length=200)
    place: str | None = Field(default=None, max_length=4000)
    lat: float | None = None
    lon: float | None = None
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    priority: int | None = None
    hazards: list[Annotated[str, Field(max_length=100)]] | None = Field(default=None, max_length=20)
    hazardous: bool | None = None
    outdoor: bool | None = None
    pickup: str | None = Field(default=None, max_length=4000)
    pickup_lat: float | None = None
    pickup_lon: float | None = None


class ReasonIn(In):
    """Why."""

    model_config = {"json_schema_extra": {"examples": [{"reason": "The water has gone down."}]}}
    reason: str = Field(max_length=4000)


class MinimumOut(Out):
    """A nested minimum."""

    skill: str
    level: int
    heads: int
    may_share: bool


class SlotOut(Out):
    """A role slot."""

    id: uuid.UUID
    name: str | None
    skill: str | None
    level: int
    minimum: int
    target: int
    maximum: int
    adult_only: bool
    insured_only: bool
    useful_minutes: int | None
    minima: list[MinimumOut]


class TaskOut(Out):
    """A task. ``version`` is its ETag, which also changes with its slots."""

    id: uuid.UUID
    title: str
    place: str
    lat: float
    lon: float
    starts_at: datetime
    ends_at: datetime
    priority: int
    hazards: list[str]
    hazardous: bool
    outdoor: bool
    pickup: str
    pickup_lat: float | None
    pickup_lon: float | None
    state: TaskState
    version: int
    slots: list[SlotOut]


class ChangedOut(Out):
    """What a change came to: people told of it, and released because they cannot come then."""

    task: TaskOut
    told: int
    released: int


def slot_spec(slot: SlotIn) -> SlotSpec:
    """A slot as the column takes it."""
    minima = tuple(MinimumSpec(m.skill, m.heads, m.level, m.may_share) for m in slot.minima)
    return SlotSpec(**slot.model_dump(exclude={"minima"}), minima=minima)


def specs(wanted: Sequence[TaskIn], lat: float, lon: float, place: str = "") -> list[TaskSpec]:
    """Tasks as the column takes them; position and place of the incident where they have none."""
    return [
        TaskSpec(
            **{
                **task.model_dump(exclude={"slots", "hazards", "lat", "lon", "place"}),
                "lat": lat if task.lat is None or task.lon is None else task.lat,
                "lon": lon if task.lat is None or task.lon is None else task.lon,
                "place": task.place or place,
                "hazards": tuple(task.hazards),
                "slots": tuple(slot_spec(slot) for slot in task.slots),
            }
        )
        for task in wanted
    ]


def _view(view: TaskView) -> TaskOut:
    own = {name: getattr(view.task, name) for name in TaskOut.model_fields if name not in ("id", "slots")}
    return TaskOut(id=view.task.public_id, slots=[_slot(each) for each in view.slots], **own)


def _slot(view: SlotView) -> SlotOut:
    own = {name: getattr(view.slot, name) for name in SlotOut.model_fields if name not in ("id", "minima")}
    minima = [MinimumOut.model_validate(minimum) for minimum in view.minima]
    return SlotOut(id=view.slot.public_id, minima=minima, **own)


def _tagged(body: TaskOut) -> JSONResponse:
    return JSONResponse(body.model_dump(mode="json"), headers={"ETag": etag(body.version)})


def _seen(version: int | None) -> int:
    if version is None:
        raise Malformed("if_match")
    return version


def _skills() -> frozenset[str]:
    return frozenset(policy.load("skills", Skills).skills)


@router.get("/incidents/{id}/tasks", response_model=Page[TaskOut])
def listed(
    actor: Annotated[Actor, allow("task.read")], id: uuid.UUID, limit: Limit = 50, cursor: Cursor = None
) -> Page[TaskOut]:
    """The tasks of an incident, by start and urgency."""
    start = decode_cursor(cursor) or 0
    with db.read(actor) as tx:
        incident = queries.find(tx, "task.read", id)
        found = list(enumerate(queries.whole(tx, incident).tasks, 1))[start : start + limit + 1]
        return page(found, limit, lambda row: _view(row[1]), lambda row: int(row[0]))


@router.post("/incidents/{id}/tasks", status_code=201, response_model=TaskOut)
def add(
    actor: Annotated[Actor, allow("task.write")], id: uuid.UUID, body: TaskIn, once: OnceOnly
) -> Response:
    """Adds a task with its slots."""

    def deed() -> TaskOut:
        incident = queries.find(tx, "task.write", id)
        spec = specs([body], incident.lat, incident.lon)[0]
        return _view(queries.views(tx, [tasks.add(tx, incident, spec, _skills())])[0])

    with db.transaction(actor, "task.add") as tx:
        return once.run(tx, deed, 201)


@router.get("/tasks/{id}", response_model=TaskOut)
def one(actor: Annotated[Actor, allow("task.read")], id: uuid.UUID) -> JSONResponse:
    """One task, with its ETag."""
    with db.read(actor) as tx:
        return _tagged(_view(queries.views(tx, [queries.find_task(tx, "task.read", id)])[0]))


@router.patch("/tasks/{id}", response_model=ChangedOut)
def change(
    actor: Annotated[Actor, allow("task.write")], id: uuid.UUID, body: TaskChange, version: Version
) -> JSONResponse:
    """Changes what is given, when If-Match names the version stored (else 412).

    A new place or time goes to everybody who accepted, who are to acknowledge it.
    """
    seen = _seen(version)
    with db.transaction(actor, "task.change") as tx:
        task = queries.find_task(tx, "task.write", id)
        given = body.model_dump(exclude_unset=True).items()
        changes = {name: value for name, value in given if value is not None or name in _MAY_BE_NULL}
        if "hazards" in changes:
            changes["hazards"] = tuple(changes["hazards"])
        told = flow.change_task(tx, task, seen, **changes)
        view = _view(queries.views(tx, [task])[0])
        answer = ChangedOut(task=view, told=told.told, released=told.released)
        return JSONResponse(answer.model_dump(mode="json"), headers={"ETag": etag(view.version)})


@router.post("/tasks/{id}/cancel", response_model=TaskOut)
def cancel(
    actor: Annotated[Actor, allow("task.write")], id: uuid.UUID, body: ReasonIn, once: OnceOnly
) -> Response:
    """Calls a task off, with the reason; everybody asked to it is told."""

    def deed() -> TaskOut:
        task = queries.find_task(tx, "task.write", id)
        flow.cancel_task(tx, task, body.reason)
        return _view(queries.views(tx, [task])[0])

    with db.transaction(actor, "task.cancel") as tx:
        return once.run(tx, deed)


@router.post("/tasks/{id}/done", response_model=TaskOut)
def done(actor: Annotated[Actor, allow("task.write")], id: uuid.UUID, once: OnceOnly) -> Response:
    """The work is done."""

    def deed() -> TaskOut:
        task = tasks.finish(tx, queries.find_task(tx, "task.write", id))
        return _view(queries.views(tx, [task])[0])

    with db.transaction(actor, "task.done") as tx:
        return once.run(tx, deed)


@router.post("/tasks/{id}/slots", status_code=201, response_model=TaskOut)
def add_slot(
    actor: Annotated[Actor, allow("task.write")],
    id: uuid.UUID,
    body: SlotIn,
    version: Version,
    once: OnceOnly,
) -> Response:
    """Adds a role to a task, when If-Match names the task's version."""
    seen = _seen(version)

    def deed() -> TaskOut:
        task = queries.find_task(tx, "task.write", id)
        tasks.add_slot(tx, task, seen, slot_spec(body), _skills())
        return _view(queries.views(tx, [task])[0])

    with db.transaction(actor, "task.add_slot") as tx:
        return once.run(tx, deed, 201)


@router.put("/slots/{id}", response_model=TaskOut)
def change_slot(
    actor: Annotated[Actor, allow("task.write")], id: uuid.UUID, body: SlotIn, version: Version
) -> JSONResponse:
    """Puts these numbers and minima in place of a slot's, when If-Match names the task's version."""
    seen = _seen(version)
    with db.transaction(actor, "task.change_slot") as tx:
        task, slot = queries.find_slot(tx, "task.write", id)
        tasks.change_slot(tx, task, slot, seen, slot_spec(body), _skills())
        return _tagged(_view(queries.views(tx, [task])[0]))
