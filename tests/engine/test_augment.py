"""Three ways to one answer: augmenting paths, ranks first and the flow: same objective, prices and proof."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.city_arrays import city_problem
from tests.engine.build import (
    LAX,
    MEDIC,
    UNHURRIED,
    measured,
    pairs,
    people,
    random_problem,
    skilled,
    slots,
)
from tests.engine.reference import best
from tests.engine.sizes import draws
from volunteer_hub.engine import augment, ranks, release
from volunteer_hub.engine.augment import solve_augment
from volunteer_hub.engine.candidates import Pool
from volunteer_hub.engine.check import check
from volunteer_hub.engine.clock import Clock
from volunteer_hub.engine.flow import solve_flow
from volunteer_hub.engine.method import tight_share
from volunteer_hub.engine.problem import Limits, Minima, Pairs, Problem
from volunteer_hub.engine.ranks import solve_ranks
from volunteer_hub.engine.solve import Plan, State, solve
from volunteer_hub.engine.terms import penalties
from volunteer_hub.engine.units import split

BY_PATHS = replace(UNHURRIED, method="augment")
BY_RANKS = replace(UNHURRIED, method="ranks")
BY_FLOW = replace(UNHURRIED, method="flow")


def goal(plan: Plan) -> tuple[tuple[int, ...], int, int]:
    return plan.objective.short, plan.objective.cost, plan.objective.asked


def with_rules_off(problem: Problem, off: frozenset[str]) -> Problem:
    """The problem without some of its parts."""
    changes: dict[str, object] = {}
    if "minima" in off:
        changes["minima"] = Minima()
    if "locked" in off:
        changes["locked"] = Pairs()
    if "forbidden" in off:
        changes["forbidden"] = Pairs()
    if "limits" in off:
        changes["limits"] = LAX
    if "skills" in off:
        changes["slots"] = replace(problem.slots, skill=np.full(len(problem.slots), -1))
    if "burden" in off:
        nothing = np.zeros(len(problem.people), np.int64)
        changes["people"] = replace(problem.people, fatigue=nothing, night_cost=nothing)
    return replace(problem, **changes)


PARTS = ("minima", "locked", "forbidden", "limits", "skills", "burden")


@pytest.mark.parametrize("block", range(10))
def test_a_thousand_small_problems_equal_the_best_of_all_enumerated(block: int) -> None:
    for seed in range(100 * block, 100 * block + draws(100)):
        off = frozenset(part for bit, part in enumerate(PARTS) if seed >> bit & 1)
        problem = with_rules_off(random_problem(seed, count=3 + seed % 3, places=2 + seed % 2), off)
        expected = best(problem)
        for options in (BY_PATHS, BY_RANKS, BY_FLOW) if seed % 5 == 0 else (BY_PATHS, BY_RANKS):
            plan = solve(problem, options)
            assert (seed, plan.state, goal(plan)) == (seed, State.PROVEN, expected)
            assert [finding for finding in check(problem, plan) if not finding.locked] == []


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 10**6), st.integers(0, 40), st.integers(0, 15), st.frozensets(st.sampled_from(PARTS)),
    st.booleans(),
)  # fmt: skip
def test_all_methods_give_the_same_plan_and_the_same_prices(
    seed: int, count: int, places: int, off: frozenset[str], by_road: bool
) -> None:
    problem = with_rules_off(random_problem(seed, max(1, count), max(1, places)), off)
    if by_road:
        problem = measured(problem, seed)
    flow = solve(problem, BY_FLOW)
    assert (flow.method, flow.state) == ("flow", State.PROVEN)
    for options in (BY_PATHS, BY_RANKS):
        plan = solve(problem, options)
        assert (plan.method, plan.state) == (options.method, State.PROVEN)
        assert goal(plan) == goal(flow)
        assert plan.unit_price.tolist() == flow.unit_price.tolist()
        assert plan.person_price.tolist() == flow.person_price.tolist()
        assert (plan.person.tolist(), plan.unit.tolist()) == (flow.person.tolist(), flow.unit.tolist())


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("count", "heads"), [(3000, 300), (600, 600), (200, 800)])
def test_all_methods_agree_on_cities_ample_and_scarce(seed: int, count: int, heads: int) -> None:
    problem = city_problem(count, heads, seed)
    units = split(problem)
    penalty, pool = penalties(problem, units), Pool(problem, units, UNHURRIED)
    paths = solve_augment(problem, units, pool, penalty, Clock(100))
    ranks = solve_ranks(problem, units, pool, penalty, UNHURRIED, Clock(100))
    flow = solve_flow(problem, units, pool, penalty, UNHURRIED, Clock(100))
    for found in (paths, ranks):
        assert found.arcs.cost.sum() == flow.arcs.cost.sum()
        assert found.unit_price.tolist() == flow.unit_price.tolist()
        assert found.person_price.tolist() == flow.person_price.tolist()


def test_lists_that_start_too_short_are_made_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = random_problem(5, count=60, places=15)
    expected = goal(solve(problem, BY_FLOW))
    monkeypatch.setattr(augment, "SPARE", 0)
    assert goal(solve(problem, BY_PATHS)) == expected
    monkeypatch.setattr(release, "SHORT", 1)
    assert goal(solve(problem, BY_RANKS)) == expected


def test_the_clock_is_looked_at_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augment, "STEP", 0)
    monkeypatch.setattr(ranks, "STEP", 0)
    problem = random_problem(8, count=60, places=15)
    assert goal(solve(problem, BY_PATHS)) == goal(solve(problem, BY_RANKS)) == goal(solve(problem, BY_FLOW))
    assert solve(city_problem(3000, 300), replace(BY_PATHS, deadline_s=0.0)).state is State.DEADLINE


def test_locked_people_are_placed_although_their_cost_is_negative() -> None:
    # Bo, 10 km away, is decided for the slot here although he would spare Lin the way there.
    pool = people(2, km=[10.0, 0.0])
    problem = Problem(pool, slots(2, km=[10.0, 0.0]), locked=pairs((0, 1)))
    for options in (BY_PATHS, BY_RANKS):
        plan = solve(problem, options)
        assert plan.state is State.PROVEN
        assert sorted(zip(plan.person.tolist(), plan.slot.tolist(), strict=True)) == [(0, 1), (1, 0)]


def test_ample_supply_goes_by_paths_and_scarce_supply_by_ranks_first() -> None:
    pool = people(40, levels=skilled(*[(1, 0, 0)] * 40))
    assert solve(Problem(pool, slots(1, target=[4], skill=[MEDIC])), UNHURRIED).method == "augment"
    assert solve(Problem(pool, slots(1, target=[39], skill=[MEDIC])), UNHURRIED).method == "ranks"


def test_tightness_counts_skill_and_area_apart() -> None:
    # Forty people here and none in the district 60 km away, whose slot wants as many heads.
    problem = Problem(people(40), slots(2, target=[10, 10], km=[0.0, 60.0]), limits=Limits())
    units = split(problem)
    assert tight_share(units, Pool(problem, units, UNHURRIED)) == 0.5
