"""Breaking reserve floors: one plan may go below some of them, for a reason that is kept with it."""

import uuid
from collections.abc import Collection, Sequence

from sqlmodel import col, select

from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import FieldError, Malformed
from volunteer_hub.mobilization.models import PlanRun
from volunteer_hub.volunteers import floors
from volunteer_hub.volunteers.models import ReserveFloor


def to_break(tx: Tx, ids: Sequence[uuid.UUID], reason: str | None) -> tuple[list[int], str | None]:
    """The floors (ids of rows, ascending) that the actor may plan below, and why.

    Raises Malformed for floors without a reason or a reason without floors, NotFound for a floor outside the
    areas that the actor plans for.
    """
    given = (reason or "").strip() or None
    if ids and given is None:
        raise Malformed("form", fields=[FieldError("reason", "floor.reason")])
    if given is not None and not ids:
        raise Malformed("form", fields=[FieldError("floors", "floor.none")])
    return sorted({floors.find(tx, "plan.request", one).id for one in ids}), given


def outside(tx: Tx, ids: Collection[int]) -> dict[int, uuid.UUID]:
    """Rows -> the ids seen outside, of those floors that are still there."""
    known = select(ReserveFloor.id, ReserveFloor.public_id).where(col(ReserveFloor.id).in_(ids))
    return dict(tx.exec(known).all())


def without(tx: Tx, run: PlanRun, floor: uuid.UUID) -> list[uuid.UUID]:
    """The floors that a plan breaks, and one more."""
    before = outside(tx, run.broken_floors or ())
    return [*before.values(), *({floor} - set(before.values()))]
