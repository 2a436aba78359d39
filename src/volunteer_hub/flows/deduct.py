"""Points given or taken by hand, told in the same transaction; the person's appeal, and who decides it.

Nobody decides on an appeal against what they took themselves, nor on their own.
"""

import uuid

from volunteer_hub.access import accounts
from volunteer_hub.boards import evidence
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Refused
from volunteer_hub.flows import settle, train
from volunteer_hub.incentives import deductions, ledger, queries
from volunteer_hub.incentives.deductions import Cause
from volunteer_hub.incentives.deductions_models import Deduction
from volunteer_hub.incentives.deductions_rules import Verdict
from volunteer_hub.incentives.models import LedgerEntry
from volunteer_hub.volunteers import registry


def adjust(tx: Tx, volunteer: uuid.UUID, points: int, reason: str, kind: str = "") -> LedgerEntry:
    """Adds points by hand, or takes them for a ``kind`` of config/rewards.toml. Raises as `settle.adjust` and
    `deductions.take`."""
    if points >= 0:
        return settle.adjust(tx, volunteer, points, reason)
    person = registry.find(tx, "points.write", volunteer)
    cause = Cause(kind, reason, _account(tx))
    row = deductions.take(tx, person.id, person.area, -points, cause, settle.in_force(tx))
    _tell_taken(tx, row)
    return ledger.side(tx, person.id, row.transfer_id)


def reverse(tx: Tx, entry_id: uuid.UUID, reason: str, kind: str = "") -> LedgerEntry:
    """Takes back an entry with everything it paid; again, it is the same reversal. Raises as
    `deductions.take_back`, and NotFound."""
    entry = queries.find(tx, "points.write", entry_id)
    row = deductions.take_back(tx, entry, Cause(kind, reason, _account(tx)), settle.in_force(tx))
    if row is not None:
        _tell_taken(tx, row)
    return next(side for side in ledger.reverse(tx, entry, reason) if side.account_id == entry.account_id)


def appeal(tx: Tx, volunteer_id: int, public_id: uuid.UUID, words: str) -> Deduction:
    """The person says no. Raises as `deductions.appeal`, NotFound for what is not their own."""
    return deductions.appeal(tx, deductions.own(tx, volunteer_id, public_id), words)


def appeal_for(tx: Tx, public_id: uuid.UUID, words: str) -> Deduction:
    """The staff writes down what a person without a telephone says against it."""
    return deductions.appeal(tx, deductions.find(tx, "points.write", public_id), words, _account(tx))


def decide(tx: Tx, public_id: uuid.UUID, verdict: Verdict, reason: str) -> Deduction:
    """Gives the points back or confirms that they are taken; the person is told. Raises Refused for one's
    own, else as `deductions.decide`."""
    row, me = deductions.find(tx, "points.write", public_id), _account(tx)
    if me is not None and evidence.is_own(tx, {me}, row.volunteer_id):
        raise Refused("deduction.own")
    row = deductions.decide(tx, row, verdict, reason, me, settle.in_force(tx))
    facts = {"points": row.points, "what": row.kind, "why": row.decision}
    until = row.decided_at or tx.now
    deed = {row.volunteer_id: f"deduction:{row.id}:decided"}
    train.tell(tx, f"deduction_{row.state}", deed, facts, until + train.WORTH)
    return row


def _tell_taken(tx: Tx, row: Deduction) -> None:
    facts = {
        "points": row.points,
        "what": row.kind,
        "why": row.reason,
        "until_at": row.appeal_until.isoformat(),
        "zone": settle.zone_of(tx, row.area).key,
    }
    deed = {row.volunteer_id: f"deduction:{row.id}"}
    row.told = train.tell(tx, "deduction", deed, facts, row.appeal_until) > 0
    tx.flush()


def _account(tx: Tx) -> int | None:
    me = accounts.acting(tx)
    return me.id if me is not None else None
