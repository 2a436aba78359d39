"""Buddies and teams kept together: all or none of them, in the same slot."""

from __future__ import annotations

import numpy as np

from volunteer_hub.engine.roster.model import Model


def rule(model: Model) -> None:
    """In each slot every member does as the first one does; a slot closed to one is closed to all."""
    roster = model.goal.roster
    pairs = zip(roster.pairs.person.tolist(), roster.pairs.slot.tolist(), strict=True)
    row_of = {pair: row for row, pair in enumerate(pairs)}
    for team in roster.teams:
        mine = np.concatenate([np.arange(roster.first[p], roster.first[p + 1]) for p in team])
        for slot in np.unique(roster.pairs.slot[mine]).tolist():
            rows = [row_of[p, slot] for p in team if (p, slot) in row_of]
            if len(rows) < len(team):
                model.forbid(np.array(rows))
                continue
            for other in rows[1:]:
                model.row(np.array([rows[0], other]), np.array([1.0, -1.0]), 0.0, 0.0)
