"""Who said "later", and whose hour has come: asked first where a role is still short of people."""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlmodel import col, select

from volunteer_hub.boards import slots
from volunteer_hub.boards.slots import SlotFacts
from volunteer_hub.core.db import Tx
from volunteer_hub.incidents.models import RoleSlot
from volunteer_hub.mobilization.callouts import Ask
from volunteer_hub.mobilization.models import Callout, Offer
from volunteer_hub.mobilization.rules import DeclineReason, OfferState
from volunteer_hub.mobilization.standby_rules import of_use

_SAID_LATER: Final = (OfferState.DECLINED, OfferState.WITHDRAWN)
_NEED: Final = ("skill", "level", "adult_only", "insured_only")
_TAKEN: Final = (
    OfferState.QUEUED,
    OfferState.ASKED,
    OfferState.STANDING_BY,
    OfferState.ACCEPTED,
    OfferState.ON_SITE,
)


def due(tx: Tx, incident_id: int, wanted: Mapping[int, SlotFacts]) -> dict[int, list[Ask]]:
    """Slot -> people who said "later" to it and whose hour has come, or to an earlier period's slot of the
    same need in the incident and whose hour comes before this work begins; enough of the work must be left.
    The earliest hour first. Without whoever is asked or has a place in the incident already.
    """
    said = _said(tx, incident_id)
    if not said:
        return {}
    told = slots.of(tx, {offer.slot_id for offer in said})
    found: dict[int, list[Ask]] = {}
    for key, facts in wanted.items():
        mine = {
            offer.volunteer_id: Ask(key, offer.volunteer_id)
            for offer in said
            if _in_time(tx, offer, told[offer.slot_id], facts)
        }
        if mine:
            found[key] = list(mine.values())
    return found


def _said(tx: Tx, incident_id: int) -> Sequence[Offer]:
    own = select(Callout.id).where(col(Callout.incident_id) == incident_id)
    taken = select(Offer.volunteer_id).where(col(Offer.callout_id).in_(own), col(Offer.state).in_(_TAKEN))
    later = select(Offer).where(
        col(Offer.callout_id).in_(own),
        col(Offer.state).in_(_SAID_LATER),
        col(Offer.decline_reason) == DeclineReason.LATER,
        col(Offer.later_from).is_not(None),
        col(Offer.volunteer_id).not_in(taken),
    )
    return tx.exec(later.order_by(col(Offer.later_from), col(Offer.id))).all()


def _in_time(tx: Tx, offer: Offer, before: SlotFacts, facts: SlotFacts) -> bool:
    assert offer.later_from is not None
    task = facts.task
    if offer.slot_id == facts.slot.id:
        come = offer.later_from <= tx.now
    else:
        follows = before.task.starts_at < task.starts_at and _same_need(before.slot, facts.slot)
        come = follows and offer.later_from <= max(tx.now, task.starts_at)
    return come and of_use(max(offer.later_from, tx.now), task.starts_at, task.ends_at, facts.useful_minutes)


def _same_need(one: RoleSlot, other: RoleSlot) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in _NEED)
