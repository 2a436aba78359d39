"""A gateway says what became of a message or call: written down, and the address is known better for it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from volunteer_hub.core.db import Tx
from volunteer_hub.flows import codes, elsewhere
from volunteer_hub.notify import outbox
from volunteer_hub.notify.models import Message
from volunteer_hub.notify.rules import Heard, State
from volunteer_hub.volunteers import addresses
from volunteer_hub.volunteers.rules import ContactKind

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
_ENDED: Final = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})
"""https://www.twilio.com/docs/voice/api/call-resource#call-status-values"""


def take(tx: Tx, public_id: UUID, form: Mapping[str, str]) -> Message | None:
    """A text message's receipt, as the gateway's form has it; the message when that was news."""
    heard = _MEANS.get(form.get("MessageStatus", "").lower())
    if heard is None:
        return None
    code, sid = form.get("ErrorCode", "")[:40] or None, form.get("MessageSid", "")[:64] or None
    message = outbox.receive(tx, public_id, heard, code=code, provider_id=sid)
    if message is not None:
        _learn(tx, message, heard, teaches=True)
    return message


def report(tx: Tx, items: Sequence[Any]) -> int:
    """What a template gateway reports of many messages at once; how many were news. Others say nothing.

    https://help.aliyun.com/zh/sms/developer-reference/smsreport-2 (a list of objects).
    """
    news = 0
    for item in items:
        try:
            public_id, arrived = UUID(str(item["out_id"])), item["success"] in (True, "true")
        except (KeyError, TypeError, ValueError):
            continue
        heard = Heard.DELIVERED if arrived else Heard.FAILED
        code = None if arrived else _plain(item.get("err_code"), 40)
        message = outbox.receive(tx, public_id, heard, code=code, provider_id=_plain(item.get("biz_id"), 64))
        if message is not None:
            _learn(tx, message, heard, teaches=True)
            news += 1
    return news


def _plain(value: object, longest: int) -> str | None:
    text = str(value or "").replace("\0", "")
    return text[:longest] or None


def call_ended(tx: Tx, public_id: UUID, form: Mapping[str, str]) -> Message | None:
    """How a call ended: delivered when a person was heard to take it, failed for anything else. A machine
    that answered is nobody; only a number that cannot be rung teaches against the address."""
    status = form.get("CallStatus", "").lower()
    if status not in _ENDED:
        return None
    by = form.get("AnsweredBy", "").lower()
    heard = Heard.DELIVERED if (status, by) == ("completed", "human") else Heard.FAILED
    code, sid = f"{status} {by}".strip()[:40], form.get("CallSid", "")[:64] or None
    message = outbox.receive(tx, public_id, heard, code=code, provider_id=sid)
    if message is not None:
        _learn(tx, message, heard, teaches=heard is Heard.DELIVERED or status == "failed")
    return message


def key_pressed(tx: Tx, public_id: UUID) -> None:
    """Somebody pressed a key: the call has arrived, whatever the gateway takes them for."""
    message = outbox.receive(tx, public_id, Heard.DELIVERED, code="key")
    if message is not None:
        _learn(tx, message, Heard.DELIVERED, teaches=True)


def shown(tx: Tx, public_id: UUID) -> Message | None:
    """A device has shown the message; the message when that was news. Whoever has it before them need not be
    tried elsewhere either."""
    message = outbox.receive(tx, public_id, Heard.DELIVERED, code="shown")
    if message is not None:
        _learn(tx, message, Heard.DELIVERED, teaches=True)
        outbox.arrived(tx, message.subject_kind, [message.subject_id])
    return message


def _learn(tx: Tx, message: Message, heard: Heard, *, teaches: bool) -> None:
    """What news of a message teaches about its address; one that failed tries the person's next one, one
    that arrived takes back what waits to be tried elsewhere."""
    if heard is Heard.PASSED_ON:
        return
    codes.forget(tx, message)
    arrived = message.state is State.DELIVERED
    if teaches and message.contact_id is not None:
        kind = ContactKind(message.channel.value)
        addresses.note_delivery(tx, message.contact_id, kind, arrived=arrived)
    if arrived:
        elsewhere.take_back(tx, message)
    elif message.state is State.FAILED:
        elsewhere.try_next(tx, [message])
