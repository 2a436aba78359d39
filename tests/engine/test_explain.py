"""Why this person, and why nobody."""

from __future__ import annotations

import numpy as np
import pytest

from tests.engine.build import DRIVER, MEDIC, UNHURRIED, minima, pairs, people, random_problem, skilled, slots
from tests.engine.sizes import draws
from volunteer_hub.engine import could
from volunteer_hub.engine.could import Could
from volunteer_hub.engine.explain import Group, Tier, Why, gaps, reasons
from volunteer_hub.engine.floors import Floors
from volunteer_hub.engine.margins import margins
from volunteer_hub.engine.problem import Options, Problem
from volunteer_hub.engine.solve import solve


def why(problem: Problem) -> dict[int, Why]:
    return {reason.person: reason.code for reason in reasons(problem, solve(problem, UNHURRIED))}


def test_nearest_with_its_figures() -> None:
    problem = Problem(people(2, km=[3.0, 9.0], fatigue=[7, 0], night_cost=[5, 0]), slots(1, night=[True]))
    (reason,) = reasons(problem, solve(problem, UNHURRIED))
    assert (reason.person, reason.slot, reason.code) == (0, 0, Why.NEAREST)
    assert (reason.travel, reason.fatigue, reason.night) == (78, 7, 5)  # 3 km x 1.3 at 30 km/h: 7.8 minutes
    assert (reason.rank, reason.of, reason.better_elsewhere) == (1, 2, 0)
    assert reason.km == pytest.approx(3.0)


def test_less_tired_though_farther() -> None:
    assert why(Problem(people(2, km=[1.0, 2.0], fatigue=[90, 0]), slots(1))) == {1: Why.LEAST_BURDEN}


def test_the_only_one() -> None:
    problem = Problem(people(2, levels=skilled((1, 0, 0), (0, 0, 0))), slots(1, skill=[MEDIC]))
    assert why(problem) == {0: Why.ONLY}


def test_asked_least_and_drawn() -> None:
    assert why(Problem(people(2, served=[4, 1]), slots(1))) == {1: Why.ASKED_LEAST}
    assert list(why(Problem(people(2), slots(1))).values()) == [Why.DRAWN]


def test_the_better_one_is_needed_elsewhere() -> None:
    pool = people(2, km=[0.0, 2.0], levels=skilled((1, 0, 0), (0, 0, 0)))
    problem = Problem(pool, slots(2, skill=[MEDIC, -1]))
    assert why(problem) == {0: Why.ONLY, 1: Why.BEST_LEFT}
    assert [r.better_elsewhere for r in reasons(problem, solve(problem, UNHURRIED))] == [0, 1]


def test_locked() -> None:
    assert why(Problem(people(2, km=[9.0, 0.0]), slots(1), locked=pairs((0, 0)))) == {0: Why.LOCKED}


def test_a_gap_counts_who_is_left_after_each_rule() -> None:
    # Three medics wanted: of four, one's certificate lapsed and one lives in another district.
    pool = people(
        5,
        km=[1.0, 2.0, 0.5, 60.0, 0.0],
        levels=skilled(*[(2, 0, 0)] * 4, (0, 3, 0)),
        cert_until=[[5000] * 3, [5000] * 3, [700] * 3, [5000] * 3, [5000] * 3],
    )
    problem = Problem(pool, slots(1, target=[3], minimum=[2], skill=[MEDIC]))
    (gap,) = gaps(problem, solve(problem, UNHURRIED))
    assert (gap.slot, gap.tier, gap.short, gap.binding) == (0, Tier.TARGET, 1, "distance")
    left = dict(gap.left)
    assert (left["pool"], left["skill"], left["certification"], left["distance"]) == (5, 4, 3, 2)
    assert gap.group == Group(units=(0,), slots=(0,), wanted=3, qualified=2, short=1)


def test_a_gap_names_the_slots_that_compete_for_the_same_few() -> None:
    # Slots 0 and 1 want four medics; three medics there are. Slot 2 wants anybody and is left alone.
    pool = people(9, levels=skilled(*[(1, 0, 0)] * 3, *[(0, 0, 0)] * 6))
    wanted = slots(3, target=[2, 2, 3], skill=[MEDIC, MEDIC, -1], priority=[5, 2, 3])
    problem = Problem(pool, wanted)
    (gap,) = gaps(problem, solve(problem, UNHURRIED))
    assert (gap.slot, gap.tier, gap.short, gap.elsewhere, gap.binding) == (1, Tier.MINIMUM, 1, 2, "elsewhere")
    assert gap.group == Group(units=(0, 1), slots=(0, 1), wanted=4, qualified=3, short=1)


def test_a_chain_of_competition_is_followed_to_its_end() -> None:
    # Person 0 can only do slot 0 or 1, person 1 only slot 1 or 2: three slots, two people.
    pool = people(3, levels=skilled((1, 1, 0), (0, 1, 1), (0, 0, 0)))
    wanted = slots(3, skill=[0, 1, 2], priority=[3, 4, 5])
    (gap,) = gaps(Problem(pool, wanted), solve(Problem(pool, wanted), UNHURRIED))
    assert gap.slot == 0
    assert gap.group == Group(units=(0, 1, 2), slots=(0, 1, 2), wanted=3, qualified=2, short=1)


def test_a_nested_gap_names_its_minimum() -> None:
    problem = Problem(people(4), slots(1, target=[3], minimum=[3]), minima((0, DRIVER, 1, 1, False)))
    (gap,) = gaps(problem, solve(problem, UNHURRIED))
    assert (gap.minima, gap.short, gap.binding) == ((0,), 1, "skill")


def test_a_slot_full_of_locked_people_says_so() -> None:
    problem = Problem(
        people(3, levels=skilled((0, 0, 0), (0, 0, 0), (0, 1, 0))),
        slots(1, target=[2], maximum=[2]),
        minima((0, DRIVER, 1, 1, False)),
        locked=pairs((0, 0), (1, 0)),
    )
    (gap,) = gaps(problem, solve(problem, UNHURRIED))
    assert (gap.short, gap.binding) == (1, "slot_full")


def test_forbidden_and_locked_people_are_counted_last() -> None:
    pool = people(4)
    problem = Problem(pool, slots(2, target=[4, 1]), locked=pairs((3, 1)), forbidden=pairs((0, 0)))
    (gap,) = gaps(problem, solve(problem, UNHURRIED))
    assert gap.left[-3:] == (("distance", 4), ("forbidden", 3), ("locked", 2))
    assert (gap.short, gap.binding) == (2, "forbidden")


def test_a_plan_cut_short_cannot_prove_its_gaps() -> None:
    problem = Problem(people(3), slots(1, target=[2]))
    plan = solve(problem, Options(deadline_s=0))
    nobody = np.zeros(0, np.int64)
    cut = type(plan)(**{**plan.__dict__, "person": nobody, "slot": nobody, "unit": nobody})
    (gap,) = gaps(problem, cut)
    assert (gap.short, gap.binding, gap.group) == (2, "not_reached", None)


@pytest.mark.parametrize("seed", range(draws(25)))
def test_every_gap_of_an_exact_plan_is_proven_by_its_group(seed: int) -> None:
    problem = random_problem(seed, count=25, places=15)
    plan = solve(problem, UNHURRIED)
    found = gaps(problem, plan)
    assert sum(gap.short for gap in found) == int((plan.short_minimum + plan.short_target).sum())
    for gap in found:
        if gap.binding == "slot_full":
            continue
        assert gap.group is not None
        assert gap.slot in gap.group.slots
        assert gap.group.short >= gap.short
        assert gap.group.short == gap.group.wanted - gap.group.qualified


def test_a_gap_that_a_reserve_floor_leaves_says_so() -> None:
    problem = Problem(people(3, levels=skilled(*[(1, 0, 0)] * 3)), slots(1, target=[2], skill=[MEDIC]))
    floors = Floors.keeping([np.arange(3)], [2])
    plan = solve(problem, UNHURRIED, floors)
    (gap,) = gaps(problem, plan, floors)
    assert (gap.short, gap.binding, gap.group) == (1, "reserved", None)
    assert gap.left[-3:] == (("forbidden", 3), ("locked", 3), ("reserved", 1))


def test_explanations_are_the_same_when_little_can_be_kept_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = random_problem(3, count=25, places=15)
    plan = solve(problem, UNHURRIED)
    before = reasons(problem, plan), gaps(problem, plan), margins(problem, plan, Could(problem, plan))
    monkeypatch.setattr(could, "MOST_KEPT", 1)
    after = reasons(problem, plan), gaps(problem, plan), margins(problem, plan, Could(problem, plan))
    assert after[:2] == before[:2]
    assert before[2] is not None
    assert after[2] is not None
    assert (after[2].more.tolist(), after[2].less.tolist()) == (
        before[2].more.tolist(),
        before[2].less.tolist(),
    )
