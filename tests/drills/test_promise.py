"""The promise: when a need was met, what the phone tree would have taken, how often both held."""

from volunteer_hub.drills import promise
from volunteer_hub.drills.policy import Promise
from volunteer_hub.drills.promise import Asked, Kept, Measured

PROMISE = Promise()
EVERY_CALL = Promise(picked_percent=100)


def asked(*yes_minutes: float | None) -> list[Asked]:
    return [Asked(0.5, minute) for minute in yes_minutes]


def test_a_need_is_met_when_its_last_minimum_is() -> None:
    assert promise.met([(2, asked(4, None, 9)), (1, asked(6)), (0, [])]) == 9
    assert promise.met([(2, asked(4, None))]) is None


def test_in_a_phone_tree_whoever_picks_up_rings_on() -> None:
    assert promise.by_phone([(1, asked(None, 1))], EVERY_CALL) == 6
    assert promise.by_phone([(3, asked(1, 1, 1, 1))], EVERY_CALL) == 6
    assert promise.by_phone([(3, asked(1, None, 1))], EVERY_CALL) is None
    half = promise.by_phone([(8, asked(*[1.0] * 100))], PROMISE)
    assert half is not None
    assert 9 < half < 60


def test_a_promise_is_told_with_what_was_not_kept() -> None:
    rows = [Measured(30, 10, 20), Measured(61, 20, None), Measured(None, None, None)]
    assert promise.kept(rows, PROMISE) == Kept(3, 2, 1, 20, None, None, None)
    assert promise.kept([], PROMISE) == Kept(0, 0, 0, None, None, None, None)
