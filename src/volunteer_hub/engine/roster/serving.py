"""Who serves what while a compiled search moves heads about."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from volunteer_hub.engine.compiled import inner
from volunteer_hub.engine.problem import Ints
from volunteer_hub.engine.roster.flat import Flat


class Serving(NamedTuple):
    """Person p's rows are kept[room[p]:room[p] + duties[p]]."""

    kept: Ints
    place: Ints  # [N] where a row is kept, -1 if it is not chosen
    head: Ints  # [N] the head a chosen row fills
    duties: Ints  # [P] how many
    used: Ints  # [P] load
    served: Ints  # [H] the row on each head


@inner
def serving(flat: Flat, chosen: Ints) -> Serving:
    """The chosen rows, one head each."""
    P, N = len(flat.rested), len(flat.person)
    state = Serving(
        np.empty(N, np.int64),
        np.full(N, -1),
        np.full(N, -1),
        np.zeros(P, np.int64),
        np.zeros(P, np.int64),
        chosen.copy(),
    )
    for h in range(len(chosen)):
        take(flat, state, h, chosen[h])
    return state


@inner
def take(flat: Flat, state: Serving, head: int, row: int) -> None:
    """The row's person takes the head, which nobody has."""
    p = flat.person[row]
    state.place[row] = flat.room[p] + state.duties[p]
    state.kept[state.place[row]] = row
    state.duties[p] += 1
    state.used[p] += flat.load[row]
    state.head[row] = head
    state.served[head] = row


@inner
def leave(flat: Flat, state: Serving, row: int) -> None:
    """Nobody has the row's head for the moment."""
    p = flat.person[row]
    state.duties[p] -= 1
    last = state.kept[flat.room[p] + state.duties[p]]
    state.kept[state.place[row]], state.place[last] = last, state.place[row]
    state.place[row] = -1
    state.used[p] -= flat.load[row]


@inner
def has_time(flat: Flat, state: Serving, person: int, slot: int, apart_from: int) -> bool:
    """Does no duty of the person clash with the slot, apart from one row?"""
    against = flat.clash[flat.rested[person], slot]
    for at in range(flat.room[person], flat.room[person] + state.duties[person]):
        row = state.kept[at]
        if row != apart_from and against[flat.slot[row]]:
            return False
    return True
