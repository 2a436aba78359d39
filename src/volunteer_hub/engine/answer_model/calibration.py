"""Were the chances right? What was predicted before, against what came.

The Brier score is the mean squared difference (Brier, "Verification of forecasts expressed in terms of
probability", Monthly Weather Review 78, 1950); the calibration error the mean absolute difference between
predicted and observed over tenths of the scale, each counted by its asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from volunteer_hub.engine.arrays import Bools, Floats

TENTHS = 10


@dataclass(frozen=True)
class Tenth:
    """Chances from number / 10 to (number + 1) / 10. Sums over its asks: their weight, chances, yeses."""

    number: int
    asks: float
    predicted: float
    yes: float


@dataclass(frozen=True)
class Calibration:
    """``squared``: the sum of squared differences over all asks."""

    tenths: tuple[Tenth, ...]
    squared: float

    @property
    def asks(self) -> float:
        """All of them, by weight."""
        return sum(tenth.asks for tenth in self.tenths)

    @property
    def brier(self) -> float | None:
        """0 is perfect, 0.25 what a coin would score; None without asks."""
        return self.squared / self.asks if self.asks else None

    @property
    def error(self) -> float | None:
        """How far predicted and observed lie apart in the mean; None without asks."""
        off = sum(abs(tenth.predicted - tenth.yes) for tenth in self.tenths)
        return off / self.asks if self.asks else None


def calibration(chance: Floats, yes: Bools, weight: Floats | None = None) -> Calibration:
    """Of predictions [n] and what came."""
    worth = np.ones(len(chance)) if weight is None else weight
    number = np.minimum((chance * TENTHS).astype(np.int64), TENTHS - 1)
    sums = [np.bincount(number, each, TENTHS) for each in (worth, worth * chance, worth * yes)]
    tenths = [Tenth(n, *(float(each[n]) for each in sums)) for n in range(TENTHS) if sums[0][n] > 0]
    return Calibration(tuple(tenths), float(np.sum(worth * (chance - yes) ** 2)))


def summed(parts: Sequence[Calibration]) -> Calibration:
    """Several as one."""
    tenths = [
        Tenth(n, *(sum(getattr(one, name) for one in found) for name in ("asks", "predicted", "yes")))
        for n in range(TENTHS)
        if (found := [tenth for part in parts for tenth in part.tenths if tenth.number == n])
    ]
    return Calibration(tuple(tenths), sum(part.squared for part in parts))
