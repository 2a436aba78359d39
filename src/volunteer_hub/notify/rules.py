"""What may become of a message, and when it is tried again. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final


class Channel(StrEnum):
    """Ways to reach a person."""

    EMAIL = "email"
    SMS = "sms"
    VOICE = "voice"
    WEBPUSH = "webpush"
    ROBOT = "robot"
    CONSOLE = "console"


class State(StrEnum):
    """Where a message is; it always ends in one of the last four."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Heard(StrEnum):
    """What a gateway said later about a message it had taken."""

    PASSED_ON = "passed_on"
    DELIVERED = "delivered"
    FAILED = "failed"


class Kind(StrEnum):
    """Whether a text is about a real callout, a drill, or neither: said first in every text."""

    REAL = "real"
    DRILL = "drill"
    NONE = "none"


class Subject(StrEnum):
    """What a message is about; `subject_id` is a row of that kind."""

    OFFER = "offer"
    SURVEY = "survey"
    JOIN_CODE = "join_code"
    CERTIFICATION = "certification"
    INCIDENT = "incident"
    ALERT = "alert"
    LOGIN_CODE = "login_code"
    VOLUNTEER = "volunteer"
    UPWARD = "upward"
    ACTION = "action"
    VOICE = "voice"
    DEBRIEF = "debrief"


ALLOWED: Final[dict[State, frozenset[State]]] = {
    # Delivered from anywhere: the answer to our handing over may be lost, the receipt that follows is true.
    State.QUEUED: frozenset({State.SENDING, State.CANCELLED, State.EXPIRED, State.DELIVERED}),
    State.SENDING: frozenset(
        {State.SENT, State.DELIVERED, State.QUEUED, State.FAILED, State.EXPIRED, State.CANCELLED}
    ),
    State.SENT: frozenset({State.DELIVERED, State.FAILED}),
    State.DELIVERED: frozenset(),
    State.FAILED: frozenset({State.QUEUED, State.DELIVERED}),
    State.EXPIRED: frozenset({State.DELIVERED}),
    # Taken back while it was being handed over: what has gone out is not called back.
    State.CANCELLED: frozenset({State.SENT, State.DELIVERED}),
}
WAITING: Final = (State.QUEUED, State.SENDING)
VOICED: Final = frozenset({"offer", "reminder", "changed", "cancelled"})
"""The purposes for which people are rung up: questions, and changes that somebody may already be out for."""
PRESSING: Final = VOICED | {"promoted", "note"}
"""The purposes of which silence is not taken for arrival: without a receipt the next address is tried."""


ELSEWHERE: Final = ":to:"
ASIDE: Final = ":aside:"
"""What follows in a message's key names the address: it was tried there after another, or went there beside
another, by web push, and is not missed when it does not arrive."""


def root_of(key: str) -> str:
    """A message's key without the address."""
    return key.partition(ELSEWHERE)[0].partition(ASIDE)[0]


def is_aside(key: str) -> bool:
    """Whether a message only goes beside another."""
    return ASIDE in key


def pause_before(attempt: int, message_id: int, waits: Sequence[int]) -> timedelta | None:
    """The wait after try number ``attempt``, from ``waits`` in seconds; None when there is no further try.

    The jitter of up to a quarter depends on the message, so that a gateway coming back is not rushed.
    """
    if attempt > len(waits):
        return None
    return timedelta(seconds=waits[attempt - 1] * (1 + message_id * 2_654_435_761 % 1000 / 4000))


def after_failure(
    attempts: int,
    message_id: int,
    now: datetime,
    expires_at: datetime,
    waits: Sequence[int],
    *,
    permanent: bool,
) -> tuple[State, datetime]:
    """What becomes of a message that was not taken: (state, next try). Past its deadline it expires."""
    pause = None if permanent else pause_before(attempts, message_id, waits)
    if pause is None:
        return State.FAILED, now
    return (State.QUEUED, now + pause) if now + pause < expires_at else (State.EXPIRED, now)


def after_receipt(state: State, heard: Heard) -> State:
    """Where a message is once its gateway has said this. Receipts come late, twice and in any order, also
    before we have written down that it was handed over: what was delivered stays so, and only what was
    handed over, or is being so, can fail."""
    if heard is Heard.DELIVERED:
        return State.DELIVERED
    gone = state in (State.SENDING, State.SENT)
    return State.FAILED if heard is Heard.FAILED and gone else state
