"""What people wrote and the program did not understand: somebody reads it and answers for them."""

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from volunteer_hub.boards import unclear as board
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound, Refused
from volunteer_hub.flows import respond
from volunteer_hub.mobilization.desk import Answered, Reply
from volunteer_hub.mobilization.rules import Answer
from volunteer_hub.notify import replies
from volunteer_hub.notify.models import InboundText
from volunteer_hub.notify.reply_rules import Handled
from volunteer_hub.volunteers import registry


class Choice(StrEnum):
    """What whoever reads a text makes of it."""

    YES = "yes"
    NO = "no"
    LATER = "later"


_ANSWERS: Final = {Choice.YES: Answer.ACCEPT, Choice.NO: Answer.DECLINE, Choice.LATER: Answer.LATER}


def claim(tx: Tx, public_id: UUID) -> InboundText:
    """Keeps others from working on a text for some minutes. Raises as `replies.claim`."""
    return replies.claim(tx, public_id)


def answer(
    tx: Tx,
    public_id: UUID,
    offer_id: UUID,
    choice: Choice,
    minutes_there: int | None = None,
    from_when: datetime | None = None,
) -> Answered:
    """Answers one of the questions that the text may be about, on behalf of whoever wrote it.

    Raises NotFound for a question that its number was not asked, and as `replies.claim` and an answer do.
    """
    text = replies.claim(tx, public_id)
    asked = next((q for q in board.questions_of(tx, text) if q.offer.public_id == offer_id), None)
    if asked is None:
        raise NotFound("not_found")
    minutes = minutes_there if choice is Choice.YES else None
    answered = respond.on_behalf(tx, asked.offer, Reply(_ANSWERS[choice], minutes, from_when=from_when))
    text.offer_id, text.volunteer_id = asked.offer.id, asked.offer.volunteer_id
    replies.settle(tx, text, Handled.ANSWERED)
    return answered


def attach(tx: Tx, public_id: UUID, volunteer_id: UUID) -> InboundText:
    """Says who wrote from a number that is nobody's: the text stands in their conversation, still waits, and
    answers what they were asked. Their addresses stay: a new number is theirs once they say so themselves.

    Raises NotFound for somebody outside the actor's areas, Refused for a text whose writer is known, and as
    `replies.claim`.
    """
    text = replies.claim(tx, public_id)
    if board.writers(tx, text):
        raise Refused("reply.known")
    text.volunteer_id = registry.find(tx, replies.RIGHT, volunteer_id).id
    tx.flush()
    return text


def ignore(tx: Tx, public_id: UUID) -> None:
    """Nothing is to be done about a text. Raises as `replies.claim`."""
    replies.settle(tx, replies.claim(tx, public_id), Handled.IGNORED)
