"""The work of an incident: tasks with role slots, whose totals may carry nested minima."""

from collections.abc import Collection, Sequence
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any, Final

from sqlmodel import col, select

from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Malformed, PreconditionFailed, Refused
from volunteer_hub.incidents import logbook, rules
from volunteer_hub.incidents.models import Incident, RoleSlot, SlotMinimum, Task
from volunteer_hub.incidents.rules import LogKind, MinimumSpec, SlotSpec, TaskSpec, TaskState

CHANGEABLE: Final = frozenset(f.name for f in fields(TaskSpec)) - {"slots", "template", "reference"}
_LOGGED_EACH: Final = 20


def add(tx: Tx, incident: Incident, spec: TaskSpec, skills: Collection[str]) -> Task:
    """Adds a task with its slots. Raises Malformed naming every wrong field, Refused on a closed incident."""
    return add_many(tx, incident, (spec,), skills)[0]


def add_many(tx: Tx, incident: Incident, specs: Sequence[TaskSpec], skills: Collection[str]) -> list[Task]:
    """Adds all or none of several tasks, in the order given."""
    tx.actor.must_cover("task.write", incident.area)
    rules.check_tasks(specs, skills)
    hold_open(tx, incident)
    return insert(tx, incident, specs)


def hold_open(tx: Tx, incident: Incident) -> None:
    """Keeps the incident from closing until this transaction ends. Raises Refused when it is closed."""
    tx.refresh(incident, with_for_update={"read": True})
    rules.check_open(incident.state)


def hold_alone(tx: Tx, incident: Incident) -> None:
    """`hold_open`, and nobody else adds to the incident meanwhile."""
    tx.refresh(incident, with_for_update=True)
    rules.check_open(incident.state)


def insert(tx: Tx, incident: Incident, specs: Sequence[TaskSpec]) -> list[Task]:
    """Stores tasks that were checked, in as many statements for a thousand as for one."""
    rows = [_task(incident, spec) for spec in specs]
    tx.add_all(rows)
    tx.flush()
    pairs = [(row, spec) for row, spec in zip(rows, specs, strict=True)]
    _insert_slots(tx, [(row, slot, n) for row, spec in pairs for n, slot in enumerate(spec.slots)])
    if len(rows) > _LOGGED_EACH:
        logbook.record(tx, incident, LogKind.TASK, "tasks_added", n=len(rows))
    else:
        for row in rows:
            logbook.record(tx, incident, LogKind.TASK, "task_added", title=row.title)
    tx.flush()
    return rows


def change(tx: Tx, task: Task, version: int, skills: Collection[str], **changes: Any) -> frozenset[str]:
    """Changes fields of a task (those of TaskSpec but its slots); the names of what is different now.

    ``version`` is the one the editor saw. Where `rules.told_again` says so, everybody who accepted is to be
    told. Raises PreconditionFailed when somebody was faster, Refused when task or incident has ended,
    Malformed naming every wrong field.
    """
    incident = _editing(tx, task, version)
    if not changes.keys() <= CHANGEABLE:
        raise Malformed("task.fields", names=", ".join(sorted(changes.keys() - CHANGEABLE)))
    before = spec_of(task)
    after = replace(before, **changes)
    rules.check_task(after, skills)
    different = frozenset(name for name in changes if getattr(before, name) != getattr(after, name))
    for name in different:
        value = changes[name]
        setattr(task, name, list(value) if name == "hazards" else value)
    if different:
        task.version += 1
        logbook.record(tx, incident, LogKind.TASK, "task_changed", title=task.title, fields=sorted(different))
        tx.flush()
    return different


def cancel(tx: Tx, task: Task, reason: str) -> Task:
    """Calls a task off. Raises Malformed without a reason, Refused when it has ended already."""
    return _end(tx, task, TaskState.CANCELLED, "task_cancelled", rules.check_note(reason, "reason"))


def finish(tx: Tx, task: Task) -> Task:
    """The work is done. Raises Refused when it has ended already."""
    return _end(tx, task, TaskState.DONE, "task_done", "")


def add_slot(tx: Tx, task: Task, version: int, spec: SlotSpec, skills: Collection[str]) -> RoleSlot:
    """Adds a role to a task. Raises as `change`."""
    incident = _editing(tx, task, version)
    rules.check_slot(spec, skills)
    present = tx.exec(select(RoleSlot).where(col(RoleSlot.task_id) == task.id)).all()
    if len(present) >= rules.MOST_SLOTS:
        raise Malformed("task.slots", most=rules.MOST_SLOTS)
    position = max((slot.position for slot in present), default=-1) + 1
    slot = _insert_slots(tx, [(task, spec, position)])[0]
    task.version += 1
    logbook.record(tx, incident, LogKind.TASK, "slots_changed", title=task.title)
    tx.flush()
    return slot


def change_slot(
    tx: Tx, task: Task, slot: RoleSlot, version: int, spec: SlotSpec, skills: Collection[str]
) -> RoleSlot:
    """Puts ``spec`` in place of a slot and its minima; the slot keeps its id and the offers on it."""
    incident = _editing(tx, task, version)
    if slot.task_id != task.id:
        raise Malformed("slot.task")
    rules.check_slot(spec, skills)
    for name, value in _slot_values(spec).items():
        setattr(slot, name, value)
    for minimum in tx.exec(select(SlotMinimum).where(col(SlotMinimum.slot_id) == slot.id)).all():
        tx.delete(minimum)
    tx.add_all(_minima(slot, spec))
    task.version += 1
    logbook.record(tx, incident, LogKind.TASK, "slots_changed", title=task.title)
    tx.flush()
    return slot


def split(tx: Tx, task: Task, version: int, *, minutes: int, overlap_minutes: int = 0) -> list[Task]:
    """Cuts a task into operational periods: it keeps the first, a new task takes each further one.

    Every new task has the same slots; each period runs on for the overlap, in which the relief is briefed.
    Raises as `change`, and Malformed for a period that cannot be.
    """
    incident = _editing(tx, task, version)
    length, overlap = timedelta(minutes=minutes), timedelta(minutes=overlap_minutes)
    windows = rules.periods(task.starts_at, task.ends_at, length, overlap)
    spec = replace(spec_of(task), slots=slots_of(tx, task), template=task.template)
    task.ends_at = windows[0][1]
    task.version += 1
    relief = [replace(spec, starts_at=starts, ends_at=ends) for starts, ends in windows[1:]]
    return [task, *insert(tx, incident, relief)]


def spec_of(task: Task) -> TaskSpec:
    """A stored task as the values it was made from, without its slots."""
    values = {name: getattr(task, name) for name in CHANGEABLE}
    return TaskSpec(**{**values, "hazards": tuple(task.hazards)})


def slots_of(tx: Tx, task: Task) -> tuple[SlotSpec, ...]:
    """The slots of a task as the values they were made from."""
    order = (col(RoleSlot.position), col(RoleSlot.id))
    slots = tx.exec(select(RoleSlot).where(col(RoleSlot.task_id) == task.id).order_by(*order)).all()
    wanted = col(SlotMinimum.slot_id).in_([slot.id for slot in slots])
    minima = tx.exec(select(SlotMinimum).where(wanted).order_by(col(SlotMinimum.id))).all()
    return tuple(_slot_spec(slot, [m for m in minima if m.slot_id == slot.id]) for slot in slots)


def _editing(tx: Tx, task: Task, version: int) -> Incident:
    """The incident of a task that may be edited now; holds the task."""
    tx.actor.must_cover("task.write", task.area)
    incident = tx.get_one(Incident, task.incident_id)
    hold_open(tx, incident)
    tx.refresh(task, with_for_update=True)
    if task.version != version:
        raise PreconditionFailed("version")
    if task.state is not TaskState.OPEN:
        raise Refused("task.ended", state=rules.named("task_state", task.state))
    return incident


def _end(tx: Tx, task: Task, state: TaskState, event: str, reason: str) -> Task:
    tx.refresh(task)
    incident = _editing(tx, task, task.version)
    task.state = state
    task.version += 1
    logbook.record(tx, incident, LogKind.TASK, event, text=reason, title=task.title)
    tx.flush()
    return task


def _task(incident: Incident, spec: TaskSpec) -> Task:
    values = {name: getattr(spec, name) for name in CHANGEABLE}
    return Task(
        **{**values, "title": spec.title.strip(), "hazards": list(spec.hazards)},
        incident_id=incident.id,
        area=incident.area,
        template=spec.template,
        reference=spec.reference,
    )


def _insert_slots(tx: Tx, wanted: Sequence[tuple[Task, SlotSpec, int]]) -> list[RoleSlot]:
    slots = [
        RoleSlot(task_id=task.id, position=position, **_slot_values(spec)) for task, spec, position in wanted
    ]
    tx.add_all(slots)
    tx.flush()
    for slot, (_, spec, _) in zip(slots, wanted, strict=True):
        tx.add_all(_minima(slot, spec))
    tx.flush()
    return slots


def _slot_values(spec: SlotSpec) -> dict[str, Any]:
    return {f.name: getattr(spec, f.name) for f in fields(spec) if f.name != "minima"}


def _minima(slot: RoleSlot, spec: SlotSpec) -> list[SlotMinimum]:
    return [
        SlotMinimum(slot_id=slot.id, skill=m.skill, level=m.level, heads=m.heads, may_share=m.may_share)
        for m in spec.minima
    ]


def _slot_spec(slot: RoleSlot, minima: Sequence[SlotMinimum]) -> SlotSpec:
    nested = tuple(MinimumSpec(m.skill, m.heads, m.level, m.may_share) for m in minima)
    values = {f.name: getattr(slot, f.name) for f in fields(SlotSpec) if f.name != "minima"}
    return SlotSpec(**values, minima=nested)
