"""Somebody looks at doubtful hours: decided, paid and told in one transaction; the person may appeal.

Nobody decides on hours that are their own or that they entered or confirmed themselves.
"""

import uuid

from sqlmodel import col, select

from volunteer_hub.boards import evidence
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound, Refused
from volunteer_hub.core.i18n import LANGUAGES, t
from volunteer_hub.flows import letters, settle
from volunteer_hub.incentives import review
from volunteer_hub.incentives.models import ServiceHours
from volunteer_hub.incentives.review import Decision
from volunteer_hub.mobilization import places
from volunteer_hub.mobilization.models import Duty


def decide(
    tx: Tx, public_id: uuid.UUID, decision: Decision, reason: str = "", minutes: int | None = None
) -> ServiceHours:
    """Accepts, corrects or refuses hours that wait. Raises Refused for one's own and for those that one
    entered, else as `review.decide`."""
    known = review.find(tx, "points.write", public_id)
    duty = tx.get_one(Duty, known.duty_id)
    offer = places.locked(tx, duty.offer_id)  # offer before hours, as at a check-out
    hours = review.find(tx, "points.write", public_id, lock=True)
    tx.refresh(hours)
    _not_involved(tx, hours)
    review.decide(tx, hours, decision, reason, minutes)
    points = settle.looked_at(tx, duty, hours)
    facts = {"minutes": hours.minutes, "points": points}
    result = {lang: t(lang, f"hours.told.{decision}", **facts) for lang in LANGUAGES}
    letters.tell(tx, "hours_decided", [offer], result=result, why=hours.reason or "–")
    return hours


def appeal(tx: Tx, duty: Duty, words: str) -> ServiceHours:
    """The person says no to what was decided of their duty. Raises as `review.appeal`."""
    places.locked(tx, duty.offer_id)
    found = select(ServiceHours).where(col(ServiceHours.duty_id) == duty.id)
    hours = tx.exec(found.with_for_update()).first()
    if hours is None:
        raise NotFound("not_found")
    return review.appeal(tx, hours, words)


def _not_involved(tx: Tx, hours: ServiceHours) -> None:
    me = tx.actor.id
    if tx.actor.kind != "account" or me is None:
        return
    if evidence.is_own(tx, {me}, hours.volunteer_id):
        raise Refused("hours.own")
    if me in evidence.entered_by(tx, hours.duty_id):
        raise Refused("hours.entered")
