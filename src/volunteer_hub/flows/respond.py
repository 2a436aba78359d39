"""A person answers by the link they were sent: recorded at once, told back, and handed on to whoever is next.

It records, it never plans. Any answer ends every message still waiting about that question.
"""

from datetime import datetime
from typing import Final

from volunteer_hub.boards import slots
from volunteer_hub.core import policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.flows import letters
from volunteer_hub.incidents import logbook
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.rules import LogKind
from volunteer_hub.mobilization import offers
from volunteer_hub.mobilization.models import Callout, Offer
from volunteer_hub.mobilization.offers import Answered
from volunteer_hub.mobilization.policy import CalloutRules, Callouts
from volunteer_hub.mobilization.rules import DeclineReason, Outcome
from volunteer_hub.notify import outbox
from volunteer_hub.notify.rules import Subject

_TOLD: Final = frozenset({Outcome.ACCEPTED, Outcome.STANDING_BY})


def by_link(tx: Tx, token: str) -> Offer:
    """The offer behind a link; from here on the transaction acts as the person it was sent to.

    Raises NotFound in words for a token that was never given out.
    """
    offer = offers.by_token(tx, token)
    tx.actor = Actor("volunteer", offer.volunteer_id)
    return offer


def accept(tx: Tx, token: str, minutes_there: int | None = None) -> Answered:
    """A yes: a place, or the next number of the stand-by line. Raises as `offers.accept`."""
    return _record(tx, offers.accept(tx, by_link(tx, token), minutes_there))


def decline(tx: Tx, token: str, reason: DeclineReason = DeclineReason.OTHER) -> Answered:
    """A no, which costs nothing."""
    return _record(tx, offers.decline(tx, by_link(tx, token), _rules(), reason))


def later(tx: Tx, token: str, from_when: datetime) -> Answered:
    """Not now, but from then on."""
    return _record(tx, offers.later(tx, by_link(tx, token), _rules(), from_when))


def withdraw(tx: Tx, token: str, reason: DeclineReason = DeclineReason.OTHER) -> Answered:
    """A yes taken back: who stands by moves up, and so close to the start those in command hear of it."""
    return _record(tx, offers.withdraw(tx, by_link(tx, token), _rules(), reason))


def not_me(tx: Tx, token: str) -> Answered:
    """The message reached somebody else: the link is dead from now on."""
    return _record(tx, offers.not_me(tx, by_link(tx, token), _rules()))


def ack(tx: Tx, token: str) -> Offer:
    """The change of place or time last told is understood."""
    offer = by_link(tx, token)
    offers.ack(tx, offer)
    outbox.cancel(tx, Subject.OFFER, [offer.id], purposes=("changed",))
    return offer


def seen(tx: Tx, token: str) -> Offer:
    """The person has read it and not answered yet."""
    offer = by_link(tx, token)
    offers.seen(tx, offer)
    outbox.arrived(tx, Subject.OFFER, offer.id)
    return offer


def _rules() -> CalloutRules:
    policies: Callouts = policy.load("callouts", Callouts)
    return policies.callout


def _record(tx: Tx, answered: Answered) -> Answered:
    if answered.outcome is Outcome.STANDS:
        return answered
    offer = answered.offer
    offer.seen_at = offer.seen_at or tx.now
    outbox.cancel(tx, Subject.OFFER, [offer.id])
    if answered.outcome in _TOLD:
        letters.tell(tx, answered.outcome.value, [offer])
    letters.tell(tx, "promoted", answered.promoted)
    letters.tell(tx, "released", answered.drills)
    if answered.late:
        _alert(tx, answered)
    tx.flush()
    return answered


def _alert(tx: Tx, answered: Answered) -> None:
    offer = answered.offer
    facts = slots.of(tx, [offer.slot_id])[offer.slot_id]
    incident = tx.get_one(Incident, tx.get_one(Callout, offer.callout_id).incident_id)
    moved = len(answered.promoted)
    params = {
        "title": incident.title,
        "task": facts.title,
        "role": facts.role,
        "starts_at": facts.task.starts_at.isoformat(),
        "zone": facts.zone,
        "moved": moved,
    }
    key = f"offer:{offer.id}:late:{tx.now.timestamp():.6f}"
    letters.alert(tx, "alert_late_withdrawal", incident, key, params)
    logbook.record(tx, incident, LogKind.CALLOUT, "late_withdrawal", title=facts.task.title, moved=moved)
