"""Gateways that were down, written down when a line fails and when it works again, and at no other time."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from volunteer_hub.core.db import Tx, touched
from volunteer_hub.notify.outage_models import Outage
from volunteer_hub.notify.rules import Channel


def begin(tx: Tx, down: Mapping[Channel, datetime]) -> list[Channel]:
    """Notes the lines that are down, each since when; those of which it was not known."""
    if not down:
        return []
    rows = [{"channel": channel, "since": since, "waited": 0} for channel, since in down.items()]
    still = col(Outage.until).is_(None)
    new = insert(Outage).values(rows).on_conflict_do_nothing(index_elements=["channel"], index_where=still)
    return [Channel(channel) for channel in tx.execute(new.returning(col(Outage.channel))).scalars()]


def end(tx: Tx, works: Collection[Channel]) -> list[Outage]:
    """Notes that these lines work; the outages that this ends."""
    if not works:
        return []
    down = select(Outage).where(col(Outage.channel).in_(works), col(Outage.until).is_(None))
    ended = list(tx.exec(down.with_for_update(skip_locked=True)))
    for outage in ended:
        outage.until = tx.now
    tx.flush()
    return ended


def down(tx: Tx) -> frozenset[Channel]:
    """The lines that are down, as far as is known."""
    return frozenset(one.channel for one in tx.exec(select(Outage).where(col(Outage.until).is_(None))))


def within(tx: Tx, start: datetime, end: datetime) -> Sequence[Outage]:
    """Those of any moment between the two, the first first."""
    wanted = select(Outage).where(
        col(Outage.since) <= end, col(Outage.until).is_(None) | (col(Outage.until) >= start)
    )
    return tx.exec(wanted.order_by(col(Outage.since), col(Outage.id))).all()


def forget_older_than(tx: Tx, age: timedelta) -> int:
    """Removes those that ended so long ago; how many."""
    return touched(tx.execute(delete(Outage).where(col(Outage.until) < tx.now - age)))
