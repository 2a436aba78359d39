"""What the linear relaxation tells the compiled searches."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from volunteer_hub.engine.problem import Floats, Ints
from volunteer_hub.engine.roster.flat import Flat
from volunteer_hub.engine.roster.mip import Relaxation

NEAR = 5  # rows worth trying per slot
MOST_ROWS = 5_000_000  # people x slots of the table of rows


class Guide(NamedTuple):
    """Which pairs are worth trying, and what they and the slots are worth."""

    row_of: Ints  # [P, S] the row of a pair or -1
    near: Ints  # [S, NEAR] the rows that the relaxation prices lowest, -1 where fewer
    added: Floats  # [N] reduced costs, not below 0
    price: Floats  # [S] what filling one more head would cost


def guide_of(flat: Flat, relaxed: Relaxation) -> Guide | None:
    """None where the table of rows would be too large."""
    people, slots, pairs = len(flat.rested), len(flat.target), len(flat.person)
    if people * slots > MOST_ROWS:
        return None
    row_of = np.full((people, slots), -1)
    row_of[flat.person, flat.slot] = np.arange(pairs)
    added = np.maximum(relaxed.reduced[:pairs], 0.0)
    order, rank = ranked(flat, relaxed.reduced[:pairs])
    near = np.full((slots, NEAR), -1)
    near[flat.slot[order[rank < NEAR]], rank[rank < NEAR]] = order[rank < NEAR]
    # Coverage has the first rows of a programme without organisations.
    return Guide(row_of, near, added, relaxed.dual[:slots])


def ranked(flat: Flat, value: Floats) -> tuple[Ints, Ints]:
    """Rows by slot and then by value, and the rank of each within its slot."""
    order = np.lexsort((value, flat.slot))
    return order, np.arange(len(order)) - flat.first[flat.slot[order]]
