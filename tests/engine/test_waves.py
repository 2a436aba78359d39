"""Does the next wave go: what must hold of the decision, and a seeded crowd called out by it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import betaincinv

from volunteer_hub.engine import waves
from volunteer_hub.engine.arrays import Floats
from volunteer_hub.engine.forecast import Asked, Forecast
from volunteer_hub.engine.law import INDEPENDENT, Shock
from volunteer_hub.engine.overcall import smallest_ask
from volunteer_hub.engine.shock import shock
from volunteer_hub.engine.waves import Curve, Rules, Slot, Verdict

CURVE = Curve((1, 2, 5, 14, 35, 120), (0.10, 0.25, 0.50, 0.75, 0.90, 0.99))
RULES = Rules(confidence=0.95, horizon=10, gap=3)
LAW = shock(0.02, 36)
DEADLINE = 30.0


def slot(
    asked: int, yes: int = 0, no: int = 0, late: int = 0, need: int = 6, chance: float = 0.4, spare: int = 60
) -> Slot:
    """Asked at minute 0: the first have said yes (of those the last too late), the next no."""
    row = np.arange(asked)
    return Slot(
        need=need,
        chance=np.full(asked, chance),
        asked=np.zeros(asked),
        curve=np.zeros(asked, np.int64),
        yes=row < yes,
        no=(row >= yes) & (row < yes + no),
        too_late=(row < yes) & (row >= yes - late),
        curves=(CURVE,),
        spare=np.full(spare, chance),
        spare_curve=np.zeros(spare, np.int64),
    )


def decided(one: Slot, now: float = 0.0, law: Shock = LAW, last_wave: float | None = None) -> waves.Decision:
    return waves.decide(one, now, DEADLINE, RULES, law, last_wave)


def test_a_callout_sized_for_the_deadline_holds_at_once() -> None:
    in_time = 0.4 * float(CURVE.by(np.array([DEADLINE]))[0])
    count = smallest_ask([in_time] * 200, 6, 0.95, LAW)
    assert count is not None
    found = decided(slot(count))
    assert (found.verdict, found.more) == (Verdict.HOLD, 0)
    assert found.before >= 0.95


def test_below_the_confidence_exactly_so_many_are_asked_as_bring_it_back() -> None:
    found = decided(slot(15))
    assert found.verdict is Verdict.ASK
    assert found.before < 0.95 <= found.after
    fewer = replace(
        slot(15), spare=np.full(found.more - 1, 0.4), spare_curve=np.zeros(found.more - 1, np.int64)
    )
    assert decided(fewer).verdict is Verdict.SHORT


def test_everybody_is_asked_where_all_are_not_enough() -> None:
    found = decided(slot(5, spare=3))
    assert (found.verdict, found.more) == (Verdict.SHORT, 3)
    assert found.before < found.after < 0.95


def test_enough_yeses_end_the_asking_whatever_the_silent_do() -> None:
    found = decided(slot(6, yes=6), now=29)
    assert (found.verdict, found.before, found.after) == (Verdict.HOLD, 1.0, 1.0)


def test_a_yes_that_comes_too_late_does_not_count() -> None:
    one = slot(6, yes=6, late=1)
    assert one.open_need == 1
    found = decided(one)
    assert found.verdict is Verdict.ASK
    assert found.before == 0.0


def test_refusals_and_silence_both_let_the_next_wave_go() -> None:
    base = slot(50)
    assert decided(base, now=1).verdict is Verdict.HOLD
    assert decided(slot(50, no=30), now=1).verdict is Verdict.ASK
    assert decided(base, now=8).verdict is Verdict.ASK


def test_within_the_gap_after_a_wave_nobody_is_asked() -> None:
    low = slot(15)
    held = decided(low, now=4, last_wave=2)
    assert (held.verdict, held.more, held.after) == (Verdict.HOLD, 0, held.before)
    assert decided(low, now=5, last_wave=2).verdict is Verdict.ASK


def test_after_the_deadline_the_forecast_looks_on_to_its_horizon() -> None:
    one = slot(40, yes=5, no=8)
    late = waves.decide(one, 31, DEADLINE, RULES, LAW)
    assert late.verdict is Verdict.ASK
    assert 0 < waves.chance(one, 31, DEADLINE, RULES, LAW) < 0.95


def test_the_moment_is_told_at_which_silence_lets_the_forecast_fall() -> None:
    one = slot(50)
    at = waves.falls_at(one, 1, DEADLINE, RULES, LAW)
    assert at is not None
    assert waves.chance(one, at - 2 * waves.CLOSE, DEADLINE, RULES, LAW) >= 0.95
    assert waves.chance(one, at, DEADLINE, RULES, LAW) < 0.95
    assert waves.falls_at(slot(6, yes=6), 1, DEADLINE, RULES, LAW) is None
    assert waves.falls_at(one, 25, DEADLINE, RULES, LAW) is None  # the deadline is nearer than the horizon


def test_a_wave_by_hand_counts_on_nobody_who_is_silent() -> None:
    one = slot(45, yes=2, no=3)
    found = waves.without_the_silent(one, 3, DEADLINE, RULES, INDEPENDENT)
    in_time = 0.4 * float(CURVE.by(np.array([DEADLINE - 3]))[0])
    assert found.more == smallest_ask([in_time] * 60, 4, 0.95)
    assert found.before == waves.chance(one, 3, DEADLINE, RULES, INDEPENDENT) < found.after


def test_a_band_holds_the_yeses_there_and_narrows_as_answers_come() -> None:
    early = waves.band(slot(45), 0, DEADLINE, RULES, LAW)
    later = waves.band(slot(45, yes=10, no=25), 20, DEADLINE, RULES, LAW)
    assert early[0] < 15 < early[1]
    assert 10 <= later[0] <= later[1] < early[1]
    assert waves.band(slot(6, yes=6, late=2), 0, DEADLINE, RULES, LAW) == (4, 4)


def test_a_band_of_many_is_that_of_few_writ_large() -> None:
    few, many = (waves.band(slot(n, need=n), 0, DEADLINE, RULES, LAW) for n in (400, 401))
    assert abs(few[0] - many[0]) <= 1
    assert abs(few[1] - many[1]) <= 1


def test_what_asking_lets_expect_holds_whatever_was_answered_and_adds_up_over_slots() -> None:
    two = [slot(20), slot(30, yes=3, no=9)]
    bands = waves.expected(two, [0, 5, 14, 120], LAW)
    assert bands[0] == (0, 0)
    assert bands == sorted(bands)
    together = Forecast(Asked([0.4] * 50, [0] * 50, [0.75] * 50, [False] * 50, [False] * 50), LAW)
    low, high = bands[2]
    assert together.at_least(low) >= 0.9 > together.at_least(low + 1)
    assert together.at_least(high) >= 0.1 > together.at_least(high + 1)
    later = replace(two[0], asked=np.full(20, 10.0))
    assert waves.expected([later], [10, 24], LAW) == waves.expected([two[0]], [0, 14], LAW)
    exact, about = ([waves.expected([slot(n)], [14], LAW)[0]] for n in (60, 61))
    assert [abs(a - b) <= 1 for a, b in zip(exact[0], about[0], strict=True)] == [True, True]


@pytest.mark.parametrize(("horizon", "gap"), [(0, 1), (1, -1)])
def test_rules_that_make_no_sense_are_refused(horizon: float, gap: float) -> None:
    with pytest.raises(ValueError, match="horizon"):
        Rules(0.95, horizon, gap)


def test_a_crowd_called_out_wave_by_wave_meets_the_need_as_often_as_stated() -> None:
    rng = np.random.default_rng(11)
    runs = [_played(rng, shock(0.05)) for _ in range(120)]
    met, people = np.array([run[0] for run in runs]), np.array([run[1] for run in runs])
    assert met.mean() >= 0.94
    # One shot would have to ask as many every time.
    assert people.mean() < 1.35 * people.min()


def _played(rng: np.random.Generator, law: Shock) -> tuple[bool, int]:
    """A minute at a time: whoever has decided to come answers after a delay drawn from the curve."""
    p, need, pool = 0.4, 6, 200
    theta = float(betaincinv(19 * p, 19 * (1 - p), rng.uniform()))
    comes = rng.uniform(size=pool) < theta
    delay = np.interp(rng.uniform(size=pool), (0.0, *CURVE.shares), (0.0, *CURVE.minutes))
    asked: Floats = np.zeros(0)
    last: float | None = None
    for now in range(int(DEADLINE) - 1):
        n = len(asked)
        answered = comes[:n] & (asked + delay[:n] <= now)
        state = Slot(
            need=need,
            chance=np.full(n, p),
            asked=asked,
            curve=np.zeros(n, np.int64),
            yes=answered,
            no=~comes[:n] & (asked + delay[:n] <= now),
            too_late=np.zeros(n, np.bool_),
            curves=(CURVE,),
            spare=np.full(pool - n, p),
            spare_curve=np.zeros(pool - n, np.int64),
        )
        found = waves.decide(state, float(now), DEADLINE, RULES, law, last)
        if found.more:
            asked, last = np.concatenate([asked, np.full(found.more, float(now))]), float(now)
    return int((comes[: len(asked)] & (asked + delay[: len(asked)] <= DEADLINE)).sum()) >= need, len(asked)
