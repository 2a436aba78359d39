"""The checker of tours finds every planted fault."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.engine.tours.build import crew, stops, street
from volunteer_hub.engine.tours.check import check
from volunteer_hub.engine.tours.problem import Depot, Places, TourOptions, Tours
from volunteer_hub.engine.tours.reasons import Reason, Unserved
from volunteer_hub.engine.tours.solve import State, ToursPlan, solve_tours

GOODS = {"tools": np.array([[False], [True]]), "parts": np.array([[1], [1]]), "quantity": np.array([1, 1])}


def tours(**given: Any) -> Tours:
    carried = {"tools": np.array([[True]]), "parts": np.array([[2]]), "capacity": np.array([2])}
    wanted = stops(4, 8, skill=np.array([0, -1]), windows=[(0, 0, 60), (1, 60, 90)], **GOODS)
    return Tours(street(), crew(2, **(carried | given)), wanted)


@pytest.fixture(scope="module")
def plan() -> ToursPlan:
    return solve_tours(tours(), TourOptions(iterations=10))


def bent(plan: ToursPlan, **columns: Any) -> ToursPlan:
    return replace(plan, visits=replace(plan.visits, **{k: np.array(v) for k, v in columns.items()}))


def test_a_good_plan_has_no_fault(plan: ToursPlan) -> None:
    assert plan.visits.stop.tolist() == [0, 1]
    assert check(tours(), plan) == ()


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"levels": np.array([[0, 0]])}, "skill"),
        ({"tools": np.array([[False]])}, "tools"),
        ({"parts": np.array([[1]])}, "parts"),
        ({"capacity": np.array([1])}, "load"),
        ({"longest": np.array([20])}, "longest"),
        ({"until": np.array([50])}, "late"),
        ({"since": np.array([55])}, "early"),
        ({"start": np.array([9])}, "travel"),
        ({"end": np.array([9])}, "travel"),
        ({"end": np.array([-1])}, "travel"),
        ({"speed_kmh": np.array([14.0])}, "travel"),
    ],
)
def test_a_plan_for_other_people_is_found_out(plan: ToursPlan, given: dict[str, Any], code: str) -> None:
    assert code in {finding.code for finding in check(tours(**given), plan)}


def test_bent_plans_are_found_out(plan: ToursPlan) -> None:
    visits = plan.visits

    def codes(changed: ToursPlan) -> set[str]:
        return {finding.code for finding in check(tours(), changed)}

    assert codes(bent(plan, stop=[0, 2])) == {"row"}
    assert codes(bent(plan, person=[0, 1])) == {"row"}
    assert codes(bent(plan, stop=[0, 0])) >= {"twice", "lost"}
    assert codes(bent(plan, stop=[0, -1])) >= {"no_depot", "lost"}
    assert codes(bent(plan, arrive=visits.arrive + 10)) >= {"travel"}
    assert codes(bent(plan, start=visits.start - 1)) >= {"service"}
    assert codes(bent(plan, start=visits.start + 5000, leave=visits.leave + 5000)) >= {"window"}
    assert codes(bent(plan, leave=visits.leave + 1)) >= {"service"}
    assert codes(bent(plan, travel=visits.travel + 1)) == {"travel_miscounted"}
    assert codes(replace(plan, travel=plan.travel + 1)) == {"travel_miscounted"}
    assert codes(replace(plan, missed=1)) >= {"missed_miscounted"}
    assert codes(replace(plan, bound=1)) == {"bound"}
    assert codes(replace(plan, unserved=(Unserved(1, Reason.TIME),))) >= {"twice", "missed_miscounted"}
    assert codes(replace(plan, state=State.BOUNDED)) == set()


def test_the_order_of_people_and_a_second_refill_are_found_out() -> None:
    two = Tours(street(), crew(2, 9), stops(2, 9), Depot(5))
    plan = solve_tours(two, TourOptions(iterations=10))
    assert check(two, plan) == ()
    assert "order" in {f.code for f in check(two, bent(plan, person=[1, 0]))}
    again = bent(plan, person=[0, 0], stop=[-1, -1])
    assert "depot_twice" in {f.code for f in check(two, again)}


def test_measured_ways_are_taken_to_the_tick() -> None:
    matrix = np.array([[[0, 100], [200, 0]]])
    measured = Tours(Places(matrix=matrix), crew(0), stops(1))
    plan = solve_tours(measured, TourOptions(iterations=1))
    assert (plan.travel, check(measured, plan)) == (300, ())
    slower = Tours(Places(matrix=matrix + 1), crew(0), stops(1))
    assert {f.code for f in check(slower, plan)} == {"travel"}
