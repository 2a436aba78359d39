"""How ready an area is: of its people with a skill, how many would come by when, and why no more.

No draws here: given the hidden value that all answers share (shock.py) people come independently of each
other, each with the chance of a yes times the share of their ways that are done by then: the number who come
is Poisson-binomial (overcall.py), and over the nodes of the law a mixture of such. Groups above EXACT people
take at each node the normal law of the same mean and variance instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.special import ndtri

from volunteer_hub.engine.arrays import Bools, Floats, Ints
from volunteer_hub.engine.compiled import compiled
from volunteer_hub.engine.law import GRID, Shock
from volunteer_hub.engine.play import BANDS, Answering
from volunteer_hub.engine.waves import Curve

EXACT: Final = 96  # people
_SLICES: Final = 32  # equally likely travel times that stand for all


@dataclass(frozen=True)
class Crowd:
    """Everybody who could be called in some areas at an hour. ``holds`` [V, K]: counts for a skill that day;
    ``ways`` [V]: minutes of travel to where they would be wanted."""

    area: Ints  # [V] below the number of areas
    holds: Bools  # [V, K]
    free: Bools  # [V]
    ways: Floats  # [V]
    answering: Answering


@dataclass(frozen=True)
class Parts:
    """[A, K] for each area and skill. ``people`` are all, the same for each skill; of them ``reachable``
    by a message, of those ``certified``, of those ``free`` at the hour; of the free the mean chance of a yes
    and the median minutes of travel. ``bands`` [A, K, T, 3]: how many come by a minute, P10, P50, P90."""

    people: Ints
    reachable: Ints
    certified: Ints
    free: Ints
    answer: Floats
    ways: Floats
    bands: Ints


def parts(crowd: Crowd, areas: int, minutes: Sequence[float], prepare: float, spread: float) -> Parts:
    """Everything about ``areas`` areas at once."""
    skills = crowd.holds.shape[1]
    reached = crowd.answering.chance > 0
    who, skill = np.nonzero(crowd.holds & (reached & crowd.free)[:, None])
    cell = crowd.area[who] * skills + skill
    order = np.argsort(cell, kind="stable")
    who, cell = who[order], cell[order]
    first = np.searchsorted(cell, np.arange(areas * skills + 1))
    in_time = arrived(crowd.answering, crowd.ways, minutes, prepare, spread)
    law = crowd.answering.law
    found = _bands(first, crowd.answering.chance[who], in_time[who], law.weight, law.chance)
    shape = (areas, skills)
    certified = np.zeros(shape, np.int64)
    np.add.at(certified, crowd.area[reached], crowd.holds[reached])
    return Parts(
        people=_spread(np.bincount(crowd.area, minlength=areas), skills),
        reachable=_spread(np.bincount(crowd.area[reached], minlength=areas), skills),
        certified=certified,
        free=np.diff(first).reshape(shape),
        answer=_of_each(first, crowd.answering.chance[who], np.mean).reshape(shape),
        ways=_of_each(first, crowd.ways[who], np.median).reshape(shape),
        bands=found.reshape(*shape, len(minutes), len(BANDS)),
    )


def tails(chance: Floats, in_time: Floats, law: Shock) -> Floats:
    """[n + 1] that at least 0, 1, ... n of these people come, exactly."""
    found = np.zeros(len(chance) + 1)
    for weight, given in zip(law.weight, law.given(chance), strict=True):
        counts = np.zeros(len(chance) + 1)
        _convolved(given * in_time, counts)
        found += weight * counts
    return np.cumsum(found[::-1])[::-1]


def arrived(
    answering: Answering, ways: Floats, minutes: Sequence[float], prepare: float, spread: float
) -> Floats:
    """[V, T] the share of everybody's yeses that is there by each minute: answered, ready and travelled."""
    slow = np.exp(spread * ndtri((np.arange(_SLICES) + 0.5) / _SLICES)) if spread else np.ones(1)
    found = np.zeros((len(ways), len(minutes)))
    for number, curve in enumerate(answering.curves):
        mine = answering.curve == number
        for place, minute in enumerate(minutes):
            found[mine, place] = _answered(curve, minute - prepare - ways[mine, None] * slow).mean(axis=1)
    return found


def _answered(curve: Curve, left: Floats) -> Floats:
    """The share that has answered by minutes that may be negative."""
    return np.where(left > 0, curve.by(np.maximum(left, 0.0)), 0.0)


def _spread(values: Ints, skills: int) -> Ints:
    return np.repeat(values[:, None], skills, axis=1)


def _of_each(first: Ints, values: Floats, of: Callable[[Floats], Any]) -> Floats:
    found = np.zeros(len(first) - 1)
    for group in np.flatnonzero(np.diff(first)).tolist():
        found[group] = of(values[first[group] : first[group + 1]])
    return found


def _bands(first: Ints, chance: Floats, in_time: Floats, weight: Floats, table: Floats) -> Ints:
    """[G, T, 3] for groups of rows first[g]:first[g + 1]."""
    shape = len(first) - 1, in_time.shape[1], len(BANDS)
    found = np.zeros(shape, np.int64)
    _fill(first, chance, np.ascontiguousarray(in_time), weight, table, np.array(BANDS), found)
    return found


@compiled
def _fill(
    first: Ints, chance: Floats, in_time: Floats, weight: Floats, table: Floats, wanted: Floats, found: Ints
) -> None:
    for group in range(len(first) - 1):
        start, count = first[group], first[group + 1] - first[group]
        if count == 0:
            continue
        for minute in range(in_time.shape[1]):
            tail = np.zeros(count + 2)  # that at least k come
            for node in range(len(weight)):
                come = np.zeros(count)
                for n in range(count):
                    place = chance[start + n] * GRID
                    low = min(int(place), GRID - 1)
                    given = table[low, node] * (low + 1 - place) + table[low + 1, node] * (place - low)
                    come[n] = given * in_time[start + n, minute]
                _add_tail(come, weight[node], tail)
            for band in range(len(wanted)):
                most = 0
                while most < count and tail[most + 1] >= wanted[band] - 1e-12:
                    most += 1
                found[group, minute, band] = most


@compiled
def _add_tail(come: Floats, weight: float, tail: Floats) -> None:
    """Adds the weighted chances that at least k of these independent people come."""
    count = len(come)
    if count <= EXACT:
        law = np.zeros(count + 1)
        _convolved(come, law)
        more = 0.0
        for k in range(count, -1, -1):
            more += law[k]
            tail[k] += weight * more
        return
    mean = come.sum()
    sd = math.sqrt(max((come * (1.0 - come)).sum(), 1e-12))
    tail[0] += weight
    for k in range(1, count + 1):
        tail[k] += weight * 0.5 * math.erfc((k - 0.5 - mean) / (sd * math.sqrt(2.0)))


@compiled
def _convolved(come: Floats, law: Floats) -> None:
    """Fills in the law of how many of them come: Hong's recursion over people."""
    law[0] = 1.0
    for n in range(len(come)):
        for k in range(n + 1, 0, -1):
            law[k] = law[k] * (1.0 - come[n]) + law[k - 1] * come[n]
        law[0] *= 1.0 - come[n]
