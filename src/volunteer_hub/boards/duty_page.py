"""What the duty page behind a link shows one person: where to be, since when there, what it has earned."""

from dataclasses import dataclass

from sqlmodel import col, select

from volunteer_hub.boards import offer as offers
from volunteer_hub.boards.offer import OfferView
from volunteer_hub.core.db import Tx
from volunteer_hub.core.i18n import Text
from volunteer_hub.incentives import queries as points
from volunteer_hub.incentives.models import LedgerAccount, LedgerEntry, ServiceHours
from volunteer_hub.mobilization.models import Duty


@dataclass(frozen=True)
class DutyView:
    """``points``: what the duty has earned, with ``why`` line by line; None before it has ended."""

    seen: OfferView
    duty: Duty | None
    points: int | None
    why: tuple[Text, ...]
    balance: int


def view(tx: Tx, token: str) -> DutyView:
    """What a link shows; reads only. Raises NotFound for a token that was never given out."""
    seen = offers.view(tx, token)
    duty = seen.page.duty
    paid = _paid(tx, duty) if duty is not None else None
    return DutyView(
        seen=seen,
        duty=duty,
        points=paid.points if paid is not None else None,
        why=points.explain(paid) if paid is not None else (),
        balance=points.balance(tx, seen.offer.volunteer_id),
    )


def _paid(tx: Tx, duty: Duty) -> LedgerEntry | None:
    """The person's side of what paid the duty."""
    wanted = (
        select(LedgerEntry)
        .join(ServiceHours, col(ServiceHours.transfer_id) == col(LedgerEntry.transfer_id))
        .join(LedgerAccount, col(LedgerAccount.id) == col(LedgerEntry.account_id))
        .where(col(ServiceHours.duty_id) == duty.id, col(LedgerAccount.volunteer_id) == duty.volunteer_id)
    )
    return tx.exec(wanted).first()
