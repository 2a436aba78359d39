"""Made-up callouts whose truth is known: who would say yes, who no, and how many minutes after being asked.

A world says how the truth is drawn and what is believed of it. All draws are seeded; every way of asking
meets the same people with the same answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv, expit, logit

from volunteer_hub.core import policy
from volunteer_hub.engine.arrays import Bools, Floats, Ints
from volunteer_hub.engine.waves import Curve
from volunteer_hub.mobilization.policy import Answers

DEADLINE = 30.0  # minutes
EVERYBODY = 8  # people there for each head wanted, and
AT_LEAST = 60  # so many besides
CITY = 25  # callouts of one city, which share what is not known of its people
SAYS_NO = 0.5  # of those who do not come, so many say so
DRILL = 300  # people asked in each drill of a city
LATE = 1e6


@dataclass(frozen=True)
class Case:
    """One callout: slot s has the people first[s]:first[s + 1], nearest first.

    believed: chance of a yes, worth `strength` asks, going together by `correlation`. The truth: yes, no, and
    `delay` in minutes from asking to the answer of whoever gives one.
    """

    first: Ints
    need: Ints
    believed: Floats
    strength: float
    correlation: float
    travel: Floats
    curve: Curve
    yes: Bools
    no: Bools
    delay: Floats


@dataclass(frozen=True)
class World:
    """``together``: how far the answers of a callout go together in truth, ``believed``: in the model;
    ``drills``: how many have taught what is believed, None where every chance is known; ``family``: how the
    truth of a night bends the chances [n] of a callout, given a generator."""

    name: str
    believed: float = 0.0
    drills: int | None = None
    family: Callable[[Floats, np.random.Generator], Floats] = lambda chance, rng: chance


def beta_shock(together: float) -> Callable[[Floats, np.random.Generator], Floats]:
    """The family of the model: one quantile for all, of the Beta law around each chance."""

    def bend(chance: Floats, rng: np.random.Generator) -> Floats:
        strength = (1 - together) / together
        bent: Floats = betaincinv(strength * chance, strength * (1 - chance), rng.uniform())
        return bent

    return bend


def masts_down(chance: Floats, rng: np.random.Generator) -> Floats:
    """One night in ten the telephone is dead in one quarter of the town: three in ten hear of it."""
    bent = chance.copy()
    if rng.uniform() < 0.1:
        bent[rng.uniform(size=len(chance)) < 0.25] *= 0.3
    return bent


def storm(chance: Floats, rng: np.random.Generator) -> Floats:
    """Chances move together on the logit scale, with a long tail downwards (Student's t, 4 degrees)."""
    moved: Floats = expit(logit(chance) - 0.35 * abs(rng.standard_t(4)) + 0.28)
    return moved


def workplaces(chance: Floats, rng: np.random.Generator) -> Floats:
    """People work in units of fifteen; one unit in five is on shift and hardly anybody of it can come."""
    unit = rng.integers(0, max(1, len(chance) // 15), len(chance))
    away = rng.uniform(size=unit.max() + 1) < 0.2
    return np.where(away[unit], chance * 0.15, np.minimum(chance * 1.2125, 0.98))


WORLDS = (
    World("independent, known"),
    World("correlated 3 %, known", 0.03, family=beta_shock(0.03)),
    World("learned from 0 drills", 0.02, 0, beta_shock(0.02)),
    World("learned from 1 drill", 0.02, 1, beta_shock(0.02)),
    World("learned from 4 drills", 0.02, 4, beta_shock(0.02)),
    World("masts down", 0.03, family=masts_down),
    World("storm, long tail", 0.03, family=storm),
    World("workplaces", 0.03, family=workplaces),
)


def cases(world: World, callouts: int, seed: int = 7) -> Iterator[Case]:
    """So many callouts of the world, by day and by night in turn."""
    answers = policy.load("answers", Answers)
    curves = [Curve(answers.delay.minutes(when), answers.delay.shares) for when in ("day", "night")]
    for number in range(callouts):
        city = np.random.default_rng([seed, number // CITY])
        level, strength, told = _city(world, city, answers)
        rng = np.random.default_rng([seed, 1000 + number])
        yield _case(world, rng, level, strength, told, curves[number % 2])


def _city(world: World, rng: np.random.Generator, answers: Answers) -> tuple[float, float, float]:
    """(true chance of its people, strength of the belief, chance believed)."""
    prior = answers.default
    level = float(rng.beta(prior.accept * prior.strength, (1 - prior.accept) * prior.strength))
    if world.drills is None:
        return level, np.inf, level
    asked = world.drills * DRILL
    yes = 0
    for _ in range(world.drills):
        yes += int(rng.binomial(DRILL, float(world.family(np.array([level]), rng)[0])))
    # Answers of one drill go together: it teaches no more than so many asks that do not.
    worth = world.drills * DRILL / (1 + (DRILL - 1) * world.believed)
    strength = prior.strength + worth
    told = (prior.accept * prior.strength + worth * (yes / asked if asked else 0.0)) / strength
    return level, strength, told


def _case(
    world: World, rng: np.random.Generator, level: float, strength: float, told: float, curve: Curve
) -> Case:
    need = np.minimum(rng.geometric(0.15, rng.integers(1, 5)) + 1, 40)
    first = np.concatenate([[0], np.cumsum(need * EVERYBODY + AT_LEAST)])
    people = int(first[-1])
    known = world.drills is None
    chance = (
        np.clip(rng.beta(level * 8, (1 - level) * 8, people), 0.02, 0.98) if known else np.full(people, level)
    )
    true = world.family(chance, rng)
    yes = rng.uniform(size=people) < true
    return Case(
        first=first,
        need=need,
        believed=chance if known else np.full(people, told),
        strength=strength,
        correlation=world.believed,
        travel=np.concatenate([np.sort(rng.uniform(3, 60, n)) for n in np.diff(first)]),
        curve=curve,
        yes=yes,
        no=~yes & (rng.uniform(size=people) < SAYS_NO),
        delay=_delays(curve, rng.uniform(size=people)),
    )


def _delays(curve: Curve, quantile: Floats) -> Floats:
    shares, minutes = (0.0, *curve.shares), (0.0, *curve.minutes)
    inner: Floats = np.interp(quantile, shares, minutes)
    return np.where(quantile > curve.shares[-1], LATE, inner)
