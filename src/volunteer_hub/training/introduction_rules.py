"""How newcomers are led in: application, interview, mentor, first easy duty. Pure: time is an argument."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from volunteer_hub.core.errors import FieldError, Malformed, Refused
from volunteer_hub.training.policy import Introduction

LONGEST_WORDS: Final = 500


class Outcome(StrEnum):
    """What came of an interview."""

    TAKEN_IN = "taken_in"
    NOT_YET = "not_yet"
    DECLINED = "declined"


class MentorState(StrEnum):
    """What somebody said who was asked to be a mentor."""

    ASKED = "asked"
    AGREED = "agreed"
    DECLINED = "declined"


class Step(StrEnum):
    """The way in, in its order."""

    APPLICATION = "application"
    INTERVIEW = "interview"
    MENTOR = "mentor"
    FIRST_DUTY = "first_duty"


class Mark(StrEnum):
    """Where a newcomer is with a step; one of them is ``now`` until all are done."""

    DONE = "done"
    NOW = "now"
    AHEAD = "ahead"


@dataclass(frozen=True)
class Facts:
    """What is known of a newcomer. ``interviewed_at``: when the latest interview was noted."""

    applied_at: datetime
    interviewed_at: datetime | None = None
    taken_in_at: datetime | None = None
    mentor: MentorState | None = None
    mentor_at: datetime | None = None
    first_duty_at: datetime | None = None


@dataclass(frozen=True)
class Stage:
    """One step and where the newcomer is with it."""

    step: Step
    mark: Mark


def stages(facts: Facts, policy: Introduction) -> tuple[Stage, ...]:
    """The steps that this city wants, in order. Where there are no interviews, the application itself waits
    for a yes. A duty may come before the mentor has answered."""
    done = {
        Step.APPLICATION: policy.interview or facts.taken_in_at is not None,
        Step.INTERVIEW: facts.taken_in_at is not None,
        Step.MENTOR: facts.mentor is MentorState.AGREED,
        Step.FIRST_DUTY: facts.first_duty_at is not None,
    }
    wanted = [step for step in Step if _wanted(step, policy)]
    now = next((step for step in wanted if not done[step]), None)
    return tuple(
        Stage(step, Mark.DONE if done[step] else Mark.NOW if step is now else Mark.AHEAD) for step in wanted
    )


def _wanted(step: Step, policy: Introduction) -> bool:
    return step is Step.APPLICATION or bool(getattr(policy, step.value))


def at(found: Sequence[Stage]) -> Step | None:
    """The step a newcomer is at; None once they are introduced."""
    return next((stage.step for stage in found if stage.mark is Mark.NOW), None)


def waiting_since(step: Step, facts: Facts) -> datetime:
    """Since when a newcomer is at a step: the last that happened towards it."""
    if step in (Step.APPLICATION, Step.INTERVIEW):
        return facts.interviewed_at or facts.applied_at
    latest = [facts.taken_in_at or facts.applied_at]
    if facts.mentor_at is not None:
        latest.append(facts.mentor_at)
    return max(latest)


def check_interview(on: date, outcome: Outcome, words: str, today: date, policy: Introduction) -> str:
    """The words as kept. Raises Refused where there are no interviews, Malformed for a day to come, for a
    no without a reason, and for what is too long to read."""
    if not policy.interview:
        raise Refused("introduction.no_interviews")
    plain, wrong = " ".join(words.split()), []
    if on > today:
        wrong.append(FieldError("on", "introduction.day"))
    if not plain and outcome is not Outcome.TAKEN_IN:
        wrong.append(FieldError("words", "introduction.reason"))
    if len(plain) > LONGEST_WORDS:
        wrong.append(FieldError("words", "introduction.too_long", {"longest": LONGEST_WORDS}))
    if wrong:
        raise Malformed("form", fields=wrong)
    return plain


def may_mentor(duties: int, newcomers: int, policy: Introduction) -> bool:
    """Whether somebody has served often enough, and has not too many newcomers already."""
    return duties >= policy.mentor_duties and newcomers < policy.mentor_newcomers


def is_easy(*, drill: bool, hazardous: bool) -> bool:
    """Whether a duty is a first one: any drill, and real work without hazards."""
    return drill or not hazardous
