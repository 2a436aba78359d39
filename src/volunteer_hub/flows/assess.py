"""What people have shown becomes what they are called for: certified when they pass a course, suspended when
a mandatory one lapses or is failed, restored when they pass it again; each is told, and passing pays.
"""

import uuid
from collections.abc import Collection, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from volunteer_hub.access import accounts, jurisdictions
from volunteer_hub.boards import assessment as board
from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound, Refused
from volunteer_hub.core.i18n import pick
from volunteer_hub.flows import award, settle, train
from volunteer_hub.incentives.rules import EntryKind
from volunteer_hub.training import assessments, courses, enrolments, lessons, sessions
from volunteer_hub.training.courses import Offered
from volunteer_hub.training.models import Attempt, Completion, Practical, TrainingSession
from volunteer_hub.training.rules import AttemptState, EnrolmentState
from volunteer_hub.volunteers import registry, skills
from volunteer_hub.volunteers.models import Volunteer

_WORTH: Final = timedelta(days=7)
_BATCH: Final = 100


def begin(tx: Tx, volunteer_id: int, code: str) -> Attempt:
    """A person begins a test, or goes on with the one that runs. Raises as `assessments.begin`."""
    person = registry.one(tx, volunteer_id, lock=True)
    offered = _offered(tx, person, code)
    _end_overdue(tx, person, offered)
    return assessments.begin(tx, person.id, person.area, offered, board.standing(tx, person, offered))


def read(tx: Tx, volunteer_id: int, code: str, lesson: str) -> None:
    """A person is done with a lesson; a course that asks for no more than reading is passed by the last one.
    Raises NotFound."""
    person = registry.one(tx, volunteer_id, lock=True)
    offered = _offered(tx, person, code)
    lessons.mark(tx, person.id, person.area, offered, lesson)
    if offered.course.read_first:
        _settle(tx, person, offered)


def hand_in(tx: Tx, volunteer_id: int, code: str, answers: Mapping[str, int]) -> Attempt:
    """A person hands in the test that runs; one that ended before, as it was. Raises NotFound without any."""
    person = registry.one(tx, volunteer_id, lock=True)
    offered = _offered(tx, person, code)
    row = assessments.last_attempt(tx, person.id, code)
    if row is None:
        raise NotFound("not_found")
    return _ended(tx, person, offered, row, answers)


def sign(tx: Tx, public_id: uuid.UUID, code: str, done: Collection[str], words: str) -> Practical:
    """An assessor signs what somebody of their areas has shown. Raises as `assessments.sign`, NotFound,
    Refused for themselves."""
    person = registry.find(tx, "training.write", public_id, lock=True)
    offered = _offered(tx, person, code)
    assessor = accounts.acting(tx)
    if assessor is None or (person.email and assessor.email == person.email.lower()):
        raise Refused("training.oneself")
    row = assessments.sign(tx, person.id, person.area, offered, done, words, assessor.id)
    _settle(tx, person, offered) if row.passed else _failed(tx, person, offered)
    return row


def close(tx: Tx, session: TrainingSession, version: int) -> None:
    """Closes the list of a session: a course that asks for no more than being there is passed by it. Raises
    as `sessions.close`."""
    sessions.close(tx, session, version)
    offered = courses.one(tx, session.course)
    there = [
        row.volunteer_id for row in enrolments.of_session(tx, session) if row.state is EnrolmentState.ATTENDED
    ]
    for volunteer_id in sorted(there):
        _settle(tx, registry.one(tx, volunteer_id, lock=True), offered)


def sweep() -> int:
    """Ends tests whose time is over and acts on courses that have lapsed; how many of both."""
    total = 0
    for batch in (_overdue, _lapsed):
        while (done := batch()) == _BATCH:
            total += done
        total += done
    return total


def _overdue() -> int:
    with db.transaction(SYSTEM, "training.overdue") as tx:
        rows = assessments.overdue(tx, courses.shipped().assessment, _BATCH)
        known = courses.every(tx)
        for row in rows:
            if row.course in known:
                person = registry.one(tx, row.volunteer_id, lock=True)
                _ended(tx, person, known[row.course], row, {})
            else:  # the course was taken out of the configuration
                assessments.hand_in(tx, row, {}, None, courses.shipped().assessment)
        return len(rows)


def _lapsed() -> int:
    with db.transaction(SYSTEM, "training.lapsed") as tx:
        today = tx.now.date()
        rows = assessments.lapsed(tx, today, _BATCH)
        known = courses.every(tx)
        for row in rows:
            latest = assessments.last_pass(tx, row.volunteer_id, row.course)
            if row.course in known and latest is not None and latest.id == row.id:
                _suspend_if_mandatory(tx, tx.get_one(Volunteer, row.volunteer_id), known[row.course])
        return len(rows)


def _end_overdue(tx: Tx, person: Volunteer, offered: Offered) -> None:
    """A test whose time is over does not go on, even before the sweep has come by."""
    row = assessments.open_attempt(tx, person.id, offered.code)
    if row is not None and row.ends_at < tx.now:
        _ended(tx, person, offered, row, {})


def _ended(tx: Tx, person: Volunteer, offered: Offered, row: Attempt, answers: Mapping[str, int]) -> Attempt:
    if row.state is not AttemptState.OPEN:
        return row
    done = assessments.hand_in(tx, row, answers, offered.course.test, courses.shipped().assessment)
    if done.state is AttemptState.PASSED:
        _settle(tx, person, offered)
    else:
        _failed(tx, person, offered)
    return done


def _settle(tx: Tx, person: Volunteer, offered: Offered) -> None:
    """Passes the course where everything is there: once, for what was shown stands before the pass then."""
    at = board.standing(tx, person, offered)
    if not at.done:
        return
    today, course = board.today_of(tx, person), offered.course
    row = assessments.complete(tx, person.id, person.area, offered, at.score, today)
    restored = False
    if course.skill is not None:
        _certify(tx, person, offered, row, today)
        restored = skills.restore(tx, person, course.skill)
    if course.points:
        award.deed(tx, EntryKind.TRAINING, f"course:{row.id}", person.id, course.points)
    _tell(tx, "training_restored" if restored else "training_passed", person, offered, f"pass:{row.id}")


def _certify(tx: Tx, person: Volunteer, offered: Offered, row: Completion, today: date) -> None:
    assert offered.course.skill is not None
    skills.earn(
        tx,
        person,
        offered.course.skill,
        offered.course.level,
        number=f"{offered.code}-{row.id}",
        issuer=pick(jurisdictions.root(tx).name, person.lang),
        issued_on=today,
        expires_on=row.valid_until,
    )


def _failed(tx: Tx, person: Volunteer, offered: Offered) -> None:
    """Suggests a refresher when it happened too often; a mandatory course failed for good suspends."""
    at, policy = board.standing(tx, person, offered), courses.shipped().assessment
    deed = f"fail:{person.id}:{offered.code}:{at.failures[-1].timestamp():.6f}" if at.failures else ""
    if len(at.failures) == policy.refresher_after:
        _tell(tx, "training_refresher", person, offered, deed)
    test = offered.course.test
    if test is not None and len(at.failures) >= test.attempts:
        _suspend_if_mandatory(tx, person, offered)


def _suspend_if_mandatory(tx: Tx, person: Volunteer, offered: Offered) -> None:
    course = offered.course
    if course.mandatory and course.skill is not None and skills.suspend(tx, person, course.skill):
        _tell(tx, "training_suspended", person, offered, f"suspended:{tx.now.timestamp():.6f}")


def _tell(tx: Tx, purpose: str, person: Volunteer, offered: Offered, deed: str) -> None:
    skill = skills.taxonomy().skills.get(offered.course.skill or "")
    params: dict[str, Any] = {
        "course": offered.name,
        "skill": {"en": skill.name.en, "zh": skill.name.zh} if skill is not None else offered.name,
        "zone": settle.zone_of(tx, person.area).key,
    }
    until = datetime.combine(tx.now.date(), time(), tx.now.tzinfo) + _WORTH
    train.tell(tx, purpose, {person.id: f"course:{offered.code}:{person.id}:{deed}"}, params, until)


def _offered(tx: Tx, person: Volunteer, code: str) -> Offered:
    found = courses.for_area(tx, person.area).get(code)
    if found is None:
        raise NotFound("not_found")
    return found
