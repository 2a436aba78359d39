"""What people have shown: tests begun and handed in, checklists signed, courses passed and lapsed.

Doors check who the person is; the flow holds their row, so that the deeds of one person come one after the
other.
"""

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlmodel import col, select

from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound
from volunteer_hub.training import lessons, lessons_rules, rules
from volunteer_hub.training.courses import Offered
from volunteer_hub.training.models import Attempt, Completion, Enrolment, Practical, TrainingSession
from volunteer_hub.training.policy import Assessment, Test
from volunteer_hub.training.rules import AttemptState, EnrolmentState, Part

_SEEDS: Final = 2**31


@dataclass(frozen=True)
class Standing:
    """Where somebody stands with a course since they last passed it. ``missing``: the parts not done yet;
    ``left``: tries at the test; ``due``: whether the course can be taken."""

    last: Completion | None
    missing: tuple[Part, ...]
    failures: tuple[datetime, ...]
    left: int
    due: bool
    score: int | None

    @property
    def done(self) -> bool:
        """Whether everything is there and the course is to be counted as passed."""
        return self.due and not self.missing

    def valid(self, today: date) -> bool:
        """Whether it was passed and that still holds."""
        return self.last is not None and (self.last.valid_until is None or today <= self.last.valid_until)


def standing(tx: Tx, volunteer_id: int, offered: Offered, today: date, policy: Assessment) -> Standing:
    """Where somebody stands with a course."""
    last = last_pass(tx, volunteer_id, offered.code)
    since = last.passed_at if last is not None else None
    tries, shown = _since(tx, volunteer_id, offered.code, since)
    best = max((one.score or 0 for one in tries if one.state is AttemptState.PASSED), default=None)
    failed = [one.ended_at for one in tries if one.state is AttemptState.FAILED and one.ended_at is not None]
    failures = tuple(sorted([*failed, *(one.signed_at for one in shown if not one.passed)]))
    have = {
        Part.REQUIRES: not rules.missing(offered.course.requires, valid_passes(tx, volunteer_id, today)),
        Part.READ: not offered.course.read_first or _all_read(tx, volunteer_id, offered, since),
        Part.ATTEND: _attended(tx, volunteer_id, offered.code, since),
        Part.TEST: best is not None,
        Part.PRACTICAL: any(one.passed for one in shown),
    }
    test = offered.course.test
    return Standing(
        last=last,
        missing=tuple(part for part in rules.parts(offered.course) if not have[part]),
        failures=failures,
        left=rules.attempts_left(test, failed, tx.now, policy) if test is not None else 0,
        due=last is None or rules.due(last.valid_until, today, policy),
        score=best,
    )


def begin(tx: Tx, volunteer_id: int, area: str, offered: Offered, at: Standing) -> Attempt:
    """A test with its questions drawn by lot; one that runs already goes on. Raises as `rules.check_start`,
    NotFound where the course has none."""
    running = open_attempt(tx, volunteer_id, offered.code)
    if running is not None:
        return running
    test = offered.course.test
    if test is None:
        raise NotFound("not_found")
    rules.check_start(at.missing, due=at.due and Part.TEST in at.missing, left=at.left)
    seed = random.SystemRandom().randrange(_SEEDS)
    row = Attempt(
        volunteer_id=volunteer_id,
        course=offered.code,
        area=area,
        seed=seed,
        paper=rules.paper(seed, test),
        started_at=tx.now,
        ends_at=tx.now + timedelta(minutes=test.minutes),
    )
    tx.add(row)
    tx.flush()
    return row


def hand_in(
    tx: Tx, row: Attempt, answers: Mapping[str, int], test: Test | None, policy: Assessment
) -> Attempt:
    """Ends a test by what was answered; after its time it is failed, whatever was, and so is one that the
    course no longer has. Again, nothing changes."""
    tx.refresh(row, with_for_update=True)
    if row.state is not AttemptState.OPEN:
        return row
    in_time = test is not None and rules.handed_in(row.ends_at, tx.now, policy)
    known = {question["code"] for question in row.paper}
    row.answers = {code: n for code, n in answers.items() if code in known} if in_time else {}
    row.score = rules.score(row.paper, row.answers)
    passed = in_time and test is not None and row.score >= test.pass_percent
    row.state, row.ended_at = AttemptState.PASSED if passed else AttemptState.FAILED, tx.now
    tx.flush()
    return row


def overdue(tx: Tx, policy: Assessment, limit: int = 100) -> list[Attempt]:
    """Tests whose time is over, locked: for the sweep that ends them."""
    wanted = (
        select(Attempt)
        .where(
            col(Attempt.state) == AttemptState.OPEN,
            col(Attempt.ends_at) < tx.now - timedelta(seconds=policy.grace_seconds),
        )
        .order_by(col(Attempt.ends_at), col(Attempt.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(tx.exec(wanted))


def sign(
    tx: Tx,
    volunteer_id: int,
    area: str,
    offered: Offered,
    done: Collection[str],
    words: str,
    assessor_id: int,
) -> Practical:
    """An assessor signs what somebody has shown. Raises Malformed, Refused for a course without checklist."""
    tx.actor.must_cover("training.write", area)
    row = Practical(
        volunteer_id=volunteer_id,
        course=offered.code,
        area=area,
        done=sorted(set(done)),
        passed=rules.check_signature(done, offered.course, words),
        words=words.strip(),
        signed_by=assessor_id,
        signed_at=tx.now,
    )
    tx.add(row)
    tx.flush()
    return row


def complete(
    tx: Tx, volunteer_id: int, area: str, offered: Offered, score: int | None, today: date
) -> Completion:
    """Notes that a course was passed today."""
    row = Completion(
        volunteer_id=volunteer_id,
        course=offered.code,
        area=area,
        score=score,
        passed_at=tx.now,
        valid_until=rules.months_on(today, offered.course.valid_months),
    )
    tx.add(row)
    tx.flush()
    return row


def lapsed(tx: Tx, today: date, limit: int = 100) -> list[Completion]:
    """Passes that have ended and were not followed by a later one, locked and noted as acted on."""
    wanted = (
        select(Completion)
        .where(col(Completion.valid_until) < today, col(Completion.lapsed_at).is_(None))
        .order_by(col(Completion.valid_until), col(Completion.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = list(tx.exec(wanted))
    for row in rows:
        row.lapsed_at = tx.now
    tx.flush()
    return rows


def last_pass(tx: Tx, volunteer_id: int, course: str) -> Completion | None:
    """When somebody last passed a course."""
    wanted = select(Completion).where(
        col(Completion.volunteer_id) == volunteer_id, col(Completion.course) == course
    )
    return tx.exec(wanted.order_by(col(Completion.passed_at).desc(), col(Completion.id).desc())).first()


def valid_passes(tx: Tx, volunteer_id: int, today: date) -> dict[str, date | None]:
    """The courses somebody has passed that still hold, with the last day of each."""
    rows = tx.exec(
        select(Completion).where(col(Completion.volunteer_id) == volunteer_id).order_by(col(Completion.id))
    )
    return {
        row.course: row.valid_until for row in rows if row.valid_until is None or today <= row.valid_until
    }


def open_attempt(tx: Tx, volunteer_id: int, course: str) -> Attempt | None:
    """The test that runs."""
    wanted = select(Attempt).where(
        col(Attempt.volunteer_id) == volunteer_id,
        col(Attempt.course) == course,
        col(Attempt.state) == AttemptState.OPEN,
    )
    return tx.exec(wanted).first()


def last_attempt(tx: Tx, volunteer_id: int, course: str) -> Attempt | None:
    """The latest test."""
    wanted = select(Attempt).where(col(Attempt.volunteer_id) == volunteer_id, col(Attempt.course) == course)
    return tx.exec(wanted.order_by(col(Attempt.id).desc())).first()


def forget(tx: Tx, volunteer_id: int) -> None:
    """Of somebody who is forgotten, what assessors wrote is taken away; results stay, so that counts hold."""
    for row in tx.exec(select(Practical).where(col(Practical.volunteer_id) == volunteer_id)):
        row.words = ""
    for attempt in tx.exec(select(Attempt).where(col(Attempt.volunteer_id) == volunteer_id)):
        attempt.answers = {}
        if attempt.state is AttemptState.OPEN:
            attempt.state, attempt.score, attempt.ended_at = AttemptState.FAILED, 0, tx.now
    tx.flush()


def _since(
    tx: Tx, volunteer_id: int, course: str, since: datetime | None
) -> tuple[Sequence[Attempt], Sequence[Practical]]:
    """Tests and checklists of a course after a moment."""
    tries = select(Attempt).where(col(Attempt.volunteer_id) == volunteer_id, col(Attempt.course) == course)
    shown = select(Practical).where(
        col(Practical.volunteer_id) == volunteer_id, col(Practical.course) == course
    )
    if since is not None:
        tries = tries.where(col(Attempt.started_at) > since)
        shown = shown.where(col(Practical.signed_at) > since)
    return tx.exec(tries).all(), tx.exec(shown).all()


def _all_read(tx: Tx, volunteer_id: int, offered: Offered, since: datetime | None) -> bool:
    read = lessons.read(tx, volunteer_id, offered.code)
    return lessons_rules.progress(offered.course.lessons, read, since).next is None


def _attended(tx: Tx, volunteer_id: int, course: str, since: datetime | None) -> bool:
    wanted = (
        select(Enrolment.id)
        .join(TrainingSession, col(TrainingSession.id) == col(Enrolment.session_id))
        .where(
            col(Enrolment.volunteer_id) == volunteer_id,
            col(Enrolment.state) == EnrolmentState.ATTENDED,
            col(TrainingSession.course) == course,
        )
    )
    if since is not None:
        wanted = wanted.where(col(Enrolment.attended_at) > since)
    return tx.exec(wanted).first() is not None
