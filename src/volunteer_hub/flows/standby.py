"""Why somebody who stands by may not take the place that has become free: asked again when it does."""

from zoneinfo import ZoneInfo

from volunteer_hub.boards import slots
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.site import Site
from volunteer_hub.mobilization.models import Offer
from volunteer_hub.mobilization.standby_rules import PassedOver
from volunteer_hub.volunteers import skills
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.rules import may_be_called


def why_not(tx: Tx, offer: Offer) -> PassedOver | None:
    """Why the person may not take the place now; None where they may. They must be one to be called today and
    count for the skill of the slot on the day it ends: both may have ended since they said yes."""
    person = tx.get_one(Volunteer, offer.volunteer_id)
    today = tx.now.astimezone(policy.load("hub", Site).timezone).date()
    if not may_be_called(person.status, person.paused_until, today):
        return PassedOver.NOT_CALLABLE
    facts = slots.of(tx, [offer.slot_id])[offer.slot_id]
    if facts.slot.skill is None or facts.slot.skill not in skills.taxonomy().skills:
        return None
    day = offer.ends_at.astimezone(ZoneInfo(facts.zone)).date()
    level = skills.level_on(tx, person.id, facts.slot.skill, day)
    return PassedOver.SKILL if level < facts.slot.level else None
