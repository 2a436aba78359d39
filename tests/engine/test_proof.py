"""The proof accepts optimal plans and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.engine.build import UNHURRIED, pairs, people, random_problem, slots
from volunteer_hub.engine.clock import Clock, DeadlinePassed
from volunteer_hub.engine.problem import Problem
from volunteer_hub.engine.proof import Proof, prove
from volunteer_hub.engine.solve import Plan, solve

PROBLEM = random_problem(11, count=80, places=20)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return solve(PROBLEM, UNHURRIED)


def again(plan: Plan, **spoiled: Any) -> Proof:
    given = {name: getattr(plan, name) for name in ("person", "unit", "unit_price", "person_price")}
    return prove(PROBLEM, plan.units, **(given | spoiled), clock=Clock(60))


def test_an_optimal_plan_is_proven(plan: Plan) -> None:
    proof = again(plan)
    assert (proof.holds, proof.violated) == (True, 0)
    assert proof == plan.proof
    assert proof.pairs == 80 * len(plan.units)


def test_a_plan_with_a_pair_missing_is_not(plan: Plan) -> None:
    proof = again(plan, person=plan.person[1:], unit=plan.unit[1:])
    assert proof.primal > proof.dual
    assert not proof.holds


def test_a_dearer_person_is_noticed(plan: Plan) -> None:
    idle = np.setdiff1d(np.arange(80), plan.person)
    person = plan.person.copy()
    person[0] = idle[np.argmax(PROBLEM.people.fatigue[idle])]
    assert not again(plan, person=person).holds


def test_prices_that_are_too_high_violate_pairs(plan: Plan) -> None:
    dearer = plan.unit_price + 10**7
    assert again(plan, unit_price=dearer).violated > 0


@pytest.mark.parametrize("change", [-1, 1])
def test_any_changed_price_of_a_person_spoils_the_proof(plan: Plan, change: int) -> None:
    for v in plan.person[:10]:
        prices = plan.person_price.copy()
        prices[v] += change
        assert not again(plan, person_price=prices).holds


def test_an_arc_the_search_missed_is_found() -> None:
    """Prices optimal without the nearest person do not pass once that person is seen."""
    near, far = people(2, km=[0.0, 5.0]), slots(1)
    blind = solve(Problem(near, far, forbidden=pairs((0, 0))), UNHURRIED)
    proof = prove(
        Problem(near, far),
        blind.units,
        blind.person,
        blind.unit,
        blind.unit_price,
        blind.person_price,
        Clock(60),
    )
    assert (proof.primal - proof.dual, proof.violated) == (0, 1)


def test_locked_pairs_are_priced_too() -> None:
    problem = Problem(people(2, km=[3.0, 0.0]), slots(1), locked=pairs((0, 0)))
    plan = solve(problem, UNHURRIED)
    assert plan.proof is not None
    assert plan.proof.holds
    nothing = np.zeros(2, np.int64)
    zero = prove(problem, plan.units, plan.person, plan.unit, plan.unit_price * 0, nothing, Clock(60))
    assert zero.violated == 1


@pytest.mark.parametrize("spoiled", [([0, 0], [0, 1]), ([0, 1, 2, 3, 4, 5], [0] * 6)])
def test_what_is_no_assignment_is_refused(plan: Plan, spoiled: tuple[list[int], list[int]]) -> None:
    with pytest.raises(ValueError, match="not an assignment"):
        again(plan, person=np.array(spoiled[0]), unit=np.array(spoiled[1]))


def test_the_proof_stops_at_the_deadline(plan: Plan) -> None:
    given = (plan.person, plan.unit, plan.unit_price, plan.person_price)
    with pytest.raises(DeadlinePassed):
        prove(PROBLEM, plan.units, *given, Clock(0))
