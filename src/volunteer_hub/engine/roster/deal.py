"""Cheaper plans by dealing anew: a few people put some of their duties together and share them out as well as
they can.

The best deal is found by branch and bound in compiled code, in a thousandth of the time a solver needs for
it. Where a branch cannot pay is said by tables of what each person could still earn from the duties that are
left, at the prices of the relaxation and within the capacity that is left (the bound of knapsack.py, for the
group alone). Deals as good as the present one are taken too: they lead elsewhere. It begins with a plan that
keeps every rule and keeps them all; only for rosters whose rules concern one person (schedule.plain) and
whose goal is pair costs alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from volunteer_hub.engine.clock import stop_after
from volunteer_hub.engine.compiled import compiled, inner
from volunteer_hub.engine.problem import Bools, Floats, Ints
from volunteer_hub.engine.roster.flat import Flat
from volunteer_hub.engine.roster.guide import Guide
from volunteer_hub.engine.roster.serving import Serving, has_time, leave, serving, take

PEOPLE = 10  # at most in a group
DUTIES = 40  # at most on the table
NODES = 3_000  # of one search
WIDTH = 1_000  # of a table of earnings; beyond, capacity is counted in coarser units


class _Table(NamedTuple):
    """The duties on the table (first index) and the members of the group (second)."""

    members: Ints
    heads: Ints
    rows: Ints  # -1 where the member cannot
    order: Ints  # members, the least added cost first
    earns: Floats  # [members, duties + 1, WIDTH] at most, from this duty on, by capacity left in `unit`s
    who: Ints  # in the search
    tried: Ints  # how many members
    best: Ints


def dealt(flat: Flat, guide: Guide, chosen: Ints, seconds: float, seed: int) -> Ints:
    """The chosen rows after dealing for so many seconds."""
    with stop_after(seconds) as stop:
        return deal(flat, guide, chosen, 1 << 40, seed, stop) if len(chosen) else chosen


@compiled
def deal(flat: Flat, guide: Guide, chosen: Ints, groups: int, seed: int, stop: Bools) -> Ints:
    """The chosen rows after so many groups have dealt, never dearer than before. Another thread may set
    stop[0] to end it."""
    np.random.seed(seed)
    state = serving(flat, chosen)
    table = _Table(
        np.empty(PEOPLE, np.int64),
        np.empty(DUTIES, np.int64),
        np.empty((DUTIES, PEOPLE), np.int64),
        np.empty((DUTIES, PEOPLE), np.int64),
        np.empty((PEOPLE, DUTIES + 1, WIDTH), np.float64),
        np.empty(DUTIES, np.int64),
        np.empty(DUTIES, np.int64),
        np.empty(DUTIES, np.int64),
    )
    for _ in range(groups):
        if stop[0]:
            break
        members = _members(flat, guide, state, table)
        if members > 1:
            duties = _put_down(flat, state, table, members)
            _share_out(flat, guide, state, table, duties, members)
            for d in range(duties):
                take(flat, state, table.heads[d], table.best[d])
    return state.served


@inner
def _members(flat: Flat, guide: Guide, state: Serving, table: _Table) -> int:
    """People met by walking from a duty to somebody it would suit and on to a duty of theirs."""
    wanted = np.random.randint(2, PEOPLE + 1)
    row = state.served[np.random.randint(len(state.served))]
    table.members[0] = flat.person[row]
    count = 1
    for _ in range(4 * PEOPLE):
        if count == wanted:
            break
        into = guide.near[flat.slot[row], np.random.randint(guide.near.shape[1])]
        if into >= 0 and not (table.members[:count] == flat.person[into]).any():
            table.members[count] = flat.person[into]
            count += 1
        p = table.members[np.random.randint(count)]
        if state.duties[p] > 0:
            row = state.kept[flat.room[p] + np.random.randint(state.duties[p])]
    return count


@inner
def _put_down(flat: Flat, state: Serving, table: _Table, members: int) -> int:
    """The members put duties on the table by turns, in random order, until it is full or they have none.
    table.best holds the rows they had."""
    duties, before = 0, -1
    while duties < DUTIES and duties > before:
        before = duties
        for m in range(members):
            p = table.members[m]
            if state.duties[p] > 0 and duties < DUTIES:
                row = state.kept[flat.room[p] + np.random.randint(state.duties[p])]
                leave(flat, state, row)
                table.heads[duties], table.best[duties] = state.head[row], row
                duties += 1
    return duties


@inner
def _share_out(flat: Flat, guide: Guide, state: Serving, table: _Table, duties: int, members: int) -> None:
    """The cheapest deal becomes table.best, by depth first search; the duties that matter most come first."""
    left, room = np.zeros(members, np.int64), np.zeros(members, np.int64)
    for m in range(members):
        p = table.members[m]
        left[m], room[m] = flat.capacity[p] - state.used[p], flat.max_duties[p] - state.duties[p]
    cost, unit = _lay_out(flat, guide, state, table, duties, members, left)
    prices, paid = 0.0, 0
    for d in range(duties):
        prices += guide.price[flat.slot[table.best[d]]]
    earned = np.zeros(members)
    d, nodes = int(np.int64(0)), 0
    table.tried[0], table.who[0] = 0, -1
    while d >= 0 and nodes < NODES:
        nodes += 1
        if table.who[d] >= 0:  # take back
            row, m = table.rows[d, table.who[d]], table.who[d]
            left[m] += flat.load[row]
            room[m] += 1
            earned[m] -= guide.price[flat.slot[row]] - flat.cost[row]
            paid -= flat.cost[row]
        m = _next_member(flat, guide, table, d, members, left, room, earned, prices - cost, unit)
        table.who[d] = m
        if m < 0:
            d -= 1
            continue
        row = table.rows[d, m]
        left[m] -= flat.load[row]
        room[m] -= 1
        earned[m] += guide.price[flat.slot[row]] - flat.cost[row]
        paid += flat.cost[row]
        if d + 1 < duties:
            d += 1
            table.tried[d], table.who[d] = 0, -1
        elif paid <= cost:
            for e in range(duties):
                table.best[e] = table.rows[e, table.who[e]]
            cost = paid - 1  # from now on only cheaper ones


@inner
def _lay_out(
    flat: Flat, guide: Guide, state: Serving, table: _Table, duties: int, members: int, left: Ints
) -> tuple[int, int]:
    """Fill the table, the duties in an order by chance in which heavy ones come early. What the present deal
    costs, and the unit of capacity in the tables of earnings."""
    weight = np.empty(duties)
    for d in range(duties):
        weight[d] = -flat.load[table.best[d]] * np.random.random()
    heads, rows = table.heads[:duties].copy(), table.best[:duties].copy()
    for d, before in enumerate(_ascending(weight)):
        table.heads[d], table.best[d] = heads[before], rows[before]
    cost, nobody = 0, int(np.int64(-1))
    added, loads = np.empty(members), np.zeros(members, np.int64)
    for d in range(duties):
        cost += flat.cost[table.best[d]]
        slot = flat.slot[table.best[d]]
        for m in range(members):
            p = table.members[m]
            row = guide.row_of[p, slot]
            if row >= 0 and (state.place[row] >= 0 or not has_time(flat, state, p, slot, nobody)):
                row = -1
            table.rows[d, m] = row
            added[m] = guide.added[row] if row >= 0 else np.inf
            loads[m] += flat.load[row] if row >= 0 else 0
        table.order[d, :members] = _ascending(added)
    unit = int(np.int64(1))
    for m in range(members):
        left[m] = min(left[m], loads[m])
        unit = max(unit, left[m] // (WIDTH - 1) + 1)
    for m in range(members):
        _earnings(flat, guide, table, duties, m, left[m], unit)
    return cost, unit


@inner
def _ascending(value: Floats) -> Ints:
    """Indices by value. There are few: insertion is as quick as any sort, and compiled sooner."""
    order = np.empty(len(value), np.int64)
    for i in range(len(value)):
        at = i
        while at > 0 and value[order[at - 1]] > value[i]:
            order[at] = order[at - 1]
            at -= 1
        order[at] = i
    return order


@inner
def _earnings(flat: Flat, guide: Guide, table: _Table, duties: int, m: int, left: int, unit: int) -> None:
    """Loads rounded down and capacity up, so that nobody could earn more."""
    width = -(-left // unit) + 1
    earns = table.earns[m]
    for c in range(width):
        earns[duties, c] = 0.0
    for d in range(duties - 1, -1, -1):
        gain, load, row = 0.0, width, table.rows[d, m]
        if row >= 0:
            gain, load = guide.price[flat.slot[row]] - flat.cost[row], flat.load[row] // unit
        for c in range(width):
            earns[d, c] = earns[d + 1, c]
            if c >= load and gain > 0:
                earns[d, c] = max(earns[d, c], earns[d + 1, c - load] + gain)


@inner
def _next_member(
    flat: Flat,
    guide: Guide,
    table: _Table,
    d: int,
    members: int,
    left: Ints,
    room: Ints,
    earned: Floats,
    needed: float,
    unit: int,
) -> int:
    """Who may take the duty next so that all together could still earn what is needed, -1 if nobody else."""
    without = 0.0
    for k in range(members):
        without += earned[k] + table.earns[k, d + 1, -(-left[k] // unit)]
    while table.tried[d] < members:
        m = table.order[d, table.tried[d]]
        table.tried[d] += 1
        row = table.rows[d, m]
        if row < 0:
            return -1
        if flat.load[row] > left[m] or room[m] < 1:
            continue
        gain = guide.price[flat.slot[row]] - flat.cost[row]
        after = table.earns[m, d + 1, -(-(left[m] - flat.load[row]) // unit)]
        could = without + gain + after - table.earns[m, d + 1, -(-left[m] // unit)]
        if could >= needed - 1e-6 and _apart(flat, table, d, m):
            return int(m)
    return -1


@inner
def _apart(flat: Flat, table: _Table, d: int, m: int) -> bool:
    """Does no duty dealt to the member so far clash with this one?"""
    row = table.rows[d, m]
    against = flat.clash[flat.rested[table.members[m]], flat.slot[row]]
    for e in range(d):
        if table.who[e] == m:
            other = flat.slot[table.rows[e, m]]
            if other == flat.slot[row] or against[other]:
                return False
    return True
