"""Why this person, and why nobody: codes and figures for the catalogue to put into words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from volunteer_hub.engine.could import HELD_BACK, Could
from volunteer_hub.engine.feasible import distance
from volunteer_hub.engine.floors import Floors
from volunteer_hub.engine.problem import Ints, Problem
from volunteer_hub.engine.ranking import FREE, NO_OTHER, Ranking
from volunteer_hub.engine.reach import Reach
from volunteer_hub.engine.solve import Plan
from volunteer_hub.engine.terms import cost, distance_km, travel
from volunteer_hub.engine.units import Access


class Why(StrEnum):
    """Why this person, strongest first. "Others" are all who could serve the unit and do not."""

    LOCKED = "locked"  # decided beforehand
    ONLY = "only_qualified"  # nobody else could
    NEAREST = "nearest"  # shortest way of all, and least cost
    LEAST_BURDEN = "least_burden"  # others are nearer but more tired, or find the night harder
    ASKED_LEAST = "asked_least"  # others cost the same but were asked more often
    DRAWN = "drawn"  # others are equal in everything; the plan's seeded draw
    BEST_LEFT = "best_left"  # those who cost less are needed elsewhere


@dataclass(frozen=True)
class Reason:
    person: int
    slot: int
    code: Why
    rank: int  # among all who could serve the unit, by cost; 1 is the cheapest
    of: int  # how many could
    km: float  # as the crow flies
    travel: int  # 0.1 minutes
    fatigue: int  # 0.1 minutes
    night: int  # 0.1 minutes
    served: int
    better_elsewhere: int  # others of lower cost, all serving other slots


class Tier(StrEnum):
    MINIMUM = "minimum"
    TARGET = "target"


@dataclass(frozen=True)
class Group:
    """A set of units no plan can fill: by Hall's theorem (1935) the reason itself. Everybody who could serve
    any of them already serves one of them, and there are `short` people too few."""

    units: tuple[int, ...]
    slots: tuple[int, ...]
    wanted: int  # heads of the gap's tier, without those locked people hold
    qualified: int
    short: int


@dataclass(frozen=True)
class Gap:
    slot: int
    unit: int
    minima: tuple[int, ...]  # nested minima the missing heads were to satisfy
    tier: Tier
    short: int
    left: tuple[tuple[str, int], ...]  # ("pool", V), then people left after each rule in order
    elsewhere: int  # of those left at the end, serving other units
    binding: str  # the rule that leaves too few, else "elsewhere", "slot_full" or "not_reached"
    group: Group | None  # None when the plan was not exact and cannot prove the gap


def reasons(problem: Problem, plan: Plan, could: Could | None = None) -> tuple[Reason, ...]:
    """One per row of the plan, in its order. `could`: where it is known already."""
    could = could or Could(problem, plan)
    units, person, unit, people = plan.units, plan.person, plan.unit, problem.people
    found = could.ranking
    own, ways = cost(problem, units, person, unit), travel(problem, units, person, unit)
    fatigue = people.fatigue[person]
    fields = {
        "person": person,
        "slot": units.slot[unit],
        "rank": found.cheaper + 1,
        "of": found.of[unit],
        "km": distance_km(problem, units, person, unit),
        "travel": ways,
        "fatigue": fatigue,
        "night": own - ways - fatigue,
        "served": people.served[person],
        "better_elsewhere": found.others,
    }
    rows = zip(*(column.tolist() for column in fields.values()), strict=True)
    codes = _codes(problem, plan, found, ways)
    return tuple(
        Reason(code=code, **dict(zip(fields, row, strict=True)))
        for code, row in zip(codes, rows, strict=True)
    )


def _codes(problem: Problem, plan: Plan, found: Ranking, ways: Ints) -> list[Why]:
    """For each row of the plan the strongest that holds."""
    served = problem.people.served[plan.person]
    holds = {
        Why.LOCKED: np.isin(plan.person, problem.locked.person),
        Why.ONLY: found.of[plan.unit] == 1,
        Why.BEST_LEFT: found.others > 0,
        Why.ASKED_LEAST: (found.fewest < NO_OTHER) & (served < found.fewest),
        Why.DRAWN: found.fewest < NO_OTHER,
        Why.NEAREST: ways <= found.shortest[plan.unit],
    }
    codes = [*holds, Why.LEAST_BURDEN]
    strongest = np.argmax([*holds.values(), np.ones(len(ways), np.bool_)], axis=0)
    return [codes[n] for n in strongest.tolist()]


def gaps(
    problem: Problem, plan: Plan, floors: Floors | None = None, could: Could | None = None
) -> tuple[Gap, ...]:
    """One per unit and tier with open heads, the most urgent first. `floors`: those the plan kept to."""
    could = could or Could(problem, plan, floors)
    units = plan.units
    filled = np.bincount(plan.unit, minlength=len(units))
    below = np.maximum(units.minimum - filled, 0)
    above = np.where(units.access == Access.LOCKED, 0, units.heads - filled - below)
    reach = Reach(np.flatnonzero(below + above).tolist(), could, could.serves)
    found = [
        _gap(problem, plan, could, reach, int(u), tier, int(open_heads[u]))
        for tier, open_heads in ((Tier.MINIMUM, below), (Tier.TARGET, above))
        for u in sorted(np.flatnonzero(open_heads), key=lambda u: -units.priority[u])
    ]
    return tuple(found)


def _gap(problem: Problem, plan: Plan, could: Could, reach: Reach, u: int, tier: Tier, short: int) -> Gap:
    units, slot = plan.units, int(plan.units.slot[u])
    before, v = could.narrowed(u)
    v = v[distance(problem, units, v, u)]
    left = [*before, ("distance", len(v))]
    v = v[~np.isin(v, problem.forbidden.person[problem.forbidden.slot == slot])]
    left.append(("forbidden", len(v)))
    v = v[~np.isin(v, problem.locked.person[problem.locked.slot != slot])]
    left.append(("locked", len(v)))
    if (could.serves == HELD_BACK).any():
        v = v[could.serves[v] != HELD_BACK]
        left.append(("reserved", len(v)))
    elsewhere = int(((could.serves[v] >= 0) & (could.serves[v] != u)).sum())
    wanted = int(units.minimum[u] if tier is Tier.MINIMUM else units.heads[u])
    binding = next((code for code, count in left if count < wanted), "elsewhere")
    if units.access[u] == Access.CLOSED:
        binding = "slot_full"
    elif binding == "elsewhere" and (could.serves[could(u)] == FREE).any():
        binding = "not_reached"  # somebody is free: the plan was cut short
    # Who is held back could serve, so the group proves nothing: the floor does.
    group = _hall_group(problem, plan, reach, u, tier) if binding != "reserved" else None
    return Gap(slot, u, units.minima[u], tier, short, tuple(left), elsewhere, binding, group)


def _hall_group(problem: Problem, plan: Plan, reach: Reach, u: int, tier: Tier) -> Group | None:
    """The source side of the minimum cut: units reached from u by alternating paths (somebody who could
    serve a reached unit serves another: that one is reached too).

    In an optimal plan nobody reached is free, and nobody reached stands on a head of lower rank than the
    open one, or moving along the path would improve it; hence heads of the gap's tier are all that count.
    """
    units = plan.units
    group, qualified = reach(u)
    members = list(group)
    decided = np.bincount(plan.unit[np.isin(plan.person, problem.locked.person)], minlength=len(units))
    heads = units.minimum if tier is Tier.MINIMUM else units.heads
    wanted = int(np.maximum(heads[members] - decided[members], 0).sum())
    if wanted <= qualified:
        return None
    slots = tuple(sorted({int(units.slot[g]) for g in group}))
    return Group(group, slots, wanted, qualified, wanted - qualified)
