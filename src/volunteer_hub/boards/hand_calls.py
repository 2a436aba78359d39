"""Whom nothing reaches: asked, not seen reading, and every message about it failed, came too late, or lacks
its receipt past the time for it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, or_
from sqlmodel import col, select

from volunteer_hub.access.models import Account
from volunteer_hub.boards import slots
from volunteer_hub.boards.slots import SlotFacts
from volunteer_hub.core import bulk, policy
from volunteer_hub.core.db import Tx
from volunteer_hub.mobilization.hand_call_models import HandCall
from volunteer_hub.mobilization.models import Callout, Offer
from volunteer_hub.mobilization.rules import LIVE, OfferState, Rung
from volunteer_hub.notify.models import Message
from volunteer_hub.notify.policy import Messages
from volunteer_hub.notify.rules import ASIDE, WAITING, State, Subject
from volunteer_hub.volunteers import addresses
from volunteer_hub.volunteers.models import Volunteer


@dataclass(frozen=True)
class Also:
    """Somebody else at the same telephone who waits to be asked something too."""

    offer: Offer
    facts: SlotFacts
    name: str | None


@dataclass(frozen=True)
class HandCallLine:
    """One person to ring up. ``claimed_by``: the name of whoever else is ringing them just now, or their
    telephone ``for_another``; ``also``: who else can be spoken to in the same call."""

    offer: Offer
    facts: SlotFacts
    name: str | None
    phone: str | None
    person: UUID
    call: HandCall | None
    claimed_by: str | None
    for_another: bool
    also: tuple[Also, ...]


@dataclass(frozen=True)
class Ringing:
    """A call that another helper is at: about which offer, to whom."""

    offer_id: int
    volunteer_id: int
    helper: str


def of_callout(tx: Tx, callout: Callout, *, limit: int = 200) -> list[HandCallLine]:
    """Those of a callout, whoever waits longest first; seven queries for any number."""
    if callout.state not in LIVE or callout.on_paper:
        return []
    rows = tx.exec(
        select(Offer, Volunteer, HandCall)
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
    shared = addresses.sharing(tx, [offer.volunteer_id for offer, *_ in rows])
    everybody = set().union(*shared.values())
    numbers = addresses.numbers(tx, [offer.volunteer_id for offer, *_ in rows])
    asked = _asked(tx, everybody)
    facts = slots.of(tx, {offer.slot_id for offer, *_ in rows} | {offer.slot_id for offer, _ in asked})
    busy = ringing(tx, everybody)
    lines = []
    for offer, person, call in rows:
        own, others = shared[offer.volunteer_id], shared[offer.volunteer_id] - {offer.volunteer_id}
        at_it = [one for one in busy if one.volunteer_id in own]
        direct = any(one.offer_id == offer.id for one in at_it)
        also = [Also(one, facts[one.slot_id], who) for one, who in asked if one.volunteer_id in others]
        helper = at_it[0].helper if at_it else None
        another = bool(at_it) and not direct
        lines.append(
            HandCallLine(
                offer,
                facts[offer.slot_id],
                person.name,
                person.phone or numbers.get(person.id),
                person.public_id,
                call,
                helper,
                another,
                tuple(also),
            )
        )
    return lines


def ringing(tx: Tx, people: Collection[int]) -> list[Ringing]:
    """Which of these people (ids) other helpers are ringing just now, about whatever offer."""
    rows = tx.exec(
        select(HandCall.offer_id, Offer.volunteer_id, Account.name)
        .join(Offer, col(Offer.id) == col(HandCall.offer_id))
        .join(Account, col(Account.id) == col(HandCall.claimed_by))
        .where(
            bulk.among(col(Offer.volunteer_id), list(people)),
            col(HandCall.lease_until) > tx.now,
            col(HandCall.claimed_by) != tx.actor.id,
        )
    )
    return [Ringing(*row) for row in rows]


def _asked(tx: Tx, people: Collection[int]) -> Sequence[tuple[Offer, str | None]]:
    """What these people are asked and have not answered, in the actor's areas, with their names."""
    wanted = select(Offer, Volunteer.name).join(Volunteer, col(Volunteer.id) == col(Offer.volunteer_id))
    wanted = wanted.where(
        bulk.among(col(Offer.volunteer_id), list(people)),
        col(Offer.state) == OfferState.ASKED,
        tx.actor.scope("duty.write", Offer.area),
    )
    return tx.exec(wanted.order_by(col(Offer.id))).all()


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
