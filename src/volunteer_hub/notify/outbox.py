"""Putting messages in the outbox, taking due ones out under a lease, and writing down what became of them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    SQLColumnExpression,
    Text,
    case,
    cast,
    func,
    literal,
    null,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlmodel import col

from volunteer_hub.core import bulk, policy
from volunteer_hub.core.columns import uuid7
from volunteer_hub.core.db import Tx, touched
from volunteer_hub.notify.lines import LINE_DOWN
from volunteer_hub.notify.models import Message, Receipt
from volunteer_hub.notify.policy import Messages, Receipts
from volunteer_hub.notify.rules import (
    PRESSING,
    WAITING,
    Channel,
    Heard,
    Kind,
    State,
    Subject,
    after_failure,
    after_receipt,
)

LEASE_SECONDS = 60
_MOMENT: Final = DateTime(timezone=True)
NEWEST: Final = (col(Message.state) == State.DELIVERED, col(Message.id))
"""An order of the messages of one question in which the last is the newest, or the newest that arrived."""
_URGENT: Final = (Kind.REAL, Kind.DRILL, Kind.NONE)


@dataclass(frozen=True)
class Draft:
    """A message to be: who, about what, by what. The text is made when it is sent.

    ``dedupe_key`` names the deed (``offer:12:asked``): the same key is queued once, whoever repeats it.
    """

    purpose: str
    subject_kind: Subject
    subject_id: int
    area: str
    channel: Channel
    lang: str
    dedupe_key: str
    expires_at: datetime
    volunteer_id: int | None = None
    account_id: int | None = None
    contact_id: int | None = None
    kind: Kind = Kind.NONE
    params: dict[str, Any] = field(default_factory=dict)
    not_before: datetime | None = None


def enqueue(tx: Tx, drafts: Iterable[Draft]) -> int:
    """Queues messages in the running transaction; the count of new ones (a known key is not new)."""
    rows = [_row(draft, tx.now) for draft in drafts]
    if not rows:
        return 0
    count = 0
    for some in bulk.batches(rows):
        new = pg_insert(Message).from_select(list(some[0]), bulk.select_rows(Message, some))
        known = new.on_conflict_do_nothing(index_elements=["dedupe_key"])
        count += len(tx.execute(known.returning(col(Message.id))).scalars().all())
    return count


def _row(draft: Draft, now: datetime) -> dict[str, Any]:
    values = {name: getattr(draft, name) for name in draft.__dataclass_fields__ if name != "not_before"}
    return {
        **values,
        "public_id": uuid7(),
        "state": State.QUEUED,
        "attempts": 0,
        "created_at": now,
        "next_at": max(now, draft.not_before) if draft.not_before else now,
    }


def expire(tx: Tx) -> int:
    """Marks messages past their deadline instead of sending them late; how many."""
    overdue = update(Message).where(col(Message.state).in_(WAITING), col(Message.expires_at) <= tx.now)
    return touched(tx.execute(overdue.values(state=State.EXPIRED, lease_until=None)))


def due(tx: Tx) -> bool:
    """Whether anything waits to be sent now."""
    waiting = col(Message.state).in_(WAITING) & (col(Message.next_at) <= tx.now)
    return bool(tx.scalar(select(select(col(Message.id)).where(waiting).exists())))


# Materialized: a subquery in IN may be run once for every row by the planner, and each run takes up more.
_TAKE: Final = text("""
WITH picked AS MATERIALIZED (
  SELECT due.id FROM unnest(
      CAST(:channels AS text[]), CAST(:kinds AS text[]), CAST(:rooms AS int[])
    ) WITH ORDINALITY AS may (channel, kind, room, turn)
  CROSS JOIN LATERAL (
    SELECT id FROM messages
    WHERE channel = may.channel AND kind = may.kind AND state IN ('queued', 'sending')
      AND next_at <= :now AND expires_at > :now AND (lease_until IS NULL OR lease_until < :now)
    ORDER BY next_at LIMIT may.room
    FOR UPDATE SKIP LOCKED
  ) AS due
  ORDER BY may.turn LIMIT :limit
)
UPDATE messages SET state = 'sending', attempts = attempts + 1, lease_until = :lease
WHERE id IN (SELECT id FROM picked)
RETURNING *
""")


def take_due(tx: Tx, limit: int, room: Mapping[Channel, int] | None = None) -> Sequence[Message]:
    """Leases due messages for sending: what people wait for never stands behind a heap of reminders.

    ``room``: how many of each channel at most, none of a channel that is not named; without it any number.
    """
    most = room if room is not None else dict.fromkeys(Channel, limit)
    turns = [(channel, kind, count) for kind in _URGENT for channel, count in most.items() if count]
    if not turns:
        return []
    names, kinds, counts = zip(*turns, strict=True)
    taken = _TAKE.bindparams(
        channels=[name.value for name in names],
        kinds=[kind.value for kind in kinds],
        rooms=list(counts),
        limit=limit,
        now=tx.now,
        lease=tx.now + timedelta(seconds=LEASE_SECONDS),
    )
    found = select(Message).from_statement(taken).execution_options(populate_existing=True)
    return sorted(tx.scalars(found), key=lambda message: message.id)


def hold(tx: Tx, channels: Collection[Channel]) -> None:
    """Due messages of lines that are down say so; those that press are tried elsewhere in time."""
    if not channels:
        return
    waiting = update(Message).where(
        col(Message.channel).in_(channels),
        col(Message.state) == State.QUEUED,
        col(Message.next_at) <= tx.now,
        col(Message.error).is_(None),
    )
    tx.execute(waiting.values(error=LINE_DOWN, receipt_by=_receipt_by(tx.now)))


def release(tx: Tx, channels: Collection[Channel]) -> int:
    """What these lines failed need not wait for its next try: they work again. How many wait for them."""
    failed = update(Message).where(
        col(Message.channel).in_(channels),
        col(Message.state) == State.QUEUED,
        col(Message.error).is_not(None),
    )
    return touched(tx.execute(failed.values(next_at=tx.now)))


def _receipt_by(now: datetime) -> ColumnElement[datetime]:
    """Until when a message handed over now waits for its receipt: none if it does not press."""
    receipts: Receipts = policy.load("messages", Messages).receipts
    waits = [
        ((col(Message.channel) == channel) & col(Message.purpose).in_(PRESSING), literal(moment, _MOMENT))
        for channel in Channel
        if (moment := receipts.due(channel, now)) is not None
    ]
    nothing = cast(null(), _MOMENT)
    return case(*waits, else_=nothing) if waits else nothing


@dataclass(frozen=True)
class Outcome:
    """What a channel answered for one message. ``error`` is None when it was taken; ``provider_id`` is then
    what the gateway calls it, where it has a name for it. ``held``: it was not tried, the line is down."""

    message_id: int
    state: State = State.SENT
    provider_id: str | None = None
    error: str | None = None
    permanent: bool = False
    held: bool = False


def write_down(tx: Tx, outcomes: Iterable[Outcome]) -> int:
    """Records what became of leased messages; the count sent.

    One cancelled meanwhile was sent where the channel took it: people answer before the channel has. Else it
    stays cancelled. A receipt that was faster than this stands.
    """
    taken: list[Outcome] = []
    failed: dict[int, Outcome] = {}
    for outcome in outcomes:
        if outcome.error is None:
            taken.append(outcome)
        else:
            failed[outcome.message_id] = outcome
    _write_failed(tx, failed)
    return _write_sent(tx, taken)


def _write_sent(tx: Tx, taken: Sequence[Outcome]) -> int:
    if not taken:
        return 0
    told = (
        func.unnest(
            literal([outcome.message_id for outcome in taken], ARRAY(BigInteger)),
            literal([outcome.state.value for outcome in taken], ARRAY(Text)),
            literal([outcome.provider_id for outcome in taken], ARRAY(Text)),
        )
        .table_valued("id", "state", "provider_id", name="told")
        .render_derived()
    )
    rows = (
        update(Message)
        .where(col(Message.id) == told.c.id, col(Message.state).in_((State.SENDING, State.CANCELLED)))
        .values(
            state=told.c.state,
            sent_at=tx.now,
            provider_id=func.coalesce(told.c.provider_id, col(Message.provider_id)),
            receipt_by=case((told.c.state == State.SENT.value, _receipt_by(tx.now)), else_=null()),
            error=None,
            lease_until=None,
        )
    )
    return touched(tx.execute(rows, execution_options={"synchronize_session": False}))


def _write_failed(tx: Tx, failed: Mapping[int, Outcome]) -> None:
    if not failed:
        return
    rules: Messages = policy.load("messages", Messages)
    leased = select(Message).where(
        col(Message.id).in_(failed), col(Message.state).in_((State.SENDING, State.CANCELLED))
    )
    rows = leased.order_by(col(Message.id)).with_for_update().execution_options(populate_existing=True)
    for message in tx.scalars(rows):
        outcome = failed[message.id]
        if message.state is State.SENDING and outcome.held:
            message.state, message.attempts = State.QUEUED, message.attempts - 1
        elif message.state is State.SENDING:
            message.state, message.next_at = after_failure(
                message.attempts,
                message.id,
                tx.now,
                message.expires_at,
                rules.retry_seconds,
                permanent=outcome.permanent,
            )
        if message.error is None and message.state is State.QUEUED and message.purpose in PRESSING:
            message.receipt_by = rules.receipts.due(message.channel, tx.now)
        message.error, message.lease_until = outcome.error, None
    tx.flush()


def cancel(tx: Tx, subject_kind: Subject, subject_ids: Iterable[int], *, purposes: Sequence[str] = ()) -> int:
    """Takes back what waits to be sent about these subjects: an answer ends the asking, and the waiting for
    receipts too. The count of messages taken back."""
    ids = list(subject_ids)
    if not ids:
        return 0
    about = (col(Message.subject_kind) == subject_kind) & bulk.among(col(Message.subject_id), ids)
    if purposes:
        about &= col(Message.purpose).in_(purposes)
    tx.execute(update(Message).where(about, col(Message.receipt_by).is_not(None)).values(receipt_by=None))
    waiting = update(Message).where(about, col(Message.state).in_(WAITING))
    done = waiting.values(state=State.CANCELLED, lease_until=None).returning(col(Message.id))
    return len(tx.execute(done).all())


def may_have_left(
    subject_kind: Subject, subject: SQLColumnExpression[int], purpose: str
) -> ColumnElement[bool]:
    """Whether a message of this purpose about the subject was handed over, or may have been: a channel that
    failed may have taken it all the same."""
    about = (col(Message.subject_kind) == subject_kind) & (col(Message.subject_id) == subject)
    return (
        select(col(Message.id))
        .where(about, col(Message.purpose) == purpose, col(Message.attempts) > 0)
        .exists()
    )


def cancel_to(tx: Tx, contact_ids: Sequence[int]) -> int:
    """Takes back what waits to be sent to these addresses; how many."""
    if not contact_ids:
        return 0
    waiting = bulk.among(col(Message.contact_id), contact_ids) & col(Message.state).in_(WAITING)
    return touched(tx.execute(update(Message).where(waiting).values(state=State.CANCELLED, lease_until=None)))


def arrived(tx: Tx, subject_kind: Subject, subject_ids: Sequence[int]) -> None:
    """Somebody was seen reading about these: no receipt is waited for any more."""
    if not subject_ids:
        return
    known = (col(Message.subject_kind) == subject_kind) & bulk.among(col(Message.subject_id), subject_ids)
    tx.execute(update(Message).where(known, col(Message.receipt_by).is_not(None)).values(receipt_by=None))


def without_receipt(tx: Tx, limit: int) -> list[Message]:
    """Messages of which nothing was heard in time, because no receipt came or their line is down; each is
    told once, to one of any number who ask."""
    late = (
        select(col(Message.id))
        .where(col(Message.receipt_by) <= tx.now, col(Message.state).in_((State.SENT, State.QUEUED)))
        .order_by(col(Message.receipt_by))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = update(Message).where(col(Message.id).in_(late.scalar_subquery())).values(receipt_by=None)
    told = taken.returning(Message)
    return list(tx.scalars(told, execution_options={"populate_existing": True}))


def receive(
    tx: Tx, public_id: UUID, heard: Heard, *, code: str | None = None, provider_id: str | None = None
) -> Message | None:
    """Stores a gateway's receipt and moves its message; None for a message not known (any more), and for
    what was said before.

    A receipt may overtake the answer to our handing over: it then brings the gateway's name of the message.
    """
    found = select(Message).where(col(Message.public_id) == public_id)
    message = tx.scalars(found.with_for_update().execution_options(populate_existing=True)).first()
    if message is None:
        return None
    new = pg_insert(Receipt).values(message_id=message.id, at=tx.now, kind=heard, code=code)
    once = new.on_conflict_do_nothing(index_elements=["message_id", "kind"])
    if tx.execute(once.returning(col(Receipt.id))).first() is None:
        return None
    if message.provider_id is None:
        message.provider_id = provider_id
    message.state = after_receipt(message.state, heard)
    if message.state in (State.DELIVERED, State.FAILED):
        message.sent_at, message.lease_until = message.sent_at or tx.now, None
    if message.state is State.FAILED:
        message.error = f"receipt {code}" if code else "receipt"
    if heard is not Heard.PASSED_ON:
        message.receipt_by = None
    tx.flush()
    return message


def counts(tx: Tx, subject_kind: Subject, subject_ids: Sequence[int]) -> dict[State, int]:
    """How many messages about these subjects are in each state."""
    rows = tx.execute(
        select(col(Message.state), func.count())
        .where(col(Message.subject_kind) == subject_kind, col(Message.subject_id).in_(subject_ids))
        .group_by(col(Message.state))
    )
    return {State(state): int(count) for state, count in rows}


def forgotten_older_than(tx: Tx, age: timedelta) -> int:
    """Removes ended messages older than ``age``; the count."""
    old = Message.__table__.delete().where(  # type: ignore[attr-defined]  # SQLModel does not declare it
        col(Message.created_at) < tx.now - age, col(Message.state).not_in(WAITING)
    )
    return touched(tx.execute(old))
