"""What the answers to one callout have in common: the night, the storm, what is not known of the chances.

Given a hidden value u in (0, 1) that all share, answers are independent, and somebody who says yes with
chance p on the whole says yes with the u-quantile of the Beta distribution of mean p and intraclass
correlation r: Beta(p (1 - r) / r, (1 - p) (1 - r) / r). For people alike the number of yeses is then
beta-binomial (Skellam, "A probability distribution derived from the binomial distribution by regarding the
probability of success as variable between the sets of trials", JRSS B 10, 1948).

A chance learned from n asks is itself Beta with that n, so not knowing it is a correlation of 1 / (n + 1)
more: both act alike, and one law holds them. The mean over u is taken by Gauss-Legendre quadrature.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.special import betaincinv

from volunteer_hub.engine.law import GRID, INDEPENDENT, Shock

NODES = 24  # within 0.001 of the beta-binomial law up to a correlation of 0.2


@lru_cache(maxsize=32)
def shock(correlation: float = 0.0, asks: float = np.inf) -> Shock:
    """The law of answers with this intraclass correlation, chances known from so many earlier asks.

    Raises ValueError for a correlation outside [0, 1) or asks that are not positive.
    """
    if not 0 <= correlation < 1:
        raise ValueError("correlation must lie in [0, 1)")
    if not asks > 0:
        raise ValueError("asks must be positive")
    grid = np.linspace(0, 1, GRID + 1)
    total = 1 - (1 - correlation) * (1 - 1 / (asks + 1))
    if total == 0:
        return INDEPENDENT
    knots, weights = np.polynomial.legendre.leggauss(NODES)
    strength = (1 - total) / total
    quantile = (knots[:, None] + 1) / 2
    inner = betaincinv(strength * grid[1:-1], strength * (1 - grid[1:-1]), quantile)
    chance = np.zeros((NODES, GRID + 1))
    chance[:, 1:-1], chance[:, -1] = inner, 1.0
    weight = weights / 2
    # Quadrature misses the mean by a little; every person's own chance must stay what was said.
    mean = weight @ chance
    low = mean[1:-1] > grid[1:-1]
    chance[:, 1:-1] = np.where(
        low,
        chance[:, 1:-1] * (grid[1:-1] / mean[1:-1]),
        1 - (1 - chance[:, 1:-1]) * ((1 - grid[1:-1]) / (1 - mean[1:-1])),
    )
    return Shock(weight, np.ascontiguousarray(chance.T))
