"""Among all optimal plans the one that asks the people asked least; the rest decided by the seeded draw.

Complementary slackness describes every optimal plan at once: with optimal prices, a plan is optimal exactly
when it uses only tight pairs (cost + person price = unit price), uses everybody whose price is positive, and
leaves heads open only where the open head is tight. That is again a flow, small and with a cost of its own:
served duties first, then a draw per pair from the seed and lasting keys, so that the order of rows decides
nothing. (Two plans of equal draws remain possible in principle; 2**-bits apart in practice.)
"""

from __future__ import annotations

import numpy as np

from volunteer_hub.engine.candidates import Arcs, Pool
from volunteer_hub.engine.floors import Family
from volunteer_hub.engine.flow import Solution, locked_arcs, minimum_cost_flow
from volunteer_hub.engine.problem import Bools, Ints, Problem
from volunteer_hub.engine.terms import Penalties, draw
from volunteer_hub.engine.units import Units

MOST_BITS = 30  # of the draw
COST_BITS = 60  # what the solver can hold, less the bits of the number of nodes it multiplies by


def fairest(
    problem: Problem, units: Units, pool: Pool, penalty: Penalties, solution: Solution, seed: int,
    family: Family | None = None,
) -> Arcs:  # fmt: skip
    """An optimal assignment with the least sum of `served`, unique up to equal draws. `family`: sets of which
    only so many may be taken. Raises FlowFailed."""
    arcs = tight_arcs(problem, units, pool, penalty, solution)
    if len(arcs) == len(solution.arcs):
        return solution.arcs  # nothing to choose
    family = family or Family(np.full(len(pool), -1), arcs.unit[:0], arcs.unit[:0])
    people, node = np.unique(arcs.position, return_inverse=True)
    U, P, A = len(units), len(people), len(arcs)
    sink = U + P + len(family.most)
    heads, tail_open, room_open = _open_heads(units, penalty, solution.unit_price)
    own = solution.person_price[people] - family.people_share(solution.floor_price)[people]
    ends = _Ends(sink, heads, arcs.unit, U + node)
    onward = np.where(family.leaf >= 0, U + P + family.leaf, sink)[people]
    around = np.where(family.parent >= 0, U + P + family.parent, sink)
    ends.through(U + np.arange(P), onward, np.ones(P, np.int64), own > 0)
    ends.through(U + P + np.arange(len(around)), around, family.most, solution.floor_price > 0)
    ends.through(tail_open, np.full(len(tail_open), sink), room_open, np.zeros(len(tail_open), np.bool_))
    price = np.zeros(len(ends.tail), np.int64)
    price[:A] = _preference(problem, units, pool, arcs, seed, sink + 1)
    used = minimum_cost_flow(ends.tail, ends.head, ends.capacity, price, ends.supply)[:A] > 0
    return arcs.only(used)


class _Ends:
    """A network that grows: arcs, and what each node sends (below 0: takes)."""

    def __init__(self, sink: int, heads: Ints, tail: Ints, head: Ints) -> None:
        self.tail, self.head, self.capacity = tail, head, np.ones(len(tail), np.int64)
        self.supply = np.zeros(sink + 1, np.int64)
        self.supply[: len(heads)] = heads
        self.supply[sink] = -heads.sum()

    def through(self, tail: Ints, head: Ints, capacity: Ints, full: Bools) -> None:
        """Arcs, of which those that are `full` carry all they can whatever the price: what they carry is
        taken off at their tail and given out at their head."""
        np.subtract.at(self.supply, tail[full], capacity[full])
        np.add.at(self.supply, head[full], capacity[full])
        self.tail = np.concatenate([self.tail, tail[~full]])
        self.head = np.concatenate([self.head, head[~full]])
        self.capacity = np.concatenate([self.capacity, capacity[~full]])


def tight_arcs(problem: Problem, units: Units, pool: Pool, penalty: Penalties, solution: Solution) -> Arcs:
    """Every allowed pair, locked ones included, whose reduced cost is zero."""
    tight, _ = pool.under_price(solution.unit_price + 1, solution.person_price)
    decided = locked_arcs(problem, units, pool, penalty)
    slack = decided.cost + solution.person_price[decided.position] - solution.unit_price[decided.unit]
    return tight + decided.only(slack == 0)


def _open_heads(units: Units, penalty: Penalties, unit_price: Ints) -> tuple[Ints, Ints, Ints]:
    """Heads left to fill once those open in every optimal plan are taken off, and the arcs (tail, capacity)
    of heads that may stay open."""
    heads = units.heads.copy()
    tails, rooms = [], []
    tiers = (
        (units.heads - units.minimum, penalty.short_target),
        (units.minimum, penalty.short_minimum),
    )
    for room, price in tiers:
        heads -= np.where(price < unit_price, room, 0)
        tied: Bools = (price == unit_price) & (room > 0)
        tails.append(np.flatnonzero(tied))
        rooms.append(room[tied])
    return heads, np.concatenate(tails), np.concatenate(rooms)


def _preference(problem: Problem, units: Units, pool: Pool, arcs: Arcs, seed: int, nodes: int) -> Ints:
    """served x (more than all draws together) + draw, with as many bits of draw as the solver can hold."""
    person = pool.order[arcs.position]
    served = problem.people.served[person]
    heads = int(units.heads.sum()) + 1
    taken = nodes.bit_length() + heads.bit_length() + int(served.max(initial=0)).bit_length()
    bits = max(0, min(MOST_BITS, COST_BITS - taken))
    draws = draw(seed, problem.people.key[person], problem.slots.key[units.slot[arcs.unit]], bits)
    return served * (heads << bits) + draws
