from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.feedback.asked import GOOD, POLICY
from tests.mobilization.rows import NOW, raises
from volunteer_hub.core.errors import FieldError, Gone, Malformed, Refused
from volunteer_hub.core.i18n import LANGUAGES, has, t
from volunteer_hub.feedback import rules
from volunteer_hub.feedback.policy import Question
from volunteer_hub.feedback.rules import Form, State, Tally

FORM = POLICY.surveys["volunteer"]
HOUR = timedelta(hours=1)
HOSTILE = [
    "<script>alert(1)</script>",
    "{{7*7}} {name} %s ${x}",
    "'; DROP TABLE surveys; --",
    "\u202eright to left\u202c",
    "👩‍🚒🇨🇳 e\u0301",
    "  spaces kept \n\tand lines\r\n",
    "=HYPERLINK(1)",
    "x" * 2000,
    "\ufffe\x01\x7f",
]


def question(code: str) -> Question:
    return next(one for one in FORM.questions if one.code == code)


def wrong(answers: dict[str, object]) -> list[tuple[str, str]]:
    with raises(Malformed, "form") as caught:
        rules.read_answers(answers, FORM)
    assert caught.value.params == {"places": ", ".join(error.where for error in caught.value.fields)}
    assert all(
        t(lang, f"error.{error.code}", **error.params) for error in caught.value.fields for lang in LANGUAGES
    )
    return [(error.where, error.code) for error in caught.value.fields]


def test_answers_are_read_as_they_are_stored() -> None:
    assert rules.read_answers(GOOD, FORM) == dict(GOOD)


def test_a_page_sends_marks_as_text() -> None:
    assert rules.read_answers({"overall": "4", "safe": "yes"}, FORM) == {"overall": 4, "safe": "yes"}


def test_what_is_left_blank_is_left_out() -> None:
    blank = {**GOOD, "suited": "", "missing": " \n "}
    assert rules.read_answers(blank, FORM) == {"overall": 4, "safe": "yes"}


@pytest.mark.parametrize("mark", [0, 6, -1, "0", "6", "", "good", 4.0, 2.5, True, "４", [4], {"a": 1}, 2**63])
def test_a_mark_is_a_whole_number_from_1_to_5(mark: object) -> None:
    found = wrong({"overall": mark, "safe": "yes"})
    assert found == [("overall", "survey.required" if mark == "" else "survey.scale")]


@pytest.mark.parametrize("mark", [1, 5, "1", "5"])
def test_marks_at_either_end_count(mark: object) -> None:
    assert rules.read_answers({"overall": mark, "safe": "no"}, FORM)["overall"] == int(str(mark))


@pytest.mark.parametrize(
    ("choice", "code"), [("perhaps", "choice"), ("YES", "choice"), (1, "text"), (["yes"], "text")]
)
def test_a_choice_is_one_of_those_given(choice: object, code: str) -> None:
    assert wrong({"overall": 4, "safe": choice}) == [("safe", f"survey.{code}")]


@pytest.mark.parametrize("text", ["x" * 2001, "a\0b", "\ud800", "ok\udfff", 5, ["a"]])
def test_words_that_cannot_be_kept_are_refused_with_how_many_may_be(text: object) -> None:
    with raises(Malformed, "form") as caught:
        rules.read_answers({**GOOD, "missing": text}, FORM)
    assert caught.value.fields == (FieldError("missing", "survey.text", {"longest": 2000}),)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_are_kept_exactly(text: str) -> None:
    assert rules.read_answers({**GOOD, "missing": text}, FORM)["missing"] == text


def test_every_wrong_answer_is_named_at_once() -> None:
    assert wrong({"overall": 9, "hacked": "x", "missing": "a\0"}) == [
        ("hacked", "survey.unknown"),
        ("overall", "survey.scale"),
        ("safe", "survey.required"),
        ("missing", "survey.text"),
    ]


def test_of_an_unknown_question_only_so_much_is_told_as_a_page_can_show() -> None:
    assert wrong({**GOOD, "hacked" * 20: "x"}) == [("hacked" * 10, "survey.unknown")]


@given(
    st.dictionaries(st.sampled_from(["overall", "safe", "missing", "x"]), st.from_type(object), max_size=4)
)
def test_whatever_is_sent_is_read_or_refused(answers: dict[str, object]) -> None:
    try:
        read = rules.read_answers(answers, FORM)
    except Malformed:
        return
    assert set(read) <= {"overall", "safe", "missing"}


def test_only_an_open_survey_goes_on() -> None:
    assert [rules.step(State.OPEN, after) for after in (State.ANSWERED, State.STOPPED, State.EXPIRED)] == [
        State.ANSWERED,
        State.STOPPED,
        State.EXPIRED,
    ]
    for after in State:
        with raises(Refused, "survey.answered"):
            rules.step(State.ANSWERED, after)
        with raises(Gone, "survey.stopped"):
            rules.step(State.STOPPED, after)
        with raises(Gone, "survey.expired"):
            rules.step(State.EXPIRED, after)


def test_a_survey_past_its_time_has_expired_before_any_sweep() -> None:
    assert rules.now_state(State.OPEN, NOW, NOW - HOUR) is State.OPEN
    assert rules.now_state(State.OPEN, NOW, NOW) is State.EXPIRED
    assert rules.now_state(State.ANSWERED, NOW, NOW + HOUR) is State.ANSWERED


def test_reminders_come_after_a_day_and_three_and_not_in_a_heap() -> None:
    assert rules.next_reminder(NOW, NOW, POLICY) == NOW + 24 * HOUR
    assert rules.next_reminder(NOW, NOW + 24 * HOUR, POLICY) == NOW + 72 * HOUR
    assert rules.next_reminder(NOW, NOW + 90 * HOUR, POLICY) is None


def test_marks_are_counted_with_their_mean_and_findings() -> None:
    tally = rules.tally(question("overall"), {"5": 2, "4": 1, "2": 1, "1": 2})
    assert tally == Tally("overall", "scale", 6, {"1": 2, "2": 1, "3": 0, "4": 1, "5": 2}, 0, 3, 3.0)
    assert rules.tally(question("overall"), {}).mean is None
    assert rules.tally(question("overall"), {"5": 2, "4": 1}).mean == 4.67


def test_a_scale_without_a_bound_has_no_findings() -> None:
    free = question("overall").model_copy(update={"finding_at_most": None})
    assert rules.tally(free, {"1": 3}).findings == 0


def test_choices_are_counted_and_marked_ones_are_findings() -> None:
    tally = rules.tally(question("safe"), {"yes": 3, "no": 2})
    assert tally == Tally("safe", "choice", 5, {"yes": 3, "mostly": 0, "no": 2}, findings=2)


def test_of_words_only_the_number_is_told() -> None:
    assert rules.tally(question("missing"), {"": 4}) == Tally("missing", "text", 4, words=4)


def test_without_their_words_marks_and_choices_stay() -> None:
    assert rules.without_words({**GOOD, "old_question": "hello"}, FORM) == {"overall": 4, "safe": "yes"}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_word_of_a_survey_is_in_the_catalogue(lang: str) -> None:
    keys = [f"survey.form.{form}" for form in Form] + [f"survey.state.{state}" for state in State]
    assert [key for key in keys if not has(lang, key)] == []
