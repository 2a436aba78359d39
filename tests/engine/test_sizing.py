"""How many to ask for every slot of a callout, beside the rule of thumb; against a seeded crowd."""

import numpy as np
import pytest
from scipy.special import betaincinv

from volunteer_hub.engine.least_burden import evaluate
from volunteer_hub.engine.shock import shock
from volunteer_hub.engine.sizing import People, credible, size

LAW = shock(0.05, 144)
NEEDS = np.array([2, 6, 0])


def crowd(seed: int = 1, each: int = 80) -> People:
    """Three slots with as many candidates, the first two of each chosen."""
    rng = np.random.default_rng(seed)
    n = 3 * each
    chosen = np.zeros(n, np.bool_)
    chosen[[0, 1, each, each + 1]] = True
    return People(np.arange(0, n + 1, each), rng.uniform(0.1, 0.5, n), rng.uniform(10, 90, n), chosen)


def test_every_slot_is_as_sure_as_wanted_and_all_at_once_less_so() -> None:
    made = size(crowd(), NEEDS, 0.95, LAW)
    assert (made.sure >= 0.95).all()
    assert made.joint < made.sure.min()
    assert made.joint > made.sure.prod()  # a shock for all: who fails together does not fail twice


def test_whoever_the_plan_chose_is_asked_whatever_it_burdens() -> None:
    people = crowd()
    assert size(people, NEEDS, 0.95, LAW).asked[people.chosen].all()
    assert size(people, np.zeros(3, np.int64), 0.95, LAW).asked.tolist() == people.chosen.tolist()


def test_the_same_people_are_asked_every_time() -> None:
    one, other = (size(crowd(), NEEDS, 0.95, LAW) for _ in range(2))
    assert one.asked.tolist() == other.asked.tolist()


def test_everybody_is_asked_where_all_are_not_enough() -> None:
    made = size(crowd(each=4), NEEDS, 0.95, LAW)
    assert made.asked[:8].all()
    assert made.sure[1] < 0.95


def test_the_rule_of_thumb_asks_the_need_over_the_chance() -> None:
    people = People(np.array([0, 200]), np.full(200, 0.22), np.ones(200), np.zeros(200, np.bool_))
    made = size(people, np.array([12]), 0.95, shock(0.0, np.inf))
    assert (int(made.asked.sum()), int(made.naive[0])) == (79, 55)
    assert made.naive_sure[0] == pytest.approx(0.58, abs=0.02)


def test_people_without_a_chance_leave_nothing_to_divide_by() -> None:
    people = People(np.array([0, 2]), np.zeros(2), np.ones(2), np.array([True, False]))
    made = size(people, np.array([1]), 0.95, LAW)
    assert (made.sure.tolist(), made.naive.tolist()) == ([0.0], [0])


def test_a_chance_known_from_more_asks_lies_in_a_narrower_range() -> None:
    low, high = credible(0.35, 36)
    assert (round(low, 2), round(high, 2)) == (0.23, 0.48)
    closer = credible(0.35, 360)
    assert low < closer[0] < 0.35 < closer[1] < high


def test_with_known_chances_the_need_is_met_about_as_often_as_stated() -> None:
    people, correlation = crowd(seed=5), 0.05
    law = shock(correlation)
    made = size(people, NEEDS, 0.9, law)
    rng = np.random.default_rng(7)
    p = people.chance[made.asked]
    slot = np.repeat(np.arange(3), 80)[made.asked]
    # The same law drawn another way: every person's own Beta quantile of one hidden value a callout.
    u = rng.uniform(size=(4000, 1))
    from_beta = _quantile(p, correlation, u)
    yes = rng.uniform(size=from_beta.shape) < from_beta
    met = np.stack([yes[:, slot == s].sum(axis=1) >= NEEDS[s] for s in range(3)], axis=1)
    assert met.mean(axis=0) == pytest.approx(made.sure, abs=0.015)
    assert met.all(axis=1).mean() == pytest.approx(made.joint, abs=0.015)
    starts = np.concatenate([[0], np.cumsum(np.bincount(slot, minlength=3))])
    assert evaluate(starts, p, NEEDS, law)[1] == pytest.approx(made.joint)


def _quantile(p: np.ndarray, correlation: float, u: np.ndarray) -> np.ndarray:
    strength = (1 - correlation) / correlation
    return np.asarray(betaincinv(strength * p, strength * (1 - p), u))
