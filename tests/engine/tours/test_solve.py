"""Tours: equal to enumeration on small problems, explained whatever comes in."""

from __future__ import annotations

import time
from collections import Counter

import numpy as np
import pytest

from tests.engine.sizes import COMPILED, draws
from tests.engine.tours.build import crew, random_tours, stops, street
from tests.engine.tours.reference import best
from volunteer_hub.engine.clock import Clock
from volunteer_hub.engine.tours.check import check
from volunteer_hub.engine.tours.greedy import greedy_rows
from volunteer_hub.engine.tours.network import _alone, equipped, network, qualified
from volunteer_hub.engine.tours.problem import NO_END, Depot, Places, TourOptions, Tours
from volunteer_hub.engine.tours.reasons import Reason, Unserved, exchange, room_instead
from volunteer_hub.engine.tours.route import copy_route
from volunteer_hub.engine.tours.search import keep_if_best, recreate, settle, steps
from volunteer_hub.engine.tours.solve import State, ToursPlan, solve_tours, warm
from volunteer_hub.engine.tours.timetable import DEPOT

SHORT = TourOptions(iterations=200, deadline_s=30.0)


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    warm()


def rows(plan: ToursPlan) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for person, stop in zip(plan.visits.person.tolist(), plan.visits.stop.tolist(), strict=True):
        found.setdefault(person, []).append(stop)
    return found


def test_small_tours_equal_enumeration_and_are_never_better() -> None:
    equal = Counter[bool]()
    states = Counter[State]()
    seeds = range(draws(200))
    for seed in seeds:
        tours = random_tours(seed, 1 + seed % 3, 3 + seed % 4, limits=seed % 2 == 0)
        plan, (missed, travel) = solve_tours(tours, SHORT), best(tours)
        assert check(tours, plan) == (), seed
        assert (plan.missed, plan.travel) >= (missed, travel), seed
        assert plan.bound <= missed, seed
        assert plan.state is not State.COVERED or plan.missed == missed, seed
        equal[(plan.missed, plan.travel) == (missed, travel)] += 1
        states[plan.state] += 1
    assert equal[True] >= 0.98 * len(seeds)
    assert states[State.COVERED] >= 0.5 * len(seeds)
    assert states[State.DEADLINE] == 0


@pytest.mark.skipif(not COMPILED, reason="thousands of insertions in plain Python take minutes")
def test_larger_tours_pass_the_checker() -> None:
    for seed in range(10):
        tours = random_tours(seed, 8, 60, limits=seed % 2 == 0)
        plan = solve_tours(tours, TourOptions(iterations=2000, threads=1 + seed % 2))
        assert check(tours, plan) == (), seed
        assert len(plan.visits.stop[plan.visits.stop != DEPOT]) + len(plan.unserved) == 60


def test_a_street_is_walked_along_and_not_up_and_down() -> None:
    plan = solve_tours(Tours(street(), crew(0), stops(3, 1, 4, 2)), SHORT)
    assert plan.state is State.COVERED
    assert plan.travel == 80  # four houses out and back, a minute each
    assert sorted(rows(plan)[0]) == [0, 1, 2, 3]
    assert plan.visits.returns[0] - plan.visits.departs[0] == 480


def test_nobody_leaves_earlier_than_the_first_window_asks() -> None:
    tours = Tours(street(), crew(0), stops(5, windows=[(0, 100, 120)]))
    visits = solve_tours(tours, SHORT).visits
    assert visits.departs.tolist() == [950]
    assert (visits.arrive.tolist(), visits.start.tolist(), visits.leave.tolist()) == ([1000], [1000], [1100])
    assert visits.returns.tolist() == [1150]


def test_a_stop_may_have_several_windows() -> None:
    windows = [(0, 60, 65), (1, 60, 65), (1, 200, 210)]
    plan = solve_tours(Tours(street(), crew(0), stops(1, 30, windows=windows)), SHORT)
    assert plan.unserved == ()
    assert plan.visits.start.tolist() == [650, 2000]  # no sooner: the time until the other is spent at home


def test_the_more_urgent_stop_is_served_and_the_other_one_says_in_whose_place() -> None:
    tours = Tours(street(), crew(0, until=np.array([30])), stops(5, 6, priority=np.array([2, 4])))
    plan = solve_tours(tours, SHORT)
    assert rows(plan) == {0: [1]}
    assert plan.unserved == (Unserved(0, Reason.OUTWEIGHED, 0, 1),)
    assert plan.missed == 2


def test_two_of_one_rank_weigh_as_much_as_one_of_the_next() -> None:
    tours = Tours(
        street(),
        crew(20, until=np.array([45])),
        stops(10, 30, 31, 32, priority=np.array([4, 2, 2, 3]), service=np.array([20, 5, 5, 5])),
    )
    plan = solve_tours(tours, SHORT)
    assert plan.missed == 8  # the far pair of rank 2 and the one of rank 3 weigh as much as the one of rank 4
    assert plan.missed == best(tours)[0]


def test_every_reason_is_told() -> None:
    tours = Tours(
        street(),
        crew(0, 1, until=np.array([60, 60]), capacity=np.array([2, 2])),
        stops(
            2, 2, 2, 39, 1, 3, 3,
            skill=np.array([1, -1, -1, -1, 0, 0, 0]),
            quantity=np.array([0, 5, 0, 0, 0, 0, 0]),
            priority=np.array([3, 3, 3, 3, 2, 4, 4]),
            windows=[(0, 0, 50), (1, 0, 50), (2, 100, 130), (3, 0, 50), (4, 0, 1), (5, 0, 60), (6, 0, 60)],
            service=np.array([10, 10, 10, 10, 10, 50, 50]),
        ),
    )  # fmt: skip
    plan = solve_tours(tours, SHORT)
    assert {each.stop: each.reason for each in plan.unserved} == {
        0: Reason.SKILL,
        1: Reason.GOODS,
        2: Reason.WINDOW,
        3: Reason.TOO_FAR,
        4: Reason.OUTWEIGHED,
    }


def test_a_stop_that_takes_the_time_of_two_has_no_room() -> None:
    tours = Tours(street(), crew(0, until=np.array([50])), stops(1, 1, 1, service=np.array([24, 24, 40])))
    plan = solve_tours(tours, SHORT)
    assert (plan.unserved, plan.missed) == ((Unserved(2, Reason.TIME),), 4)
    assert plan.state is State.COVERED  # no minute is left that could serve it


def test_tools_and_parts_are_fetched_at_the_depot_once() -> None:
    tours = Tours(
        street(),
        crew(0, tools=np.array([[False]]), parts=np.array([[1]])),
        stops(
            2, 4, 6,
            tools=np.array([[False], [True], [False]]),
            parts=np.array([[1], [0], [1]]),
        ),
        Depot(3, 5),
    )  # fmt: skip
    plan = solve_tours(tours, SHORT)
    assert plan.unserved == ()
    assert rows(plan)[0].count(DEPOT) == 1
    assert plan.travel == 120
    assert check(tours, plan) == ()
    without = solve_tours(Tours(tours.places, tours.crew, tours.stops), SHORT)
    assert {each.stop: each.reason for each in without.unserved}[1] is Reason.GOODS
    assert len(without.unserved) == 2


def test_a_load_is_filled_again_at_the_depot() -> None:
    parcels = stops(2, 4, 6, 8, quantity=np.array([1, 1, 1, 1]))
    one_way = Tours(street(), crew(0, capacity=np.array([2])), parcels)
    assert len(solve_tours(one_way, SHORT).unserved) == 2
    refilled = Tours(street(), crew(0, capacity=np.array([2])), parcels, Depot(5))
    plan = solve_tours(refilled, SHORT)
    assert (plan.unserved, plan.travel) == ((), 160)


def test_duties_are_no_longer_than_allowed() -> None:
    apart = stops(1, 2, windows=[(0, 0, 5), (1, 120, 125)])
    assert solve_tours(Tours(street(), crew(0), apart), SHORT).unserved == ()
    plan = solve_tours(Tours(street(), crew(0, longest=np.array([60])), apart), SHORT)
    assert [each.reason for each in plan.unserved] == [Reason.OUTWEIGHED]


def test_a_tour_may_end_where_its_last_stop_is() -> None:
    there = Tours(street(), crew(0, end=np.array([NO_END])), stops(10, 20))
    assert solve_tours(there, SHORT).travel == 200
    elsewhere = Tours(street(), crew(0, end=np.array([30])), stops(10, 20))
    assert solve_tours(elsewhere, SHORT).travel == 300


def test_measured_ways_may_differ_by_direction_and_means() -> None:
    on_foot = [[0, 100, 900], [100, 0, 100], [100, 900, 0]]
    by_car = [[0, 10, 500], [500, 0, 10], [10, 500, 0]]
    ways = Places(matrix=np.array([on_foot, by_car]))
    visits = stops(1, 2)
    walks = solve_tours(Tours(ways, crew(0), visits), SHORT)
    drives = solve_tours(Tours(ways, crew(0, mode=np.array([1])), visits), SHORT)
    assert (walks.travel, drives.travel) == (300, 30)
    assert rows(drives) == {0: [0, 1]}
    island = Places(matrix=np.array([[[0, 10, -1], [10, 0, -1], [-1, -1, 0]]]))
    assert solve_tours(Tours(island, crew(0), visits), SHORT).unserved == (Unserved(1, Reason.TOO_FAR),)


def test_empty_problems_have_empty_plans() -> None:
    nobody = solve_tours(Tours(street(), crew(), stops(1, 2)), SHORT)
    assert [each.reason for each in nobody.unserved] == [Reason.SKILL, Reason.SKILL]
    assert (nobody.state, nobody.missed, nobody.bound) == (State.COVERED, 8, 8)
    nothing = solve_tours(Tours(street(), crew(1, 2), stops()), SHORT)
    assert (nothing.state, nothing.unserved, nothing.travel) == (State.COVERED, (), 0)
    nowhere = solve_tours(Tours(Places(), crew(), stops()), SHORT)
    assert nowhere.unserved == ()


def test_a_millisecond_gives_a_plan_that_holds() -> None:
    for seed in range(5):
        tours = random_tours(seed, 5, 40)
        started = time.monotonic()
        plan = solve_tours(tours, TourOptions(deadline_s=0.001))
        assert time.monotonic() - started < 2
        assert check(tours, plan) == ()


def test_without_a_compiler_in_time_a_greedy_pass_serves_the_most_urgent() -> None:
    tours = Tours(street(), crew(0, until=np.array([40])), stops(5, 10, 6, priority=np.array([2, 2, 5])))
    net = network(tours)
    able = qualified(tours) & equipped(net)
    assert greedy_rows(net, able, Clock(5.0)) == [[2, 0]]
    assert greedy_rows(net, able, Clock(-5.0)) == [[]]


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_seed_and_steps_give_the_same_plan(threads: int) -> None:
    tours = random_tours(7, 4, 25)
    options = TourOptions(seed=3, iterations=draws(300), threads=threads)
    first, again = solve_tours(tours, options), solve_tours(tours, options)
    assert first.visits.stop.tolist() == again.visits.stop.tolist()
    assert first.visits.person.tolist() == again.visits.person.tolist()
    assert first.steps == again.steps == options.iterations * threads


@pytest.mark.skipif(not COMPILED, reason="nothing is compiled")
def test_the_loops_are_compiled_once_whatever_comes_in() -> None:
    """Arrays of another layout would cost a planning process its first seconds again."""
    ways = Places(matrix=np.asfortranarray(np.full((2, 3, 3), 10)))
    people = crew(0, 1, parts=np.ones((2, 3), np.int32))
    solve_tours(Tours(ways, people, stops(1, 2, parts=np.ones((2, 3)))), SHORT)
    solve_tours(random_tours(0, 3, 9), TourOptions(iterations=100, threads=2))
    loops = (_alone, recreate, settle, keep_if_best, steps, copy_route, room_instead, exchange)
    assert [len(loop.signatures) for loop in loops] == [1] * len(loops)
