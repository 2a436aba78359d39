"""What the duty page behind a link shows one person: where to be, since when there, what it has earned."""

from dataclasses import dataclass
from typing import Final

from sqlmodel import col, select

from volunteer_hub.boards import hours, leading
from volunteer_hub.boards import offer as offers
from volunteer_hub.boards.evaluations import Told, told
from volunteer_hub.boards.offer import OfferView
from volunteer_hub.core.db import Tx
from volunteer_hub.core.i18n import Text
from volunteer_hub.feedback import evaluation_rules, evaluations
from volunteer_hub.feedback.evaluation_models import EvaluationRow
from volunteer_hub.feedback.evaluation_rules import Side
from volunteer_hub.incentives import queries as points
from volunteer_hub.incentives import review
from volunteer_hub.incentives.models import LedgerAccount, LedgerEntry, ServiceHours
from volunteer_hub.incentives.rules import AccountKind
from volunteer_hub.mobilization import roll_calls
from volunteer_hub.mobilization.models import Duty
from volunteer_hub.mobilization.rules import DutyState

_USUAL: Final = (5, 10, 15, 20, 30, 45, 60, 90, 120)


@dataclass(frozen=True)
class DutyView:
    """``points``: what the duty has earned, with ``why`` line by line; None before it has ended.

    ``evacuating``: a roll call waits for this person; ``ways``: minutes to choose from when they set out, the
    likeliest first. ``crew``: how many a roll call would tell now, for who leads the task, else None;
    ``calling``: a roll call of theirs runs. ``hours``: how the time stands, with what speaks against it in
    ``doubts``. ``told``: what whoever led said of the duty, ``mine``: what the person said of how they were
    led, ``may_evaluate``: whether they may say it now.
    """

    seen: OfferView
    duty: Duty | None
    points: int | None
    why: tuple[Text, ...]
    balance: int
    evacuating: bool
    ways: tuple[int, ...]
    crew: int | None = None
    calling: bool = False
    hours: ServiceHours | None = None
    doubts: tuple[Text, ...] = ()
    told: tuple[Told, ...] = ()
    mine: EvaluationRow | None = None
    may_evaluate: bool = False

    @property
    def may_appeal(self) -> bool:
        """Whether the person may say no to what was decided of the time."""
        hours = self.hours
        return hours is not None and hours.state in review.APPEALABLE and hours.appealed_at is None


def view(tx: Tx, token: str) -> DutyView:
    """What a link shows; reads only. Raises NotFound for a token that was never given out."""
    seen = offers.view(tx, token)
    duty = seen.page.duty
    paid = _paid(tx, duty) if duty is not None else None
    led = leading.of(tx, duty, seen.facts) if duty is not None else None
    time = review.of_duty(tx, duty.id) if duty is not None else None
    return DutyView(
        seen=seen,
        duty=duty,
        points=paid.points if paid is not None else None,
        why=points.explain(paid) if paid is not None else (),
        balance=points.balance(tx, time.volunteer_id if time is not None else seen.offer.volunteer_id),
        evacuating=duty is not None and bool(roll_calls.open_for(tx, duty.id)),
        ways=_ways(seen),
        crew=led.there if led is not None else None,
        calling=led is not None and led.running,
        hours=time,
        doubts=hours.doubts(time) if time is not None else (),
        told=_told(tx, duty),
        mine=evaluations.of_duty(tx, duty.id, Side.LEADER) if duty is not None else None,
        may_evaluate=duty is not None
        and evaluation_rules.is_open(duty.checked_out_at, tx.now, evaluations.in_force()),
    )


def _told(tx: Tx, duty: Duty | None) -> tuple[Told, ...]:
    row = evaluations.of_duty(tx, duty.id, Side.VOLUNTEER) if duty is not None else None
    return tuple(told(tx, [row])) if row is not None else ()


def waits(tx: Tx, duty: Duty | None) -> bool:
    """Whether this page, and not the callout's, is what a link opens: a roll call waits for an answer, or the
    person on site says from time to time that they are OK."""
    if duty is None:
        return False
    timed = duty.state is DutyState.ON_SITE and duty.ok_due_at is not None
    return timed or bool(roll_calls.open_for(tx, duty.id))


def _ways(seen: OfferView) -> tuple[int, ...]:
    likeliest = (seen.way.minutes if seen.way is not None else None) or _USUAL[3]
    return likeliest, *(minutes for minutes in _USUAL if minutes != likeliest)


def _paid(tx: Tx, duty: Duty) -> LedgerEntry | None:
    """The person's side of what paid the duty; of two entries that became one, whichever was paid."""
    wanted = (
        select(LedgerEntry)
        .join(ServiceHours, col(ServiceHours.transfer_id) == col(LedgerEntry.transfer_id))
        .join(LedgerAccount, col(LedgerAccount.id) == col(LedgerEntry.account_id))
        .where(col(ServiceHours.duty_id) == duty.id, col(LedgerAccount.kind) == AccountKind.PERSON)
    )
    return tx.exec(wanted).first()
