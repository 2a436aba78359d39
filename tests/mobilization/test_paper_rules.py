"""What counts of a sheet of paper, without a database."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.mobilization.rows import raises
from volunteer_hub.core.errors import Malformed, NotFound
from volunteer_hub.mobilization import paper_rules, rules
from volunteer_hub.mobilization.paper_rules import Hours
from volunteer_hub.mobilization.rules import Answer, CalloutState, OfferState, Outcome, Situation

ASKED = datetime(2031, 1, 20, 2, 0, tzinfo=UTC)
NOW = ASKED + timedelta(hours=9)


def after(hours: float) -> datetime:
    return ASKED + timedelta(hours=hours)


def situation(offer: OfferState, callout: CalloutState = CalloutState.OPEN) -> Situation:
    """Expires six hours after the question, the work ends two hours later; keyed in at NOW."""
    return Situation(offer, callout, NOW, after(6), after(8), filled=0, maximum=1)


@pytest.mark.parametrize(
    ("offer", "callout", "given", "answered", "ended", "outcome"),
    [
        (OfferState.ASKED, CalloutState.OPEN, 1, None, None, Outcome.ACCEPTED),
        (OfferState.EXPIRED, CalloutState.OPEN, 1, None, None, Outcome.ACCEPTED),
        (OfferState.EXPIRED, CalloutState.OPEN, 6, None, None, Outcome.EXPIRED),
        (OfferState.RELEASED, CalloutState.CLOSED, 1, None, 2, Outcome.ACCEPTED),
        (OfferState.RELEASED, CalloutState.CLOSED, 3, None, 2, Outcome.CLOSED),
        (OfferState.RELEASED, CalloutState.CLOSED, 1, 0.5, 2, Outcome.RELEASED),
        (OfferState.DECLINED, CalloutState.OPEN, 2, 1, None, Outcome.ACCEPTED),
        (OfferState.CANCELLED, CalloutState.CANCELLED, 1, None, 2, Outcome.CANCELLED),
    ],
)
def test_an_answer_counts_as_of_the_hour_it_was_given(
    offer: OfferState,
    callout: CalloutState,
    given: float,
    answered: float | None,
    ended: float | None,
    outcome: Outcome,
) -> None:
    it = paper_rules.as_given(
        situation(offer, callout),
        after(given),
        None if answered is None else after(answered),
        None if ended is None else after(ended),
    )
    assert rules.decide(Answer.ACCEPT, it) is outcome


def test_an_answer_no_newer_than_the_known_one_changes_nothing() -> None:
    assert [paper_rules.is_older(after(1), after(known)) for known in (0.5, 1, 2)] == [False, True, True]
    assert not paper_rules.is_older(None, after(1))
    assert not paper_rules.is_older(after(1), None)


def test_nobody_stands_by_for_a_callout_that_has_ended() -> None:
    assert paper_rules.waits_in_line(CalloutState.MET)
    assert not paper_rules.waits_in_line(CalloutState.CLOSED)


@pytest.mark.parametrize(
    "hours",
    [
        Hours(Answer.DECLINE, after(1)),
        Hours(came_at=after(1)),
        Hours(Answer.ACCEPT, after(0), after(1), NOW),
    ],
)
def test_hours_in_order_are_taken(hours: Hours) -> None:
    paper_rules.check(hours, ASKED, NOW)


@pytest.mark.parametrize(
    ("hours", "code"),
    [
        (Hours(), "paper.empty"),
        (Hours(Answer.ACCEPT), "paper.no_time"),
        (Hours(Answer.ACCEPT, after(1), left_at=after(2)), "paper.left_only"),
        (Hours(Answer.DECLINE, after(1), after(2)), "paper.came_and_declined"),
        (Hours(Answer.ACCEPT, after(-0.1)), "paper.before_asked"),
        (Hours(came_at=after(9.1)), "paper.future"),
        (Hours(came_at=after(2), left_at=after(1)), "duty.times"),
    ],
)
def test_hours_out_of_order_are_named(hours: Hours, code: str) -> None:
    with raises(Malformed, code):
        paper_rules.check(hours, ASKED, NOW)


def test_whoever_was_not_asked_is_named() -> None:
    with raises(NotFound, "paper.not_asked"):
        paper_rules.check(Hours(came_at=after(1)), None, NOW)
