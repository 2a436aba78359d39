"""What a person does with an offer, by link or at a desk, and what the staff and the sweep do with it."""

import base64
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import LargeBinary
from sqlalchemy.dialects.postgresql import Range
from sqlmodel import col, select

from volunteer_hub.core import bulk
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError, NotFound
from volunteer_hub.core.signing import token_hash
from volunteer_hub.mobilization import desk, places, rules
from volunteer_hub.mobilization.desk import Answered, Reply
from volunteer_hub.mobilization.models import Callout, Offer, SlotFill
from volunteer_hub.mobilization.policy import CalloutRules
from volunteer_hub.mobilization.rules import Answer, DeclineReason, OfferState


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


def by_tokens(tx: Tx, tokens: Collection[str]) -> dict[str, tuple[int, int]]:
    """Token -> the offer behind that link and its person, by id; those never given out are left out."""
    hashes = {token_hash(token): token for token in tokens}
    wanted = select(Offer.token_hash, Offer.id, Offer.volunteer_id)
    found = tx.exec(wanted.where(bulk.among(col(Offer.token_hash), list(hashes), LargeBinary)))
    return {hashes[digest]: (offer_id, person) for digest, offer_id, person in found}


def find(tx: Tx, permission: str, public_id: uuid.UUID) -> Offer:
    """The offer by the id seen outside. Raises NotFound, for a foreign area too."""
    tx.actor.must(permission)
    wanted = select(Offer).where(col(Offer.public_id) == public_id, tx.actor.scope(permission, Offer.area))
    offer = tx.exec(wanted).first()
    if offer is None:
        raise NotFound("not_found")
    return offer


def accept(tx: Tx, offer: Offer, minutes_there: int | None = None) -> Answered:
    """Takes a place, or the next number in the stand-by line when the slot is full. Who says yes to a real
    callout is released from the drills of that time.

    Raises Refused when the person is promised elsewhere at that time, Gone when the time to answer is over,
    Malformed for a way of more than a day.
    """
    return _one(tx, offer, Reply(Answer.ACCEPT, minutes_there))


def decline(
    tx: Tx, offer: Offer, rules_of: CalloutRules, reason: DeclineReason = DeclineReason.OTHER
) -> Answered:
    """Says no; from somebody who had accepted it is a withdrawal. Raises Gone, Refused on site."""
    return _one(tx, offer, Reply(Answer.DECLINE, reason=reason), rules_of)


def later(tx: Tx, offer: Offer, rules_of: CalloutRules, from_when: datetime) -> Answered:
    """Not now, but from then on: no to this offer, with the hour kept for the planner.

    Raises Malformed when that is not in the future.
    """
    return _one(tx, offer, Reply(Answer.LATER, from_when=from_when), rules_of)


def withdraw(
    tx: Tx, offer: Offer, rules_of: CalloutRules, reason: DeclineReason = DeclineReason.OTHER
) -> Answered:
    """Takes back a yes: the first who stands by and is free moves up. Raises Refused without a yes."""
    return _one(tx, offer, Reply(Answer.WITHDRAW, reason=reason), rules_of)


def not_me(tx: Tx, offer: Offer, rules_of: CalloutRules) -> Answered:
    """The message reached somebody else: the link is dead from now on, a place it had is free."""
    return _one(tx, offer, Reply(Answer.NOT_ME), rules_of)


def seen(tx: Tx, offer: Offer) -> None:
    """Notes the first time that the person read it. Not for a bare GET: previewers open links."""
    _one(tx, offer, Reply(Answer.SEEN))


def ack(tx: Tx, offer: Offer) -> None:
    """Confirms the change of place or time last told. Raises Gone when the offer does not stand any more."""
    _one(tx, offer, Reply(Answer.ACK))


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


def change(
    tx: Tx, slot_id: int, during: Range[datetime] | None = None, fit: places.Fit = places.anybody
) -> Changed:
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
    promoted = [moved for callout_id in callouts for moved in places.promote(tx, callout_id, slot_id, fit)]
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


def move_up(tx: Tx, limit: int = 100, fit: places.Fit = places.anybody) -> list[Offer]:
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
    return [
        moved for callout_id, slot_id in places_free for moved in places.promote(tx, callout_id, slot_id, fit)
    ]


def _one(tx: Tx, offer: Offer, reply: Reply, rules_of: CalloutRules | None = None) -> Answered:
    [result] = desk.take(tx, [(offer.id, reply)], rules_of)
    if isinstance(result, HubError):
        raise result
    return result
