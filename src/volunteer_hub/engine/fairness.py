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
from volunteer_hub.engine.flow import Solution, locked_arcs, minimum_cost_flow
from volunteer_hub.engine.problem import Bools, Ints, Problem
from volunteer_hub.engine.terms import Penalties, draw
from volunteer_hub.engine.units import Units

MOST_BITS = 30  # of the draw
COST_BITS = 60  # what the solver can hold, less the bits of the number of nodes it multiplies by


def fairest(
    problem: Problem, units: Units, pool: Pool, penalty: Penalties, solution: Solution, seed: int
) -> Arcs:
    """An optimal assignment with the least sum of `served`, unique up to equal draws. Raises FlowFailed."""
    arcs = tight_arcs(problem, units, pool, penalty, solution)
    if len(arcs) == len(solution.arcs):
        return solution.arcs  # nothing to choose
    people, node = np.unique(arcs.position, return_inverse=True)
    U, P, A = len(units), len(people), len(arcs)
    must_serve = solution.person_price[people] > 0
    may_serve = np.flatnonzero(~must_serve)
    heads, tail_open, room_open = _open_heads(units, penalty, solution.unit_price)
    sink = U + P
    tail = np.concatenate([arcs.unit, U + may_serve, tail_open])
    head = np.concatenate([U + node, np.full(len(may_serve) + len(tail_open), sink)])
    capacity = np.concatenate([np.ones(A + len(may_serve), np.int64), room_open])
    price = np.zeros(len(tail), np.int64)
    price[:A] = _preference(problem, units, pool, arcs, seed, sink + 1)
    supply = np.concatenate([heads, -must_serve.astype(np.int64), [must_serve.sum() - heads.sum()]])
    used = minimum_cost_flow(tail, head, capacity, price, supply)[:A] > 0
    return arcs.only(used)


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
