"""Rosters against brute force, every rule family on and off; deadlines and hopeless cases."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.roster.build import FAMILIES, best, crew, duties, everybody, random_roster
from tests.engine.sizes import draws
from volunteer_hub.engine.problem import Options
from volunteer_hub.engine.roster.anneal import anneal
from volunteer_hub.engine.roster.check import check
from volunteer_hub.engine.roster.flat import flatten
from volunteer_hub.engine.roster.problem import Allowed, Crew, Duties, Roster
from volunteer_hub.engine.roster.solve import RosterPlan, solve_roster, warm
from volunteer_hub.engine.solve import State

UNHURRIED = Options(deadline_s=60)


@pytest.fixture(autouse=True, scope="module")
def _compiled() -> None:
    warm()


def levels(plan: RosterPlan) -> tuple[int, int]:
    ranks = zip(range(10, 0, -1), plan.objective.short, strict=True)
    return sum(rank * heads for rank, heads in ranks), plan.objective.cost


def assert_best(seed: int, families: frozenset[str]) -> None:
    roster, weights = random_roster(seed, families, most_pairs=9)
    plan = solve_roster(roster, UNHURRIED, weights)
    assert check(roster, plan, weights) == ()
    assert (levels(plan), plan.state) == (best(roster, weights), State.PROVEN)


@pytest.mark.parametrize("family", FAMILIES)
def test_each_rule_alone_gives_the_best_plan_there_is(family: str) -> None:
    for seed in range(draws(12)):
        assert_best(seed, frozenset([family]))


def test_all_rules_together_give_the_best_plan_there_is() -> None:
    for seed in range(draws(150)):
        assert_best(seed, frozenset(FAMILIES))


@settings(max_examples=draws(150), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**20), families=st.frozensets(st.sampled_from(FAMILIES)))
def test_any_mix_of_rules_gives_the_best_plan_there_is(seed: int, families: frozenset[str]) -> None:
    assert_best(seed, families)


def test_nothing_asked_is_a_proven_empty_plan() -> None:
    plan = solve_roster(Roster(duties(), crew(2), everybody(2, 0)))
    assert (plan.pair.tolist(), plan.value, plan.bound, plan.state) == ([], 0, 0, State.PROVEN)


def test_nobody_there_leaves_every_head_open_and_says_so() -> None:
    wanted = duties((0, 4), (4, 8), target=[2, 1], minimum=[1, 0], priority=[5, 2])
    plan = solve_roster(Roster(wanted, crew(0), everybody(0, 2)))
    assert (plan.short_minimum.tolist(), plan.short_target.tolist()) == ([1, 0], [1, 1])
    assert (plan.objective.short, plan.state) == ((1, 0, 0, 0, 0, 1, 0, 0, 1, 0), State.PROVEN)


def test_one_person_everywhere_serves_what_one_person_can() -> None:
    roster = Roster(duties((0, 4), (2, 6), (4, 8)), crew(1), everybody(1, 3))
    plan = solve_roster(roster)
    assert (plan.slot.tolist(), plan.short_minimum.tolist(), plan.state) == ([0, 2], [0, 1, 0], State.PROVEN)


def busy_city(seed: int, people: int, slots: int) -> Roster:
    rng = np.random.default_rng(seed)
    start = rng.integers(0, 100, slots) * 60
    allowed = np.flatnonzero(rng.random(people * slots) < 0.3)
    return Roster(
        Duties(start, start + rng.integers(2, 8, slots) * 60, np.ones(slots), rng.integers(1, 4, slots)),
        Crew(np.full(people, 1200), rest=600, minutes_24h=600),
        Allowed(allowed // slots, allowed % slots, rng.integers(10, 400, len(allowed))),
    )


def test_a_millisecond_still_gives_an_allowed_plan() -> None:
    roster = busy_city(1, 200, 60)
    started = time.monotonic()
    plan = solve_roster(roster, Options(deadline_s=0.001))
    assert time.monotonic() - started < 3 * 2
    assert (check(roster, plan), plan.state) == ((), State.DEADLINE)
    assert len(plan.pair) > 0


def test_a_week_of_two_hundred_people_has_a_bound_that_holds() -> None:
    roster = busy_city(2, 200, 60)
    plan = solve_roster(roster, Options(deadline_s=2))
    assert check(roster, plan) == ()
    assert plan.bound <= plan.value
    assert plan.objective.short_minimum == 0


def jobs_to_agents(agents: int, jobs: int, capacity: int) -> Roster:
    """No times, only loads: what is cheap is heavy."""
    rng = np.random.default_rng(3)
    load = rng.integers(10, 50, agents * jobs)
    agent, job = np.divmod(np.arange(agents * jobs), jobs)
    one = np.ones(jobs, np.int64)
    return Roster(
        Duties(0 * one, 0 * one, one, one),
        Crew(np.full(agents, capacity)),
        Allowed(agent, job, 100 - load + rng.integers(0, 20, len(load)), load),
    )


def test_neighbourhoods_keep_every_rule() -> None:
    roster = jobs_to_agents(12, 200, 600)
    plan = solve_roster(roster, Options(deadline_s=1.5, threads=2))
    assert (check(roster, plan), plan.objective.short_minimum) == ((), 0)
    assert plan.bound <= plan.value


def test_annealing_gets_from_a_load_nobody_can_carry_to_one_that_fits() -> None:
    roster = jobs_to_agents(6, 60, 280)
    flat = flatten(roster)
    assert flat is not None
    row_of = np.arange(360).reshape(6, 60)
    first, never = np.arange(60), np.zeros(1, np.bool_)  # everything to the first agent
    calls = np.zeros(6, np.int64)
    rows, cost = anneal(flat, row_of, row_of.T.copy(), calls, first, 9.0, 0.5, 20.0, 40_000, 1, never)
    assert roster.pairs.slot[rows].tolist() == list(range(60))
    assert cost == roster.pairs.cost[rows].sum()
    assert np.bincount(roster.pairs.person[rows], roster.pairs.load[rows], 6).max() <= 280


def test_the_fewest_people_are_called() -> None:
    starts = np.arange(40)
    times = np.column_stack([starts, starts + 10])
    roster = Roster(duties(*map(tuple, times.tolist())), crew(25, call_cost=1), everybody(25, 40))
    plan = solve_roster(roster, Options(deadline_s=20))
    assert (plan.objective.cost, plan.state) == (10, State.PROVEN)
