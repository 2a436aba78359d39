"""Filling open heads by ejection: put a person on an open head, throw out the duties in the way, go on.

Tabu search on partial assignments, as PartialCol colours graphs (Bloechliger & Zufferey 2008): the state is
always allowed, the goal is that no head is open. A step takes an open slot and the person whose ejected
duties weigh least, and forbids the ejected duties to return to that person for a while. Slots that stay open
grow heavier (Morris 1993), so that the search leaves where it is stuck. Only for rosters whose rules concern
one person (schedule.plain).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from volunteer_hub.engine.compiled import compiled, inner
from volunteer_hub.engine.problem import Bools, Ints
from volunteer_hub.engine.roster.flat import Flat

SLOTS_TRIED = 2  # open slots looked at per step
TENURE = 10


class _State(NamedTuple):
    """Who serves what. Person p's rows are kept[room[p]:room[p] + duties[p]]."""

    kept: Ints
    duties: Ints  # [P] how many
    used: Ints  # [P] load
    serving: Bools  # [N]
    open_heads: Ints  # [S]
    waiting: Ints  # the open slots, total[1] of them
    place: Ints  # [S] where in `waiting`
    weight: Ints  # [S]
    tabu: Ints  # [N] step until which the row must not return
    total: Ints  # [open heads, open slots]


def fill(flat: Flat, chosen: Ints, active: Bools, steps: int, seed: int, stop: Bools) -> tuple[Ints, int]:
    """Search from the chosen rows (of active people) for at most so many steps: the rows with the fewest open
    heads met, and how many those are. Another thread may set stop[0] to end it."""
    S, P, N = len(flat.target), len(flat.rested), len(flat.person)
    state = _State(
        kept=np.empty(N, np.int64),
        duties=np.zeros(P, np.int64),
        used=np.zeros(P, np.int64),
        serving=np.zeros(N, np.bool_),
        open_heads=flat.target.copy(),
        waiting=np.empty(S, np.int64),
        place=np.full(S, -1),
        weight=np.ones(S, np.int64),
        tabu=np.zeros(N, np.int64),
        total=np.zeros(2, np.int64),
    )
    rows, open_heads = _search(flat, state, chosen, active, steps, seed, stop)
    return rows, int(open_heads)


@compiled
def _search(
    flat: Flat, state: _State, chosen: Ints, active: Bools, steps: int, seed: int, stop: Bools
) -> tuple[Ints, int]:
    np.random.seed(seed)
    for s in np.flatnonzero(flat.target):
        state.waiting[state.total[1]], state.place[s] = s, state.total[1]
        state.total[1] += 1
    state.total[0] = flat.target.sum()
    for row in chosen:
        _seat(flat, state, row)
    best, best_serving = state.total[0], state.serving.copy()
    for step in range(1, steps + 1):
        if state.total[0] == 0 or stop[0]:
            break
        row = _best_row(flat, state, active, step, best)
        if row >= 0:
            _make_room(flat, state, row, step)
            _seat(flat, state, row)
        if state.total[0] < best:
            best = state.total[0]
            best_serving[:] = state.serving
    return np.flatnonzero(best_serving), int(best)


@inner
def _seat(flat: Flat, state: _State, row: int) -> None:
    """The person takes the duty."""
    p, s = flat.person[row], flat.slot[row]
    state.kept[flat.room[p] + state.duties[p]] = row
    state.duties[p] += 1
    state.used[p] += flat.load[row]
    state.serving[row] = True
    state.open_heads[s] -= 1
    state.total[0] -= 1
    if state.open_heads[s] == 0:
        state.total[1] -= 1
        last = state.waiting[state.total[1]]
        state.waiting[state.place[s]], state.place[last] = last, state.place[s]
        state.place[s] = -1


@inner
def _eject(flat: Flat, state: _State, at: int, step: int) -> None:
    """The duty kept at a place goes and may not come back for a while."""
    row = state.kept[at]
    p, s = flat.person[row], flat.slot[row]
    state.duties[p] -= 1
    state.kept[at] = state.kept[flat.room[p] + state.duties[p]]
    state.used[p] -= flat.load[row]
    state.serving[row] = False
    state.tabu[row] = step + TENURE + np.random.randint(TENURE) + state.total[1]
    if state.open_heads[s] == 0:
        state.waiting[state.total[1]], state.place[s] = s, state.total[1]
        state.total[1] += 1
    state.open_heads[s] += 1
    state.total[0] += 1


@inner
def _make_room(flat: Flat, state: _State, row: int, step: int) -> None:
    """Eject what clashes, then anything until load and number allow the duty."""
    p, s = flat.person[row], flat.slot[row]
    at = flat.room[p]
    while at < flat.room[p] + state.duties[p]:
        if flat.clash[flat.rested[p], s, flat.slot[state.kept[at]]]:
            _eject(flat, state, at, step)
        else:
            at += 1
    while state.used[p] + flat.load[row] > flat.capacity[p] or state.duties[p] + 1 > flat.max_duties[p]:
        _eject(flat, state, flat.room[p] + np.random.randint(state.duties[p]), step)


@inner
def _best_row(flat: Flat, state: _State, active: Bools, step: int, best: int) -> int:
    """The row for one of a few open slots whose ejected duties weigh least; -1 if all are forbidden."""
    tries = min(state.total[1], SLOTS_TRIED)
    offset = np.random.randint(state.total[1])
    top, found, ties = 1 << 60, -1, 0
    for t in range(tries):
        s = state.waiting[(offset + t) % state.total[1]]
        for k in range(flat.first[s], flat.first[s + 1]):
            row = flat.offer[k]
            p = flat.person[row]
            if (
                not active[p]
                or state.serving[row]
                or flat.load[row] > flat.capacity[p]
                or flat.max_duties[p] < 1
            ):
                continue
            lost = _lost(flat, state, row, top + state.weight[s])
            score = lost - state.weight[s]
            if score > top or (lost > 0 and state.tabu[row] > step and state.total[0] + score >= best):
                continue
            ties = ties + 1 if score == top else 1
            if score < top or np.random.randint(ties) == 0:
                top, found = score, row
    for t in range(tries):
        state.weight[state.waiting[(offset + t) % state.total[1]]] += 1
    return found


@inner
def _lost(flat: Flat, state: _State, row: int, limit: int) -> int:
    """Weight of the duties the person would lose; those that only load or number cost are taken as light.
    Counting stops above the limit."""
    p = flat.person[row]
    against = flat.clash[flat.rested[p], flat.slot[row]]
    lost, used, count = 0, state.used[p] + flat.load[row], state.duties[p] + 1
    for at in range(flat.room[p], flat.room[p] + state.duties[p]):
        other = state.kept[at]
        if against[flat.slot[other]]:
            lost += state.weight[flat.slot[other]]
            used -= flat.load[other]
            count -= 1
            if lost > limit:
                return int(lost)
    if used > flat.capacity[p] or count > flat.max_duties[p]:
        lost += 1 + max(0, used - flat.capacity[p]) // max(1, flat.load[row])
    return int(lost)
