"""Whom nothing reaches: asked, not seen reading, and every message about it failed, came too late, or lacks
its receipt past the time for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, or_
from sqlmodel import col, select

from volunteer_hub.access.models import Account
from volunteer_hub.boards import slots
from volunteer_hub.boards.slots import SlotFacts
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.mobilization.hand_call_models import HandCall
from volunteer_hub.mobilization.models import Callout, Offer
from volunteer_hub.mobilization.rules import LIVE, OfferState, Rung
from volunteer_hub.notify.models import Message
from volunteer_hub.notify.policy import Messages
from volunteer_hub.notify.rules import ASIDE, WAITING, State, Subject
from volunteer_hub.volunteers.models import Volunteer


@dataclass(frozen=True)
class HandCallLine:
    """One person to ring up. ``claimed_by``: the name of whoever else is ringing them just now."""

    offer: Offer
    facts: SlotFacts
    name: str | None
    phone: str | None
    call: HandCall | None
    claimed_by: str | None


def of_callout(tx: Tx, callout: Callout, *, limit: int = 200) -> list[HandCallLine]:
    """Those of a callout, whoever waits longest first; five queries for any number."""
    if callout.state not in LIVE:
        return []
    rows = tx.exec(
        select(Offer, Volunteer.name, Volunteer.phone, HandCall)
        .join(Volunteer, col(Volunteer.id) == col(Offer.volunteer_id))
        .outerjoin(HandCall, col(HandCall.offer_id) == col(Offer.id))
        .where(
            col(Offer.callout_id) == callout.id,
            col(Offer.state) == OfferState.ASKED,
            col(Offer.seen_at).is_(None),
            tx.actor.scope("duty.write", Offer.area),
            ~_reached(tx),
            col(HandCall.outcome).is_(None)
            | ((col(HandCall.outcome) == Rung.NO_ANSWER) & (col(HandCall.again_at) <= tx.now)),
        )
        .order_by(col(Offer.asked_at), col(Offer.id))
        .limit(limit)
    ).all()
    facts = slots.of(tx, {offer.slot_id for offer, *_ in rows})
    names = _ringing(tx, [call for *_, call in rows if call is not None])
    return [
        HandCallLine(offer, facts[offer.slot_id], name, phone, call, names.get(offer.id))
        for offer, name, phone, call in rows
    ]


def _reached(tx: Tx) -> ColumnElement[bool]:
    """Whether a message about the offer has arrived, or still may."""
    receipts = policy.load("messages", Messages).receipts
    minutes = receipts.minutes()
    mute = [
        (col(Message.channel) == channel) & (col(Message.sent_at) <= tx.now - timedelta(minutes=wait))
        for channel, wait in minutes.items()
        if wait is not None
    ]
    sent = (col(Message.state) == State.SENT) & ~or_(*mute) if mute else col(Message.state) == State.SENT
    about = (col(Message.subject_kind) == Subject.OFFER) & (col(Message.subject_id) == col(Offer.id))
    beside = col(Message.dedupe_key).contains(ASIDE, autoescape=True)  # nobody waits for it to arrive
    alive = (col(Message.state) == State.DELIVERED) | ((col(Message.state).in_(WAITING) | sent) & ~beside)
    found: ColumnElement[bool] = select(Message.id).where(about, alive).exists()
    return found


def _ringing(tx: Tx, calls: Sequence[HandCall]) -> dict[int, str]:
    busy = {
        call.offer_id: call.claimed_by
        for call in calls
        if call.lease_until is not None and call.lease_until > tx.now and call.claimed_by != tx.actor.id
    }
    wanted = select(Account.id, Account.name).where(col(Account.id).in_(set(busy.values())))
    names = dict(tx.exec(wanted).all())
    return {offer_id: names[account] for offer_id, account in busy.items() if account is not None}
