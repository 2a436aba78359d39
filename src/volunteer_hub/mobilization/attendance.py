"""Duty: who came, by what evidence, how long; who did not."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func
from sqlmodel import col, select

from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Malformed, NotFound, Refused
from volunteer_hub.core.signing import same
from volunteer_hub.mobilization import places, rules
from volunteer_hub.mobilization.check_models import DutyCheck
from volunteer_hub.mobilization.models import Duty, Offer
from volunteer_hub.mobilization.policy import CalloutRules
from volunteer_hub.mobilization.rules import DutyState, Evidence, OfferState, Way


@dataclass(frozen=True)
class Seen:
    """What came along with a check: a keyed hash of the telephone, and how far from the place it was."""

    device: bytes | None = None
    metres: int | None = None


@dataclass(frozen=True)
class Missed:
    """Who did not come, and who moved up for them."""

    duties: tuple[Duty, ...]
    promoted: tuple[Offer, ...]


UNSEEN: Final = Seen()


def find(tx: Tx, permission: str, public_id: uuid.UUID) -> Duty:
    """The duty by the id seen outside. Raises NotFound, for a foreign area too."""
    tx.actor.must(permission)
    wanted = select(Duty).where(col(Duty.public_id) == public_id, tx.actor.scope(permission, Duty.area))
    duty = tx.exec(wanted).first()
    if duty is None:
        raise NotFound("not_found")
    return duty


def of_offer(tx: Tx, offer: Offer) -> Duty | None:
    """The duty that a yes has made, if there was one."""
    return tx.exec(select(Duty).where(col(Duty.offer_id) == offer.id)).first()


def check_in(tx: Tx, duty: Duty, code: str, seen: Seen = UNSEEN, at: datetime | None = None) -> Duty:
    """By the person's six digits, typed or scanned, now or at a true time ``at``.

    Raises Refused for a wrong code (the door limits tries), for a duty that cannot begin any more, and for a
    late comer whose place is taken.
    """
    duty, offer = _locked(tx, duty)
    _check_code(duty, offer, code)
    return _arrive(tx, duty, offer, Evidence.CODE, _not_future(tx, at), seen)


def check_in_here(
    tx: Tx, duty: Duty, evidence: Evidence, seen: Seen = UNSEEN, at: datetime | None = None
) -> Duty:
    """By what the flow has found to prove that the person is there; else as `check_in`."""
    duty, offer = _locked(tx, duty)
    return _arrive(tx, duty, offer, evidence, _not_future(tx, at), seen)


def confirm_in(tx: Tx, duty: Duty, evidence: Evidence, at: datetime | None = None) -> Duty:
    """By the staff: a leader on site, or typed in later with its true time. Raises as `check_in`."""
    tx.actor.must_cover("duty.write", duty.area)
    duty, offer = _locked(tx, duty)
    return _arrive(tx, duty, offer, evidence, _not_future(tx, at))


def check_out(tx: Tx, duty: Duty, code: str, seen: Seen = UNSEEN, at: datetime | None = None) -> int:
    """By the person's code; the whole minutes on site. Again, it returns the same. Raises Refused before a
    check-in and for a wrong code."""
    duty, offer = _locked(tx, duty)
    _check_code(duty, offer, code)
    return _depart(tx, duty, offer, Evidence.CODE, _not_future(tx, at), seen)


def check_out_here(
    tx: Tx, duty: Duty, evidence: Evidence, seen: Seen = UNSEEN, at: datetime | None = None
) -> int:
    """By what the flow has found to prove that the person is there; else as `check_out`."""
    duty, offer = _locked(tx, duty)
    return _depart(tx, duty, offer, evidence, _not_future(tx, at), seen)


def confirm_out(tx: Tx, duty: Duty, evidence: Evidence, at: datetime | None = None) -> int:
    """By the staff; the whole minutes on site. Raises Malformed for an end before the check-in."""
    tx.actor.must_cover("duty.write", duty.area)
    duty, offer = _locked(tx, duty)
    return _depart(tx, duty, offer, evidence, _not_future(tx, at))


def release(tx: Tx, duty: Duty) -> int:
    """Demobilises one person: checked out by the leader, or not needed any more; the minutes on site."""
    tx.actor.must_cover("duty.write", duty.area)
    duty, offer = _locked(tx, duty)
    if duty.state is DutyState.EXPECTED:
        places.leave(tx, offer, OfferState.RELEASED)
        return 0
    return _depart(tx, duty, offer, Evidence.LEADER, tx.now)


def no_show(tx: Tx, duty: Duty, fit: places.Fit = places.anybody) -> list[Offer]:
    """Marks somebody expected as not come; who moved up."""
    tx.actor.must_cover("duty.write", duty.area)
    _, offer = _locked(tx, duty)
    places.leave(tx, offer, OfferState.NO_SHOW)
    return places.promote(tx, offer.callout_id, offer.slot_id, fit)


def no_shows(tx: Tx, rules_of: CalloutRules, limit: int = 100, fit: places.Fit = places.anybody) -> Missed:
    """The sweep over people expected since ``no_show_minutes``; any number of workers may run it.

    Whoever got the place after the start is expected from then on, and from the hour they said themselves,
    with their yes or on the way.
    """
    way = func.make_interval(0, 0, 0, 0, 0, func.coalesce(col(Offer.minutes_there), 0))
    stated = select(Duty.arrives_at).where(col(Duty.offer_id) == col(Offer.id)).scalar_subquery()
    expected = func.greatest(func.lower(col(Offer.during)), col(Offer.held_since) + way, stated)
    began = expected <= rules.absent_since(tx.now, rules_of)
    due = (
        select(Offer)
        .where(col(Offer.state) == OfferState.ACCEPTED, began)
        .order_by(col(Offer.id))
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
        .execution_options(populate_existing=True)
    )
    absent = tx.exec(due).all()
    for offer in absent:
        places.leave(tx, offer, OfferState.NO_SHOW)
    duties = select(Duty).where(col(Duty.offer_id).in_([offer.id for offer in absent]))
    slots = sorted({(offer.callout_id, offer.slot_id) for offer in absent})
    promoted = [
        moved for callout_id, slot_id in slots for moved in places.promote(tx, callout_id, slot_id, fit)
    ]
    return Missed(tuple(tx.exec(duties.order_by(col(Duty.id))).all()), tuple(promoted))


def _locked(tx: Tx, duty: Duty) -> tuple[Duty, Offer]:
    """Offer before duty, as everywhere: the offer's lock covers its duty."""
    offer = places.locked(tx, duty.offer_id)
    tx.refresh(duty)
    return duty, offer


def _check_code(duty: Duty, offer: Offer, code: str) -> None:
    if not same(places.code_hash(offer, code.strip()), duty.code_hash):
        raise Refused("duty.code")


def _not_future(tx: Tx, at: datetime | None) -> datetime:
    if at is not None and at > tx.now:
        raise Malformed("duty.future")
    return at or tx.now


def _arrive(tx: Tx, duty: Duty, offer: Offer, evidence: Evidence, at: datetime, seen: Seen = UNSEEN) -> Duty:
    if duty.state is DutyState.ON_SITE:
        return duty
    if offer.state is OfferState.NO_SHOW:
        if not places.hold(tx, offer, OfferState.ON_SITE):
            raise Refused("duty.place_taken")
    else:
        rules.step("duty", rules.DUTY_ALLOWED, duty.state, DutyState.ON_SITE)
        offer.state = rules.step("offer", rules.OFFER_ALLOWED, offer.state, OfferState.ON_SITE)
        places.bring_duties(tx, [offer])
    duty.checked_in_at, duty.grade = at, rules.grade(evidence)
    _note(tx, duty, Way.IN, evidence, at, seen)
    tx.flush()
    return duty


def _depart(tx: Tx, duty: Duty, offer: Offer, evidence: Evidence, at: datetime, seen: Seen = UNSEEN) -> int:
    if duty.state is DutyState.DONE:
        return duty.minutes or 0
    duty.state = rules.step("duty", rules.DUTY_ALLOWED, duty.state, DutyState.DONE)
    offer.state = rules.step("offer", rules.OFFER_ALLOWED, offer.state, OfferState.DONE)
    assert duty.checked_in_at is not None
    assert duty.grade is not None
    duty.minutes = rules.service_minutes(duty.checked_in_at, at)
    duty.checked_out_at, duty.grade = at, rules.weaker(duty.grade, rules.grade(evidence))
    _note(tx, duty, Way.OUT, evidence, at, seen)
    tx.flush()
    return duty.minutes


def _note(tx: Tx, duty: Duty, way: Way, evidence: Evidence, at: datetime, seen: Seen) -> None:
    tx.add(
        DutyCheck(
            duty_id=duty.id,
            area=duty.area,
            way=way,
            evidence=evidence,
            at=at,
            noted_at=tx.now,
            noted_by=tx.actor.id if tx.actor.kind == "account" else None,
            device=seen.device,
            metres=seen.metres,
        )
    )
