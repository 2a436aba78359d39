"""solve(problem, options) -> Plan: the exact method if time allows, the stated fallback otherwise."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache

import numpy as np

from volunteer_hub.engine.candidates import Pool
from volunteer_hub.engine.clock import Clock, DeadlinePassed
from volunteer_hub.engine.compiled import first
from volunteer_hub.engine.fairness import fairest
from volunteer_hub.engine.floors import Family, Floors, laminar
from volunteer_hub.engine.flow import FlowFailed
from volunteer_hub.engine.greedy import greedy
from volunteer_hub.engine.method import AUGMENT, FLOW, RANKS, optimum
from volunteer_hub.engine.problem import (
    FOREVER,
    LONG_AGO,
    Intervals,
    Ints,
    Options,
    People,
    Problem,
    Slots,
)
from volunteer_hub.engine.proof import Proof, prove, values
from volunteer_hub.engine.terms import Objective, objective, open_heads, penalties
from volunteer_hub.engine.units import Units, split


class State(StrEnum):
    PROVEN = "proven"  # optimal, with a proof that holds
    BOUNDED = "bounded"  # no proof of optimality; `bound` says how far at most from it
    DEADLINE = "deadline"  # greedy, because time ran out
    GREEDY = "greedy"  # greedy, because the solver failed; `failure` says how


@dataclass(frozen=True)
class Plan:
    """Who serves where. Row i: person[i] stands on a head of unit[i], which belongs to slot[i]."""

    person: Ints
    slot: Ints
    unit: Ints
    units: Units
    short_minimum: Ints  # [S] heads open below the minimum
    short_target: Ints  # [S] further heads open up to the target
    objective: Objective
    value: int  # the objective as one number
    bound: int  # no plan has a lower value
    state: State
    seed: int
    unit_price: Ints  # [U] what one head less would save, 0 without an exact solution
    person_price: Ints  # [V] what the person's absence would cost
    proof: Proof | None = None
    failure: str = ""
    seconds: dict[str, float] = field(default_factory=dict)  # by phase
    rounds: int = 0
    columns: int = 0
    method: str = ""  # "flow", "augment" or "ranks", none without an exact solution
    # [G] of floors: what one more person from the set would save; 0 also where a set cuts across others
    floor_price: Ints = field(default_factory=lambda: np.zeros(0, np.int64))


@dataclass(frozen=True)
class Draft:
    """An assignment found, before it is a plan."""

    units: Units
    person: Ints
    unit: Ints
    value: int
    unit_price: Ints
    person_price: Ints
    proof: Proof | None = None
    rounds: int = 0
    columns: int = 0
    method: str = ""
    floor_price: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    bound: int | None = None  # a proven one below the value
    exact: bool = True


def solve(problem: Problem, options: Options | None = None, floors: Floors | None = None) -> Plan:
    """Plan one period. Never raises for a valid problem: an empty or unsolvable one has an empty plan whose
    gaps can be explained (explain.gaps). Returns at the latest two seconds after the deadline.

    `floors`: sets of people of which only so many are taken. Raises ProblemError for people not there.
    """
    options = options or Options()
    clock = Clock(options.deadline_s)
    floors = floors.check(problem) if floors is not None and len(floors) else None
    units = split(problem)
    try:
        _wait_for_compiler(clock)
        return _exact(problem, units, options, clock, floors)
    except DeadlinePassed:
        return _fallback(problem, units, options, clock, State.DEADLINE, "deadline", floors)
    except FlowFailed as failed:
        return _fallback(problem, units, options, clock, State.GREEDY, failed.status, floors)


def warm() -> None:
    """Load the compiled loops and OR-Tools by a toy problem: a planning process does this once at its start.
    solve() does it itself, which costs the first call of a machine some seconds of its deadline."""
    _compiling().join()


def _exact(problem: Problem, units: Units, options: Options, clock: Clock, floors: Floors | None) -> Plan:
    draft = _optimum(problem, units, options, clock, floors)
    if not _may_share(problem):
        if draft.proof is None:  # no time for it: the bound is the solver's own
            return plan_of(problem, draft, options, clock, State.BOUNDED, _bound(draft), "no time to prove")
        if not draft.exact:
            return plan_of(problem, draft, options, clock, State.BOUNDED, _bound(draft), "deadline")
        if not draft.proof.holds:
            return plan_of(problem, draft, options, clock, State.BOUNDED, 0, "proof")
        state = State.PROVEN if _bound(draft) == draft.value else State.BOUNDED
        return plan_of(problem, draft, options, clock, state, _bound(draft))
    # Shared minima: two valid readings, the better wins; a third, too generous, bounds both.
    shared = frozenset(problem.minima.slot[problem.minima.may_share].tolist())
    other = _optimum(problem, split(problem, joined=shared), options, clock, floors)
    relaxed = _optimum(problem, split(problem, relaxed=True), options, clock, floors)
    bound = _bound(relaxed) if _bounds(relaxed) else 0
    best = min(draft, other, key=lambda d: objective(problem, d.units, d.person, d.unit))
    state = State.PROVEN if best.value == bound else State.BOUNDED
    return plan_of(problem, best, options, clock, state, bound)


def _bound(draft: Draft) -> int:
    return draft.value if draft.bound is None else draft.bound


def _bounds(draft: Draft) -> bool:
    """Is its bound proven?"""
    proof = draft.proof
    return proof is not None and (proof.holds if draft.exact else not proof.violated)


def _may_share(problem: Problem) -> bool:
    """Is there a slot with two minima one person could satisfy together?"""
    slots = problem.minima.slot[problem.minima.may_share]
    return len(np.unique(slots)) < len(slots)


def _fallback(
    problem: Problem,
    units: Units,
    options: Options,
    clock: Clock,
    state: State,
    failure: str,
    floors: Floors | None,
) -> Plan:
    penalty = penalties(problem, units)
    held = floors.held_back(problem.locked.person, problem.people.fatigue) if floors is not None else None
    with clock.phase("greedy"):
        person, unit, bound = greedy(problem, units, penalty, options.seed, clock, held)
    nothing = np.zeros(len(units), np.int64), np.zeros(len(problem.people), np.int64)
    value = objective(problem, units, person, unit).value(penalty.big)
    draft = Draft(units, person, unit, value, *nothing)
    return plan_of(problem, draft, options, clock, state, bound, failure)


def _optimum(
    problem: Problem, units: Units, options: Options, clock: Clock, floors: Floors | None = None
) -> Draft:
    """The fairest optimum, with its proof."""
    with clock.phase("index"):
        pool = Pool(problem, units, options)
    draft = _best(problem, units, pool, options, clock)
    if floors is None:
        del pool  # the proof needs memory of its own
        return _proven(problem, draft, options, clock)
    if _within(floors, draft):
        return replace(_proven(problem, draft, options, clock), floor_price=np.zeros(len(floors), np.int64))
    return _within_floors(problem, units, pool, options, clock, floors)


def _within(floors: Floors, draft: Draft) -> bool:
    return bool((floors.taken(draft.person, len(draft.person_price)) <= floors.most).all())


def _within_floors(
    problem: Problem, units: Units, pool: Pool, options: Options, clock: Clock, floors: Floors
) -> Draft:
    """The optimum within nested floors. Sets that cut across others are left out for a bound; if the plan
    then takes too many of one, people are held back by name and the plan is the best without them."""
    family, inside, across = laminar(floors, pool.position)
    draft = _best(problem, units, pool, options, clock, family)
    draft = _proven(problem, draft, options, clock, floors.only(inside))
    if not _within(floors, draft):
        bound = draft.value if draft.proof is not None and draft.proof.holds else 0
        value_of = np.where(np.isin(np.arange(len(pool)), draft.person), draft.person_price + 1, 0)
        held = floors.only(across).held_back(problem.locked.person, value_of)
        pool.leave_out(pool.position[held])
        best = _best(problem, units, pool, options, clock, family)
        draft = replace(best, proof=draft.proof, bound=bound)
    price = np.zeros(len(floors), np.int64)
    price[inside] = draft.floor_price
    return replace(draft, floor_price=price)


def _best(
    problem: Problem,
    units: Units,
    pool: Pool,
    options: Options,
    clock: Clock,
    family: Family | None = None,
) -> Draft:
    """The optimum within a family of floors, the fairest one."""
    penalty = penalties(problem, units)
    clock.check()
    solution, method = optimum(problem, units, pool, penalty, options, clock, family)
    arcs = solution.arcs
    if solution.exact and clock.left > 0:
        with clock.phase("fairness"), suppress(FlowFailed):  # optimal without, though ties fall by row
            arcs = fairest(problem, units, pool, penalty, solution, options.seed, family)
    order = np.lexsort((pool.order[arcs.position], arcs.unit))
    person, unit = pool.order[arcs.position[order]], arcs.unit[order]
    person_price = np.zeros(len(problem.people), np.int64)
    person_price[pool.order] = solution.person_price
    return Draft(
        units=units,
        person=person,
        unit=unit,
        value=objective(problem, units, person, unit).value(penalty.big),
        unit_price=solution.unit_price,
        person_price=person_price,
        rounds=solution.rounds,
        columns=solution.columns,
        method=method,
        floor_price=solution.floor_price,
        bound=None if solution.exact else 0,
        exact=solution.exact,
    )


def _proven(
    problem: Problem, draft: Draft, options: Options, clock: Clock, floors: Floors | None = None
) -> Draft:
    """The draft with its proof if there is time for one, and the bound of its prices."""
    if not draft.exact:  # their own word until they are proven
        prices = draft.unit_price, draft.person_price
        primal, dual, _ = values(
            problem, draft.units, draft.person, draft.unit, *prices,
            floors=floors, floor_price=draft.floor_price,
        )  # fmt: skip
        draft = replace(draft, bound=draft.value - primal + dual)
    with clock.phase("proof"), suppress(DeadlinePassed):
        proof = prove(
            problem, draft.units, draft.person, draft.unit, draft.unit_price, draft.person_price, clock,
            options.threads, floors=floors, floor_price=draft.floor_price,
        )  # fmt: skip
        bound = 0 if proof.violated and not draft.exact else draft.bound
        return replace(draft, proof=proof, bound=bound)
    return draft


def plan_of(
    problem: Problem,
    draft: Draft,
    options: Options,
    clock: Clock,
    state: State,
    bound: int,
    failure: str = "",
) -> Plan:
    """The draft with all that is counted from it."""
    units = draft.units
    below, above = open_heads(units, np.bincount(draft.unit, minlength=len(units)))
    slots = len(problem.slots)
    return Plan(
        person=draft.person,
        slot=units.slot[draft.unit],
        unit=draft.unit,
        units=units,
        short_minimum=_per_slot(units, below, slots),
        short_target=_per_slot(units, above, slots),
        objective=objective(problem, units, draft.person, draft.unit),
        value=draft.value,
        bound=bound,
        state=state,
        seed=options.seed,
        unit_price=draft.unit_price,
        person_price=draft.person_price,
        proof=draft.proof,
        failure=failure,
        seconds=dict(clock.seconds),
        rounds=draft.rounds,
        columns=draft.columns,
        method=draft.method,
        floor_price=draft.floor_price,
    )


def _per_slot(units: Units, heads: Ints, slots: int) -> Ints:
    return np.bincount(units.slot, weights=heads, minlength=slots).astype(np.int64)


@cache
def _compiling() -> threading.Thread:
    """The toy problem, solved once per process beside the caller, who may have less time than a compiler."""
    thread = threading.Thread(target=_solve_toy, name="engine-warm-up", daemon=True)
    thread.start()
    return thread


def _wait_for_compiler(clock: Clock) -> None:
    thread = _compiling()
    thread.join(max(0.0, clock.left))
    if thread.is_alive():
        raise DeadlinePassed


def toy() -> Problem:
    """One person, one slot: what compiled loops are loaded with."""
    zero, one, yes = np.zeros(1, np.int64), np.ones(1, np.int64), np.ones(1, np.bool_)
    here, some = np.zeros(1), np.ones(1)
    people = People(
        key=zero, lat=here, lon=here, levels=np.ones((1, 1), np.int8), cert_until=np.full((1, 1), FOREVER),
        free=Intervals.always(1), busy=Intervals.none(1), adult=yes, insured=yes, fit=yes, night_travel=yes,
        speed_kmh=some, max_km=some, fatigue=zero, night_cost=zero, served=zero,
        rest_since=one * LONG_AGO, minutes_24h=zero,
    )  # fmt: skip
    slots = Slots(
        key=zero, task=zero, lat=here, lon=here, start=zero, end=one, minimum=one, target=one, maximum=one,
        priority=one, skill=zero, level=one, adult_only=yes, insured_only=yes, hazardous=yes, night=yes,
        max_km=some,
    )  # fmt: skip
    return Problem(people, slots)


@first("surge")
def _solve_toy() -> None:
    problem = toy()
    for method in (FLOW, AUGMENT, RANKS):
        _optimum(problem, split(problem), Options(method=method), Clock(600.0))
    greedy(problem, split(problem), penalties(problem, split(problem)), 0, Clock(60.0))
