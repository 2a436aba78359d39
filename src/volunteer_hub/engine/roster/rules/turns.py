"""Shorter turns by hazard: nobody is exposed longer than the hazard's limit without a real break."""

from __future__ import annotations

import numpy as np

from volunteer_hub.engine.problem import Ints
from volunteer_hub.engine.roster.model import INFINITE, Model
from volunteer_hub.engine.roster.problem import Roster


def rule(model: Model) -> None:
    """A turn is a chain of duties under one hazard with breaks shorter than its pause; its minutes stay
    within the limit. Every chain that just exceeds it loses at least one of its duties."""
    roster = model.goal.roster
    for hazard in range(len(roster.turn_limit)):
        for person in range(len(roster.crew)):
            mine = np.arange(roster.first[person], roster.first[person + 1])
            exposed = mine[roster.duties.hazard[roster.pairs.slot[mine]] == hazard]
            for chain in long_turns(roster, hazard, exposed):
                model.row(np.array(chain), 1.0, -INFINITE, len(chain) - 1)


def long_turns(roster: Roster, hazard: int, pairs: Ints) -> list[list[int]]:
    """The chains of pairs, sorted by start, that exceed the hazard's limit only with their last duty."""
    slot = roster.pairs.slot[pairs]
    begin, end = roster.begin[slot].tolist(), roster.duties.end[slot].tolist()
    limit, pause = int(roster.turn_limit[hazard]), int(roster.turn_pause[hazard])
    found: list[list[int]] = []

    def extend(chain: list[int], minutes: int) -> None:
        if minutes > limit:
            found.append([int(pairs[i]) for i in chain])
            return
        last = chain[-1]
        for i in range(last + 1, len(pairs)):
            if end[last] <= begin[i] < end[last] + pause:
                extend([*chain, i], minutes + end[i] - begin[i])

    for i in range(len(pairs)):
        extend([i], end[i] - begin[i])
    return found
