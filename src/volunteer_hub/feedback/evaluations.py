"""Evaluations after a duty: written once by either side, read in full and answered by whoever is rated."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlmodel import col, delete, select, update

from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound, Refused
from volunteer_hub.feedback import evaluation_rules as rules
from volunteer_hub.feedback.evaluation_models import EvaluationRow
from volunteer_hub.feedback.evaluation_rules import Due, Side
from volunteer_hub.feedback.policy import Evaluation, Surveys

_LATEST: Final = 20
_SHOWN: Final = {"side", "marks", "words", "written_at", "reply", "replied_at"}


def in_force() -> Evaluation:
    """What is asked, and what follows from it."""
    surveys: Surveys = policy.load("surveys", Surveys)
    return surveys.evaluation


def of_duty(tx: Tx, duty_id: int, side: Side, *, lock: bool = False) -> EvaluationRow | None:
    """What one side was told after a duty."""
    wanted = select(EvaluationRow).where(
        col(EvaluationRow.duty_id) == duty_id, col(EvaluationRow.side) == side
    )
    return tx.exec(wanted.with_for_update() if lock else wanted).first()


def written(tx: Tx, duty_ids: Collection[int], side: Side) -> dict[int, EvaluationRow]:
    """Duty -> its evaluation of that side, in one query."""
    wanted = select(EvaluationRow).where(
        col(EvaluationRow.duty_id).in_(duty_ids), col(EvaluationRow.side) == side
    )
    return {row.duty_id: row for row in tx.exec(wanted)}


def write(tx: Tx, row: EvaluationRow, marks: Mapping[str, object], words: str) -> EvaluationRow:
    """Writes it, or writes it anew until it was answered. Whoever wrote it first stays its author.

    Raises Malformed, Refused once it was answered or where somebody else has written it.
    """
    given, plain = rules.read(marks, words, rules.criteria(in_force(), row.side))
    known = of_duty(tx, row.duty_id, row.side, lock=True)
    if known is None:
        tx.add(row)
        known = row
    elif known.replied_at is not None:
        raise Refused("evaluation.replied")
    elif (known.by_volunteer, known.by_account) != (row.by_volunteer, row.by_account):
        raise Refused("evaluation.written")
    known.marks, known.words, known.written_at = given, plain, tx.now
    tx.flush()
    return known


def reply(tx: Tx, row: EvaluationRow, words: str) -> EvaluationRow:
    """A word of whoever is rated; it may be written anew. Raises Malformed."""
    row.reply, row.replied_at = rules.check_reply(words), tx.now
    tx.flush()
    return row


def of_volunteer(tx: Tx, volunteer_id: int, public_id: uuid.UUID) -> EvaluationRow:
    """One that somebody was given. Raises NotFound for anybody else's."""
    return _one(tx, public_id, EvaluationRow.volunteer_id, volunteer_id)


def of_account(tx: Tx, account_id: int, public_id: uuid.UUID) -> EvaluationRow:
    """One that an account was given for leading. Raises NotFound for anybody else's."""
    return _one(tx, public_id, EvaluationRow.account_id, account_id)


def _one(tx: Tx, public_id: uuid.UUID, column: Any, who: int) -> EvaluationRow:
    wanted = select(EvaluationRow).where(col(EvaluationRow.public_id) == public_id, col(column) == who)
    row = tx.exec(wanted.with_for_update()).first()
    if row is None:
        raise NotFound("not_found")
    return row


def told(tx: Tx, volunteer_id: int) -> Sequence[EvaluationRow]:
    """What was said of somebody, the newest first."""
    wanted = select(EvaluationRow).where(col(EvaluationRow.volunteer_id) == volunteer_id)
    return tx.exec(wanted.order_by(col(EvaluationRow.id).desc()).limit(_LATEST)).all()


def told_account(tx: Tx, account_id: int | None, incident_id: int) -> Sequence[EvaluationRow]:
    """What was said of an account for leading an incident, the newest first."""
    wanted = select(EvaluationRow).where(
        col(EvaluationRow.account_id) == account_id, col(EvaluationRow.incident_id) == incident_id
    )
    return tx.exec(wanted.order_by(col(EvaluationRow.id).desc()).limit(_LATEST)).all()


def advice(tx: Tx, volunteer_id: int) -> list[Due]:
    """What the configured rules suggest to somebody."""
    wanted = select(EvaluationRow.written_at, EvaluationRow.marks).where(
        col(EvaluationRow.volunteer_id) == volunteer_id, col(EvaluationRow.side) == Side.VOLUNTEER
    )
    return rules.advice(tx.exec(wanted).all(), in_force(), tx.now)


def everything(tx: Tx, volunteer_id: int) -> dict[str, list[dict[str, Any]]]:
    """In JSON's types: what was said of somebody, and what they said of others."""
    found = {}
    for name, column in (("of_me", EvaluationRow.volunteer_id), ("by_me", EvaluationRow.by_volunteer)):
        rows = tx.exec(
            select(EvaluationRow).where(col(column) == volunteer_id).order_by(col(EvaluationRow.id))
        )
        found[name] = [row.model_dump(mode="json", include=_SHOWN) for row in rows]
    return found


def move(tx: Tx, keep: int, drop: int) -> None:
    """What was said of and by the second of two people was of and by the first: they are one."""
    for column in (EvaluationRow.volunteer_id, EvaluationRow.by_volunteer):
        theirs = update(EvaluationRow).where(col(column) == drop)
        tx.execute(theirs.values({column: keep}))


def forget(tx: Tx, volunteer_id: int) -> None:
    """Takes away all that was said of somebody, and every word that they wrote."""
    tx.exec(delete(EvaluationRow).where(col(EvaluationRow.volunteer_id) == volunteer_id))
    own = select(EvaluationRow).where(col(EvaluationRow.by_volunteer) == volunteer_id)
    for row in tx.exec(own.with_for_update()):
        row.words = None
    tx.flush()
