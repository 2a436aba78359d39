"""No one alone: nobody or at least two."""

from __future__ import annotations

import numpy as np

from volunteer_hub.engine.roster.model import INFINITE, Model


def rule(model: Model) -> None:
    """Heads >= 2 x staffed in slots that ask for it."""
    roster = model.goal.roster
    asking = np.flatnonzero(roster.duties.pair_up)
    if not len(asking):
        return
    row_of = np.full(len(roster.duties), -1)
    row_of[asking] = model.rows(len(asking), 0.0, INFINITE)
    mine = np.flatnonzero(row_of[roster.pairs.slot] >= 0)
    model.put(row_of[roster.pairs.slot[mine]], model.head[mine], 1.0)
    model.put(row_of[asking], model.staffed[asking], -2.0)
