"""The ledger worked out anew from the deeds, by any rules: a dry run that shows what would differ.

Nothing is written: entries stay as they are, and name the rules that paid them.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

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
            for entry, points in _replayed(entries.get(account, []), services, policy):
                if points != entry.points:
                    yield Difference(volunteer_id, entry, points)
        after = accounts[-1][0]


def _accounts(tx: Tx, after: int) -> list[tuple[int, int]]:
    here = select(LedgerEntry.id).where(
        col(LedgerEntry.account_id) == col(LedgerAccount.id), tx.actor.scope("points.read", LedgerEntry.area)
    )
    wanted = select(LedgerAccount.id, LedgerAccount.volunteer_id).where(
        col(LedgerAccount.kind) == AccountKind.PERSON, col(LedgerAccount.id) > after, here.exists()
    )
    found = tx.exec(wanted.order_by(col(LedgerAccount.id)).limit(_BATCH)).all()
    return [(account, volunteer) for account, volunteer in found if volunteer is not None]


def _entries(tx: Tx, accounts: Iterable[int]) -> dict[int, list[LedgerEntry]]:
    wanted = select(LedgerEntry).where(col(LedgerEntry.account_id).in_(accounts))
    found: dict[int, list[LedgerEntry]] = {}
    for entry in tx.exec(wanted.order_by(col(LedgerEntry.id))):
        found.setdefault(entry.account_id, []).append(entry)
    return found


def _services(tx: Tx, entries: Iterable[LedgerEntry]) -> dict[str, Service]:
    """Source of an entry -> the duty as the ledger was told of it, by ids alone where a drill was paid."""
    transfers = [entry.transfer_id for entry in entries if entry.kind in (EntryKind.DUTY, EntryKind.DRILL)]
    rows = tx.exec(
        select(ServiceHours, Duty, Offer)
        .join(Duty, col(Duty.id) == col(ServiceHours.duty_id))
        .join(Offer, col(Offer.id) == col(Duty.offer_id))
        .where(col(ServiceHours.transfer_id).in_(transfers))
    ).all()
    places = slots.of(tx, {offer.slot_id for _, _, offer in rows})
    return {str(h.transfer_id): _service(h, duty, places[offer.slot_id]) for h, duty, offer in rows}


def _service(hours: ServiceHours, duty: Duty, place: slots.SlotFacts) -> Service:
    assert duty.checked_in_at is not None
    return Service(
        begins=duty.checked_in_at,
        ends=duty.checked_in_at + timedelta(minutes=hours.minutes),
        zone=ZoneInfo(place.zone),
        kind=Kind(place.incident.kind.value),
        grade=hours.grade,
        basis=hours.basis,
        hazardous=place.task.hazardous,
        leader=place.leads,
        approved=hours.state is not Review.CLEAR,
    )


def _replayed(
    entries: Iterable[LedgerEntry], services: Mapping[str, Service], policy: Rewards
) -> Iterator[tuple[LedgerEntry, int]]:
    earned: Counter[date] = Counter()
    paid: dict[str, Award] = {}
    for entry in entries:
        award = _award(entry, services.get(str(entry.transfer_id)), policy, earned, paid)
        paid[str(entry.transfer_id)] = award
        earned.update(award.days)
        yield entry, award.points


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
    return Award(entry.points, {date.fromisoformat(day): n for day, n in entry.days.items()}, ())


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
