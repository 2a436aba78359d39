"""Hours that somebody looks at before they pay: listed, accepted, corrected, refused, appealed against."""

import uuid
from collections.abc import Sequence
from enum import StrEnum

from sqlmodel import col, select

from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Malformed, NotFound, Refused
from volunteer_hub.incentives import rules
from volunteer_hub.incentives.models import ServiceHours
from volunteer_hub.incentives.rules import Review

APPEALABLE = (Review.CORRECTED, Review.REFUSED)


class Decision(StrEnum):
    """What somebody makes of hours that wait."""

    ACCEPT = "accept"
    CORRECT = "correct"
    REFUSE = "refuse"


_STATES = {
    Decision.ACCEPT: Review.ACCEPTED,
    Decision.CORRECT: Review.CORRECTED,
    Decision.REFUSE: Review.REFUSED,
}


def waiting(tx: Tx, *, after: int | None = None, limit: int = 50) -> Sequence[ServiceHours]:
    """The hours of the actor's areas that wait, the oldest first."""
    tx.actor.must("points.read")
    wanted = select(ServiceHours).where(
        col(ServiceHours.state) == Review.WAITING, tx.actor.scope("points.read", ServiceHours.area)
    )
    if after is not None:
        wanted = wanted.where(col(ServiceHours.id) > after)
    return tx.exec(wanted.order_by(col(ServiceHours.id)).limit(limit)).all()


def find(tx: Tx, permission: str, public_id: uuid.UUID, *, lock: bool = False) -> ServiceHours:
    """Hours by the id seen outside. Raises NotFound, for a foreign area too."""
    tx.actor.must(permission)
    wanted = select(ServiceHours).where(
        col(ServiceHours.public_id) == public_id, tx.actor.scope(permission, ServiceHours.area)
    )
    found = tx.exec(wanted.with_for_update() if lock else wanted).first()
    if found is None:
        raise NotFound("not_found")
    return found


def of_duty(tx: Tx, duty_id: int) -> ServiceHours | None:
    """The hours of a duty, once it has ended."""
    return tx.exec(select(ServiceHours).where(col(ServiceHours.duty_id) == duty_id)).first()


def decide(
    tx: Tx, hours: ServiceHours, decision: Decision, reason: str = "", minutes: int | None = None
) -> ServiceHours:
    """Ends the waiting; the flow pays.

    Raises Refused when somebody has decided before, or who decides an appeal is who decided first; Malformed
    for a correction, a refusal or the end of an appeal without a reason, and for a wild number of minutes.
    """
    tx.actor.must_cover("points.write", hours.area)
    if hours.state is not Review.WAITING:
        raise Refused("hours.decided")
    if hours.decided_by is not None and hours.decided_by == tx.actor.id:
        raise Refused("hours.appeal_other")
    plain = decision is Decision.ACCEPT and hours.appealed_at is None and not reason
    hours.reason = None if plain else rules.reason_of(reason)
    if decision is Decision.CORRECT:
        if minutes is None or not 0 <= minutes <= rules.MOST_MINUTES:
            raise Malformed("hours.minutes", most=rules.MOST_MINUTES)
        hours.minutes = minutes
    if decision is Decision.ACCEPT:
        hours.minutes = hours.served_minutes
    if decision is Decision.REFUSE:
        hours.counts = False
    hours.state, hours.decided_at = _STATES[decision], tx.now
    hours.decided_by = tx.actor.id if tx.actor.kind == "account" else None
    tx.flush()
    return hours


def appeal(tx: Tx, hours: ServiceHours, words: str) -> ServiceHours:
    """The person says no to a decision, once; the hours wait again, for somebody else.

    Raises Refused where there is nothing to appeal against, Malformed without words.
    """
    if hours.state not in APPEALABLE or hours.appealed_at is not None:
        raise Refused("hours.no_appeal")
    hours.appeal, hours.appealed_at = rules.reason_of(words), tx.now
    hours.state = Review.WAITING
    tx.flush()
    return hours


def forget(tx: Tx, volunteer_id: int) -> None:
    """Blanks what a person has said against decisions; the hours stay as sums."""
    said = select(ServiceHours).where(
        col(ServiceHours.volunteer_id) == volunteer_id, col(ServiceHours.appeal).is_not(None)
    )
    for hours in tx.exec(said):
        hours.appeal = None
    tx.flush()
