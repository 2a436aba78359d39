"""Time to travel from the site of one duty to the next."""

from __future__ import annotations

import numpy as np

from volunteer_hub.engine.roster.clash import cliques_beyond_rest, journey
from volunteer_hub.engine.roster.model import Model
from volunteer_hub.engine.roster.rules.overlap import at_most_one


def rule(model: Model) -> None:
    """Duties too far apart for the time between them: at most one of each clique."""
    roster = model.goal.roster
    if not roster.travel.any():
        return
    for person in range(len(roster.crew)):
        mine = np.arange(roster.first[person], roster.first[person + 1])
        at_most_one(model, cliques_beyond_rest(roster, person, mine, journey))
