"""Each hard rule alone: one person it stops, one it lets through, and everybody at once."""

from __future__ import annotations

import numpy as np
import pytest

from tests.engine.build import BOAT, MEDIC, minima, pairs, people, skilled, slots
from volunteer_hub.engine.feasible import RULES, feasible, why_not
from volunteer_hub.engine.problem import FOREVER, LONG_AGO, Intervals, Limits, People, Problem, Slots
from volunteer_hub.engine.travel import NO_WAY, Matrix
from volunteer_hub.engine.units import slot_units

# The slot runs from minute 600 to 840.


def answers(problem: Problem, code: str, slot: int = 0) -> list[bool]:
    """Asked pair by pair and about everybody at once: both must agree."""
    units, everybody = slot_units(problem), np.arange(len(problem.people))
    each = RULES[code](problem, units, everybody, np.full(len(everybody), slot)).tolist()
    assert RULES[code](problem, units, slice(None), slot).tolist() == each
    return each


def alone(code: str, pool: People, wanted: Slots | None = None, limits: Limits | None = None) -> list[bool]:
    """The rule's answers, after making sure that no other rule is broken by anybody."""
    problem = Problem(pool, wanted or slots(1), limits=limits or Limits())
    verdict = answers(problem, code)
    assert [why_not(problem, v, 0) for v in range(len(pool))] == [() if ok else (code,) for ok in verdict]
    return verdict


def test_skill_needs_the_level() -> None:
    pool = people(3, levels=skilled((0, 3, 0), (1, 0, 0), (2, 0, 0)))
    assert alone("skill", pool, slots(1, skill=[MEDIC], level=[2])) == [False, False, True]


def test_no_skill_needed_lets_everybody_through() -> None:
    assert alone("skill", people(2)) == [True, True]


def test_certification_must_outlast_the_slot() -> None:
    pool = people(3, levels=skilled(*[(1, 0, 0)] * 3), cert_until=[[839] * 3, [840] * 3, [FOREVER] * 3])
    assert alone("certification", pool, slots(1, skill=[MEDIC])) == [False, True, True]


def test_certificates_of_other_skills_do_not_matter() -> None:
    pool = people(1, levels=skilled((1, 1, 1)), cert_until=[[FOREVER, 0, 0]])
    assert alone("certification", pool, slots(1, skill=[MEDIC])) == [True]


def test_minors_stay_out_of_adult_only_slots() -> None:
    pool = people(2, adult=[False, True])
    assert alone("age", pool, slots(1, adult_only=[True])) == [False, True]
    assert alone("age", pool) == [True, True]


def test_insurance_where_asked_for() -> None:
    pool = people(2, insured=[False, True])
    assert alone("insurance", pool, slots(1, insured_only=[True])) == [False, True]
    assert alone("insurance", pool) == [True, True]


def test_fitness_for_hazardous_work() -> None:
    pool = people(2, fit=[False, True])
    assert alone("fitness", pool, slots(1, hazardous=[True])) == [False, True]
    assert alone("fitness", pool) == [True, True]


def test_one_free_window_must_cover_the_slot() -> None:
    free = Intervals.of(5, [0, 1, 2, 2, 3, 3], [600, 601, 500, 700, 0, 599], [840, 900, 690, 900, 10, 841])
    assert alone("availability", people(5, free=free)) == [True, False, False, True, False]


def test_touching_windows_are_one() -> None:
    free = Intervals.of(1, [0, 0], [700, 500], [900, 700])
    assert alone("availability", people(1, free=free)) == [True]


def test_no_overlap_with_a_promised_duty() -> None:
    busy = Intervals.of(4, [0, 1, 2], [500, 840, 839], [600, 900, 900])
    limits = Limits(min_rest_min=0)
    assert alone("overlap", people(4, busy=busy), limits=limits) == [True, True, False, True]


def test_one_of_several_promised_duties_is_enough_to_overlap() -> None:
    busy = Intervals.of(3, [0, 0, 1, 1, 2, 2], [0, 700, 700, 1000, 0, 1000], [100, 800, 800, 1100, 100, 1100])
    limits = Limits(min_rest_min=0)
    assert alone("overlap", people(3, busy=busy), limits=limits) == [False, False, True]


def test_who_has_promised_nothing_is_clear_beside_one_who_has() -> None:
    busy = Intervals.of(2, [0], [700], [800])
    assert alone("overlap", people(2, busy=busy), limits=Limits(min_rest_min=0)) == [False, True]


def test_rest_after_the_last_duty() -> None:
    pool = people(3, rest_since=[-60, -59, LONG_AGO])
    assert alone("rest", pool) == [True, False, True]


def test_rest_before_and_after_promised_duties() -> None:
    busy = Intervals.of(4, [0, 1, 2, 3], [400, 400, 1000, 940], [500, 501, 1100, 1100])
    limits = Limits(min_rest_min=100)
    assert alone("rest", people(4, busy=busy), limits=limits) == [True, False, True, True]
    assert alone("rest", people(4, busy=busy), limits=Limits(min_rest_min=101)) == [False, False, True, False]


def test_a_duty_that_touches_the_slot_leaves_no_rest() -> None:
    busy = Intervals.of(2, [0, 1], [500, 840], [600, 900])
    assert alone("rest", people(2, busy=busy), limits=Limits(min_rest_min=1)) == [False, False]


def test_rest_lies_between_the_slot_and_each_of_several_duties() -> None:
    busy = Intervals.of(
        3, [0, 0, 1, 1, 2, 2], [0, 900, 500, 2000, 0, 2000], [100, 1000, 550, 2100, 100, 2100]
    )
    limits = Limits(min_rest_min=100)
    assert alone("rest", people(3, busy=busy), limits=limits) == [False, False, True]
    tired = people(3, busy=busy, rest_since=[LONG_AGO, LONG_AGO, 501])
    assert alone("rest", tired, limits=limits) == [False, False, False]


def test_hours_in_twenty_four_count_what_was_served() -> None:
    pool = people(3, minutes_24h=[480, 481, 0])
    assert alone("hours", pool) == [True, False, True]


def test_hours_served_before_the_epoch_lapse_after_a_day() -> None:
    pool = people(1, minutes_24h=[720])
    assert alone("hours", pool, slots(1, start=[1400], end=[1440])) == [True]
    assert alone("hours", pool, slots(1, start=[1400], end=[1439])) == [False]


def test_hours_count_promised_duties_inside_the_day() -> None:
    busy = Intervals.of(2, [0, 1], [-700, -599], [-599, 482])  # 24 hours before the end is minute -600
    limits = Limits(min_rest_min=0, max_minutes_24h=1320)
    assert alone("hours", people(2, busy=busy), limits=limits) == [True, False]


def test_exactly_as_many_hours_as_allowed_are_allowed() -> None:
    exact = Limits(min_rest_min=0, max_minutes_24h=240)
    assert alone("hours", people(1), limits=exact) == [True]
    assert alone("hours", people(1, minutes_24h=[999]), slots(1, start=[2000], end=[2240]), exact) == [True]
    # Of two people, one has a duty outside the 24 hours, the other none.
    busy = Intervals.of(2, [0], [-900], [-601])
    assert alone("hours", people(2, busy=busy), limits=exact) == [True, True]
    assert alone("hours", people(1), limits=Limits(max_minutes_24h=239)) == [False]


def test_night_needs_a_way_to_travel() -> None:
    pool = people(2, night_travel=[False, True])
    assert alone("night_travel", pool, slots(1, night=[True])) == [False, True]
    assert alone("night_travel", pool) == [True, True]


def test_distance_keeps_both_reaches() -> None:
    pool = people(3, km=[4.0, 6.0, 11.0], max_km=[3.0, 8.0, 20.0])
    assert alone("distance", pool, slots(1, max_km=[10.0])) == [False, True, False]


def test_distance_is_between_two_places_wherever_they_lie() -> None:
    near = people(2, lat=[47.0, 46.0], lon=[126.0, 124.0], max_km=[1.0, 1.0])
    problem = Problem(near, slots(2, lat=[47.0, 46.0], lon=[126.0, 124.0]))
    assert [answers(problem, "distance", slot) for slot in (0, 1)] == [[True, False], [False, True]]


def test_who_goes_nowhere_serves_at_the_door() -> None:
    assert alone("distance", people(2, km=[0.0, 0.1], max_km=[0.0, 0.0])) == [True, False]


def test_distance_crosses_the_date_line() -> None:
    pool = people(1, lat=[0.0], lon=[-179.99], max_km=[3.0])
    assert alone("distance", pool, slots(1, lat=[0.0], lon=[179.99])) == [True]


def test_several_skills_of_a_nested_minimum_are_all_needed() -> None:
    pool = people(3, levels=skilled((1, 0, 0), (0, 0, 1), (1, 0, 1)))
    problem = Problem(pool, slots(1, skill=[MEDIC], target=[2]), minima((0, BOAT, 1, 1, False)))
    assert [why_not(problem, v, 0, minimum=0) for v in range(3)] == [("skill",), ("skill",), ()]
    assert [why_not(problem, v, 0) for v in range(3)] == [(), ("skill",), ()]


def test_why_not_names_every_broken_rule_in_order() -> None:
    pool = people(2, km=[9.0, 0.0], adult=[False, True], max_km=[1.0, 1.0], fit=[False, True])
    wanted = slots(2, skill=[MEDIC, -1], adult_only=[True, False], hazardous=[True, False])
    problem = Problem(pool, wanted, locked=pairs((0, 1)), forbidden=pairs((0, 0), (1, 1)))
    assert why_not(problem, 0, 0) == ("skill", "age", "fitness", "distance", "locked", "forbidden")
    assert why_not(problem, 1, 1) == ("forbidden",)
    assert why_not(problem, 1, 0) == ("skill",)
    assert why_not(problem, 0, 1) == ("distance",)


@pytest.mark.parametrize("whole", [True, False])
def test_feasible_is_the_conjunction_of_the_rules(whole: bool) -> None:
    pool = people(3, km=[0.0, 9.0, 0.0], adult=[True, True, False], max_km=[1.0, 1.0, 1.0])
    problem = Problem(pool, slots(1, adult_only=[True]))
    u = 0 if whole else np.zeros(3, np.int64)
    allowed = feasible(problem, slot_units(problem), np.arange(3), u)
    assert (allowed.dtype, allowed.tolist()) == (np.bool_, [True, False, False])


def test_who_has_no_transport_at_night_goes_as_far_as_their_feet() -> None:
    pool = people(2, km=[1, 4], night_km=np.array([2.0, 2.0]))
    problem = Problem(pool, slots(2, night=[False, True]))
    assert [why_not(problem, v, s) for v in (0, 1) for s in (0, 1)] == [(), (), (), ("distance",)]


def test_where_there_is_no_way_nobody_goes() -> None:
    travel = Matrix(zone=np.array([0, 1]), tenths=np.array([[120, NO_WAY], [NO_WAY, 120]]))
    problem = Problem(people(2, km=[0.0, 60.0]), slots(2), travel=travel)
    assert [answers(problem, "distance", slot) for slot in (0, 1)] == [[True, False], [False, False]]
    assert why_not(problem, 1, 0) == ("distance",)
