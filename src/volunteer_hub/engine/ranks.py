"""The optimum where demand exceeds supply: first which ranks of heads can be covered, then by whom.

The goal is lexicographic, so its first level is a problem of its own (coverage.py), solved by the same
generation of columns as the whole (flow.py). Its prices are ranks and part the city: people of rank r (all
of them needed, if r > 0) serve units of rank r and no others; every head of a higher rank than its unit's
must be filled; heads of that very rank take whoever is left over.

What remains is travel. Searched for from one side only, the last people (or heads) of a rank are found by
chains of exchanges through the whole city. With the ranks known neither side is short: must heads look for
people (augment.py), of whom there are more, then people left over look for heads (release.py), of which there
are more. Prices prove the plan for all who were placed so far, in both.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from volunteer_hub.engine.augment import Book, Standing, by_urgency, search_of
from volunteer_hub.engine.candidates import ENDLESS, Arcs, Pool
from volunteer_hub.engine.clock import Clock, DeadlinePassed
from volunteer_hub.engine.coverage import coverage
from volunteer_hub.engine.flow import RESERVE, Flow, Solution, locked_arcs, prices, solve_flow
from volunteer_hub.engine.openings import Openings, appraise, openings_of
from volunteer_hub.engine.problem import Ints, Options, Problem
from volunteer_hub.engine.release import (
    PATIENCE,
    Haste,
    Ways,
    highest,
    lengthen,
    listed_arcs,
    release,
    ways_of,
)
from volunteer_hub.engine.terms import Penalties
from volunteer_hub.engine.units import Units

SLOWEST_PER_ARC = 1e-9  # as in flow.py
HASTY_STEPS, HASTY_ROWS = 50, 40_000  # of one person's search where time is short: units, and rows at most
STEP = 5_000_000  # rows of lists read between two looks at the clock
PER_ROW = 3e-8  # seconds, until it is known of this machine and hour


def solve_ranks(
    problem: Problem, units: Units, pool: Pool, penalty: Penalties, options: Options, clock: Clock
) -> Solution:
    """With time for the ranks only, their plan: by its prices none covers more. With time for the must heads
    too, a plan that covers as much and is near the best in travel. Raises DeadlinePassed."""
    step = partial(coverage, people=len(pool))
    covered = solve_flow(problem, units, pool, penalty, options, clock, step, SLOWEST_PER_ARC)
    if not covered.exact:
        return covered
    inner = Clock(clock.left - RESERVE * clock.seconds["pricing"] / covered.rounds)
    try:
        with clock.phase("augment"):
            decided = locked_arcs(problem, units, pool, penalty)
            standing = _fill(units, pool, penalty, covered, decided, inner)
        with clock.phase("release"):
            openings, ways = openings_of(pool.index), _ways(units, standing, decided)
            ways, best = _place(
                pool, openings, standing, ways, covered.person_price, penalty.big, inner
            )  # fmt: skip
        with clock.phase("prices"):
            if best and inner.left > 0:
                found = _lowest(units, pool, openings, penalty, standing, ways)
            else:
                found = _as_it_is(pool, openings, standing, ways)
    except DeadlinePassed:
        return replace(covered, exact=False)
    return replace(found, rounds=covered.rounds, columns=covered.columns)


def _fill(
    units: Units, pool: Pool, penalty: Penalties, covered: Solution, decided: Arcs, clock: Clock
) -> Standing:
    """Every must head filled by people of its rank at the least cost, all other heads open."""
    unit_price, person_price = covered.unit_price, covered.person_price
    minimum = np.where(penalty.short_minimum > unit_price, units.minimum, 0)
    target = np.where(penalty.short_target > unit_price, units.heads - units.minimum, 0)
    # Counted from their ranks on people cost what they cost, whether locked or not.
    locked = decided.only(unit_price[decided.unit] - person_price[decided.position] == -penalty.lock)
    book = Book.of(
        replace(units, heads=minimum + target, minimum=minimum),
        pool.matching(person_price // penalty.big, unit_price // penalty.big),
        penalty,
        replace(locked, cost=locked.cost + penalty.lock),
    )
    book.fill(by_urgency(units, minimum, target), clock)
    standing = book.standing
    standing.price[:-1] += unit_price
    placed = decided.position[standing.serves[decided.position] >= 0]
    standing.pays[np.unique(placed)] -= penalty.lock
    standing.open_heads[:, 0] += units.heads - units.minimum - target
    standing.open_heads[:, 1] += units.minimum - minimum
    return standing


def _ways(units: Units, standing: Standing, decided: Arcs) -> Ways:
    """Where people could go: locked ones where they are decided for, others wherever they find."""
    ways = ways_of(standing, decided, len(units))
    searching = np.ones(len(standing.serves), np.bool_)
    searching[decided.position] = False
    ways.rest[searching] = ENDLESS
    return ways


def _place(
    pool: Pool, openings: Openings, standing: Standing, ways: Ways, person_price: Ints, big: int, clock: Clock
) -> tuple[Ways, bool]:
    """A head for everybody who is needed and has none, and whether all of them at the least cost: those whose
    time is short take the best way found after some steps. Raises DeadlinePassed."""
    people = np.flatnonzero((standing.serves < 0) & (person_price > 0))
    search, begin, nothing = search_of(len(ways.member) + len(pool)), 0, people[:0]
    haste, per_row = PATIENCE, PER_ROW
    while begin < len(people):
        if clock.left < per_row * (HASTY_ROWS * (len(people) - begin) + STEP):
            clock.check()  # how long the hasty take is only a guess
            haste = Haste(HASTY_STEPS, big // 2)
        appraise(openings, standing.price)
        before = clock.left
        ways, begin = release(
            pool.index, openings, standing, ways, search, begin, people, nothing, begin, STEP, haste
        )  # fmt: skip
        per_row = (before - clock.left) / STEP if begin < len(people) else per_row
    return ways, haste == PATIENCE


def _as_it_is(pool: Pool, openings: Openings, standing: Standing, ways: Ways) -> Solution:
    """The assignment with prices that bound it."""
    appraise(openings, standing.price)
    placed = np.flatnonzero(standing.serves >= 0)
    arcs = Arcs(standing.serves[placed], placed, standing.pays[placed])
    person_price = highest(pool.index, openings, standing.price, ways)
    return Solution(arcs, standing.price[:-1].copy(), person_price, 1, len(arcs), exact=False)


def _lowest(
    units: Units, pool: Pool, openings: Openings, penalty: Penalties, standing: Standing, ways: Ways
) -> Solution:
    """The assignment with the lowest prices that prove it: the same, whatever method found it. Nobody's price
    falls below what the next best unit is worth, so lists that reach so far are enough."""
    appraise(openings, standing.price)
    serves = standing.serves
    placed = np.flatnonzero(serves >= 0)
    chosen = Arcs(serves[placed], placed, standing.pays[placed])
    worth = np.where(serves >= 0, ENDLESS - 1, ENDLESS)  # at first whatever list there is
    while True:
        ways = lengthen(pool.index, openings, standing.price, ways, worth)
        listed = listed_arcs(ways)
        others = (serves[listed.position] >= 0) & (serves[listed.position] != listed.unit)
        arcs = chosen + listed.only(others)
        flow = Flow(np.arange(len(arcs)) < len(chosen), standing.open_heads[:, 0], standing.open_heads[:, 1])
        unit_price, person_price = prices(units, arcs, flow, penalty, len(pool))
        worth = np.where(serves >= 0, person_price, ENDLESS)
        if (ways.rest <= worth).all():
            return Solution(chosen, unit_price, person_price, 1, len(arcs))
