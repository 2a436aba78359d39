"""What a drill would teach: by how much it narrows down how many are to be asked for a need.

A need of H people at a chance p takes n = H / p asks. The log-odds of p are known with variance v; since
d log p / d log-odds = 1 - p, n is known with the standard deviation n (1 - p) sqrt(v) (delta method; Oehlert,
"A note on the delta method", The American Statistician 46, 1992). The answers to m asks of one callout, any
two of which correlate by r, tell as much as m / (1 + (m - 1) r) answers for themselves (design effect; Kish,
"Survey Sampling", 1965), each of which adds the Fisher information p (1 - p) to the precision 1 / v. What is
to be expected of a drill is then known before it is held (Bayesian c-optimal design; Chaloner, Verdinelli,
"Bayesian experimental design: a review", Statistical Science 10, 1995), and its worth is the standard
deviation it takes away for each ask that disturbs somebody.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from volunteer_hub.engine.arrays import Floats

SIDE = 1.6448536
"""Standard deviations to either side that hold 90 % of a normal law."""


@dataclass(frozen=True)
class Teaching:
    """For one person needed [n]: asks in the mean, and the standard deviation of that before and after a
    drill of ``asks``; a need of H people takes H times each. left: the variance of the log-odds after it."""

    stated: Floats
    before: Floats
    after: Floats
    asks: Floats
    left: Floats

    @property
    def per_ask(self) -> Floats:
        """[n] the standard deviation that each ask takes away."""
        found: Floats = (self.before - self.after) / np.maximum(self.asks, 1)
        return found


def teaching(chance: Floats, variance: Floats, asks: Floats, correlation: Floats) -> Teaching:
    """Of drills [n] where a yes has this chance, whose log-odds are known with this variance (> 0)."""
    alone = asks / (1 + np.maximum(asks - 1, 0) * correlation)
    left = 1 / (1 / variance + alone * chance * (1 - chance))
    stated = 1 / chance
    side = stated * (1 - chance)
    return Teaching(
        stated, side * np.sqrt(variance), side * np.sqrt(left), np.asarray(asks, np.float64), left
    )


def between(chance: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """[n] between how many asks one person needed takes, with 90 %."""
    odds, side = chance / (1 - chance), np.exp(SIDE * np.sqrt(variance))
    return 1 + 1 / (odds * side), 1 + side / odds
