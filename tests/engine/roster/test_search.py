"""The compiled searches and the knapsack bound, each by itself."""

from __future__ import annotations

import numpy as np
import pytest

from tests.engine.roster.build import crew, duties
from volunteer_hub.engine.clock import Clock
from volunteer_hub.engine.problem import Ints
from volunteer_hub.engine.roster.check import Duty, duties_of, faults
from volunteer_hub.engine.roster.deal import deal
from volunteer_hub.engine.roster.flat import flatten
from volunteer_hub.engine.roster.greedy import greedy
from volunteer_hub.engine.roster.guide import guide_of
from volunteer_hub.engine.roster.knapsack import packed
from volunteer_hub.engine.roster.mip import Relaxation
from volunteer_hub.engine.roster.problem import Allowed, Roster
from volunteer_hub.engine.roster.solve import warm
from volunteer_hub.engine.roster.terms import goal as goal_of

NEVER = np.zeros(1, np.bool_)


@pytest.fixture(autouse=True, scope="module")
def _compiled() -> None:
    warm()


def loaded(seed: int, people: int, slots: int, capacity: int, timed: bool) -> Roster:
    """Everybody may serve everywhere; what is cheap is heavy."""
    rng = np.random.default_rng(seed)
    start = rng.integers(0, 3 * slots, slots)
    person, slot = np.divmod(np.arange(people * slots), slots)
    load = rng.integers(1, 10, len(slot))
    return Roster(
        duties(*[(s, s + (4 if timed else 0)) for s in start.tolist()]),
        crew(people, capacity=np.full(people, capacity)),
        Allowed(person, slot, 20 - 2 * load + rng.integers(0, 5, len(slot)), load),
    )


def relaxation(roster: Roster) -> Relaxation:
    """One that knows nothing: prices of 0."""
    pairs = len(roster.pairs)
    cost = roster.pairs.cost.astype(np.float64)
    return Relaxation(0.0, np.zeros(pairs), cost, np.zeros(len(roster.duties)))


def plans(roster: Roster) -> list[Ints]:
    """All that fill every head."""
    slots = len(roster.duties)
    rows = np.arange(len(roster.pairs)).reshape(len(roster.crew), slots)
    by_slot = np.argsort(roster.pairs.slot, kind="stable").reshape(slots, -1)
    assert rows.size == by_slot.size
    every = np.stack(np.meshgrid(*by_slot, indexing="ij"), axis=-1).reshape(-1, slots)
    load = np.zeros((len(every), len(roster.crew)), np.int64)
    for column in every.T:
        np.add.at(load, (np.arange(len(every)), roster.pairs.person[column]), roster.pairs.load[column])
    return list(every[(load <= roster.crew.capacity).all(axis=1)])


@pytest.mark.parametrize("seed", range(6))
def test_no_plan_is_below_the_knapsack_bound_nor_below_what_its_pairs_add(seed: int) -> None:
    roster = loaded(seed, 3, 6, 14, timed=False)
    found = packed(goal_of(roster, {}), relaxation(roster), 200, Clock(10))
    assert found is not None
    cheapest = min(roster.pairs.cost[plan].sum() for plan in plans(roster))
    assert cheapest - 4 <= found.bound <= cheapest
    for plan in plans(roster):
        assert found.bound + found.reduced[plan].max() <= roster.pairs.cost[plan].sum() + 1e-9


@pytest.mark.parametrize("timed", [False, True])
def test_dealing_anew_keeps_every_rule_and_makes_the_plan_cheaper(timed: bool) -> None:
    roster = loaded(1, 5, 12, 13, timed)
    flat = flatten(roster)
    assert flat is not None
    guide = guide_of(flat, relaxation(roster))
    assert guide is not None
    before, _ = greedy(roster, Clock(10))
    after = deal(flat, guide, before, 60, 1, NEVER)
    plan: list[Duty] = duties_of(roster, after.tolist(), [1] * len(after))
    assert list(faults(roster, plan)) == []
    assert sorted(roster.pairs.slot[after]) == sorted(roster.pairs.slot[before])
    assert roster.pairs.cost[after].sum() < roster.pairs.cost[before].sum()


def test_a_group_that_holds_everything_finds_the_best_deal() -> None:
    roster = loaded(2, 3, 6, 16, timed=False)
    flat = flatten(roster)
    assert flat is not None
    guide = guide_of(flat, relaxation(roster))
    assert guide is not None
    dearest = max(plans(roster), key=lambda plan: int(roster.pairs.cost[plan].sum()))
    best = min(roster.pairs.cost[plan].sum() for plan in plans(roster))
    assert roster.pairs.cost[deal(flat, guide, dearest, 200, 3, NEVER)].sum() == best
