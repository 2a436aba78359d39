"""What is decided about newcomers, without a database."""

from datetime import UTC, date, datetime, timedelta

import pytest

from volunteer_hub.core.errors import Malformed, Refused
from volunteer_hub.training import introduction_rules as rules
from volunteer_hub.training.introduction_rules import Facts, Mark, MentorState, Outcome, Step
from volunteer_hub.training.policy import Introduction

NOW = datetime(2031, 1, 20, 2, 0, tzinfo=UTC)
DAY = timedelta(days=1)
TODAY = date(2031, 1, 20)
ALL = Introduction()
IN = Facts(NOW, interviewed_at=NOW + DAY, taken_in_at=NOW + DAY)


@pytest.mark.parametrize(
    ("facts", "policy", "step", "since"),
    [
        (Facts(NOW), ALL, Step.INTERVIEW, NOW),
        (Facts(NOW, interviewed_at=NOW + DAY), ALL, Step.INTERVIEW, NOW + DAY),
        (Facts(NOW), Introduction(interview=False), Step.APPLICATION, NOW),
        (IN, ALL, Step.MENTOR, NOW + DAY),
        (
            Facts(NOW, taken_in_at=NOW, mentor=MentorState.DECLINED, mentor_at=NOW + 3 * DAY),
            ALL,
            Step.MENTOR,
            NOW + 3 * DAY,
        ),
        (IN, Introduction(mentor=False), Step.FIRST_DUTY, NOW + DAY),
        (
            Facts(NOW, taken_in_at=NOW, mentor=MentorState.AGREED, mentor_at=NOW + DAY),
            ALL,
            Step.FIRST_DUTY,
            NOW + DAY,
        ),
    ],
)
def test_a_newcomer_waits_at_the_first_step_that_is_not_done(
    facts: Facts, policy: Introduction, step: Step, since: datetime
) -> None:
    found = rules.stages(facts, policy)
    assert rules.at(found) is step
    assert rules.waiting_since(step, facts) == since
    assert [each.mark for each in found].count(Mark.NOW) == 1


def test_a_step_that_is_switched_off_is_not_there_and_all_done_is_introduced() -> None:
    bare = Introduction(interview=False, mentor=False, first_duty=False)
    assert [each.step for each in rules.stages(IN, bare)] == [Step.APPLICATION]
    assert rules.at(rules.stages(IN, bare)) is None
    early = Facts(NOW, taken_in_at=NOW, mentor=MentorState.ASKED, first_duty_at=NOW)
    assert [each.mark for each in rules.stages(early, ALL)] == [Mark.DONE, Mark.DONE, Mark.NOW, Mark.DONE]


def test_an_interview_lies_in_the_past_and_a_no_has_its_reason() -> None:
    assert rules.check_interview(TODAY, Outcome.TAKEN_IN, " ", TODAY, ALL) == ""
    assert rules.check_interview(TODAY, Outcome.NOT_YET, " in  spring ", TODAY, ALL) == "in spring"
    with pytest.raises(Malformed) as wrong:
        rules.check_interview(TODAY + DAY, Outcome.DECLINED, "", TODAY, ALL)
    assert [(f.where, f.code) for f in wrong.value.fields] == [
        ("on", "introduction.day"),
        ("words", "introduction.reason"),
    ]
    with pytest.raises(Malformed, match="form"):
        rules.check_interview(TODAY, Outcome.NOT_YET, "x" * 501, TODAY, ALL)
    with pytest.raises(Refused, match="no_interviews"):
        rules.check_interview(TODAY, Outcome.NOT_YET, "x", TODAY, Introduction(interview=False))


def test_a_mentor_has_served_and_has_not_too_many_newcomers() -> None:
    assert [rules.may_mentor(*each, ALL) for each in ((3, 0), (2, 0), (3, 3))] == [True, False, False]


def test_drills_and_work_without_hazards_are_easy() -> None:
    easy = [rules.is_easy(drill=d, hazardous=h) for d, h in ((True, True), (False, False), (False, True))]
    assert easy == [True, True, False]
