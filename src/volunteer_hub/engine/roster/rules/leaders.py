"""Nobody serves in a slot without its leader."""

from __future__ import annotations

import numpy as np

from volunteer_hub.engine.roster.model import INFINITE, Model
from volunteer_hub.engine.roster.rules.skills import pairs_of


def rule(model: Model) -> None:
    """Leaders chosen >= how many are asked for x staffed."""
    for need, mine in pairs_of(model.goal.roster, model.goal.roster.leaders):
        row = model.row(mine, 1.0, 0.0, INFINITE)
        model.put(np.array([row]), model.staffed[[need.slot]], -need.heads)
