"""What if it happened there, then: whom a callout would ask, who would come by when, what is in the way.

A scenario is a Problem whose heads must come. `to_ask` turns it into one whose heads are people to be asked;
its optimal plan says whom, its gaps and prices (explain.py, margins.py) what the pool lacks, play.py what
comes of it. What would help is ranked by those prices (remedies.py), tried, and played with the same draws.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

import numpy as np

from volunteer_hub.engine.arrays import Bools, Floats, Ints
from volunteer_hub.engine.changes import Borrow, Change
from volunteer_hub.engine.could import Could
from volunteer_hub.engine.explain import Gap, Tier, gaps
from volunteer_hub.engine.feasible import RULES
from volunteer_hub.engine.margins import margins
from volunteer_hub.engine.overcall import smallest_ask
from volunteer_hub.engine.play import Answering, Asked, Played, Rules, play
from volunteer_hub.engine.problem import FOREVER, LONG_AGO, Intervals, Minima, Options, People, Problem
from volunteer_hub.engine.remedies import Kind, Remedy, ranked
from volunteer_hub.engine.solve import Plan, solve
from volunteer_hub.engine.units import Units, minimum_units, slot_units

MOST_PER_HEAD: Final = 60  # people asked for a head, where even they are not enough
STEPS: Final = 200.0  # mean chances are told apart in steps of one two-hundredth: sizes are looked up
MOST_FIXES: Final = 4
MOST_RECRUITS: Final = 64
RECRUIT: Final = "recruit"
DEADLINE_S: Final = 20.0
NOTHING, ANSWERS, TRAVEL, POOL = "none", "answers", "travel", "pool"
_TRIED: Final = frozenset({Kind.TRAIN, Kind.CERTIFY, Kind.INSURE, Kind.FITNESS, Kind.NIGHT, Kind.FREE})


@dataclass(frozen=True)
class Binding:
    """What is most in the way: ``why`` is the rule that leaves too few to be asked, "elsewhere" where those
    who could are all needed by other slots, else "answers" or "travel", whichever takes more from coverage
    in time; "none" where the confidence is reached. ``short``: people too few to be asked."""

    slot: int
    why: str
    short: int = 0
    left: tuple[tuple[str, int], ...] = ()  # people left after each rule, of a gap


@dataclass(frozen=True)
class Fix:
    """Something that would help, and what then. ``kind``: of Remedy, or RECRUIT, at the slot's place.
    ``people``: rows of the problem, none for recruits; ``sure``: the chance that every slot is covered at the
    horizon, ``slot_sure`` of its own; ``hours``: of work."""

    kind: str
    slot: int
    amount: int
    people: tuple[int, ...]
    skill: int
    level: int
    hours: float
    sure: float
    slot_sure: float


@dataclass(frozen=True)
class WhatIf:
    """``asked`` [S] people asked for each slot, ``wanted`` [S] how many it would take; of the asked the mean
    ``chance`` of a yes and the median of ``ways``, minutes of travel."""

    asked: Ints
    wanted: Ints
    chance: Floats  # [S]
    ways: Floats  # [S]
    played: Played
    binding: Binding
    fixes: tuple[Fix, ...]


def to_ask(problem: Problem, answering: Answering, rules: Rules) -> Problem:
    """The problem whose heads are the people to be asked instead of those who must come.

    For each minimum so many as it takes, with the mean chance of those who could serve, until it comes
    together in time with the confidence wanted; at least the target. Minima within a slot are asked for
    apart, also where they may share people.
    """
    slots, minima, law = problem.slots, problem.minima, answering
    in_time = answering.by(rules.answer_minutes)
    own, nested = slot_units(problem), minimum_units(problem)
    least = [_size(problem, own, s, slots.minimum[s], in_time, law, rules) for s in range(len(slots))]
    heads = [_size(problem, nested, m, minima.heads[m], in_time, law, rules) for m in range(len(minima))]
    within = np.bincount(minima.slot, weights=heads, minlength=len(slots)).astype(np.int64)
    minimum = np.maximum(np.array(least, dtype=np.int64), within)
    target = np.maximum(minimum, slots.target)
    asked = replace(slots, minimum=minimum, target=target, maximum=np.maximum(target, slots.maximum))
    apart = Minima()
    if len(minima):
        apart = replace(minima, heads=np.array(heads), may_share=np.zeros(len(minima), np.bool_))
    return replace(problem, slots=asked, minima=apart)


def _size(
    problem: Problem, units: Units, u: int, need: int, in_time: Floats, answering: Answering, rules: Rules
) -> int:
    if not need:
        return 0
    chances = in_time[_able(problem, units, u) & (in_time > 0)]
    if not len(chances):  # whoever could be found for it would answer as everybody does
        chances = in_time[in_time > 0]
    mean = round(STEPS * float(chances.mean())) / STEPS if len(chances) else 0.0
    key = max(mean, 1 / STEPS), int(need), rules.confidence
    if key not in answering.sizes:
        answering.sizes[key] = _smallest(*key, answering)
    return answering.sizes[key]


def _smallest(chance: float, need: int, confidence: float, answering: Answering) -> int:
    most = MOST_PER_HEAD * need
    tried = min(most, 2 * int(np.ceil(need / chance)) + 5)
    while True:
        found = smallest_ask(np.full(tried, chance), need, confidence, answering.law)
        if found is not None or tried == most:
            return found or most
        tried = min(most, 2 * tried)


def _able(problem: Problem, units: Units, u: int) -> Bools:
    able = np.ones(len(problem.people), np.bool_)
    for rule in RULES.values():
        able &= rule(problem, units, slice(None), u)
    return able


def whatif(
    problem: Problem, answering: Answering, rules: Rules, hours: Mapping[str, float], fixes: bool = True
) -> WhatIf:
    """The scenario played, what binds it, and what would help: the cheapest first of what brings it to the
    confidence wanted, then what brings it furthest. ``hours``: of work that each kind of fix takes for one
    person; kinds not named are not proposed. People whom nothing reaches are left out of ``problem``.

    The same problem, answers and rules give the same, whatever else the process has done.
    """
    asking = to_ask(problem, answering, rules)
    plan = solve(asking, Options(seed=rules.seed, deadline_s=DEADLINE_S))
    asked = Asked.of(problem, plan)
    played = play(problem, asked, answering, rules)
    could = Could(asking, plan)
    short = [gap for gap in gaps(asking, plan, could=could) if gap.tier is Tier.MINIMUM]
    binding = _binding(problem, asked, answering, rules, played, short)
    found: tuple[Fix, ...] = ()
    if fixes and binding.why != NOTHING:
        tried = _Trial(problem, asking, answering, rules, hours)
        found = tried.best(plan, could, short, binding)
    count = np.bincount(asked.slot, minlength=len(problem.slots))
    return WhatIf(
        asked=count,
        wanted=asking.slots.minimum,
        chance=_per_slot(asked, answering.chance[asked.person], count, np.mean),
        ways=_per_slot(asked, asked.ways, count, np.median),
        played=played,
        binding=binding,
        fixes=found,
    )


def _per_slot(asked: Asked, values: Floats, count: Ints, of: Callable[[Floats], Any]) -> Floats:
    found = np.zeros(len(count))
    for slot in np.flatnonzero(count).tolist():
        found[slot] = of(values[asked.slot == slot])
    return found


def _binding(
    problem: Problem,
    asked: Asked,
    answering: Answering,
    rules: Rules,
    played: Played,
    short: Sequence[Gap],
) -> Binding:
    if not len(problem.slots):
        return Binding(-1, NOTHING)
    sure = played.sure[:, rules.at]
    worst = int(np.argmin(sure))
    if sure[worst] >= rules.confidence:
        return Binding(worst, NOTHING)
    if short:
        gap = _worst(short, sure)
        return Binding(gap.slot, _why(gap), sum(one.short for one in short), gap.left)
    near = play(problem, replace(asked, ways=np.zeros(len(asked.ways))), answering, rules)
    at_once = play(problem, asked, _prompt(answering), rules)
    travels = near.sure[worst, rules.at] > at_once.sure[worst, rules.at]
    return Binding(worst, TRAVEL if travels else ANSWERS)


def _worst(short: Sequence[Gap], sure: Floats) -> Gap:
    """Of the slot least likely to be covered the part that lacks most people."""
    return min(short, key=lambda one: (sure[one.slot], -one.short, one.unit))


def _why(gap: Gap) -> str:
    """The rule that leaves too few; where everybody would be too few, the one that leaves the least share of
    whom it finds, if that is less than half."""
    if gap.binding != POOL:
        return gap.binding
    counts = [count for _, count in gap.left]
    shares = [after / before if before else 1.0 for before, after in pairwise(counts)]
    least = int(np.argmin(shares))
    return gap.left[least + 1][0] if shares[least] < 0.5 else POOL


def _prompt(answering: Answering) -> Answering:
    """The same yeses, all of them at once."""
    at_once = tuple(replace(one, minutes=(0.0,), shares=one.shares[-1:]) for one in answering.curves)
    return replace(answering, curves=at_once)


@dataclass(frozen=True)
class _Trial:
    """What would help a scenario, each tried by solving and playing it again."""

    problem: Problem
    asking: Problem
    answering: Answering
    rules: Rules
    hours: Mapping[str, float]

    def best(self, plan: Plan, could: Could, short: Sequence[Gap], binding: Binding) -> tuple[Fix, ...]:
        own = [one for one in short if one.slot == binding.slot]
        gap = max(own, key=lambda one: (one.short, -one.unit), default=None)
        found = [] if gap is None else self._remedies(plan, could, gap)
        if RECRUIT in self.hours:
            unit = int(np.flatnonzero(plan.units.slot == binding.slot)[0]) if gap is None else gap.unit
            recruits = self._recruits(plan, unit, binding.slot)
            found += [] if recruits is None else [recruits]
        found.sort(key=self._cheapest_first)
        return tuple(found[:MOST_FIXES])

    def _cheapest_first(self, fix: Fix) -> tuple[bool, float, float, str]:
        enough = fix.slot_sure >= self.rules.confidence
        return not enough, 0.0 if enough else -fix.slot_sure, fix.hours, fix.kind

    def _remedies(self, plan: Plan, could: Could, gap: Gap) -> list[Fix]:
        """The best by price of each kind, played."""
        known = margins(self.asking, plan, could)
        if known is None:
            return []
        best: dict[str, Remedy] = {}
        for remedy in ranked(self.asking, plan, gap, known):
            if remedy.kind in _TRIED and remedy.kind in self.hours:
                best.setdefault(remedy.kind.value, remedy)
        made = [self._played(remedy.change, remedy, gap.slot) for remedy in best.values()]
        return [fix for fix in made if fix is not None]

    def _played(self, change: Change, remedy: Remedy, slot: int) -> Fix | None:
        after = solve(change.apply(self.asking), Options(seed=self.rules.seed, deadline_s=DEADLINE_S))
        changed = change.apply(self.problem)
        serving = set(after.person.tolist())
        people = tuple(v for v in remedy.people if v in serving)
        if not people:
            return None
        played = play(changed, Asked.of(changed, after), self.answering, self.rules)
        kind = remedy.kind.value
        return self._fix(kind, slot, people, len(people), remedy.skill, remedy.level, played)

    def _recruits(self, plan: Plan, unit: int, slot: int) -> Fix | None:
        """The fewest new people near the place, of what the unit asks, who bring the slot to the confidence
        wanted; else the most tried."""
        count, best = 1, None
        while count <= MOST_RECRUITS:
            best = self._recruited(plan, unit, slot, count)
            if best.slot_sure >= self.rules.confidence:
                break
            count *= 2
        low = count // 2
        while best is not None and best.slot_sure >= self.rules.confidence and count - low > 1:
            middle = (low + count) // 2
            tried = self._recruited(plan, unit, slot, middle)
            if tried.slot_sure >= self.rules.confidence:
                count, best = middle, tried
            else:
                low = middle
        return best

    def _recruited(self, plan: Plan, unit: int, slot: int, count: int) -> Fix:
        """They are asked beside everybody whom the plan asks."""
        units, people = plan.units, self.problem.people
        joined = Borrow(RECRUIT, recruits(self.problem, units, unit, count)).apply(self.problem)
        asked = Asked.of(self.problem, plan)
        rows = np.arange(len(people), len(people) + count)
        ways = np.zeros(count)
        more = Asked(
            np.append(asked.person, rows),
            np.append(asked.slot, np.full(count, slot)),
            np.append(asked.ways, ways),
        )
        played = play(joined, more, self.answering.more(count), self.rules)
        needs = zip(units.need_skill[unit].tolist(), units.need_level[unit].tolist(), strict=True)
        skill, level = next((need for need in reversed(list(needs)) if need[0] >= 0), (-1, 0))
        return self._fix(RECRUIT, slot, (), count, skill, level, played)

    def _fix(
        self,
        kind: str,
        slot: int,
        people: tuple[int, ...],
        amount: int,
        skill: int,
        level: int,
        played: Played,
    ) -> Fix:
        at = self.rules.at
        return Fix(
            kind=kind, slot=slot, amount=amount, people=people, skill=skill, level=level,
            hours=self.hours[kind] * amount,
            sure=float(played.all_sure[at]),
            slot_sure=float(played.sure[slot, at]),
        )  # fmt: skip


def recruits(problem: Problem, units: Units, unit: int, count: int) -> People:
    """People who do not exist yet: at the unit's place, holding what it asks, free, rested and willing."""
    yes, zero = np.ones(count, np.bool_), np.zeros(count, np.int64)
    levels = np.zeros((count, problem.people.skills), np.int8)
    until = np.full(levels.shape, FOREVER, np.int32)
    for skill, level in zip(units.need_skill[unit].tolist(), units.need_level[unit].tolist(), strict=True):
        if skill >= 0:
            levels[:, skill] = level
    slot = int(units.slot[unit])
    return People(
        key=-1 - np.arange(1, count + 1),
        lat=np.full(count, problem.slots.lat[slot]),
        lon=np.full(count, problem.slots.lon[slot]),
        levels=levels,
        cert_until=until,
        free=Intervals.always(count),
        busy=Intervals.none(count),
        adult=yes,
        insured=yes,
        fit=yes,
        night_travel=yes,
        speed_kmh=np.full(count, 30.0),
        max_km=np.full(count, 20_100.0),
        fatigue=zero,
        night_cost=zero,
        served=zero,
        rest_since=np.full(count, LONG_AGO),
        minutes_24h=zero,
    )
