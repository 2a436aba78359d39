"""What would have to be otherwise: for a person to be chosen, and for somebody else to be in their stead.

Each rule in the way comes with the smallest change that lifts it, and the price of the place with the minutes
by which the person's way and burden would have to be less. Both are exact for one person: when one person
changes, a plan changes by one exchange path, and margins.py finds the best of each kind.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from volunteer_hub.engine.changes import Change, Free, Grant, Qualify, Reach, Spare, Worked, apply, some
from volunteer_hub.engine.could import HELD_BACK, Could
from volunteer_hub.engine.feasible import DAY, RULES, feasible
from volunteer_hub.engine.margins import Margins, without
from volunteer_hub.engine.problem import Intervals, Ints, Pairs, Problem
from volunteer_hub.engine.solve import Plan
from volunteer_hub.engine.terms import cost, distance_km
from volunteer_hub.engine.travel import Matrix
from volunteer_hub.engine.units import Access, Units

NOBODY = -1
ME = (0,)  # the only row of a problem of one
_GRANTS = {"age": "adult", "insurance": "insured", "fitness": "fit", "night_travel": "night_travel"}


@dataclass(frozen=True)
class Obstacle:
    """A rule in the way. `lacking` counts levels, minutes or kilometres by the rule, 0 where it is yes or no;
    `start` and `end` are the minutes it is about. `change` None: nothing about this person would do."""

    rule: str  # of feasible.RULES, else "locked", "forbidden", "reserved", "slot_full"
    lacking: float = 0.0
    skill: int = -1
    level: int = 0
    start: int = 0
    end: int = 0
    change: Change | None = None


@dataclass(frozen=True)
class WhyNot:
    """Why a person is not on a slot. With every obstacle's change made, they would be chosen for it if their
    cost there were below `ceiling` and not if above; at it the draw and who was asked least decide."""

    person: int
    slot: int
    unit: int  # the unit of the slot that is easiest for them, -1 for none
    serves: int  # slot they serve instead, -1 for none
    obstacles: tuple[Obstacle, ...]
    cost: int  # travel and burden here, 0.1 minutes
    ceiling: int | None  # None: the plan is not exact, or an obstacle has no change
    big: int  # values from here on are open heads, not minutes
    instead: int  # who would go home, -1: a gap would close, or nobody knows
    elsewhere: int  # a slot where they would be chosen rather, -1 for none
    tied: int = -1  # a slot where they would be worth just as much; then the draw says which

    @property
    def cheaper_by(self) -> int | None:
        """0.1 minutes by which the cost would have to fall before they draw level; 0: it need not."""
        return None if self.ceiling is None else max(0, self.cost - self.ceiling)

    @property
    def heads(self) -> int:
        """By how many ranks of open heads they fall short: above 0, no nearness helps."""
        return round((self.cheaper_by or 0) / self.big) if self.big else 0


@dataclass(frozen=True)
class Standing:
    """How firmly a person chosen stands: made more tired by up to `margin`, they are still chosen somewhere;
    by more, somebody else is (0.1 minutes; from `Margins.big` on, an open head)."""

    person: int
    slot: int
    margin: int
    successor: int  # who would come in, NOBODY: a head stays open
    left_short: int  # the slot that would then have an open head, -1 for none
    moves: int  # others who would change places


def standings(problem: Problem, plan: Plan, known: Margins) -> tuple[Standing, ...]:
    """One per row of the plan, in its order; locked people, who stay whatever happens, have the margin of the
    head they hold."""
    own = cost(problem, plan.units, plan.person, plan.unit)
    ends = {u: known.successor(u) for u in np.unique(plan.unit).tolist()}
    rows = zip(plan.person.tolist(), plan.slot.tolist(), plan.unit.tolist(), own.tolist(), strict=True)
    found = []
    for person, slot, unit, price in rows:
        successor, last, moves = ends[unit]
        short = int(plan.units.slot[last]) if successor == NOBODY else -1
        found.append(Standing(person, slot, int(known.more[unit]) - price, successor, short, moves))
    return tuple(found)


def why_not(
    problem: Problem, plan: Plan, could: Could, known: Margins | None, person: int, slot: int
) -> WhyNot:
    """Raises ValueError when the person serves that slot."""
    units, serves = plan.units, int(could.serves[person])
    if serves >= 0 and units.slot[serves] == slot:
        raise ValueError("the person serves this slot")
    prices = _prices(problem, plan, could, known, person)
    found = judged(
        alone(problem, person),
        units,
        None if prices is None else prices.less,
        slot,
        tuple(_decided(problem, could, person, slot)),
        problem.forbidden.slot[problem.forbidden.person == person],
    )
    return replace(
        found,
        person=person,
        serves=int(units.slot[serves]) if serves >= 0 else -1,
        obstacles=tuple(_of(person, one) for one in found.obstacles),
        big=known.big if known is not None else 0,
        instead=prices.displaced(found.unit)[0] if prices is not None and found.unit >= 0 else NOBODY,
    )


def judged(
    one: Problem,
    units: Units,
    less: Ints | None,
    slot: int,
    decided: tuple[Obstacle, ...] = (),
    barred: Ints | None = None,
) -> WhyNot:
    """The same for the only person of a problem, from the prices alone.

    less: [U] what one head less of each unit saves in the plan without this person; None: not known.
    decided: obstacles that nothing about the person lifts. barred: slots they may not serve.
    """
    mine = np.flatnonzero((units.slot == slot) & (units.access == Access.OPEN)).tolist()
    ways = {u: _lifted(one, units, u) for u in mine}
    u = min(ways, key=lambda u: _effort(ways[u][0], less, u), default=-1)
    found, changed = ways[u] if mine else ([Obstacle("slot_full")], one)
    found = [*found, *decided]
    at = np.flatnonzero(units.slot == slot)[:1]
    own = int(cost(one, units, np.zeros(1, np.int64), at)[0])
    result = WhyNot(ME[0], slot, u, -1, tuple(found), own, None, 0, NOBODY, -1)
    if less is None or any(obstacle.change is None for obstacle in found):
        return result
    here, rest, other = _worth(changed, units, less, slot, barred)
    return replace(
        result,
        ceiling=here - rest,
        elsewhere=other if rest > max(0, here - own) else -1,
        tied=other if 0 < rest == here - own else -1,
    )


def alone(problem: Problem, person: int) -> Problem:
    """The person as the only row, undecided: changes are tried on it, whatever the size of the pool."""
    travel = problem.travel
    return replace(
        problem,
        people=some(problem.people, np.array([person])),
        locked=Pairs(),
        forbidden=Pairs(),
        travel=None if travel is None else Matrix(travel.zone[[person]], travel.tenths),
    )


def _of(person: int, found: Obstacle) -> Obstacle:
    """The obstacle with its change about the person's own row."""
    if found.change is None:
        return found
    return replace(found, change=replace(found.change, people=(person,)))  # type: ignore[type-var]  # all name people


def _prices(problem: Problem, plan: Plan, could: Could, known: Margins | None, person: int) -> Margins | None:
    """Of the plan without the person: what any unit would gain by them."""
    if known is None or could.serves[person] < 0:
        return known
    return without(problem, plan, could, known, person)


def _effort(found: list[Obstacle], less: Ints | None, u: int) -> tuple[int, int, int]:
    worth = int(less[u]) if less is not None else 0
    return sum(one.change is None for one in found), len(found), -worth


def _worth(one: Problem, units: Units, less: Ints, slot: int, barred: Ints | None) -> tuple[int, int, int]:
    """What the person would save on the slot before their own cost; what they would save at best elsewhere,
    cost taken off, at least 0 for staying at home; and the slot of that, -1 for home."""
    units = replace(units, max_km=one.slots.max_km[units.slot])  # a change may reach farther
    every, person = np.arange(len(units)), np.zeros(len(units), np.int64)
    able = feasible(one, units, person, every) & (units.access == Access.OPEN)
    if barred is not None:
        able &= ~np.isin(units.slot, barred)
    gain = less - cost(one, units, person, every)
    mine = able & (units.slot == slot)
    others = np.flatnonzero(able & ~mine)
    best = int(others[gain[others].argmax()]) if len(others) else -1
    rest = max(0, int(gain[best])) if best >= 0 else 0
    return int(less[mine].max()), rest, int(units.slot[best]) if rest > 0 else -1


def _decided(problem: Problem, could: Could, person: int, slot: int) -> Iterator[Obstacle]:
    """Decisions that stand in the way: nothing about the person lifts them."""
    if could.serves[person] == HELD_BACK:
        yield Obstacle("reserved")
    if ((problem.locked.person == person) & (problem.locked.slot != slot)).any():
        yield Obstacle("locked")
    if ((problem.forbidden.person == person) & (problem.forbidden.slot == slot)).any():
        yield Obstacle("forbidden")


def _lifted(one: Problem, units: Units, u: int) -> tuple[list[Obstacle], Problem]:
    """One obstacle per rule the person breaks (one per skill and proof), in the order of RULES, each found
    with those before it lifted; and the person with all of them lifted."""
    found = list(_skills(one, units, u))
    one = apply(one, [obstacle.change for obstacle in found if obstacle.change is not None])
    row, at = np.zeros(1, np.int64), np.array([u])
    for rule in (code for code in RULES if code not in ("skill", "certification")):
        if not RULES[rule](one, units, row, at)[0]:
            obstacle = _LIFTS[rule](one, units, rule, u)
            one = one if obstacle.change is None else obstacle.change.apply(one)
            found.append(obstacle)
    return found, one


def _skills(one: Problem, units: Units, u: int) -> Iterator[Obstacle]:
    end = int(units.end[u])
    needs = dict.fromkeys(zip(units.need_skill[u].tolist(), units.need_level[u].tolist(), strict=True))
    for k, level in needs:
        if k < 0:
            continue
        held, until = int(one.people.levels[0, k]), int(one.people.cert_until[0, k])
        change = Qualify(ME, k, level, end)
        if held < level:
            yield Obstacle("skill", level - held, k, level, end=end, change=change)
        elif until < end:
            yield Obstacle("certification", end - until, k, level, until, end, change)


def _granted(one: Problem, units: Units, rule: str, u: int) -> Obstacle:
    del one, units, u
    return Obstacle(rule, change=Grant(ME, _GRANTS[rule]))  # type: ignore[arg-type]  # one of the four


def _unavailable(one: Problem, units: Units, rule: str, u: int) -> Obstacle:
    """The parts of the slot outside the person's windows: from the first missing minute to the last."""
    start, end = int(units.start[u]), int(units.end[u])
    missing, at = [], start
    for since, until in _rows(one.people.free):
        if since < end and until > start:
            missing.append((at, max(at, since)))
            at = max(at, min(until, end))
    missing.append((at, end))
    missing = [(since, until) for since, until in missing if since < until]
    first, last = missing[0][0], missing[-1][1]
    total = sum(until - since for since, until in missing)
    return Obstacle(rule, total, start=first, end=last, change=Free(ME, first, last))


def _overlapping(one: Problem, units: Units, rule: str, u: int) -> Obstacle:
    start, end = int(units.start[u]), int(units.end[u])
    duties = [(since, until) for since, until in _rows(one.people.busy) if since < end and until > start]
    both = sum(min(until, end) - max(since, start) for since, until in duties)
    return Obstacle(
        rule, both, start=duties[0][0], end=duties[-1][1], change=Spare(ME, duties[0][0], duties[-1][1])
    )


def _unrested(one: Problem, units: Units, rule: str, u: int) -> Obstacle:
    """`lacking`: minutes of rest that are missing; `start`, `end`: of the time that must be free of duty."""
    pause = one.limits.min_rest_min
    start, end = int(units.start[u]), int(units.end[u])
    lacking = max(0, pause - (start - int(one.people.rest_since[0])))
    for since, until in _rows(one.people.busy):
        if until <= start:
            lacking = max(lacking, pause - (start - until))
        elif since >= end:
            lacking = max(lacking, pause - (since - end))
    before, after = start - pause, end + pause
    return Obstacle(rule, lacking, start=before, end=after, change=Spare(ME, before, after))


def _overworked(one: Problem, units: Units, rule: str, u: int) -> Obstacle:
    """`lacking`: minutes above the limit."""
    people, start, end = one.people, int(units.start[u]), int(units.end[u])
    served = int(people.minutes_24h[0]) if end - DAY < 0 else 0
    promised = sum(max(0, min(until, end) - max(since, end - DAY)) for since, until in _rows(people.busy))
    over = served + promised + end - start - one.limits.max_minutes_24h
    return Obstacle(rule, over, start=end - DAY, end=end, change=Worked(ME, over) if over <= served else None)


def _too_far(one: Problem, units: Units, rule: str, u: int) -> Obstacle:
    """`lacking`: kilometres they would have to live nearer."""
    slot = int(units.slot[u])
    km = float(distance_km(one, units, np.zeros(1, np.int64), np.array([u]))[0])
    own = float(one.people.reach_km[int(units.night[u])][0])
    over = km - min(own, float(units.max_km[u]))
    no_way = one.travel is not None and not one.travel.reachable(np.zeros(1, np.int64), slot)[0]
    return Obstacle(rule, max(0.0, over), change=None if no_way else Reach(ME, slot, km))


_LIFTS = {
    **dict.fromkeys(_GRANTS, _granted),
    "availability": _unavailable,
    "overlap": _overlapping,
    "rest": _unrested,
    "hours": _overworked,
    "distance": _too_far,
}


def _rows(intervals: Intervals) -> list[tuple[int, int]]:
    return list(zip(intervals.start.tolist(), intervals.end.tolist(), strict=True))
