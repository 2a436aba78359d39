"""Entries of the ledger as they are written: accounts held in one order, both sides of a transfer at once."""

import uuid
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from sqlalchemy import BigInteger, Uuid, func, literal, null
from sqlalchemy import select as select_any
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlmodel import col, select

from volunteer_hub.core import bulk
from volunteer_hub.core.columns import uuid7
from volunteer_hub.core.db import Tx
from volunteer_hub.incentives.models import LedgerAccount, LedgerEntry
from volunteer_hub.incentives.policy import Rewards
from volunteer_hub.incentives.rules import AccountKind, Award, EntryKind, Grade, Line


class Named(Protocol):
    """The rules that an entry names: those in force, or those of another entry."""

    @property
    def rule_version(self) -> int: ...
    @property
    def policy_version(self) -> int: ...


@dataclass(frozen=True)
class InForce:
    """The rules that pay, and the stored version of all policy files (`core.versions.current`)."""

    rewards: Rewards
    policy_version: int

    @property
    def rule_version(self) -> int:
        """The version of the rules."""
        return self.rewards.version


@dataclass(frozen=True)
class Transfer:
    """What moves points: the deed, and what it is worth to the person's account."""

    account: int
    area: str
    kind: EntryKind
    source: str
    award: Award
    grade: Grade | None = None
    reason: str | None = None
    id: uuid.UUID = field(default_factory=uuid7)


def held(tx: Tx, volunteer_id: int) -> int:
    """The person's account, made when there is none; held until the commit, so that deeds of one person are
    paid one after the other and the caps are counted right."""
    return held_by(tx, [volunteer_id])[volunteer_id]


def held_by(tx: Tx, volunteer_ids: Collection[int]) -> dict[int, int]:
    """The same of many people: their accounts by person; that of the entry kept, where one of two was."""
    _add_missing(tx, volunteer_ids)
    found: dict[int, int] = {}
    while (seen := _kept(tx, volunteer_ids)) != found:  # two entries may be becoming one just now
        found = seen
        lock(tx, set(found.values()))
    return found


def known(tx: Tx, volunteer_id: int) -> int | None:
    """The person's account, if there is one, without holding it."""
    return _kept(tx, [volunteer_id]).get(volunteer_id)


def _kept(tx: Tx, volunteer_ids: Collection[int]) -> dict[int, int]:
    whose = col(LedgerAccount.volunteer_id)
    wanted: Any = select(whose, func.coalesce(col(LedgerAccount.merged_into), col(LedgerAccount.id)))
    return dict(tx.execute(wanted.where(bulk.among(whose, volunteer_ids))).all())


def _add_missing(tx: Tx, volunteer_ids: Collection[int]) -> None:
    missing = sorted(set(volunteer_ids) - _kept(tx, volunteer_ids).keys())
    rows = [{"kind": AccountKind.PERSON, "volunteer_id": who} for who in missing]
    for some in bulk.batches(rows):
        new = insert(LedgerAccount).from_select(list(some[0]), bulk.select_rows(LedgerAccount, some))
        tx.execute(new.on_conflict_do_nothing())


def lock(tx: Tx, accounts: Collection[int]) -> None:
    """Holds people's accounts until the commit, in one order."""
    wanted = select(LedgerAccount.id).where(
        bulk.among(col(LedgerAccount.id), accounts), col(LedgerAccount.kind) == AccountKind.PERSON
    )
    tx.exec(wanted.order_by(col(LedgerAccount.id)).with_for_update(key_share=True)).all()


def with_merged(accounts: Collection[int]) -> Any:
    """These accounts and those that became part of them, as a query."""
    own = bulk.among(col(LedgerAccount.id), accounts)
    return select(LedgerAccount.id).where(own | bulk.among(col(LedgerAccount.merged_into), accounts))


def common(tx: Tx, kind: AccountKind) -> int:
    """The one account of a kind that is nobody's."""
    wanted = select(LedgerAccount.id).where(
        col(LedgerAccount.kind) == kind, col(LedgerAccount.volunteer_id).is_(None)
    )
    found = tx.exec(wanted).first()
    if found is None:
        tx.execute(insert(LedgerAccount).values(kind=kind).on_conflict_do_nothing())
        found = tx.exec(wanted).one()
    return found


def balance(tx: Tx, account: int) -> int:
    """The points that lie there."""
    total = func.coalesce(func.sum(col(LedgerEntry.points)), 0)
    return int(tx.exec(select(total).where(col(LedgerEntry.account_id) == account)).one())


def of(tx: Tx, kind: EntryKind, source: str, account: int) -> list[LedgerEntry]:
    """The account's side of what was moved for a deed before; empty when nothing was."""
    wanted = select(LedgerEntry).where(
        col(LedgerEntry.kind) == kind,
        col(LedgerEntry.source) == source,
        col(LedgerEntry.account_id).in_(with_merged([account])),
    )
    return list(tx.exec(wanted).all())


def both(tx: Tx, kind: EntryKind, source: str, account: int) -> list[LedgerEntry]:
    """Both sides of what was paid for the deed before, the person's first; empty when nothing was."""
    mine = of(tx, kind, source, account)
    if not mine:
        return []
    other = select(LedgerEntry).where(
        col(LedgerEntry.transfer_id) == mine[0].transfer_id, col(LedgerEntry.id) != mine[0].id
    )
    return [*mine, *tx.exec(other).all()]


def earned(tx: Tx, account: int, first: date) -> Counter[date]:
    """Points by local day that the caps of the months from ``first`` on are to count."""
    return earned_by(tx, [account], first)[account]


def earned_by(tx: Tx, accounts: Collection[int], first: date) -> dict[int, Counter[date]]:
    """The same of many accounts."""
    kept = func.coalesce(col(LedgerAccount.merged_into), col(LedgerAccount.id))
    wanted = (
        select(kept, LedgerEntry.days)
        .join(LedgerAccount, col(LedgerAccount.id) == col(LedgerEntry.account_id))
        .where(
            col(LedgerAccount.id).in_(with_merged(accounts)),
            col(LedgerEntry.last_day) >= first.replace(day=1),
        )
    )
    sums: dict[int, Counter[date]] = {account: Counter() for account in accounts}
    for account, days in tx.exec(wanted):
        sums[account].update({date.fromisoformat(day): points for day, points in days.items()})
    return sums


def pay(tx: Tx, moved: Transfer, by: Named, other: AccountKind = AccountKind.POOL) -> list[LedgerEntry]:
    """Both sides of a transfer, from the pool if not said otherwise, the person's first. Zero is written too:
    it explains why nothing was paid."""
    award = moved.award
    both_sides = ((moved.account, award), (common(tx, other), Award(-award.points, {}, ())))
    written = [LedgerEntry(**side(moved, account, worth, tx.now, by)) for account, worth in both_sides]
    tx.add_all(written)
    tx.flush()
    return written


def pay_many(tx: Tx, moved: Sequence[Transfer], by: Named) -> None:
    """As `pay`, from the pool, for many: two statements a thousand, the second of which makes the pool's
    sides of the others."""
    pool = common(tx, AccountKind.POOL)
    rows = [side(one, one.account, one.award, tx.now, by) for one in moved]
    for some in bulk.batches(rows):
        new = insert(LedgerEntry).from_select(list(some[0]), bulk.select_rows(LedgerEntry, some))
        tx.execute(new.returning(col(LedgerEntry.id), col(LedgerEntry.area))).all()
        theirs = insert(LedgerEntry).from_select(list(some[0]), _from_pool(pool, some))
        tx.execute(theirs.returning(col(LedgerEntry.id), col(LedgerEntry.area))).all()


def _from_pool(pool: int, rows: Sequence[bulk.Row]) -> Any:
    """The other sides of rows just written, in their order."""
    given: dict[str, Any] = {
        "public_id": func.gen_random_uuid(),
        "account_id": literal(pool, BigInteger),
        "points": -col(LedgerEntry.points),
        "lines": literal([], JSONB),
        "days": literal({}, JSONB),
        "last_day": null(),
    }
    columns = [given.get(name, getattr(LedgerEntry, name)) for name in rows[0]]
    transfers = [row["transfer_id"] for row in rows]
    whose = col(LedgerEntry.transfer_id)
    return select_any(*columns).where(bulk.among(whose, transfers, Uuid)).order_by(col(LedgerEntry.id))


def side(moved: Transfer, account: int, award: Award, now: datetime, by: Named) -> dict[str, Any]:
    """One row of a transfer: that of the account, which explains itself by what it is awarded."""
    return {
        "public_id": uuid7(),
        "transfer_id": moved.id,
        "account_id": account,
        "area": moved.area,
        "points": award.points,
        "at": now,
        "kind": moved.kind,
        "source": moved.source,
        "reason": moved.reason,
        "rule_version": by.rule_version,
        "policy_version": by.policy_version,
        "grade": moved.grade,
        "lines": [line.stored() for line in award.lines],
        "days": {day.isoformat(): n for day, n in award.days.items()},
        "last_day": max(award.days, default=None),
    }


def opposite(tx: Tx, side: LedgerEntry, transfer: uuid.UUID, source: str, reason: str) -> LedgerEntry:
    """What takes back one side of a transfer, by the rules of the first."""
    return LedgerEntry(
        transfer_id=transfer,
        account_id=side.account_id,
        area=side.area,
        points=-side.points,
        at=tx.now,
        kind=EntryKind.REVERSAL,
        source=source,
        reason=reason,
        rule_version=side.rule_version,
        policy_version=side.policy_version,
        grade=side.grade,
        lines=[Line("reversal", -side.points).stored()] if side.lines else [],
        days={day: -points for day, points in side.days.items()},
        last_day=side.last_day,
    )
