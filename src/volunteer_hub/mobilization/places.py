"""Places of a slot: taken and freed by guarded updates, handed on along the stand-by line.

Locks are taken in this order: the offer, its person, the slot's count. Whoever moves up the line is taken
only if nobody else holds them, so no circle of waiting forms; the sweep picks up who was passed over so.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg.errors import ExclusionViolation
from sqlalchemy import ColumnElement, func, text, tuple_, update
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from volunteer_hub.core.columns import uuid7
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound, Refused
from volunteer_hub.core.signing import token_hash
from volunteer_hub.mobilization import rules, standby_rules
from volunteer_hub.mobilization.models import Callout, Duty, Offer, SlotFill
from volunteer_hub.mobilization.rules import DutyState, OfferState
from volunteer_hub.mobilization.standby_rules import PassedOver

Place = tuple[int, int]
"""A callout and a slot, by id."""
Fit = Callable[[Tx, Offer], PassedOver | None]
"""Why the person of an offer may serve there no longer; None where they may."""

_DUTY_AFTER: Final[Mapping[OfferState, DutyState]] = {
    OfferState.NO_SHOW: DutyState.NO_SHOW,
    OfferState.ON_SITE: DutyState.ON_SITE,
    OfferState.DONE: DutyState.DONE,
}


def locked(tx: Tx, offer_id: int) -> Offer:
    """The offer as it is now, kept for this transaction. Raises NotFound."""
    wanted = select(Offer).where(col(Offer.id) == offer_id).with_for_update(key_share=True)
    offer = tx.exec(wanted.execution_options(populate_existing=True)).first()
    if offer is None:
        raise NotFound("not_found")
    return offer


def locked_all(tx: Tx, which: ColumnElement[bool]) -> Sequence[Offer]:
    """The same for many, by id."""
    wanted = select(Offer).where(which).order_by(col(Offer.id)).with_for_update(key_share=True)
    return tx.exec(wanted.execution_options(populate_existing=True)).all()


def duty_code(offer: Offer) -> str:
    """The six digits that check this person in: derived, so that a page can show them again at any time."""
    return f"{int.from_bytes(token_hash(f'duty {offer.public_id}')[:8]) % 10**6:06d}"


def code_hash(offer: Offer, code: str) -> bytes:
    """What is stored of a code; bound to the offer, because six digits alone are soon tried out."""
    return token_hash(f"code {offer.public_id} {code}")


def hold(tx: Tx, offer: Offer, state: OfferState = OfferState.ACCEPTED) -> bool:
    """Takes a place for the offer, if there is one, and makes its duty.

    Raises Refused when the person is promised elsewhere at that time; the transaction stays usable.
    """
    try:
        with tx.begin_nested():
            if not _take(tx, offer):
                return False
            duty = tx.exec(select(Duty).where(col(Duty.offer_id) == offer.id)).first()
            seat(offer, state, duty, tx.now)
            if duty is None:
                tx.add(Duty(**new_duty(offer, tx.get_one(Callout, offer.callout_id).incident_id)))
            tx.flush()
    except IntegrityError as error:
        if isinstance(error.orig, ExclusionViolation):
            raise Refused("offer.promised_elsewhere") from None
        raise
    return True


def seat(offer: Offer, state: OfferState, duty: Duty | None, now: datetime) -> None:
    """Puts an offer on the place taken for it, and a duty that it had before back into force."""
    offer.state = _step(offer, state)
    offer.position, offer.held_since, offer.passed_over = None, now, None
    if duty is not None:
        duty.state = rules.step(
            "duty", rules.DUTY_ALLOWED, duty.state, _DUTY_AFTER.get(offer.state, DutyState.EXPECTED)
        )
        duty.en_route_at = duty.arrives_at = None  # said before they gave the place back


def new_duty(offer: Offer, incident_id: int) -> dict[str, Any]:
    """The first duty of an offer, as a row."""
    return {
        "public_id": uuid7(),
        "offer_id": offer.id,
        "volunteer_id": offer.volunteer_id,
        "incident_id": incident_id,
        "area": offer.area,
        "code_hash": code_hash(offer, duty_code(offer)),
        "state": DutyState.EXPECTED,
    }


def move(tx: Tx, offer: Offer, during: Range[datetime]) -> bool:
    """Gives a locked offer another time; False, and nothing moved, when the person is promised then."""
    if offer.state in rules.HOLDING:
        lock_people(tx, [offer.volunteer_id])
    try:
        with tx.begin_nested():
            offer.during = during
            tx.flush()
    except IntegrityError as error:
        if isinstance(error.orig, ExclusionViolation):
            return False
        raise
    return True


def leave(tx: Tx, offer: Offer, after: OfferState) -> None:
    """Ends a locked offer; a place it had is free again."""
    placed = offer.state in rules.PLACED
    offer.state = _step(offer, after)
    offer.position = None
    tx.flush()
    if placed:
        bring_duties(tx, [offer])
        fill = update(SlotFill).where(*_fill_of(offer)).values(filled=col(SlotFill.filled) - 1)
        tx.execute(fill)


def leave_all(tx: Tx, offers: Iterable[Offer], after: OfferState) -> list[Offer]:
    """Ends many locked offers at once, in a fixed number of statements."""
    left = list(offers)
    placed = [offer for offer in left if offer.state in rules.PLACED]  # others may have a duty given back
    for offer in left:
        offer.state = _step(offer, after)
        offer.position = None
    tx.flush()
    bring_duties(tx, placed)
    slots = sorted({(offer.slot_id, offer.callout_id) for offer in left})
    taken = (
        select(func.count())
        .where(
            col(Offer.slot_id) == col(SlotFill.slot_id),
            col(Offer.callout_id) == col(SlotFill.callout_id),
            col(Offer.state).in_(rules.PLACED),
        )
        .scalar_subquery()
    )
    key = tuple_(col(SlotFill.slot_id), col(SlotFill.callout_id))
    tx.execute(update(SlotFill).where(key.in_(slots)).values(filled=taken))
    return left


_DRILLS: Final = text("""
SELECT drill.id
FROM offers mine JOIN callouts real ON real.id = mine.callout_id AND real.kind = 'real'
JOIN offers drill ON drill.volunteer_id = mine.volunteer_id AND drill.during && mine.during
JOIN callouts practice ON practice.id = drill.callout_id AND practice.kind = 'drill'
WHERE mine.id = ANY(CAST(:ids AS bigint[])) AND drill.state = 'accepted'
UNION SELECT instead_of FROM offers WHERE id = ANY(CAST(:ids AS bigint[])) AND instead_of IS NOT NULL
""")


def touched(tx: Tx, ids: set[int], yes: Collection[int]) -> list[int]:
    """These offers, and what makes way when one is accepted: drills for a real callout's, the place that a
    person moves from. They are locked before the person, or two answers of one person could wait for each
    other."""
    drills = tx.execute(_DRILLS, {"ids": list(yes)}).scalars() if yes else ()
    return sorted(ids.union(drills))


def anybody(_tx: Tx, _offer: Offer) -> None:
    """Nobody is judged again."""


def promote(tx: Tx, callout_id: int, slot_id: int, fit: Fit = anybody) -> list[Offer]:
    """Moves up the stand-by line while places are free. Passed over, and left in the line with the reason,
    is whoever is promised elsewhere by now, may serve no longer (``fit``), or would come too late to be of
    use."""
    free = (
        select(Callout.state, SlotFill.useful_minutes)
        .join(SlotFill, col(SlotFill.callout_id) == col(Callout.id))
        .where(col(Callout.id) == callout_id, col(SlotFill.slot_id) == slot_id)
        .where(col(SlotFill.filled) < col(SlotFill.maximum))
    )
    state, useful = tx.exec(free).first() or (None, 0)
    if state not in rules.LIVE:
        return []
    line = (
        select(Offer.id, Offer.volunteer_id)
        .where(
            col(Offer.callout_id) == callout_id,
            col(Offer.slot_id) == slot_id,
            col(Offer.state) == OfferState.STANDING_BY,
        )
        .order_by(col(Offer.position))
    )
    moved: list[Offer] = []
    for offer_id, volunteer_id in tx.exec(line).all():
        offer = _locked_if_free(tx, offer_id, volunteer_id)
        if offer is None:
            continue
        offer.passed_over = _too_late(tx, offer, useful) or fit(tx, offer)
        if offer.passed_over is not None:
            continue
        try:
            if not hold(tx, offer):
                break
        except Refused:
            offer.passed_over = PassedOver.ELSEWHERE
            continue
        moved.append(offer)
    tx.flush()
    return moved


def _too_late(tx: Tx, offer: Offer, useful: int) -> PassedOver | None:
    there = tx.now + timedelta(minutes=offer.minutes_there or 0)
    in_time = standby_rules.of_use(there, offer.starts_at, offer.ends_at, useful)
    return None if in_time else PassedOver.TOO_LATE


def bring_duties(tx: Tx, offers: Sequence[Offer]) -> None:
    """Brings the duties of these offers to the state that their offer asks for."""
    states = {offer.id: offer.state for offer in offers}
    for duty in tx.exec(select(Duty).where(col(Duty.offer_id).in_(states))):
        bring(duty, states[duty.offer_id])
    tx.flush()


def bring(duty: Duty, after: OfferState) -> None:
    """The same for one duty, whose offer is in that state now."""
    wanted = _DUTY_AFTER.get(after, DutyState.CANCELLED)
    duty.state = rules.step("duty", rules.DUTY_ALLOWED, duty.state, wanted)


def _take(tx: Tx, offer: Offer) -> bool:
    free = col(SlotFill.filled) < col(SlotFill.maximum)
    taken = update(SlotFill).where(*_fill_of(offer), free).values(filled=col(SlotFill.filled) + 1)
    return tx.execute(taken.returning(col(SlotFill.filled))).first() is not None


def _fill_of(offer: Offer) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return col(SlotFill.slot_id) == offer.slot_id, col(SlotFill.callout_id) == offer.callout_id


_LOCK_PEOPLE: Final = text("""
SELECT pg_advisory_xact_lock(hashtextextended('promise ' || person, 0))
FROM unnest(CAST(:people AS bigint[])) AS person
""")
_TRY_PERSON: Final = text("SELECT pg_try_advisory_xact_lock(hashtextextended('promise ' || :person, 0))")


def lock_people(tx: Tx, people: Sequence[int]) -> None:
    """One promise at a time: two that meet in the exclusion constraint would wait for each other.

    Takes the people in the order given, which is by id.
    """
    tx.execute(_LOCK_PEOPLE, {"people": list(people)})


def _locked_if_free(tx: Tx, offer_id: int, volunteer_id: int) -> Offer | None:
    wanted = (
        select(Offer)
        .where(col(Offer.id) == offer_id, col(Offer.state) == OfferState.STANDING_BY)
        .with_for_update(skip_locked=True, key_share=True)
        .execution_options(populate_existing=True)
    )
    if not tx.execute(_TRY_PERSON, {"person": str(volunteer_id)}).scalar():
        return None
    return tx.exec(wanted).first()


def _step(offer: Offer, after: OfferState) -> OfferState:
    return rules.step("offer", rules.OFFER_ALLOWED, offer.state, after)
