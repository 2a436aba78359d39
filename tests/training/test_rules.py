"""What is decided about training, without a database."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from volunteer_hub.core.errors import HubError, Malformed, Refused
from volunteer_hub.training import rules
from volunteer_hub.training.policy import Attendance
from volunteer_hub.training.rules import ALLOWED, EnrolmentState, SessionSpec, SessionState

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
