"""Roll calls: started once, everybody accounted for once, ended, and then left as they are.

Whoever marks somebody holds the roll call until the commit, so that two who mark the last two see each other;
a person's offer is locked before it.
"""

import uuid
from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from volunteer_hub.core.columns import uuid7
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Gone, NotFound
from volunteer_hub.mobilization.field_rules import Accounted, Place
from volunteer_hub.mobilization.models import Duty, Offer, RollCall, RollCallEntry
from volunteer_hub.mobilization.rules import DutyState


def find(tx: Tx, permission: str, public_id: uuid.UUID) -> RollCall:
    """A roll call by the id seen outside. Raises NotFound, for a foreign area too."""
    tx.actor.must(permission)
    wanted = select(RollCall).where(
        col(RollCall.public_id) == public_id, tx.actor.scope(permission, RollCall.area)
    )
    found = tx.exec(wanted).first()
    if found is None:
        raise NotFound("not_found")
    return found


def of_incident(tx: Tx, incident_id: int) -> Sequence[RollCall]:
    """Every roll call of an incident, the newest first."""
    wanted = select(RollCall).where(col(RollCall.incident_id) == incident_id)
    return tx.exec(wanted.order_by(col(RollCall.id).desc())).all()


def start(
    tx: Tx, incident_id: int, area: str, task_id: int | None, slot_ids: Collection[int] | None
) -> tuple[RollCall, list[Offer]]:
    """Starts one for a task's slots, or with None for the whole incident: the roll call, and the offers of
    everybody on it. One that runs already is returned as it is, with nobody to tell."""
    tx.actor.must_cover("duty.write", area)
    made = insert(RollCall).values(
        public_id=uuid7(),
        incident_id=incident_id,
        task_id=task_id,
        area=area,
        started_at=tx.now,
        started_by=_account(tx),
    )
    told = made.on_conflict_do_nothing().returning(col(RollCall.id), col(RollCall.area))
    new = tx.exec(told).first()
    if new is not None:
        call = tx.get_one(RollCall, new.id)
        return call, join(tx, call, slot_ids)
    there = _running_one(tx, incident_id, task_id)
    # It may have ended between the two statements.
    return (there, []) if there is not None else start(tx, incident_id, area, task_id, slot_ids)


def running(tx: Tx, limit: int = 100) -> Sequence[RollCall]:
    """Roll calls that have not ended, none that somebody else holds, kept for this transaction."""
    wanted = select(RollCall).where(col(RollCall.ended_at).is_(None)).order_by(col(RollCall.id)).limit(limit)
    locked = wanted.with_for_update(skip_locked=True, key_share=True)
    return tx.exec(locked.execution_options(populate_existing=True)).all()


def join(tx: Tx, call: RollCall, slot_ids: Collection[int] | None) -> list[Offer]:
    """Puts everybody on it who is on site or on the way there and not on it yet; their offers."""
    known = select(RollCallEntry.duty_id).where(col(RollCallEntry.roll_call_id) == call.id)
    wanted = (
        select(Duty, Offer)
        .join(Offer, col(Offer.id) == col(Duty.offer_id))
        .where(col(Duty.incident_id) == call.incident_id, _there(), col(Duty.id).not_in(known))
        .order_by(col(Duty.id))
    )
    if slot_ids is not None:
        wanted = wanted.where(col(Offer.slot_id).in_(slot_ids))
    found = tx.exec(wanted).all()
    for duty, _ in found:
        place = Place.ON_SITE if duty.state is DutyState.ON_SITE else Place.EN_ROUTE
        tx.add(
            RollCallEntry(
                roll_call_id=call.id,
                duty_id=duty.id,
                volunteer_id=duty.volunteer_id,
                area=call.area,
                place=place,
            )
        )
    tx.flush()
    return [offer for _, offer in found]


def there(tx: Tx, incident_id: int, slot_ids: Collection[int]) -> int:
    """How many of these slots' people a roll call would tell now."""
    wanted = select(func.count(col(Duty.id))).join(Offer, col(Offer.id) == col(Duty.offer_id))
    mine = (col(Duty.incident_id) == incident_id) & col(Offer.slot_id).in_(slot_ids)
    return tx.exec(wanted.where(mine, _there())).one()


def holds_any(tx: Tx, call: RollCall, slot_ids: Collection[int]) -> bool:
    """Whether any of these slots' people are on it."""
    wanted = (
        select(RollCallEntry.id)
        .join(Duty, col(Duty.id) == col(RollCallEntry.duty_id))
        .join(Offer, col(Offer.id) == col(Duty.offer_id))
        .where(col(RollCallEntry.roll_call_id) == call.id, col(Offer.slot_id).in_(slot_ids))
    )
    return tx.exec(wanted.limit(1)).first() is not None


def account_for(tx: Tx, duty: Duty, how: Accounted) -> list[RollCall]:
    """Somebody is safe, in every roll call that runs and that they are on; those that have ended by it."""
    ended = []
    for call in open_for(tx, duty.id):
        _lock(tx, call)
        if call.ended_at is None and _mark(tx, call, duty, how) and end_if_complete(tx, call):
            ended.append(call)
    return ended


def account_in(tx: Tx, call: RollCall, duty: Duty) -> bool:
    """The leader knows that somebody is safe; whether the roll call has ended by it. Marking somebody again
    changes nothing. Raises NotFound for whoever is not on it, Gone when it has ended before."""
    tx.actor.must_cover("duty.write", call.area)
    _lock(tx, call)
    if call.ended_at is not None:
        raise Gone("field.roll_call_ended")
    if _entry(tx, call, duty) is None:
        raise NotFound("not_found")
    _mark(tx, call, duty, Accounted.LEADER)
    return end_if_complete(tx, call)


def open_for(tx: Tx, duty_id: int) -> Sequence[RollCall]:
    """The roll calls that run and still miss this person, in the order in which they are locked."""
    wanted = (
        select(RollCall)
        .join(RollCallEntry, col(RollCallEntry.roll_call_id) == col(RollCall.id))
        .where(
            col(RollCallEntry.duty_id) == duty_id,
            col(RollCallEntry.accounted).is_(None),
            col(RollCall.ended_at).is_(None),
        )
    )
    return tx.exec(wanted.order_by(col(RollCall.id))).all()


def end(tx: Tx, call: RollCall) -> bool:
    """Ends it by hand with whoever is missing; whether it had been running."""
    tx.actor.must_cover("duty.write", call.area)
    _lock(tx, call)
    if call.ended_at is not None:
        return False
    call.ended_by = _account(tx)
    call.ended_at, call.missing = tx.now, _missing(tx, call)
    tx.flush()
    return True


def end_if_complete(tx: Tx, call: RollCall) -> bool:
    """Ends a locked roll call once nobody on it is missing; one with nobody on it stays open."""
    on_it = select(func.count()).where(col(RollCallEntry.roll_call_id) == call.id)
    if _missing(tx, call) or not tx.exec(on_it).one():
        return False
    call.ended_at, call.missing = tx.now, 0
    tx.flush()
    return True


def entries(tx: Tx, call: RollCall) -> Sequence[RollCallEntry]:
    """Everybody on it, by their duty."""
    wanted = select(RollCallEntry).where(col(RollCallEntry.roll_call_id) == call.id)
    return tx.exec(wanted.order_by(col(RollCallEntry.duty_id))).all()


def account_for_gone(tx: Tx, call: RollCall) -> None:
    """Whoever checked out while a locked roll call was being started is accounted for."""
    missing = select(RollCallEntry.duty_id).where(
        col(RollCallEntry.roll_call_id) == call.id, col(RollCallEntry.accounted).is_(None)
    )
    gone = select(Duty).where(col(Duty.id).in_(missing), col(Duty.state) == DutyState.DONE)
    for duty in tx.exec(gone.order_by(col(Duty.id))).all():
        _mark(tx, call, duty, Accounted.LEFT)


def _there() -> ColumnElement[bool]:
    """On site, or on the way there."""
    on_the_way = (col(Duty.state) == DutyState.EXPECTED) & col(Duty.en_route_at).is_not(None)
    return (col(Duty.state) == DutyState.ON_SITE) | on_the_way


def _lock(tx: Tx, call: RollCall) -> None:
    tx.refresh(call, with_for_update={"key_share": True})


def _running_one(tx: Tx, incident_id: int, task_id: int | None) -> RollCall | None:
    wanted = select(RollCall).where(
        col(RollCall.incident_id) == incident_id,
        col(RollCall.task_id).is_not_distinct_from(task_id),
        col(RollCall.ended_at).is_(None),
    )
    return tx.exec(wanted).first()


def _missing(tx: Tx, call: RollCall) -> int:
    wanted = select(func.count()).where(
        col(RollCallEntry.roll_call_id) == call.id, col(RollCallEntry.accounted).is_(None)
    )
    return tx.exec(wanted).one()


def _entry(tx: Tx, call: RollCall, duty: Duty) -> RollCallEntry | None:
    wanted = select(RollCallEntry).where(
        col(RollCallEntry.roll_call_id) == call.id, col(RollCallEntry.duty_id) == duty.id
    )
    return tx.exec(wanted.execution_options(populate_existing=True)).first()


def _account(tx: Tx) -> int | None:
    return tx.actor.id if tx.actor.kind == "account" else None


def _mark(tx: Tx, call: RollCall, duty: Duty, how: Accounted) -> bool:
    entry = _entry(tx, call, duty)
    if entry is None or entry.accounted is not None:
        return False
    entry.accounted, entry.accounted_at = how, tx.now
    entry.accounted_by = _account(tx)
    tx.flush()
    return True
