"""Every decision of the column, without a database."""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from itertools import product

import pytest

from tests.mobilization.rows import NIGHT, RULES, raises
from volunteer_hub.core.errors import Gone, Malformed, NotFound, Refused
from volunteer_hub.mobilization import rules
from volunteer_hub.mobilization.rules import (
    Answer,
    Approval,
    CalloutState,
    DutyState,
    Evidence,
    Grade,
    OfferState,
    Outcome,
    PlanState,
    Situation,
)

NOW = datetime(2031, 1, 20, 6, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ANSWERS = (Answer.ACCEPT, Answer.DECLINE, Answer.LATER, Answer.WITHDRAW, Answer.NOT_ME)

R, S = Outcome, OfferState
# What each answer comes to in each state of the offer, while callout and link are open and a place is free.
TABLE = {
    S.QUEUED: (R.NOT_ASKED, R.NOT_ASKED, R.NOT_ASKED, R.NOT_ASKED, R.NOT_ASKED),
    S.ASKED: (R.ACCEPTED, R.DECLINED, R.DECLINED, R.NOT_HELD, R.DECLINED),
    S.ACCEPTED: (R.STANDS, R.WITHDRAWN, R.WITHDRAWN, R.WITHDRAWN, R.WITHDRAWN),
    S.STANDING_BY: (
        R.STANDS,
        R.WITHDRAWN,
        R.WITHDRAWN,
        R.WITHDRAWN,
        R.WITHDRAWN,
    ),
    S.DECLINED: (R.ACCEPTED, R.STANDS, R.STANDS, R.STANDS, R.DISOWNED),
    S.WITHDRAWN: (R.ACCEPTED, R.STANDS, R.STANDS, R.STANDS, R.DISOWNED),
    S.EXPIRED: (R.EXPIRED, R.EXPIRED, R.EXPIRED, R.EXPIRED, R.DISOWNED),
    S.RELEASED: (R.RELEASED, R.RELEASED, R.RELEASED, R.RELEASED, R.DISOWNED),
    S.CANCELLED: (
        R.CANCELLED,
        R.CANCELLED,
        R.CANCELLED,
        R.CANCELLED,
        R.DISOWNED,
    ),
    S.NO_SHOW: (R.OVER, R.OVER, R.OVER, R.OVER, R.DISOWNED),
    S.ON_SITE: (R.STANDS, R.ON_SITE, R.ON_SITE, R.ON_SITE, R.ON_SITE),
    S.DONE: (R.STANDS, R.OVER, R.OVER, R.OVER, R.OVER),
}


def situation(
    offer: OfferState = S.ASKED,
    callout: CalloutState = CalloutState.OPEN,
    *,
    expires_in: timedelta | None = HOUR,
    ends_in: timedelta = 9 * HOUR,
    filled: int = 0,
    disowned: bool = False,
) -> Situation:
    expires_at = None if expires_in is None else NOW + expires_in
    return Situation(offer, callout, NOW, expires_at, NOW + ends_in, filled, maximum=1, disowned=disowned)


@pytest.mark.parametrize("state", list(OfferState))
def test_every_answer_in_every_state(state: OfferState) -> None:
    assert tuple(rules.decide(answer, situation(state)) for answer in ANSWERS) == TABLE[state]


@pytest.mark.parametrize(
    ("callout", "outcome"),
    [
        (CalloutState.SENDING, Outcome.ACCEPTED),
        (CalloutState.OPEN, Outcome.ACCEPTED),
        (CalloutState.MET, Outcome.ACCEPTED),
        (CalloutState.CLOSED, Outcome.CLOSED),
        (CalloutState.CANCELLED, Outcome.CANCELLED),
    ],
)
def test_accepting_needs_a_live_callout(callout: CalloutState, outcome: Outcome) -> None:
    assert rules.decide(Answer.ACCEPT, situation(callout=callout)) is outcome


def test_a_full_slot_makes_an_accepter_stand_by() -> None:
    assert rules.decide(Answer.ACCEPT, situation(filled=1)) is Outcome.STANDING_BY


def test_the_time_to_answer_ends_at_its_last_moment() -> None:
    moment = timedelta(microseconds=1)
    assert rules.decide(Answer.ACCEPT, situation(expires_in=moment)) is Outcome.ACCEPTED
    assert rules.decide(Answer.ACCEPT, situation(expires_in=timedelta(0))) is Outcome.EXPIRED
    assert rules.decide(Answer.DECLINE, situation(expires_in=timedelta(0))) is Outcome.EXPIRED
    assert rules.decide(Answer.ACCEPT, situation(expires_in=None)) is Outcome.ACCEPTED


def test_who_holds_a_place_may_withdraw_after_the_time_to_answer_and_after_closing() -> None:
    late = situation(S.ACCEPTED, CalloutState.CLOSED, expires_in=-HOUR)
    assert rules.decide(Answer.WITHDRAW, late) is Outcome.WITHDRAWN


def test_nothing_is_answered_after_the_duty_has_ended() -> None:
    over = timedelta(0)
    assert rules.decide(Answer.ACCEPT, situation(ends_in=over)) is Outcome.OVER
    assert rules.decide(Answer.WITHDRAW, situation(S.ACCEPTED, ends_in=over)) is Outcome.OVER


def test_a_disowned_link_takes_no_answer_but_the_same_again() -> None:
    disowned = situation(S.DECLINED, disowned=True)
    assert [rules.decide(answer, disowned) for answer in ANSWERS] == [Outcome.NOT_ME] * 4 + [Outcome.STANDS]


@pytest.mark.parametrize("outcome", list(Outcome))
def test_refused_outcomes_are_told_in_words(outcome: Outcome) -> None:
    counts = {
        Outcome.ACCEPTED,
        Outcome.STANDING_BY,
        Outcome.DECLINED,
        Outcome.WITHDRAWN,
        Outcome.DISOWNED,
        Outcome.STANDS,
        Outcome.NOTED,
    }
    error = rules.refusal(outcome)
    if outcome in counts:
        assert error is None
        return
    kinds = {Outcome.NOT_ASKED: NotFound, Outcome.NOT_HELD: Refused, Outcome.ON_SITE: Refused}
    assert type(error) is kinds.get(outcome, Gone)
    assert error.code == ("not_found" if outcome is Outcome.NOT_ASKED else f"offer.{outcome}")


def written(table: Mapping[StrEnum, frozenset[StrEnum]]) -> dict[str, str]:
    """A state table as words: from which state to which."""
    return {before: " ".join(sorted(after)) for before, after in table.items()}


def test_a_plan_moves_only_along_its_road() -> None:
    assert written(rules.PLAN_ALLOWED) == {
        "requested": "failed running superseded",
        "running": "failed ready running superseded",
        "ready": "approved superseded",
        "approved": "",
        "superseded": "",
        "failed": "",
    }
    assert set(rules.PLAN_ALLOWED) == set(PlanState)


def test_a_callout_once_closed_is_only_cancelled() -> None:
    assert written(rules.CALLOUT_ALLOWED) == {
        "sending": "cancelled closed met open",
        "open": "cancelled closed met",
        "met": "cancelled closed open",
        "closed": "cancelled",
        "cancelled": "",
    }
    assert set(rules.CALLOUT_ALLOWED) == set(CalloutState)
    assert set(rules.CALLOUT_ALLOWED) - {CalloutState.CLOSED, CalloutState.CANCELLED} == rules.LIVE


def test_an_offer_moves_only_along_its_road() -> None:
    assert written(rules.OFFER_ALLOWED) == {
        "queued": "asked cancelled released",
        "asked": "accepted cancelled declined expired released standing_by",
        "accepted": "cancelled no_show on_site released withdrawn",
        "standing_by": "accepted cancelled released withdrawn",
        "declined": "accepted asked standing_by",
        "withdrawn": "accepted asked standing_by",
        "expired": "asked",
        "released": "asked",
        "cancelled": "",
        "no_show": "on_site",
        "on_site": "done",
        "done": "",
    }
    assert set(rules.OFFER_ALLOWED) == set(OfferState)


def test_a_duty_moves_only_along_its_road() -> None:
    assert written(rules.DUTY_ALLOWED) == {
        "expected": "cancelled no_show on_site",
        "on_site": "done",
        "done": "",
        "no_show": "on_site",
        "cancelled": "expected",
    }
    assert set(rules.DUTY_ALLOWED) == set(DutyState)


def test_only_who_holds_or_held_a_place_takes_one() -> None:
    assert {S.ACCEPTED, S.ON_SITE} == rules.HOLDING
    assert rules.HOLDING | {S.DONE} == rules.PLACED


def test_a_step_outside_the_table_names_both_states() -> None:
    assert rules.step("offer", rules.OFFER_ALLOWED, S.ACCEPTED, S.ON_SITE) is S.ON_SITE
    with pytest.raises(Refused) as error:
        rules.step("offer", rules.OFFER_ALLOWED, S.DONE, S.ASKED)
    assert error.value.code == "offer.step"
    assert (error.value.params["before"].key, error.value.params["after"].key) == (
        "offer.state.done",
        "offer.state.asked",
    )


@pytest.mark.parametrize(
    ("people", "local", "needed"),
    [
        (RULES.second_person_over, time(12, 0), False),
        (RULES.second_person_over + 1, time(12, 0), True),
        (1, time(21, 59), False),
        (1, time(22, 0), True),
        (1, time(5, 59), True),
        (1, time(6, 0), False),
    ],
)
def test_many_people_or_the_night_need_a_second_person(people: int, local: time, needed: bool) -> None:
    assert rules.needs_second_person(people, local, RULES, NIGHT) is needed


MEI, KAI = 1, 2


@pytest.mark.parametrize(
    ("needed", "first", "person", "reason", "comes_to"),
    [
        (False, None, MEI, None, Approval.APPROVED),
        (False, None, None, None, Approval.APPROVED),
        (True, None, MEI, None, Approval.WAITING),
        (True, MEI, MEI, None, Approval.WAITING),
        (True, MEI, KAI, None, Approval.SECONDED),
        (False, MEI, KAI, None, Approval.SECONDED),
        (False, MEI, MEI, None, Approval.APPROVED),
        (True, None, MEI, "the dam is breaking", Approval.OVERRIDDEN),
        (True, MEI, MEI, "the dam is breaking", Approval.OVERRIDDEN),
        (True, None, None, "a drill from the calendar", Approval.OVERRIDDEN),
        (True, None, None, None, Approval.NOBODY),
        (True, MEI, None, None, Approval.NOBODY),
    ],
)
def test_approval(
    needed: bool, first: int | None, person: int | None, reason: str | None, comes_to: Approval
) -> None:
    assert rules.approval(needed=needed, first=first, person=person, reason=reason) is comes_to


def test_a_withdrawal_close_to_the_start_is_late() -> None:
    limit = timedelta(minutes=RULES.late_withdrawal_minutes)
    assert rules.late_withdrawal(NOW, NOW + limit, RULES) is False
    assert rules.late_withdrawal(NOW + timedelta(seconds=1), NOW + limit, RULES) is True


def test_somebody_counts_as_absent_an_hour_after_the_start() -> None:
    assert rules.absent_since(NOW, RULES) == NOW - timedelta(minutes=RULES.no_show_minutes)


def test_evidence_grades() -> None:
    grades = {evidence: rules.grade(evidence) for evidence in Evidence}
    assert grades == {
        Evidence.CODE: Grade.A,
        Evidence.QR: Grade.A,
        Evidence.POSITION: Grade.A,
        Evidence.LEADER: Grade.B,
        Evidence.TYPED: Grade.C,
    }


def test_a_duty_is_worth_its_weaker_evidence() -> None:
    assert {(a, b): rules.weaker(a, b) for a, b in product(Grade, Grade)} == {
        (a, b): Grade(max(a.value, b.value)) for a, b in product(Grade, Grade)
    }


def test_service_is_counted_in_whole_minutes() -> None:
    assert rules.service_minutes(NOW, NOW) == 0
    assert rules.service_minutes(NOW, NOW + timedelta(minutes=89, seconds=59)) == 89
    with raises(Malformed, "duty.times"):
        rules.service_minutes(NOW, NOW - timedelta(seconds=1))


def test_who_comes_an_hour_after_the_start_still_counts_and_later_does_not() -> None:
    start, end, sent, limit = NOW + HOUR, NOW + 5 * HOUR, NOW, timedelta(minutes=RULES.late_minutes)
    assert rules.comes_in_time(start + limit, start, end, sent, RULES) is True
    assert rules.comes_in_time(start + limit + timedelta(minutes=1), start, end, sent, RULES) is False


def test_when_the_work_has_begun_lateness_counts_from_the_callout_and_nobody_comes_after_the_end() -> None:
    limit = timedelta(minutes=RULES.late_minutes)
    assert rules.comes_in_time(NOW + limit, NOW - HOUR, NOW + 5 * HOUR, NOW, RULES) is True
    assert rules.comes_in_time(NOW + limit, NOW - HOUR, NOW + limit, NOW, RULES) is False
