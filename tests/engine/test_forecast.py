"""Will enough come: against enumeration, against simulation, and by what it must do."""

from itertools import product
from math import prod

import numpy as np
import pytest

from volunteer_hub.engine.forecast import Asked, Forecast, Within
from volunteer_hub.engine.law import INDEPENDENT
from volunteer_hub.engine.overcall import at_least
from volunteer_hub.engine.shock import shock


def asked(
    count: int, yes: int = 0, no: int = 0, chance: float = 0.4, now: float = 0.0, by: float = 0.9
) -> Asked:
    """The first have said yes, the next no, the others nothing yet."""
    row = np.arange(count)
    return Asked(
        np.full(count, chance),
        np.full(count, now),
        np.full(count, by),
        row < yes,
        (row >= yes) & (row < yes + no),
    )


def test_before_anything_was_heard_it_is_the_over_call() -> None:
    fresh = Forecast(asked(30, by=1.0), shock(0.05))
    assert fresh.at_least(8) == pytest.approx(at_least([0.4] * 30, 8, shock(0.05)), abs=1e-9)


def test_independent_answers_equal_the_sum_over_all_answer_sheets() -> None:
    rng = np.random.default_rng(5)
    chance, now = rng.uniform(0.1, 0.9, 7), rng.uniform(0, 0.6, 7)
    by = now + rng.uniform(0, 0.4, 7)
    yes, no = np.arange(7) < 2, np.arange(7) == 2
    silent = [p * (b - n) / (1 - p * n) for p, n, b in zip(chance[3:], now[3:], by[3:], strict=True)]
    for need in range(8):
        exact = sum(
            prod(p if come else 1 - p for p, come in zip(silent, sheet, strict=True))
            for sheet in product((0, 1), repeat=4)
            if 2 + sum(sheet) >= need
        )
        found = Forecast(Asked(chance, now, by, yes, no)).at_least(need)
        assert found == pytest.approx(exact, abs=1e-12)


def test_refusals_lower_the_hope_in_the_silent_and_yeses_raise_it() -> None:
    law = shock(0.1)
    quiet = Forecast(asked(30, by=0.9), law).at_least(6)
    refused = Forecast(asked(38, no=8), law).at_least(6)
    agreed = Forecast(asked(38, yes=8), law).at_least(14)
    assert refused < quiet - 0.05
    assert agreed > quiet + 0.05
    independent = Forecast(asked(38, no=8), INDEPENDENT).at_least(6)
    assert independent == pytest.approx(Forecast(asked(30), INDEPENDENT).at_least(6), abs=1e-12)


def test_silence_itself_is_heard() -> None:
    law = shock(0.1)
    at_first = Forecast(asked(30, now=0.0), law)
    after_long = Forecast(asked(30, now=0.6), law)
    assert after_long.weight[0] > at_first.weight[0]  # the node where people hardly come
    assert after_long.at_least(4) < at_first.at_least(4)


def test_the_forecast_is_true_in_a_thousand_callouts_that_went_alike() -> None:
    """Callouts drawn from the law: of those with 3 yeses after half of the time, how many end with 6?"""
    rng = np.random.default_rng(11)
    law, people, p, half = shock(0.08), 20, 0.35, 0.5
    node = rng.choice(len(law.weight), 40_000, p=law.weight)
    comes = rng.random((40_000, people)) < law.given(np.array([p]))[node]
    early = comes & (rng.random((40_000, people)) < half)
    alike = early.sum(axis=1) == 3
    share = (comes[alike].sum(axis=1) >= 6).mean()
    told = Forecast(asked(people, yes=3, chance=p, now=half, by=1.0), law).at_least(6)
    assert alike.sum() > 5_000
    assert told == pytest.approx(share, abs=0.02)


def test_one_person_fewer_would_not_be_enough() -> None:
    law, spare = shock(0.03), np.full(60, 0.4)
    in_time = np.full(60, 0.8)
    now = Forecast(asked(12, yes=2, no=4, now=0.3), law)
    rows, enough = now.more(6, 0.95, spare, in_time)
    more = len(rows)
    assert enough
    assert more is not None
    assert now.at_least(6, spare[:more], in_time[:more]) >= 0.95
    assert now.at_least(6, spare[: more - 1], in_time[: more - 1]) < 0.95
    assert len(now.more(2, 0.95, spare, in_time)[0]) == 0
    assert now.more(60, 0.95, spare, in_time)[1] is False


@pytest.mark.parametrize(
    "wrong", [{"chance": 1.2}, {"now": 0.9, "by": 0.5}, {"by": 1.5}, {"chance": float("nan")}]
)
def test_numbers_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must"):
        asked(3, **wrong)  # type: ignore[arg-type]  # floats alone
    with pytest.raises(ValueError, match="must"):
        Asked(np.ones(1), np.zeros(1), np.ones(1), np.ones(1, bool), np.ones(1, bool))


def test_a_minimum_within_the_need_equals_the_sum_over_all_answer_sheets() -> None:
    rng = np.random.default_rng(7)
    chance = rng.uniform(0.1, 0.9, 6)
    nothing = np.zeros(6, dtype=np.bool_)
    able = np.array([True, False, True, False, False, True])
    told = Forecast(Asked(chance, np.zeros(6), np.ones(6), nothing, nothing))
    sheets = list(product((0, 1), repeat=6))

    def exact(need: int, *minima: tuple[int, np.ndarray]) -> float:
        return sum(
            prod(p if come else 1 - p for p, come in zip(chance, sheet, strict=True))
            for sheet in sheets
            if sum(sheet) >= need and all(np.array(sheet)[who].sum() >= heads for heads, who in minima)
        )

    for need in range(5):
        for heads in range(4):
            one = Within(heads, able, nothing[:0])
            assert told.together(need, [one]) == pytest.approx(exact(need, (heads, able)), abs=1e-12)
    both = [Within(1, able, nothing[:0]), Within(2, ~able, nothing[:0])]
    assert told.together(3, both) <= exact(3, (1, able), (2, ~able)) + 1e-12


def test_those_whom_a_minimum_asks_for_come_first_and_nobody_is_asked_in_vain() -> None:
    """Six helpers have said yes and are enough; one first-aider among them is still wanted."""
    now = Forecast(asked(6, yes=6))
    nobody, able = np.zeros(6, dtype=np.bool_), np.arange(40) % 4 == 3
    rows, enough = now.more(6, 0.95, np.full(40, 0.4), np.ones(40), [Within(1, nobody, able)])
    assert (rows.tolist(), enough) == ([3, 7, 11, 15, 19, 23], True)  # 1 - 0.6 ** 6 is 0.953
    few = able & (np.arange(40) < 12)
    rows, enough = now.more(6, 0.95, np.full(40, 0.4), np.ones(40), [Within(1, nobody, few)])
    assert (rows.tolist(), enough) == ([3, 7, 11], False)
