"""Equal plans: the people asked least, then the seeded draw, never the row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.engine.build import UNHURRIED, people, slots, take
from volunteer_hub.engine.problem import Problem
from volunteer_hub.engine.solve import State, solve
from volunteer_hub.engine.terms import draw


def test_whoever_was_asked_least_goes_first() -> None:
    pool = people(6, served=[5, 1, 4, 0, 2, 3])
    plan = solve(Problem(pool, slots(1, target=[3])), UNHURRIED)
    assert sorted(plan.person.tolist()) == [1, 3, 4]
    assert plan.objective.asked == 3


def test_fairness_never_costs_a_tenth_of_a_minute() -> None:
    pool = people(2, km=[1.0, 1.05], served=[900, 0])
    plan = solve(Problem(pool, slots(1)), UNHURRIED)
    assert plan.person.tolist() == [0]


def test_fairness_reaches_through_exchanges() -> None:
    # Equal cost for all: asking the fresh third person means moving the second to the other slot.
    pool = people(3, served=[7, 3, 0], km=[0.0, 0.0, 0.0], adult=[True, True, False])
    wanted = slots(2, adult_only=[True, False])
    plan = solve(Problem(pool, wanted), UNHURRIED)
    assert dict(zip(plan.slot.tolist(), plan.person.tolist(), strict=True)) == {0: 1, 1: 2}


@pytest.mark.parametrize("seed", range(8))
def test_the_order_of_people_and_slots_plays_no_part(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pool = people(40, km=rng.integers(0, 3, 40) * 1.0, served=rng.integers(0, 3, 40))
    wanted = slots(6, target=rng.integers(1, 5, 6), km=rng.integers(0, 3, 6) * 1.0)
    options = replace(UNHURRIED, seed=seed)
    plan = solve(Problem(pool, wanted), options)
    rows = rng.permutation(40)
    again = solve(Problem(take(pool, rows), wanted), options)
    assert plan.state is again.state is State.PROVEN
    assert {(int(pool.key[v]), int(s)) for v, s in zip(plan.person, plan.slot, strict=True)} == {
        (int(pool.key[rows[v]]), int(s)) for v, s in zip(again.person, again.slot, strict=True)
    }


def test_another_seed_draws_others_at_the_same_cost() -> None:
    problem = Problem(people(200), slots(1, target=[10]))
    plans = [solve(problem, replace(UNHURRIED, seed=seed)) for seed in range(5)]
    assert len({plan.value for plan in plans}) == 1
    assert len({tuple(plan.person.tolist()) for plan in plans}) == 5


def test_every_person_is_drawn_about_as_often() -> None:
    problem = Problem(people(4), slots(1))
    chosen = [int(solve(problem, replace(UNHURRIED, seed=seed)).person[0]) for seed in range(200)]
    counts = np.bincount(chosen, minlength=4)
    assert counts.min() >= 30  # expected 50, standard deviation 6


def test_draws_depend_on_seed_and_keys_only() -> None:
    keys = np.array([7, -3, 2**40])
    draws = draw(9, keys, np.array([1, 1, 1]), 20)
    assert draws[::-1].tolist() == draw(9, keys[::-1], np.array([1, 1, 1]), 20).tolist()
    assert ((draws >= 0) & (draws < 2**20)).all()
    assert draw(10, keys, np.array([1, 1, 1]), 20).tolist() != draws.tolist()
    assert draw(9, keys, np.array([2, 2, 2]), 20).tolist() != draws.tolist()
    assert draw(9, keys, np.array([1, 1, 1]), 0).tolist() == [0, 0, 0]
