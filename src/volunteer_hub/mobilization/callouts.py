"""A callout: opened from an approved plan, looked at again in waves, closed or cancelled."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import insert
from sqlalchemy.dialects.postgresql import Range
from sqlmodel import col, select

from volunteer_hub.core import bulk, claims
from volunteer_hub.core.columns import uuid7
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Malformed, NotFound, Refused
from volunteer_hub.core.i18n import Text
from volunteer_hub.core.signing import token_hash
from volunteer_hub.mobilization import offers, places, rules
from volunteer_hub.mobilization.models import AnswerEvent, Callout, Offer, PlanRun, SlotFill
from volunteer_hub.mobilization.rules import CalloutState, Kind, OfferState, PlanState
from volunteer_hub.mobilization.wave_models import Widening

_SLOW: Final = timedelta(seconds=5)


@dataclass(frozen=True)
class Slot:
    """What a callout needs to know of a role slot: the area of its task, its time, its places, and how long
    somebody must be there to be of use."""

    slot_id: int
    area: str
    starts_at: datetime
    ends_at: datetime
    minimum: int
    target: int
    maximum: int
    useful_minutes: int = 0


@dataclass(frozen=True)
class Ask:
    """One person to be asked for one slot: at once up to the callout's present wave, else in turn.

    ``chance``: of a yes, as believed. ``cost``: what the planner says their coming costs, in 0.1 minutes.
    ``instead_of``: the offer whose place they keep until they say yes to this one.
    """

    slot_id: int
    volunteer_id: int
    wave: int = 1
    chance: float | None = None
    cost: int = 0
    instead_of: int | None = None


class New(NamedTuple):
    """An offer just made, as its row is: a city's would take long to be read back as objects."""

    id: int
    callout_id: int
    slot_id: int
    volunteer_id: int
    area: str
    state: OfferState
    wave: int
    ends_at: datetime
    chance: float | None
    version: int


@dataclass(frozen=True)
class Ended:
    """A callout's end: ``told`` are the offers whose people get a message, ``stood_by`` of those who had."""

    callout: Callout
    told: tuple[Offer, ...]
    stood_by: tuple[Offer, ...]


def open(
    tx: Tx,
    plan: PlanRun,
    *,
    kind: Kind,
    slots: Sequence[Slot],
    asks: Sequence[Ask],
    answer_by: datetime,
    expires_at: datetime,
    next_look_at: datetime | None = None,
    confidence: float = 0.95,
    on_paper: bool = False,
) -> tuple[Callout, list[New]]:
    """Opens the callout of an approved plan and asks its first wave: (callout, the offers of every wave).

    ``answer_by`` is when an answer is hoped for, ``expires_at`` when the links stop taking one,
    ``confidence`` how sure each minimum shall be; ``on_paper`` holds for drills alone.
    Raises Refused when the plan is not approved or was sent already and for a real callout on paper,
    Malformed for times out of order.
    """
    tx.actor.must_cover("callout.send", plan.area)
    if not tx.now < answer_by <= expires_at:
        raise Malformed("callout.times")
    if on_paper and kind is not Kind.DRILL:
        raise Refused("callout.paper_real")
    locked = select(PlanRun.state).where(col(PlanRun.id) == plan.id).with_for_update(key_share=True)
    if tx.exec(locked).one() is not PlanState.APPROVED:
        raise Refused("plan.not_approved")
    if tx.exec(select(Callout.id).where(col(Callout.plan_run_id) == plan.id)).first() is not None:
        raise Refused("plan.already_sent")
    callout = Callout(
        plan_run_id=plan.id,
        incident_id=plan.incident_id,
        area=plan.area,
        kind=kind,
        answer_by=answer_by,
        expires_at=expires_at,
        created_at=tx.now,
        approved_by=plan.approved_by,
        second_by=plan.second_by,
        reason=plan.override_reason,
        next_look_at=next_look_at,
        confidence=confidence,
        on_paper=on_paper,
    )
    tx.add(callout)
    tx.flush()
    return callout, ask(tx, callout, slots, asks)


def ask(tx: Tx, callout: Callout, slots: Sequence[Slot], asks: Sequence[Ask]) -> list[New]:
    """Adds offers to a callout: its opening, and each top-up. Who was asked for that slot before is left out.

    Raises Refused when the callout has ended, Malformed for an unknown slot, one that is over, wrong numbers.
    """
    tx.actor.must_cover("callout.send", callout.area)
    callout = _locked(tx, callout.id)
    _must_be_live(callout)
    facts = {slot.slot_id: slot for slot in slots}
    _check(tx, facts, asks)
    _make_fills(tx, callout, slots)
    known = select(Offer.slot_id, Offer.volunteer_id).where(col(Offer.callout_id) == callout.id)
    before = set(tx.exec(known).all())
    made = {
        (one.slot_id, one.volunteer_id): _offer(tx, callout, facts[one.slot_id], one)
        for one in asks
        if (one.slot_id, one.volunteer_id) not in before
    }
    return list(_added(tx, list(made.values())))


def find(tx: Tx, permission: str, public_id: uuid.UUID) -> Callout:
    """The callout by the id seen outside. Raises NotFound, for a foreign area too."""
    tx.actor.must(permission)
    scope = tx.actor.scope(permission, Callout.area)
    callout = tx.exec(select(Callout).where(col(Callout.public_id) == public_id, scope)).first()
    if callout is None:
        raise NotFound("not_found")
    return callout


def of_incident(tx: Tx, incident_id: int) -> list[Callout]:
    """The incident's callouts, newest first."""
    scope = tx.actor.scope("callout.read", Callout.area)
    wanted = select(Callout).where(col(Callout.incident_id) == incident_id, scope)
    return list(tx.exec(wanted.order_by(col(Callout.id).desc())).all())


def due_for_look(tx: Tx, *, lease_seconds: int, limit: int) -> list[Callout]:
    """Takes live callouts whose next look is due, or about which there is news since the last: an answer, or
    further people found. `looked` gives them back.

    An answer does not touch its callout, or thousands of them would wait for one row. It counts as news a
    little longer than it is: one that was given before a look may be committed after it.
    """
    answered = (
        select(AnswerEvent.id)
        .join(Offer, col(Offer.id) == col(AnswerEvent.offer_id))
        .where(col(Offer.callout_id) == col(Callout.id), col(AnswerEvent.at) > col(Callout.looked_at) - _SLOW)
        .exists()
    )
    widened = (
        select(PlanRun.id)
        .join(Widening, col(Widening.plan_run_id) == col(PlanRun.id))
        .where(col(Widening.callout_id) == col(Callout.id), col(PlanRun.finished_at) > col(Callout.looked_at))
        .exists()
    )
    due = col(Callout.state).in_(rules.LIVE) & ((col(Callout.next_look_at) <= tx.now) | answered | widened)
    ids = claims.claim(
        tx,
        Callout,
        due,
        lease_seconds=lease_seconds,
        limit=limit,
        order_by=col(Callout.next_look_at),
    )
    wanted = select(Callout).where(col(Callout.id).in_(ids)).order_by(col(Callout.id))
    return list(tx.exec(wanted.execution_options(populate_existing=True)).all())


def looked(tx: Tx, callout: Callout, next_look_at: datetime | None) -> Callout:
    """Ends a look: the state follows the places (``met`` when every slot has its target), the lease goes."""
    callout = _locked(tx, callout.id)
    callout.lease_until, callout.next_look_at, callout.looked_at = None, next_look_at, tx.now
    if callout.state in rules.LIVE:
        short = select(SlotFill.slot_id).where(
            col(SlotFill.callout_id) == callout.id, col(SlotFill.filled) < col(SlotFill.target)
        )
        state = CalloutState.OPEN if tx.exec(short.limit(1)).first() else CalloutState.MET
        if state is not callout.state:
            callout.state = _step(callout, state)
    tx.flush()
    return callout


def close(tx: Tx, callout: Callout) -> Ended:
    """Enough, or the end: nobody can accept any more, who stands by is stood down. Duties go on."""
    tx.actor.must_cover("callout.send", callout.area)
    callout = _locked(tx, callout.id)
    callout.state, callout.ended_at = _step(callout, CalloutState.CLOSED), tx.now
    open_offers = places.locked_all(
        tx,
        (col(Offer.callout_id) == callout.id)
        & col(Offer.state).in_((OfferState.QUEUED, OfferState.ASKED, OfferState.STANDING_BY)),
    )
    stood_by = _standing_by(open_offers)
    places.leave_all(tx, open_offers, OfferState.RELEASED)
    return Ended(callout, stood_by, stood_by)


def cancel(tx: Tx, callout: Callout) -> Ended:
    """Called off: everybody asked is told, whatever they answered. Who is on site checks out as usual."""
    tx.actor.must_cover("callout.cancel", callout.area)
    callout = _locked(tx, callout.id)
    callout.state, callout.ended_at = _step(callout, CalloutState.CANCELLED), tx.now
    everybody = places.locked_all(tx, col(Offer.callout_id) == callout.id)
    told = tuple(
        offer
        for offer in everybody
        if offer.state is not OfferState.QUEUED and offer.decline_reason is not rules.DeclineReason.NOT_ME
    )
    ending = [o for o in everybody if OfferState.CANCELLED in rules.OFFER_ALLOWED[o.state]]
    stood_by = _standing_by(everybody)
    places.leave_all(tx, ending, OfferState.CANCELLED)
    return Ended(callout, told, stood_by)


def _standing_by(offers: Sequence[Offer]) -> tuple[Offer, ...]:
    return tuple(offer for offer in offers if offer.state is OfferState.STANDING_BY)


def _check(tx: Tx, facts: dict[int, Slot], asks: Sequence[Ask]) -> None:
    for slot in facts.values():
        if not slot.starts_at < slot.ends_at or slot.ends_at <= tx.now:
            raise Malformed("callout.slot_times", slot=slot.slot_id)
        if not 0 <= slot.minimum <= slot.target <= slot.maximum:
            raise Malformed("callout.slot_numbers", slot=slot.slot_id)
    for one in asks:
        if one.slot_id not in facts:
            raise Malformed("callout.slot_unknown", slot=one.slot_id)


def _make_fills(tx: Tx, callout: Callout, slots: Sequence[Slot]) -> None:
    known = set(tx.exec(select(SlotFill.slot_id).where(col(SlotFill.callout_id) == callout.id)).all())
    new = [
        {
            "slot_id": slot.slot_id,
            "callout_id": callout.id,
            "minimum": slot.minimum,
            "target": slot.target,
            "maximum": slot.maximum,
            "filled": 0,
            "line": 0,
            "useful_minutes": slot.useful_minutes,
        }
        for slot in slots
        if slot.slot_id not in known
    ]
    for some in bulk.batches(new):
        tx.execute(insert(SlotFill).from_select(list(some[0]), bulk.select_rows(SlotFill, some)))


def _offer(tx: Tx, callout: Callout, slot: Slot, one: Ask) -> dict[str, Any]:
    public_id, first = uuid7(), one.wave <= callout.wave
    return {
        "public_id": public_id,
        "callout_id": callout.id,
        "slot_id": slot.slot_id,
        "volunteer_id": one.volunteer_id,
        "area": slot.area,
        "state": OfferState.ASKED if first else OfferState.QUEUED,
        "token_hash": token_hash(offers.link_token(public_id)),
        "wave": one.wave,
        "chance": one.chance,
        "during": Range(slot.starts_at, slot.ends_at, bounds="[)"),
        "asked_at": tx.now if first else None,
        "expires_at": callout.expires_at if first else None,
        "version": 1,
        "instead_of": one.instead_of,
    }


def _added(tx: Tx, rows: list[dict[str, Any]]) -> Iterator[New]:
    """The rows written, by statements over many: one object after the other takes a minute for a city."""
    for some in bulk.batches(rows):
        new = insert(Offer).from_select(list(some[0]), bulk.select_rows(Offer, some))
        ids = tx.execute(new.returning(col(Offer.id), col(Offer.area))).scalars()
        for key, row in zip(sorted(ids), some, strict=True):  # drawn in the order of the rows
            own = {name: row[name] for name in New._fields if name in row}
            yield New(id=key, ends_at=row["during"].upper, **own)


def _must_be_live(callout: Callout) -> None:
    if callout.state not in rules.LIVE:
        raise Refused("callout.ended", state=Text(f"callout.state.{callout.state}"))


def _locked(tx: Tx, callout_id: int) -> Callout:
    wanted = select(Callout).where(col(Callout.id) == callout_id).with_for_update(key_share=True)
    return tx.exec(wanted.execution_options(populate_existing=True)).one()


def _step(callout: Callout, after: CalloutState) -> CalloutState:
    return rules.step("callout", rules.CALLOUT_ALLOWED, callout.state, after)
