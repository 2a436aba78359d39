"""The checker finds every kind of planted fault and none in good plans."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.engine.build import (
    DRIVER,
    MEDIC,
    UNHURRIED,
    minima,
    pairs,
    people,
    random_problem,
    skilled,
    slots,
)
from tests.engine.sizes import draws
from volunteer_hub.engine.check import Finding, check
from volunteer_hub.engine.feasible import RULES
from volunteer_hub.engine.floors import Floors
from volunteer_hub.engine.problem import Intervals, Limits, People, Problem, Slots
from volunteer_hub.engine.solve import Plan, solve


def faults(problem: Problem, plan: Plan) -> set[str]:
    return {finding.code for finding in check(problem, plan)}


@pytest.mark.parametrize("seed", range(draws(25)))
def test_good_plans_have_no_faults(seed: int) -> None:
    problem = random_problem(seed, count=50, places=12)
    assert [f for f in check(problem, solve(problem, UNHURRIED)) if not f.locked] == []


BROKEN: dict[str, tuple[Callable[[], People], Callable[[], Slots]]] = {
    "skill": (lambda: people(1, levels=skilled((1, 0, 0))), lambda: slots(1, skill=[MEDIC], level=[2])),
    "certification": (
        lambda: people(1, levels=skilled((1, 0, 0)), cert_until=[[839] * 3]),
        lambda: slots(1, skill=[MEDIC]),
    ),
    "age": (lambda: people(1, adult=[False]), lambda: slots(1, adult_only=[True])),
    "insurance": (lambda: people(1, insured=[False]), lambda: slots(1, insured_only=[True])),
    "fitness": (lambda: people(1, fit=[False]), lambda: slots(1, hazardous=[True])),
    "availability": (lambda: people(1, free=Intervals.of(1, [0], [601], [900])), lambda: slots(1)),
    "overlap": (lambda: people(1, busy=Intervals.of(1, [0], [839], [900])), lambda: slots(1)),
    "rest": (lambda: people(1, rest_since=[0]), lambda: slots(1)),
    "hours": (lambda: people(1, minutes_24h=[481]), lambda: slots(1)),
    "night_travel": (lambda: people(1, night_travel=[False]), lambda: slots(1, night=[True])),
    "distance": (lambda: people(1, km=[2.0], max_km=[1.9]), lambda: slots(1)),
}


def test_there_is_a_fault_for_every_rule() -> None:
    assert list(BROKEN) == list(RULES)


@pytest.mark.parametrize("code", BROKEN)
def test_a_broken_rule_is_named(code: str) -> None:
    pool, wanted = BROKEN[code]
    fine = solve(Problem(people(1), slots(1)), UNHURRIED)
    found = check(Problem(pool(), wanted()), fine)
    assert [f for f in found if f.code != "cost_miscounted"] == [Finding(code, slot=0, person=0)]


@pytest.mark.parametrize(("after", "before"), [(Limits(), 841), (Limits(), 1499)])
def test_rest_before_a_later_duty_is_checked(after: Limits, before: int) -> None:
    fine = solve(Problem(people(1), slots(1)), UNHURRIED)
    pool = people(1, busy=Intervals.of(1, [0], [before], [before + 9]))
    assert faults(Problem(pool, slots(1), limits=after), fine) == {"rest"}


POOL = people(5, km=[0.0, 0.1, 0.2, 0.3, 5.0], served=[1, 2, 3, 4, 5], levels=skilled(*[(0, 1, 0)] * 5))
TWO = Problem(POOL, slots(2, target=[1, 2], maximum=[1, 3]))


def spoil(plan: Plan, **columns: Any) -> Plan:
    return replace(plan, **{name: np.array(values) for name, values in columns.items()})


def test_rows_that_mean_nothing() -> None:
    plan = solve(TWO, UNHURRIED)
    assert faults(TWO, spoil(plan, person=[0, 1, 99])) == {"row"}
    assert faults(TWO, spoil(plan, slot=[0, 0, 1])) == {"unit"}
    assert faults(TWO, spoil(plan, unit=[0, 1, 7])) == {"unit"}


def test_a_person_twice() -> None:
    plan = solve(TWO, UNHURRIED)
    assert "twice" in faults(TWO, spoil(plan, person=[0, 1, 1]))


def test_a_slot_above_its_maximum() -> None:
    plan = spoil(solve(TWO, UNHURRIED), person=[0, 1, 2, 3], slot=[0, 0, 1, 1], unit=[0, 0, 1, 1])
    assert "above_maximum" in faults(TWO, plan)


def test_a_forbidden_pair_and_a_broken_lock() -> None:
    plan = solve(TWO, UNHURRIED)
    at = int(plan.slot[plan.person.tolist().index(0)])
    assert faults(replace(TWO, forbidden=pairs((0, at))), plan) == {"forbidden"}
    assert "lock_broken" in faults(replace(TWO, locked=pairs((4, 1))), plan)


def test_faults_of_a_decided_pair_are_marked() -> None:
    problem = Problem(people(1, adult=[False]), slots(1, adult_only=[True]), locked=pairs((0, 0)))
    assert check(problem, solve(problem, UNHURRIED)) == (Finding("age", 0, 0, locked=True),)


def test_a_nested_head_without_the_skill_and_one_head_for_two() -> None:
    nested = minima((0, DRIVER, 1, 1, False), (0, MEDIC, 1, 1, False))
    problem = Problem(
        people(2, levels=skilled((1, 1, 0), (0, 0, 0))), slots(1, target=[2], minimum=[2]), nested
    )
    plan = solve(problem, UNHURRIED)
    assert check(problem, plan) == ()
    assert "minimum_skill" in faults(problem, spoil(plan, person=[1]))
    both = replace(plan, units=replace(plan.units, minima=((0, 1),) * len(plan.units)))
    assert "minimum_shared" in faults(problem, both)


def test_miscounted_heads_and_costs() -> None:
    plan = solve(TWO, UNHURRIED)
    assert faults(TWO, spoil(plan, short_minimum=[1, 0])) == {"short_miscounted"}
    assert faults(TWO, spoil(plan, short_target=[0, 1])) == {"short_miscounted"}
    cheaper = replace(plan, objective=replace(plan.objective, cost=plan.objective.cost - 1))
    assert faults(TWO, cheaper) == {"cost_miscounted"}
    fairer = replace(plan, objective=replace(plan.objective, asked=0))
    assert faults(TWO, fairer) == {"cost_miscounted"}


def test_a_plan_below_a_reserve_floor_is_found() -> None:
    pool = people(3, levels=skilled((1, 0, 0), (1, 0, 0), (1, 0, 0)))
    problem = Problem(pool, slots(1, target=[2], skill=[MEDIC]))
    plan = solve(problem, UNHURRIED)
    assert check(problem, plan, Floors.keeping([[0, 1, 2]], [1])) == ()
    assert check(problem, plan, Floors.keeping([[0, 1, 2]], [2])) == (Finding("floor"),)
    kept = solve(problem, UNHURRIED, Floors.keeping([[0, 1, 2]], [2]))
    assert check(problem, kept, Floors.keeping([[0, 1, 2]], [2])) == ()
