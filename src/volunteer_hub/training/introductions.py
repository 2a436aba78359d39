"""Newcomers on their way in: begun, interviewed, taken in, given a mentor, past their first duty."""

import uuid
from collections.abc import Collection
from datetime import date, datetime

from sqlmodel import col, delete, func, select, update

from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound, Refused
from volunteer_hub.training import courses
from volunteer_hub.training import introduction_rules as rules
from volunteer_hub.training.introduction_models import IntroductionRow
from volunteer_hub.training.introduction_rules import MentorState, Outcome
from volunteer_hub.training.policy import Introduction


def policy() -> Introduction:
    """The steps that are wanted here."""
    return courses.shipped().introduction


def of(tx: Tx, volunteer_id: int, *, lock: bool = False) -> IntroductionRow | None:
    """Somebody's way in; None for whoever never applied by themselves."""
    wanted = select(IntroductionRow).where(col(IntroductionRow.volunteer_id) == volunteer_id)
    if lock:
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    return tx.exec(wanted).first()


def begin(tx: Tx, volunteer_id: int, area: str) -> IntroductionRow:
    """Somebody has applied; who had left before begins anew."""
    tx.exec(delete(IntroductionRow).where(col(IntroductionRow.volunteer_id) == volunteer_id))
    return _added(tx, volunteer_id, area, tx.now)


def ensured(tx: Tx, volunteer_id: int, area: str, applied_at: datetime) -> IntroductionRow:
    """Their way in, held; begun now for whoever applied before there was such a thing, or came by a file."""
    return of(tx, volunteer_id, lock=True) or _added(tx, volunteer_id, area, applied_at)


def note_interview(tx: Tx, row: IntroductionRow, on: date, outcome: Outcome, words: str) -> None:
    """Notes what came of an interview that the actor held."""
    row.interviewed_on, row.interviewed_at, row.outcome = on, tx.now, outcome
    row.interviewed_by = tx.actor.id if tx.actor.kind == "account" else None
    row.words = words or None
    tx.flush()


def taken_in(tx: Tx, row: IntroductionRow) -> None:
    """The pool has said yes."""
    row.taken_in_at = tx.now
    _finish(tx, row)


def ask_mentor(tx: Tx, row: IntroductionRow, mentor_id: int) -> None:
    """Asks somebody; whom else was asked before is asked no more. Raises Refused before the newcomer is
    taken in, and where a mentor has agreed already."""
    if row.taken_in_at is None:
        raise Refused("introduction.not_in")
    if row.mentor is MentorState.AGREED:
        raise Refused("introduction.has_mentor")
    row.mentor_id, row.mentor, row.mentor_at = mentor_id, MentorState.ASKED, tx.now
    tx.flush()


def lose_mentor(tx: Tx, row: IntroductionRow) -> None:
    """Who had agreed is there no more: somebody else may be asked."""
    row.mentor_id, row.mentor, row.mentor_at = None, None, None
    tx.flush()


def asked_of(tx: Tx, mentor_id: int, public_id: uuid.UUID) -> IntroductionRow:
    """The newcomer whose mentor somebody is asked to be. Raises NotFound for anybody else's."""
    wanted = select(IntroductionRow).where(
        col(IntroductionRow.public_id) == public_id, col(IntroductionRow.mentor_id) == mentor_id
    )
    row = tx.exec(wanted.with_for_update()).first()
    if row is None:
        raise NotFound("not_found")
    return row


def answer(tx: Tx, row: IntroductionRow, *, agrees: bool) -> None:
    """The mentor's own word; the same again changes nothing. Raises Refused for another one after that."""
    said = MentorState.AGREED if agrees else MentorState.DECLINED
    if row.mentor is said:
        return
    if row.mentor is not MentorState.ASKED:
        raise Refused("introduction.answered")
    row.mentor, row.mentor_at = said, tx.now
    _finish(tx, row)


def mentored(tx: Tx, mentor_ids: Collection[int]) -> dict[int, int]:
    """Mentor -> how many newcomers they have, or are asked for, just now."""
    wanted = (
        select(IntroductionRow.mentor_id, func.count())
        .where(
            col(IntroductionRow.mentor_id).in_(mentor_ids),
            col(IntroductionRow.mentor).in_((MentorState.ASKED, MentorState.AGREED)),
            col(IntroductionRow.finished_at).is_(None),
        )
        .group_by(col(IntroductionRow.mentor_id))
    )
    return {mentor: n for mentor, n in tx.exec(wanted) if mentor is not None}


def had_duty(tx: Tx, row: IntroductionRow) -> None:
    """The first easy duty is done."""
    row.first_duty_at = tx.now
    _finish(tx, row)


def forget(tx: Tx, volunteer_id: int) -> None:
    """Takes away a newcomer's way in, and a mentor's name from those of others."""
    tx.exec(delete(IntroductionRow).where(col(IntroductionRow.volunteer_id) == volunteer_id))
    theirs = update(IntroductionRow).where(col(IntroductionRow.mentor_id) == volunteer_id)
    tx.exec(theirs.values(mentor_id=None, mentor=None, mentor_at=None))


def move(tx: Tx, keep: int, drop: int) -> None:
    """Two entries are one person: the way in of the kept one holds, else the other's; nobody is a mentor of
    themselves."""
    if of(tx, keep) is None:
        own = update(IntroductionRow).where(col(IntroductionRow.volunteer_id) == drop)
        tx.execute(own.values(volunteer_id=keep))
    else:
        tx.execute(delete(IntroductionRow).where(col(IntroductionRow.volunteer_id) == drop))
    both = col(IntroductionRow.mentor_id).in_((keep, drop))
    own = update(IntroductionRow).where(both, col(IntroductionRow.volunteer_id) == keep)
    tx.execute(own.values(mentor_id=None, mentor=None, mentor_at=None))
    tx.execute(update(IntroductionRow).where(both).values(mentor_id=keep))


def _added(tx: Tx, volunteer_id: int, area: str, applied_at: datetime) -> IntroductionRow:
    row = IntroductionRow(volunteer_id=volunteer_id, area=area, applied_at=applied_at)
    tx.add(row)
    tx.flush()
    return row


def _finish(tx: Tx, row: IntroductionRow) -> None:
    if row.taken_in_at is not None and rules.at(rules.stages(row.facts, policy())) is None:
        row.finished_at = tx.now
    tx.flush()
