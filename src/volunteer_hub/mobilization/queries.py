"""What the board, the lists and the offer's page read."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func
from sqlalchemy import select as columns  # SQLModel's select is typed for four at most
from sqlmodel import col, select

from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound
from volunteer_hub.core.signing import token_hash
from volunteer_hub.mobilization import desk, places, rules
from volunteer_hub.mobilization.models import Callout, Duty, Offer, SlotFill
from volunteer_hub.mobilization.rules import Answer, OfferState, Outcome


@dataclass(frozen=True)
class SlotFigures:
    """One slot of a callout, in people. ``silent``: asked, and no answer by the hoped-for time."""

    slot_id: int
    minimum: int
    target: int
    maximum: int
    filled: int
    queued: int
    asked: int
    accepted: int
    standing_by: int
    declined: int
    silent: int
    on_site: int
    done: int
    no_show: int


@dataclass(frozen=True)
class OfferPage:
    """What the page behind a link shows. ``would``: what accepting now comes to, as far as can be foreseen;
    ``changed``: a change of place or time waits to be acknowledged; ``code`` checks in, once there is a duty.
    """

    offer: Offer
    callout: Callout
    filled: int
    maximum: int
    duty: Duty | None
    would: Outcome
    changed: bool
    code: str | None


def board(tx: Tx, callout_ids: Collection[int]) -> dict[int, list[SlotFigures]]:
    """The figures of every slot of these callouts, callout id -> slots by id, in one query.

    ``accepted`` counts who holds a place and is not yet on site; ``declined`` includes who withdrew.
    """

    def count(*states: OfferState) -> ColumnElement[int]:
        return func.count().filter(col(Offer.state).in_(states))

    silent = (
        col(Offer.asked_at).is_not(None)
        & col(Offer.answered_at).is_(None)
        & (col(Offer.decline_reason).is_(None))
        & (col(Callout.answer_by) <= tx.now)
    )
    wanted = (
        columns(
            col(SlotFill.callout_id),
            col(SlotFill.slot_id),
            col(SlotFill.minimum),
            col(SlotFill.target),
            col(SlotFill.maximum),
            col(SlotFill.filled),
            count(OfferState.QUEUED),
            func.count(col(Offer.asked_at)),
            count(OfferState.ACCEPTED),
            count(OfferState.STANDING_BY),
            count(OfferState.DECLINED, OfferState.WITHDRAWN),
            func.count().filter(silent),
            count(OfferState.ON_SITE),
            count(OfferState.DONE),
            count(OfferState.NO_SHOW),
        )
        .join(Callout, col(Callout.id) == col(SlotFill.callout_id))
        .outerjoin(Offer, _offer_of_fill())
        .where(col(SlotFill.callout_id).in_(callout_ids), tx.actor.scope("callout.read", Callout.area))
        .group_by(col(SlotFill.callout_id), col(SlotFill.slot_id))
        .order_by(col(SlotFill.callout_id), col(SlotFill.slot_id))
    )
    figures: dict[int, list[SlotFigures]] = {}
    for callout_id, *numbers in tx.execute(wanted):
        figures.setdefault(callout_id, []).append(SlotFigures(*numbers))
    return figures


def offers_of(
    tx: Tx,
    callout_id: int,
    *,
    states: Collection[OfferState] = tuple(OfferState),
    slot_id: int | None = None,
    after: int = 0,
    limit: int = 50,
) -> tuple[list[Offer], int | None]:
    """A page of the callout's offers by id, and the ``after`` of the next page or None at the end."""
    wanted = (
        select(Offer)
        .where(
            col(Offer.callout_id) == callout_id,
            col(Offer.state).in_(states),
            col(Offer.id) > after,
            tx.actor.scope("offer.read", Offer.area),
        )
        .order_by(col(Offer.id))
        .limit(limit + 1)
    )
    if slot_id is not None:
        wanted = wanted.where(col(Offer.slot_id) == slot_id)
    rows = list(tx.exec(wanted).all())
    page = rows[:limit]
    return page, page[-1].id if len(rows) > limit else None


def offers_of_volunteer(tx: Tx, volunteer_id: int, limit: int = 50) -> list[Offer]:
    """A volunteer's own offers, the latest duty first; the door has checked that they are the actor's."""
    asked = col(Offer.asked_at).is_not(None)
    wanted = select(Offer).where(col(Offer.volunteer_id) == volunteer_id, asked)
    order = (func.lower(col(Offer.during)).desc(), col(Offer.id).desc())
    return list(tx.exec(wanted.order_by(*order).limit(limit)).all())


def offer_page(tx: Tx, token: str) -> OfferPage:
    """What a link shows. Reads only: previewers open links. Raises NotFound for an unknown token."""
    wanted = (
        select(Offer, Callout, SlotFill, Duty)
        .join(Callout, col(Callout.id) == col(Offer.callout_id))
        .join(SlotFill, _offer_of_fill())
        .outerjoin(Duty, col(Duty.offer_id) == col(Offer.id))
        .where(col(Offer.token_hash) == token_hash(token))
    )
    found = tx.exec(wanted).first()
    if found is None:
        raise NotFound("offer.link_unknown")
    offer, callout, fill, duty = found
    situation = desk.situation(tx, offer, callout.state, fill.filled, fill.maximum)
    said_yes = offer.state in rules.HOLDING | {OfferState.STANDING_BY}
    return OfferPage(
        offer=offer,
        callout=callout,
        filled=fill.filled,
        maximum=fill.maximum,
        duty=duty,
        would=rules.decide(Answer.ACCEPT, situation),
        changed=said_yes and offer.ack_version != offer.version,
        code=places.duty_code(offer) if offer.state in rules.HOLDING else None,
    )


def _offer_of_fill() -> ColumnElement[bool]:
    return (col(Offer.slot_id) == col(SlotFill.slot_id)) & (col(Offer.callout_id) == col(SlotFill.callout_id))
