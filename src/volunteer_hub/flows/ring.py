"""A call: what is said to the person who picks up, and what the key they press means.

A key is an answer exactly as one by link is: the same words of `flows/respond`, under the same rules.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlmodel import col, select

from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError, NotFound
from volunteer_hub.core.i18n import t
from volunteer_hub.flows import deliver, receipts, respond
from volunteer_hub.mobilization import offers
from volunteer_hub.mobilization.models import Offer
from volunteer_hub.mobilization.rules import OfferState
from volunteer_hub.notify import texts
from volunteer_hub.notify.models import Message
from volunteer_hub.notify.rules import Channel, Subject

_YES: Final = "1"
_NO: Final = "2"
_ANSWERED: Final = frozenset(
    {OfferState.ACCEPTED, OfferState.STANDING_BY, OfferState.DECLINED, OfferState.WITHDRAWN}
)
_PERSON: Final = ("human", "unknown", "")


@dataclass(frozen=True)
class Spoken:
    """What is said, in which language; with ``keys`` a key is waited for, else the call ends."""

    lang: str
    words: str = ""
    keys: str = ""


def begin(tx: Tx, public_id: UUID, answered_by: str) -> Spoken:
    """Somebody, or something, picked up: the message and which keys to press. A machine hears nothing.

    Raises NotFound for a message not known (any more), or not one that is told by voice.
    """
    message = _message(tx, public_id)
    if answered_by.lower() not in _PERSON:
        return Spoken(message.lang)
    return _script(tx, message)


def press(tx: Tx, public_id: UUID, key: str) -> Spoken:
    """A key was pressed: recorded and thanked for; 9 and any wrong one says everything again.

    Raises NotFound as `begin`, and what the answer is refused by.
    """
    message = _message(tx, public_id)
    receipts.key_pressed(tx, public_id)
    script = _script(tx, message)
    if not script.keys or key not in (_YES, _NO):
        return script
    token = offers.link_token(_offer(tx, message).public_id)
    if message.purpose == "changed" and key == _YES:
        respond.ack(tx, token)
        return Spoken(message.lang, t(message.lang, "call.acknowledged"))
    answered = respond.accept(tx, token) if key == _YES else respond.decline(tx, token)
    return Spoken(message.lang, t(message.lang, f"call.{answered.offer.state}"))


def refused(tx: Tx, public_id: UUID, error: HubError) -> Spoken:
    """Why an answer does not count, said to whoever gave it."""
    lang = _message(tx, public_id).lang
    return Spoken(lang, t(lang, f"error.{error.code}", **error.params))


def _script(tx: Tx, message: Message) -> Spoken:
    known = deliver.Known(tx, [message])
    if known.settled(message):
        return Spoken(message.lang, t(message.lang, f"call.{_stands(_offer(tx, message), message.purpose)}"))
    words = texts.render(
        message.purpose, Channel.VOICE, message.lang, message.kind, message.params, known.personal(message)
    ).body
    if message.purpose == "cancelled":
        return Spoken(message.lang, words)
    return Spoken(message.lang, words, t(message.lang, f"call.keys.{message.purpose}"))


def _stands(offer: Offer, purpose: str) -> str:
    """How a question stands that needs no answer any more."""
    if purpose == "changed" and offer.ack_version == offer.version:
        return "acknowledged"
    return offer.state if offer.state in _ANSWERED else "settled"


def _message(tx: Tx, public_id: UUID) -> Message:
    wanted = select(Message).where(
        col(Message.public_id) == public_id,
        col(Message.channel) == Channel.VOICE,
        col(Message.subject_kind) == Subject.OFFER,
    )
    message = tx.exec(wanted).first()
    if message is None:
        raise NotFound("not_found")
    return message


def _offer(tx: Tx, message: Message) -> Offer:
    return tx.get_one(Offer, message.subject_id)
