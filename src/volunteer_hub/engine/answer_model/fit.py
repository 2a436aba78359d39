"""Fitting the answer model: sums, and how much people, communities and callouts differ.

How alike answers are is measured on pairs of them (the pairwise estimator of intraclass correlations:
Karlin, Cameron, Williams, "Sibling and parent-offspring correlation estimation with variable family size",
PNAS 78, 1981): two answers of one person, of two people of a community to two callouts, of two people to one
callout. Each is pulled towards what was assumed, the more the less there is to see.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from volunteer_hub.engine.answer_model.belief import Model
from volunteer_hub.engine.answer_model.data import (
    KNOTS,
    Asks,
    Counts,
    Fitted,
    Settings,
    alike,
    counted,
    nothing,
    totals,
)
from volunteer_hub.engine.arrays import Floats, Ints

_LEAST, _MOST = 0.002, 0.6  # intraclass correlations that can be


def fit(asks: Asks, settings: Settings, now: float) -> tuple[Fitted, Counts, Counts]:
    """Everything anew: what was learned, and the sums of people and of areas as seen from day 0."""
    if not len(asks):
        none = counted(asks.person, asks, asks.weight)
        return nothing(settings), none, none
    grown = asks.weight * settings.growth(asks.at)
    fitted = _summed(nothing(settings), asks, grown, settings)
    weight = asks.weight * settings.growth(asks.at - now)  # as seen now: numbers of asks
    chance = _without_own_callout(asks, weight, settings)
    person, area = _alike(asks, weight, _standard(asks, chance), settings)
    mean = float(np.average(chance, weights=weight))
    fitted = replace(fitted, alike=alike(person, area, mean))
    shared = _shared(asks, _standard(asks, chance), area, settings)
    fitted = replace(fitted, shared=shared)
    return fitted, counted(asks.person, asks, grown), counted(asks.area, asks, grown)


def fold(fitted: Fitted, asks: Asks, settings: Settings, now: float) -> tuple[Fitted, Counts, Counts]:
    """What these further asks change: what is learned with them, and what they add to people and areas.

    How much people and communities differ stays as last fitted.
    """
    if not len(asks):
        none = counted(asks.person, asks, asks.weight)
        return fitted, none, none
    before = Model(fitted, settings, now)
    chance = before.chance[before.row_of(asks.city), asks.cell]
    grown = asks.weight * settings.growth(asks.at)
    after = _summed(fitted, asks, grown, settings)
    more = _shared(asks, _standard(asks, chance), fitted.alike.area, settings)
    after = replace(after, shared=fitted.shared + more)
    return after, counted(asks.person, asks, grown), counted(asks.area, asks, grown)


def _summed(fitted: Fitted, asks: Asks, grown: Floats, settings: Settings) -> Fitted:
    """With these asks added to the sums of cities and delays."""
    cells = len(settings.chance)
    cities = np.union1d(fitted.cities, asks.city)
    place = np.searchsorted(cities, asks.city) * cells + asks.cell
    old = np.searchsorted(cities, fitted.cities)

    def added(known: Floats, more: Floats) -> Floats:
        total = np.zeros((len(cities), cells))
        total[old] = known
        return total + totals(place, more, len(cities) * cells).reshape(len(cities), cells)

    squares = counted(asks.city, asks, grown)
    total = np.zeros((len(cities), cells))
    total[old] = fitted.squares
    total[np.searchsorted(cities, squares.key), squares.cell] += squares.squares
    return replace(
        fitted,
        cities=cities,
        asks=added(fitted.asks, grown),
        yes=added(fitted.yes, grown * asks.yes),
        answered=added(fitted.answered, grown * asks.answered),
        squares=total,
        delays=fitted.delays + _delays(asks, grown, cells),
    )


def _delays(asks: Asks, grown: Floats, cells: int) -> Floats:
    known = np.isfinite(asks.delay)
    late = np.searchsorted(KNOTS, asks.delay[known])  # by the first knot not before it
    size = len(KNOTS) + 1
    return totals(asks.cell[known] * size + late, grown[known], cells * size).reshape(cells, size)


def _without_own_callout(asks: Asks, weight: Floats, settings: Settings) -> Floats:
    """[n] the city's chance in the cell as all other callouts show it: with its own, what the answers to a
    callout have in common would vanish in the mean."""
    cells = len(settings.chance)
    _, city = np.unique(asks.city, return_inverse=True)
    callouts, callout = np.unique(asks.callout, return_inverse=True)
    place = city * cells + asks.cell
    _, own = np.unique(place * len(callouts) + callout, return_inverse=True)
    other = [
        totals(place, values)[place] - totals(own, values)[own] for values in (weight, weight * asks.yes)
    ]
    prior = settings.asks[asks.cell]
    found: Floats = (prior * settings.chance[asks.cell] + other[1]) / (prior + other[0])
    return np.clip(found, 1e-3, 1 - 1e-3)


def _standard(asks: Asks, chance: Floats) -> Floats:
    """[n] how far each answer lies from what was expected, in standard deviations."""
    return (asks.yes - chance) / np.sqrt(chance * (1 - chance))


def _alike(asks: Asks, weight: Floats, off: Floats, settings: Settings) -> tuple[float, float]:
    """How alike one person's answers are within their community, and a community's within the city."""
    callouts, callout = np.unique(asks.callout, return_inverse=True)
    _, person = np.unique(asks.person, return_inverse=True)
    areas, area = np.unique(asks.area, return_inverse=True)
    in_area = area * len(callouts) + callout
    _, in_area = np.unique(in_area, return_inverse=True)
    person_sums, area_sums, both = (_sums(key, weight, off) for key in (person, area, in_area))
    alone = np.array([np.sum((weight * off) ** 2), np.sum(weight**2)])
    # Asked twice in one callout: rare, and counted as if it had been in two.
    own = person_sums - alone
    common = area_sums - both - own
    times = np.bincount(person)
    measured_area = common[0] / common[1] if common[1] > 0 else 0.0
    seen = len(areas) if common[1] > 0 and len(areas) > 1 else 0
    of_area = _towards(settings.area, settings.areas, measured_area, seen)
    measured = own[0] / own[1] - of_area if own[1] > 0 else 0.0
    return _towards(settings.person, settings.people, measured, int((times > 1).sum())), of_area


def _sums(key: Ints, weight: Floats, off: Floats) -> Floats:
    """Of squared sums over the keys: what is off, and the weights."""
    return np.array([np.sum(totals(key, weight * off) ** 2), np.sum(totals(key, weight) ** 2)])


def _towards(assumed: float, worth: float, measured: float, seen: float) -> float:
    return float(np.clip((worth * assumed + seen * measured) / (worth + seen), _LEAST, _MOST))


def _shared(asks: Asks, off: Floats, area: float, settings: Settings) -> Floats:
    """[H, 2] per group: the weight of the callouts as seen from day 0, and the weighted sum of how alike the
    answers to each are beyond what its communities have in common. A large callout shows it better, but
    however large it is, it is one."""
    groups = len(settings.correlation)
    group = settings.group[asks.cell]
    key = asks.callout * groups + group
    keys, callout = np.unique(key, return_inverse=True)
    areas, area_of = np.unique(asks.area, return_inverse=True)
    pairs_of, in_area = np.unique(callout * len(areas) + area_of, return_inverse=True)
    owner = pairs_of // len(areas)
    weight, size = asks.weight, len(keys)
    total = totals(callout, weight, size)
    alone = totals(callout, weight**2, size)
    going = totals(callout, weight * off, size) ** 2 - totals(callout, (weight * off) ** 2, size)
    neighbours = totals(owner, totals(in_area, weight) ** 2, size) - alone
    pairs = total**2 - alone
    known = pairs > 0
    correlation = np.divide(going - area * neighbours, pairs, out=np.zeros(size), where=known)
    of = keys % groups
    sharp = total * settings.correlation[of]
    day = totals(callout, asks.at, size) / np.bincount(callout, minlength=size)
    worth = (sharp / (1 + sharp)) ** 2 * settings.growth(day) * known
    return np.stack(
        [totals(of, worth, groups), totals(of, worth * np.clip(correlation, -1, 1), groups)], axis=1
    )
