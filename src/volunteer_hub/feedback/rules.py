"""Surveys: the states of one, what counts as an answer, and what the answers of many amount to. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from volunteer_hub.core.errors import FieldError, Gone, Malformed, Refused
from volunteer_hub.feedback.policy import Question, Surveys
from volunteer_hub.feedback.policy import Survey as Questions

LONGEST_TEXT: Final = 2_000
SCALE: Final = range(1, 6)

Answer = int | str
"""A mark, the code of a choice, or a person's own words."""


class Kind(StrEnum):
    """What was before: the real thing, or a drill."""

    REAL = "real"
    DRILL = "drill"


class Form(StrEnum):
    """Whose questions: the keys of config/surveys.toml."""

    VOLUNTEER = "volunteer"
    LEADER = "leader"
    COORDINATOR = "coordinator"
    DRILL = "drill"
    STANDBY = "standby"


class State(StrEnum):
    """``stopped``: the person wants to hear no more of it."""

    OPEN = "open"
    ANSWERED = "answered"
    STOPPED = "stopped"
    EXPIRED = "expired"


ALLOWED: Final[Mapping[State, frozenset[State]]] = {
    State.OPEN: frozenset({State.ANSWERED, State.STOPPED, State.EXPIRED}),
    State.ANSWERED: frozenset(),
    State.STOPPED: frozenset(),
    State.EXPIRED: frozenset(),
}


@dataclass(frozen=True)
class Tally:
    """How one question was answered. ``counts``: mark or choice -> people; ``words``: how many wrote some.

    ``findings``: answers that the policy marks as worth acting on. ``mean``: of a scale with marks, else
    None.
    """

    code: str
    kind: str
    answered: int
    counts: Mapping[str, int] = field(default_factory=dict)
    words: int = 0
    findings: int = 0
    mean: float | None = None


def step(before: State, after: State) -> State:
    """``after`` where the state table allows it. Raises Refused for a survey answered, Gone for one stopped
    or expired."""
    if after not in ALLOWED[before]:
        raise Refused("survey.answered") if before is State.ANSWERED else Gone(f"survey.{before}")
    return after


def now_state(state: State, expires_at: datetime, now: datetime) -> State:
    """The state at ``now``: an open survey past its time has expired, whether or not a sweep has said so."""
    return State.EXPIRED if state is State.OPEN and now >= expires_at else state


def next_reminder(opened_at: datetime, now: datetime, policy: Surveys) -> datetime | None:
    """The first reminder still to come; those missed while nothing ran are not sent in a heap."""
    moments = (opened_at + timedelta(hours=hours) for hours in policy.reminder_hours)
    return next((moment for moment in moments if moment > now), None)


def read_answers(answers: Mapping[str, object], form: Questions) -> dict[str, Answer]:
    """The answers as they are stored, words exactly as written; what was left blank is left out.

    Raises Malformed naming every question that is answered wrongly, and required ones that are not.
    """
    questions = {question.code: question for question in form.questions}
    given = {code: value for code, value in answers.items() if not _blank(value)}
    wrong = [FieldError(code[:60], "survey.unknown") for code in given if code not in questions]
    read: dict[str, Answer] = {}
    for code, question in questions.items():
        if code not in given:
            if question.required:
                wrong.append(FieldError(code, "survey.required"))
            continue
        value = _read(given[code], question)
        if isinstance(value, FieldError):
            wrong.append(value)
        else:
            read[code] = value
    if wrong:
        raise Malformed("form", fields=wrong, places=", ".join(error.where for error in wrong))
    return read


def _blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _read(value: object, question: Question) -> Answer | FieldError:
    if question.kind == "scale":
        marks: dict[object, int] = {**{n: n for n in SCALE}, **{str(n): n for n in SCALE}}
        known = isinstance(value, int | str) and not isinstance(value, bool) and value in marks
        return marks[value] if known else FieldError(question.code, "survey.scale")
    if not isinstance(value, str):
        return FieldError(question.code, "survey.text", {"longest": LONGEST_TEXT})
    if question.kind == "choice":
        known = value in {choice.code for choice in question.choices}
        return value if known else FieldError(question.code, "survey.choice")
    return value if _storable(value) else FieldError(question.code, "survey.text", {"longest": LONGEST_TEXT})


def _storable(text: str) -> bool:
    """PostgreSQL's text holds neither NUL nor half of a surrogate pair."""
    return len(text) <= LONGEST_TEXT and "\0" not in text and not any("\ud800" <= c <= "\udfff" for c in text)


def without_words(answers: Mapping[str, Any], form: Questions) -> dict[str, Any]:
    """Marks and choices only: what stays when a person is forgotten."""
    kept = {question.code for question in form.questions if question.kind != "text"}
    return {code: value for code, value in answers.items() if code in kept}


def tally(question: Question, counts: Mapping[str, int]) -> Tally:
    """What one question amounts to. ``counts``: stored answer -> people; all words are one answer."""
    answered = sum(counts.values())
    if question.kind == "text":
        return Tally(question.code, question.kind, answered, words=answered)
    codes = [str(n) for n in SCALE] if question.kind == "scale" else [c.code for c in question.choices]
    known = {code: counts.get(code, 0) for code in codes}
    marks = sum(int(code) * n for code, n in known.items()) if question.kind == "scale" else 0
    return Tally(
        question.code,
        question.kind,
        answered,
        known,
        findings=sum(n for code, n in known.items() if is_finding(code, question)),
        mean=round(marks / answered, 2) if question.kind == "scale" and answered else None,
    )


def is_finding(answer: str, question: Question) -> bool:
    """Whether an answer to a scale or choice is one that the policy marks as worth acting on."""
    if question.kind == "scale":
        return (
            question.finding_at_most is not None and answer != "" and int(answer) <= question.finding_at_most
        )
    return answer in question.finding_choices


def own_words(answers: Mapping[str, Any], policy: Surveys, form: Form) -> list[str]:
    """What a person wrote in words of their own."""
    texts = [question.code for question in policy.surveys[form.value].questions if question.kind == "text"]
    return [answers[code] for code in texts if code in answers]
