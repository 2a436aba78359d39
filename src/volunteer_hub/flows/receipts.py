"""A gateway says what became of a message: written down, and the address is known the better for it."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from volunteer_hub.core.db import Tx
from volunteer_hub.flows import codes, elsewhere
from volunteer_hub.notify import outbox
from volunteer_hub.notify.models import Message
from volunteer_hub.notify.rules import Heard, State
from volunteer_hub.volunteers import addresses

_MEANS: Final = {
    "sent": Heard.PASSED_ON,
    "delivered": Heard.DELIVERED,
    "read": Heard.DELIVERED,
    "undelivered": Heard.FAILED,
    "failed": Heard.FAILED,
    "canceled": Heard.FAILED,
}
"""https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks; a status that
is not here says nothing yet."""


def take(tx: Tx, public_id: UUID, form: Mapping[str, str]) -> Message | None:
    """A text message's receipt, as the gateway's form has it; the message when that was news."""
    heard = _MEANS.get(form.get("MessageStatus", "").lower())
    if heard is None:
        return None
    code, sid = form.get("ErrorCode", "")[:40] or None, form.get("MessageSid", "")[:64] or None
    message = outbox.receive(tx, public_id, heard, code=code, provider_id=sid)
    if message is not None:
        learn(tx, message, heard)
    return message


def learn(tx: Tx, message: Message, heard: Heard) -> None:
    """What news of a message teaches about its address; one that failed tries the person's next one."""
    if heard is Heard.PASSED_ON:
        return
    codes.forget(tx, message)
    if message.contact_id is not None:
        addresses.note_delivery(tx, message.contact_id, arrived=message.state is State.DELIVERED)
    if message.state is State.FAILED:
        elsewhere.try_next(tx, [message])
