"""What is decided about training, without a database."""

from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest

from volunteer_hub.core.errors import HubError, Malformed, Refused
from volunteer_hub.training import rules
from volunteer_hub.training.policy import Assessment, Attendance, Band, Course, Question, Test
from volunteer_hub.training.rules import ALLOWED, EnrolmentState, Part, SessionSpec, SessionState

NOW = datetime(2031, 3, 1, 1, 0, tzinfo=UTC)
ROOM = Attendance(before_minutes=45, after_minutes=30, code_minutes=5)
SPEC = SessionSpec("first_aid", "Hall", NOW, NOW + timedelta(hours=3), 20)


def test_enrolments_move_only_as_the_table_says() -> None:
    for before, after in product(EnrolmentState, EnrolmentState):
        if after in ALLOWED[before]:
            assert rules.step(before, after) is after
        else:
            with pytest.raises(Refused):
                rules.step(before, after)


def test_every_wrong_field_of_a_session_is_named() -> None:
    rules.check_session(SPEC, {"first_aid"}, NOW)
    wrong = SessionSpec("alchemy", " " * 201, NOW, NOW, 0, "t" * 201, "w" * 2001)
    with pytest.raises(Malformed) as error:
        rules.check_session(wrong, {"first_aid"}, NOW)
    assert [(fault.where, fault.code) for fault in error.value.fields] == [
        ("course", "training.course"),
        ("place", "training.place"),
        ("place", "training.too_long"),
        ("trainer", "training.too_long"),
        ("words", "training.too_long"),
        ("ends_at", "training.times"),
        ("starts_at", "training.past"),
        ("places", "training.places"),
    ]


def refusal(deed: object, *given: object) -> str:
    try:
        deed(*given)  # type: ignore[operator]  # one of the rules
    except HubError as error:
        return error.code
    return "open"


def test_places_are_taken_and_given_back_until_the_session_begins() -> None:
    def said(state: SessionState, minutes: int) -> str:
        return refusal(rules.check_open, state, NOW, NOW + timedelta(minutes=minutes))

    assert [said(SessionState.PLANNED, n) for n in (-1, 0)] == ["open", "training.started"]
    assert said(SessionState.CANCELLED, -1) == "training.cancelled"
    assert said(SessionState.CLOSED, -1) == "training.over"


def test_people_check_in_around_the_session_and_at_no_other_time() -> None:
    def said(state: SessionState, minutes: int) -> str:
        now = NOW + timedelta(minutes=minutes)
        return refusal(rules.check_attendance, state, NOW, NOW + timedelta(hours=3), now, ROOM)

    told = [said(SessionState.PLANNED, n) for n in (-46, -45, 210, 211)]
    assert told == ["training.early", "open", "open", "training.over"]
    assert said(SessionState.CANCELLED, 0) == "training.cancelled"
    assert said(SessionState.CLOSED, 0) == "training.over"


def test_the_code_of_the_room_changes_and_the_one_before_still_holds() -> None:
    now, before = rules.code_steps(NOW, ROOM)
    assert before == now - 1
    assert rules.code_steps(NOW + timedelta(minutes=4, seconds=59), ROOM) == (now, before)
    assert rules.code_steps(NOW + timedelta(minutes=5), ROOM) == (now + 1, now)


def test_places_first_then_the_waiting_list_in_its_order() -> None:
    assert rules.place_for(1, 2) is EnrolmentState.ENROLLED
    assert rules.place_for(2, 2) is EnrolmentState.WAITING
    assert rules.next_up([7, 8, 9], 1, 3) == [7, 8]
    assert rules.next_up([7], 4, 3) == []


def test_what_has_to_be_passed_first() -> None:
    assert rules.missing(("a", "b", "c"), {"b"}) == ("a", "c")


HERE = {"en": "a", "zh": "甲"}
TEST = Test(
    draw=3,
    pass_percent=60,
    minutes=10,
    attempts=2,
    questions=[
        Question(code=f"q{n}", text=HERE, answers=[{"en": str(a), "zh": str(a)} for a in range(4)], right=2)
        for n in range(9)
    ],
)
JUDGED = Assessment(again_days=30, renew_days=90, refresher_after=2, grace_seconds=30)
ITEMS = [{"code": "x", "text": HERE}, {"code": "y", "text": HERE}]
COURSE = Course(name=HERE, outline=[HERE], checklist=ITEMS)


def test_a_seed_draws_the_same_paper_again_and_another_seed_another() -> None:
    paper = rules.paper(7, TEST)
    assert paper == rules.paper(7, TEST)
    assert paper != rules.paper(8, TEST)
    assert len({question["code"] for question in paper}) == 3
    assert all(question["answers"][question["right"]]["en"] == "1" for question in paper)


def test_the_score_is_the_share_of_right_answers_rounded_down() -> None:
    paper = rules.paper(7, TEST)
    right = {question["code"]: question["right"] for question in paper}
    assert [rules.score(paper, dict(list(right.items())[:n])) for n in range(4)] == [0, 33, 66, 100]


def test_answers_come_in_until_the_grace_is_over() -> None:
    ends = NOW + timedelta(minutes=10)
    assert [rules.handed_in(ends, ends + timedelta(seconds=n), JUDGED) for n in (30, 31)] == [True, False]


def test_a_course_asks_for_what_it_has() -> None:
    assert rules.parts(COURSE) == (Part.ATTEND, Part.PRACTICAL)
    online = COURSE.model_copy(update={"attend": False, "test": TEST, "requires": ("b",), "checklist": ()})
    assert rules.parts(online) == (Part.REQUIRES, Part.TEST)


def test_a_course_is_taken_again_shortly_before_its_certificate_ends() -> None:
    today = date(2031, 3, 1)
    assert [rules.due(today + timedelta(days=n), today, JUDGED) for n in (91, 90, -5)] == [False, True, True]
    assert not rules.due(None, today, JUDGED)


def test_tries_come_back_when_failures_are_long_ago() -> None:
    ago = [NOW - timedelta(days=n) for n in (30, 29)]
    assert rules.attempts_left(TEST, ago, NOW, JUDGED) == 1
    assert rules.attempts_left(TEST, [NOW] * 3, NOW, JUDGED) == 0


@pytest.mark.parametrize(
    ("missing", "due", "left", "code"),
    [
        ((Part.TEST,), True, 1, "open"),
        ((Part.TEST,), False, 1, "training.passed"),
        ((Part.REQUIRES, Part.ATTEND, Part.TEST), True, 1, "training.requires_first"),
        ((Part.ATTEND, Part.TEST), True, 1, "training.attend_first"),
        ((Part.TEST,), True, 0, "training.no_attempt"),
    ],
)
def test_why_a_test_cannot_begin(missing: tuple[Part, ...], due: bool, left: int, code: str) -> None:
    assert refusal(lambda: rules.check_start(missing, due=due, left=left)) == code


def test_months_end_on_the_last_day_there_is() -> None:
    assert rules.months_on(date(2031, 8, 31), 6) == date(2032, 2, 29)
    assert rules.months_on(date(2031, 12, 15), 12) == date(2032, 12, 15)
    assert rules.months_on(date(2031, 12, 15), 0) is None


def test_a_checklist_is_passed_when_every_item_was_seen() -> None:
    assert rules.check_signature(["y", "x"], COURSE, "")
    assert not rules.check_signature(["y"], COURSE, "")
    for done, words, code in ((["z"], "", "training.item"), (["x"], "w" * 2001, "training.too_long")):
        with pytest.raises(Malformed) as error:
            rules.check_signature(done, COURSE, words)
        assert [fault.code for fault in error.value.fields] == [code]
    plain = COURSE.model_copy(update={"checklist": ()})
    assert refusal(lambda: rules.check_signature([], plain, "")) == "training.no_checklist"


def test_scores_fall_into_bands_and_ages_as_the_census_groups_them() -> None:
    bands = [Band(code="good", name=HERE, from_percent=75), Band(code="weak", name=HERE, from_percent=0)]
    assert [rules.band(n, bands) for n in (75, 74, 0, None)] == ["good", "weak", "weak", "untested"]
    day = date(2031, 3, 1)
    born = [None, date(2016, 3, 2), date(2016, 3, 1), date(1971, 3, 2), date(1971, 3, 1)]
    found = [rules.age_band(one, day).value for one in born]
    assert found == ["unknown", "0-14", "15-59", "15-59", "60+"]
