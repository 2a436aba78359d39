"""A message that did not arrive is tried by the person's next address, in the order of `addresses.ways`.

It did not arrive when its channel or a receipt says so, or when no receipt has come in time.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import col, select, update

from volunteer_hub.core import bulk, db, policy
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.flows import letters
from volunteer_hub.notify import outages, outbox
from volunteer_hub.notify.models import Message
from volunteer_hub.notify.outbox import Draft
from volunteer_hub.notify.policy import Messages
from volunteer_hub.notify.rules import ASIDE, ELSEWHERE, WAITING, Channel, State, is_aside, root_of
from volunteer_hub.volunteers import addresses
from volunteer_hub.volunteers.addresses import First

BATCH: Final = 500
_SOON: Final = timedelta(minutes=1)


def sweep() -> int:
    """Tries elsewhere what no receipt has come for, batch after batch; how many were looked at."""
    total = 0
    while True:
        with db.transaction(SYSTEM, "message.elsewhere") as tx:
            late = outbox.without_receipt(tx, BATCH)
            try_next(tx, late)
        total += len(late)
        if len(late) < BATCH:
            return total


def try_next(tx: Tx, failed: Sequence[Message]) -> int:
    """Queues each message once more for an address that it has not been sent to; how many have one.

    Addresses whose line is down come last. The key carries the address, so that two who notice the same
    failure queue one message. What only went beside another message is not tried again.
    """
    failed = [message for message in failed if not is_aside(message.dedupe_key)]
    people = {m.volunteer_id for m in failed if m.volunteer_id is not None and m.contact_id is not None}
    if not people:
        return 0
    known = {
        purpose: addresses.ways(tx, people, letters.kinds_for(purpose))
        for purpose in {message.purpose for message in failed}
    }
    tried, down = _tried(tx, failed), outages.down(tx)
    drafts = []
    for message in failed:
        ways = known[message.purpose].get(message.volunteer_id or 0, ())
        for way in sorted(ways, key=lambda way: way.kind.value in down):
            if (way.id, way.kind.value) not in tried[root_of(message.dedupe_key)]:
                drafts.append(_again(message, way))
                break
    return outbox.enqueue(tx, drafts)


def take_back(tx: Tx, arrived: Message) -> None:
    """It arrived: what waits to be sent to the person's other addresses is not sent, but for what waits as
    the first of all while this only went beside it."""
    waiting = select(Message).where(
        col(Message.subject_kind) == arrived.subject_kind,
        col(Message.subject_id) == arrived.subject_id,
        col(Message.volunteer_id) == arrived.volunteer_id,
        col(Message.state) == State.QUEUED,
        ~col(Message.dedupe_key).contains(ASIDE, autoescape=True),
    )
    if is_aside(arrived.dedupe_key):
        waiting = waiting.where(col(Message.dedupe_key).contains(ELSEWHERE, autoescape=True))
    same = [m.id for m in tx.exec(waiting) if root_of(m.dedupe_key) == root_of(arrived.dedupe_key)]
    if same:
        queued = update(Message).where(col(Message.id).in_(same), col(Message.state) == State.QUEUED)
        tx.execute(queued.values(state=State.CANCELLED))


def after_others(tx: Tx, leased: Sequence[Message], down: Collection[Channel]) -> dict[int, datetime]:
    """Which of the leased messages wait, and until when, for the same to another address of the person: it is
    under way, or it is due before this one by a line that is not ``down``. Once a line works again, nobody is
    told the same by two at once."""
    late = {m.id: m for m in leased if m.error is not None or ELSEWHERE in m.dedupe_key}
    late = {key: m for key, m in late.items() if not is_aside(m.dedupe_key)}
    if not late:
        return {}
    receipts = policy.load("messages", Messages).receipts
    others = tx.exec(
        select(Message).where(
            col(Message.subject_kind).in_({m.subject_kind for m in late.values()}),
            bulk.among(col(Message.subject_id), {m.subject_id for m in late.values()}),
            col(Message.state).in_((*WAITING, State.SENT)),
            ~col(Message.dedupe_key).contains(ASIDE, autoescape=True),
        )
    ).all()
    by_root: dict[str, list[Message]] = defaultdict(list)
    for other in others:
        by_root[root_of(other.dedupe_key)].append(other)
    found: dict[int, datetime] = {}
    for message in late.values():
        for other in by_root[root_of(message.dedupe_key)]:
            due = other.state is State.QUEUED and other.next_at <= tx.now and other.channel not in down
            if other.state is State.SENT and other.receipt_by is not None and other.receipt_by > tx.now:
                found[message.id] = other.receipt_by
            elif other.id < message.id and other.state is State.SENDING:
                found.setdefault(message.id, tx.now)  # the next batch knows what became of it
            elif other.id < message.id and due:
                found[message.id] = receipts.due(other.channel, tx.now) or tx.now + _SOON
    return found


def _tried(tx: Tx, failed: Sequence[Message]) -> dict[str, set[tuple[int | None, str]]]:
    """The key without the address -> the addresses it was sent to, and by which channel."""
    wanted = select(col(Message.dedupe_key), col(Message.contact_id), col(Message.channel)).where(
        col(Message.subject_kind).in_({message.subject_kind for message in failed}),
        col(Message.subject_id).in_({message.subject_id for message in failed}),
    )
    found: dict[str, set[tuple[int | None, str]]] = defaultdict(set)
    for key, contact, channel in tx.exec(wanted):
        found[root_of(key)].add((contact, channel.value))
    return found


def _again(message: Message, way: First) -> Draft:
    return Draft(
        purpose=message.purpose,
        subject_kind=message.subject_kind,
        subject_id=message.subject_id,
        area=message.area,
        channel=Channel(way.kind.value),
        lang=message.lang,
        dedupe_key=f"{root_of(message.dedupe_key)}{ELSEWHERE}{way.id}:{way.kind}",
        expires_at=message.expires_at,
        volunteer_id=message.volunteer_id,
        contact_id=way.id,
        kind=message.kind,
        params=message.params,
    )
