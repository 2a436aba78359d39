"""Helpers ring people up: one helper at a time, and how each call ended."""

from datetime import timedelta
from typing import Final

from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlmodel import col, select

from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Gone, Refused
from volunteer_hub.mobilization.hand_call_models import HandCall
from volunteer_hub.mobilization.models import Offer
from volunteer_hub.mobilization.rules import Rung

_LEASE: Final = timedelta(minutes=10)
_AGAIN: Final = timedelta(minutes=15)


def claim(tx: Tx, offer: Offer) -> HandCall:
    """Takes a person to ring up, for ten minutes; who has them already has them for longer.

    Raises Refused while somebody else is ringing them, Gone once the ringing has ended.
    """
    tx.actor.must_cover("duty.write", offer.area)
    mine = {"claimed_by": tx.actor.id, "lease_until": tx.now + _LEASE}
    new = pg_insert(HandCall).values(offer_id=offer.id, tries=0, **mine)
    free = col(HandCall.lease_until).is_(None) | (col(HandCall.lease_until) <= tx.now)
    on_going = col(HandCall.outcome).is_(None) | (col(HandCall.outcome) == Rung.NO_ANSWER)
    taken = new.on_conflict_do_update(
        index_elements=["offer_id"],
        set_=mine,
        where=on_going & (free | (col(HandCall.claimed_by) == tx.actor.id)),
    )
    row = tx.scalars(taken.returning(HandCall), execution_options={"populate_existing": True}).first()
    if row is not None:
        return row
    ended = tx.exec(select(HandCall.outcome).where(col(HandCall.offer_id) == offer.id)).one()
    if ended in (None, Rung.NO_ANSWER):
        raise Refused("hand_call.claimed")
    raise Gone("hand_call.ended")


def ended(tx: Tx, call: HandCall, outcome: Rung) -> HandCall:
    """Writes down how a claimed call ended; after no answer they are rung again."""
    call.outcome, call.called_by, call.called_at = outcome, tx.actor.id, tx.now
    call.tries, call.lease_until = call.tries + 1, None
    call.again_at = tx.now + _AGAIN if outcome is Rung.NO_ANSWER else None
    tx.flush()
    return call
