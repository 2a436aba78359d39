"""How many to ask, so that enough come: the exact Poisson-binomial law of independent answers.

The distribution of a sum of independent yes/no answers with unequal chances, by the recursion over people
(Hong, "On computing the distribution function for the Poisson binomial distribution", Computational
Statistics & Data Analysis 59, 2013, section 2.4), cut off at the number needed: everything at or above it is
one state, so n people cost O(n x need).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def _checked(ps: Sequence[float] | Floats, need: int) -> Floats:
    chances = np.asarray(ps, dtype=np.float64)
    if need < 0:
        raise ValueError("need must not be negative")
    if chances.ndim != 1 or not np.all((chances >= 0) & (chances <= 1)):  # false for NaN too
        raise ValueError("every chance must lie in [0, 1]")
    return chances


def at_least(ps: Sequence[float] | Floats, need: int) -> float:
    """P(at least ``need`` of the people say yes), each independently with chance ``ps[i]``.

    Raises ValueError for a chance outside [0, 1] or a negative need.
    """
    chances = _checked(ps, need)
    if need > len(chances):
        return 0.0
    return float(_tails(chances, need)[-1])


def smallest_ask(ps: Sequence[float] | Floats, need: int, confidence: float) -> int | None:
    """The smallest n so that of the first n people at least ``need`` say yes with probability ``confidence``.

    The order of ``ps`` is the order of asking. None when all of them together do not suffice.
    Raises ValueError for a chance outside [0, 1], a negative need or a confidence outside (0, 1).
    """
    chances = _checked(ps, need)
    if not 0 < confidence < 1:
        raise ValueError("confidence must lie in (0, 1)")
    enough = np.flatnonzero(_tails(chances, need) >= confidence)
    return int(enough[0]) if len(enough) else None


def _tails(chances: Floats, need: int) -> Floats:
    """[n + 1] P(at least ``need`` yes) of the first 0, 1, ... n people."""
    tails = np.zeros(len(chances) + 1)
    state = np.zeros(need + 1)  # P(k yes) for k < need, and P(need or more) at the end
    state[0] = 1.0
    tails[0] = state[need]
    for n, p in enumerate(chances, start=1):
        moved = state * p
        moved[need] = 0.0  # who has enough keeps enough
        state -= moved
        state[1:] += moved[:-1]
        tails[n] = state[need]
    return tails


def still_to_come(chance: float, elapsed_share: float) -> float:
    """The chance that somebody silent so far still says yes.

    ``chance`` is that of a yes at all, ``elapsed_share`` the share of yeses that would have come by now.
    """
    silent = 1.0 - chance * elapsed_share
    return chance * (1.0 - elapsed_share) / silent if silent > 0 else 0.0


def share_by(minutes: float, knots: Sequence[float], shares: Sequence[float]) -> float:
    """The share of all answers that has come ``minutes`` after asking: linear between the knots, from 0 at
    minute 0; after the last knot the last share stands."""
    return float(np.interp(minutes, (0.0, *knots), (0.0, *shares)))
