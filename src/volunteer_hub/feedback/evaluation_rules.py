"""What leader and volunteer say of each other's part in a duty, and what follows from it by rule. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from volunteer_hub.core.errors import FieldError, Gone, Malformed, Refused
from volunteer_hub.feedback.policy import Advice, Criterion, Evaluation

LONGEST: Final = 1_000


class Side(StrEnum):
    """Of whom: the volunteer, by who led; or who led, by the volunteer."""

    VOLUNTEER = "volunteer"
    LEADER = "leader"


class Mark(StrEnum):
    """Three steps, in words."""

    YES = "yes"
    PARTLY = "partly"
    NOT_YET = "not_yet"


@dataclass(frozen=True)
class Due:
    """Advice that a rule of the configuration gives, and how many evaluations it rests on."""

    rule: Advice
    times: int


def criteria(policy: Evaluation, side: Side) -> tuple[Criterion, ...]:
    """What is asked of a side."""
    return policy.of_volunteer if side is Side.VOLUNTEER else policy.of_leader


def check_open(checked_out_at: datetime | None, now: datetime, policy: Evaluation) -> None:
    """Raises Refused before the check-out, Gone when it is too long ago to be remembered well."""
    if checked_out_at is None:
        raise Refused("evaluation.early")
    if not is_open(checked_out_at, now, policy):
        raise Gone("evaluation.late", days=policy.open_days)


def is_open(checked_out_at: datetime | None, now: datetime, policy: Evaluation) -> bool:
    """Whether an evaluation can be written now."""
    days = timedelta(days=policy.open_days)
    return checked_out_at is not None and now <= checked_out_at + days


def read(
    marks: Mapping[str, object], words: str, asked: Sequence[Criterion]
) -> tuple[dict[str, str], str | None]:
    """Marks and words as kept; what was left blank is left out. Raises Malformed for a criterion or mark that
    is none, for words too long, and for nothing said at all."""
    known = {one.code for one in asked}
    given = {code: str(mark) for code, mark in marks.items() if mark not in (None, "")}
    wrong = [
        FieldError(code[:60], "evaluation.unknown")
        for code, mark in given.items()
        if code not in known or mark not in set(Mark)
    ]
    plain = words_of(words, wrong)
    if not given and plain is None:
        wrong.append(FieldError("words", "evaluation.empty"))
    if wrong:
        raise Malformed("form", fields=wrong)
    return given, plain


def words_of(words: str, wrong: list[FieldError]) -> str | None:
    """Words as kept, None for none; notes those that are too long."""
    if len(words) > LONGEST or "\0" in words:
        wrong.append(FieldError("words", "evaluation.too_long", {"longest": LONGEST}))
    return words.strip() or None


def check_reply(words: str) -> str:
    """A word of reply. Raises Malformed for none and for too long a one."""
    wrong: list[FieldError] = []
    plain = words_of(words, wrong)
    if plain is None:
        wrong.append(FieldError("words", "evaluation.empty"))
    if wrong or plain is None:
        raise Malformed("form", fields=wrong)
    return plain


def advice(
    said: Iterable[tuple[datetime, Mapping[str, str]]], policy: Evaluation, now: datetime
) -> list[Due]:
    """What the rules suggest to somebody of whom all this was said, as volunteer: (when, marks) of each."""
    rows, found = list(said), []
    for rule in policy.rules:
        since = now - timedelta(days=rule.within_days)
        times = sum(at >= since and marks.get(rule.criterion) == rule.mark for at, marks in rows)
        if times >= rule.times:
            found.append(Due(rule, times))
    return found
