"""An organisation's offer is one decision that fills between its least and its most heads of one slot."""

from __future__ import annotations

import numpy as np

from volunteer_hub.engine.roster.model import INFINITE, Model


def rule(model: Model) -> None:
    """least x chosen <= heads <= most x chosen; model.head then names the heads variable."""
    roster = model.goal.roster
    pairs, crew, target = roster.pairs, roster.crew, roster.duties.target
    several = np.flatnonzero(crew.most[pairs.person] > 1)
    if not len(several):
        return
    least, most = crew.least[pairs.person[several]], crew.most[pairs.person[several]]
    most = np.minimum(most, target[pairs.slot[several]])
    model.forbid(several[least > most])
    heads = model.variables(np.maximum(most, 0))
    above = model.rows(len(several), -INFINITE, 0.0)
    model.put(above, heads, 1.0)
    model.put(above, several, -np.maximum(most, 0))
    below = model.rows(len(several), 0.0, INFINITE)
    model.put(below, heads, 1.0)
    model.put(below, several, -least)
    model.head = model.head.copy()
    model.head[several] = heads
