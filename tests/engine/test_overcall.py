"""How many to ask: against enumeration, against the binomial law, and at the edges."""

from itertools import product
from math import comb, prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import betabinom

from volunteer_hub.engine.law import INDEPENDENT
from volunteer_hub.engine.least_burden import evaluate, least_burden
from volunteer_hub.engine.overcall import at_least, nested_at_least, share_by, smallest_ask, still_to_come
from volunteer_hub.engine.shock import shock

chances = st.lists(st.floats(0, 1), max_size=9)


def enumerated(ps: list[float], need: int) -> float:
    """Every answer sheet, one by one."""
    return sum(
        prod(p if yes else 1 - p for p, yes in zip(ps, sheet, strict=True))
        for sheet in product((0, 1), repeat=len(ps))
        if sum(sheet) >= need
    )


@settings(deadline=None)  # the first call compiles
@given(chances, st.integers(0, 10))
def test_the_chance_of_enough_equals_the_sum_over_all_answer_sheets(ps: list[float], need: int) -> None:
    assert at_least(ps, need) == pytest.approx(enumerated(ps, need), abs=1e-12)


def test_equal_chances_give_the_binomial_law() -> None:
    expected = sum(comb(40, k) * 0.24**k * 0.76 ** (40 - k) for k in range(6, 41))
    assert at_least([0.24] * 40, 6) == pytest.approx(expected, abs=1e-12)


@settings(deadline=None)  # the first call compiles
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


@pytest.mark.parametrize("correlation", [0.01, 0.02, 0.05, 0.1, 0.2])
@pytest.mark.parametrize("p", [0.05, 0.2, 0.35, 0.6])
def test_people_alike_with_a_common_shock_are_beta_binomial(correlation: float, p: float) -> None:
    law = shock(correlation)
    a, b = (q * (1 - correlation) / correlation for q in (p, 1 - p))
    for need in range(1, 25):
        exact = float(betabinom.sf(need - 1, 40, a, b))
        assert at_least([p] * 40, need, law) == pytest.approx(exact, abs=0.002)


def test_the_common_shock_costs_calls() -> None:
    """Need 8 at 0.35: figures of the beta-binomial law."""
    assert [smallest_ask([0.35] * 99, 8, 0.95, shock(r)) for r in (0, 0.02, 0.05)] == [35, 40, 49]


def test_a_chance_known_from_fewer_asks_wants_more_calls() -> None:
    asks = [smallest_ask([0.22] * 200, 12, 0.95, shock(0, n)) for n in (np.inf, 144, 36)]
    assert asks[0] == 79
    for n, ask in zip((144, 36), asks[1:], strict=True):
        assert ask is not None
        assert ask > 79
        assert betabinom.sf(11, ask, 0.22 * n, 0.78 * n) == pytest.approx(0.95, abs=0.006)


@pytest.mark.parametrize("law", [INDEPENDENT, shock(0.02), shock(0.1, 36)])
def test_everybodys_own_chance_stays_what_it_was(law: object) -> None:
    assert isinstance(law, type(INDEPENDENT))
    for p in (0.0, 0.001, 0.0333, 0.5, 0.987, 1.0):
        assert at_least([p], 1, law) == pytest.approx(p, abs=1e-9)


@settings(deadline=None)  # the first call compiles
@given(chances, chances, st.integers(0, 4), st.integers(0, 4), st.integers(0, 8))
def test_nested_minima_are_counted_on_every_answer_sheet(
    ps: list[float], qs: list[float], first: int, second: int, need: int
) -> None:
    ps, qs = ps[:5], qs[:5]
    exact = sum(
        prod(p if yes else 1 - p for p, yes in zip(ps + qs, sheet, strict=True))
        for sheet in product((0, 1), repeat=len(ps) + len(qs))
        if sum(sheet) >= need and sum(sheet[: len(ps)]) >= first and sum(sheet[len(ps) :]) >= second
    )
    assert nested_at_least([(ps, first), (qs, second)], need) == pytest.approx(exact, abs=1e-9)


def some_slots(seed: int, slots: int, people: int) -> tuple[np.ndarray, ...]:
    """first, chances, burdens, needs of slots with as many candidates each."""
    rng = np.random.default_rng(seed)
    p, burden = rng.uniform(0.2, 0.95, (slots, people)), rng.uniform(10, 65, (slots, people))
    return np.arange(slots + 1) * people, p.ravel(), burden.ravel(), rng.integers(1, 5, slots)


@pytest.mark.parametrize("correlation", [0.0, 0.03])
def test_the_burden_is_close_to_the_least_of_all_subsets(correlation: float) -> None:
    people, law = 9, shock(correlation)
    first, ps, burden, needs = some_slots(3, 12, people)
    asked = least_burden(first, ps, burden, needs, 0.95, law)
    above = []
    for s, need in enumerate(needs.tolist()):
        rows = np.arange(first[s], first[s + 1])
        fits = [
            float(burden[rows[list(subset)]].sum())
            for subset in (np.flatnonzero(bits) for bits in product((0, 1), repeat=people))
            if at_least(ps[rows[list(subset)]], need, law) >= 0.95
        ]
        ours = float(burden[rows][asked[rows]].sum())
        if not fits:
            assert asked[rows].all()
            continue
        assert at_least(ps[rows][asked[rows]], need, law) >= 0.95
        assert ours >= min(fits) - 1e-9
        above.append(ours / min(fits) - 1)
    assert np.mean(above) <= 0.03


def test_many_slots_at_once_equal_each_alone_whatever_the_threads() -> None:
    first, ps, burden, needs = some_slots(4, 30, 40)
    law = shock(0.02)
    asked = least_burden(first, ps, burden, needs, 0.95, law, threads=2)
    assert asked.tolist() == least_burden(first, ps, burden, needs, 0.95, law).tolist()
    kept = np.concatenate([[0], np.cumsum(asked)[first[1:] - 1]])
    each, together = evaluate(kept, ps[asked], needs, law, threads=2)
    alone = [
        at_least(ps[first[s] : first[s + 1]][asked[first[s] : first[s + 1]]], int(needs[s]), law)
        for s in range(30)
    ]
    assert each.tolist() == pytest.approx(alone, abs=1e-12)
    assert each.min() >= 0.95
    assert np.prod(each) < together < each.min()  # one shock for all: together they do better than apart


def test_nobody_needed_nobody_asked_and_what_cannot_be_is_refused() -> None:
    first, needs = np.array([0, 2]), np.array([0])
    ps, burden = np.array([0.5, 0.5]), np.array([1.0, 1.0])
    assert least_burden(first, ps, burden, needs, 0.95).tolist() == [False, False]
    for given_ps, given_burden, confidence in (
        (np.array([0.5, 2.0]), burden, 0.95),
        (ps, np.array([1.0, 0.0]), 0.95),
        (ps, burden, 1.0),
    ):
        with pytest.raises(ValueError, match="must"):
            least_burden(first, given_ps, given_burden, needs, confidence)
    for correlation, asks in ((1.0, 36), (-0.1, 36), (0.1, 0)):
        with pytest.raises(ValueError, match="must"):
            shock(correlation, asks)
