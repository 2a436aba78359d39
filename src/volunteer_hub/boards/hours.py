"""Hours that wait for somebody to look at them: whose, of which duty, what speaks against them, who entered
them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import func
from sqlmodel import col, select

from volunteer_hub.access.models import Account
from volunteer_hub.boards import duties
from volunteer_hub.boards.duties import DutyLine
from volunteer_hub.core.db import Tx
from volunteer_hub.core.i18n import Text
from volunteer_hub.incentives import review
from volunteer_hub.incentives.models import ServiceHours
from volunteer_hub.mobilization.check_models import DutyCheck
from volunteer_hub.mobilization.models import Duty


@dataclass(frozen=True)
class HoursLine:
    """One duty's hours. ``entered_by``: names of the accounts that entered or confirmed a check of it;
    ``decided_by``: who decided before an appeal; ``sent_later``: minutes that a telephone kept a check."""

    hours: ServiceHours
    line: DutyLine
    entered_by: tuple[str, ...]
    decided_by: str | None
    sent_later: int

    @property
    def doubts(self) -> tuple[Text, ...]:
        """A sentence for each flag, in nobody's language yet."""
        return doubts(self.hours)


def doubts(hours: ServiceHours) -> tuple[Text, ...]:
    """What speaks against hours, a sentence for each flag."""
    return tuple(Text(f"hours.flag.{flag['code']}", flag["params"]) for flag in hours.flags)


def waiting(tx: Tx, *, after: int | None = None, limit: int = 50) -> list[HoursLine]:
    """The oldest first, of the actor's areas: one more than ``limit`` when there are more. The number of
    queries does not grow with them."""
    return lines(tx, review.waiting(tx, after=after, limit=limit + 1))


def lines(tx: Tx, rows: Sequence[ServiceHours]) -> list[HoursLine]:
    """The same for hours that the reader has found."""
    ids = [row.duty_id for row in rows]
    found = tx.exec(select(Duty).where(col(Duty.id).in_(ids))).all()
    known = {line.duty.id: line for line in duties.several(tx, found)}
    entered = tx.exec(
        select(DutyCheck.duty_id, Account.name)
        .join(Account, col(Account.id) == col(DutyCheck.noted_by))
        .where(col(DutyCheck.duty_id).in_(ids))
        .distinct()
    ).all()
    wait: Any = func.max(col(DutyCheck.noted_at) - col(DutyCheck.at))  # typed as a moment, and is a span
    kept = select(DutyCheck.duty_id, wait).where(col(DutyCheck.noted_by).is_(None))
    waits = dict(tx.exec(kept.where(col(DutyCheck.duty_id).in_(ids)).group_by(col(DutyCheck.duty_id))).all())
    deciders = {row.decided_by for row in rows if row.decided_by is not None}
    names = dict(tx.exec(select(Account.id, Account.name).where(col(Account.id).in_(deciders))).all())
    return [
        HoursLine(
            row,
            known[row.duty_id],
            tuple(sorted(name for duty, name in entered if duty == row.duty_id)),
            names.get(row.decided_by or 0),
            waits.get(row.duty_id, timedelta()) // timedelta(minutes=1),
        )
        for row in rows
    ]
