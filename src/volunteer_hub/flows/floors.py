"""Breaking reserve floors: one plan may go below some of them, for a reason that is kept with it."""

import uuid
from collections.abc import Collection, Sequence

from sqlmodel import col, select

from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import FieldError, Malformed
from volunteer_hub.core.site import Site
from volunteer_hub.mobilization.models import PlanRun
from volunteer_hub.volunteers import floors, skills
from volunteer_hub.volunteers.models import ReserveFloor, Volunteer
from volunteer_hub.volunteers.rules import may_be_wanted_for


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


def holding(tx: Tx, run: PlanRun, person: Volunteer) -> bool:
    """Whether a floor that holds people back in the plan counts on this person, as they stand now."""
    today = tx.now.astimezone(policy.load("hub", Site).timezone).date()
    return any(
        person.area.startswith(told["area"])
        and may_be_wanted_for(person.pledge_for, skills.taxonomy().stands_in(told["skill"]))
        and skills.level_on(tx, person.id, told["skill"], today) >= told["level"]
        for told in (run.result or {}).get("floors", ())
        if told["binds"] and told["skill"] in skills.taxonomy().skills
    )


def without(tx: Tx, run: PlanRun, floor: uuid.UUID) -> list[uuid.UUID]:
    """The floors that a plan breaks, and one more."""
    before = outside(tx, run.broken_floors or ())
    return [*before.values(), *({floor} - set(before.values()))]
