"""A task and its roles changed in one go, as an editor sends them; who accepted hears of place and time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import col, select

from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import FieldError, Malformed
from volunteer_hub.flows import change
from volunteer_hub.flows.change import Told
from volunteer_hub.incidents import tasks
from volunteer_hub.incidents.models import RoleSlot, Task
from volunteer_hub.incidents.rules import SlotSpec
from volunteer_hub.volunteers.policy import Skills


@dataclass(frozen=True)
class Wanted:
    """A role as it shall be; ``slot_id`` None adds one. ``where`` is its place in the editor's form."""

    spec: SlotSpec
    slot_id: int | None = None
    where: str = ""


def edit(tx: Tx, task: Task, version: int, changes: Mapping[str, Any], slots: Sequence[Wanted] = ()) -> Told:
    """Changes fields and roles together or not at all. Raises as `change.change_task`."""
    skills = policy.load("skills", Skills).skills
    before = dict(zip(_ids(tx, task), tasks.slots_of(tx, task), strict=True))
    told = change.change_task(tx, task, version, **changes)
    for one in slots:
        if one.slot_id is not None and before.get(one.slot_id) == one.spec:
            continue
        try:
            if one.slot_id is None:
                tasks.add_slot(tx, task, task.version, one.spec, skills)
            else:
                slot = tx.get_one(RoleSlot, one.slot_id)
                tasks.change_slot(tx, task, slot, task.version, one.spec, skills)
        except Malformed as error:
            raise _placed(error, one.where) from None
    return told


def _ids(tx: Tx, task: Task) -> list[int]:
    order = (col(RoleSlot.position), col(RoleSlot.id))
    return list(tx.exec(select(RoleSlot.id).where(col(RoleSlot.task_id) == task.id).order_by(*order)))


def _placed(error: Malformed, where: str) -> Malformed:
    """The same error with its fields named as in the editor's form."""
    fields = [FieldError(f"{where}{fault.where}", fault.code, fault.params) for fault in error.fields]
    return Malformed(error.code, fields=fields, **error.params)
