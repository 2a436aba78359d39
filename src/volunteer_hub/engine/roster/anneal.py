"""Cheaper plans by simulated annealing (Kirkpatrick, Gelatt & Vecchi 1983): duties move to other people, and
two people swap duties, far faster than a programme could say whether that pays.

Times are kept strictly. Loads may exceed a capacity for a price per minute that rises while somebody carries
too much and falls while nobody does, as the penalty of Yagiura, Ibaraki & Glover (2006) for generalised
assignment: the search walks along the edge of what is allowed. Heads open at the start stay open. Only for
rosters whose rules concern one person (schedule.plain) and whose goal is pair costs and calls.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np

from volunteer_hub.engine.clock import Clock, stop_after
from volunteer_hub.engine.compiled import compiled, inner
from volunteer_hub.engine.problem import Bools, Ints
from volunteer_hub.engine.roster.flat import Flat
from volunteer_hub.engine.roster.goal import Goal
from volunteer_hub.engine.roster.guide import Guide, ranked
from volunteer_hub.engine.roster.mip import Relaxation
from volunteer_hub.engine.roster.serving import Serving, has_time, leave, serving, take

ADAPT_EVERY = 2_000  # moves between two looks at the overload
STEP = 1.02  # of the price of overload
TRIAL = 20_000  # moves that tell how many fit


def annealed(
    goal: Goal, flat: Flat, guide: Guide, relaxed: Relaxation, chosen: Ints, clock: Clock, seed: int
) -> Ints | None:
    """Rows with every head filled and no rule broken, None if none were met or the goal is not of the kind.
    The rows that the relaxation prices low are the ones tried."""
    if not all(tally.kind == "once" and tally.group is goal.roster.pairs.person for tally in goal.tallies):
        return None
    if not flat.clash.any():  # no rule but loads, which may be broken at the start
        order, rank = ranked(flat, -relaxed.x[: len(flat.person)])
        chosen = order[rank < flat.target[flat.slot[order]]]
    second = guide.near[:, 1:][guide.near[:, 1:] >= 0]
    typical = float(np.median(relaxed.reduced[second])) if len(second) else 1.0
    hot = max(0.3 * typical, 0.05)
    price = max(1.0, typical)
    once = partial(anneal, flat, guide.row_of, guide.near, goal.call_cost, chosen, hot, hot / 10, price)
    return _repeat(once, clock, seed)


def _repeat(once: Callable[[int, int, Bools], tuple[Ints, int]], clock: Clock, seed: int) -> Ints | None:
    """A short run to learn the speed, then longer ones that fit the time; the best of all."""
    best, found = None, None
    started, moves = time.monotonic(), TRIAL
    with stop_after(clock.left) as stop:
        while clock.left > 0:
            rows, cost = once(moves, seed, stop)
            if cost >= 0 and (best is None or cost < best):
                best, found = cost, rows
            seconds = time.monotonic() - started
            moves = int(min(max(moves * clock.left / max(seconds, 1e-3), TRIAL), 30 * moves))
            started, seed = time.monotonic(), seed + 1
    return found


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
    state = serving(flat, chosen)
    total = _total(flat, state, call_cost)  # [cost, overload]
    best, best_cost = chosen.copy(), 1 << 60
    heat, cooling = hot, (cold / hot) ** (1.0 / max(1, moves // ADAPT_EVERY))
    for move in range(moves):
        if move % ADAPT_EVERY == 0:
            if stop[0]:
                break
            heat *= cooling
            price = max(1e-3, price * STEP if total[1] > 0 else price / STEP)
        row = state.served[np.random.randint(len(chosen))]
        into = near[flat.slot[row], np.random.randint(near.shape[1])]
        if into < 0 or state.place[into] >= 0:
            continue
        if np.random.random() < 0.5 or state.duties[flat.person[into]] == 0:
            _shift(flat, state, total, call_cost, row, into, price, heat)
        else:
            _swap(flat, state, total, row_of, row, into, price, heat)
        if total[1] == 0 and total[0] < best_cost:
            best_cost = total[0]
            best[:] = state.served
    return best, best_cost if best_cost < 1 << 60 else -1


@inner
def _total(flat: Flat, state: Serving, call_cost: Ints) -> Ints:
    total = np.zeros(2, np.int64)
    for row in state.served:
        total[0] += flat.cost[row]
    for p in range(len(state.used)):
        total[0] += call_cost[p] * (state.duties[p] > 0)
        total[1] += max(0, state.used[p] - flat.capacity[p])
    return total


@inner
def _replace(flat: Flat, state: Serving, out: int, into: int) -> None:
    """On its head, the row `into` takes the place of the row `out`."""
    leave(flat, state, out)
    take(flat, state, state.head[out], into)


@inner
def _shift(
    flat: Flat,
    state: Serving,
    total: Ints,
    call_cost: Ints,
    row: int,
    into: int,
    price: float,
    heat: float,
) -> None:
    """Somebody else takes over the duty, if that is accepted."""
    p, q = flat.person[row], flat.person[into]
    nothing = int(np.int64(-1))
    if state.duties[q] >= flat.max_duties[q] or not has_time(flat, state, q, flat.slot[row], nothing):
        return
    calls = call_cost[q] * (state.duties[q] == 0) - call_cost[p] * (state.duties[p] == 1)
    dearer = flat.cost[into] - flat.cost[row] + calls
    over = _overload(flat, state, q, flat.load[into]) + _overload(flat, state, p, -flat.load[row])
    if _accept(dearer + price * over, heat):
        _replace(flat, state, row, into)
        total[0] += dearer
        total[1] += over


@inner
def _swap(
    flat: Flat, state: Serving, total: Ints, row_of: Ints, row: int, into: int, price: float, heat: float
) -> None:
    """Somebody else takes over the duty and gives one of theirs for it, if that is accepted."""
    p, q = flat.person[row], flat.person[into]
    given = state.kept[flat.room[q] + np.random.randint(state.duties[q])]
    back = row_of[p, flat.slot[given]]
    if back < 0 or state.place[back] >= 0:
        return
    if not has_time(flat, state, q, flat.slot[row], given) or not has_time(
        flat, state, p, flat.slot[given], row
    ):
        return
    dearer = flat.cost[into] + flat.cost[back] - flat.cost[row] - flat.cost[given]
    over = _overload(flat, state, q, flat.load[into] - flat.load[given])
    over += _overload(flat, state, p, flat.load[back] - flat.load[row])
    if _accept(dearer + price * over, heat):
        _replace(flat, state, row, into)
        _replace(flat, state, given, back)
        total[0] += dearer
        total[1] += over


@inner
def _overload(flat: Flat, state: Serving, person: int, change: int) -> int:
    """How much more overload a change of the person's load means."""
    room = flat.capacity[person] - state.used[person]
    return int(max(0, change - room) - max(0, -room))


@inner
def _accept(dearer: float, heat: float) -> bool:
    return bool(dearer <= 0 or np.random.random() < np.exp(-dearer / heat))
