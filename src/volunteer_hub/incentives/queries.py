"""What a person or a coordinator reads of points and hours.

The functions of one person take the id that the door has found: the person's own, or one in the actor's
areas.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func
from sqlmodel import col, select

from volunteer_hub.core import bulk
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound
from volunteer_hub.core.i18n import Text
from volunteer_hub.incentives.models import LedgerAccount, LedgerEntry, ServiceHours
from volunteer_hub.incentives.rules import AccountKind, Review


@dataclass(frozen=True)
class StatementLine:
    """One entry of a person with what it is made of; the texts are in nobody's language yet."""

    entry: LedgerEntry
    explanation: tuple[Text, ...]


@dataclass(frozen=True)
class Hours:
    """Minutes on duty: those that are volunteer time, the others (paid, compulsory, ill evidenced), and those
    that somebody still looks at. What was reversed or refused is in none."""

    counted: int
    other: int
    duties: int
    waiting: int = 0


@dataclass(frozen=True)
class AreaTotal:
    """What the people of an area have earned and given back, in points."""

    people: int
    points: int


def balance(tx: Tx, volunteer_id: int) -> int:
    """The person's points."""
    wanted = select(func.coalesce(func.sum(col(LedgerEntry.points)), 0)).where(_of_person(volunteer_id))
    return int(tx.exec(wanted).one())


def statement(
    tx: Tx, volunteer_id: int, *, before: int | None = None, limit: int = 50
) -> list[StatementLine]:
    """The person's entries with an id below ``before``, the newest first: one more than ``limit`` when there
    are more."""
    wanted = select(LedgerEntry).where(_of_person(volunteer_id))
    wanted = wanted.order_by(col(LedgerEntry.id).desc()).limit(limit + 1)
    if before is not None:
        wanted = wanted.where(col(LedgerEntry.id) < before)
    return [StatementLine(entry, explain(entry)) for entry in tx.exec(wanted)]


def _of_person(volunteer_id: int) -> ColumnElement[bool]:
    """Not by a join, which the database may begin from the newest entry of all, reading the whole ledger."""
    account = select(LedgerAccount.id).where(col(LedgerAccount.volunteer_id) == volunteer_id)
    return col(LedgerEntry.account_id) == account.scalar_subquery()


def explain(entry: LedgerEntry) -> tuple[Text, ...]:
    """Why so many points: a sentence for each part of the sum, from what the entry itself keeps."""
    return tuple(
        Text(f"points.line.{line['code']}", {**line["params"], "n": line["points"]}) for line in entry.lines
    )


def counted(tx: Tx, volunteer_ids: Collection[int]) -> dict[int, int]:
    """Minutes of volunteer time of several people in one query, as `hours` counts them."""
    wanted = (
        select(ServiceHours.volunteer_id, func.sum(col(ServiceHours.minutes)))
        .where(
            bulk.among(col(ServiceHours.volunteer_id), volunteer_ids),
            col(ServiceHours.counts),
            col(ServiceHours.reversed_at).is_(None),
            col(ServiceHours.state) != Review.REFUSED,
        )
        .group_by(col(ServiceHours.volunteer_id))
    )
    return {who: int(minutes) for who, minutes in tx.exec(wanted)}


def hours(tx: Tx, volunteer_id: int) -> Hours:
    """The person's time on duty; what was reversed is left out."""
    minutes, counts = func.sum(col(ServiceHours.minutes)), col(ServiceHours.counts)
    waits = col(ServiceHours.state) == Review.WAITING
    wanted = select(
        minutes.filter(counts), minutes.filter(~counts, ~waits), func.count(), minutes.filter(waits)
    ).where(
        col(ServiceHours.volunteer_id) == volunteer_id,
        col(ServiceHours.reversed_at).is_(None),
        col(ServiceHours.state) != Review.REFUSED,
    )
    counted, other, duties, waiting = tx.exec(wanted).one()
    return Hours(counted or 0, other or 0, duties, waiting or 0)


def find(tx: Tx, permission: str, public_id: uuid.UUID) -> LedgerEntry:
    """A person's entry by the id seen outside. Raises NotFound, for a foreign area too."""
    tx.actor.must(permission)
    wanted = (
        select(LedgerEntry)
        .join(LedgerAccount, col(LedgerAccount.id) == col(LedgerEntry.account_id))
        .where(
            col(LedgerEntry.public_id) == public_id,
            col(LedgerAccount.kind) == AccountKind.PERSON,
            tx.actor.scope(permission, LedgerEntry.area),
        )
    )
    entry = tx.exec(wanted).first()
    if entry is None:
        raise NotFound("not_found")
    return entry


def balances(tx: Tx, volunteer_ids: Sequence[int]) -> dict[int, int]:
    """Points of several people in one query; those the ledger does not know have none, and of two entries
    that became one both have what the one kept has."""
    whose = col(LedgerAccount.volunteer_id)
    kept = func.coalesce(col(LedgerAccount.merged_into), col(LedgerAccount.id))
    wanted = (
        select(whose, func.sum(col(LedgerEntry.points)))
        .join(LedgerEntry, kept == col(LedgerEntry.account_id))
        .where(whose.in_(volunteer_ids))
        .group_by(whose)
    )
    known = {who: int(points) for who, points in tx.exec(wanted) if who is not None}
    return {who: known.get(who, 0) for who in volunteer_ids}


def total(tx: Tx) -> AreaTotal:
    """The points of everybody in the actor's areas."""
    tx.actor.must("points.read")
    wanted = (
        select(
            func.count(func.distinct(col(LedgerEntry.account_id))),
            func.coalesce(func.sum(col(LedgerEntry.points)), 0),
        )
        .join(LedgerAccount, col(LedgerAccount.id) == col(LedgerEntry.account_id))
        .where(col(LedgerAccount.kind) == AccountKind.PERSON, tx.actor.scope("points.read", LedgerEntry.area))
    )
    people, points = tx.exec(wanted).one()
    return AreaTotal(people, int(points))
