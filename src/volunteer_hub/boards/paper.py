"""The people whom a callout has asked, by name: what a sheet of paper is keyed in against."""

from dataclasses import dataclass

from sqlmodel import col, select

from volunteer_hub.boards import slots
from volunteer_hub.boards.slots import SlotFacts
from volunteer_hub.core.db import Tx
from volunteer_hub.mobilization.models import Callout, Duty, Offer
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.rules import Status


@dataclass(frozen=True)
class SheetLine:
    """One person asked, and what is known of them so far."""

    offer: Offer
    facts: SlotFacts
    name: str
    phone: str
    duty: Duty | None


def of_callout(
    tx: Tx, callout: Callout, *, search: str = "", start: int = 0, limit: int = 50
) -> tuple[list[SheetLine], bool]:
    """Those of them whose name or telephone holds ``search``, by name; and whether there are more."""
    wanted = (
        select(Offer, Volunteer.name, Volunteer.phone, Duty)
        .join(Volunteer, col(Volunteer.id) == col(Offer.volunteer_id))
        .outerjoin(Duty, col(Duty.offer_id) == col(Offer.id))
        .where(
            col(Offer.callout_id) == callout.id,
            col(Offer.asked_at).is_not(None),
            col(Volunteer.status) != Status.FORGOTTEN,
            tx.actor.scope("duty.write", Offer.area),
        )
        .order_by(col(Volunteer.name), col(Offer.id))
        .offset(start)
        .limit(limit + 1)
    )
    if search:
        found = col(Volunteer.name).icontains(search, autoescape=True)
        wanted = wanted.where(found | col(Volunteer.phone).contains(search, autoescape=True))
    rows = tx.exec(wanted).all()
    facts = slots.of(tx, {offer.slot_id for offer, *_ in rows})
    lines = [
        SheetLine(offer, facts[offer.slot_id], name or "", phone or "", duty)
        for offer, name, phone, duty in rows[:limit]
    ]
    return lines, len(rows) > limit
