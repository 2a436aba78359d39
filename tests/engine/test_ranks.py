"""Ranks first: time that ends in between, lists that have to grow, locked people. That the whole gives the
same plan and prices as the other methods is in test_augment.py."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.city_arrays import city_problem
from tests.engine.build import DRIVER, MEDIC, UNHURRIED, minima, pairs, people, skilled, slots
from volunteer_hub.engine import flow, ranks, release
from volunteer_hub.engine import solve as solving
from volunteer_hub.engine.augment import Standing
from volunteer_hub.engine.candidates import Arcs, Pool
from volunteer_hub.engine.check import check
from volunteer_hub.engine.clock import Clock
from volunteer_hub.engine.flow import Solution
from volunteer_hub.engine.problem import Options, Problem
from volunteer_hub.engine.solve import State, solve
from volunteer_hub.engine.terms import Penalties
from volunteer_hub.engine.units import Units, split

BY_RANKS = replace(UNHURRIED, method="ranks")
BY_FLOW = replace(UNHURRIED, method="flow")


@pytest.mark.parametrize("seed", range(4))
def test_with_time_for_the_ranks_only_all_is_covered_that_can_be_and_only_travel_is_open(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    solving.warm()
    problem = city_problem(300, 400, seed)
    exact = solve(problem, BY_FLOW)
    monkeypatch.setattr(ranks, "RESERVE", 1e9)
    plan = solve(problem, BY_RANKS)
    assert (plan.state, plan.failure) == (State.BOUNDED, "deadline")
    assert plan.objective.short == exact.objective.short
    assert plan.value - plan.bound == plan.objective.cost
    assert plan.bound <= exact.value <= plan.value
    assert check(problem, plan) == ()


@pytest.mark.parametrize("method", [BY_FLOW, BY_RANKS])
def test_a_plan_stopped_early_keeps_its_bound_without_time_to_prove_it(
    method: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = city_problem(300, 400, 7)
    units = split(problem)
    few = replace(method, candidates_per_head=0.1)
    monkeypatch.setattr(flow, "MARGIN", 1e9)  # as if the second round could not be afforded
    draft = solving._best(problem, units, Pool(problem, units, few), few, Clock(100))
    hurried = solving._proven(problem, draft, few, Clock(0))
    proven = solving._proven(problem, draft, few, Clock(100))
    assert (draft.exact, hurried.proof, proven.proof is None) == (False, None, False)
    assert hurried.bound == proven.bound
    assert hurried.bound is not None
    assert 0 < hurried.bound <= solve(problem, UNHURRIED).value


def test_short_lists_of_units_grow_as_far_as_they_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    # Everybody's nearest slots are the same and fill up; the last has to look at the fifth.
    problem = Problem(people(5, km=[0.1 * i for i in range(5)]), slots(6, km=[float(i) for i in range(6)]))
    monkeypatch.setattr(release, "SHORT", 1)
    plan = solve(problem, BY_RANKS)
    assert (plan.state, sorted(plan.slot.tolist())) == (State.PROVEN, [0, 1, 2, 3, 4])


def test_a_locked_person_who_was_seated_first_moves_on_for_somebody_who_can_do_less() -> None:
    # An, decided for the slot, is medic and driver; Bo, a medic, has a place only if An drives.
    pool = people(2, levels=skilled((1, 1, 0), (1, 0, 0)))
    nested = minima((0, MEDIC, 1, 1, False), (0, DRIVER, 1, 1, False))
    plan = solve(Problem(pool, slots(1, target=[2]), nested, locked=pairs((0, 0))), BY_RANKS)
    assert plan.state is State.PROVEN
    assert dict(zip(plan.person.tolist(), plan.unit.tolist(), strict=True)) == {0: 1, 1: 0}


@pytest.mark.parametrize("seed", range(4))
def test_people_placed_in_haste_cover_as_much_and_what_they_give_away_is_known(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = city_problem(300, 400, seed)
    exact = solve(problem, BY_FLOW)
    monkeypatch.setattr(ranks, "HASTY_ROWS", 1 << 60)
    monkeypatch.setattr(ranks, "HASTY_STEPS", 1)
    plan = solve(problem, BY_RANKS)
    assert (plan.state, plan.failure) == (State.BOUNDED, "deadline")
    assert plan.objective.short == exact.objective.short
    assert plan.bound <= exact.value <= plan.value
    assert plan.value - plan.bound < plan.objective.cost // 2
    assert check(problem, plan) == ()


def test_when_even_haste_takes_too_long_the_plan_of_the_ranks_comes_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problem = city_problem(300, 400, 1)
    exact = solve(problem, BY_FLOW)
    fill = ranks._fill

    def until_the_deadline(
        units: Units, pool: Pool, penalty: Penalties, covered: Solution, decided: Arcs, clock: Clock
    ) -> Standing:
        standing = fill(units, pool, penalty, covered, decided, clock)
        clock._deadline -= clock.left
        return standing

    monkeypatch.setattr(ranks, "_fill", until_the_deadline)
    plan = solve(problem, BY_RANKS)
    assert (plan.state, plan.failure) == (State.BOUNDED, "deadline")
    assert plan.objective.short == exact.objective.short
    assert plan.bound <= exact.value <= plan.value
    assert check(problem, plan) == ()
