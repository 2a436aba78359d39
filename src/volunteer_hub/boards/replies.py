"""What became of everybody whom a callout asked: counted, listed, and as examples for the answer model."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlmodel import col, select

from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.site import Site
from volunteer_hub.mobilization.models import Callout
from volunteer_hub.mobilization.reply_rules import Asked, Became, Reached, became, teaches
from volunteer_hub.mobilization.rules import DeclineReason, Kind, OfferState
from volunteer_hub.notify.policy import Messages
from volunteer_hub.notify.rules import Channel, State
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.rules import Status, may_be_called

_REACHED: Final = """
CASE WHEN bool_or(m.state = 'delivered') THEN 'delivered'
     WHEN bool_or(m.state = 'sent' AND m.channel <> 'webpush') THEN 'sent'
     WHEN bool_or(m.state IN ('failed', 'expired')) THEN 'failed'
     WHEN bool_or(m.state = 'sent') THEN 'sent' ELSE 'not_sent' END
"""
_FACTS: Final = f"""
SELECT o.id, o.state, o.decline_reason, o.seen_at IS NOT NULL AS seen, o.answered_at IS NOT NULL AS answered,
       coalesce(q.reached, 'not_sent') AS reached, v.status, v.paused_until
FROM offers o JOIN volunteers v ON v.id = o.volunteer_id
LEFT JOIN (SELECT m.subject_id, {_REACHED} AS reached FROM messages m
           WHERE m.subject_kind = 'offer' AND m.purpose = 'offer'
             AND m.subject_id IN (SELECT id FROM offers WHERE callout_id = :callout)
           GROUP BY m.subject_id) q ON q.subject_id = o.id
WHERE o.callout_id = :callout
"""  # noqa: S608  # a constant of this module
_COUNTED: Final = text(f"""
SELECT state, decline_reason, seen, answered, reached, status, paused_until, count(*) AS people
FROM ({_FACTS}) AS facts GROUP BY 1, 2, 3, 4, 5, 6, 7
""")  # noqa: S608  # constants of this module
_CHANGED: Final = text("""
SELECT count(*) AS changed, count(*) FILTER (WHERE ack_version = version) AS acknowledged
FROM offers WHERE callout_id = :callout AND version > 1 AND state IN ('accepted', 'standing_by', 'on_site')
""")
_LISTED: Final = text(f"""
SELECT facts.*, o.public_id AS offer, v.public_id AS volunteer
FROM ({_FACTS}) AS facts JOIN offers o ON o.id = facts.id JOIN volunteers v ON v.id = o.volunteer_id
WHERE facts.id > :after ORDER BY facts.id
""")  # noqa: S608  # constants of this module
_TEACHING: Final = text("""
SELECT o.id, o.volunteer_id, o.callout_id, m.channel, c.kind, j.zone, o.state, o.decline_reason, o.chance,
       coalesce(m.sent_at, o.asked_at) AS asked_at, o.answered_at, o.seen_at IS NOT NULL AS seen,
       least(o.expires_at, c.ended_at) AS open_until, c.ended_at < o.expires_at AS taken_back,
       m.state AS message
FROM offers o JOIN callouts c ON c.id = o.callout_id JOIN jurisdictions j ON j.path = c.area
JOIN LATERAL (SELECT channel, state, sent_at FROM messages
              WHERE subject_kind = 'offer' AND subject_id = o.id AND purpose = 'offer'
              ORDER BY (state = 'delivered') DESC, id DESC LIMIT 1) m ON true
WHERE o.callout_id = ANY(:callouts) AND o.asked_at IS NOT NULL
  AND (o.answered_at IS NOT NULL OR least(o.expires_at, c.ended_at) <= :now)
  AND NOT EXISTS (SELECT FROM answer_events a WHERE a.offer_id = o.id AND a.data ->> 'on_paper' IS NOT NULL)
ORDER BY o.id
""")
_GOT: Final = {State.DELIVERED: Reached.DELIVERED, State.SENT: Reached.SENT}


@dataclass(frozen=True)
class Replies:
    """Of one callout, in people; ``reasons`` of those who declined. Of those coming, so many ``changed``
    were told of a change of place or time, and so many of them ``acknowledged`` the last one."""

    counts: dict[Became, int]
    reasons: dict[DeclineReason, int]
    changed: int
    acknowledged: int


@dataclass(frozen=True)
class Reply:
    """One person asked, by the ids seen outside."""

    offer: UUID
    volunteer: UUID
    became: Became
    reason: DeclineReason | None


@dataclass(frozen=True)
class Example:
    """One question that reached its person, to learn from. It was open until ``open_until``, which is before
    its time when it was ``taken_back``. ``chance``: of a yes as believed when it was asked, if it was."""

    offer_id: int
    volunteer_id: int
    callout_id: int
    channel: str
    kind: Kind
    zone: str
    asked_at: datetime
    answered_at: datetime | None
    outcome: Became
    open_until: datetime
    taken_back: bool
    chance: float | None


def counted(tx: Tx, callout: Callout) -> Replies:
    """The counts of a callout that the actor may read; every person asked is in one of them."""
    tx.actor.must_cover("callout.read", callout.area)
    counts: Counter[Became] = Counter()
    reasons: Counter[DeclineReason] = Counter()
    for row in tx.execute(_COUNTED, {"callout": callout.id}):
        kind = _became(tx, row)
        counts[kind] += row.people
        if kind is Became.DECLINED and row.decline_reason is not None:
            reasons[DeclineReason(row.decline_reason)] += row.people
    return Replies(dict(counts), dict(reasons), *of_a_change(tx, callout))


def of_a_change(tx: Tx, callout: Callout) -> tuple[int, int]:
    """Of those coming, how many were told of a change of place or time, and how many acknowledged it."""
    told = tx.execute(_CHANGED, {"callout": callout.id}).one()
    return told.changed, told.acknowledged


def listed(
    tx: Tx, callout: Callout, which: Became, after: int = 0, limit: int = 50
) -> tuple[list[Reply], int | None]:
    """A page of the people behind one count, by offer; the ``after`` of the next page or None at the end."""
    tx.actor.must_cover("offer.read", callout.area)
    rows = [
        row
        for row in tx.execute(_LISTED, {"callout": callout.id, "after": after})
        if _became(tx, row) is which
    ]
    found = [Reply(row.offer, row.volunteer, which, _reason(row.decline_reason)) for row in rows[:limit]]
    return found, rows[limit - 1].id if len(rows) > limit else None


def names(tx: Tx, people: Collection[UUID]) -> dict[UUID, str | None]:
    """By the id seen outside: None for people of whom the reader may not know the name."""
    wanted = select(Volunteer.public_id, Volunteer.name).where(
        col(Volunteer.public_id).in_(people), tx.actor.scope("volunteer.read", Volunteer.area)
    )
    return dict.fromkeys(people) | dict(tx.exec(wanted).all())


def teaching(tx: Tx, callout_ids: Collection[int]) -> Iterator[Example]:
    """Examples for the answer model, by offer: questions of these callouts that reached their person and
    were answered, or can be no more. One that did not arrive says nothing about anybody."""
    receipts = policy.load("messages", Messages).receipts.minutes()
    for row in tx.execute(_TEACHING, {"callouts": list(callout_ids), "now": tx.now}):
        reached = _GOT.get(State(row.message), Reached.FAILED)
        answered = row.answered_at is not None
        facts = Asked(
            OfferState(row.state), _reason(row.decline_reason), row.seen, answered, reached, active=True
        )
        outcome = became(facts)
        waits = receipts.get(Channel(row.channel)) is not None
        if outcome is not Became.WRONG_NUMBER and teaches(reached, receipts=waits):
            yield Example(
                offer_id=row.id,
                volunteer_id=row.volunteer_id,
                callout_id=row.callout_id,
                channel=row.channel,
                kind=Kind(row.kind),
                zone=row.zone,
                asked_at=row.asked_at,
                answered_at=row.answered_at,
                outcome=outcome,
                open_until=row.open_until,
                taken_back=bool(row.taken_back),
                chance=row.chance,
            )


def _became(tx: Tx, row: Row[Any]) -> Became:
    today = tx.now.astimezone(policy.load("hub", Site).timezone).date()
    return became(
        Asked(
            OfferState(row.state),
            _reason(row.decline_reason),
            row.seen,
            row.answered,
            Reached(row.reached),
            may_be_called(Status(row.status), row.paused_until, today),
        )
    )


def _reason(value: str | None) -> DeclineReason | None:
    return DeclineReason(value) if value is not None else None
