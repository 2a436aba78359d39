"""The ledger: every deed pays once, every transfer adds up to zero, nothing is ever changed.

Paying rides in the transaction of the deed (a check-out, an answered survey), so the doors of those deeds
have asked who may. There is no verb by which declining or silence could cost: a person's points fall only by
what they `spend`, what lapses (`expiry`), and, with a reason, by `adjust`, `take_back` and `carry`.
"""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select, update

from volunteer_hub.core.columns import uuid7
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Refused
from volunteer_hub.incentives import rules
from volunteer_hub.incentives.flag_rules import Flag
from volunteer_hub.incentives.models import LedgerAccount, LedgerEntry, ServiceHours
from volunteer_hub.incentives.policy import Rewards
from volunteer_hub.incentives.rules import AccountKind, Award, EntryKind, Grade, Kind, Line, Review, Service


@dataclass(frozen=True)
class DutyFacts:
    """A duty that has ended. ``area``: the home of the person, where the points are kept."""

    duty_id: int
    incident_id: int
    volunteer_id: int
    area: str
    service: Service


@dataclass(frozen=True)
class InForce:
    """The rules that pay, and the stored version of all policy files (`core.versions.current`)."""

    rewards: Rewards
    policy_version: int


def settle_duty(tx: Tx, facts: DutyFacts, by: InForce) -> list[LedgerEntry]:
    """Records the hours of a duty and pays it: the person's entry first, then the pool's.

    Settled again, it returns the first entries. A drill pays once a person, whether settled here or by
    `settle_drill`. Raises Malformed when the end lies before the beginning.
    """
    service = facts.service
    kind = EntryKind.DRILL if service.kind is Kind.DRILL else EntryKind.DUTY
    drill = _drill_source(facts.incident_id, facts.volunteer_id)
    source = drill if kind is EntryKind.DRILL else f"duty:{facts.duty_id}"
    account = _held(tx, facts.volunteer_id)
    entries = _entries(tx, kind, source, account)
    if not entries:
        earned = _earned(tx, account, service.begins.astimezone(service.zone).date())
        award = rules.award(service, by.rewards, earned)
        entries = pay(tx, account, facts.area, kind, source, award, by, grade=service.grade)
    _record_hours(tx, facts, by.rewards, entries[0].transfer_id)
    return entries


def hold_duty(tx: Tx, facts: DutyFacts, flags: Sequence[Flag]) -> ServiceHours:
    """Records the hours of a duty without paying them: somebody looks at them first. Held again, the same."""
    known = select(ServiceHours).where(col(ServiceHours.duty_id) == facts.duty_id)
    found = tx.exec(known).first()
    return found if found is not None else _record(tx, facts, state=Review.WAITING, flags=flags)


def resettle_duty(tx: Tx, facts: DutyFacts, hours: ServiceHours, by: InForce) -> int:
    """Pays or takes the difference between what was paid for hours and what they are worth as decided now;
    the points in all. The caps are counted as if the first had not been paid."""
    account, service = _held(tx, facts.volunteer_id), facts.service
    paid = next(
        side
        for side in tx.exec(select(LedgerEntry).where(col(LedgerEntry.transfer_id) == hours.transfer_id))
        if side.account_id == account
    )
    earned = _earned(tx, account, service.begins.astimezone(service.zone).date())
    before = {date.fromisoformat(day): points for day, points in paid.days.items()}
    earned.subtract(before)
    worth = rules.award(service, by.rewards, earned)
    change = worth.points - paid.points
    if change:
        days = {day: worth.days.get(day, 0) - before.get(day, 0) for day in {*worth.days, *before}}
        award, source = Award(change, days, (Line("adjustment", change),)), f"duty:{facts.duty_id}/{uuid7()}"
        pay(tx, account, facts.area, EntryKind.ADJUSTMENT, source, award, by, reason=hours.reason)
    refused = hours.state is Review.REFUSED
    hours.counts = not refused and rules.counts_as_hours(
        service.grade, service.basis, by.rewards, approved=service.approved
    )
    tx.flush()
    return worth.points


def settle_standby(
    tx: Tx, offer_id: int, volunteer_id: int, area: str, minutes: int, zone: ZoneInfo, by: InForce
) -> list[LedgerEntry]:
    """Pays for standing by, once an offer; as `settle_duty`."""
    account, source, today = _held(tx, volunteer_id), f"offer:{offer_id}", tx.now.astimezone(zone).date()
    paid = _entries(tx, EntryKind.STANDBY, source, account)
    if paid:
        return paid
    award = rules.standby(minutes, today, by.rewards, _earned(tx, account, today))
    return pay(tx, account, area, EntryKind.STANDBY, source, award, by)


def settle_drill(
    tx: Tx, incident_id: int, volunteer_id: int, area: str, zone: ZoneInfo, by: InForce
) -> list[LedgerEntry]:
    """Pays for answering a drill in which nobody has to come, once a drill; as `settle_duty`."""
    points, source = by.rewards.points.drill, _drill_source(incident_id, volunteer_id)
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
    account = _held(tx, volunteer_id)
    have = _balance(tx, account)
    if have < points:
        raise Refused("points.too_few", have=have, n=points)
    kind = EntryKind.REDEMPTION
    award = Award(-points, {}, (Line(kind.value, -points, what),))
    return pay(tx, account, area, kind, source, award, by, other=AccountKind.REWARD)


def adjust(tx: Tx, volunteer_id: int, area: str, points: int, reason: str, by: InForce) -> list[LedgerEntry]:
    """Adds or takes points by hand. Raises Malformed without a reason or for a wild number."""
    tx.actor.must_cover("points.write", area)
    award = Award(rules.adjustment(points), {}, (Line("adjustment", points),))
    source, account = f"adjustment:{uuid7()}", _held(tx, volunteer_id)
    return pay(tx, account, area, EntryKind.ADJUSTMENT, source, award, by, reason=rules.reason_of(reason))


def reverse(tx: Tx, entry: LedgerEntry, reason: str) -> list[LedgerEntry]:
    """Takes back the whole transfer that an entry belongs to; a duty's hours then count no more, and the
    caps of its days are free again. The opposite entries, by the rules of the first. Reversed again, the
    same ones.

    Raises Malformed without a reason, Refused for the reversal of a reversal.
    """
    tx.actor.must_cover("points.write", entry.area)
    return take_back(tx, entry, reason)


def take_back(tx: Tx, entry: LedgerEntry, reason: str) -> list[LedgerEntry]:
    """As `reverse`, for a deed whose own door has asked who may."""
    why = rules.reason_of(reason)
    if entry.kind is EntryKind.REVERSAL:
        raise Refused("points.reversal")
    wanted = select(LedgerEntry).where(col(LedgerEntry.transfer_id) == entry.transfer_id)
    sides = tx.exec(wanted.order_by(col(LedgerEntry.id))).all()
    accounts = [side.account_id for side in sides]
    lock(tx, accounts)
    source = f"transfer:{entry.transfer_id}"
    before = [row for account in accounts for row in _of(tx, EntryKind.REVERSAL, source, account)]
    if before:
        return before
    transfer = uuid7()
    opposite = [_opposite(tx, side, transfer, source, why) for side in sides]
    tx.add_all(opposite)
    _strike_hours(tx, entry.transfer_id)
    tx.flush()
    return opposite


def carry(tx: Tx, keep: int, drop: int, area: str, reason: str, by: InForce) -> int:
    """The points and hours of the second of two entries go to the first: they are one person. How many."""
    theirs, mine = (_account(tx, AccountKind.PERSON, one) for one in (drop, keep))
    lock(tx, [theirs, mine])
    points = _balance(tx, theirs)
    if points:  # both go through the pool, whose side of each needs a source of its own
        for account, moved, source in (
            (theirs, -points, f"merge:{drop}"),
            (mine, points, f"merge:{drop}/{keep}"),
        ):
            award = Award(moved, {}, (Line("merged", moved),))
            pay(tx, account, area, EntryKind.ADJUSTMENT, source, award, by, reason=reason)
    hours = update(ServiceHours).where(col(ServiceHours.volunteer_id) == drop)
    tx.execute(hours.values(volunteer_id=keep))
    return points


def _drill_source(incident_id: int, volunteer_id: int) -> str:
    """Names the person too: one drill pays many, and all of them from the one pool."""
    return f"drill:{incident_id}/{volunteer_id}"


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
    account, today = _held(tx, volunteer_id), tx.now.astimezone(zone).date()
    paid = _entries(tx, kind, source, account)
    if paid:
        return paid
    award = rules.deed(kind, points, today, by.rewards, _earned(tx, account, today))
    return pay(tx, account, area, kind, source, award, by)


def _held(tx: Tx, volunteer_id: int) -> int:
    """The person's account, made when there is none; held until the commit, so that deeds of one person are
    paid one after the other and the caps are counted right."""
    account = _account(tx, AccountKind.PERSON, volunteer_id)
    lock(tx, [account])
    return account


def _balance(tx: Tx, account: int) -> int:
    total = func.coalesce(func.sum(col(LedgerEntry.points)), 0)
    return int(tx.exec(select(total).where(col(LedgerEntry.account_id) == account)).one())


def lock(tx: Tx, accounts: list[int]) -> None:
    """Holds people's accounts until the commit, in one order."""
    wanted = select(LedgerAccount.id).where(
        col(LedgerAccount.id).in_(accounts), col(LedgerAccount.kind) == AccountKind.PERSON
    )
    tx.exec(wanted.order_by(col(LedgerAccount.id)).with_for_update(key_share=True)).all()


def _account(tx: Tx, kind: AccountKind, volunteer_id: int | None = None) -> int:
    whose = col(LedgerAccount.volunteer_id)
    wanted = select(LedgerAccount.id).where(
        col(LedgerAccount.kind) == kind, whose.is_(None) if volunteer_id is None else whose == volunteer_id
    )
    found = tx.exec(wanted).first()
    if found is None:
        tx.execute(
            insert(LedgerAccount).values(kind=kind, volunteer_id=volunteer_id).on_conflict_do_nothing()
        )
        found = tx.exec(wanted).one()
    return found


def _of(tx: Tx, kind: EntryKind, source: str, account: int) -> list[LedgerEntry]:
    wanted = select(LedgerEntry).where(
        col(LedgerEntry.kind) == kind,
        col(LedgerEntry.source) == source,
        col(LedgerEntry.account_id) == account,
    )
    return list(tx.exec(wanted).all())


def _entries(tx: Tx, kind: EntryKind, source: str, account: int) -> list[LedgerEntry]:
    """Both sides of what was paid for the deed before, the person's first; empty when nothing was."""
    mine = _of(tx, kind, source, account)
    if not mine:
        return []
    other = select(LedgerEntry).where(
        col(LedgerEntry.transfer_id) == mine[0].transfer_id, col(LedgerEntry.account_id) != account
    )
    return [*mine, *tx.exec(other).all()]


def _earned(tx: Tx, account: int, first: date) -> Counter[date]:
    """Points by local day that the caps of the months from ``first`` on are to count."""
    wanted = select(LedgerEntry.days).where(
        col(LedgerEntry.account_id) == account, col(LedgerEntry.last_day) >= first.replace(day=1)
    )
    sums: Counter[date] = Counter()
    for days in tx.exec(wanted):
        sums.update({date.fromisoformat(day): points for day, points in days.items()})
    return sums


def pay(
    tx: Tx,
    account: int,
    area: str,
    kind: EntryKind,
    source: str,
    award: Award,
    by: InForce,
    *,
    grade: Grade | None = None,
    reason: str | None = None,
    other: AccountKind = AccountKind.POOL,
) -> list[LedgerEntry]:
    """Both sides of a transfer, from the pool if not said otherwise. Zero is written too: it explains why
    nothing was paid."""
    pool, transfer = _account(tx, other), uuid7()

    def side(account_id: int, points: int, lines: Sequence[Line], days: Mapping[date, int]) -> LedgerEntry:
        return LedgerEntry(
            transfer_id=transfer,
            account_id=account_id,
            area=area,
            points=points,
            at=tx.now,
            kind=kind,
            source=source,
            reason=reason,
            rule_version=by.rewards.version,
            policy_version=by.policy_version,
            grade=grade,
            lines=[line.stored() for line in lines],
            days={day.isoformat(): n for day, n in days.items()},
            last_day=max(days, default=None),
        )

    entries = [side(account, award.points, award.lines, award.days), side(pool, -award.points, (), {})]
    tx.add_all(entries)
    tx.flush()
    return entries


def _opposite(tx: Tx, side: LedgerEntry, transfer: uuid.UUID, source: str, reason: str) -> LedgerEntry:
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


def _record_hours(tx: Tx, facts: DutyFacts, policy: Rewards, transfer: uuid.UUID) -> None:
    """New hours, or those that waited; what was paid before is left alone."""
    known = select(ServiceHours).where(col(ServiceHours.duty_id) == facts.duty_id)
    hours = tx.exec(known).first() or _record(tx, facts)
    if hours.transfer_id is not None:
        return
    service = facts.service
    hours.transfer_id, hours.minutes = transfer, service.minutes
    hours.counts = rules.counts_as_hours(service.grade, service.basis, policy, approved=service.approved)
    tx.flush()


def _record(
    tx: Tx, facts: DutyFacts, *, state: Review = Review.CLEAR, flags: Sequence[Flag] = ()
) -> ServiceHours:
    service = facts.service
    hours = ServiceHours(
        duty_id=facts.duty_id,
        volunteer_id=facts.volunteer_id,
        area=facts.area,
        minutes=service.minutes,
        served_minutes=service.minutes,
        grade=service.grade,
        basis=service.basis,
        counts=False,
        at=tx.now,
        state=state,
        flags=[flag.stored() for flag in flags],
    )
    tx.add(hours)
    return hours


def _strike_hours(tx: Tx, transfer: uuid.UUID) -> None:
    wanted = select(ServiceHours).where(col(ServiceHours.transfer_id) == transfer).with_for_update()
    for hours in tx.exec(wanted):
        hours.counts, hours.reversed_at = False, tx.now
