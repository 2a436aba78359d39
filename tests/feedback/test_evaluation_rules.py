"""What is decided about evaluations, without a database."""

from datetime import UTC, datetime, timedelta

import pytest

from volunteer_hub.core.errors import Gone, Malformed, Refused
from volunteer_hub.core.policy import Name
from volunteer_hub.feedback import evaluation_rules as rules
from volunteer_hub.feedback.evaluation_rules import Side
from volunteer_hub.feedback.policy import Advice, Criterion, Evaluation

NOW = datetime(2031, 1, 20, 2, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SAFETY = Criterion(code="safety", text=Name(en="Safety", zh="安全"))
BRIEFING = Criterion(code="briefing", text=Name(en="Briefing", zh="交代"))
RULE = Advice(criterion="safety", times=2, within_days=180, text=Name(en="A refresher", zh="复训"))
POLICY = Evaluation(of_volunteer=(SAFETY,), of_leader=(BRIEFING,), rules=(RULE,))


def test_each_side_has_criteria_of_its_own_and_time_after_the_check_out() -> None:
    assert rules.criteria(POLICY, Side.VOLUNTEER) == (SAFETY,)
    assert rules.criteria(POLICY, Side.LEADER) == (BRIEFING,)
    rules.check_open(NOW, NOW + 14 * DAY, POLICY)
    with pytest.raises(Refused, match="early"):
        rules.check_open(None, NOW, POLICY)
    with pytest.raises(Gone, match="late"):
        rules.check_open(NOW, NOW + 14 * DAY + timedelta(seconds=1), POLICY)


def test_what_is_left_blank_is_left_out_and_something_has_to_be_said() -> None:
    assert rules.read({"safety": "partly"}, " well done ", (SAFETY,)) == ({"safety": "partly"}, "well done")
    assert rules.read({"safety": ""}, "thanks", (SAFETY,)) == ({}, "thanks")
    wrong: tuple[tuple[dict[str, object], str], ...]
    wrong = ({}, " "), ({"speed": "yes"}, ""), ({"safety": "5"}, ""), ({"safety": "yes"}, "x" * 1001)
    codes = []
    for marks, words in wrong:
        with pytest.raises(Malformed) as error:
            rules.read(marks, words, (SAFETY,))
        codes.append([(fault.where, fault.code) for fault in error.value.fields])
    assert codes == [
        [("words", "evaluation.empty")],
        [("speed", "evaluation.unknown")],
        [("safety", "evaluation.unknown")],
        [("words", "evaluation.too_long")],
    ]
    assert rules.check_reply(" no helmet ") == "no helmet"
    for words, code in (("", "evaluation.empty"), ("x" * 1001, "evaluation.too_long")):
        with pytest.raises(Malformed) as error:
            rules.check_reply(words)
        assert error.value.fields[0].code == code


def test_a_rule_suggests_something_after_its_number_of_marks_within_its_days_and_not_before() -> None:
    not_yet, good = {"safety": "not_yet"}, {"safety": "yes"}
    once = [(NOW - 181 * DAY, not_yet), (NOW - DAY, not_yet), (NOW, good), (NOW, {})]
    assert rules.advice(once, POLICY, NOW) == []
    assert rules.advice([*once, (NOW - 180 * DAY, not_yet)], POLICY, NOW) == [rules.Due(RULE, 2)]


def test_a_rule_about_nothing_that_is_asked_is_an_error_of_the_configuration() -> None:
    with pytest.raises(ValueError, match="not in of_volunteer"):
        Evaluation(of_volunteer=(BRIEFING,), rules=(RULE,))
