"""Points taken by hand: never without a kind and words, once appealed against, decided by a second person.

While an appeal runs nothing else is taken from the person by hand. Whoever takes, appeals or decides holds
the person's account first and the row after it, so that two never pass each other.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlmodel import col, select, update

from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Malformed, NotFound, Refused
from volunteer_hub.incentives import deductions_rules, entries, ledger
from volunteer_hub.incentives.deductions_models import Deduction
from volunteer_hub.incentives.deductions_rules import AFTER, DeductionState, Verdict
from volunteer_hub.incentives.entries import InForce
from volunteer_hub.incentives.models import LedgerAccount, LedgerEntry
from volunteer_hub.incentives.rules import EntryKind, reason_of

_SHOWN: Final = 100


@dataclass(frozen=True)
class Cause:
    """Why points are taken: a kind of config/rewards.toml, words, and the account that does it."""

    kind: str
    words: str
    account: int | None


def take(tx: Tx, volunteer_id: int, area: str, points: int, cause: Cause, by: InForce) -> Deduction:
    """Takes so many points. Raises Malformed for a kind that is not configured, without words and for a wild
    number, Refused while an appeal of the person runs."""
    tx.actor.must_cover("points.write", area)
    _may_take(tx, volunteer_id, cause, by)
    mine, _ = ledger.adjust(tx, volunteer_id, area, -points, cause.words, by)
    return _noted(tx, mine, volunteer_id, points, cause, by)


def take_back(tx: Tx, entry: LedgerEntry, cause: Cause, by: InForce) -> Deduction | None:
    """Takes back what an entry has paid a person; None where it paid them nothing, or was taken back before.
    Raises as `take` and `ledger.reverse`."""
    account = tx.get_one(LedgerAccount, entry.account_id)
    if account.merged_into is not None:
        account = tx.get_one(LedgerAccount, account.merged_into)
    assert account.volunteer_id is not None
    tx.actor.must_cover("points.write", entry.area)
    takes = entry.points > 0 or entry.kind is EntryKind.DUTY  # the hours of a duty go with its points
    if not takes or ledger.taken_back(tx, entry):
        ledger.reverse(tx, entry, cause.words)
        return None
    _may_take(tx, account.volunteer_id, cause, by)
    back = ledger.reverse(tx, entry, cause.words)
    mine = next(side for side in back if side.account_id == entry.account_id)
    return _noted(tx, mine, account.volunteer_id, entry.points, cause, by)


def _may_take(tx: Tx, volunteer_id: int, cause: Cause, by: InForce) -> None:
    if cause.kind not in by.rewards.deductions.kinds:
        raise Malformed("deduction.kind", kinds=", ".join(by.rewards.deductions.kinds))
    entries.held(tx, volunteer_id)
    running = select(Deduction.id).where(
        col(Deduction.volunteer_id) == volunteer_id, col(Deduction.state) == DeductionState.APPEALED
    )
    if tx.exec(running.limit(1)).first() is not None:
        raise Refused("deduction.appeal_runs")


def _noted(
    tx: Tx, entry: LedgerEntry, volunteer_id: int, points: int, cause: Cause, by: InForce
) -> Deduction:
    rules = by.rewards.deductions
    row = Deduction(
        volunteer_id=volunteer_id,
        area=entry.area,
        transfer_id=entry.transfer_id,
        points=points,
        kind=rules.kinds[cause.kind].model_dump(),
        reason=reason_of(cause.words),
        told=False,
        entered_by=cause.account,
        at=tx.now,
        appeal_until=tx.now + timedelta(days=rules.appeal_days),
    )
    tx.add(row)
    tx.flush()
    return row


def find(tx: Tx, permission: str, public_id: uuid.UUID) -> Deduction:
    """One of the actor's areas. Raises NotFound, for a foreign area too."""
    tx.actor.must(permission)
    wanted = select(Deduction).where(
        col(Deduction.public_id) == public_id, tx.actor.scope(permission, Deduction.area)
    )
    return _found(tx.exec(wanted).first())


def own(tx: Tx, volunteer_id: int, public_id: uuid.UUID) -> Deduction:
    """One of a person's own. Raises NotFound."""
    mine = col(Deduction.public_id) == public_id, col(Deduction.volunteer_id) == volunteer_id
    return _found(tx.exec(select(Deduction).where(*mine)).first())


def of(tx: Tx, volunteer_id: int) -> Sequence[Deduction]:
    """What was taken from somebody by hand, the newest first."""
    wanted = select(Deduction).where(col(Deduction.volunteer_id) == volunteer_id)
    return tx.exec(wanted.order_by(col(Deduction.id).desc()).limit(_SHOWN)).all()


def listed(tx: Tx, *, appealed: bool, before: int | None = None, limit: int = _SHOWN) -> Sequence[Deduction]:
    """Those of the actor's areas, the newest first: with an appeal that waits, or all others; one more than
    ``limit`` when there are more."""
    tx.actor.must("points.read")
    wanted = select(Deduction).where(
        (col(Deduction.state) == DeductionState.APPEALED) == appealed,
        tx.actor.scope("points.read", Deduction.area),
    )
    if before is not None:
        wanted = wanted.where(col(Deduction.id) < before)
    return tx.exec(wanted.order_by(col(Deduction.id).desc()).limit(limit + 1)).all()


def appeal(tx: Tx, known: Deduction, words: str, noted_by: int | None = None) -> Deduction:
    """The person says no, once and in time. Raises as `deductions_rules.check_appeal`, Malformed without
    words."""
    row = _held(tx, known)
    deductions_rules.check_appeal(row.state, row.appeal_until, tx.now)
    row.appeal, row.appealed_at, row.noted_by = reason_of(words), tx.now, noted_by
    row.state = DeductionState.APPEALED
    tx.flush()
    return row


def decide(
    tx: Tx, known: Deduction, verdict: Verdict, reason: str, account: int | None, by: InForce
) -> Deduction:
    """Ends an appeal; given back, the opposite entry is written. Raises Refused where none waits or whoever
    took the points decides, Malformed without a reason."""
    tx.actor.must_cover("points.write", known.area)
    row = _held(tx, known)
    if row.state is not DeductionState.APPEALED:
        raise Refused("deduction.decided")
    deductions_rules.check_decider(row.entered_by, account)
    row.decision, row.decided_at, row.decided_by = reason_of(reason), tx.now, account
    row.state = AFTER[verdict]
    if verdict is Verdict.GIVE_BACK:
        taken = select(LedgerEntry).where(col(LedgerEntry.transfer_id) == row.transfer_id)
        ledger.restore(tx, tx.exec(taken.limit(1)).one(), row.decision, by)
    tx.flush()
    return row


def _held(tx: Tx, known: Deduction) -> Deduction:
    """The row as it stands, held until the commit, after the account of its person."""
    entries.held(tx, known.volunteer_id)
    wanted = select(Deduction).where(col(Deduction.id) == known.id).with_for_update()
    return tx.exec(wanted.execution_options(populate_existing=True)).one()


def move(tx: Tx, keep: int, drop: int) -> None:
    """What was taken from the second of two entries was taken from the first."""
    theirs = update(Deduction).where(col(Deduction.volunteer_id) == drop)
    tx.execute(theirs.values(volunteer_id=keep))


def forget(tx: Tx, volunteer_id: int) -> None:
    """Blanks what a person has said against it; the points stay as sums."""
    said = select(Deduction).where(
        col(Deduction.volunteer_id) == volunteer_id, col(Deduction.appeal).is_not(None)
    )
    for row in tx.exec(said):
        row.appeal = None
    tx.flush()


def _found(row: Deduction | None) -> Deduction:
    if row is None:
        raise NotFound("not_found")
    return row
