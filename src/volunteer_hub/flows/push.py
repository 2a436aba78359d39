"""Web push on a person's devices: turned on and off, proved by what the device itself says, let go."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec

from volunteer_hub.access import sessions
from volunteer_hub.core import policy, vault
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Malformed, NotFound
from volunteer_hub.core.settings import settings
from volunteer_hub.core.signing import same, token_hash
from volunteer_hub.flows import receipts
from volunteer_hub.notify import callbacks, outbox
from volunteer_hub.notify.channels.webpush import GONE, decoded
from volunteer_hub.notify.models import Message
from volunteer_hub.notify.outbox import Draft
from volunteer_hub.notify.policy import Messages
from volunteer_hub.notify.rules import ASIDE, Channel, State, Subject, is_aside
from volunteer_hub.volunteers import devices, registry
from volunteer_hub.volunteers.models import Volunteer

_LONGEST: Final = 1_000
_AUTH_BYTES: Final = 16
_WORTH: Final = timedelta(minutes=10)


@dataclass(frozen=True)
class Subscription:
    """What a browser gives of itself: where its push service takes notifications for it, and its keys."""

    endpoint: str
    p256dh: str
    auth: str

    def check(self) -> None:
        """Raises Malformed for what no browser gives. Where it leads to is judged when it is called."""
        try:
            parts = urlsplit(self.endpoint)
            ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decoded(self.p256dh))
            fine = len(decoded(self.auth)) == _AUTH_BYTES and bool(parts.hostname) and "@" not in parts.netloc
        except ValueError:
            raise Malformed("push.subscription") from None
        inside = parts.scheme == "http" and parts.netloc in settings().internal_hosts
        if not fine or len(self.endpoint) > _LONGEST or not (parts.scheme == "https" or inside):
            raise Malformed("push.subscription")

    def sealed(self) -> str:
        """As it is stored."""
        keys = {"p256dh": self.p256dh, "auth": self.auth}
        return vault.seal_here(json.dumps({"endpoint": self.endpoint, "keys": keys}))


def hash_of(endpoint: str) -> bytes:
    """What a device is known by."""
    return token_hash(f"push:{endpoint}")


def turn_on(tx: Tx, volunteer_id: int, given: Subscription, session: str) -> None:
    """Makes a device this person's, and sends it a first notification: once that has appeared, it counts.

    ``session``: the cookie in which it is done. Raises Malformed.
    """
    given.check()
    row = registry.one(tx, volunteer_id, lock=True)
    contact, gone = devices.bind(tx, row, hash_of(given.endpoint), given.sealed(), token_hash(session))
    outbox.cancel_to(tx, gone)
    outbox.enqueue(tx, [_hello(tx, row, contact.id)])


def _hello(tx: Tx, row: Volunteer, contact_id: int) -> Draft:
    return Draft(
        purpose="push_on",
        subject_kind=Subject.VOLUNTEER,
        subject_id=row.id,
        area=row.area,
        channel=Channel.WEBPUSH,
        lang=row.lang,
        dedupe_key=f"push_on:{tx.now.timestamp():.6f}{ASIDE}{contact_id}",
        expires_at=tx.now + _WORTH,
        volunteer_id=row.id,
        contact_id=contact_id,
    )


def is_on(tx: Tx, volunteer_id: int, endpoint: str) -> bool:
    """Whether this device takes this person's notifications."""
    return devices.mine(tx, volunteer_id, hash_of(endpoint)) is not None


def turn_off(tx: Tx, volunteer_id: int, endpoint: str) -> None:
    """Lets a device go; one that is not this person's is no error."""
    contact_id = devices.mine(tx, volunteer_id, hash_of(endpoint))
    _let_go(tx, [contact_id] if contact_id is not None else [])


def sign_out(tx: Tx, session: str) -> None:
    """Ends a session, and with it what its device is told."""
    _let_go(tx, devices.of_session(tx, token_hash(session)))
    sessions.close(tx, session)


def _let_go(tx: Tx, contact_ids: Sequence[int]) -> None:
    outbox.cancel_to(tx, devices.release(tx, contact_ids))


def shown(tx: Tx, public_id: UUID, key: str) -> None:
    """A device says that a message has appeared on it: delivered, and the device counts for a while.

    Repeats and messages long gone change nothing. Raises NotFound for a wrong key.
    """
    if not same(key.encode(), callbacks.shown_key(public_id).encode()):
        raise NotFound("not_found")
    message = receipts.shown(tx, public_id)
    if message is not None and message.contact_id is not None:
        days = policy.load("messages", Messages).push.counts_days
        devices.shown(tx, message.contact_id, tx.now + timedelta(days=days))


def settle_failed(tx: Tx, failed: Sequence[Message]) -> list[Message]:
    """Devices that are no more are let go, and what went beside another message is not missed; the failed
    messages that are."""
    pushed = [message for message in failed if message.channel is Channel.WEBPUSH]
    for message in pushed:
        if is_aside(message.dedupe_key):
            message.state = State.CANCELLED
    _let_go(tx, [m.contact_id for m in pushed if m.error == GONE and m.contact_id is not None])
    tx.flush()
    return [message for message in failed if message.state is State.FAILED]
