"""The ledger: every deed pays once, every transfer adds up to zero, nothing is ever changed.

Paying rides in the transaction of the deed (a check-out, an answered survey), so the doors of those deeds
have asked who may. There is no verb by which declining or silence could cost: a person's points fall only by
what they `spend`, what lapses (`expiry`), and, with a reason, by `adjust`, `take_back` and `carry`.
"""

import uuid
from datetime import date
from zoneinfo import ZoneInfo

from sqlmodel import col, select, update

from volunteer_hub.core.columns import uuid7
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Refused
from volunteer_hub.incentives import entries, rules, settlement, time_served
from volunteer_hub.incentives.entries import InForce, Named, Transfer
from volunteer_hub.incentives.models import LedgerAccount, LedgerEntry, ServiceHours
from volunteer_hub.incentives.rules import AccountKind, Award, EntryKind, Line, Review
from volunteer_hub.incentives.time_served import DutyFacts


def settle_duty(tx: Tx, facts: DutyFacts, by: InForce) -> list[LedgerEntry]:
    """Records the hours of a duty and pays it: the person's entry first, then the pool's.

    Settled again, it returns the first entries. A drill pays once a person, whether settled here or by
    `settle_drill`. Raises Malformed when the end lies before the beginning.
    """
    service, (kind, source) = facts.service, settlement.source_of(facts)
    account = entries.held(tx, facts.volunteer_id)
    paid = entries.both(tx, kind, source, account)
    if not paid:
        earned = entries.earned(tx, account, service.begins.astimezone(service.zone).date())
        award = rules.award(service, by.rewards, earned)
        paid = entries.pay(tx, Transfer(account, facts.area, kind, source, award, service.grade), by)
    time_served.record(tx, facts, by.rewards, paid[0].transfer_id)
    return paid


def resettle_duty(tx: Tx, facts: DutyFacts, hours: ServiceHours, by: InForce) -> int:
    """Pays or takes the difference between what was paid for hours and what they are worth as decided now;
    the points in all. The caps are counted as if the first had not been paid."""
    account, service = entries.held(tx, facts.volunteer_id), facts.service
    sides = (
        select(LedgerEntry)
        .join(LedgerAccount, col(LedgerAccount.id) == col(LedgerEntry.account_id))
        .where(col(LedgerEntry.transfer_id) == hours.transfer_id)
    )
    paid = tx.exec(sides.where(col(LedgerAccount.kind) == AccountKind.PERSON)).one()
    earned = entries.earned(tx, account, service.begins.astimezone(service.zone).date())
    before = {date.fromisoformat(day): points for day, points in paid.days.items()}
    earned.subtract(before)
    worth = rules.award(service, by.rewards, earned)
    change = worth.points - paid.points
    if change:
        days = {day: worth.days.get(day, 0) - before.get(day, 0) for day in {*worth.days, *before}}
        award, source = Award(change, days, (Line("adjustment", change),)), f"duty:{facts.duty_id}/{uuid7()}"
        moved = Transfer(account, facts.area, EntryKind.ADJUSTMENT, source, award, reason=hours.reason)
        entries.pay(tx, moved, by)
    hours.counts = hours.state is not Review.REFUSED and time_served.counts(service, by.rewards)
    tx.flush()
    return worth.points


def settle_standby(
    tx: Tx, offer_id: int, volunteer_id: int, area: str, minutes: int, zone: ZoneInfo, by: InForce
) -> list[LedgerEntry]:
    """Pays for standing by, once an offer; as `settle_duty`."""
    account, source = entries.held(tx, volunteer_id), f"offer:{offer_id}"
    today = tx.now.astimezone(zone).date()
    paid = entries.both(tx, EntryKind.STANDBY, source, account)
    if paid:
        return paid
    award = rules.standby(minutes, today, by.rewards, entries.earned(tx, account, today))
    return entries.pay(tx, Transfer(account, area, EntryKind.STANDBY, source, award), by)


def settle_drill(
    tx: Tx, incident_id: int, volunteer_id: int, area: str, zone: ZoneInfo, by: InForce
) -> list[LedgerEntry]:
    """Pays for answering a drill in which nobody has to come, once a drill; as `settle_duty`."""
    points, source = by.rewards.points.drill, settlement.drill_source(incident_id, volunteer_id)
    return _settle_deed(tx, EntryKind.DRILL, points, source, volunteer_id, area, zone, by)


def settle_survey(
    tx: Tx, survey_id: int, volunteer_id: int, area: str, zone: ZoneInfo, by: InForce
) -> list[LedgerEntry]:
    """Pays for an answered survey, once a survey; as `settle_duty`."""
    points, source = by.rewards.points.survey, f"survey:{survey_id}"
    return _settle_deed(tx, EntryKind.SURVEY, points, source, volunteer_id, area, zone, by)


def settle_deed(
    tx: Tx,
    kind: EntryKind,
    source: str,
    points: int,
    volunteer_id: int,
    area: str,
    zone: ZoneInfo,
    by: InForce,
) -> list[LedgerEntry]:
    """Pays for a deed of another part of the house, once a ``source`` and person; as `settle_duty`."""
    return _settle_deed(tx, kind, points, f"{source}/{volunteer_id}", volunteer_id, area, zone, by)


def spend(
    tx: Tx, volunteer_id: int, area: str, points: int, source: str, what: dict[str, str], by: InForce
) -> list[LedgerEntry]:
    """Moves points of a person to what they are spent on. Raises Refused where they have fewer: their account
    is held until the commit, so that two who spend at once never spend the same."""
    account = entries.held(tx, volunteer_id)
    have = entries.balance(tx, account)
    if have < points:
        raise Refused("points.too_few", have=have, n=points)
    kind = EntryKind.REDEMPTION
    award = Award(-points, {}, (Line(kind.value, -points, what),))
    return entries.pay(tx, Transfer(account, area, kind, source, award), by, AccountKind.REWARD)


def adjust(tx: Tx, volunteer_id: int, area: str, points: int, reason: str, by: InForce) -> list[LedgerEntry]:
    """Adds or takes points by hand; taking is for `deductions`, which tells the person. Raises Malformed
    without a reason or for a wild number."""
    tx.actor.must_cover("points.write", area)
    award = Award(rules.adjustment(points), {}, (Line("adjustment", points),))
    source, account = f"adjustment:{uuid7()}", entries.held(tx, volunteer_id)
    why = rules.reason_of(reason)
    return entries.pay(tx, Transfer(account, area, EntryKind.ADJUSTMENT, source, award, reason=why), by)


def reverse(tx: Tx, entry: LedgerEntry, reason: str) -> list[LedgerEntry]:
    """Takes back the whole transfer that an entry belongs to; a duty's hours then count no more, and the
    caps of its days are free again. The opposite entries, by the rules of the first. Reversed again, the
    same ones. What had paid somebody is for `deductions`, which tells them.

    Raises Malformed without a reason, Refused for the reversal of a reversal.
    """
    tx.actor.must_cover("points.write", entry.area)
    return take_back(tx, entry, reason)


def take_back(tx: Tx, entry: LedgerEntry, reason: str) -> list[LedgerEntry]:
    """As `reverse`, for a deed whose own door has asked who may."""
    if entry.kind is EntryKind.REVERSAL:
        raise Refused("points.reversal")
    return _undo(tx, entry, reason)


def side(tx: Tx, volunteer_id: int, transfer: uuid.UUID) -> LedgerEntry:
    """The person's side of a transfer."""
    wanted = select(LedgerEntry).where(
        col(LedgerEntry.transfer_id) == transfer,
        col(LedgerEntry.account_id).in_(entries.with_merged([entries.held(tx, volunteer_id)])),
    )
    return tx.exec(wanted).one()


def taken_back(tx: Tx, entry: LedgerEntry) -> bool:
    """Whether the transfer of an entry was taken back before."""
    return bool(entries.of(tx, EntryKind.REVERSAL, f"transfer:{entry.transfer_id}", entry.account_id))


def restore(tx: Tx, entry: LedgerEntry, reason: str, by: InForce) -> list[LedgerEntry]:
    """Undoes what took points from a person, also where that itself took back a deed: the points and the
    hours of that deed count again. For a door of its own, as `take_back`."""
    opposite = _undo(tx, entry, reason)
    if entry.kind is EntryKind.REVERSAL:
        first = uuid.UUID(entry.source.removeprefix("transfer:"))
        time_served.count_again(tx, first, by.rewards)
    return opposite


def _undo(tx: Tx, entry: LedgerEntry, reason: str) -> list[LedgerEntry]:
    why = rules.reason_of(reason)
    wanted = select(LedgerEntry).where(col(LedgerEntry.transfer_id) == entry.transfer_id)
    sides = tx.exec(wanted.order_by(col(LedgerEntry.id))).all()
    accounts = [side.account_id for side in sides]
    merged = _held_with_kept(tx, accounts)
    source = f"transfer:{entry.transfer_id}"
    before = [row for account in accounts for row in entries.of(tx, EntryKind.REVERSAL, source, account)]
    if before:
        return before
    transfer = uuid7()
    opposite = [entries.opposite(tx, side, transfer, source, why) for side in sides]
    tx.add_all(opposite)
    time_served.strike(tx, entry.transfer_id)
    tx.flush()
    for account, kept in merged.items():
        _move(tx, account, kept, entry.area, f"merge:{account}:{transfer}", why, entry)
    return opposite


def _held_with_kept(tx: Tx, accounts: list[int]) -> dict[int, int]:
    """Holds people's accounts, and those that they have become part of: account -> the one kept."""
    into = col(LedgerAccount.merged_into)
    wanted = select(LedgerAccount.id, into).where(col(LedgerAccount.id).in_(accounts), into.is_not(None))
    before: dict[int, int] | None = None
    while (found := {account: kept for account, kept in tx.exec(wanted) if kept is not None}) != before:
        before = found
        entries.lock(tx, [*accounts, *found.values()])
    return found


def carry(tx: Tx, keep: int, drop: int, area: str, reason: str, by: InForce) -> int:
    """The points and hours of the second of two entries go to the first: they are one person. How many.

    What is paid to the second from now on, or given back to it, goes there too.
    """
    accounts = entries.held_by(tx, {keep, drop})
    mine, theirs = accounts[keep], accounts[drop]
    points = _move(tx, theirs, mine, area, f"merge:{drop}", reason, by)
    merged = update(LedgerAccount).where(
        (col(LedgerAccount.id) == theirs) | (col(LedgerAccount.merged_into) == theirs)
    )
    tx.execute(merged.values(merged_into=mine))
    hours = update(ServiceHours).where(col(ServiceHours.volunteer_id) == drop)
    tx.execute(hours.values(volunteer_id=keep))
    return points


def _move(tx: Tx, theirs: int, mine: int, area: str, source: str, reason: str, by: Named) -> int:
    """Moves all that lies on one account to another, through the pool, whose side of each half needs a source
    of its own."""
    points = entries.balance(tx, theirs)
    if points:
        for account, moved, name in ((theirs, -points, source), (mine, points, f"{source}/{mine}")):
            award = Award(moved, {}, (Line("merged", moved),))
            half = Transfer(account, area, EntryKind.ADJUSTMENT, name, award, reason=reason)
            entries.pay(tx, half, by)
    return points


def _settle_deed(
    tx: Tx,
    kind: EntryKind,
    points: int,
    source: str,
    volunteer_id: int,
    area: str,
    zone: ZoneInfo,
    by: InForce,
) -> list[LedgerEntry]:
    account, today = entries.held(tx, volunteer_id), tx.now.astimezone(zone).date()
    paid = entries.both(tx, kind, source, account)
    if paid:
        return paid
    award = rules.deed(kind, points, today, by.rewards, entries.earned(tx, account, today))
    return entries.pay(tx, Transfer(account, area, kind, source, award), by)
