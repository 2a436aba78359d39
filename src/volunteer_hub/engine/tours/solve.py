"""solve_tours(tours, options) -> ToursPlan: a search until the deadline, with a bound beside it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache

import numpy as np

from volunteer_hub.engine.arrays import Bools, Intervals
from volunteer_hub.engine.clock import Clock, DeadlinePassed
from volunteer_hub.engine.compiled import first
from volunteer_hub.engine.tours.bound import least_missed
from volunteer_hub.engine.tours.build import begin, construct, neighbours
from volunteer_hub.engine.tours.chain import anneal
from volunteer_hub.engine.tours.greedy import greedy_rows
from volunteer_hub.engine.tours.network import Network, alone, equipped, network, qualified
from volunteer_hub.engine.tours.problem import Crew, Depot, Places, Stops, TourOptions, Tours
from volunteer_hub.engine.tours.reasons import Reason, Unserved, exchange, hopeless, outcome
from volunteer_hub.engine.tours.route import copy_route
from volunteer_hub.engine.tours.search import BEST_MISSED, BEST_TRAVEL, STEPS, Search
from volunteer_hub.engine.tours.timetable import Timetable, timetable

FINISH_S = 0.1  # kept for reasons and times


class State(StrEnum):
    COVERED = "covered"  # no plan serves more prize; its travel is the best found
    BOUNDED = "bounded"  # the best found in time; every plan leaves `bound` unserved
    DEADLINE = "deadline"  # time ran out before any search: a greedy pass


@dataclass(frozen=True)
class ToursPlan:
    """Who visits what and when."""

    visits: Timetable
    unserved: tuple[Unserved, ...]  # by stop
    missed: int  # prize of the unserved stops
    bound: int  # no plan leaves less
    travel: int  # ticks of 0.1 minutes
    state: State
    seed: int
    seconds: dict[str, float] = field(default_factory=dict)  # by phase
    steps: int = 0


def solve_tours(tours: Tours, options: TourOptions | None = None) -> ToursPlan:
    """Tours of least unserved prize, then least travel. Never raises for a valid problem: what cannot be
    served is named with its reason. Returns at the latest two seconds after the deadline."""
    options = options or TourOptions()
    clock = Clock(options.deadline_s)
    net = network(tours)
    able = qualified(tours) & equipped(net)
    try:
        _wait_for_compiler(clock)
        return _searched(tours, net, able, options, clock)
    except DeadlinePassed:
        with clock.phase("greedy"):
            rows = greedy_rows(net, able, clock)
        return _plan(tours, net, rows, {}, 0, State.DEADLINE, options, clock)


def _searched(tours: Tours, net: Network, able: Bools, options: TourOptions, clock: Clock) -> ToursPlan:
    with clock.phase("index"):
        possible = alone(net, able, clock)
        bound = least_missed(net, possible) if clock.left > 0 else 0
        unserved = hopeless(tours, net, possible)
    if not possible.any():
        return _plan(tours, net, [[]] * len(tours.crew), unserved, bound, State.COVERED, options, clock)
    best = _search(net, possible, bound, options, clock)
    with clock.phase("reasons"):
        unserved |= outcome(net, possible, best, clock)
    state = State.COVERED if best.totals[BEST_MISSED] == bound else State.BOUNDED
    rows = [best.best.seq[p, :n].tolist() for p, n in enumerate(best.best.length.tolist())]
    return _plan(tours, net, rows, unserved, bound, state, options, clock, int(best.totals[STEPS]))


def warm() -> None:
    """Load the compiled loops by a toy problem: a planning process does this once at its start."""
    _compiling().join()


def _search(net: Network, possible: Bools, bound: int, options: TourOptions, clock: Clock) -> Search:
    with clock.phase("construct"):
        near = neighbours(net, clock)
        chains = [begin(net, possible, near, options.seed * 1009 + i) for i in range(options.threads)]
        for chain in chains:
            construct(net, chain, clock)
    with clock.phase("search"):
        if clock.left > FINISH_S and options.iterations:
            anneal(net, chains, clock, options.iterations, bound)
    best = min(chains, key=lambda c: (int(c.totals[BEST_MISSED]), int(c.totals[BEST_TRAVEL])))
    best.totals[STEPS] = sum(int(chain.totals[STEPS]) for chain in chains)
    return best


def _plan(
    tours: Tours,
    net: Network,
    rows: list[list[int]],
    unserved: dict[int, Unserved],
    bound: int,
    state: State,
    options: TourOptions,
    clock: Clock,
    steps: int = 0,
) -> ToursPlan:
    visits = timetable(net, rows)
    served = {s for row in rows for s in row}
    missing = [s for s in range(len(tours.stops)) if s not in served]
    return ToursPlan(
        visits=visits,
        unserved=tuple(unserved.get(s, Unserved(s, Reason.NOT_TRIED)) for s in missing),
        missed=int(net.prize[missing].sum()),
        bound=bound,
        travel=int(visits.travel.sum()),
        state=state,
        seed=options.seed,
        seconds=dict(clock.seconds),
        steps=steps,
    )


@cache
def _compiling() -> threading.Thread:
    """The toy problem, once per process beside the caller, who may have less time than a compiler."""
    thread = threading.Thread(target=_solve_toy, name="tours-warm-up", daemon=True)
    thread.start()
    return thread


def _wait_for_compiler(clock: Clock) -> None:
    thread = _compiling()
    thread.join(max(0.0, clock.left))
    if thread.is_alive():
        raise DeadlinePassed


@first("tours")
def _solve_toy() -> None:
    """Two people with places for one, two stops that exclude each other, a depot."""
    pair, zero = np.arange(2), np.zeros(2, np.int64)
    crew = Crew(
        key=pair, start=zero, end=zero, since=zero, until=zero + 60, levels=np.ones((2, 1), np.int8),
        speed_kmh=np.full(2, 5.0), longest=zero + 30, tools=np.zeros((2, 1), np.bool_),
        parts=np.zeros((2, 1), np.int64),
    )  # fmt: skip
    stops = Stops(
key=np.arange(4), place=np.zeros(4, np.int64), service=np.full(4, 20), priority=np.ones(4, np.int64),
        windows=Intervals.of(4, np.arange(4), [0] * 4, [5] * 4), skill=np.zeros(4, np.int64),
        level=np.ones(4, np.int64), tools=np.ones((4, 1), np.bool_),
        parts=np.ones((4, 1), np.int64),
    )  # fmt: skip
    tours = Tours(Places(np.zeros(1), np.zeros(1)), crew, stops, Depot(0))
    net = network(tours)
    clock = Clock(600.0)
    possible = alone(net, qualified(tours) & equipped(net), clock)
    best = _search(net, possible, 0, TourOptions(iterations=3), clock)
    outcome(net, possible, best, clock)
    # What not every problem comes to is compiled all the same.
    copy_route(best.best, best.now, 0)
    person = int(best.best.length.argmax())
    row = best.best.seq[person, : best.best.length[person]]
    visited = int(row[row < len(stops)][0])
    exchange(net, best.best, person, visited, visited)
