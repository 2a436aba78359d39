"""What would close a gap: the smallest changes, ranked by the prices and then solved again.

A gap belongs to a set of units that together want more people than there are (its Hall group): whatever
brings one more person to any of them closes a head. Prices say what such a person would be worth, for one
head exactly; what several do together is only known by solving again, so the best are solved, and the
figures quoted are those of the new plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from volunteer_hub.engine.changes import Borrow, Change, Free, Grant, Qualify, Reach, Start, some
from volunteer_hub.engine.clock import Clock
from volunteer_hub.engine.explain import Gap
from volunteer_hub.engine.feasible import feasible
from volunteer_hub.engine.floors import Floors
from volunteer_hub.engine.margins import Margins
from volunteer_hub.engine.nearly import Near, by_moving, nearly
from volunteer_hub.engine.problem import Floats, Ints, Options, Pairs, People, Problem
from volunteer_hub.engine.solve import Plan, State, solve
from volunteer_hub.engine.terms import cost, distance_km
from volunteer_hub.engine.units import Access, Units

MOST_SOLVED = 10  # of a gap
MOST_UNITS = 6  # of a group are looked at: it may hold hundreds, and what helps one helps all
MOST_OF_A_KIND = 2


class Kind(StrEnum):
    TRAIN = "train"
    CERTIFY = "certify"
    INSURE = "insure"
    FITNESS = "fitness"
    NIGHT = "night"
    FREE = "free"
    REACH = "reach"
    START = "start"
    BORROW = "borrow"


AT_ONCE = frozenset({Kind.NIGHT, Kind.FREE, Kind.REACH, Kind.START, Kind.BORROW})  # the rest take days
_KINDS = {
    "skill": Kind.TRAIN,
    "certification": Kind.CERTIFY,
    "insurance": Kind.INSURE,
    "fitness": Kind.FITNESS,
    "night_travel": Kind.NIGHT,
    "availability": Kind.FREE,
    "distance": Kind.REACH,
}


@dataclass(frozen=True)
class Effect:
    """The new plan against the old one."""

    closes: int  # heads open before and not after, over the whole plan
    of: int  # heads the gap's group was short
    cost: int  # travel and burden more, 0.1 minutes


@dataclass(frozen=True)
class Remedy:
    """`change` makes it true (changes.apply). `people` are rows of the problem, of the group for BORROW."""

    kind: Kind
    slot: int
    change: Change
    people: tuple[int, ...]  # whom it is about, the most valuable first
    among: int  # how many would do
    amount: float  # kilometres for REACH, minutes for START, else heads
    worth: int  # what it promises by the prices
    skill: int = -1  # for TRAIN and CERTIFY
    level: int = 0
    group: str = ""  # for BORROW
    effect: Effect | None = None


@dataclass(frozen=True)
class Cure:
    """Remedies of gaps that share a Hall group: those that close most first, among equals those that can be
    had at once. `gaps`: their numbers."""

    gaps: tuple[int, ...]
    remedies: tuple[Remedy, ...]


def remedies(
    problem: Problem,
    plan: Plan,
    gaps: Sequence[Gap],
    known: Margins,
    options: Options,
    groups: Mapping[str, People] | None = None,
    floors: Floors | None = None,
) -> tuple[Cure, ...]:
    """The best of each gap, solved again: every gap's first, then every gap's second, until the time of
    `options` is up; what was not solved is left out. `groups`: people of other pools who might be asked;
    `floors`: those the plan was made with, which hold on."""
    clock = Clock(options.deadline_s)
    shared: dict[object, list[int]] = {}
    for number, gap in enumerate(gaps):
        shared.setdefault(gap.group or number, []).append(number)
    waiting: list[list[Remedy]] = []
    for numbers in shared.values():
        enough = clock.left > options.deadline_s / 2  # the other half is for solving
        waiting.append(ranked(problem, plan, gaps[numbers[0]], known, groups) if enough else [])
    solved: list[list[Remedy]] = [[] for _ in waiting]
    for turn in range(MOST_SOLVED):
        for numbers, queue, done in zip(shared.values(), waiting, solved, strict=True):
            if turn < len(queue) and clock.left > _needed(plan):
                gap = gaps[numbers[0]]
                left = replace(options, deadline_s=clock.left)
                tried = _tried(problem, plan, gap, queue[turn], left, floors)
                if tried is not None:
                    done.append(tried)
    return tuple(
        Cure(tuple(numbers), _undominated(sorted(done, key=_best_first)))
        for numbers, done in zip(shared.values(), solved, strict=True)
    )


def _needed(plan: Plan) -> float:
    """Seconds a solve is expected to take, with some to spare."""
    return 1.5 * sum(plan.seconds.values())


def _best_first(remedy: Remedy) -> tuple[int, bool, int, int]:
    assert remedy.effect is not None
    later = remedy.kind not in AT_ONCE
    return -remedy.effect.closes, later, len(remedy.people), remedy.effect.cost


def _undominated(found: list[Remedy]) -> tuple[Remedy, ...]:
    """Without those that one of the same kind outdoes: it closes as much, by no more, at no more."""
    kept: list[Remedy] = []
    for one in found:
        if not any(_outdoes(other, one) for other in kept):
            kept.append(one)
    return tuple(kept)


def _outdoes(other: Remedy, one: Remedy) -> bool:
    assert other.effect is not None
    assert one.effect is not None
    return (
        (other.kind, other.group) == (one.kind, one.group)
        and other.effect.closes >= one.effect.closes
        and other.effect.cost <= one.effect.cost
        and abs(other.amount) <= abs(one.amount)
    )


def ranked(
    problem: Problem, plan: Plan, gap: Gap, known: Margins, groups: Mapping[str, People] | None = None
) -> list[Remedy]:
    """What might close a gap, not tried yet: those worth most by the prices first, few of each kind."""
    members = gap.group.units if gap.group is not None else (gap.unit,)
    open_ = [u for u in members if plan.units.access[u] == Access.OPEN and u != gap.unit]
    chosen = [gap.unit] if plan.units.access[gap.unit] == Access.OPEN else []
    chosen += sorted(open_, key=lambda u: -int(known.less[u]))[: MOST_UNITS - len(chosen)]
    short = gap.group.short if gap.group is not None else gap.short
    found: list[Remedy] = []
    for u in chosen:
        for near in nearly(problem, plan.units, known, u):
            found.append(_of_people(problem, plan.units, u, near, short))
        found += _moves(problem, plan.units, known, u, short)
    for name, people in (groups or {}).items():
        found += _borrowed(problem, plan.units, known, chosen, name, people, short)
    found.sort(key=lambda remedy: -remedy.worth)
    of_kind: dict[tuple[Kind, str], int] = {}
    kept = []
    for remedy in found:
        kind = remedy.kind, remedy.group
        of_kind[kind] = of_kind.get(kind, 0) + 1
        if of_kind[kind] <= MOST_OF_A_KIND:
            kept.append(remedy)
    return kept[:MOST_SOLVED]


def _of_people(problem: Problem, units: Units, u: int, near: Near, short: int) -> Remedy:
    """The remedy by which the few best of these people could serve the unit."""
    people, gain = near.people, near.gain
    if near.rule == "distance":  # the smallest circle, not the dearest people
        order = np.argsort(_km(problem, units, people, u), kind="stable")
        people, gain = people[order], gain[order]
    rows = tuple(people[:short].tolist())
    change = _change(problem, units, u, near, rows)
    return Remedy(
        kind=_KINDS[near.rule],
        slot=int(units.slot[u]),
        change=change,
        people=rows,
        among=len(people),
        amount=change.km if isinstance(change, Reach) else len(rows),
        worth=int(gain[:short].sum()),
        skill=near.skill,
        level=near.level,
    )


def _km(problem: Problem, units: Units, people: Ints, u: int) -> Floats:
    return distance_km(problem, units, people, np.full(len(people), u))


def _change(problem: Problem, units: Units, u: int, near: Near, rows: tuple[int, ...]) -> Change:
    """What makes the rule hold for these people."""
    slot, end = int(units.slot[u]), int(units.end[u])
    match near.rule:
        case "distance":
            return Reach(rows, slot, float(_km(problem, units, np.array(rows), u).max()))
        case "availability":
            return Free(rows, int(units.start[u]), end)
        case "skill" | "certification":
            return Qualify(rows, near.skill, near.level, end)
        case "insurance":
            return Grant(rows, "insured")
        case "fitness":
            return Grant(rows, "fit")
        case _:
            return Grant(rows, "night_travel")


def _moves(problem: Problem, units: Units, known: Margins, u: int, short: int) -> Iterator[Remedy]:
    """Moves of the whole task: the smallest that brings anybody, and the smallest that brings enough."""
    task = problem.slots.task == problem.slots.task[units.slot[u]]
    slots = tuple(np.flatnonzero(task).tolist())
    found = by_moving(problem, units, known, u)
    enough = next((n for n, (_, near) in enumerate(found) if len(near.people) >= short), len(found) - 1)
    for minutes, near in [found[n] for n in dict.fromkeys((0, enough)) if found]:
        yield Remedy(
            kind=Kind.START,
            slot=int(units.slot[u]),
            change=Start(slots, minutes),
            people=(),
            among=len(near.people),
            amount=minutes,
            worth=int(near.gain[:short].sum()),
        )


def _borrowed(
    problem: Problem,
    units: Units,
    known: Margins,
    members: Sequence[int],
    name: str,
    people: People,
    short: int,
) -> Iterator[Remedy]:
    """People of another pool, the most valuable of each unit. Measured travel times know no others."""
    if problem.travel is not None or not len(people):
        return
    theirs = replace(problem, people=people, locked=Pairs(), forbidden=Pairs())
    rows = np.arange(len(people))
    useful: dict[int, int] = {}
    for u in members:
        able = rows[feasible(theirs, units, rows, u)]
        gain = int(known.less[u]) - cost(theirs, units, able, np.full(len(able), u))
        for n in np.argsort(-gain, kind="stable")[:short].tolist():
            if gain[n] >= known.big // 2:
                useful[int(able[n])] = max(int(gain[n]), useful.get(int(able[n]), 0))
    if not useful:
        return
    chosen = sorted(useful, key=lambda v: -useful[v])
    yield Remedy(
        kind=Kind.BORROW,
        slot=int(units.slot[members[0]]),
        change=Borrow(name, some(people, np.array(chosen))),
        people=tuple(chosen),
        among=len(chosen),
        amount=len(chosen),
        worth=sum(sorted(useful.values(), reverse=True)[:short]),
        group=name,
    )


def _tried(
    problem: Problem, plan: Plan, gap: Gap, remedy: Remedy, options: Options, floors: Floors | None
) -> Remedy | None:
    """The remedy with its effect, cut down to whom the new plan needs; None when it closes nothing, or time
    was too short to tell."""
    after = solve(remedy.change.apply(problem), options, floors)
    closes = _open(plan) - _open(after)
    if after.state in (State.DEADLINE, State.GREEDY) or closes <= 0:
        return None
    of = gap.group.short if gap.group is not None else gap.short
    effect = Effect(closes, of, after.objective.cost - plan.objective.cost)
    return replace(_trimmed(problem, remedy, after), effect=effect)


def _open(plan: Plan) -> int:
    return int(plan.short_minimum.sum() + plan.short_target.sum())


def _trimmed(problem: Problem, remedy: Remedy, after: Plan) -> Remedy:
    """Without the people whose change the new plan makes no use of: it would be the same plan without."""
    if remedy.kind is Kind.START:
        return remedy
    serving = dict(zip(after.person.tolist(), after.unit.tolist(), strict=True))
    change = remedy.change
    if isinstance(change, Borrow):
        first = len(problem.people)
        used = [n for n in range(len(remedy.people)) if first + n in serving]
        rows = tuple(remedy.people[n] for n in used)
        change = replace(change, people=some(change.people, np.array(used, dtype=np.int64)))
        return replace(remedy, change=change, people=rows, amount=len(rows))
    rows = tuple(v for v in remedy.people if v in serving and not _could(problem, after, v, serving[v]))
    change = replace(change, people=rows)  # type: ignore[type-var]  # all others name people
    if isinstance(change, Reach):
        at = np.array([serving[v] for v in rows])
        km = float(distance_km(problem, after.units, np.array(rows), at).max())
        return replace(remedy, change=replace(change, km=km), people=rows, amount=km)
    return replace(remedy, change=change, people=rows, amount=len(rows))


def _could(problem: Problem, after: Plan, v: int, u: int) -> bool:
    """Could they have served there without the change?"""
    units = replace(after.units, max_km=problem.slots.max_km[after.units.slot])
    return bool(feasible(problem, units, np.array([v]), u)[0])
