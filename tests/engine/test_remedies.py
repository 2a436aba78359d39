"""What closes a gap: the smallest change of each kind, and what it does when it is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tests.engine.build import BOAT, DRIVER, MEDIC, UNHURRIED, people, random_problem, skilled, slots
from tests.engine.planted import (
    PLANTED,
    Planted,
    certificate_lapses_the_day_before,
    everybody_needed_where_it_is_more_urgent,
    insured_people_only,
    minors_where_adults_are_wanted,
    nobody_is_awake,
    one_medic_short_and_fourteen_to_train,
    only_medic_lives_too_far,
    radius_one_kilometre_too_small,
    start_an_hour_too_early,
    the_only_boat_handler_is_resting,
)
from tests.engine.sizes import draws
from volunteer_hub.engine.changes import Reach, Start
from volunteer_hub.engine.could import Could
from volunteer_hub.engine.counterfactual import Obstacle, why_not
from volunteer_hub.engine.explain import gaps
from volunteer_hub.engine.floors import Floors
from volunteer_hub.engine.margins import margins
from volunteer_hub.engine.problem import FOREVER, Intervals, Options, People, Problem
from volunteer_hub.engine.remedies import Cure, Effect, Kind, Remedy, remedies
from volunteer_hub.engine.solve import solve


def cures(problem: Problem, options: Options = UNHURRIED, **groups: People) -> tuple[Cure, ...]:
    plan = solve(problem, UNHURRIED)
    found = margins(problem, plan, Could(problem, plan))
    assert found is not None
    return remedies(problem, plan, gaps(problem, plan), found, options, groups)


def told(problem: Problem, **groups: People) -> dict[Kind, tuple[tuple[int, ...], int, float]]:
    """Of the only cure: by kind, whom it is about, of how many, and how much."""
    (cure,) = cures(problem, **groups)
    return {one.kind: (one.people, one.among, one.amount) for one in cure.remedies}


def short(problem: Problem) -> int:
    plan = solve(problem, UNHURRIED)
    return int(plan.short_minimum.sum() + plan.short_target.sum())


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        (only_medic_lives_too_far, {Kind.REACH: ((0,), 1, 53.2), Kind.TRAIN: ((1,), 3, 1)}),
        (certificate_lapses_the_day_before, {Kind.CERTIFY: ((0,), 1, 1), Kind.TRAIN: ((1,), 2, 1)}),
        (nobody_is_awake, {Kind.FREE: ((0,), 3, 1)}),
        (one_medic_short_and_fourteen_to_train, {Kind.TRAIN: ((0,), 14, 1)}),
        (radius_one_kilometre_too_small, {Kind.REACH: ((0,), 2, 6.0)}),
        (start_an_hour_too_early, {Kind.START: ((), 2, 60), Kind.FREE: ((0,), 2, 1)}),
        (everybody_needed_where_it_is_more_urgent, {}),
        (insured_people_only, {Kind.INSURE: ((0,), 3, 1)}),
        (the_only_boat_handler_is_resting, {Kind.START: ((), 1, 180), Kind.TRAIN: ((1,), 2, 1)}),
        (minors_where_adults_are_wanted, {}),
    ],
)
def test_the_remedies_of_a_planted_situation(
    situation: Callable[[], Planted], expected: dict[Kind, tuple[tuple[int, ...], int, float]]
) -> None:
    found = told(situation().problem)
    assert list(found) == sorted(expected, key=list(found).index)
    for kind, (who, among, amount) in expected.items():
        assert found[kind] == (who, among, pytest.approx(amount))


@pytest.mark.parametrize("situation", PLANTED)
def test_a_remedy_that_is_applied_comes_true(situation: Callable[[], Planted]) -> None:
    problem = situation().problem
    neighbours = people(2, key=[900, 901], km=[30.0, 31.0], levels=skilled((1, 1, 1), (0, 0, 0)))
    (cure,) = cures(problem, sartu=neighbours)
    assert cure.remedies
    before = solve(problem, UNHURRIED)
    for one in cure.remedies:
        after = solve(one.change.apply(problem), UNHURRIED)
        assert one.effect == Effect(
            closes=short(problem) - int(after.short_minimum.sum() + after.short_target.sum()),
            of=1,
            cost=after.objective.cost - before.objective.cost,
        )
        assert one.effect.closes == 1


def test_slightly_less_than_the_remedy_closes_nothing() -> None:
    for situation in (radius_one_kilometre_too_small, start_an_hour_too_early):
        problem = situation().problem
        (cure,) = cures(problem)
        change = cure.remedies[0].change
        assert isinstance(change, Reach | Start)
        less = (
            replace(change, km=change.km - 0.01)
            if isinstance(change, Reach)
            else replace(change, minutes=change.minutes - 1)
        )
        assert short(less.apply(problem)) == short(problem) == 1


def test_when_everybody_is_needed_elsewhere_neighbours_are_asked_for_as_many_as_help() -> None:
    problem = everybody_needed_where_it_is_more_urgent().problem
    neighbours = people(5, key=[900, 901, 902, 903, 904], km=[30.0, 20.0, 5.0, 49.0, 55.0],
                        levels=skilled((1, 0, 0), (2, 0, 0), (0, 0, 0), (3, 0, 0), (3, 0, 0)))  # fmt: skip
    (cure,) = cures(problem, sartu=neighbours)
    (one,) = cure.remedies
    assert (one.kind, one.group, one.people, one.amount) == (Kind.BORROW, "sartu", (1,), 1)
    assert one.effect == Effect(1, 1, 520)  # 20 km at 30 km/h by road


def test_three_short_are_closed_by_training_three_of_ten() -> None:
    """And no more are named than are needed, the nearest first."""
    pool = people(12, km=np.arange(12) / 2, levels=skilled(*[(0, 0, 0)] * 10, *[(0, 1, 0)] * 2))
    (cure,) = cures(Problem(pool, slots(1, target=[5], minimum=[2], skill=[DRIVER])))
    (one,) = cure.remedies
    assert (one.kind, one.people, one.among, one.skill, one.level) == (Kind.TRAIN, (0, 1, 2), 10, DRIVER, 1)
    assert one.effect == Effect(closes=3, of=3, cost=0 + 13 + 26)


def test_what_helps_one_slot_of_a_group_closes_the_gap_of_another() -> None:
    """The gap falls to the less urgent of two slots that want the same medic; whoever lives by the other,
    once trained, sets the medic free at less cost than being sent to the gap."""
    pool = people(2, levels=skilled((1, 0, 0), (0, 0, 0)), km=[0.0, 1.0])
    wanted = slots(2, skill=[MEDIC, MEDIC], priority=[2, 5], km=[0.0, 45.0], max_km=[50.0, 60.0])
    pool = replace(pool, max_km=np.array([60.0, 44.5]))
    (cure,) = cures(Problem(pool, wanted))
    assert [(one.kind, one.slot, one.people) for one in cure.remedies] == [(Kind.TRAIN, 1, (1,))]


def test_a_move_shifts_the_whole_task_and_never_into_the_past() -> None:
    free = Intervals.of(2, [0, 1], [0, 0], [150, 150])
    wanted = slots(2, task=[7, 7], start=[30, 30], end=[160, 160])
    for cure in cures(Problem(people(2, free=free), wanted)):
        move = next(one for one in cure.remedies if one.kind is Kind.START)
        assert (move.change, move.among, move.effect) == (Start((0, 1), -15), 2, Effect(2, 1, 0))
    early = slots(1, start=[10], end=[160])
    assert list(told(Problem(people(2, free=free), early))) == [Kind.FREE]


def test_who_lacks_two_things_is_no_candidate() -> None:
    pool = people(2, insured=[False, True], levels=skilled((0, 0, 0), (0, 0, 1)))
    problem = Problem(pool, slots(1, skill=[BOAT], level=[2], insured_only=[True]))
    assert told(problem) == {Kind.TRAIN: ((1,), 1, 1)}


def test_a_lapsed_proof_and_a_missing_skill_are_told_apart() -> None:
    until = np.full((2, 3), FOREVER)
    until[0] = 719
    pool = people(2, levels=skilled((2, 0, 0), (1, 0, 0)), cert_until=until)
    found = told(Problem(pool, slots(1, skill=[MEDIC], level=[2], start=[0], end=[720])))
    assert found == {Kind.CERTIFY: ((0,), 1, 1), Kind.TRAIN: ((1,), 1, 1)}


def test_reserve_floors_hold_on_and_who_stays_by_them_is_no_remedy() -> None:
    """Two of three medics stay; a helper may be trained, and the floor is not broken for it."""
    pool = people(4, levels=skilled((1, 0, 0), (1, 0, 0), (1, 0, 0), (0, 0, 0)), km=[0.0, 1.0, 2.0, 9.0])
    problem = Problem(pool, slots(1, target=[2], skill=[MEDIC]))
    floors = Floors.keeping([np.arange(3)], [2])
    plan = solve(problem, UNHURRIED, floors)
    could = Could(problem, plan, floors)
    found = margins(problem, plan, could)
    assert found is not None
    (cure,) = remedies(problem, plan, gaps(problem, plan, floors), found, UNHURRIED, floors=floors)
    assert [(one.kind, one.people, one.effect) for one in cure.remedies] == [
        (Kind.TRAIN, (3,), Effect(1, 1, 234))
    ]
    assert why_not(problem, plan, could, found, 2, 0).obstacles == (Obstacle("reserved"),)


def test_no_time_gives_no_remedies_and_no_error() -> None:
    problem = one_medic_short_and_fourteen_to_train().problem
    assert cures(problem, Options(deadline_s=0.0)) == (Cure((0,), ()),)


@pytest.mark.parametrize("seed", range(draws(6)))
def test_every_remedy_of_a_random_city_closes_what_it_says(seed: int) -> None:
    problem = random_problem(seed, count=14, places=6)
    before = solve(problem, UNHURRIED)
    tried: list[Remedy] = [one for cure in cures(problem) for one in cure.remedies[:3]]
    for one in tried:
        assert one.effect is not None
        after = solve(one.change.apply(problem), UNHURRIED)
        assert one.effect.closes == short(problem) - short(one.change.apply(problem)) > 0
        assert one.effect.cost == after.objective.cost - before.objective.cost
