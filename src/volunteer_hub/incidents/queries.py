"""Incidents as they are read: lists by scope, and one with all below it in as few queries as a small one."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlmodel import col, select

from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound
from volunteer_hub.incidents.models import (
    Alert,
    Handover,
    Incident,
    RaiseRequest,
    RoleSlot,
    SlotMinimum,
    Task,
)
from volunteer_hub.incidents.rules import Kind, Proposal, RaiseState, State


@dataclass(frozen=True)
class SlotView:
    slot: RoleSlot
    minima: tuple[SlotMinimum, ...]


@dataclass(frozen=True)
class TaskView:
    task: Task
    slots: tuple[SlotView, ...]


@dataclass(frozen=True)
class IncidentView:
    incident: Incident
    tasks: tuple[TaskView, ...]


Row = TypeVar("Row", Incident, Task, Alert, Handover, RaiseRequest)


def find(tx: Tx, permission: str, public_id: uuid.UUID) -> Incident:
    """The incident. Raises NotFound for a foreign one as for none, Forbidden without the right."""
    return _find(tx, Incident, permission, public_id)


def find_task(tx: Tx, permission: str, public_id: uuid.UUID) -> Task:
    """The task. Raises as `find`."""
    return _find(tx, Task, permission, public_id)


def find_slot(tx: Tx, permission: str, public_id: uuid.UUID) -> tuple[Task, RoleSlot]:
    """The role slot with its task. Raises as `find`."""
    tx.actor.must(permission)
    pair = tx.exec(
        select(Task, RoleSlot)
        .where(col(RoleSlot.task_id) == col(Task.id), col(RoleSlot.public_id) == public_id)
        .where(tx.actor.scope(permission, Task.area))
    ).one_or_none()
    if pair is None:
        raise NotFound("not_found")
    return pair[0], pair[1]


def find_alert(tx: Tx, permission: str, public_id: uuid.UUID) -> Alert:
    """The alert. Raises as `find`."""
    return _find(tx, Alert, permission, public_id)


def find_handover(tx: Tx, permission: str, public_id: uuid.UUID) -> Handover:
    """The offer of command. Raises as `find`."""
    return _find(tx, Handover, permission, public_id)


def find_raise(tx: Tx, permission: str, public_id: uuid.UUID) -> RaiseRequest:
    """The question about a level. Raises as `find`."""
    return _find(tx, RaiseRequest, permission, public_id)


def incidents(
    tx: Tx,
    *,
    after: int | None = None,
    limit: int = 50,
    states: Collection[State] | None = None,
    kind: Kind | None = None,
) -> Sequence[Incident]:
    """The newest first, those older than the incident with id ``after``.

    Up to ``limit + 1`` rows: the last one only tells that there is more.
    """
    wanted = select(Incident).where(tx.actor.scope("incident.read", Incident.area))
    if states is not None:
        wanted = wanted.where(col(Incident.state).in_(states))
    if kind is not None:
        wanted = wanted.where(col(Incident.kind) == kind)
    if after is not None:
        wanted = wanted.where(col(Incident.id) < after)
    return tx.exec(wanted.order_by(col(Incident.id).desc()).limit(limit + 1)).all()


def alerts(
    tx: Tx, *, after: int | None = None, limit: int = 50, proposal: Proposal | None = None
) -> Sequence[Alert]:
    """The newest first, as `incidents`; with ``proposal`` only those whose proposal stands so."""
    wanted = select(Alert).where(tx.actor.scope("alert.read", Alert.area))
    if proposal is not None:
        wanted = wanted.where(col(Alert.proposal) == proposal)
    if after is not None:
        wanted = wanted.where(col(Alert.id) < after)
    return tx.exec(wanted.order_by(col(Alert.id).desc()).limit(limit + 1)).all()


def raises_asked(tx: Tx) -> Sequence[tuple[RaiseRequest, Incident]]:
    """Open questions about levels that the actor may answer, the oldest first, with their incidents."""
    wanted = (
        select(RaiseRequest, Incident)
        .join(Incident, col(Incident.id) == col(RaiseRequest.incident_id))
        .where(col(RaiseRequest.state) == RaiseState.ASKED)
        .where(tx.actor.scope("incident.raise", RaiseRequest.area))
    )
    return tx.exec(wanted.order_by(col(RaiseRequest.id))).all()


def whole(tx: Tx, incident: Incident) -> IncidentView:
    """An incident with its tasks (by start, then priority), slots and minima, in three queries."""
    tx.actor.must_cover("incident.read", incident.area)
    order = (col(Task.starts_at), col(Task.priority), col(Task.id))
    rows = tx.exec(select(Task).where(col(Task.incident_id) == incident.id).order_by(*order)).all()
    return IncidentView(incident, views(tx, rows))


def views(tx: Tx, tasks: Sequence[Task]) -> tuple[TaskView, ...]:
    """Tasks with their slots and minima, in two queries however many there are."""
    ids = [task.id for task in tasks]
    order = (col(RoleSlot.position), col(RoleSlot.id))
    slots = tx.exec(select(RoleSlot).where(col(RoleSlot.task_id).in_(ids)).order_by(*order)).all()
    nested = col(SlotMinimum.slot_id).in_([slot.id for slot in slots])
    by_slot: dict[int, list[SlotMinimum]] = defaultdict(list)
    for minimum in tx.exec(select(SlotMinimum).where(nested).order_by(col(SlotMinimum.id))):
        by_slot[minimum.slot_id].append(minimum)
    by_task: dict[int, list[SlotView]] = defaultdict(list)
    for slot in slots:
        by_task[slot.task_id].append(SlotView(slot, tuple(by_slot[slot.id])))
    return tuple(TaskView(task, tuple(by_task[task.id])) for task in tasks)


def _find(tx: Tx, model: type[Row], permission: str, public_id: uuid.UUID) -> Row:
    tx.actor.must(permission)
    wanted = select(model).where(col(model.public_id) == public_id, tx.actor.scope(permission, model.area))
    row = tx.exec(wanted).one_or_none()
    if row is None:
        raise NotFound("not_found")
    return row
