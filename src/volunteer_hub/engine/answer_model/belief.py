"""What the answer model says of people: how likely a yes, between which bounds, how soon, how much together.

Log-odds of a yes are those of the city's cell, moved by the community and by the person: a logistic
regression with nested random intercepts, each at its mode with the curvature there (Breslow, Clayton,
"Approximate inference in generalized linear mixed models", JASA 88, 1993). A chance is the mean over what is
not known, by the approximation of MacKay ("The evidence framework applied to classification networks",
Neural Computation 4, 1992), so that of a person never asked it is exactly that of the community.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from volunteer_hub.engine.answer_model.data import KNOTS, Counts, Fitted, Settings, totals
from volunteer_hub.engine.answer_model.teaching import SIDE
from volunteer_hub.engine.arrays import Floats, Ints
from volunteer_hub.engine.sizing import BAND

_MACKAY = np.pi / 8
_STEPS = 12
_LONGEST = 1.5  # of a step: far from the mode the curvature there misleads
assert BAND == 0.9  # what SIDE holds
ANSWERING = 1.5  # people who answer at all for each who says yes, until it is measured


@dataclass(frozen=True)
class Own:
    """What is known of each person beyond their community, or of each community beyond its city [n]: how far
    their log-odds are moved, and the variance of that."""

    moved: Floats
    variance: Floats


class Model:
    """The fitted figures as they stand on a day.

    chance, strength [G + 1, C]: of a yes by city and cell, worth so many asks; the last row is that of a
    city of which nothing is known. measured [G + 1, C]: own asks weigh more there than what was assumed.
    correlation [H].
    """

    def __init__(self, fitted: Fitted, settings: Settings, now: float) -> None:
        self.fitted, self.settings = fitted, settings
        self._fade = float(1 / settings.growth(now))
        weight, alike = (fitted.shared * self._fade).T
        believed = (settings.callouts * settings.correlation + alike) / (settings.callouts + weight)
        self.correlation: Floats = np.clip(believed, 0, 0.5)
        none = np.zeros((1, len(settings.chance)))
        asks, yes = (np.vstack([each * self._fade, none]) for each in (fitted.asks, fitted.yes))
        squares = np.vstack([fitted.squares * self._fade**2, none])
        effective = self._effective(asks, squares, np.arange(asks.shape[1])[None, :])
        shown = np.divide(yes, asks, out=np.zeros_like(yes), where=asks > 0)
        rest, worth = self._carried(effective, shown)
        self.strength: Floats = worth + effective
        self.chance: Floats = (worth * rest + effective * shown) / self.strength
        self.measured = effective >= settings.asks

    def _carried(self, effective: Floats, shown: Floats) -> tuple[Floats, Floats]:
        """[G, C] what is assumed of each cell of a city once its other cells have been seen, and how many
        asks that is worth: whoever comes to drills more readily than assumed comes to callouts so as well.

        In log-odds a city lies off by ``spread`` (sqrt(ways) z + sqrt(1 - ways) e), z common to its cells,
        all normal; what the other cells tell of z moves this one and makes it surer.
        """
        rests, ways = self.settings, self.settings.ways
        odds = _log_odds(rests.chance)
        spread = 1 / np.sqrt((rests.asks + 1) * rests.chance * (1 - rests.chance))
        own = (rests.asks * rests.chance + effective * shown) / (rests.asks + effective)
        pulled = effective / (rests.asks + effective)
        off = np.divide(_log_odds(own) - odds, pulled, out=np.zeros_like(own), where=pulled > 0)
        noise = np.divide(1, effective * own * (1 - own), out=np.full_like(own, np.inf), where=effective > 0)
        sure = ways * spread**2 / ((1 - ways) * spread**2 + noise)
        told = np.sqrt(ways) * spread * off / ((1 - ways) * spread**2 + noise)
        others = 1 + sure.sum(axis=1, keepdims=True) - sure
        common = (told.sum(axis=1, keepdims=True) - told) / others
        return _chance(odds + spread * np.sqrt(ways) * common), rests.asks / (ways / others + 1 - ways)

    def _effective(self, asks: Floats, squares: Floats, cell: Ints) -> Floats:
        """How many independent asks as many tell as much as these, since those of one callout go together."""
        alike = self.correlation[self.settings.group[cell]]
        spread = asks * (1 - alike) + alike * squares
        return np.divide(asks**2, spread, out=np.zeros_like(asks), where=spread > 0)

    def row_of(self, city: Ints) -> Ints:
        """The rows of these cities."""
        if not len(self.fitted.cities):
            return np.zeros(len(city), np.int64)
        at = np.minimum(np.searchsorted(self.fitted.cities, city), len(self.fitted.cities) - 1)
        found: Ints = np.where(self.fitted.cities[at] == city, at, len(self.fitted.cities))
        return found

    def areas(self, city: Ints, counts: Counts) -> Own:
        """[A] what is known of communities beyond their cities. ``counts``: as stored, their keys the places
        of the communities in ``city``."""
        now = counts.times(self._fade)
        chance = self.chance[self.row_of(city)[now.key], now.cell]
        share = np.divide(
            self._effective(now.asks, now.squares, now.cell),
            now.asks,
            out=np.zeros(len(now.asks)),
            where=now.asks > 0,
        )
        worth = now.asks * share, now.yes * share
        spread = self.fitted.alike.area_spread
        return Own(*_intercepts(now.key, _log_odds(chance), *worth, len(city), spread))

    def people(self, city: Ints, moved: Floats, counts: Counts) -> Own:
        """What is known of people of these cities, whose communities are moved so; ``counts`` as stored,
        their keys the places of the people."""
        now = counts.times(self._fade)
        base = self._base(city[now.key], moved[now.key], now.cell)
        return Own(*_intercepts(now.key, base, now.asks, now.yes, len(city), self.fitted.alike.spread))

    def of_area(self, city: Ints, moved: Floats, cell: int | Ints) -> Floats:
        """[n] the chance of somebody of a community of whom nothing else is known."""
        return _chance(_log_odds(self.chance[self.row_of(city), cell]) + moved)

    def variance(self, city: Ints, of_areas: Own, cell: Ints) -> Floats:
        """[A] of the log-odds of a yes of communities in these cells: of what holds in the city, and of how
        far the community lies from that."""
        row = self.row_of(city)
        chance = self.chance[row, cell]
        found: Floats = 1 / (self.strength[row, cell] * chance * (1 - chance)) + of_areas.variance
        return found

    def of_person(self, city: Ints, moved: Floats, own: Own, cell: int) -> Floats:
        """[n] the chance of a yes of each person asked so."""
        base = self._base(city, moved, np.full(len(city), cell))
        return _chance((base + own.moved) / np.sqrt(1 + _MACKAY * own.variance))

    def band(self, city: Ints, moved: Floats, own: Own, cell: int) -> tuple[Floats, Floats]:
        """[n] between which bounds it lies with probability BAND."""
        centre = self._base(city, moved, np.full(len(city), cell)) + own.moved
        side = SIDE * np.sqrt(own.variance)
        return _chance(centre - side), _chance(centre + side)

    def _base(self, city: Ints, moved: Floats, cell: Ints) -> Floats:
        """The log-odds of the middle person of a community: chances of people who differ lie nearer to a
        half in the mean."""
        odds = _log_odds(self.chance[self.row_of(city), cell]) + moved
        found: Floats = odds * np.sqrt(1 + _MACKAY * self.fitted.alike.spread)
        return found

    def curve(self, cell: int) -> Floats:
        """[K] the shares of yeses that have come by KNOTS."""
        seen = self.fitted.delays[cell] * self._fade
        worth = self.settings.asks[cell] * self.settings.chance[cell]
        found: Floats = (worth * self.settings.curves[cell] + np.cumsum(seen)[:-1]) / (worth + seen.sum())
        return found

    def share_by(self, minutes: Floats, cell: Ints) -> Floats:
        """[n] the share of yeses that has come so many minutes after asking."""
        found = np.zeros(len(cell))
        for one in np.unique(cell):
            of = cell == one
            found[of] = np.interp(minutes[of], (0.0, *KNOTS), (0.0, *self.curve(int(one))))
        return found

    def answering(self, cell: Ints) -> Floats:
        """[n] the share of people who answer at all, yes or no, over all cities."""
        asks, answered = (
            each.sum(axis=0)[cell] * self._fade for each in (self.fitted.asks, self.fitted.answered)
        )
        assumed = np.minimum(0.9, ANSWERING * self.settings.chance[cell])
        worth = self.settings.asks[cell]
        found: Floats = (worth * assumed + answered) / (worth + asks)
        return np.minimum(found, 0.98)


def _intercepts(
    key: Ints, base: Floats, asks: Floats, yes: Floats, groups: int, spread: float
) -> tuple[Floats, Floats]:
    """The mode of each group's random intercept, of this variance beforehand, and its variance after."""
    moved = np.zeros(groups)
    worth = np.full(groups, 1 / spread)
    for _ in range(_STEPS):
        chance = _chance(base + moved[key])
        slope = totals(key, yes - asks * chance, groups) - moved / spread
        worth = 1 / spread + totals(key, asks * chance * (1 - chance), groups)
        step = np.clip(slope / worth, -_LONGEST, _LONGEST)
        moved = moved + step
        if not len(step) or np.abs(step).max() < 1e-6:
            break
    return moved, 1 / worth


def _log_odds(chance: Floats) -> Floats:
    found: Floats = np.log(chance) - np.log1p(-chance)
    return found


def _chance(log_odds: Floats) -> Floats:
    found: Floats = 1 / (1 + np.exp(-log_odds))
    return found
