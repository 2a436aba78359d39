"""The law of answers as the rest of the engine reads it: nodes of a hidden value that all answers share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from volunteer_hub.engine.arrays import Floats

GRID = 400  # chances are looked up in steps of 1 / GRID, and between them linearly


@dataclass(frozen=True)
class Shock:
    """`chance[g, q]` is the chance at node q of who says yes with g / GRID on the whole, linear in between;
    `weight[q]` sum to 1."""

    weight: Floats
    chance: Floats

    def given(self, ps: Floats) -> Floats:
        """[Q, n] at each node, the chances of people who say yes with `ps` [n] on the whole."""
        place = np.asarray(ps, dtype=np.float64) * GRID
        low = np.minimum(place.astype(np.int64), GRID - 1)
        share = (place - low)[:, None]
        found: Floats = (self.chance[low] * (1 - share) + self.chance[low + 1] * share).T
        return found


INDEPENDENT = Shock(np.ones(1), np.linspace(0, 1, GRID + 1)[:, None])
