"""How many to ask for every slot of a callout, and whom: the chosen, then of the reserves the least burden.

The law of answers is one for the whole callout (shock.py). Beside what it takes stands what a rule of thumb
would do: the need divided by the chance, and how often that is enough in truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv

from volunteer_hub.engine.arrays import Bools, Floats, Ints
from volunteer_hub.engine.law import Shock
from volunteer_hub.engine.least_burden import evaluate, least_burden

BAND = 0.9  # the range told of a chance holds it with this probability
_MOST_NAIVE = 100_000
_FREE = 1e-9  # the burden of who is asked in any case: the choice among the rest starts from them


@dataclass(frozen=True)
class People:
    """Who may be asked: slot s has those of first[s]:first[s + 1], each in one slot only.

    chance: of a yes in time. burden: of asking them, > 0, in any unit. chosen: asked in any case.
    """

    first: Ints  # [S + 1]
    chance: Floats  # [n]
    burden: Floats
    chosen: Bools


@dataclass(frozen=True)
class Sized:
    """asked [n]: who is; sure [S]: the chance of each slot's need so, joint: of all needs at once.
    naive [S]: the need over the mean chance, naive_sure [S]: how sure so many would make it."""

    asked: Bools
    sure: Floats
    joint: float
    naive: Ints
    naive_sure: Floats


def size(
    people: People, needs: Ints, confidence: float, law: Shock, within: Sequence[tuple[int, Bools]] = ()
) -> Sized:
    """Whom to ask so that each slot's need is met with this confidence; everybody where that is not enough.
    ``within``: minima within slots, each the heads wanted and who counts for it [n]: for each as many are
    asked as it takes on its own.

    The same people give the same answer, always. Raises ValueError as least_burden.
    """
    burden = np.where(people.chosen, _FREE, people.burden)
    chosen = people.chosen.copy()
    for least, able in within:
        rows = np.flatnonzero(able)
        one = np.array([0, len(rows)], dtype=np.int64)
        need = np.array([least], dtype=np.int64)
        chosen[rows] |= least_burden(one, people.chance[rows], burden[rows], need, confidence, law)
    burden = np.where(chosen, _FREE, people.burden)
    asked = chosen | least_burden(people.first, people.chance, burden, needs, confidence, law)
    slot = np.repeat(np.arange(len(needs)), np.diff(people.first))
    count = np.bincount(slot[asked], minlength=len(needs))
    sure, joint = evaluate(_starts(count), people.chance[asked], needs, law)
    able = people.chance > 0
    heads = np.maximum(np.bincount(slot[able], minlength=len(needs)), 1)
    mean = np.bincount(slot, weights=people.chance, minlength=len(needs)) / heads
    wanted = np.divide(needs, mean, out=np.zeros(len(needs)), where=mean > 0)
    naive = np.minimum(np.ceil(wanted - 1e-9), _MOST_NAIVE).astype(np.int64)
    naive_sure, _ = evaluate(_starts(naive), np.repeat(mean, naive), needs, law)
    return Sized(asked, sure, joint, naive, naive_sure)


def credible(chance: float, asks: float) -> tuple[float, float]:
    """Between which values a chance known from so many earlier asks lies, with probability BAND."""
    tail = (1 - BAND) / 2
    low, high = betaincinv(chance * asks, (1 - chance) * asks, [tail, 1 - tail])
    return float(low), float(high)


def _starts(counts: Ints) -> Ints:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
