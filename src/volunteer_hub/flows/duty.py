"""People come and go: checked in and out by their code or by the staff, paid as they leave, missed if absent.

A wrong code needs no limit of its own: whoever may try one at all holds the person's own link or session,
which show the code, or the right to confirm without it.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from sqlalchemy import func, or_
from sqlmodel import col, select

from volunteer_hub.core import bulk, db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound, Refused
from volunteer_hub.flows import field, introduce, letters, mobilize, respond, roll_call, settle
from volunteer_hub.flows.standby import why_not
from volunteer_hub.incentives import queries as points
from volunteer_hub.incentives.models import ServiceHours
from volunteer_hub.incidents import logbook, states
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.rules import LogKind, State
from volunteer_hub.mobilization import attendance, places
from volunteer_hub.mobilization.attendance import UNSEEN, Missed, Seen
from volunteer_hub.mobilization.models import Duty, Offer
from volunteer_hub.mobilization.rules import DutyState, Evidence
from volunteer_hub.notify import outbox
from volunteer_hub.notify.rules import Subject
from volunteer_hub.volunteers.models import Volunteer

_TOGETHER: Final = 4 * bulk.BATCH


@dataclass(frozen=True)
class CheckedOut:
    """A duty that has ended. ``points``: paid for it; None where it had ended before, or where its hours are
    ``held`` until somebody has looked at them."""

    duty: Duty
    minutes: int
    points: int | None
    held: bool = False


class Ended(Protocol):
    """What is told of a duty that has ended: a row is as good as an object."""

    @property
    def id(self) -> int: ...
    @property
    def offer_id(self) -> int: ...
    @property
    def volunteer_id(self) -> int: ...
    @property
    def minutes(self) -> int | None: ...


def by_link(tx: Tx, token: str) -> Duty:
    """The duty behind an offer's link; from here on the transaction acts as its person.

    Raises NotFound for an unknown token, Refused where no yes has made a duty.
    """
    duty = attendance.of_offer(tx, respond.by_link(tx, token))
    if duty is None:
        raise Refused("duty.none")
    return duty


def own(tx: Tx, public_id: uuid.UUID) -> Duty:
    """The duty by the id seen outside, if it is that of the volunteer who acts, under this entry or one that
    became part of it. Raises NotFound for anybody else's as for none."""
    me = tx.actor.id if tx.actor.kind == "volunteer" else None
    mine = col(Volunteer.id) == me, col(Volunteer.merged_into) == me
    wanted = select(Duty).join(Volunteer, col(Volunteer.id) == col(Duty.volunteer_id))
    duty = tx.exec(wanted.where(col(Duty.public_id) == public_id, or_(*mine))).first()
    if duty is None:
        raise NotFound("not_found")
    return duty


def check_in(tx: Tx, duty: Duty, code: str, seen: Seen = UNSEEN, at: datetime | None = None) -> Duty:
    """By the person's six digits. The first check-in makes the incident active. Raises as
    `attendance.check_in`."""
    _make_active(tx, duty)
    return _arrived(tx, attendance.check_in(tx, duty, code, seen, at))


def check_in_here(
    tx: Tx, duty: Duty, evidence: Evidence, seen: Seen = UNSEEN, at: datetime | None = None
) -> Duty:
    """By what proves that the person is there, as `check_in`."""
    _make_active(tx, duty)
    return _arrived(tx, attendance.check_in_here(tx, duty, evidence, seen, at))


def confirm_in(tx: Tx, duty: Duty, evidence: Evidence, at: datetime | None = None) -> Duty:
    """By the staff, as `check_in`. Raises as `attendance.confirm_in`."""
    _make_active(tx, duty)
    return _arrived(tx, attendance.confirm_in(tx, duty, evidence, at))


def check_out(tx: Tx, duty: Duty, code: str, seen: Seen = UNSEEN, at: datetime | None = None) -> CheckedOut:
    """By the person's six digits: minutes, hours, points and thanks in this one transaction; again, it
    changes nothing. Raises as `attendance.check_out`."""
    ended = _ended(tx, duty)
    return _settled(tx, duty, attendance.check_out(tx, duty, code, seen, at), ended)


def check_out_here(
    tx: Tx, duty: Duty, evidence: Evidence, seen: Seen = UNSEEN, at: datetime | None = None
) -> CheckedOut:
    """By what proves that the person is there, as `check_out`."""
    ended = _ended(tx, duty)
    return _settled(tx, duty, attendance.check_out_here(tx, duty, evidence, seen, at), ended)


def confirm_out(tx: Tx, duty: Duty, evidence: Evidence, at: datetime | None = None) -> CheckedOut:
    """By the staff, as `check_out`. Raises as `attendance.confirm_out`."""
    ended = _ended(tx, duty)
    return _settled(tx, duty, attendance.confirm_out(tx, duty, evidence, at), ended)


def release(tx: Tx, duty: Duty) -> CheckedOut | None:
    """Lets one person go: checked out by the leader, or told that they need not come (then None).

    Somebody whose duty is over otherwise is left as they are. Raises as `attendance.release`.
    """
    ended = _ended(tx, duty)
    minutes = _released(tx, duty)
    return None if minutes is None else _settled(tx, duty, minutes, ended)


def release_all(tx: Tx, found: Sequence[Duty]) -> Sequence[Duty]:
    """The same of many people, in the order of their offers: those who were on site, who are paid and thanked
    together. Whose duty had ended before is left alone."""
    left = []
    for duty in found:
        if not _ended(tx, duty) and _released(tx, duty) is not None:
            left.append(duty)
            _gone(tx, duty)
    introduce.ended(tx, [duty.id for duty in left])
    paid = settle.duties(tx, {duty.id: duty.volunteer_id for duty in left})
    _tell_paid(tx, left, paid)
    return left


def release_several(tx: Tx, incident: Incident, public_ids: Collection[uuid.UUID]) -> int:
    """Lets some people of an incident go, as `release`, in the order of their duties; how many have left.

    Raises NotFound for a duty that is not one of the incident's, and as `attendance.release`.
    """
    wanted = select(Duty).where(col(Duty.incident_id) == incident.id, col(Duty.public_id).in_(public_ids))
    found = tx.exec(wanted.order_by(col(Duty.offer_id))).all()
    if len(found) < len(set(public_ids)):
        raise NotFound("not_found")
    before = {duty.id: duty.state for duty in found}
    here = len(release_all(tx, found))
    left = sum(duty.state is not before[duty.id] for duty in found)
    if left:
        logbook.record(tx, incident, LogKind.DUTY, "released", n=left, on_site=here)
        tx.flush()
    return left


def no_show(tx: Tx, duty: Duty) -> Duty:
    """The staff says that somebody did not come: they are asked after, and who stands by moves up."""
    promoted = attendance.no_show(tx, duty, why_not)
    field.shown(tx, duty)
    _tell_missed(tx, Missed((duty,), tuple(promoted)))
    incident = tx.get_one(Incident, duty.incident_id)
    logbook.record(tx, incident, LogKind.DUTY, "no_shows", n=1, moved=len(promoted))
    return duty


def no_shows() -> int:
    """The sweep over people who have not come; how many."""
    with db.transaction(SYSTEM, "duty.no_show") as tx:
        missed = attendance.no_shows(tx, mobilize.rules_of(), fit=why_not)
        _tell_missed(tx, missed)
        _tell_command(tx, missed)
        return len(missed.duties)


def settle_ended(workers: int = 2) -> int:
    """The sweep over duties that have ended unsettled, as those of another installation or of a time before
    there was a ledger: some thousands a transaction, each once whoever else does so; how many.

    What one transaction does not hold is shared out by person, so that no two ``workers`` wait for the same
    account: one computes while the database writes for another.
    """
    total, last = _settle_next(0, 0, 1)
    if last is None:
        return total
    with ThreadPoolExecutor(workers, "settle") as pool:
        shares = [
            pool.submit(copy_context().run, _settle_share, last, share, workers) for share in range(workers)
        ]
    return total + sum(share.result() for share in shares)


def _settle_share(after: int, share: int, of: int) -> int:
    """Settles those of every so many-th person."""
    total, last = _settle_next(after, share, of)
    while last is not None:
        settled, last = _settle_next(last, share, of)
        total += settled
    return total


def _settle_next(after: int, share: int, of: int) -> tuple[int, int | None]:
    """Settles some; how many, and the last of them where there may be more."""
    with db.transaction(SYSTEM, "duty.settle") as tx, bulk.uncollected():
        ended = _unsettled(tx, after, share, of)
        paid = settle.duties(tx, {duty.id: duty.volunteer_id for duty in ended})
        _tell_paid(tx, ended, paid)
    return len(paid), ended[-1].id if len(ended) == _TOGETHER else None


def _unsettled(tx: Tx, after: int, share: int, of: int) -> Sequence[Ended]:
    """Of two entries that became one, the one kept says in whose share they are."""
    recorded = select(ServiceHours.id).where(col(ServiceHours.duty_id) == col(Duty.id)).exists()
    person = func.coalesce(col(Volunteer.merged_into), col(Volunteer.id))
    wanted: Any = (
        select(Duty.id, Duty.offer_id, Duty.volunteer_id, Duty.minutes)
        .join(Volunteer, col(Volunteer.id) == col(Duty.volunteer_id))
        .where(col(Duty.state) == DutyState.DONE, col(Duty.id) > after, ~recorded, person % of == share)
        .order_by(col(Duty.id))
        .limit(_TOGETHER)
    )
    return tx.execute(wanted).all()


def _make_active(tx: Tx, duty: Duty) -> None:
    """Takes the incident before the offer, as every story does that holds both."""
    incident = tx.get_one(Incident, duty.incident_id)
    if incident.state is not State.MOBILIZING:
        return
    tx.refresh(incident, with_for_update={"key_share": True})
    if incident.state is State.MOBILIZING:
        states.advance(tx, incident, State.ACTIVE)


def _ended(tx: Tx, duty: Duty) -> bool:
    """Whether the duty has ended before, once nobody else can be ending it."""
    places.locked(tx, duty.offer_id)
    tx.refresh(duty)
    return duty.state is DutyState.DONE


def _arrived(tx: Tx, duty: Duty) -> Duty:
    field.arrived(tx, duty)
    return duty


def _released(tx: Tx, duty: Duty) -> int | None:
    """The minutes on site of somebody who is let go; None where they were not there."""
    field.shown(tx, duty)
    if duty.state is DutyState.EXPECTED:
        attendance.release(tx, duty)
        letters.tell(tx, "released", [tx.get_one(Offer, duty.offer_id)])
        return None
    if duty.state not in (DutyState.ON_SITE, DutyState.DONE):
        return None
    return attendance.release(tx, duty)


def _settled(tx: Tx, duty: Duty, minutes: int, ended: bool) -> CheckedOut:
    if ended:
        return CheckedOut(duty, minutes, None)
    field.shown(tx, duty)
    _gone(tx, duty)
    introduce.ended(tx, [duty.id])
    paid = settle.duty(tx, duty)
    _tell_paid(tx, [duty], {duty.id: paid})
    return CheckedOut(duty, minutes, paid, held=paid is None)


def _gone(tx: Tx, duty: Duty) -> None:
    """Nobody asks after somebody who has left."""
    outbox.cancel(tx, Subject.OFFER, [duty.offer_id], purposes=(field.REMINDER,))
    roll_call.left(tx, duty)


def _tell_paid(tx: Tx, ended: Sequence[Ended], paid: Mapping[int, int | None]) -> None:
    """Thanks people whose duties were settled, and tells the others that somebody looks at their hours."""
    told = [duty for duty in ended if duty.id in paid]
    balances = points.balances(tx, sorted({duty.volunteer_id for duty in told}))
    offers = letters.about(tx, [duty.offer_id for duty in told])
    thanks, held = {}, {}
    for duty in told:
        minutes, worth = {"minutes": duty.minutes}, paid[duty.id]
        if worth is None:
            held[duty.offer_id] = minutes
        else:
            thanks[duty.offer_id] = minutes | {"points": worth, "balance": balances[duty.volunteer_id]}
    letters.tell_each(tx, "thanks", offers, thanks)
    letters.tell_each(tx, "hours_held", offers, held)


def _tell_missed(tx: Tx, missed: Missed) -> None:
    absent = select(Offer).where(col(Offer.id).in_([duty.offer_id for duty in missed.duties]))
    letters.tell(tx, "no_show", tx.exec(absent.order_by(col(Offer.id))).all())
    letters.tell(tx, "promoted", missed.promoted)


def _tell_command(tx: Tx, missed: Missed) -> None:
    for incident_id in sorted({duty.incident_id for duty in missed.duties}):
        incident = tx.get_one(Incident, incident_id)
        absent = [duty.id for duty in missed.duties if duty.incident_id == incident_id]
        offers = {duty.offer_id for duty in missed.duties if duty.incident_id == incident_id}
        slots = {tx.get_one(Offer, offer).slot_id for offer in offers}
        moved = sum(offer.slot_id in slots for offer in missed.promoted)
        facts = {"title": incident.title, "missing": len(absent), "moved": moved}
        letters.alert(tx, "alert_no_show", incident, f"duty:{absent[0]}:no_show", facts)
        logbook.record(tx, incident, LogKind.DUTY, "no_shows", n=len(absent), moved=moved)
    tx.flush()
