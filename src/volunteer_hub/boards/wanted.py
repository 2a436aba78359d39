"""What an incident asks for now: the slots of its open tasks as arrays, skills as numbered needs."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlmodel import col

from volunteer_hub.boards.free_times import Ints, Place
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.incidents.models import RoleSlot, SlotMinimum, Task
from volunteer_hub.incidents.rules import MinimumSpec, TaskSpec, TaskState
from volunteer_hub.volunteers.policy import Skills

Need = tuple[tuple[str, int], ...]
"""Skills with their levels that one person holds together."""
ANYBODY: Final[Need] = ()
# people travel to the pick-up point, where it has a position
_LAT: Final = func.coalesce(col(Task.pickup_lat), col(Task.lat))
_LON: Final = func.coalesce(col(Task.pickup_lon), col(Task.lon))


@dataclass(frozen=True)
class Wanted:
    """Slots [S] by id, and their nested minima [M]. Minutes count from the place's epoch."""

    ids: Ints
    task: Ints
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    start: Ints
    end: Ints
    priority: Ints  # 1 is the most urgent
    minimum: Ints
    target: Ints
    maximum: Ints
    need: Ints  # index into ``needs``
    adult_only: NDArray[np.bool_]
    insured_only: NDArray[np.bool_]
    hazardous: NDArray[np.bool_]
    night: NDArray[np.bool_]

    of_slot: Ints  # [M] position of the slot
    nested: Ints  # [M] index into ``needs``
    heads: Ints
    shared: NDArray[np.bool_]

    needs: tuple[Need, ...]


def wanted(tx: Tx, incident_id: int, place: Place) -> Wanted:
    """The slots of the incident's open tasks that are not over; a task under way wants people from now on.

    Three queries, however many tasks there are.
    """
    rows = tx.execute(
        select(
            col(RoleSlot.id), col(Task.id), _LAT, _LON, col(Task.starts_at),
            col(Task.ends_at), col(Task.priority), col(RoleSlot.minimum), col(RoleSlot.target),
            col(RoleSlot.maximum), col(RoleSlot.skill), col(RoleSlot.level), col(RoleSlot.adult_only),
            col(RoleSlot.insured_only), col(Task.hazardous),
        )
        .join(Task, col(Task.id) == col(RoleSlot.task_id))
        .where(
            col(Task.incident_id) == incident_id,
            col(Task.state) == TaskState.OPEN,
            col(Task.ends_at) > place.epoch + timedelta(minutes=1),
        )
        .order_by(col(RoleSlot.id))
    ).all()  # fmt: skip
    return _made(rows, _nested(tx, [row[0] for row in rows], [row[8] for row in rows]), place)


def of_specs(tasks: Sequence[TaskSpec], place: Place) -> Wanted:
    """The same of tasks that are not stored; tasks and slots are numbered from 1."""
    slots = [(number, task, slot) for number, task in enumerate(tasks, start=1) for slot in task.slots]
    rows = [
        (key, number, task.lat, task.lon, task.starts_at, task.ends_at, task.priority, slot.minimum,
         slot.target, slot.maximum, slot.skill, slot.level, slot.adult_only, slot.insured_only,
         task.hazardous)
        for key, (number, task, slot) in enumerate(slots, start=1)
    ]  # fmt: skip
    nested = [
        (position, need, heads, shared)
        for position, (_, _, slot) in enumerate(slots)
        for need, heads, shared in apart(slot.minima, slot.target)
    ]
    return _made(rows, nested, place)


def _made(rows: Sequence[Any], nested: Sequence[tuple[int, Need, int, bool]], place: Place) -> Wanted:
    own = [((row[10], row[11]),) if row[10] is not None else ANYBODY for row in rows]
    needs = tuple(dict.fromkeys([ANYBODY, *own, *(minimum[1] for minimum in nested)]))
    number = {need: k for k, need in enumerate(needs)}
    skills = policy.load("skills", Skills).skills
    windows = [_window(row[4], row[5], place) for row in rows]
    nights = {window: place.touches_night(*window) for window in set(windows)}

    def ints(values: list[Any]) -> Ints:
        return np.array(values, dtype=np.int64)

    def flags(values: list[bool]) -> NDArray[np.bool_]:
        return np.array(values, dtype=np.bool_)

    return Wanted(
        ids=ints([row[0] for row in rows]),
        task=ints([row[1] for row in rows]),
        lat=np.array([row[2] for row in rows], dtype=np.float64),
        lon=np.array([row[3] for row in rows], dtype=np.float64),
        start=ints([start for start, _ in windows]),
        end=ints([end for _, end in windows]),
        priority=ints([row[6] for row in rows]),
        minimum=ints([row[7] for row in rows]),
        target=ints([row[8] for row in rows]),
        maximum=ints([row[9] for row in rows]),
        need=ints([number[need] for need in own]),
        adult_only=flags([row[12] or _adults(row[10], skills) for row in rows]),
        insured_only=flags([row[13] for row in rows]),
        hazardous=flags([row[14] for row in rows]),
        night=flags([nights[window] for window in windows]),
        of_slot=ints([slot for slot, _, _, _ in nested]),
        nested=ints([number[need] for _, need, _, _ in nested]),
        heads=ints([heads for _, _, heads, _ in nested]),
        shared=flags([shared for _, _, _, shared in nested]),
        needs=needs,
    )


def _adults(skill: str | None, skills: dict[str, Any]) -> bool:
    return skill in skills and bool(skills[skill].adult_only)


def _window(starts: datetime, ends: datetime, place: Place) -> tuple[int, int]:
    """Whole minutes within which the slot lies."""
    start = max(0, int(starts.timestamp() // 60) - place.minute)
    return start, int(-(-ends.timestamp() // 60)) - place.minute


def _nested(tx: Tx, slots: list[int], targets: list[int]) -> list[tuple[int, Need, int, bool]]:
    """(position of the slot, need, heads, may share) of every nested minimum."""
    minima: dict[int, list[MinimumSpec]] = defaultdict(list)
    found = select(
        col(SlotMinimum.slot_id),
        col(SlotMinimum.skill),
        col(SlotMinimum.heads),
        col(SlotMinimum.level),
        col(SlotMinimum.may_share),
    )
    found = found.where(col(SlotMinimum.slot_id).in_(slots)).order_by(col(SlotMinimum.id))
    for slot, *spec in tx.execute(found):
        minima[slot].append(MinimumSpec(*spec))
    return [
        (position, need, heads, shared)
        for position, (slot, target) in enumerate(zip(slots, targets, strict=True))
        for need, heads, shared in apart(minima[slot], target)
    ]


def apart(minima: Sequence[MinimumSpec], target: int) -> list[tuple[Need, int, bool]]:
    """Minima as (need, heads, may share) whose heads fit the target.

    Those that may share one person usually stand side by side, and the engine finds who shares. Where there
    is no room for that ("one person: a driver who also gives first aid") they are nested into needs that
    one person holds together: exact for two equal minima, on the safe side for the rest.
    """
    if sum(minimum.heads for minimum in minima) <= target:
        return [(((m.skill, m.level),), m.heads, m.may_share) for m in minima]
    alone: list[tuple[Need, int, bool]] = [
        (((m.skill, m.level),), m.heads, False) for m in minima if not m.may_share
    ]
    shared = sorted((m for m in minima if m.may_share), key=lambda m: -m.heads)
    for last, minimum in enumerate(shared):
        further = shared[last + 1].heads if last + 1 < len(shared) else 0
        if minimum.heads > further:
            together = tuple(sorted({(m.skill, m.level) for m in shared[: last + 1]}))
            alone.append((together, minimum.heads - further, False))
    return alone
