"""Reserve floors: some of a district's or a skill's people stay, at the least loss."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.city_arrays import city_problem
from tests.engine.build import MEDIC, UNHURRIED, pairs, people, random_problem, skilled, slots
from tests.engine.reference import pair_cost, roles
from tests.engine.sizes import draws
from volunteer_hub.engine.check import check
from volunteer_hub.engine.floors import Floors, laminar
from volunteer_hub.engine.problem import Options, Problem, ProblemError
from volunteer_hub.engine.solve import State, solve, warm

Goal = tuple[tuple[int, ...], int, int]


def best_within(problem: Problem, floors: Floors) -> Goal:
    """(open heads by rank, cost, served) of the best plan that takes no more of a set than allowed."""
    slots_, minima_ = problem.slots, problem.minima
    heads = {(int(s), m): int(minima_.heads[m]) for m, s in enumerate(minima_.slot)}
    least = dict(heads)
    for s in range(len(slots_)):
        nested = sum(int(h) for h in minima_.heads[minima_.slot == s])
        heads[s, -1] = int(slots_.target[s]) - nested
        least[s, -1] = max(0, int(slots_.minimum[s]) - nested)
    locked = set(problem.locked.person.tolist())
    choices = [
        ([] if v in locked else [None]) + roles(problem, v)  # type: ignore[operator]  # a list of either
        for v in range(len(problem.people))
    ]
    found: list[Goal] = []
    for chosen in itertools.product(*choices):
        filled = Counter(role for role in chosen if role is not None)
        sent = np.array([v for v, role in enumerate(chosen) if role is not None], dtype=np.int64)
        if any(filled[role] > heads[role] for role in filled):
            continue
        if (floors.taken(sent, len(choices)) > floors.most).any():
            continue
        short = [0] * 10
        for role, count in heads.items():
            below = max(0, least[role] - filled[role])
            short[5 - int(slots_.priority[role[0]])] += below
            short[10 - int(slots_.priority[role[0]])] += count - filled[role] - below
        cost = sum(pair_cost(problem, v, role[0]) for v, role in enumerate(chosen) if role is not None)
        found.append((tuple(short), cost, int(problem.people.served[sent].sum())))
    return min(found)


def random_floors(problem: Problem, seed: int, nested: bool) -> Floors:
    rng = np.random.default_rng(seed)
    count = len(problem.people)
    sets = [np.flatnonzero(rng.random(count) < 0.7)]
    sets.append(
        sets[0][rng.random(len(sets[0])) < 0.5] if nested else np.flatnonzero(rng.random(count) < 0.6)
    )
    sets.append(np.setdiff1d(np.arange(count), sets[0]))
    return Floors.keeping(sets, rng.integers(0, 3, 3).tolist())


@pytest.mark.parametrize("seed", range(draws(80)))
def test_nested_floors_equal_the_best_of_all_enumerated(seed: int) -> None:
    problem = random_problem(seed, count=5, places=3)
    floors = random_floors(problem, seed, nested=True).check(problem)
    plan = solve(problem, UNHURRIED, floors)
    assert plan.state is State.PROVEN
    assert (plan.objective.short, plan.objective.cost, plan.objective.asked) == best_within(problem, floors)
    assert [finding for finding in check(problem, plan) if not finding.locked] == []


@pytest.mark.parametrize("seed", range(draws(40)))
def test_sets_that_cut_across_each_other_are_kept_and_the_bound_is_true(seed: int) -> None:
    problem = random_problem(seed, count=5, places=3)
    floors = random_floors(problem, seed, nested=False).check(problem)
    plan = solve(problem, UNHURRIED, floors)
    assert (floors.taken(plan.person, 5) <= floors.most).all()
    goal = plan.objective.short, plan.objective.cost
    best = best_within(problem, floors)
    assert goal >= best[:2]
    assert plan.bound <= plan.value
    if plan.state is State.PROVEN:
        assert goal == best[:2]


@pytest.mark.parametrize("seed", range(draws(10)))
def test_a_city_within_floors_is_proven(seed: int) -> None:
    problem = city_problem(800, 300, seed)
    medics = [np.flatnonzero(problem.people.levels[:, k] > 0) for k in (0, 1)]
    north = np.flatnonzero(problem.people.lat > 46.5)
    sets = [north, np.intersect1d(north, medics[0]), np.setdiff1d(medics[0], north)]
    floors = Floors.keeping(sets, [len(one) * 3 // 4 for one in sets])
    plan = solve(problem, UNHURRIED, floors)
    assert plan.state is State.PROVEN
    assert plan.method == "flow"
    assert (floors.taken(plan.person, 800) <= floors.most).all()
    assert plan.floor_price.max() > 0
    assert check(problem, plan) == ()


def test_datong_keeps_two_medics_and_the_plan_says_what_it_costs() -> None:
    # Four medics, three of them in Datong next door; the fourth lives 20 km away, half an hour by 30 km/h.
    pool = people(4, km=[0.0, 0.0, 0.0, 20.0], levels=skilled(*[(1, 0, 0)] * 4))
    problem = Problem(pool, slots(1, target=[3], skill=[MEDIC]))
    plan = solve(problem, UNHURRIED, Floors.keeping([[0, 1, 2]], [2]))
    assert sorted(plan.person.tolist())[-1] == 3
    assert len(plan.person) == 2
    assert plan.short_minimum.tolist() == [1]
    big = plan.unit_price[0] // 8
    assert plan.floor_price.tolist() == [8 * big]  # one more medic of Datong would fill a head of rank 8
    kept = solve(
        Problem(pool, slots(1, target=[2], skill=[MEDIC])), UNHURRIED, Floors.keeping([[0, 1, 2]], [2])
    )
    assert kept.short_minimum.tolist() == [0]
    assert kept.floor_price.tolist() == [520]  # 20 km x 1.3 at 30 km/h: 52 minutes saved


def test_floors_that_do_not_bind_change_nothing() -> None:
    problem = city_problem(2000, 100)
    plain = solve(problem, UNHURRIED)
    floored = solve(problem, UNHURRIED, Floors.keeping([np.arange(2000)], [10]))
    assert floored.method == "augment"
    assert floored.person.tolist() == plain.person.tolist()
    assert floored.floor_price.tolist() == [0]


def test_decisions_already_taken_may_break_a_floor() -> None:
    problem = Problem(people(3), slots(1, target=[3]), locked=pairs((0, 0), (1, 0)))
    plan = solve(problem, UNHURRIED, Floors.keeping([[0, 1, 2]], [2]))
    assert sorted(plan.person.tolist()) == [0, 1]
    assert plan.state is State.PROVEN


@pytest.mark.parametrize("nested", [True, False])
def test_the_greedy_fallback_keeps_floors_too(nested: bool) -> None:
    warm()
    problem = random_problem(4, count=40, places=15)
    floors = random_floors(problem, 4, nested)
    floors = replace(floors, most=floors.most // 4).check(problem)
    plan = solve(problem, Options(deadline_s=0.0), floors)
    assert plan.state is State.DEADLINE
    assert (floors.taken(plan.person, 40) <= floors.most).all()


def test_the_larger_set_is_around_the_smaller() -> None:
    floors = Floors.keeping([[0, 1], [0, 1, 2, 3], [2, 4], [5]], [1, 1, 1, 1])
    family, inside, across = laminar(floors, np.arange(6))
    assert (inside, across) == ([1, 0, 3], [2])
    assert family.parent.tolist() == [-1, 0, -1]
    assert family.leaf.tolist() == [1, 1, 0, 0, -1, 2]
    assert family.people_share(np.array([5, 2, 9])).tolist() == [7, 7, 5, 5, 0, 9]


def test_floors_refuse_what_they_cannot_mean() -> None:
    with pytest.raises(ProblemError, match="twice"):
        Floors.keeping([[0, 0]], [1])
    with pytest.raises(ProblemError, match="unknown_person"):
        solve(Problem(people(1), slots(1)), UNHURRIED, Floors.keeping([[1]], [1]))
    with pytest.raises(ProblemError, match="negative"):
        Floors(np.array([0, 1]), np.array([0]), np.array([-1]))
