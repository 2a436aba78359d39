"""What would have to be otherwise comes true when it is, and not when it is slightly less."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tests.engine.build import LAX, MEDIC, UNHURRIED, pairs, people, random_problem, skilled, slots
from tests.engine.planted import BO, PLANTED, Planted, everybody_needed_where_it_is_more_urgent
from tests.engine.sizes import draws
from volunteer_hub.engine.changes import Burden, Change, Free, Qualify, Reach, Spare, Worked, apply
from volunteer_hub.engine.could import Could
from volunteer_hub.engine.counterfactual import Obstacle, Standing, WhyNot, standings, why_not
from volunteer_hub.engine.explain import gaps
from volunteer_hub.engine.margins import Margins, margins
from volunteer_hub.engine.problem import Intervals, Options, Pairs, Problem
from volunteer_hub.engine.solve import Plan, solve
from volunteer_hub.engine.terms import penalties
from volunteer_hub.engine.units import Access


def known(problem: Problem) -> tuple[Plan, Could, Margins]:
    plan = solve(problem, UNHURRIED)
    could = Could(problem, plan)
    found = margins(problem, plan, could)
    assert found is not None
    return plan, could, found


def asked(problem: Problem, person: int, slot: int) -> WhyNot:
    return why_not(problem, *known(problem), person, slot)


def serves(problem: Problem, person: int) -> int:
    """The slot the best plan gives them, -1 for none."""
    plan = solve(problem, UNHURRIED)
    return dict(zip(plan.person.tolist(), plan.slot.tolist(), strict=True)).get(person, -1)


def changes(found: WhyNot) -> list[Change]:
    return [one.change for one in found.obstacles if one.change is not None]


def slightly_less(change: Change) -> Change:
    match change:
        case Reach():
            return replace(change, km=change.km - 0.01)
        case Qualify():
            return replace(change, level=change.level - 1, until=change.until - 1)
        case Free() | Spare():
            return replace(change, start=change.start + 1)
        case Worked():
            return replace(change, less=change.less - 1)
        case _:
            return replace(change, people=())  # type: ignore[call-arg, type-var]  # being insured has no degrees


@pytest.mark.parametrize("situation", PLANTED)
def test_the_reason_of_a_planted_situation_is_found(situation: Callable[[], Planted]) -> None:
    planted = situation()
    plan, could, found = known(planted.problem)
    (gap,) = gaps(planted.problem, plan)
    assert (gap.slot, gap.short, gap.binding) == (planted.slot, planted.short, planted.binding)
    bo = why_not(planted.problem, plan, could, found, BO, planted.slot)
    assert [one.rule for one in bo.obstacles] == [planted.rule] * bool(planted.rule)


@pytest.mark.parametrize("situation", [one for one in PLANTED if one().rule])
def test_a_planted_counterfactual_comes_true_and_slightly_less_does_not(
    situation: Callable[[], Planted],
) -> None:
    planted = situation()
    problem, slot = planted.problem, planted.slot
    bo = asked(problem, BO, slot)
    assert (bo.cheaper_by, bo.elsewhere) == (0, -1)
    assert serves(problem, BO) == -1
    assert serves(apply(problem, changes(bo)), BO) == slot
    assert serves(apply(problem, [slightly_less(one) for one in changes(bo)]), BO) == -1


def test_somebody_needed_more_urgently_is_said_to_be_and_comes_when_the_urgency_is_the_same() -> None:
    planted = everybody_needed_where_it_is_more_urgent()
    bo = asked(planted.problem, BO, planted.slot)
    assert (bo.serves, bo.elsewhere, bo.heads) == (0, 0, 3)  # three ranks between the two places
    level = replace(planted.problem.slots, priority=np.array([5, 5]))
    assert asked(replace(planted.problem, slots=level), BO, planted.slot).heads == 0


def test_figures_of_what_is_missing() -> None:
    pool = people(
        1,
        free=Intervals.of(1, [0, 0], [0, 800], [700, 900]),
        busy=Intervals.of(1, [0, 0], [500, 2000], [590, 2100]),
        minutes_24h=[600],
        km=[52.5],
        levels=skilled((1, 0, 0)),
    )
    problem = Problem(pool, slots(1, skill=[MEDIC], level=[3]))
    found = {one.rule: one for one in asked(problem, 0, 0).obstacles}
    assert list(found) == ["skill", "availability", "rest", "hours", "distance"]
    assert found["skill"].lacking == 2
    assert (found["availability"].lacking, found["availability"].start, found["availability"].end) == (
        100,
        700,
        800,
    )
    assert found["rest"].lacking == 650  # ten minutes of rest instead of eleven hours
    assert found["hours"].lacking == 600 + 240 - 720
    assert found["distance"].lacking == pytest.approx(2.5)


def test_an_overlapping_duty_is_named_whole_and_gives_way_whole() -> None:
    pool = people(1, busy=Intervals.of(1, [0], [500], [700]))
    found = asked(Problem(pool, slots(1)), 0, 0)
    assert found.obstacles == (Obstacle("overlap", 100, start=500, end=700, change=Spare((0,), 500, 700)),)
    assert serves(apply(Problem(pool, slots(1)), changes(found)), 0) == 0


def test_hours_promised_beyond_the_limit_cannot_be_undone_by_the_person() -> None:
    pool = people(1, busy=Intervals.of(1, [0], [0], [540]))
    limits = replace(LAX, max_minutes_24h=720)
    found = asked(Problem(pool, slots(1), limits=limits), 0, 0)
    assert found.obstacles == (Obstacle("hours", 60, start=-600, end=840),)
    assert (found.ceiling, found.cheaper_by) == (None, None)


def test_decisions_are_named_and_have_no_change() -> None:
    problem = Problem(people(3), slots(2), locked=pairs((0, 1)), forbidden=pairs((1, 0)))
    assert asked(problem, 0, 0).obstacles == (Obstacle("locked"),)
    assert asked(problem, 1, 0).obstacles == (Obstacle("forbidden"),)


def test_a_slot_full_of_locked_people_has_no_room_whatever_changes() -> None:
    problem = Problem(people(2), slots(1, maximum=[1]), locked=pairs((0, 0)))
    assert asked(problem, 1, 0).instead == -1
    assert asked(problem, 1, 0).cheaper_by is not None


def test_the_dearer_person_is_chosen_once_their_cost_falls_below_the_others() -> None:
    problem = Problem(people(2, km=[3.0, 9.0], fatigue=[10, 90]), slots(1))
    found = asked(problem, 1, 0)
    # 9 km cost 234 and 90 of fatigue; the nearer one costs 78 + 10.
    assert (found.cost, found.ceiling, found.cheaper_by, found.instead) == (324, 88, 236, 0)
    nearer = apply(Problem(people(2, km=[3.0, 2.5], fatigue=[10, 90]), slots(1)), [Burden((1,), -67)])
    assert asked(nearer, 1, 0).cheaper_by == 0  # 65 + 23 = 88: level, and a draw decides
    assert serves(apply(nearer, [Burden((1,), -1)]), 1) == 0
    assert serves(apply(nearer, [Burden((1,), 1)]), 1) == -1


def test_who_is_better_used_elsewhere_is_told_where() -> None:
    """Bo lacks two skills; with the one for the far place, the near one would still want him more."""
    pool = people(
        3, km=[0.0, 5.0, 6.0], levels=skilled((0, 0, 0), (0, 1, 0), (1, 0, 0)), insured=[False, True, True]
    )
    wanted = slots(
        2, km=[0.0, 6.0], insured_only=[True, True], target=[2, 2], minimum=[0, 0], priority=[3, 3]
    )
    found = asked(Problem(pool, wanted), BO, 1)
    assert [one.rule for one in found.obstacles] == ["insurance"]
    assert found.elsewhere == serves(apply(Problem(pool, wanted), changes(found)), BO) == 0


def test_a_person_chosen_stands_as_firmly_as_their_successor_is_dearer() -> None:
    problem = Problem(people(3, km=[1.0, 4.0, 9.0]), slots(1))
    plan, _, found = known(problem)
    assert standings(problem, plan, found) == (Standing(0, 0, 104 - 26, 1, -1, 0),)
    assert serves(apply(problem, [Burden((0,), 77)]), 0) == 0
    assert serves(apply(problem, [Burden((0,), 79)]), 1) == 0


def test_a_person_nobody_could_follow_leaves_a_head_open() -> None:
    problem = Problem(people(2, levels=skilled((1, 0, 0), (0, 0, 0))), slots(2, skill=[MEDIC, -1]))
    plan, _, found = known(problem)
    medic, other = standings(problem, plan, found)
    assert (medic.successor, medic.left_short) == (-1, 0)
    assert (other.successor, other.left_short) == (-1, 1)


def test_a_successor_may_come_by_others_changing_places() -> None:
    """Without the medic the driver moves over, and the helper at home takes the driver's place."""
    pool = people(3, km=[0.0, 1.0, 9.0], levels=skilled((2, 0, 0), (1, 1, 0), (0, 1, 0)))
    problem = Problem(pool, slots(2, skill=[0, 1]))
    plan, _, found = known(problem)
    assert standings(problem, plan, found)[0] == Standing(0, 0, 26 + 234 - 26, 2, -1, 1)


def test_a_plan_cut_short_names_the_rules_and_no_price() -> None:
    problem = Problem(people(2, km=[1.0, 60.0]), slots(1))
    plan = solve(problem, Options(deadline_s=0))
    could = Could(problem, plan)
    assert margins(problem, plan, could) is None
    found = why_not(problem, plan, could, None, 1, 0)
    assert ([one.rule for one in found.obstacles], found.ceiling) == (["distance"], None)


def test_whoever_serves_the_slot_is_not_asked_about() -> None:
    with pytest.raises(ValueError, match="serves this slot"):
        asked(Problem(people(1), slots(1)), 0, 0)


def test_whoever_would_come_from_farther_than_anybody_is_still_worth_an_open_head() -> None:
    """The least urgent place of all, and a day's walk."""
    pool = people(2, km=[0.1, 90.0], speed_kmh=[30.0, 4.0])
    wanted = slots(1, target=[2], minimum=[0], priority=[1])
    found = asked(Problem(pool, wanted), 1, 0)
    assert (found.cost, found.cheaper_by) == (17550, 0)
    assert serves(apply(Problem(pool, wanted), changes(found)), 1) == 0


@pytest.mark.parametrize("seed", range(draws(5)))
def test_margins_are_what_solving_without_each_person_finds(seed: int) -> None:
    problem = random_problem(seed, count=12, places=5)
    plan, _, found = known(problem)
    decided = set(problem.locked.person.tolist())
    for one in standings(problem, plan, found):
        if one.person in decided:
            continue
        barred = Pairs(
            np.append(problem.forbidden.person, np.full(5, one.person)),
            np.append(problem.forbidden.slot, np.arange(5)),
        )
        gone = solve(replace(problem, forbidden=barred), UNHURRIED)
        assert gone.objective.value(found.big) - plan.objective.value(found.big) == one.margin


@pytest.mark.parametrize("seed", range(draws(12)))
def test_one_head_less_saves_the_price_that_proves_the_plan(seed: int) -> None:
    problem = random_problem(seed, count=25, places=15)
    plan, _, found = known(problem)
    free = plan.units.access == Access.OPEN
    free &= ~np.isin(plan.units.slot, problem.locked.slot)
    big = penalties(problem, plan.units).big
    ranks = (plan.unit_price + big // 2) // big
    assert found.less[free].tolist() == (plan.unit_price + ranks * (found.big - big))[free].tolist()


@pytest.mark.parametrize("seed", range(draws(4)))
def test_every_counterfactual_of_a_random_city_comes_true(seed: int) -> None:
    problem = random_problem(seed, count=10, places=4)
    plan, could, found = known(problem)
    now = dict(zip(plan.person.tolist(), plan.slot.tolist(), strict=True))
    for person in range(10):
        for slot in set(range(4)) - {now.get(person, -1)}:
            one = why_not(problem, plan, could, found, person, slot)
            if one.ceiling is None:
                continue
            then = serves(apply(problem, changes(one)), person)
            if one.cost < one.ceiling:
                assert then == slot
            elif one.cost > one.ceiling:
                assert then != slot
            if one.elsewhere >= 0:
                assert then not in (-1, slot)
