"""A person is erased: what says who they were goes everywhere at once, while ids and sums stay."""

import uuid
from typing import Final

from sqlmodel import col, update

from volunteer_hub.access import bodies, login
from volunteer_hub.core import idempotency, policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Refused
from volunteer_hub.feedback import actions, evaluations, surveys
from volunteer_hub.feedback.policy import Surveys
from volunteer_hub.flows import letters, train
from volunteer_hub.incentives import certificates, deductions, gifts, review
from volunteer_hub.mobilization import answers, gates, injuries, offers, places
from volunteer_hub.mobilization.models import Offer
from volunteer_hub.mobilization.policy import Callouts
from volunteer_hub.mobilization.rules import DeclineReason, OfferState
from volunteer_hub.notify import notes, replies
from volunteer_hub.notify.models import Message
from volunteer_hub.notify.rules import WAITING, State
from volunteer_hub.volunteers import addresses, forgetting, registry
from volunteer_hub.volunteers.models import Volunteer

_OPEN: Final = (OfferState.QUEUED, OfferState.ASKED, OfferState.ACCEPTED, OfferState.STANDING_BY)


def by_staff(tx: Tx, public_id: uuid.UUID) -> Volunteer:
    """Erases a person of the actor's areas. Raises NotFound, and as `erase`."""
    return erase(tx, registry.find(tx, "volunteer.erase", public_id, lock=True))


def own(tx: Tx, volunteer_id: int) -> Volunteer:
    """A person erases themselves. Raises as `erase`."""
    return erase(tx, registry.one(tx, volunteer_id, lock=True))


def erase(tx: Tx, row: Volunteer) -> Volunteer:
    """Ends their callouts, messages, questions and sessions, and takes away every word about them.

    Places they held go to whoever stands by. Raises Refused while they are on site: their leader checks
    them out first.
    """
    _leave_callouts(tx, row.id)
    train.forget(tx, row.id)
    surveys.forget(tx, row.id, policy.load("surveys", Surveys))
    actions.forget(tx, row.id)
    evaluations.forget(tx, row.id)
    bodies.forget(tx, row.id)
    injuries.forget(tx, row.id)
    gates.forget(tx, row.id)
    answers.forget(tx, row.id)
    certificates.forget(tx, row.id)
    notes.forget(tx, row.id)
    review.forget(tx, row.id)
    deductions.forget(tx, row.id)
    gifts.forget(tx, row.id)
    replies.forget(tx, row.id, addresses.number_hashes(tx, row.id))
    login.forget(tx, row.id)
    idempotency.forget(tx, f"volunteer:{row.id}", str(row.public_id))
    gone = forgetting.erase(tx, row)
    waiting = update(Message).where(col(Message.volunteer_id) == row.id, col(Message.state).in_(WAITING))
    tx.exec(waiting.values(state=State.CANCELLED, lease_until=None))
    return gone


def _leave_callouts(tx: Tx, volunteer_id: int) -> None:
    on_site = (col(Offer.volunteer_id) == volunteer_id) & (col(Offer.state) == OfferState.ON_SITE)
    if places.locked_all(tx, on_site):
        raise Refused("forget.on_site")
    rules = policy.load("callouts", Callouts).callout
    for offer in places.locked_all(
        tx, (col(Offer.volunteer_id) == volunteer_id) & col(Offer.state).in_(_OPEN)
    ):
        if offer.state in (OfferState.QUEUED, OfferState.ASKED):
            places.leave(tx, offer, OfferState.RELEASED)
        elif offer.ends_at > tx.now:
            answered = offers.withdraw(tx, offer, rules, DeclineReason.OTHER)
            letters.tell(tx, "promoted", answered.promoted)
