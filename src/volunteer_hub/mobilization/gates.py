"""Gates opened and closed; who waits at them, and the question put to whoever is let in."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import Range
from sqlmodel import col, select

from volunteer_hub.core.columns import uuid7
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound
from volunteer_hub.core.signing import derived_token, token_hash
from volunteer_hub.mobilization import gate_rules, offers, places, rules
from volunteer_hub.mobilization.gate_models import Gate, GateEntry
from volunteer_hub.mobilization.gate_rules import EntryState
from volunteer_hub.mobilization.models import Callout, Offer, SlotFill
from volunteer_hub.mobilization.rules import OfferState


def token(gate_public_id: uuid.UUID) -> str:
    """The token in a gate's link, derived so that the sheet can be printed again."""
    return derived_token("gate", gate_public_id)


def open_gate(tx: Tx, *, incident_id: int, task_id: int, area: str, minutes: int, ends_at: datetime) -> Gate:
    """Opens the gate of a task; one that is open already is kept. Raises Refused when the work is over."""
    tx.actor.must_cover("duty.write", area)
    expires_at = gate_rules.open_until(tx.now, tx.now + timedelta(minutes=minutes), ends_at)
    wanted = select(Gate).where(col(Gate.task_id) == task_id, col(Gate.closed_at).is_(None))
    gate = tx.exec(wanted.with_for_update()).first()
    if gate is not None and gate.expires_at > tx.now:
        return gate
    if gate is not None:
        gate.closed_at = gate.expires_at
        tx.flush()
    public_id = uuid7()
    gate = Gate(
        public_id=public_id,
        incident_id=incident_id,
        task_id=task_id,
        area=area,
        token_hash=token_hash(token(public_id)),
        opened_by=tx.actor.id if tx.actor.kind == "account" else None,
        opened_at=tx.now,
        expires_at=expires_at,
    )
    tx.add(gate)
    tx.flush()
    return gate


def close(tx: Tx, gate: Gate) -> Gate:
    """Nobody new is taken in by this link; whoever waits is still decided about."""
    tx.actor.must_cover("duty.write", gate.area)
    if gate.closed_at is None:
        gate.closed_at = tx.now
        gate.closed_by = tx.actor.id if tx.actor.kind == "account" else None
        tx.flush()
    return gate


def find(tx: Tx, permission: str, public_id: uuid.UUID) -> Gate:
    """The gate by the id seen outside. Raises NotFound, for a foreign area too."""
    tx.actor.must(permission)
    wanted = select(Gate).where(col(Gate.public_id) == public_id, tx.actor.scope(permission, Gate.area))
    gate = tx.exec(wanted).first()
    if gate is None:
        raise NotFound("not_found")
    return gate


def by_token(tx: Tx, given: str, *, lock: bool = False) -> Gate:
    """The open gate behind a link. Raises NotFound for one never given out, Gone for one that is closed."""
    wanted = select(Gate).where(col(Gate.token_hash) == token_hash(given))
    gate = tx.exec(wanted.with_for_update(key_share=True) if lock else wanted).first()
    if gate is None:
        raise NotFound("gate.unknown")
    gate_rules.must_be_open(gate.closed_at, gate.expires_at, tx.now)
    return gate


def enter(tx: Tx, gate: Gate, entry: GateEntry) -> GateEntry:
    """Puts somebody in the line of a locked gate; who waits there already is left as they first came."""
    same = select(GateEntry).where(
        col(GateEntry.gate_id) == gate.id,
        col(GateEntry.volunteer_id) == entry.volunteer_id,
        col(GateEntry.state) == EntryState.WAITING,
    )
    before = tx.exec(same).first()
    if before is not None:
        return before
    tx.add(entry)
    tx.flush()
    return entry


def find_entry(tx: Tx, permission: str, public_id: uuid.UUID) -> GateEntry:
    """Somebody at a gate, locked, by the id seen outside. Raises NotFound, for a foreign area too."""
    tx.actor.must(permission)
    scope = tx.actor.scope(permission, GateEntry.area)
    wanted = select(GateEntry).where(col(GateEntry.public_id) == public_id, scope)
    entry = tx.exec(wanted.with_for_update(key_share=True)).first()
    if entry is None:
        raise NotFound("not_found")
    return entry


def decide(tx: Tx, entry: GateEntry, state: EntryState) -> None:
    """Writes down what a leader decided, and that it was them. Raises Refused for who was decided about."""
    gate_rules.must_wait(entry.state)
    entry.state, entry.decided_at = state, tx.now
    entry.decided_by = tx.actor.id if tx.actor.kind == "account" else None


def of_incident(tx: Tx, incident_id: int) -> Sequence[Gate]:
    """The gates of an incident, the newest first."""
    wanted = select(Gate).where(col(Gate.incident_id) == incident_id, tx.actor.scope("duty.write", Gate.area))
    return tx.exec(wanted.order_by(col(Gate.id).desc())).all()


def entries(tx: Tx, gate_ids: Collection[int]) -> Sequence[GateEntry]:
    """Everybody at these gates, whoever came first on top."""
    wanted = select(GateEntry).where(col(GateEntry.gate_id).in_(gate_ids))
    return tx.exec(wanted.order_by(col(GateEntry.id))).all()


def callouts_of(tx: Tx, slot_ids: Collection[int]) -> dict[int, tuple[Callout, SlotFill]]:
    """Slot id -> the newest callout that takes people for it, and its places there."""
    wanted = (
        select(Callout, SlotFill)
        .join(SlotFill, col(SlotFill.callout_id) == col(Callout.id))
        .where(col(SlotFill.slot_id).in_(slot_ids), col(Callout.state).in_(rules.LIVE))
        .order_by(col(Callout.id))
    )
    return {fill.slot_id: (callout, fill) for callout, fill in tx.exec(wanted)}


def has_place(tx: Tx, slot_id: int, volunteer_id: int) -> bool:
    """Whether somebody at the gate was asked before, and has said yes to this very role."""
    own = (col(Offer.slot_id) == slot_id) & (col(Offer.volunteer_id) == volunteer_id)
    wanted = select(Offer.id).where(own, col(Offer.state) == OfferState.ACCEPTED)
    return tx.exec(wanted).first() is not None


def question(
    tx: Tx, callout: Callout, slot_id: int, volunteer_id: int, area: str, during: Range[datetime]
) -> Offer:
    """The offer by which somebody at the gate gets a place: the one they were asked by, or a new one, of whom
    nobody asked anything. To be answered in this same transaction."""
    wanted = select(Offer.id).where(
        col(Offer.callout_id) == callout.id,
        col(Offer.slot_id) == slot_id,
        col(Offer.volunteer_id) == volunteer_id,
    )
    known = tx.exec(wanted).first()
    if known is None:
        public_id = uuid7()
        offer = Offer(
            public_id=public_id,
            callout_id=callout.id,
            slot_id=slot_id,
            volunteer_id=volunteer_id,
            area=area,
            state=OfferState.ASKED,
            token_hash=token_hash(offers.link_token(public_id)),
            wave=callout.wave,
            during=during,
        )
        tx.add(offer)
        tx.flush()
        return offer
    offer = places.locked(tx, known)
    if offer.state in (OfferState.QUEUED, OfferState.EXPIRED):
        offer.state = rules.step("offer", rules.OFFER_ALLOWED, offer.state, OfferState.ASKED)
    if offer.state in (OfferState.ASKED, OfferState.DECLINED, OfferState.WITHDRAWN):
        offer.expires_at = None  # they stand here: no time to answer is over
    tx.flush()
    return offer


def forget(tx: Tx, volunteer_id: int) -> None:
    """Takes away what somebody typed who is forgotten; that somebody came stays."""
    theirs = col(GateEntry.volunteer_id) == volunteer_id
    tx.execute(update(GateEntry).where(theirs).values(name=None, skills=[], reason=None))
    waiting = theirs & (col(GateEntry.state) == EntryState.WAITING)
    tx.execute(update(GateEntry).where(waiting).values(state=EntryState.REFUSED, decided_at=tx.now))
