"""Codes to a telephone or an e-mail address, sealed in the outbox; the seal's key goes when one is sent."""

import json
from datetime import datetime
from typing import Any, Final

from volunteer_hub.core import vault
from volunteer_hub.core.db import Tx
from volunteer_hub.notify import dispatch, outbox
from volunteer_hub.notify.models import Message
from volunteer_hub.notify.outbox import Draft
from volunteer_hub.notify.rules import Channel, Subject

_SEALED: Final = "sealed"
SUBJECTS: Final = frozenset({Subject.JOIN_CODE, Subject.LOGIN_CODE})
_NUMBERS: Final = {Subject.JOIN_CODE: 0, Subject.LOGIN_CODE: 1}


def channel_to(email: str | None) -> Channel | None:
    """How a code reaches somebody: by text message, else by e-mail; None where neither can be sent."""
    configured = dispatch.configured()
    if Channel.SMS in configured:
        return Channel.SMS
    return Channel.EMAIL if email and Channel.EMAIL in configured else None


def send(
    tx: Tx,
    about: tuple[Subject, int],
    to: tuple[Channel, str],
    code: str,
    *,
    area: str,
    lang: str,
    expires_at: datetime,
) -> None:
    """Queues a code for a number (E.164) or an e-mail address.

    ``about`` is the row of the code, (JOIN_CODE or LOGIN_CODE, id).
    """
    channel, address = to
    secret = json.dumps({"address": address, "code": code})
    draft = Draft(
        purpose="login_code",
        subject_kind=about[0],
        subject_id=about[1],
        area=area,
        channel=channel,
        lang=lang,
        dedupe_key=f"{about[0]}:{about[1]}",
        expires_at=expires_at,
        params={_SEALED: vault.seal(tx, _keyholder(*about), secret)},
    )
    outbox.enqueue(tx, [draft])


def opened(tx: Tx, message: Message) -> dict[str, Any]:
    """The number and code of a message, {} for any other message or once its key is gone."""
    sealed = message.params.get(_SEALED)
    if sealed is None:
        return {}
    text = vault.unseal(tx, _keyholder(message.subject_kind, message.subject_id), sealed)
    return dict(json.loads(text)) if text is not None else {}


def forget(tx: Tx, message: Message) -> None:
    """Makes what was sealed in a message unreadable for good."""
    if _SEALED in message.params:
        vault.forget(tx, _keyholder(message.subject_kind, message.subject_id))


def _keyholder(kind: Subject, row: int) -> int:
    """Keys of people have positive numbers; those of codes negative ones."""
    return -(2 * row + _NUMBERS[kind]) - 1
