"""Cheaper plans by simulated annealing (Kirkpatrick, Gelatt & Vecchi 1983): duties move to other people, and
two people swap duties, far faster than a programme could say whether that pays.

Times are kept strictly. Loads may exceed a capacity for a price per minute that rises while somebody carries
too much and falls while nobody does, as the penalty of Yagiura, Ibaraki & Glover (2006) for generalised
assignment: the search walks along the edge of what is allowed. Heads open at the start stay open. Only for
rosters whose rules concern one person (schedule.plain) and whose goal is pair costs and calls.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from volunteer_hub.engine.clock import Clock
from volunteer_hub.engine.compiled import compiled
from volunteer_hub.engine.problem import Bools, Floats, Ints, Options
from volunteer_hub.engine.roster.flat import Flat, flatten
from volunteer_hub.engine.roster.goal import Goal
from volunteer_hub.engine.roster.mip import Relaxation
from volunteer_hub.engine.roster.schedule import plain

ADAPT_EVERY = 2_000  # moves between two looks at the overload
STEP = 1.02  # of the price of overload
NEAR = 5  # rows worth trying per slot
TRIAL = 20_000  # moves that tell how many fit
MOST_ROWS = 5_000_000  # people x slots of the table of rows


def annealed(goal: Goal, relaxed: Relaxation, chosen: Ints, clock: Clock, options: Options) -> Ints | None:
    """Rows with every head filled and no rule broken, None if none were met or the roster is not of the kind.
    The rows that the relaxation prices low are the ones tried."""
    roster, flat = goal.roster, flatten(goal.roster)
    pairs, slots = roster.pairs, len(roster.duties)
    if flat is None or not _suits(goal) or len(roster.crew) * slots > MOST_ROWS:
        return None
    row_of = np.full((len(roster.crew), slots), -1)
    row_of[pairs.person, pairs.slot] = np.arange(len(pairs))
    reduced = relaxed.reduced[: len(pairs)]
    order, rank = _ranked(flat, reduced)
    near = np.full((slots, NEAR), -1)
    near[pairs.slot[order[rank < NEAR]], rank[rank < NEAR]] = order[rank < NEAR]
    if not flat.clash.any():  # no rule but loads, which may be broken at the start
        order, rank = _ranked(flat, -relaxed.x[: len(pairs)])
        chosen = order[rank < flat.target[pairs.slot[order]]]
    second = near[:, 1:][near[:, 1:] >= 0]
    typical = float(np.median(reduced[second])) if len(second) else 1.0
    hot = max(0.3 * typical, 0.05)
    price = max(1.0, typical)
    once = partial(anneal, flat, row_of, near, goal.call_cost, chosen, hot, hot / 10, price)
    return _repeat(once, clock, options.seed)


def _ranked(flat: Flat, value: Floats) -> tuple[Ints, Ints]:
    """Rows by slot and then by value, and the rank of each within its slot."""
    order = np.lexsort((value, flat.slot))
    return order, np.arange(len(order)) - flat.first[flat.slot[order]]


def _repeat(once: Callable[[int, int, Bools], tuple[Ints, int]], clock: Clock, seed: int) -> Ints | None:
    """A short run to learn the speed, then longer ones that fit the time; the best of all."""
    best, found = None, None
    started, moves, stop = time.monotonic(), TRIAL, np.zeros(1, np.bool_)
    timer = threading.Timer(max(clock.left, 0.0), stop.fill, (True,))
    timer.start()
    while clock.left > 0:
        rows, cost = once(moves, seed, stop)
        if cost >= 0 and (best is None or cost < best):
            best, found = cost, rows
        seconds = time.monotonic() - started
        moves = int(min(max(moves * clock.left / max(seconds, 1e-3), TRIAL), 30 * moves))
        started, seed = time.monotonic(), seed + 1
    timer.cancel()
    return found


def _suits(goal: Goal) -> bool:
    calls = all(tally.kind == "once" and tally.group is goal.roster.pairs.person for tally in goal.tallies)
    return plain(goal.roster) and calls


class _State(NamedTuple):
    """Who serves what. Person p's rows are kept[room[p]:room[p] + duties[p]]."""

    kept: Ints
    place: Ints  # [N] where a row is kept, -1 if it is not chosen
    head: Ints  # [N] the head a chosen row fills
    duties: Ints  # [P] how many
    used: Ints  # [P] load
    served: Ints  # [H] the row on each head
    total: Ints  # [cost, overload]


@compiled
def anneal(
    flat: Flat,
    row_of: Ints,
    near: Ints,
    call_cost: Ints,
    chosen: Ints,
    hot: float,
    cold: float,
    price: float,
    moves: int,
    seed: int,
    stop: Bools,
) -> tuple[Ints, int]:
    """The best allowed rows met and their cost, -1 if none were allowed.

    row_of: [P, S] the row of a pair or -1. near: [S, K] rows worth trying for a slot, -1 where fewer. hot
    and cold: temperatures in units of cost. price: of a minute of overload at the start. Another thread may
    set stop[0] to end it.
    """
    np.random.seed(seed)
    P, N = len(flat.rested), len(flat.person)
    state = _State(
        np.empty(N, np.int64),
        np.full(N, -1),
        np.full(N, -1),
        np.zeros(P, np.int64),
        np.zeros(P, np.int64),
        chosen.copy(),
        np.zeros(2, np.int64),
    )
    _begin(flat, state, call_cost)
    best, best_cost = chosen.copy(), 1 << 60
    heat, cooling = hot, (cold / hot) ** (1.0 / max(1, moves // ADAPT_EVERY))
    for move in range(moves):
        if move % ADAPT_EVERY == 0:
            if stop[0]:
                break
            heat *= cooling
            price = max(1e-3, price * STEP if state.total[1] > 0 else price / STEP)
        row = state.served[np.random.randint(len(chosen))]
        into = near[flat.slot[row], np.random.randint(near.shape[1])]
        if into < 0 or state.place[into] >= 0:
            continue
        if np.random.random() < 0.5 or state.duties[flat.person[into]] == 0:
            _shift(flat, state, call_cost, row, into, price, heat)
        else:
            _swap(flat, state, row_of, row, into, price, heat)
        if state.total[1] == 0 and state.total[0] < best_cost:
            best_cost = state.total[0]
            best[:] = state.served
    return best, best_cost if best_cost < 1 << 60 else -1


@compiled
def _begin(flat: Flat, state: _State, call_cost: Ints) -> None:
    for h in range(len(state.served)):
        row = state.served[h]
        state.head[row] = h
        _join(flat, state, row)
        state.total[0] += flat.cost[row]
    for p in range(len(state.used)):
        state.total[0] += call_cost[p] * (state.duties[p] > 0)
        state.total[1] += max(0, state.used[p] - flat.capacity[p])


@compiled
def _join(flat: Flat, state: _State, row: int) -> None:
    p = flat.person[row]
    state.place[row] = flat.room[p] + state.duties[p]
    state.kept[state.place[row]] = row
    state.duties[p] += 1
    state.used[p] += flat.load[row]


@compiled
def _replace(flat: Flat, state: _State, out: int, into: int) -> None:
    """On its head, the row `into` takes the place of the row `out`."""
    p = flat.person[out]
    state.duties[p] -= 1
    last = state.kept[flat.room[p] + state.duties[p]]
    state.kept[state.place[out]], state.place[last] = last, state.place[out]
    state.place[out] = -1
    state.used[p] -= flat.load[out]
    _join(flat, state, into)
    state.head[into] = state.head[out]
    state.served[state.head[into]] = into


@compiled
def _shift(
    flat: Flat, state: _State, call_cost: Ints, row: int, into: int, price: float, heat: float
) -> None:
    """Somebody else takes over the duty, if that is accepted."""
    p, q = flat.person[row], flat.person[into]
    if state.duties[q] >= flat.max_duties[q] or not _has_time(flat, state, q, flat.slot[row], -1):
        return
    calls = call_cost[q] * (state.duties[q] == 0) - call_cost[p] * (state.duties[p] == 1)
    dearer = flat.cost[into] - flat.cost[row] + calls
    over = _overload(flat, state, q, flat.load[into]) + _overload(flat, state, p, -flat.load[row])
    if _accept(dearer + price * over, heat):
        _replace(flat, state, row, into)
        state.total[0] += dearer
        state.total[1] += over


@compiled
def _swap(flat: Flat, state: _State, row_of: Ints, row: int, into: int, price: float, heat: float) -> None:
    """Somebody else takes over the duty and gives one of theirs for it, if that is accepted."""
    p, q = flat.person[row], flat.person[into]
    given = state.kept[flat.room[q] + np.random.randint(state.duties[q])]
    back = row_of[p, flat.slot[given]]
    if back < 0 or state.place[back] >= 0:
        return
    if not _has_time(flat, state, q, flat.slot[row], given) or not _has_time(
        flat, state, p, flat.slot[given], row
    ):
        return
    dearer = flat.cost[into] + flat.cost[back] - flat.cost[row] - flat.cost[given]
    over = _overload(flat, state, q, flat.load[into] - flat.load[given])
    over += _overload(flat, state, p, flat.load[back] - flat.load[row])
    if _accept(dearer + price * over, heat):
        _replace(flat, state, row, into)
        _replace(flat, state, given, back)
        state.total[0] += dearer
        state.total[1] += over


@compiled
def _has_time(flat: Flat, state: _State, person: int, slot: int, apart_from: int) -> bool:
    """Does no duty of the person clash with the slot, apart from one row?"""
    against = flat.clash[flat.rested[person], slot]
    for at in range(flat.room[person], flat.room[person] + state.duties[person]):
        row = state.kept[at]
        if row != apart_from and against[flat.slot[row]]:
            return False
    return True


@compiled
def _overload(flat: Flat, state: _State, person: int, change: int) -> int:
    """How much more overload a change of the person's load means."""
    room = flat.capacity[person] - state.used[person]
    return int(max(0, change - room) - max(0, -room))


@compiled
def _accept(dearer: float, heat: float) -> bool:
    return bool(dearer <= 0 or np.random.random() < np.exp(-dearer / heat))
