"""What a person does with an offer, by link or at a desk, and what the staff and the sweep do with it."""

import base64
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.dialects.postgresql import Range
from sqlmodel import col, select

from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Gone, Malformed, NotFound
from volunteer_hub.core.signing import token_hash
from volunteer_hub.mobilization import answers, places, rules
from volunteer_hub.mobilization.models import Callout, Offer, SlotFill
from volunteer_hub.mobilization.policy import CalloutRules
from volunteer_hub.mobilization.rules import Answer, CalloutState, DeclineReason, OfferState, Outcome

LONGEST_WAY: Final = 24 * 60


@dataclass(frozen=True)
class Answered:
    """What came of an answer. ``stands`` is a repeat; ``promoted`` moved up; ``late``: worth an alert;
    ``drills`` of the same person made way for a real callout."""

    offer: Offer
    outcome: Outcome
    promoted: tuple[Offer, ...] = ()
    late: bool = False
    drills: tuple[Offer, ...] = ()


@dataclass(frozen=True)
class Changed:
    """Who is told of a change of place or time, and who was released because the new time clashes."""

    told: tuple[Offer, ...]
    clashing: tuple[Offer, ...]
    promoted: tuple[Offer, ...]


def link_token(offer_public_id: uuid.UUID) -> str:
    """The 128-bit token of an offer's link.

    Derived under HUB_SECRET_KEY, so that every later message can carry the link though only a hash is stored.
    """
    secret = token_hash(f"offer {offer_public_id}")[:16]
    return base64.urlsafe_b64encode(secret).rstrip(b"=").decode("ascii")


def by_token(tx: Tx, token: str) -> Offer:
    """The offer behind a link. Raises NotFound in words for a token that was never given out."""
    offer = tx.exec(select(Offer).where(col(Offer.token_hash) == token_hash(token))).first()
    if offer is None:
        raise NotFound("offer.link_unknown")
    return offer


def find(tx: Tx, permission: str, public_id: uuid.UUID) -> Offer:
    """The offer by the id seen outside. Raises NotFound, for a foreign area too."""
    tx.actor.must(permission)
    wanted = select(Offer).where(col(Offer.public_id) == public_id, tx.actor.scope(permission, Offer.area))
    offer = tx.exec(wanted).first()
    if offer is None:
        raise NotFound("not_found")
    return offer


def situation(tx: Tx, offer: Offer, callout: CalloutState, filled: int, maximum: int) -> rules.Situation:
    """What an answer to this offer is judged by."""
    return rules.Situation(
        offer=offer.state,
        callout=callout,
        now=tx.now,
        expires_at=offer.expires_at,
        ends_at=offer.ends_at,
        filled=filled,
        maximum=maximum,
        disowned=offer.decline_reason is DeclineReason.NOT_ME,
    )


def accept(tx: Tx, offer: Offer, minutes_there: int | None = None) -> Answered:
    """Takes a place, or the next number in the stand-by line when the slot is full. Who says yes to a real
    callout is released from the drills of that time.

    Raises Refused when the person is promised elsewhere at that time, Gone when the time to answer is over,
    Malformed for a way of more than a day.
    """
    if minutes_there is not None and not 0 <= minutes_there <= LONGEST_WAY:
        raise Malformed("offer.minutes_there", longest=LONGEST_WAY)
    offer, outcome = _judged(tx, offer, Answer.ACCEPT)
    if outcome is Outcome.STANDS:
        return Answered(offer, outcome)
    drills = places.drills_make_way(tx, offer)
    state = places.place_or_line(tx, offer)
    offer.minutes_there, offer.decline_reason, offer.later_from = minutes_there, None, None
    offer.answered_at, offer.ack_version = tx.now, offer.version
    answers.record(tx, offer, Answer.ACCEPT, minutes_there=minutes_there, state=state.value)
    tx.flush()
    return Answered(offer, Outcome(state.value), drills=drills)


def decline(
    tx: Tx, offer: Offer, rules_of: CalloutRules, reason: DeclineReason = DeclineReason.OTHER
) -> Answered:
    """Says no; from somebody who had accepted it is a withdrawal. Raises Gone, Refused on site."""
    return _no(tx, offer, rules_of, Answer.DECLINE, reason)


def later(tx: Tx, offer: Offer, rules_of: CalloutRules, from_when: datetime) -> Answered:
    """Not now, but from then on: no to this offer, with the hour kept for the planner.

    Raises Malformed when that is not in the future.
    """
    if from_when <= tx.now:
        raise Malformed("offer.later_from")
    return _no(tx, offer, rules_of, Answer.LATER, DeclineReason.LATER, from_when)


def withdraw(
    tx: Tx, offer: Offer, rules_of: CalloutRules, reason: DeclineReason = DeclineReason.OTHER
) -> Answered:
    """Takes back a yes: the first who stands by and is free moves up. Raises Refused without a yes."""
    return _no(tx, offer, rules_of, Answer.WITHDRAW, reason)


def not_me(tx: Tx, offer: Offer, rules_of: CalloutRules) -> Answered:
    """The message reached somebody else: the link is dead from now on, a place it had is free."""
    return _no(tx, offer, rules_of, Answer.NOT_ME, DeclineReason.NOT_ME)


def seen(tx: Tx, offer: Offer) -> None:
    """Notes the first time that the person read it. Not for a bare GET: previewers open links."""
    offer = places.locked(tx, offer.id)
    if offer.seen_at is None:
        offer.seen_at = tx.now
        answers.record(tx, offer, Answer.SEEN)
        tx.flush()


def ack(tx: Tx, offer: Offer) -> None:
    """Confirms the change of place or time last told. Raises Gone when the offer does not stand any more."""
    offer = places.locked(tx, offer.id)
    if offer.state not in rules.HOLDING | {OfferState.STANDING_BY}:
        raise Gone("offer.over")
    if offer.ack_version != offer.version:
        offer.ack_version = offer.version
        answers.record(tx, offer, Answer.ACK, version=offer.version)
        tx.flush()


def release(tx: Tx, offer: Offer) -> Offer:
    """Not needed any more, with thanks: somebody who accepted or stands by. Nobody moves up for it."""
    tx.actor.must_cover("callout.send", offer.area)
    offer = places.locked(tx, offer.id)
    places.leave(tx, offer, OfferState.RELEASED)
    return offer


def stand_down(tx: Tx, callout: Callout, slot_id: int | None = None) -> list[Offer]:
    """Releases everybody who stands by, in the callout or in one slot of it."""
    tx.actor.must_cover("callout.send", callout.area)
    which = (col(Offer.callout_id) == callout.id) & (col(Offer.state) == OfferState.STANDING_BY)
    if slot_id is not None:
        which &= col(Offer.slot_id) == slot_id
    return places.leave_all(tx, places.locked_all(tx, which), OfferState.RELEASED)


def change(tx: Tx, slot_id: int, during: Range[datetime] | None = None) -> Changed:
    """The slot's place, or its time ``during``, has changed: whoever said yes is to acknowledge it.

    Whoever is promised elsewhere at the new time is released from here, and the line moves up; somebody
    already on site stays, with the old time.
    """
    said_yes = (OfferState.ACCEPTED, OfferState.STANDING_BY, OfferState.ON_SITE)
    open_to = (OfferState.QUEUED, OfferState.ASKED, OfferState.DECLINED, OfferState.WITHDRAWN)
    which = (col(Offer.slot_id) == slot_id) & col(Offer.state).in_(said_yes + open_to)
    told: list[Offer] = []
    clashing: list[Offer] = []
    for offer in places.locked_all(tx, which):
        tx.actor.must_cover("callout.send", offer.area)
        offer.version += 1
        free = during is None or places.move(tx, offer, during)
        if offer.state is OfferState.ACCEPTED and not free:
            places.leave(tx, offer, OfferState.RELEASED)
            clashing.append(offer)
        elif offer.state in said_yes:
            told.append(offer)
    tx.flush()
    callouts = sorted({offer.callout_id for offer in clashing})
    promoted = [moved for callout_id in callouts for moved in places.promote(tx, callout_id, slot_id)]
    return Changed(tuple(told), tuple(clashing), tuple(promoted))


def expire(tx: Tx, limit: int = 1000) -> list[Offer]:
    """The sweep over offers that nobody answered in time; any number of workers may run it."""
    due = (
        select(Offer)
        .where(col(Offer.state) == OfferState.ASKED, col(Offer.expires_at) <= tx.now)
        .order_by(col(Offer.expires_at))
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
        .execution_options(populate_existing=True)
    )
    silent = list(tx.exec(due).all())
    for offer in silent:
        offer.state = rules.step("offer", rules.OFFER_ALLOWED, offer.state, OfferState.EXPIRED)
    tx.flush()
    return silent


def move_up(tx: Tx, limit: int = 100) -> list[Offer]:
    """The sweep over free places with somebody standing by: whom a promotion had to pass over."""
    waiting = (
        select(Offer.callout_id, Offer.slot_id)
        .join(
            SlotFill,
            (col(SlotFill.slot_id) == col(Offer.slot_id))
            & (col(SlotFill.callout_id) == col(Offer.callout_id)),
        )
        .where(col(Offer.state) == OfferState.STANDING_BY, col(SlotFill.filled) < col(SlotFill.maximum))
        .distinct()
        .order_by(col(Offer.callout_id), col(Offer.slot_id))
        .limit(limit)
    )
    places_free = tx.exec(waiting).all()
    return [moved for callout_id, slot_id in places_free for moved in places.promote(tx, callout_id, slot_id)]


def _judged(tx: Tx, offer: Offer, answer: Answer) -> tuple[Offer, Outcome]:
    """The offer, locked, and what the answer comes to; raises what the outcome is refused by.

    The callout is read once the lock is held: cancelling locks every offer, so neither misses the other.
    """
    offer = places.locked(tx, offer.id)
    fill = (col(SlotFill.callout_id) == col(Callout.id)) & (col(SlotFill.slot_id) == offer.slot_id)
    facts = select(col(Callout.state), col(SlotFill.filled), col(SlotFill.maximum)).join(SlotFill, fill)
    callout, filled, maximum = tx.exec(facts.where(col(Callout.id) == offer.callout_id)).one()
    outcome = rules.decide(answer, situation(tx, offer, callout, filled, maximum))
    error = rules.refusal(outcome)
    if error is not None:
        raise error
    return offer, outcome


def _no(
    tx: Tx,
    offer: Offer,
    rules_of: CalloutRules,
    answer: Answer,
    reason: DeclineReason,
    from_when: datetime | None = None,
) -> Answered:
    offer, outcome = _judged(tx, offer, answer)
    if outcome is Outcome.STANDS:
        return Answered(offer, outcome)
    had_place = offer.state is OfferState.ACCEPTED
    offer.decline_reason, offer.later_from = reason, from_when
    if answer is not Answer.NOT_ME:
        offer.answered_at = tx.now
    if outcome is Outcome.WITHDRAWN:
        places.leave(tx, offer, OfferState.WITHDRAWN)
    elif outcome is Outcome.DECLINED:
        offer.state = rules.step("offer", rules.OFFER_ALLOWED, offer.state, OfferState.DECLINED)
    answers.record(tx, offer, answer, reason=reason.value, state=offer.state.value)
    tx.flush()
    promoted = places.promote(tx, offer.callout_id, offer.slot_id) if had_place else []
    late = had_place and rules.late_withdrawal(tx.now, offer.starts_at, rules_of)
    return Answered(offer, outcome, tuple(promoted), late)
