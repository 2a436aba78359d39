"""A helper rings up somebody whom nothing reached, and writes down what came of it."""

from datetime import datetime
from uuid import UUID

from volunteer_hub.core.db import Tx
from volunteer_hub.flows import respond
from volunteer_hub.mobilization import hand_calls, offers
from volunteer_hub.mobilization.desk import Reply
from volunteer_hub.mobilization.hand_call_models import HandCall
from volunteer_hub.mobilization.rules import Answer, Rung
from volunteer_hub.volunteers import addresses, registry


def claim(tx: Tx, offer_id: UUID) -> HandCall:
    """Keeps other helpers from ringing the same person. Raises NotFound, and as `hand_calls.claim`."""
    return hand_calls.claim(tx, offers.find(tx, "duty.write", offer_id))


def answered(
    tx: Tx,
    offer_id: UUID,
    answer: Answer,
    minutes_there: int | None = None,
    from_when: datetime | None = None,
) -> HandCall:
    """They answered on the telephone: recorded on their behalf. Raises as `claim` and an answer do."""
    offer = offers.find(tx, "duty.write", offer_id)
    call = hand_calls.claim(tx, offer)
    minutes = minutes_there if answer is Answer.ACCEPT else None
    respond.on_behalf(tx, offer, Reply(answer, minutes, from_when=from_when))
    return hand_calls.ended(tx, call, Rung.ANSWERED)


def not_answered(tx: Tx, offer_id: UUID, outcome: Rung) -> HandCall:
    """They did not answer, or it was not them: a wrong number is never tried by the program again, and
    whoever does not want to be called any more is asked nothing further here.

    Raises as `claim`.
    """
    offer = offers.find(tx, "duty.write", offer_id)
    call = hand_calls.claim(tx, offer)
    if outcome is Rung.WRONG_NUMBER:
        addresses.disown(tx, registry.one(tx, offer.volunteer_id, lock=True))
    if outcome is Rung.INACTIVE:
        respond.on_behalf(tx, offer, Reply(Answer.DECLINE))
    return hand_calls.ended(tx, call, outcome)
