"""A sharper bound where capacity is scarce: each person packs the duties that pay most into their capacity.

Lagrangian relaxation (Fisher, Jaikumar & Van Wassenhove 1986): a filled head of a slot pays its price, each
person takes the set of duties that pays most for what it costs, found by dynamic programming over loads, and
the prices move towards such as fill every head once (subgradients, Held, Wolfe & Crowder 1974). Unlike the
linear relaxation it knows that nobody serves half a duty. By tables from both ends it says as well what
choosing a pair adds to the bound (Posta, Ferland & Michelon 2012). All rules but coverage and capacity are
left out, so the bound holds with any of them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from volunteer_hub.engine.clock import Clock
from volunteer_hub.engine.compiled import compiled, inner
from volunteer_hub.engine.problem import Floats, Ints
from volunteer_hub.engine.roster.goal import Goal
from volunteer_hub.engine.roster.mip import Relaxation
from volunteer_hub.engine.roster.problem import Roster

MOST_CELLS = 5_000_000  # of one person's table, duties x capacity
MOST_WORK = 150_000_000  # cells of all tables
ROUNDS = 1_000
PATIENCE = 15  # rounds without a better bound until the step shrinks
SHRINK = 0.7
AIM = 0.01  # the bound hopes to rise by this share at most
MEMORY = 0.7  # of earlier directions
SHORTEST = 1e-3  # step at which the prices have settled
GRAIN = 65536.0  # prices are multiples of its inverse: sums of them are exact


class Sacks(NamedTuple):
    """People p with the rows first[p]:first[p + 1], each with cost and load; who is called at all costs."""

    first: Ints
    slot: Ints
    cost: Ints
    load: Ints
    capacity: Ints
    call: Ints
    target: Ints  # [S]


def packed(goal: Goal, relaxed: Relaxation, value: int, clock: Clock) -> Relaxation | None:
    """The relaxation of plans that fill every head with its bound raised and, as reduced costs, what each
    pair adds to it; None where that does not pay: the roster is too large, has organisations, or other rules
    than capacity matter more. value: the cost of a plan, to aim at."""
    sacks = _sacks(goal)
    if sacks is None:
        return None
    # Coverage has the first rows of a programme without organisations.
    price = np.round(relaxed.dual[: len(sacks.target)] * GRAIN) / GRAIN
    best, kept = -np.inf, price
    taken, course, step, since = np.zeros(len(sacks.slot)), np.zeros(len(price)), 1.0, 0
    for _ in range(ROUNDS):
        bound = float((sacks.target * price).sum()) + _pack(sacks, price, taken)
        if bound > best:
            best, kept, since = bound, price, 0
        if best < relaxed.bound - 1.0:  # with no rule but capacity it begins at the relaxation's bound
            return None
        since += 1
        wrong = sacks.target.astype(np.float64) - np.bincount(sacks.slot, taken, len(price))
        course = MEMORY * course + (1 - MEMORY) * wrong
        if since > PATIENCE:
            step, since, price, course = step * SHRINK, 0, kept, wrong
        length = float((course**2).sum())
        if clock.left <= 0 or step < SHORTEST or length < 1e-9 or best > value - 1:
            break
        further = step * max(min(value, best + AIM * abs(best)) - bound, 1.0) / length
        price = np.round((price + further * course) * GRAIN) / GRAIN
    dual = np.concatenate([kept, relaxed.dual[len(kept) :]])
    return replace(relaxed, bound=best, reduced=_added(sacks, kept), dual=dual)


def _sacks(goal: Goal) -> Sacks | None:
    roster = goal.roster
    if (roster.crew.most > 1).any() or not len(roster.pairs):
        return None
    load, capacity = _in_units(roster)
    cells = np.diff(roster.first) * (capacity + 1)
    if cells.max(initial=0) > MOST_CELLS or cells.sum() > MOST_WORK:
        return None
    pairs = roster.pairs
    return Sacks(roster.first, pairs.slot, pairs.cost, load, capacity, goal.call_cost, roster.duties.target)


def _in_units(roster: Roster) -> tuple[Ints, Ints]:
    """Loads and capacities in the greatest common unit of the loads; nobody carries more than all."""
    load = roster.pairs.load
    unit = max(int(np.gcd.reduce(load)), 1)
    everything = np.bincount(roster.pairs.person, load, len(roster.crew)).astype(np.int64)
    return load // unit, np.minimum(roster.crew.capacity, everything) // unit


@compiled
def _pack(sacks: Sacks, price: Floats, taken: Floats) -> float:
    """What all sets cost less what they earn; taken[row] becomes 1 where a set has the row, else 0."""
    taken[:] = 0.0
    widths = sacks.first[1:] - sacks.first[:-1]
    table = np.zeros((widths.max() + 1, sacks.capacity.max() + 1))
    total = 0.0
    for p in range(len(sacks.capacity)):
        rows, earns = _paying(sacks, price, p)
        room = sacks.capacity[p]
        _fill(sacks, rows, earns, room, table)
        if table[len(rows), room] <= sacks.call[p]:
            continue
        total += sacks.call[p] - table[len(rows), room]
        for k in range(len(rows) - 1, -1, -1):
            if table[k + 1, room] != table[k, room]:
                taken[rows[k]] = 1.0
                room -= sacks.load[rows[k]]
    return total


@inner
def _paying(sacks: Sacks, price: Floats, p: int) -> tuple[Ints, Floats]:
    """The rows of a person that earn something and can be carried, and what they earn."""
    rows = np.arange(sacks.first[p], sacks.first[p + 1])
    earns = price[sacks.slot[rows]] - sacks.cost[rows]
    pays = (earns > 0) & (sacks.load[rows] <= sacks.capacity[p])
    return rows[pays], earns[pays]


@inner
def _fill(sacks: Sacks, rows: Ints, earns: Floats, room: int, table: Floats) -> None:
    """table[k, c]: the most that the first k rows earn within load c."""
    for c in range(room + 1):
        table[0, c] = 0.0
    for k in range(len(rows)):
        load, earned, before, after = sacks.load[rows[k]], earns[k], table[k], table[k + 1]
        for c in range(min(load, room + 1)):
            after[c] = before[c]
        for c in range(load, room + 1):
            after[c] = max(before[c], before[c - load] + earned)


@compiled
def _added(sacks: Sacks, price: Floats) -> Floats:
    """[N] what choosing each pair adds to the bound at these prices, infinite where it cannot be carried."""
    widths = sacks.first[1:] - sacks.first[:-1]
    before = np.zeros((widths.max() + 1, sacks.capacity.max() + 1))
    after = np.zeros((widths.max() + 1, sacks.capacity.max() + 1))
    added = np.full(len(sacks.slot), np.inf)
    for p in range(len(sacks.capacity)):
        rows, earns = _paying(sacks, price, p)
        room, count = sacks.capacity[p], len(rows)
        _fill(sacks, rows, earns, room, before)
        _fill(sacks, rows[::-1].copy(), earns[::-1].copy(), room, after)
        most = max(before[count, room] - sacks.call[p], 0.0)
        for row in range(sacks.first[p], sacks.first[p + 1]):
            if sacks.load[row] <= room:
                own = price[sacks.slot[row]] - sacks.cost[row] - sacks.call[p]
                added[row] = most - own - before[count, room - sacks.load[row]]
        for k in range(count):
            left = room - sacks.load[rows[k]]
            others = (before[k, : left + 1] + after[count - 1 - k, : left + 1][::-1]).max()
            added[rows[k]] = most - (earns[k] - sacks.call[p]) - others
    return added
