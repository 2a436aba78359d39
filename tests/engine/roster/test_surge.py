"""A surge problem as a roster: the same plan where one duty each is the rule, a better one where two are."""

from __future__ import annotations

import numpy as np
import pytest

from tests.engine import build
from volunteer_hub.engine.problem import Limits, Options, Problem
from volunteer_hub.engine.roster.check import check
from volunteer_hub.engine.roster.solve import solve_roster
from volunteer_hub.engine.roster.surge import roster_of
from volunteer_hub.engine.solve import State, solve


@pytest.mark.parametrize("seed", range(8))
def test_one_duty_each_gives_the_surge_plan(seed: int) -> None:
    problem = build.random_problem(seed, 14, 5, nested=False)
    problem = Problem(problem.people, problem.slots, forbidden=problem.forbidden, limits=problem.limits)
    roster, people = roster_of(problem, crew={"max_duties": np.ones(14, np.int64)})
    ours, surge = solve_roster(roster, Options(deadline_s=30)), solve(problem, build.UNHURRIED)
    assert check(roster, ours) == ()
    assert (ours.state, surge.state) == (State.PROVEN, State.PROVEN)
    assert (ours.objective.short, ours.objective.cost) == (surge.objective.short, surge.objective.cost)
    assert set(people[ours.person].tolist()) <= set(range(14))


def test_people_serve_twice_with_travel_between() -> None:
    slots = build.slots(3, start=[0, 130, 140], end=[120, 240, 240], km=[0.0, 5.0, 5.0])
    problem = Problem(build.people(1), slots, limits=Limits(min_rest_min=0, max_minutes_24h=720))
    roster, _ = roster_of(problem, speed_kmh=20.0)
    plan = solve_roster(roster)
    assert roster.travel.max() == 20
    assert (check(roster, plan), plan.slot.tolist()) == ((), [0, 2])


def test_nested_minima_become_skills_less_what_locked_people_hold() -> None:
    problem = Problem(
        build.people(4, levels=build.skilled((2, 0, 0), (2, 0, 0), (0, 0, 0), (0, 0, 0))),
        build.slots(1, target=[3]),
        build.minima((0, build.MEDIC, 1, 2, True)),
        locked=build.pairs((0, 0)),
    )
    roster, people = roster_of(problem)
    assert (people.tolist(), roster.duties.target.tolist()) == ([1, 2, 3], [2])
    assert [(need.slot, need.people, need.heads) for need in roster.skills] == [(0, frozenset([0]), 1)]


def test_the_bound_holds_for_pairs_left_out() -> None:
    rng = np.random.default_rng(5)
    problem = Problem(
        build.people(60, km=rng.integers(0, 40, 60) * 0.25),
        build.slots(
            12, start=rng.integers(2, 12, 12) * 60, end=np.full(12, 840), km=rng.integers(0, 40, 12) * 0.25
        ),
        limits=Limits(min_rest_min=60),
    )
    few, _ = roster_of(problem, per_slot=6)
    every, _ = roster_of(problem, per_slot=60)
    small, whole = solve_roster(few, Options(deadline_s=3)), solve_roster(every, Options(deadline_s=10))
    assert (len(few.pairs), len(every.pairs)) == (96, 720)
    assert whole.state is State.PROVEN
    assert small.objective.short_minimum == whole.objective.short_minimum == 0
    assert small.bound <= whole.value <= small.value
