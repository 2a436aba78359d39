"""A helper rings up somebody whom nothing reached, and writes down what came of it.

A household shares a telephone: while one helper rings it, for whomever of them, no other does.
"""

from uuid import UUID

from volunteer_hub.boards import hand_calls as board
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Refused
from volunteer_hub.flows import respond
from volunteer_hub.mobilization import hand_calls, offers
from volunteer_hub.mobilization.desk import Reply
from volunteer_hub.mobilization.hand_call_models import HandCall
from volunteer_hub.mobilization.models import Offer
from volunteer_hub.mobilization.rules import Answer, Rung
from volunteer_hub.volunteers import addresses, registry


def claim(tx: Tx, offer_id: UUID) -> HandCall:
    """Keeps other helpers from ringing the same person, or the same telephone for another.

    Raises NotFound, Refused while somebody else rings either, and as `hand_calls.claim`.
    """
    return _claim(tx, offers.find(tx, "duty.write", offer_id))


def answered(tx: Tx, offer_id: UUID, reply: Reply) -> HandCall:
    """They answered on the telephone: recorded on their behalf. Raises as `claim` and an answer do."""
    offer = offers.find(tx, "duty.write", offer_id)
    call = _claim(tx, offer)
    respond.on_behalf(tx, offer, reply)
    return hand_calls.ended(tx, call, Rung.ANSWERED)


def not_answered(tx: Tx, offer_id: UUID, outcome: Rung) -> HandCall:
    """They did not answer, or it was not them: a wrong number is never tried by the program again, and
    whoever does not want to be called any more is asked nothing further here.

    Raises as `claim`.
    """
    offer = offers.find(tx, "duty.write", offer_id)
    call = _claim(tx, offer)
    if outcome is Rung.WRONG_NUMBER:
        addresses.disown(tx, registry.one(tx, offer.volunteer_id, lock=True))
    if outcome is Rung.INACTIVE:
        respond.on_behalf(tx, offer, Reply(Answer.DECLINE))
    return hand_calls.ended(tx, call, outcome)


def _claim(tx: Tx, offer: Offer) -> HandCall:
    addresses.hold_numbers(tx, offer.volunteer_id)
    shared = addresses.sharing(tx, [offer.volunteer_id])[offer.volunteer_id]
    if any(one.offer_id != offer.id for one in board.ringing(tx, shared)):
        raise Refused("hand_call.number_claimed")
    return hand_calls.claim(tx, offer)
