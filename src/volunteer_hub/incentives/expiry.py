"""Points that nobody has used in time lapse: what was used first was earned first."""

from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import exists, func
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from volunteer_hub.core.db import Tx
from volunteer_hub.incentives import entries, rules
from volunteer_hub.incentives.entries import InForce, Transfer
from volunteer_hub.incentives.models import LedgerAccount, LedgerEntry
from volunteer_hub.incentives.rules import AccountKind, Award, EntryKind, Line


def expire(tx: Tx, today: date, by: InForce, *, after: int = 0, limit: int = 1000) -> list[int]:
    """Takes the points that were earned too long ago and not used by then, of at most ``limit`` people; their
    accounts, all above ``after``. What was used first was earned first. Any number of workers may run it.
    """
    first = rules.expired_before(today, by.rewards)
    lapsing = _lapsed(first)
    account_id = col(LedgerEntry.account_id)
    due = [row[0] for row in tx.exec(lapsing.where(account_id > after).limit(limit))]
    entries.lock(tx, due)
    lapsed = tx.exec(lapsing.where(account_id.in_(due))).all()
    for account, area, points in lapsed:
        line = Line("expiry", -points, {"day": first.isoformat(), "months": by.rewards.expiry_months})
        award, source = Award(-points, {}, (line,)), f"expiry:{first}/{account}"
        entries.pay(tx, Transfer(account, area, EntryKind.EXPIRY, source, award), by, AccountKind.EXPIRY)
    return due


def _lapsed(first: date) -> Any:
    """(account, area of its newest entry, points) of people who hold points from before a day (UTC).

    A transfer that was taken back, and what took it back, leave no trace here, unless that was undone on
    appeal; only a lapse that was taken back stays one, or the next sweep would take it again.
    """
    entry, back, again = col(LedgerEntry.id), aliased(LedgerEntry), aliased(LedgerEntry)
    undone = exists().where(*_undoes(back, LedgerEntry), ~exists().where(*_undoes(again, back)))
    points, kind = col(LedgerEntry.points), col(LedgerEntry.kind)
    moment = datetime.combine(first, time(), UTC)
    earned = func.coalesce(func.sum(points).filter(points > 0, col(LedgerEntry.at) < moment), 0)
    left = earned + func.coalesce(func.sum(points).filter(points < 0), 0)
    newest = func.array_agg(aggregate_order_by(col(LedgerEntry.area), entry.desc()))[1]
    return (
        select(col(LedgerEntry.account_id), newest, left)
        .join(LedgerAccount, col(LedgerAccount.id) == col(LedgerEntry.account_id))
        .where(
            col(LedgerAccount.kind) == AccountKind.PERSON,
            kind != EntryKind.REVERSAL,
            ~undone | (kind == EntryKind.EXPIRY),
        )
        .group_by(col(LedgerEntry.account_id))
        .having(left > 0)
        .order_by(col(LedgerEntry.account_id))
    )


def _undoes(back: Any, taken: Any) -> tuple[Any, ...]:
    """Where one entry took back the other."""
    return (
        col(back.kind) == EntryKind.REVERSAL,
        col(back.account_id) == col(taken.account_id),
        col(back.source) == func.concat("transfer:", col(taken.transfer_id)),
    )
