"""An imagined callout played many times: how many people would be there by when.

Each draw plays the whole callout once. What all answers have in common (shock.py) is drawn for the callout;
then everybody asked says yes or not, answers after a delay, leaves, and travels a time that varies about the
expected one (log-normal, its median the expected time). Places go to the first yeses, as in a real callout.

Every random number comes from the seed, the number of the draw and the person's lasting key alone (common
random numbers: Glasserman & Yao, "Some guidelines and guarantees for common random numbers", Management
Science 38, 1992): the same people answer the same in every scenario, so that two differ by what they ask.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Final

import numpy as np
from scipy.special import ndtri

from volunteer_hub.engine.arrays import Bools, Floats, Ints
from volunteer_hub.engine.law import Shock
from volunteer_hub.engine.overcall import check_confidence
from volunteer_hub.engine.problem import Problem
from volunteer_hub.engine.solve import Plan
from volunteer_hub.engine.terms import draw, travel
from volunteer_hub.engine.waves import Curve

BANDS: Final = (0.9, 0.5, 0.1)
"""P10, P50 and P90: so many people or more with this probability."""
_TENTHS: Final = 10.0
_MOST_MINIMA: Final = 4  # of a slot, up to which every set of them is looked at
_BITS: Final = 21  # three numbers from one draw of 63 bits
_CALLOUT: Final = 53  # bits of the number that a callout has in common
_BETWEEN: Final = 1e-9  # minutes between answers of the same moment, in the order of asking


@dataclass(frozen=True)
class Answering:
    """How the people of a problem answer: the chance of a yes at all (0: nothing reaches them), by which of
    the delay curves, and how they go together. ``sizes``: what was worked out for this law before."""

    chance: Floats  # [V]
    curve: Ints  # [V] into curves
    curves: tuple[Curve, ...]
    law: Shock
    sizes: dict[tuple[float, int, float], int] = field(default_factory=dict, compare=False, repr=False)

    def some(self, rows: Ints) -> Answering:
        """Of the people of these rows."""
        return replace(self, chance=self.chance[rows], curve=self.curve[rows])

    def more(self, count: int) -> Answering:
        """With so many further people, who answer as those who can be reached do on average."""
        reached = self.chance > 0
        usual = float(self.chance[reached].mean()) if reached.any() else 0.0
        common = int(np.bincount(self.curve[reached]).argmax()) if reached.any() else 0
        return replace(
            self,
            chance=np.append(self.chance, np.full(count, usual)),
            curve=np.append(self.curve, np.full(count, common)),
        )

    def by(self, minutes: float) -> Floats:
        """[V] the chance of a yes within so many minutes."""
        shares = np.array([float(one.by(np.array([minutes]))[0]) for one in self.curves])
        found: Floats = self.chance * shares[self.curve] if len(shares) else 0.0 * self.chance
        return found


@dataclass(frozen=True)
class Rules:
    """``confidence`` wanted of each minimum within ``answer_minutes``; ``prepare``: minutes from a yes to the
    door; ``spread``: standard deviation of the logarithm of travel times; ``minutes``: when it is looked how
    many are there; coverage is judged at ``horizon``, one of them. Raises ValueError for what cannot be."""

    confidence: float = 0.95
    answer_minutes: float = 30.0
    prepare: float = 10.0
    spread: float = 0.3
    draws: int = 1000
    seed: int = 0
    minutes: tuple[float, ...] = tuple(float(minute) for minute in range(0, 181, 5))
    horizon: float = 60.0

    def __post_init__(self) -> None:
        check_confidence(self.confidence)
        if self.draws < 1 or not self.prepare >= 0 or not 0 <= self.spread <= 2:
            raise ValueError("draws, prepare or spread out of range")
        if list(self.minutes) != sorted(set(self.minutes)) or self.horizon not in self.minutes:
            raise ValueError("the minutes must rise, and the horizon be one of them")

    @property
    def at(self) -> int:
        """The position of the horizon among the minutes."""
        return self.minutes.index(self.horizon)


@dataclass(frozen=True)
class Asked:
    """Whom the callout asks: row i is person[i] of the problem for slot[i], ``ways`` minutes away. Nobody is
    asked twice."""

    person: Ints
    slot: Ints
    ways: Floats

    @classmethod
    def of(cls, problem: Problem, plan: Plan) -> Asked:
        """Whom a plan chose, with their expected travel times."""
        ways = travel(problem, plan.units, plan.person, plan.unit) / _TENTHS
        return cls(plan.person, plan.slot, ways)


@dataclass(frozen=True)
class Played:
    """What every draw came to. S slots, D draws, T minutes. ``there``: people on the scene; ``met``: the
    slot's minimum and every minimum within it is there."""

    minutes: tuple[float, ...]
    there: Ints  # [S, D, T]
    met: Bools  # [S, D, T]

    @property
    def fan(self) -> Ints:
        """[3, T] people on the scene of all slots together: P10, P50, P90."""
        return bands(self.there.sum(axis=0))

    @property
    def bands(self) -> Ints:
        """[S, 3, T] the same of each slot."""
        found = np.zeros((len(self.there), len(BANDS), len(self.minutes)), np.int64)
        for slot, counts in enumerate(self.there):
            found[slot] = bands(counts)
        return found

    @property
    def sure(self) -> Floats:
        """[S, T] the share of draws in which the slot is covered."""
        found: Floats = self.met.mean(axis=1)
        return found

    @property
    def all_sure(self) -> Floats:
        """[T] the share of draws in which every slot is."""
        found: Floats = self.met.all(axis=0).mean(axis=0)
        return found


def bands(counts: Ints) -> Ints:
    """[3, T] of counts [D, T]: so many or more in BANDS of the draws."""
    falling = np.sort(counts, axis=0)[::-1]  # the k-th is reached or passed by k of the draws
    place = np.ceil(np.array(BANDS) * len(counts) - 1e-9).astype(np.int64)
    found: Ints = falling[np.maximum(place, 1) - 1]
    return found


def play(problem: Problem, asked: Asked, answering: Answering, rules: Rules) -> Played:
    """The callout of a problem (its own minima and maxima, not those of who is asked) in every draw."""
    count, minutes = len(problem.slots), rules.minutes
    there = np.zeros((count, rules.draws, len(minutes)), np.int64)
    met = np.zeros((count, rules.draws, len(minutes)), np.bool_)
    answers, comes = _moments(problem, asked, answering, rules)
    for slot in range(count):
        mine = np.flatnonzero(asked.slot == slot)
        maximum = int(problem.slots.maximum[slot])
        arrives = np.where(_placed(answers[:, mine], maximum), comes[:, mine], np.inf)
        there[slot] = _by(arrives, minutes)
        met[slot] = there[slot] >= problem.slots.minimum[slot]
        for heads, counts in _within(problem, slot, asked.person[mine]):
            met[slot] &= _by(arrives[:, counts], minutes) >= heads
    return Played(minutes, there, met)


def _moments(problem: Problem, asked: Asked, answering: Answering, rules: Rules) -> tuple[Floats, Floats]:
    """[D, n] the minutes at which everybody says yes, and arrives; infinity for who does not."""
    number = np.arange(rules.draws)
    keys, who = problem.people.key[asked.person], answering.some(asked.person)
    bits = draw(rules.seed, keys[None, :], number[:, None], 3 * _BITS)
    says, when, slow = (_unit(bits >> shift) for shift in (0, _BITS, 2 * _BITS))
    yes = says < answering.law.given(who.chance)[_common(rules, answering.law)]
    answers = np.full(yes.shape, np.inf)
    for one, curve in enumerate(answering.curves):
        mine = who.curve == one
        shares, knots = (0.0, *curve.shares), (0.0, *curve.minutes)
        answers[:, mine] = np.interp(when[:, mine], shares, knots, right=np.inf)
    answers += np.arange(len(keys)) * _BETWEEN
    answers[~yes] = np.inf
    stretched = np.exp(rules.spread * ndtri(slow)) if rules.spread else 1.0
    return answers, answers + rules.prepare + asked.ways * stretched


def _unit(bits: Ints) -> Floats:
    """Numbers within (0, 1) from the lowest bits, ends left out."""
    found: Floats = ((bits & (1 << _BITS) - 1) + 0.5) / (1 << _BITS)
    return found


def _common(rules: Rules, law: Shock) -> Ints:
    """[D] the node of the law that each draw's callout stands at."""
    nobody = np.zeros(1, np.int64) - 1  # no person's key
    number = np.arange(rules.draws)
    place = (draw(rules.seed, nobody, number, _CALLOUT) + 0.5) / 2.0**_CALLOUT
    return np.minimum(np.searchsorted(np.cumsum(law.weight), place), len(law.weight) - 1)


def _placed(answers: Floats, maximum: int) -> Bools:
    """Who has a place: the first yeses of each draw."""
    if answers.shape[1] <= maximum:
        return np.isfinite(answers)
    if not maximum:
        return np.zeros(answers.shape, np.bool_)
    last = np.partition(answers, maximum - 1, axis=1)[:, maximum - 1 : maximum]
    return (answers <= last) & np.isfinite(answers)


def _by(arrives: Floats, minutes: tuple[float, ...]) -> Ints:
    """[D, T] how many have arrived by each minute."""
    draws, width = len(arrives), len(minutes) + 1
    row, column = np.nonzero(np.isfinite(arrives))
    place = np.searchsorted(minutes, arrives[row, column])
    found = np.bincount(row * width + place, minlength=draws * width).reshape(draws, width)
    counts: Ints = np.cumsum(found[:, :-1], axis=1)
    return counts


def _within(problem: Problem, slot: int, person: Ints) -> Iterator[tuple[int, Bools]]:
    """Minima within the slot as (heads, which of its people count): each that may share people by itself, of
    the others every set, which together want different people (Hall's condition)."""
    minima, people = problem.minima, problem.people
    rows = np.flatnonzero(minima.slot == slot).tolist()
    counts = {
        m: (people.levels[person, minima.skill[m]] >= minima.level[m])
        & (people.cert_until[person, minima.skill[m]] >= problem.slots.end[slot])
        for m in rows
    }
    apart = [m for m in rows if not minima.may_share[m]]
    sizes = range(1, len(apart) + 1) if len(apart) <= _MOST_MINIMA else (1, len(apart))
    alone = ((m,) for m in rows if minima.may_share[m])
    for group in [*alone, *(some for size in sizes for some in combinations(apart, size))]:
        heads = int(sum(int(minima.heads[m]) for m in group))
        yield heads, np.logical_or.reduce([counts[m] for m in group])
