"""What was given on paper: judged as of the hour it was given, whenever it is keyed in. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from volunteer_hub.core.errors import Malformed, NotFound
from volunteer_hub.mobilization.rules import LIVE, Answer, CalloutState, OfferState, Situation

ENDED_UNANSWERED: Final = frozenset({OfferState.EXPIRED, OfferState.RELEASED})
"""How a question ends that nobody has answered; an answer given before its end still counts."""


def as_given(
    it: Situation, given_at: datetime, answered_at: datetime | None, ended_at: datetime | None
) -> Situation:
    """The situation in which an answer was given then. ``answered_at``: the last answer known, ``ended_at``:
    when the callout ended. How many places are taken is as it is now."""
    offer = OfferState.ASKED if it.offer in ENDED_UNANSWERED and answered_at is None else it.offer
    still_on = ended_at is not None and given_at < ended_at and it.callout is CalloutState.CLOSED
    return replace(it, now=given_at, offer=offer, callout=CalloutState.OPEN if still_on else it.callout)


def is_older(given_at: datetime | None, answered_at: datetime | None) -> bool:
    """Whether an answer on paper is no newer than the one known: keyed in twice, or overtaken since."""
    return given_at is not None and answered_at is not None and given_at <= answered_at


def waits_in_line(callout: CalloutState) -> bool:
    """Whether there still is a line to stand by in for whom no place is left."""
    return callout in LIVE


@dataclass(frozen=True)
class Hours:
    """What one line of a sheet says: an answer and its hour, when they came and when they left."""

    answer: Answer | None = None
    at: datetime | None = None
    came_at: datetime | None = None
    left_at: datetime | None = None


def check(it: Hours, asked_at: datetime | None, now: datetime) -> None:
    """Its hours lie in order between the question and now. Raises NotFound for who was not asked."""
    if asked_at is None:
        raise NotFound("paper.not_asked")
    came = it.came_at or now
    given = [moment for moment in (it.at, it.came_at, it.left_at) if moment is not None]
    wrong = (
        (it.answer is None and it.came_at is None, "paper.empty"),
        (it.answer is not None and it.at is None, "paper.no_time"),
        (it.left_at is not None and it.came_at is None, "paper.left_only"),
        (it.came_at is not None and it.answer not in (None, Answer.ACCEPT), "paper.came_and_declined"),
        (min(given, default=now) < asked_at, "paper.before_asked"),
        (max(given, default=now) > now, "paper.future"),
        (it.left_at is not None and it.left_at < came, "duty.times"),
    )
    for holds, code in wrong:
        if holds:
            raise Malformed(code)
