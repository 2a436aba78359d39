"""A message that did not arrive is tried by the person's next address, in the order of `addresses.of`."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from sqlmodel import col, select

from volunteer_hub.core.db import Tx
from volunteer_hub.notify import dispatch, outbox
from volunteer_hub.notify.models import Message
from volunteer_hub.notify.outbox import Draft
from volunteer_hub.notify.rules import Channel
from volunteer_hub.volunteers import addresses
from volunteer_hub.volunteers.models import Contact

_TO: Final = ":to:"


def try_next(tx: Tx, failed: Sequence[Message]) -> int:
    """Queues each message once more for an address that it has not been sent to; how many have one.

    The key carries the address, so that two who notice the same failure queue one message.
    """
    people = {m.volunteer_id for m in failed if m.volunteer_id is not None and m.contact_id is not None}
    if not people:
        return 0
    known, sendable = addresses.of(tx, people), {name.value for name in dispatch.configured()}
    tried = _tried(tx, failed)
    drafts = []
    for message in failed:
        for contact in known.get(message.volunteer_id or 0, ()):
            if contact.kind.value in sendable and contact.id not in tried[_root(message.dedupe_key)]:
                drafts.append(_again(message, contact))
                break
    return outbox.enqueue(tx, drafts)


def _tried(tx: Tx, failed: Sequence[Message]) -> dict[str, set[int | None]]:
    """Root of a key -> the addresses it was sent to."""
    wanted = select(col(Message.dedupe_key), col(Message.contact_id)).where(
        col(Message.subject_kind).in_({message.subject_kind for message in failed}),
        col(Message.subject_id).in_({message.subject_id for message in failed}),
    )
    found: dict[str, set[int | None]] = defaultdict(set)
    for key, contact in tx.exec(wanted):
        found[_root(key)].add(contact)
    return found


def _root(key: str) -> str:
    """A key without the address."""
    return key.partition(_TO)[0]


def _again(message: Message, contact: Contact) -> Draft:
    return Draft(
        purpose=message.purpose,
        subject_kind=message.subject_kind,
        subject_id=message.subject_id,
        area=message.area,
        channel=Channel(contact.kind.value),
        lang=message.lang,
        dedupe_key=f"{_root(message.dedupe_key)}{_TO}{contact.id}",
        expires_at=message.expires_at,
        volunteer_id=message.volunteer_id,
        contact_id=contact.id,
        kind=message.kind,
        params=message.params,
    )
