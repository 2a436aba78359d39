"""Relief crews: nobody serves two successive operational periods without the relief rest between. (That the
next crew comes before the first leaves is in Roster.begin.)"""

from __future__ import annotations

import numpy as np

from volunteer_hub.engine.roster.clash import cliques_beyond_rest, relief
from volunteer_hub.engine.roster.model import Model
from volunteer_hub.engine.roster.rules.overlap import at_most_one


def rule(model: Model) -> None:
    """Duties of successive periods too close to each other: at most one of each clique."""
    roster = model.goal.roster
    if not roster.relief_rest or not (roster.duties.period >= 0).any():
        return
    for person in range(len(roster.crew)):
        mine = np.arange(roster.first[person], roster.first[person + 1])
        at_most_one(model, cliques_beyond_rest(roster, person, mine, relief))
