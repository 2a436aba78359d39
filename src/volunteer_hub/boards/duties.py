"""Duties as the staff and the people themselves see them: whose, where, since when."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlmodel import col, select

from volunteer_hub.boards import slots
from volunteer_hub.boards.slots import SlotFacts
from volunteer_hub.core.db import Tx
from volunteer_hub.core.signing import token_hash
from volunteer_hub.incidents.models import RoleSlot
from volunteer_hub.mobilization.models import Duty, Offer
from volunteer_hub.mobilization.rules import DutyState
from volunteer_hub.volunteers.models import Volunteer


@dataclass(frozen=True)
class DutyLine:
    """One duty with the work it is at. ``name``: None for readers who may not see people's names there."""

    duty: Duty
    offer: Offer
    person: uuid.UUID
    name: str | None
    facts: SlotFacts


_PATH: Final = select(Duty, Offer, Volunteer.public_id, Volunteer.name).where(
    col(Offer.id) == col(Duty.offer_id), col(Volunteer.id) == col(Duty.volunteer_id)
)


def of_incident(
    tx: Tx,
    incident_id: int | None,
    *,
    states: Collection[DutyState] = tuple(DutyState),
    after: int = 0,
    limit: int = 50,
) -> list[DutyLine]:
    """Duties in the actor's areas by id, of one incident or of all: one more than ``limit`` when there are
    more. Two queries."""
    tx.actor.must("duty.read")
    wanted = _PATH.where(
        col(Duty.state).in_(states), col(Duty.id) > after, tx.actor.scope("duty.read", Duty.area)
    )
    if incident_id is not None:
        wanted = wanted.where(col(Duty.incident_id) == incident_id)
    return _lines(tx, tx.exec(wanted.order_by(col(Duty.id)).limit(limit + 1)).all())


def of_volunteer(tx: Tx, volunteer_id: int, limit: int = 50) -> list[DutyLine]:
    """A person's own duties, the newest first; the door has checked that they are the actor's."""
    wanted = _PATH.where(col(Duty.volunteer_id) == volunteer_id)
    return _lines(tx, tx.exec(wanted.order_by(col(Duty.id).desc()).limit(limit)).all())


def of_task(tx: Tx, task_id: int) -> list[DutyLine]:
    """The duties at a task that were not called off, whoever asks."""
    return _lines(tx, tx.exec(_at(task_id)).all())


def carried(tx: Tx, task_id: int, links: Collection[str], volunteer_id: int | None) -> list[DutyLine]:
    """The duties at a task of the people whose links or session a telephone carries. Names are theirs to
    see."""
    by_link = col(Offer.token_hash).in_([token_hash(link) for link in links])
    own = col(Duty.volunteer_id) == (volunteer_id or 0)
    rows = tx.exec(_at(task_id).where(by_link | own)).all()
    facts = slots.of_task(tx, task_id)
    return [DutyLine(duty, offer, person, name, facts[offer.slot_id]) for duty, offer, person, name in rows]


def _at(task_id: int) -> Any:
    slot_ids = select(RoleSlot.id).where(col(RoleSlot.task_id) == task_id)
    standing = (col(Duty.state) != DutyState.CANCELLED) & col(Offer.slot_id).in_(slot_ids)
    return _PATH.where(standing).order_by(col(Duty.id))


def one(tx: Tx, duty: Duty) -> DutyLine:
    """One duty that the reader has found."""
    return _lines(tx, tx.exec(_PATH.where(col(Duty.id) == duty.id)).all())[0]


def several(tx: Tx, found: Sequence[Duty]) -> list[DutyLine]:
    """Duties that the reader has found, by id. Two queries."""
    wanted = _PATH.where(col(Duty.id).in_([duty.id for duty in found]))
    return _lines(tx, tx.exec(wanted.order_by(col(Duty.id))).all())


def _lines(tx: Tx, rows: Sequence[tuple[Duty, Offer, uuid.UUID, str | None]]) -> list[DutyLine]:
    facts = slots.of(tx, {offer.slot_id for _, offer, _, _ in rows})
    return [
        DutyLine(duty, offer, person, name if _sees(tx, duty) else None, facts[offer.slot_id])
        for duty, offer, person, name in rows
    ]


def _sees(tx: Tx, duty: Duty) -> bool:
    own = tx.actor.kind == "volunteer" and tx.actor.id == duty.volunteer_id
    return own or tx.actor.may("volunteer.read", duty.area)
