"""What became of a question, from what is known of it."""

import pytest

from volunteer_hub.mobilization.reply_rules import Asked, Became, Reached, became
from volunteer_hub.mobilization.rules import DeclineReason, OfferState


def asked(
    state: OfferState = OfferState.ASKED,
    *,
    reason: DeclineReason | None = None,
    seen: bool = False,
    answered: bool = False,
    reached: Reached = Reached.SENT,
    active: bool = True,
) -> Became:
    return became(Asked(state, reason, seen, answered, reached, active))


@pytest.mark.parametrize(
    ("reached", "then"),
    [
        (Reached.NOT_SENT, Became.NOT_SENT),
        (Reached.SENT, Became.SENT),
        (Reached.FAILED, Became.NOT_DELIVERED),
        (Reached.DELIVERED, Became.DELIVERED),
    ],
)
def test_without_an_answer_it_is_as_far_as_the_message_got(reached: Reached, then: Became) -> None:
    assert asked(reached=reached) is then


def test_who_read_it_has_seen_it_however_it_got_there() -> None:
    assert asked(seen=True, reached=Reached.FAILED) is Became.SEEN


def test_answers_say_more_than_messages() -> None:
    assert asked(OfferState.STANDING_BY, answered=True) is Became.ACCEPTED
    assert asked(OfferState.RELEASED, answered=True) is Became.ACCEPTED
    assert asked(OfferState.DECLINED, answered=True, reason=DeclineReason.BUSY) is Became.DECLINED
    assert asked(OfferState.WITHDRAWN, answered=True, reason=DeclineReason.UNWELL) is Became.DECLINED
    assert asked(OfferState.DECLINED, answered=True, reason=DeclineReason.LATER) is Became.LATER


def test_a_wrong_number_is_no_answer_of_the_person() -> None:
    assert asked(OfferState.DECLINED, seen=True, reason=DeclineReason.NOT_ME) is Became.WRONG_NUMBER


def test_who_may_be_called_no_longer_is_told_apart_unless_they_answered() -> None:
    assert asked(active=False) is Became.INACTIVE
    assert asked(OfferState.ACCEPTED, answered=True, active=False) is Became.ACCEPTED
