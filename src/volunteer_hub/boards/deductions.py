"""Points taken by hand, as the staff reads them: whose, for what, who took them, what the person says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlmodel import col, select

from volunteer_hub.access.models import Account
from volunteer_hub.core.db import Tx
from volunteer_hub.incentives import deductions
from volunteer_hub.incentives.deductions_models import Deduction
from volunteer_hub.incentives.deductions_rules import DeductionState, may_appeal
from volunteer_hub.volunteers.models import Volunteer

_CURRENT: Final = timedelta(days=30)


@dataclass(frozen=True)
class DeductionLine:
    """One of them. ``name``: None for readers who may not see people's names there; ``entered_by``,
    ``noted_by``, ``decided_by``: names of accounts; ``current``: of interest to the person still."""

    row: Deduction
    person: UUID
    name: str | None
    entered_by: str | None
    noted_by: str | None
    decided_by: str | None
    may_appeal: bool
    current: bool


def listed(tx: Tx, *, appealed: bool, before: int | None = None, limit: int = 50) -> list[DeductionLine]:
    """Those of the actor's areas, the newest first; one more than ``limit`` when there are more. Three
    queries."""
    return lines(tx, deductions.listed(tx, appealed=appealed, before=before, limit=limit))


def own(tx: Tx, volunteer_id: int) -> list[DeductionLine]:
    """Those of one person, who reads them; the newest first."""
    return lines(tx, deductions.of(tx, volunteer_id))


def lines(tx: Tx, rows: Sequence[Deduction]) -> list[DeductionLine]:
    """The same for those that the reader has found."""
    ids = {row.volunteer_id for row in rows}
    found = tx.exec(
        select(Volunteer.id, Volunteer.public_id, Volunteer.name).where(col(Volunteer.id).in_(ids))
    ).all()
    people = {key: (public_id, name) for key, public_id, name in found}
    staff = {key for row in rows for key in (row.entered_by, row.noted_by, row.decided_by)} - {None}
    names = dict(tx.exec(select(Account.id, Account.name).where(col(Account.id).in_(staff))).all())
    return [
        DeductionLine(
            row=row,
            person=people[row.volunteer_id][0],
            name=people[row.volunteer_id][1] if _sees(tx, row) else None,
            entered_by=names.get(row.entered_by or 0),
            noted_by=names.get(row.noted_by or 0),
            decided_by=names.get(row.decided_by or 0),
            may_appeal=may_appeal(row.state, row.appeal_until, tx.now),
            current=row.state is DeductionState.APPEALED
            or tx.now - (row.decided_at or row.appeal_until) <= _CURRENT,
        )
        for row in rows
    ]


def _sees(tx: Tx, row: Deduction) -> bool:
    own = tx.actor.kind == "volunteer" and tx.actor.id == row.volunteer_id
    return own or tx.actor.may("volunteer.read", row.area)
