"""The optimum by minimum-cost flow and column generation.

Units are sources, people have capacity one, and open heads flow straight to the sink over two arcs priced by
tier. The problem is a transportation problem: totally unimodular, so the flow found in integers is the true
optimum (Ahuja, Magnanti & Orlin 1993, ch. 9 and 11). Only a few pairs can matter: solve with the cheapest
people of each unit, derive prices (dual values), price EVERY allowed pair, add those that would improve, and
repeat until there are none. The last flow is then optimal over all pairs.

SimpleMinCostFlow gives no dual values: they are shortest distances from the sink in the residual graph.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from volunteer_hub.engine.candidates import Arcs, Pool
from volunteer_hub.engine.clock import Clock
from volunteer_hub.engine.compiled import compiled
from volunteer_hub.engine.problem import Bools, Ints, Options, Problem
from volunteer_hub.engine.terms import Penalties, cost
from volunteer_hub.engine.units import Access, Units, fills

FAR = 1 << 60
ALWAYS_ADDED = 20  # arcs per unit and round, or three per head if that is more
SPARE_CANDIDATES = 10
# The solver cannot be interrupted: seconds / arcs^1.5, twice the slowest flow measured.
SLOWEST_PER_ARC = 1e-7
MARGIN = 2.0  # times the last round's pace
RESERVE = 4.5  # times a round's pricing: what raising prices to a bound and its proof take at the end


@dataclass(frozen=True)
class Flow:
    used: Bools  # [arcs]
    open_target: Ints  # [U] heads left open between minimum and target
    open_minimum: Ints  # [U] heads left open below the minimum


class FlowFailed(Exception):
    """The solver gave no optimum; `status` is its own word for why (BAD_COST_RANGE, ...)."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True)
class Solution:
    """An optimal assignment over all allowed pairs, with the prices that prove it."""

    arcs: Arcs  # the pairs chosen
    unit_price: Ints  # [U] what one head less would save
    person_price: Ints  # [V] by position: what the person's absence would cost, >= 0
    rounds: int
    columns: int  # arcs ever given to the solver
    floor_price: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # of sets of people (floors.py)
    exact: bool = True  # else stopped by the deadline: valid, and the prices give a bound


# The cheapest flow over some arcs, and the prices of units, people and sets of people that prove it.
Step = Callable[[Units, Arcs, Penalties], tuple[Flow, Ints, Ints, Ints]]


def solve_flow(
    problem: Problem, units: Units, pool: Pool, penalty: Penalties, options: Options, clock: Clock,
    step: Step | None = None, pace: float | None = None,
) -> Solution:  # fmt: skip
    """`step`: another network around the same pairs; `pace`: its seconds per arc^1.5 at worst. Raises
    FlowFailed, DeadlinePassed."""
    pace = SLOWEST_PER_ARC if pace is None else pace
    decided = locked_arcs(problem, units, pool, penalty)
    with clock.phase("candidates"):
        wanted = np.ceil(units.heads * options.candidates_per_head).astype(np.int64) + SPARE_CANDIDATES
        arcs = decided + pool.cheapest(wanted)
    room = np.maximum(ALWAYS_ADDED, 3 * units.heads)
    found = Solution(arcs.only(slice(0)), *(np.zeros(0, np.int64),) * 2, 0, 0)
    while True:
        expected = pace * len(arcs) ** 1.5
        if found.rounds and clock.left < expected + RESERVE * clock.seconds["pricing"] / found.rounds:
            return _stopped(pool, found)
        clock.check(expected)
        floor_price, before = np.zeros(0, np.int64), clock.seconds.get("flow", 0.0)
        with clock.phase("flow"):
            if step is None:
                flow = transport(units, arcs, penalty)
            else:
                flow, unit_price, person_price, floor_price = step(units, arcs, penalty)
        # Of this problem, as soon as it is known.
        pace = MARGIN * (clock.seconds["flow"] - before) / max(1, len(arcs)) ** 1.5
        with clock.phase("prices"):
            if step is None:
                unit_price, person_price = prices(units, arcs, flow, penalty, len(pool))
        chosen, rounds = arcs.only(flow.used), found.rounds + 1
        found = Solution(chosen, unit_price, person_price, rounds, len(arcs), floor_price)
        with clock.phase("pricing"):
            better, tempting = pool.under_price(unit_price, person_price, room)
        if not tempting:
            return found
        arcs = arcs + better


def _stopped(pool: Pool, found: Solution) -> Solution:
    """The last round's assignment: people's prices raised until no pair is cheaper than they allow make a
    bound of prices that are not yet optimal."""
    person_price = pool.raised(found.unit_price, found.person_price)
    return replace(found, person_price=person_price, exact=False)


def locked_arcs(problem: Problem, units: Units, pool: Pool, penalty: Penalties) -> Arcs:
    """Arcs of locked people to every unit of their slot they can fill, each made cheaper than any
    alternative: the flow then uses every lock, and which head it takes is optimised with the rest."""
    unit, person = [], []
    for v, slot in problem.locked.rows():
        for u in np.flatnonzero((units.slot == slot) & (units.access != Access.CLOSED)).tolist():
            if fills(problem, v, slot, units.minima[u]):
                unit.append(u)
                person.append(v)
    at, who = np.array(unit, dtype=np.int64), np.array(person, dtype=np.int64)
    return Arcs(at, pool.position[who], cost(problem, units, who, at) - penalty.lock)


def transport(units: Units, arcs: Arcs, penalty: Penalties) -> Flow:
    """The cheapest flow over the given arcs. Raises FlowFailed."""
    # Who appears in one arc only competes with nobody and needs no node: their arc goes to the sink itself.
    shared = np.bincount(arcs.position)[arcs.position] > 1 if len(arcs) else np.zeros(0, np.bool_)
    people, node = np.unique(arcs.position[shared], return_inverse=True)
    U, P, A = len(units), len(people), len(arcs)
    sink = U + P
    every_unit = np.arange(U)
    to = np.full(A, sink)
    to[shared] = U + node
    tail = np.concatenate([arcs.unit, U + np.arange(P), every_unit, every_unit])
    head = np.concatenate([to, np.full(P + 2 * U, sink)])
    capacity = np.concatenate([np.ones(A + P, np.int64), units.heads - units.minimum, units.minimum])
    price = np.concatenate([arcs.cost, np.zeros(P, np.int64), penalty.short_target, penalty.short_minimum])
    supply = np.concatenate([units.heads, np.zeros(P, np.int64), [-units.heads.sum()]])
    flow = minimum_cost_flow(tail, head, capacity, price, supply)
    return Flow(flow[:A] > 0, flow[A + P : A + P + U], flow[A + P + U :])


def minimum_cost_flow(tail: Ints, head: Ints, capacity: Ints, price: Ints, supply: Ints) -> Ints:
    """Flow per arc from OR-Tools. Raises FlowFailed unless it is optimal."""
    from ortools.graph.python import min_cost_flow

    solver = min_cost_flow.SimpleMinCostFlow()
    rows = solver.add_arcs_with_capacity_and_unit_cost(
        tail.astype(np.int32), head.astype(np.int32), capacity, price
    )
    solver.set_nodes_supplies(np.arange(len(supply), dtype=np.int32), supply)
    status = solver.solve()
    if status != solver.OPTIMAL:
        raise FlowFailed(getattr(status, "name", str(status)))
    flow: Ints = solver.flows(rows)
    return flow


def prices(units: Units, arcs: Arcs, flow: Flow, penalty: Penalties, people: int) -> tuple[Ints, Ints]:
    """The lowest optimal dual values of the flow: [U] of units, [people] of people by position, 0 for those
    without an arc. Lowest, so that pricing finds no pair that only looks attractive."""
    order = np.argsort(arcs.unit, kind="stable")
    first = np.searchsorted(arcs.unit[order], np.arange(len(units) + 1))
    start = np.where(flow.open_target > 0, -penalty.short_target, FAR)
    start = np.where(flow.open_minimum > 0, -penalty.short_minimum, start)
    serves = np.full(people, -1)
    serves[arcs.position[flow.used]] = arcs.unit[flow.used]
    pays = np.zeros(people, np.int64)
    pays[arcs.position[flow.used]] = arcs.cost[flow.used]
    unit, person = _distances(first, arcs.position[order], arcs.cost[order], serves, pays, start)
    return -unit, np.maximum(-person, 0)


@compiled
def _distances(
    first: Ints, position: Ints, cost: Ints, serves: Ints, pays: Ints, start: Ints
) -> tuple[Ints, Ints]:
    """Shortest distances from the sink in the residual graph, by Bellman-Ford with a queue of units.

    Residual arcs: sink -> serving person (0), person -> the unit served (-cost), sink -> unit with open heads
    (in `start`), unit -> person (cost; also where the arc is full, for what limits it is the person, not the
    arc). An optimal flow leaves no negative cycle.
    """
    units, people = len(start), len(serves)
    to_unit = start.copy()
    to_person = np.full(people, 1 << 60)
    for p in range(people):
        if serves[p] >= 0:
            to_person[p] = 0
            to_unit[serves[p]] = min(to_unit[serves[p]], -pays[p])
    queue = np.arange(units)
    waiting = np.ones(units, np.bool_)
    front, length = 0, units
    while length > 0:
        u = queue[front]
        front = (front + 1) % units
        length -= 1
        waiting[u] = False
        for a in range(first[u], first[u + 1]):
            p = position[a]
            if to_unit[u] + cost[a] >= to_person[p]:
                continue
            to_person[p] = to_unit[u] + cost[a]
            other = serves[p]
            if other >= 0 and to_person[p] - pays[p] < to_unit[other]:
                to_unit[other] = to_person[p] - pays[p]
                if not waiting[other]:
                    waiting[other] = True
                    queue[(front + length) % units] = other
                    length += 1
    return to_unit, to_person
