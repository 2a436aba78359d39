"""What is decided about training: who has a place, when attendance counts, what is missing. Pure."""

import random
from calendar import monthrange
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from volunteer_hub.core.errors import FieldError, Malformed, Refused
from volunteer_hub.training.policy import Assessment, Attendance, Band, Course, Test

UNTESTED: Final = "untested"
MOST_PLACES: Final = 1_000
LONGEST_PLACE: Final = 200
LONGEST_WORDS: Final = 2_000
LONGEST_SESSION: Final = timedelta(days=7)


class SessionState(StrEnum):
    """Whether a session is to be held, is over with its list closed, or was called off."""

    PLANNED = "planned"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class EnrolmentState(StrEnum):
    """Where somebody stands with a session."""

    ENROLLED = "enrolled"
    WAITING = "waiting"
    WITHDRAWN = "withdrawn"
    ATTENDED = "attended"
    MISSED = "missed"


class AttemptState(StrEnum):
    """A test that runs, or how it ended; one not handed in in time is failed."""

    OPEN = "open"
    PASSED = "passed"
    FAILED = "failed"


class Part(StrEnum):
    """What is still missing to pass a course, in the order in which it is done."""

    REQUIRES = "requires"
    READ = "read"
    ATTEND = "attend"
    TEST = "test"
    PRACTICAL = "practical"


class AgeBand(StrEnum):
    """Ages as the census groups them."""

    CHILD = "0-14"
    ADULT = "15-59"
    OLD = "60+"
    UNKNOWN = "unknown"


class Evidence(StrEnum):
    """How it is known that somebody came: by the code shown in the room, or by the trainer's list."""

    CODE = "code"
    TRAINER = "trainer"


ALLOWED: Final[dict[EnrolmentState, frozenset[EnrolmentState]]] = {
    EnrolmentState.ENROLLED: frozenset(
        {EnrolmentState.WITHDRAWN, EnrolmentState.ATTENDED, EnrolmentState.MISSED}
    ),
    EnrolmentState.WAITING: frozenset(
        {EnrolmentState.ENROLLED, EnrolmentState.WITHDRAWN, EnrolmentState.ATTENDED, EnrolmentState.MISSED}
    ),
    EnrolmentState.WITHDRAWN: frozenset({EnrolmentState.ENROLLED, EnrolmentState.WAITING}),
    # A slip of the pen on the list can be mended while the list is open.
    EnrolmentState.ATTENDED: frozenset({EnrolmentState.MISSED}),
    EnrolmentState.MISSED: frozenset({EnrolmentState.ATTENDED}),
}
HELD: Final = frozenset({EnrolmentState.ENROLLED, EnrolmentState.ATTENDED, EnrolmentState.MISSED})
"""The states that take up a place."""


@dataclass(frozen=True)
class SessionSpec:
    """When, where and for how many a course is held."""

    course: str
    place: str
    starts_at: datetime
    ends_at: datetime
    places: int
    trainer: str = ""
    words: str = ""


def step(before: EnrolmentState, after: EnrolmentState) -> EnrolmentState:
    """The state after; Refused where that cannot follow."""
    if after not in ALLOWED[before]:
        raise Refused("training.state")
    return after


def check_session(spec: SessionSpec, courses: Collection[str], now: datetime) -> None:
    """Raises Malformed with every wrong field of a session."""
    wrong = (
        (spec.course not in courses, FieldError("course", "training.course")),
        (not spec.place.strip(), FieldError("place", "training.place")),
        (
            len(spec.place) > LONGEST_PLACE,
            FieldError("place", "training.too_long", {"longest": LONGEST_PLACE}),
        ),
        (
            len(spec.trainer) > LONGEST_PLACE,
            FieldError("trainer", "training.too_long", {"longest": LONGEST_PLACE}),
        ),
        (
            len(spec.words) > LONGEST_WORDS,
            FieldError("words", "training.too_long", {"longest": LONGEST_WORDS}),
        ),
        (
            not timedelta(0) < spec.ends_at - spec.starts_at <= LONGEST_SESSION,
            FieldError("ends_at", "training.times"),
        ),
        (spec.ends_at <= now, FieldError("starts_at", "training.past")),
        (not 1 <= spec.places <= MOST_PLACES, FieldError("places", "training.places", {"most": MOST_PLACES})),
    )
    found = [fault for holds, fault in wrong if holds]
    if found:
        raise Malformed("form", fields=found)


def check_open(state: SessionState, starts_at: datetime, now: datetime) -> None:
    """Raises Refused where nobody can enrol, leave or move up any more."""
    if state is not SessionState.PLANNED:
        raise Refused("training.cancelled" if state is SessionState.CANCELLED else "training.over")
    if now >= starts_at:
        raise Refused("training.started")


def place_for(taken: int, places: int) -> EnrolmentState:
    """What one more person gets: a place while there is one, else the end of the waiting list."""
    return EnrolmentState.ENROLLED if taken < places else EnrolmentState.WAITING


def check_attendance(
    state: SessionState, starts_at: datetime, ends_at: datetime, now: datetime, policy: Attendance
) -> None:
    """Raises Refused outside the time in which people check in by themselves."""
    if state is not SessionState.PLANNED:
        raise Refused("training.cancelled" if state is SessionState.CANCELLED else "training.over")
    if now < starts_at - timedelta(minutes=policy.before_minutes):
        raise Refused("training.early", minutes=policy.before_minutes)
    if now > ends_at + timedelta(minutes=policy.after_minutes):
        raise Refused("training.over")


def code_steps(now: datetime, policy: Attendance) -> tuple[int, int]:
    """The numbers of the code shown now and of the one before, which still holds: somebody may be typing."""
    number = int(now.timestamp()) // (60 * policy.code_minutes)
    return number, number - 1


def missing(requires: Iterable[str], passed: Collection[str]) -> tuple[str, ...]:
    """The courses to be passed first, in their order."""
    return tuple(code for code in requires if code not in passed)


def next_up(waiting: Sequence[int], taken: int, places: int) -> Sequence[int]:
    """Who of the waiting list, in its order, gets the free places."""
    return waiting[: max(0, places - taken)]


def paper(seed: int, test: Test) -> list[dict[str, Any]]:
    """The questions drawn by a seed, and their answers in an order drawn too: the same for the same bank."""
    lot = random.Random(seed)
    drawn = []
    for question in lot.sample(test.questions, test.draw):
        order = lot.sample(range(len(question.answers)), len(question.answers))
        answers = [question.answers[n].model_dump() for n in order]
        right = order.index(question.right - 1)
        drawn.append(
            {"code": question.code, "text": question.text.model_dump(), "answers": answers, "right": right}
        )
    return drawn


def score(drawn: Sequence[Mapping[str, Any]], answers: Mapping[str, int]) -> int:
    """Per cent right, rounded down; what was left out is wrong."""
    right = [question["code"] for question in drawn if answers.get(question["code"]) == question["right"]]
    return len(right) * 100 // len(drawn)


def handed_in(ends_at: datetime, now: datetime, policy: Assessment) -> bool:
    """Whether answers that come now are in time."""
    return now <= ends_at + timedelta(seconds=policy.grace_seconds)


def parts(course: Course) -> tuple[Part, ...]:
    """What passing a course takes."""
    wanted = (
        (Part.REQUIRES, bool(course.requires)),
        (Part.READ, course.read_first),
        (Part.ATTEND, course.attend),
        (Part.TEST, course.test is not None),
        (Part.PRACTICAL, bool(course.checklist)),
    )
    return tuple(part for part, holds in wanted if holds)


def due(valid_until: date | None, today: date, policy: Assessment) -> bool:
    """Whether a course that was passed may be taken again: its certificate ends soon, or has ended."""
    return valid_until is not None and valid_until - timedelta(days=policy.renew_days) <= today


def attempts_left(test: Test, failures: Sequence[datetime], now: datetime, policy: Assessment) -> int:
    """How often somebody may still try: failures of long ago count no more."""
    since = now - timedelta(days=policy.again_days)
    return max(0, test.attempts - sum(moment > since for moment in failures))


def check_start(missing: Collection[Part], *, due: bool, left: int) -> None:
    """Raises Refused where a test cannot be begun: passed and still good, not read or
    attended yet, no try left."""
    if not due:
        raise Refused("training.passed")
    if Part.REQUIRES in missing:
        raise Refused("training.requires_first")
    if Part.READ in missing:
        raise Refused("training.read_first")
    if Part.ATTEND in missing:
        raise Refused("training.attend_first")
    if not left:
        raise Refused("training.no_attempt")


def months_on(day: date, months: int) -> date | None:
    """The same day so many months later, the last of the month where there is none; None for 0."""
    if not months:
        return None
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def check_signature(done: Collection[str], course: Course, words: str) -> bool:
    """Whether every item was shown. Raises Malformed for an item that is not listed, or too many words."""
    known = {item.code for item in course.checklist}
    if not known:
        raise Refused("training.no_checklist")
    if set(done) - known:
        raise Malformed("form", fields=[FieldError("done", "training.item")])
    if len(words) > LONGEST_WORDS:
        raise Malformed("form", fields=[FieldError("words", "training.too_long", {"longest": LONGEST_WORDS})])
    return known <= set(done)


def band(percent: int | None, bands: Sequence[Band]) -> str:
    """The code of the level that a score falls into; UNTESTED where there is none."""
    if percent is None:
        return UNTESTED
    return next(one.code for one in bands if percent >= one.from_percent)


def age_band(birthday: date | None, day: date) -> AgeBand:
    """The age somebody had on a day."""
    if birthday is None:
        return AgeBand.UNKNOWN
    age = day.year - birthday.year - ((day.month, day.day) < (birthday.month, birthday.day))
    if age < 15:
        return AgeBand.CHILD
    return AgeBand.ADULT if age < 60 else AgeBand.OLD
