"""What is gone through in compiled loops, against asking every pair."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.engine import naive
from tests.engine.build import UNHURRIED, measured, random_problem
from tests.engine.sizes import draws
from volunteer_hub.engine.could import Could
from volunteer_hub.engine.explain import reasons
from volunteer_hub.engine.floors import Floors
from volunteer_hub.engine.margins import margins
from volunteer_hub.engine.problem import Options, Problem
from volunteer_hub.engine.ranking import how_many
from volunteer_hub.engine.solve import Plan, solve


def some_problem(seed: int, count: int = 40, places: int = 12) -> Problem:
    problem = random_problem(seed, count=count, places=places)
    return measured(problem, seed) if seed % 2 else problem


def some_plan(problem: Problem, seed: int) -> tuple[Plan, Floors | None]:
    """The best plan, within a reserve floor now and then; each third one was cut short."""
    floors = Floors.keeping([np.arange(20)], [14]) if seed % 4 == 0 else None
    plan = solve(problem, Options(deadline_s=0) if seed % 3 == 2 else UNHURRIED, floors)
    if seed % 3 < 2:
        return plan, floors
    kept = np.arange(len(plan.person)) % 4 > 0
    return replace(plan, person=plan.person[kept], slot=plan.slot[kept], unit=plan.unit[kept]), floors


@pytest.mark.parametrize("seed", range(draws(24)))
def test_reasons_are_those_that_asking_every_pair_finds(seed: int) -> None:
    problem = some_problem(seed)
    plan, floors = some_plan(problem, seed)
    could = Could(problem, plan, floors)
    assert reasons(problem, plan, could) == naive.reasons(problem, plan, could)


@pytest.mark.parametrize("seed", range(draws(12)))
def test_who_could_serve_is_counted_and_named(seed: int) -> None:
    problem = some_problem(seed)
    plan, _ = some_plan(problem, seed)
    could = Could(problem, plan)
    people = [naive.able(problem, plan.units, u) for u in range(len(plan.units))]
    assert [could(u).tolist() for u in range(len(plan.units))] == [found.tolist() for found in people]
    assert how_many(could.pool).tolist() == could.ranking.of.tolist() == [len(found) for found in people]
    able = np.unique(np.concatenate(people))
    assert np.sort(could.pool.order[could.ranking.able]).tolist() == able.tolist()


@pytest.mark.parametrize("seed", range(draws(24)))
def test_margins_are_those_of_every_chain_of_moves(seed: int) -> None:
    problem = some_problem(seed, count=30)
    floors = Floors.keeping([np.arange(20)], [14]) if seed % 4 == 0 else None
    plan = solve(problem, UNHURRIED, floors)
    could = Could(problem, plan, floors)
    found = margins(problem, plan, could)
    assert found is not None
    more, less = naive.margins(problem, plan, could.serves, found.big)
    assert (found.more.tolist(), found.less.tolist()) == (more, less)


def test_people_who_could_change_places_in_a_circle_and_save_are_no_basis_for_prices() -> None:
    """A plan whose two people were swapped, said to be the best."""
    problem = random_problem(5, count=20, places=6, nested=False)
    plan = solve(problem, UNHURRIED)
    could = Could(problem, plan)
    units = [int(u) for u in np.unique(plan.unit)]
    swapped = next(
        (v, w)
        for v, u in zip(plan.person, plan.unit, strict=True)
        for w, other in zip(plan.person, plan.unit, strict=True)
        if u != other and v in could(int(other)) and w in could(int(u)) and len(units) > 1
        and could.costs(int(other))[could(int(other)) == v] + could.costs(int(u))[could(int(u)) == w]
        > could.costs(int(u))[could(int(u)) == v] + could.costs(int(other))[could(int(other)) == w]
    )  # fmt: skip
    rows = [plan.person.tolist().index(v) for v in swapped]
    unit = plan.unit.copy()
    unit[rows] = unit[rows[::-1]]
    worse = replace(plan, unit=unit, slot=plan.units.slot[unit])
    assert margins(problem, worse, Could(problem, worse)) is None
