"""What is decided about training: who has a place, when attendance counts, what is missing. Pure."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from volunteer_hub.core.errors import FieldError, Malformed, Refused
from volunteer_hub.training.policy import Attendance

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
