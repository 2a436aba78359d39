"""How many to ask: against enumeration, against the binomial law, and at the edges."""

from itertools import product
from math import comb, prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volunteer_hub.engine.overcall import at_least, share_by, smallest_ask, still_to_come

chances = st.lists(st.floats(0, 1), max_size=9)


def enumerated(ps: list[float], need: int) -> float:
    """Every answer sheet, one by one."""
    return sum(
        prod(p if yes else 1 - p for p, yes in zip(ps, sheet, strict=True))
        for sheet in product((0, 1), repeat=len(ps))
        if sum(sheet) >= need
    )


@given(chances, st.integers(0, 10))
def test_the_chance_of_enough_equals_the_sum_over_all_answer_sheets(ps: list[float], need: int) -> None:
    assert at_least(ps, need) == pytest.approx(enumerated(ps, need), abs=1e-12)


def test_equal_chances_give_the_binomial_law() -> None:
    expected = sum(comb(40, k) * 0.24**k * 0.76 ** (40 - k) for k in range(6, 41))
    assert at_least([0.24] * 40, 6) == pytest.approx(expected, abs=1e-12)


@given(st.lists(st.floats(0, 1), max_size=60), st.integers(0, 12), st.floats(0.01, 0.99))
def test_one_person_fewer_would_not_be_enough(ps: list[float], need: int, confidence: float) -> None:
    n = smallest_ask(ps, need, confidence)
    if n is None:
        assert at_least(ps, need) < confidence
    else:
        assert at_least(ps[:n], need) >= confidence
        assert n == 0 or at_least(ps[: n - 1], need) < confidence


@pytest.mark.parametrize(
    ("ps", "need", "answer"),
    [([], 0, 0), ([], 1, None), ([1.0, 1.0], 2, 2), ([0.0] * 5, 1, None), ([0.5] * 9, 1, 5), ([0.2], 0, 0)],
)
def test_the_smallest_ask_at_the_edges(ps: list[float], need: int, answer: int | None) -> None:
    assert smallest_ask(ps, need, 0.95) == answer


@pytest.mark.parametrize(
    ("ps", "need", "confidence"),
    [([1.1], 1, 0.9), ([float("nan")], 1, 0.9), ([0.5], -1, 0.9), ([0.5], 1, 1.0), ([0.5], 1, 0.0)],
)
def test_numbers_that_cannot_be_are_refused(ps: list[float], need: int, confidence: float) -> None:
    with pytest.raises(ValueError, match="must"):
        smallest_ask(ps, need, confidence)


def test_silence_lowers_the_chance_and_never_below_zero() -> None:
    assert still_to_come(0.4, 0.0) == 0.4
    assert still_to_come(0.4, 0.5) == pytest.approx(0.2 / 0.8)
    assert still_to_come(1.0, 1.0) == 0.0


def test_the_share_of_answers_rises_from_nothing_to_the_last_knot() -> None:
    knots, shares = (1, 2, 5, 14), (0.1, 0.25, 0.5, 0.75)
    assert [share_by(m, knots, shares) for m in (0, 1, 3.5, 14, 900)] == [0.0, 0.1, 0.375, 0.75, 0.75]


def test_a_thousand_people_are_counted_exactly_enough() -> None:
    rng = np.random.default_rng(7)
    ps = rng.uniform(0.1, 0.5, 1000)
    n = smallest_ask(ps, 200, 0.95)
    assert n is not None
    assert at_least(ps[:n], 200) >= 0.95 > at_least(ps[: n - 1], 200)
