"""Reserve floors: of the people in a set ("Datong's medics") some are to stay, so at most so many are taken.

Sets that are nested or disjoint are nodes between people and the sink, and the problem stays a flow with an
exact optimum (laminar families; Edmonds & Giles 1977). A set that cuts across others is left to solve.py:
without it the optimum is a bound, and with people held back by name a plan is found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from volunteer_hub.engine.arrays import refuse
from volunteer_hub.engine.candidates import Arcs
from volunteer_hub.engine.compiled import compiled
from volunteer_hub.engine.flow import Flow, minimum_cost_flow
from volunteer_hub.engine.index import counted
from volunteer_hub.engine.problem import Ints, Problem, ProblemError
from volunteer_hub.engine.terms import Penalties
from volunteer_hub.engine.units import Units

FAR = 1 << 60


@dataclass(frozen=True)
class Floors:
    """G sets of people in CSR form. Raises ProblemError for shapes, negative numbers or a person twice."""

    first: Ints  # [G + 1] rows of `person`
    person: Ints  # rows of people
    most: Ints  # [G] of the set that a plan may take

    def __post_init__(self) -> None:
        for name in ("first", "person", "most"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.int64))
        if self.first.shape != (len(self.most) + 1,) or self.first[0] or self.first[-1] != len(self.person):
            raise ProblemError("shape", "floors.first")
        refuse(np.diff(self.first) < 0, "shape", "floors.first")
        refuse(self.most < 0, "negative", "floors.most")
        for g in range(len(self)):
            if len(np.unique(self.members(g))) < len(self.members(g)):
                raise ProblemError("twice", "floors.person", g)

    def __len__(self) -> int:
        return len(self.most)

    @classmethod
    def keeping(cls, sets: Sequence[npt.ArrayLike], stay: Sequence[int]) -> Floors:
        """Of each set of rows so many stay, all of a smaller set."""
        rows = [np.asarray(one, dtype=np.int64) for one in sets]
        first = np.concatenate([[0], np.cumsum([len(one) for one in rows])]).astype(np.int64)
        person = np.concatenate([np.zeros(0, np.int64), *rows])
        most = [max(0, len(one) - floor) for one, floor in zip(rows, stay, strict=True)]
        return cls(first, person, np.array(most, dtype=np.int64))

    def members(self, g: int) -> Ints:
        return self.person[self.first[g] : self.first[g + 1]]

    def only(self, sets: Sequence[int]) -> Floors:
        stay = [len(self.members(g)) - int(self.most[g]) for g in sets]
        return Floors.keeping([self.members(g) for g in sets], stay)

    def check(self, problem: Problem) -> Floors:
        """The floors as far as decisions already taken leave them: locked people count as taken, and where
        they alone are more than `most` the floor is broken by decision. Raises ProblemError."""
        refuse((self.person < 0) | (self.person >= len(problem.people)), "unknown_person", "floors.person")
        locked = self.taken(problem.locked.person, len(problem.people))
        return Floors(self.first, self.person, np.maximum(self.most, locked))

    def taken(self, person: Ints, people: int) -> Ints:
        """[G] how many of each set are among these rows."""
        chosen = np.zeros(people, np.int64)
        chosen[person] = 1
        return np.array([chosen[self.members(g)].sum() for g in range(len(self))], dtype=np.int64)

    def held_back(self, keep_free: Ints, price: Ints) -> Ints:
        """Rows of people who stay, so that every floor holds whatever a plan does: nobody of `keep_free`
        (rows already decided), those of the lowest price first."""
        held = np.zeros(len(price), np.bool_)
        decided = np.zeros(len(price), np.bool_)
        decided[keep_free] = True
        for g in sorted(range(len(self)), key=lambda g: len(self.members(g))):
            members = self.members(g)
            missing = len(members) - int(self.most[g]) - int(held[members].sum())
            others = members[~held[members] & ~decided[members]]
            if missing > 0:
                held[others[np.argsort(price[others], kind="stable")][:missing]] = True
        return np.flatnonzero(held)


@dataclass(frozen=True)
class Family:
    """Nested or disjoint sets as a forest: `leaf` [P] the innermost set of each person by position, -1 for
    none; `parent` [G] the set around each, -1 for none."""

    leaf: Ints
    parent: Ints
    most: Ints

    def chain(self, floor_price: Ints) -> Ints:
        """[G] sum of the prices of a set and all sets around it."""
        total = np.zeros(len(self.most), np.int64)
        for g in range(len(self.most)):  # sets around come first
            total[g] = floor_price[g] + (total[self.parent[g]] if self.parent[g] >= 0 else 0)
        return total

    def people_share(self, floor_price: Ints) -> Ints:
        """[P] what a person's sets take of the person's price."""
        total = np.append(self.chain(floor_price), 0)
        return total[self.leaf]


def laminar(floors: Floors, position: Ints) -> tuple[Family, list[int], list[int]]:
    """A family of the sets, the larger first; which sets are in it (in its order) and which cut across.
    `position` [V] of each row."""
    leaf = np.full(len(position), -1)
    parent, inside, across = [], list[int](), list[int]()
    for g in sorted(range(len(floors)), key=lambda g: -len(floors.members(g))):
        members = position[floors.members(g)]
        around = np.unique(leaf[members])
        if len(around) > 1:
            across.append(g)
            continue
        parent.append(int(around[0]) if len(around) else -1)
        leaf[members] = len(inside)
        inside.append(g)
    return Family(leaf, np.array(parent, dtype=np.int64), floors.most[inside]), inside, across


def transport_within(
    units: Units, arcs: Arcs, penalty: Penalties, family: Family
) -> tuple[Flow, Ints, Ints, Ints]:
    """The cheapest flow over the given arcs within the floors, and its lowest prices: [U] of units, [P] of
    people, theirs and their sets' together, [G] of sets. Raises FlowFailed."""
    people, node = np.unique(arcs.position, return_inverse=True)
    U, P, G, A = len(units), len(people), len(family.most), len(arcs)
    sink = U + P + G
    every_unit = np.arange(U)

    def node_of(group: Ints) -> Ints:
        return np.where(group >= 0, U + P + group, sink)

    tail = np.concatenate([arcs.unit, U + np.arange(P), U + P + np.arange(G), every_unit, every_unit])
    open_ends = np.full(2 * U, sink)
    head = np.concatenate([U + node, node_of(family.leaf[people]), node_of(family.parent), open_ends])
    ones = np.ones(A + P, np.int64)
    capacity = np.concatenate([ones, family.most, units.heads - units.minimum, units.minimum])
    nothing = np.zeros(P + G, np.int64)
    price = np.concatenate([arcs.cost, nothing, penalty.short_target, penalty.short_minimum])
    supply = np.concatenate([units.heads, nothing, [-units.heads.sum()]])
    flow = minimum_cost_flow(tail, head, capacity, price, supply)
    room = capacity - flow
    room[:A] = 1  # what limits a pair is the person
    worth = -_distances(sink, *_residual(tail, head, price, room, flow, sink + 1))
    set_worth = np.zeros(G, np.int64)
    for g in range(G):
        around = set_worth[family.parent[g]] if family.parent[g] >= 0 else 0
        set_worth[g] = max(worth[U + P + g], around)
    person_price = np.append(set_worth, 0)[family.leaf]
    person_price[people] = np.maximum(person_price[people], worth[U : U + P])
    around = np.where(family.parent >= 0, np.append(set_worth, 0)[family.parent], 0)
    below = A + P + G
    result = Flow(flow[:A] > 0, flow[below : below + U], flow[below + U :])
    return result, worth[:U], person_price, set_worth - around


def _residual(
    tail: Ints, head: Ints, price: Ints, room: Ints, flow: Ints, nodes: int
) -> tuple[Ints, Ints, Ints]:
    """Arcs along which flow could still change, by tail: first row of each node, heads, costs."""
    forward, backward = room > 0, flow > 0
    start = np.concatenate([tail[forward], head[backward]])
    end = np.concatenate([head[forward], tail[backward]])
    order, first = counted(start, nodes)
    return first, end[order], np.concatenate([price[forward], -price[backward]])[order]


@compiled
def _distances(source: int, first: Ints, head: Ints, cost: Ints) -> Ints:
    """Shortest distances by Bellman-Ford with a queue; an optimal flow leaves no negative cycle."""
    nodes = len(first) - 1
    distance = np.full(nodes, FAR)
    distance[source] = 0
    queue, waiting = np.empty(nodes, np.int64), np.zeros(nodes, np.bool_)
    queue[0], waiting[source] = source, True
    front, length = 0, 1
    while length > 0:
        node = queue[front]
        front, length = (front + 1) % nodes, length - 1
        waiting[node] = False
        for a in range(first[node], first[node + 1]):
            d = distance[node] + cost[a]
            if d < distance[head[a]]:
                distance[head[a]] = d
                if not waiting[head[a]]:
                    waiting[head[a]] = True
                    queue[(front + length) % nodes] = head[a]
                    length += 1
    return distance
