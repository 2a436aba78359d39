"""How many to ask, and whom, so that enough come.

Given the hidden value that all share (shock.py), the number of yeses among people with unequal chances is
Poisson-binomial. Its law comes from the recursion over people (Hong, "On computing the distribution function
for the Poisson binomial distribution", Computational Statistics & Data Analysis 59, 2013, section 2.4), cut
off at the number needed: everything at or above it is one state, so n people cost O(n x need) at each node.

The fewest calls are those to the likeliest people; least_burden.py chooses whom to ask at the least burden.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from volunteer_hub.engine.arrays import Floats
from volunteer_hub.engine.law import INDEPENDENT, Shock


def at_least(ps: Sequence[float] | Floats, need: int, law: Shock = INDEPENDENT) -> float:
    """P(at least `need` of the people say yes); `ps[i]` is each one's own chance.

    Raises ValueError for a chance outside [0, 1] or a negative need.
    """
    return float(_tails(law.given(checked(ps, need)), law.weight, need)[-1])


def smallest_ask(
    ps: Sequence[float] | Floats, need: int, confidence: float, law: Shock = INDEPENDENT
) -> int | None:
    """The smallest n so that of the first n people at least `need` say yes with probability `confidence`.

    The order of `ps` is the order of asking. None when all of them together do not suffice.
    Raises ValueError for a chance outside [0, 1], a negative need or a confidence outside (0, 1).
    """
    check_confidence(confidence)
    tails = _tails(law.given(checked(ps, need)), law.weight, need)
    enough = np.flatnonzero(tails >= confidence)
    return int(enough[0]) if len(enough) else None


def nested_at_least(
    groups: Sequence[tuple[Sequence[float], int]], need: int, law: Shock = INDEPENDENT
) -> float:
    """P(in all at least `need` say yes, and of every group of people at least its own minimum).

    Each group is (chances, minimum); nobody stands in two. Raises ValueError as at_least.
    """
    total = np.zeros((len(law.weight), need + 1))
    total[:, 0] = 1.0
    for ps, minimum in groups:
        yeses = counts(law.given(checked(ps, minimum)), max(need, minimum))
        yeses[:, :minimum] = 0.0
        joined = np.zeros_like(total)
        for yes in range(yeses.shape[1]):
            for so_far in range(need + 1):
                joined[:, min(need, so_far + yes)] += total[:, so_far] * yeses[:, yes]
        total = joined
    return float(law.weight @ total[:, need])


def counts(chances: Floats, most: int) -> Floats:
    """[Q, most + 1] the law of the number of yeses at each node, the last for "or more".

    chances: [Q, n] of each person at each node.
    """
    *_, last = _states(chances, most)
    return last


def still_to_come(chance: float, elapsed_share: float) -> float:
    """The chance that somebody silent so far still says yes.

    `chance` is that of a yes at all, `elapsed_share` the share of yeses that would have come by now.
    """
    silent = 1.0 - chance * elapsed_share
    return chance * (1.0 - elapsed_share) / silent if silent > 0 else 0.0


def share_by(minutes: float, knots: Sequence[float], shares: Sequence[float]) -> float:
    """The share of all answers that has come `minutes` after asking: linear between the knots, from 0 at
    minute 0; after the last knot the last share stands."""
    return float(np.interp(minutes, (0.0, *knots), (0.0, *shares)))


def checked(ps: Sequence[float] | Floats, need: int) -> Floats:
    """The chances as an array. Raises ValueError for one outside [0, 1] or a negative need."""
    chances = np.asarray(ps, dtype=np.float64)
    if need < 0:
        raise ValueError("need must not be negative")
    if chances.ndim != 1 or not np.all((chances >= 0) & (chances <= 1)):  # false for NaN too
        raise ValueError("every chance must lie in [0, 1]")
    return chances


def check_confidence(confidence: float) -> None:
    """Raises ValueError outside (0, 1)."""
    if not 0 < confidence < 1:
        raise ValueError("confidence must lie in (0, 1)")


def _tails(chances: Floats, weight: Floats, need: int) -> Floats:
    """[n + 1] P(at least `need` yes) of the first 0, 1, ... n people. chances: [Q, n]."""
    tails = np.zeros(chances.shape[1] + 1)
    for n, state in enumerate(_states(chances, need)):
        tails[n] = weight @ state[:, need]
    return tails


def _states(chances: Floats, most: int) -> Iterator[Floats]:
    """The law at each node of the first 0, 1, ... n people: [Q, most + 1], the last for "or more"."""
    state = np.zeros((len(chances), most + 1))
    state[:, 0] = 1.0
    yield state
    for p in chances.T[:, :, None]:
        moved = state * p
        moved[:, most] = 0.0  # who has enough keeps enough
        state -= moved
        state[:, 1:] += moved[:, :-1]
        yield state
