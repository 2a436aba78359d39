"""What the answer model is told and what it keeps: asks, sums of them, and the figures assumed before any.

A cell is a way of asking (channel, day or night, real or drill) by its number; every cell belongs to a group,
within which answers to one callout are taken to be equally alike. Days count from any common zero.

Old asks fade: after a half-life one counts half. Sums are kept as seen from day 0, where a later ask weighs
more, so that nothing kept needs to be touched when time passes (forward decay; Cormode, Shkapenyuk,
Srivastava, Xu, "Forward decay: a practical time decay model for streaming systems", ICDE 2009).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from volunteer_hub.engine.arrays import Bools, Floats, Ints

KNOTS = (1, 2, 3, 5, 8, 12, 18, 25, 35, 50, 75, 120, 180, 240, 360, 480)
"""Minutes by which yeses are counted."""


@dataclass(frozen=True)
class Settings:
    """What holds before anything is measured, and how fast what is measured fades.

    chance, asks [C]: of a yes, worth so many asks. curves [C, K]: the shares of yeses by KNOTS. group [C].
    correlation [H]: of the answers to one callout, by group, worth what ``callouts`` would show.
    person, area: intraclass correlations of one person's answers within their community, of a community's
    within its city, worth what ``people`` asked twice, or ``areas``, would show. half_life in days.
    ways: the share of what a city lies off in one cell that it lies off in all of them.
    """

    half_life: float
    chance: Floats
    asks: Floats
    curves: Floats
    group: Ints
    correlation: Floats
    person: float
    area: float
    callouts: float
    people: float
    areas: float
    ways: float

    def growth(self, days: float | Floats) -> Any:
        """What an ask of that day weighs, seen from day 0."""
        return np.exp2(np.asarray(days) / self.half_life)


@dataclass(frozen=True)
class Asks:
    """Questions that reached their people and are settled [n]; ids of any kind.

    weight: how far each tells of a yes, below 1 where it was taken back before the answer (`told`). delay:
    minutes to a yes, NaN where there is none to learn from.
    """

    person: Ints
    area: Ints
    city: Ints
    callout: Ints
    cell: Ints
    at: Floats
    yes: Bools
    answered: Bools
    weight: Floats
    delay: Floats

    def __len__(self) -> int:
        return len(self.person)


@dataclass(frozen=True)
class Counts:
    """Sums of asks by key (a person, an area) and cell [m]. squares: of the weights in each callout."""

    key: Ints
    cell: Ints
    asks: Floats
    yes: Floats
    squares: Floats

    def times(self, factor: float) -> Counts:
        """The same with every weight multiplied."""
        return Counts(
            self.key, self.cell, self.asks * factor, self.yes * factor, self.squares * factor * factor
        )


@dataclass(frozen=True)
class Alike:
    """How alike answers of one person are within their community, of a community within its city: intraclass
    correlations, and the variances of log-odds that they come to."""

    person: float
    area: float
    spread: float
    area_spread: float


@dataclass(frozen=True)
class Fitted:
    """What was learned, people and areas aside; sums as seen from day 0.

    cities [G] ascending; asks, yes, squares, answered [G, C]. delays [C, K + 1]: yeses by KNOTS, the last
    later than all. shared [H, 2]: weight and weighted sum of the correlations of callouts.
    """

    cities: Ints
    asks: Floats
    yes: Floats
    squares: Floats
    answered: Floats
    delays: Floats
    shared: Floats
    alike: Alike

    def stored(self) -> dict[str, Any]:
        """As plain lists and numbers."""
        return {name: getattr(self, name).tolist() for name in _ARRAYS} | {"alike": asdict(self.alike)}

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Fitted:
        """From what `stored` gave."""
        cells = len(stored["delays"])
        found = {name: np.array(stored[name], dtype=np.float64) for name in _ARRAYS[1:]}
        for name in ("asks", "yes", "squares", "answered"):
            found[name] = found[name].reshape(-1, cells)  # an empty list has lost its width
        return cls(np.array(stored["cities"], dtype=np.int64), **found, alike=Alike(**stored["alike"]))


_ARRAYS: Final = ("cities", "asks", "yes", "squares", "answered", "delays", "shared")


def nothing(settings: Settings) -> Fitted:
    """What is known before the first ask."""
    cells, groups = len(settings.chance), len(settings.correlation)
    none = np.zeros((0, cells))
    return Fitted(
        cities=np.zeros(0, np.int64),
        asks=none,
        yes=none,
        squares=none,
        answered=none,
        delays=np.zeros((cells, len(KNOTS) + 1)),
        shared=np.zeros((groups, 2)),
        alike=alike(settings.person, settings.area, float(settings.chance.mean())),
    )


def counted(key: Ints, asks: Asks, weight: Floats) -> Counts:
    """The asks summed by key and cell, ascending."""
    cells = int(asks.cell.max(initial=0)) + 1
    keys, number = np.unique(key, return_inverse=True)
    at = number * cells + asks.cell
    size = len(keys) * cells
    asked = totals(at, weight, size)
    rows = np.flatnonzero(asked)
    yes = totals(at, weight * asks.yes, size)
    return Counts(keys[rows // cells], rows % cells, asked[rows], yes[rows], _squares(at, asks, weight)[rows])


def _squares(at: Ints, asks: Asks, weight: Floats) -> Floats:
    """By place: the squared sums of weights of each callout there."""
    callouts, number = np.unique(asks.callout, return_inverse=True)
    pairs, where = np.unique(at * len(callouts) + number, return_inverse=True)
    of_pair = totals(where, weight, len(pairs))
    found: Floats = totals(pairs // max(1, len(callouts)), of_pair**2, int(at.max(initial=-1)) + 1)
    return found


def totals(key: Ints, values: Floats, size: int = 0) -> Floats:
    """By key, the sum of the values; at least ``size`` of them."""
    return np.bincount(key, values, size).astype(np.float64, copy=False)


def told(open_share: Floats, answering: Floats) -> Floats:
    """How far silence tells of a no when the question was taken back: by then ``open_share`` of the answers
    would have come, and ``answering`` of people answer at all.

    Of people alike, p F have said yes by then. Silent are 1 - a F, each weighing w; the estimate is that of
    questions left open when p F / (a F + (1 - a F) w) = p.
    """
    weight: Floats = open_share * (1 - answering) / (1 - answering * open_share)
    return weight


def alike(person: float, area: float, chance: float) -> Alike:
    """Intraclass correlations with the variances of log-odds that give people around ``chance`` them."""
    return Alike(person, area, _spread(person, chance), area / (chance * (1 - chance)))


def _spread(correlation: float, chance: float) -> float:
    """The variance of normal log-odds whose chances have that mean and intraclass correlation: by bisection,
    the mean taken by Gauss-Hermite quadrature."""
    knots, weights = np.polynomial.hermite_e.hermegauss(32)
    weights = weights / weights.sum()
    middle = np.log(chance / (1 - chance))
    low, high = 0.0, 25.0
    for _ in range(40):
        spread = (low + high) / 2
        centre = middle * np.sqrt(1 + np.pi * spread / 8)
        chances = 1 / (1 + np.exp(-(centre + np.sqrt(spread) * knots)))
        mean = float(weights @ chances)
        reached = float(weights @ (chances - mean) ** 2) / (mean * (1 - mean))
        low, high = (spread, high) if reached < correlation else (low, spread)
    return (low + high) / 2
