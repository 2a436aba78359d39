"""The ledger worked out anew from the deeds, by any rules: a dry run that shows what would differ.

Nothing is written: entries stay as they are, and name the rules that paid them.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import func
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from volunteer_hub.boards import slots
from volunteer_hub.core.db import Tx
from volunteer_hub.incentives import rules
from volunteer_hub.incentives.models import LedgerAccount, LedgerEntry, ServiceHours
from volunteer_hub.incentives.policy import Rewards
from volunteer_hub.incentives.rules import AccountKind, Award, EntryKind, Kind, Review, Service
from volunteer_hub.mobilization.models import Duty, Offer

_PER_DEED: Final = frozenset({EntryKind.DRILL, EntryKind.SURVEY, EntryKind.REPORT, EntryKind.TRAINING})
_BATCH: Final = 1000
_ID: Final = col(LedgerAccount.id)


@dataclass(frozen=True)
class _Served:
    duty_id: int
    service: Service


@dataclass(frozen=True)
class Difference:
    """One entry that the rules would write otherwise. ``volunteer_id`` names the person inside."""

    volunteer_id: int
    entry: LedgerEntry
    would_be: int


def differences(tx: Tx, policy: Rewards, *, after: int = 0) -> Iterator[Difference]:
    """Every entry of the people of the actor's areas that ``policy`` would pay otherwise, person after person
    in the order of what was paid.

    The caps are counted from what would have been paid. What was decided by hand, taken back or lapsed stays
    as it is. Raises Forbidden without ``points.read``.
    """
    tx.actor.must("points.read")
    while accounts := _accounts(tx, after):
        entries = _entries(tx, [account for account, _ in accounts])
        services = _services(tx, [one for of in entries.values() for one in of])
        for account, volunteer_id in accounts:
            for entry, points in _replayed(account, entries.get(account, []), services, policy):
                if points != entry.points:
                    yield Difference(volunteer_id, entry, points)
        after = accounts[-1][0]


def _accounts(tx: Tx, after: int) -> list[tuple[int, int]]:
    """(account, person) of those that have not become part of another, with entries in the actor's areas."""
    part = aliased(LedgerAccount)
    parts = select(part.id).where((col(part.id) == _ID) | (col(part.merged_into) == _ID))
    here = select(LedgerEntry.id).where(
        col(LedgerEntry.account_id).in_(parts.correlate(LedgerAccount)),
        tx.actor.scope("points.read", LedgerEntry.area),
    )
    wanted = select(LedgerAccount.id, LedgerAccount.volunteer_id).where(
        col(LedgerAccount.kind) == AccountKind.PERSON,
        col(LedgerAccount.merged_into).is_(None),
        after < _ID,
        here.correlate(LedgerAccount).exists(),
    )
    found = tx.exec(wanted.order_by(_ID).limit(_BATCH)).all()
    return [(account, volunteer) for account, volunteer in found if volunteer is not None]


def _entries(tx: Tx, accounts: Collection[int]) -> dict[int, list[LedgerEntry]]:
    """By account, with those of the accounts that became part of it, in the order of what was paid."""
    kept = func.coalesce(col(LedgerAccount.merged_into), _ID)
    wanted = (
        select(kept, LedgerEntry)
        .join(LedgerAccount, col(LedgerEntry.account_id) == _ID)
        .where(_ID.in_(accounts) | col(LedgerAccount.merged_into).in_(accounts))
    )
    found: dict[int, list[LedgerEntry]] = {}
    for account, entry in tx.exec(wanted.order_by(col(LedgerEntry.id))):
        found.setdefault(account, []).append(entry)
    return found


def _services(tx: Tx, entries: Iterable[LedgerEntry]) -> dict[str, _Served]:
    """Transfer -> the duty that it paid, as the ledger was told of it."""
    transfers = [entry.transfer_id for entry in entries if entry.kind in (EntryKind.DUTY, EntryKind.DRILL)]
    rows = tx.exec(
        select(ServiceHours, Duty, Offer)
        .join(Duty, col(Duty.id) == col(ServiceHours.duty_id))
        .join(Offer, col(Offer.id) == col(Duty.offer_id))
        .where(col(ServiceHours.transfer_id).in_(transfers))
    ).all()
    places = slots.of(tx, {offer.slot_id for _, _, offer in rows})
    return {
        str(h.transfer_id): _Served(duty.id, _service(h, duty, places[offer.slot_id]))
        for h, duty, offer in rows
    }


def _service(hours: ServiceHours, duty: Duty, place: slots.SlotFacts) -> Service:
    assert duty.checked_in_at is not None
    minutes = 0 if hours.state is Review.REFUSED else hours.minutes
    return Service(
        begins=duty.checked_in_at,
        ends=duty.checked_in_at + timedelta(minutes=minutes),
        zone=ZoneInfo(place.zone),
        kind=Kind(place.incident.kind.value),
        grade=hours.grade,
        basis=hours.basis,
        hazardous=place.task.hazardous,
        leader=place.leads,
        approved=hours.state is not Review.CLEAR,
    )


def _replayed(
    kept: int, entries: Sequence[LedgerEntry], services: Mapping[str, _Served], policy: Rewards
) -> Iterator[tuple[LedgerEntry, int]]:
    """What the entries would be. The caps count for each account alone until it becomes part of ``kept``, and
    what a decision changed later is worked out where it was changed."""
    earned: dict[int, Counter[date]] = defaultdict(Counter)
    last = {entry.account_id: entry.id for entry in entries}
    changed = {_duty_of(entry): entry.id for entry in entries if _duty_of(entry)}
    first: dict[str, tuple[LedgerEntry, Service]] = {}
    sums: dict[str, Counter[date]] = defaultdict(Counter)
    paid: dict[str, Award] = {}
    joined: set[int] = set()
    for entry in entries:
        mine = earned[kept if entry.account_id in joined else entry.account_id]
        served, duty = services.get(str(entry.transfer_id)), _duty_of(entry)
        if served is not None and f"duty:{served.duty_id}" in changed:
            duty = f"duty:{served.duty_id}"
            first[duty] = entry, served.service
            award = _as_it_is(entry)
        elif duty in first and changed[duty] == entry.id:
            award = _change(*first[duty], policy, mine, sums[duty])
        else:
            award = _award(entry, served.service if served is not None else None, policy, mine, paid)
        paid[str(entry.transfer_id)] = award
        mine.update(award.days)
        if duty:
            sums[duty].update(award.days)
        ends = entry.source.startswith("merge:") or last[entry.account_id] == entry.id
        if ends and entry.account_id not in {kept, *joined}:
            joined.add(entry.account_id)
            earned[kept].update(earned[entry.account_id])
        yield entry, award.points


def _duty_of(entry: LedgerEntry) -> str:
    """The duty whose hours a later decision has changed, by the source of its pay; empty for all else."""
    changed = entry.kind is EntryKind.ADJUSTMENT and entry.source.startswith("duty:")
    return entry.source.partition("/")[0] if changed else ""


def _change(
    first: LedgerEntry, service: Service, policy: Rewards, earned: Counter[date], before: Counter[date]
) -> Award:
    """What the last decision on a duty's hours adds to what was paid ``before``, see `ledger`."""
    rest = Counter(earned)
    rest.subtract(before)
    worth = rules.award(replace(service, level_percent=_level(first)), policy, rest)
    days = {day: worth.days.get(day, 0) - before[day] for day in {*worth.days, *before}}
    return Award(sum(days.values()), days, ())


def _as_it_is(entry: LedgerEntry) -> Award:
    return Award(entry.points, {date.fromisoformat(day): n for day, n in entry.days.items()}, ())


def _award(
    entry: LedgerEntry,
    service: Service | None,
    policy: Rewards,
    earned: Mapping[date, int],
    paid: Mapping[str, Award],
) -> Award:
    if entry.kind is EntryKind.REVERSAL:
        taken = paid.get(entry.source.removeprefix("transfer:"))
        if taken is not None:
            return Award(-taken.points, {day: -points for day, points in taken.days.items()}, ())
    if service is not None:
        return rules.award(replace(service, level_percent=_level(entry)), policy, earned)
    if entry.kind is EntryKind.STANDBY:
        hours = next((line["params"]["hours"] for line in entry.lines if line["code"] == "standby"), 0)
        return rules.standby(hours * 60, _day(entry), policy, earned)
    if entry.kind in _PER_DEED:
        return rules.deed(entry.kind, _worth(entry, policy), _day(entry), policy, earned)
    return _as_it_is(entry)


def _level(entry: LedgerEntry) -> int:
    """The multiplier of the person's level at that time, as the entry itself keeps it."""
    return 100 + next((line["params"]["percent"] for line in entry.lines if line["code"] == "level"), 0)


def _worth(entry: LedgerEntry, policy: Rewards) -> int:
    """By the rules, but what a deed's own part of the house has set stays: a course may pay as it likes."""
    stated = next((line["points"] for line in entry.lines if line["code"] == entry.kind.value), 0)
    usual = int(getattr(policy.points, entry.kind.value))
    return stated if entry.kind is EntryKind.TRAINING else usual


def _day(entry: LedgerEntry) -> date:
    return entry.last_day or entry.at.date()
