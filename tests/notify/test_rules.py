"""When a message is tried again, and what becomes of it."""

from datetime import UTC, datetime, timedelta

import pytest

from volunteer_hub.notify import rules
from volunteer_hub.notify.rules import (
    ALLOWED,
    Heard,
    State,
    after_failure,
    after_receipt,
    pause_before,
)

NOW = datetime(2031, 1, 20, 2, 40, tzinfo=UTC)
WAITS = (5, 10, 20)


def test_pauses_grow_and_end() -> None:
    pauses = [pause_before(attempt, 0, WAITS) for attempt in (1, 2, 3, 4)]
    assert pauses == [timedelta(seconds=5), timedelta(seconds=10), timedelta(seconds=20), None]


def test_jitter_lengthens_by_less_than_a_quarter_and_differs_by_message() -> None:
    pauses = {pause_before(1, number, WAITS) for number in range(200)}
    assert len(pauses) > 100
    assert all(timedelta(seconds=5) <= pause < timedelta(seconds=6.25) for pause in pauses if pause)


def test_the_jitter_of_a_message_is_always_the_same() -> None:
    pauses = [pause_before(1, number, (4000,)) for number in (0, 1, 2)]
    assert pauses == [timedelta(seconds=4000), timedelta(seconds=4761), timedelta(seconds=4522)]


@pytest.mark.parametrize(
    ("attempts", "permanent", "minutes_left", "state"),
    [
        (1, False, 60, State.QUEUED),
        (1, True, 60, State.FAILED),
        (4, False, 60, State.FAILED),
        (3, False, 0.1, State.EXPIRED),
    ],
)
def test_what_becomes_of_a_message_that_was_not_taken(
    attempts: int, permanent: bool, minutes_left: float, state: State
) -> None:
    deadline = NOW + timedelta(minutes=minutes_left)
    assert after_failure(attempts, 0, NOW, deadline, WAITS, permanent=permanent)[0] is state


def test_a_message_waits_its_pause_unless_that_outlasts_its_deadline() -> None:
    def after(seconds_left: float) -> tuple[State, datetime]:
        deadline = NOW + timedelta(seconds=seconds_left)
        return after_failure(2, 0, NOW, deadline, WAITS, permanent=False)

    assert after(10.001) == (State.QUEUED, NOW + timedelta(seconds=10))
    assert after(10) == (State.EXPIRED, NOW)
    assert after_failure(4, 0, NOW, NOW, WAITS, permanent=False) == (State.FAILED, NOW)


@pytest.mark.parametrize("state", State)
def test_a_receipt_of_delivery_is_true_whatever_was_thought(state: State) -> None:
    assert after_receipt(state, Heard.DELIVERED) is State.DELIVERED
    assert after_receipt(state, Heard.PASSED_ON) is state


def test_only_what_was_or_is_being_handed_over_fails_by_receipt() -> None:
    moved = {state for state in State if after_receipt(state, Heard.FAILED) is not state}
    assert moved == {State.SENDING, State.SENT}
    assert {after_receipt(state, Heard.FAILED) for state in moved} == {State.FAILED}


def test_the_state_table_holds_every_step_of_a_receipt() -> None:
    steps = {(s, after_receipt(s, heard)) for s in State for heard in Heard}
    assert {(s, t) for s, t in steps if s is not t and t not in ALLOWED[s]} == set()


def test_what_has_gone_out_stays_so_and_nothing_waits_again_once_delivered_or_expired() -> None:
    assert {before: " ".join(sorted(after)) for before, after in ALLOWED.items()} == {
        "queued": "cancelled delivered expired sending",
        "sending": "cancelled delivered expired failed queued sent",
        "sent": "delivered failed",
        "delivered": "",
        "failed": "delivered queued",
        "expired": "delivered",
        "cancelled": "delivered sent",
    }
    assert set(ALLOWED) == set(State)


def test_a_key_tells_what_a_message_is_the_same_as_and_what_only_goes_beside() -> None:
    keys = ("offer:7:offer", "offer:7:offer:to:3:voice", "offer:7:offer:aside:9")
    assert [rules.root_of(key) for key in keys] == ["offer:7:offer"] * 3
    assert [rules.is_aside(key) for key in keys] == [False, False, True]
