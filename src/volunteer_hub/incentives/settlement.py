"""Many duties settled in a few statements: the same entries and hours as one after the other."""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import Text
from sqlmodel import col, select

from volunteer_hub.core import bulk
from volunteer_hub.core.db import Tx
from volunteer_hub.incentives import entries, levels_rules, queries, rules, time_served
from volunteer_hub.incentives.entries import InForce, Transfer
from volunteer_hub.incentives.flag_rules import Flag
from volunteer_hub.incentives.levels_policy import Ladder
from volunteer_hub.incentives.models import LedgerEntry
from volunteer_hub.incentives.rules import EntryKind, Kind, Service
from volunteer_hub.incentives.time_served import DutyFacts, Kept


@dataclass(frozen=True)
class Due:
    """A duty to be settled, with what speaks against its hours. ``ladder``: the levels of the person's area,
    where any multiplies points."""

    facts: DutyFacts
    flags: tuple[Flag, ...] = ()
    ladder: Ladder | None = None


@dataclass(frozen=True)
class Paid:
    """What a deed has paid its person, and by which transfer."""

    transfer_id: uuid.UUID
    points: int


Deed = tuple[EntryKind, str]
"""What names a deed in the ledger."""
Settled = dict[int, int | None]
"""Duty -> the points it pays; None where somebody looks at the hours first."""


def source_of(facts: DutyFacts) -> Deed:
    """What names the deed in the ledger. A drill names the person too: one drill pays many, and all of them
    from the one pool."""
    if facts.service.kind is Kind.DRILL:
        return EntryKind.DRILL, drill_source(facts.incident_id, facts.volunteer_id)
    return EntryKind.DUTY, f"duty:{facts.duty_id}"


def drill_source(incident_id: int, volunteer_id: int) -> str:
    """The deed of a person in a drill, whichever way it is settled."""
    return f"drill:{incident_id}/{volunteer_id}"


def settle(tx: Tx, dues: Sequence[Due], by: InForce) -> Settled:
    """Settles duties in their order, each once whoever else does so: people's accounts are held first, and
    duties whose hours are recorded by then are left out of the result.

    Raises Malformed when the end of one lies before its beginning.
    """
    accounts = entries.held_by(tx, {due.facts.volunteer_id for due in dues})
    settled = time_served.known(tx, [due.facts.duty_id for due in dues])
    new = [due for due in dues if due.facts.duty_id not in settled]
    if not new:
        return {}
    run = _Run(tx, new, accounts, by)
    result = {due.facts.duty_id: run.take(due) for due in new}
    run.write(tx)
    return result


class _Run:
    """What was paid before and what each duty in turn adds to it."""

    def __init__(self, tx: Tx, dues: Sequence[Due], accounts: Mapping[int, int], by: InForce) -> None:
        self._by, self._accounts = by, accounts
        self._paid = _paid_before(tx, dues, accounts)
        first = min(_first_day(due.facts.service) for due in dues)
        self._earned = entries.earned_by(tx, set(accounts.values()), first)
        levelled = {due.facts.volunteer_id for due in dues if due.ladder is not None}
        self._counted = Counter(queries.counted(tx, levelled)) if levelled else Counter[int]()
        self._moved: list[Transfer] = []
        self._kept: list[Kept] = []

    def take(self, due: Due) -> int | None:
        """Settles the next duty; nothing is written yet."""
        facts, key = due.facts, source_of(due.facts)
        if due.flags:
            self._kept.append(Kept(facts, flags=due.flags))
            return None
        if key not in self._paid:
            moved = self._transfer(due)
            self._moved.append(moved)
            self._paid[key] = Paid(moved.id, moved.award.points)
        paid = self._paid[key]
        self._kept.append(Kept(facts, paid.transfer_id))
        if time_served.counts(facts.service, self._by.rewards):
            self._counted[facts.volunteer_id] += facts.service.minutes
        return paid.points

    def write(self, tx: Tx) -> None:
        """Writes what was taken: entries, then hours."""
        entries.pay_many(tx, self._moved, self._by)
        time_served.keep_many(tx, self._kept, self._by.rewards)

    def _transfer(self, due: Due) -> Transfer:
        facts, account = due.facts, self._accounts[due.facts.volunteer_id]
        service = facts.service
        if due.ladder is not None:
            reached = levels_rules.reached(self._counted[facts.volunteer_id], due.ladder)
            service = replace(service, level_percent=reached.percent)
        award = rules.award(service, self._by.rewards, self._earned[account])
        self._earned[account].update(award.days)
        return Transfer(account, facts.area, *source_of(facts), award, grade=service.grade)


def _first_day(service: Service) -> date:
    return service.begins.astimezone(service.zone).date()


def _paid_before(tx: Tx, dues: Sequence[Due], accounts: Mapping[int, int]) -> dict[Deed, Paid]:
    """What was paid for these deeds already: a drill may have been, by its answer."""
    keys = {source_of(due.facts) for due in dues}
    wanted: Any = select(
        LedgerEntry.kind, LedgerEntry.source, LedgerEntry.transfer_id, LedgerEntry.points
    ).where(
        col(LedgerEntry.account_id).in_(entries.with_merged(set(accounts.values()))),
        col(LedgerEntry.kind).in_({kind for kind, _ in keys}),
        bulk.among(col(LedgerEntry.source), {source for _, source in keys}, Text),
    )
    return {(kind, source): Paid(transfer, points) for kind, source, transfer, points in tx.exec(wanted)}
