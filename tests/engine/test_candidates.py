"""The search finds exactly what looking at every pair finds."""

from __future__ import annotations

import numpy as np
import pytest

from tests.engine.build import BOAT, people, random_problem, slots
from tests.engine.sizes import draws
from volunteer_hub.engine.candidates import Pool
from volunteer_hub.engine.eligible import FLAGS, POSTED, TIMED
from volunteer_hub.engine.feasible import READS, RULES, feasible
from volunteer_hub.engine.problem import Options, Problem
from volunteer_hub.engine.terms import cost
from volunteer_hub.engine.units import Access, Units, split


def every_pair(problem: Problem, units: Units) -> dict[tuple[int, int], int]:
    """(unit, person) -> cost, by asking the rules about each."""
    v, u = (
        grid.ravel()
        for grid in np.meshgrid(np.arange(len(problem.people)), np.arange(len(units)), indexing="ij")
    )
    allowed = feasible(problem, units, v, u) & (units.access[u] == Access.OPEN)
    allowed &= ~np.isin(v, problem.locked.person)
    barred = set(problem.forbidden.rows())
    costs = cost(problem, units, v, u)
    return {
        (int(u[i]), int(v[i])): int(costs[i])
        for i in np.flatnonzero(allowed)
        if (int(v[i]), int(units.slot[u[i]])) not in barred
    }


@pytest.mark.parametrize("seed", range(draws(15)))
@pytest.mark.parametrize("threads", [1, 2])
def test_all_pairs_under_a_price(seed: int, threads: int) -> None:
    problem = random_problem(seed, count=70, places=15)
    units = split(problem)
    pool = Pool(problem, units, Options(threads=threads))
    rng = np.random.default_rng(seed)
    unit_price = rng.integers(-10, 300, len(units))
    person_price = rng.integers(0, 40, len(pool))
    expected = {
        pair: price
        for pair, price in every_pair(problem, units).items()
        if price + person_price[pool.order.tolist().index(pair[1])] < unit_price[pair[0]]
    }
    arcs, found = pool.under_price(unit_price, person_price, np.full(len(units), 1000))
    people_of = pool.order[arcs.position].tolist()
    assert (
        dict(zip(zip(arcs.unit.tolist(), people_of, strict=True), arcs.cost.tolist(), strict=True))
        == expected
    )
    assert found == len(arcs) == len(expected)
    few, still = pool.under_price(unit_price, person_price, np.full(len(units), 2))
    assert still == found
    for u in range(len(units)):
        scores = sorted(
            c + person_price[p] for k, p, c in zip(arcs.unit, arcs.position, arcs.cost, strict=True) if k == u
        )
        kept = sorted(
            c + person_price[p] for k, p, c in zip(few.unit, few.position, few.cost, strict=True) if k == u
        )
        assert kept == scores[:2]


@pytest.mark.parametrize("seed", range(draws(15)))
def test_the_cheapest_of_each_unit(seed: int) -> None:
    problem = random_problem(seed, count=70, places=15)
    units = split(problem)
    arcs = Pool(problem, units, Options()).cheapest(np.full(len(units), 4))
    pairs = every_pair(problem, units)
    for u in range(len(units)):
        expected = sorted(price for (k, _), price in pairs.items() if k == u)[:4]
        assert sorted(arcs.cost[arcs.unit == u].tolist()) == expected


def test_a_reach_beyond_the_map_is_no_trouble() -> None:
    problem = Problem(people(3, max_km=[1e9] * 3, km=[0.0, 1.0, 30.0]), slots(1, max_km=[1e12], target=[3]))
    arcs = Pool(problem, split(problem), Options()).cheapest(np.array([9]))
    assert sorted(arcs.cost.tolist()) == [0, 26, 780]


def test_where_nobody_is_qualified_nobody_is_found() -> None:
    problem = Problem(people(3), slots(2, skill=[BOAT, -1]))
    arcs = Pool(problem, split(problem), Options()).cheapest(np.array([4, 4]))
    assert arcs.unit.tolist() == [1, 1, 1]


def test_every_rule_but_distance_is_asked_of_a_kind() -> None:
    asked = [*POSTED, *TIMED, *FLAGS]
    assert sorted(asked) == sorted(READS) == sorted(set(RULES) - {"distance"})
