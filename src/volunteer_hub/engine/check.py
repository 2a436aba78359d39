"""An independent check of a plan against the problem as it was asked.

Every rule is written a second time here, in plain Python and from the problem's own arrays: nothing of
feasible.py, the terms, the split into units or the solver is used. It does not ask whether a plan is good
(the proof does), only whether it is allowed and whether its own figures are true.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from volunteer_hub.engine.floors import Floors
from volunteer_hub.engine.problem import Problem
from volunteer_hub.engine.solve import Plan


@dataclass(frozen=True)
class Finding:
    """A fault. `locked`: the pair was decided beforehand, so the fault is the decision's, not the plan's."""

    code: str
    slot: int | None = None
    person: int | None = None
    locked: bool = False


def check(problem: Problem, plan: Plan, floors: Floors | None = None) -> tuple[Finding, ...]:
    """All faults, none for a good plan. Codes: those of the hard rules, and row, unit, twice, lock_broken,
    forbidden, above_maximum, floor, minimum_skill, minimum_shared, short_miscounted, cost_miscounted."""
    bad_rows = tuple(_rows(problem, plan))
    if bad_rows:
        return bad_rows  # nothing else can be read
    return (
        *_pairs(problem, plan),
        *_people(problem, plan),
        *_slots(problem, plan),
        *_figures(problem, plan),
        *(_floors(problem, plan, floors) if floors is not None else ()),
    )


def _rows(problem: Problem, plan: Plan) -> Iterator[Finding]:
    for v, s, u in zip(plan.person.tolist(), plan.slot.tolist(), plan.unit.tolist(), strict=True):
        if not (0 <= v < len(problem.people) and 0 <= s < len(problem.slots)):
            yield Finding("row", s, v)
        elif not 0 <= u < len(plan.units.slot) or plan.units.slot[u] != s:
            yield Finding("unit", s, v)


def _pairs(problem: Problem, plan: Plan) -> Iterator[Finding]:
    locks = set(problem.locked.rows())
    barred = set(problem.forbidden.rows())
    for v, s, u in zip(plan.person.tolist(), plan.slot.tolist(), plan.unit.tolist(), strict=True):
        locked = (v, s) in locks
        for code in _broken(problem, v, s):
            yield Finding(code, s, v, locked)
        if (v, s) in barred:
            yield Finding("forbidden", s, v, locked)
        claimed = plan.units.minima[u]
        for m in claimed:
            if not _holds(problem, v, s, int(problem.minima.skill[m]), int(problem.minima.level[m])):
                yield Finding("minimum_skill", s, v)
        if len(claimed) > 1 and not all(problem.minima.may_share[m] for m in claimed):
            yield Finding("minimum_shared", s, v)


def _broken(problem: Problem, v: int, s: int) -> Iterator[str]:
    people, slots, limits = problem.people, problem.slots, problem.limits
    start, end = int(slots.start[s]), int(slots.end[s])
    k = int(slots.skill[s])
    if k >= 0 and people.levels[v, k] < slots.level[s]:
        yield "skill"
    if k >= 0 and people.cert_until[v, k] < end:
        yield "certification"
    if slots.adult_only[s] and not people.adult[v]:
        yield "age"
    if slots.insured_only[s] and not people.insured[v]:
        yield "insurance"
    if slots.hazardous[s] and not people.fit[v]:
        yield "fitness"
    free = range(int(people.free.first[v]), int(people.free.first[v + 1]))
    if not any(people.free.start[i] <= start and end <= people.free.end[i] for i in free):
        yield "availability"
    duties = [
        (int(people.busy.start[i]), int(people.busy.end[i]))
        for i in range(int(people.busy.first[v]), int(people.busy.first[v + 1]))
    ]
    if any(since < end and start < until for since, until in duties):
        yield "overlap"
    pauses = [start - int(people.rest_since[v])]
    pauses += [start - until for _, until in duties if until <= start]
    pauses += [since - end for since, _ in duties if since >= end]
    if min(pauses) < limits.min_rest_min:
        yield "rest"
    day = end - 24 * 60
    minutes = end - start + sum(max(0, min(until, end) - max(since, day)) for since, until in duties)
    if minutes + (int(people.minutes_24h[v]) if day < 0 else 0) > limits.max_minutes_24h:
        yield "hours"
    if slots.night[s] and not people.night_travel[v]:
        yield "night_travel"
    if _out_of_reach(problem, v, s):
        yield "distance"


def _out_of_reach(problem: Problem, v: int, s: int) -> bool:
    people, slots = problem.people, problem.slots
    if problem.travel is not None and problem.travel.tenths[problem.travel.zone[v], s] < 0:
        return True
    reach = min(people.max_km[v], slots.max_km[s])
    if slots.night[s] and people.night_km is not None:
        reach = min(reach, people.night_km[v])
    return _km(problem, v, s) > float(reach) + 1e-9


def _km(problem: Problem, v: int, s: int) -> float:
    """Equirectangular distance at the problem's middle."""
    lat0, _ = problem.middle
    north = (float(problem.people.lat[v]) - float(problem.slots.lat[s])) * 110.57
    east = math.remainder(float(problem.people.lon[v]) - float(problem.slots.lon[s]), 360.0)
    return math.hypot(north, east * 111.32 * math.cos(math.radians(lat0)))


def _holds(problem: Problem, v: int, s: int, skill: int, level: int) -> bool:
    people = problem.people
    return bool(people.levels[v, skill] >= level and people.cert_until[v, skill] >= problem.slots.end[s])


def _people(problem: Problem, plan: Plan) -> Iterator[Finding]:
    for v, times in Counter(plan.person.tolist()).items():
        if times > 1:
            yield Finding("twice", person=v)
    pairs = set(zip(plan.person.tolist(), plan.slot.tolist(), strict=True))
    for v, s in problem.locked.rows():
        if (v, s) not in pairs:
            yield Finding("lock_broken", s, v)


def _slots(problem: Problem, plan: Plan) -> Iterator[Finding]:
    filled = Counter(plan.slot.tolist())
    claims: Counter[int] = Counter()  # heads that satisfy each nested minimum
    general: Counter[int] = Counter()
    doubled = set()  # slots in which one head satisfies several minima
    for s, u in zip(plan.slot.tolist(), plan.unit.tolist(), strict=True):
        claims.update(plan.units.minima[u])
        general[s] += not plan.units.minima[u]
        if len(plan.units.minima[u]) > 1:
            doubled.add(s)
    decided = set(problem.locked.slot.tolist())
    nested: dict[int, list[int]] = {}
    for m, s in enumerate(problem.minima.slot.tolist()):
        nested.setdefault(s, []).append(m)
    for s in range(len(problem.slots)):
        if filled[s] > problem.slots.maximum[s]:
            yield Finding("above_maximum", s)
        heads = {m: int(problem.minima.heads[m]) for m in nested.get(s, [])}
        unmet = sum(max(0, heads[m] - claims[m]) for m in heads)
        others = max(0, int(problem.slots.minimum[s]) - sum(heads.values()))
        below = unmet + max(0, others - general[s])
        open_heads = max(0, int(problem.slots.target[s]) - filled[s])
        said, said_in_all = int(plan.short_minimum[s]), int(plan.short_minimum[s] + plan.short_target[s])
        # Shared minima and locked people above the target blur which head is open; the sum stays a floor.
        blurred = s in decided or s in doubled or any(problem.minima.may_share[m] for m in heads)
        wrong = said_in_all < open_heads if blurred else (said, said_in_all) != (below, open_heads)
        if wrong:
            yield Finding("short_miscounted", s)


def _floors(problem: Problem, plan: Plan, floors: Floors) -> Iterator[Finding]:
    """Of each set no more are taken than it may give, or than were decided for beforehand."""
    chosen, locked = set(plan.person.tolist()), set(problem.locked.person.tolist())
    first, members = floors.first.tolist(), floors.person.tolist()
    for g, most in enumerate(floors.most.tolist()):
        group = set(members[first[g] : first[g + 1]])
        if len(group & chosen) > max(most, len(group & locked)):
            yield Finding("floor")


def _tenths(problem: Problem, v: int, s: int) -> float:
    """Travel time, 0.1 minutes, before rounding."""
    if problem.travel is not None:
        return max(0.0, float(problem.travel.tenths[problem.travel.zone[v], s]))
    return problem.limits.detour * _km(problem, v, s) / float(problem.people.speed_kmh[v]) * 600


def _figures(problem: Problem, plan: Plan) -> Iterator[Finding]:
    people = problem.people
    total = slack = 0
    for v, s in zip(plan.person.tolist(), plan.slot.tolist(), strict=True):
        exact = _tenths(problem, v, s)
        total += math.floor(exact + 0.5) + int(people.fatigue[v])
        total += int(people.night_cost[v]) if problem.slots.night[s] else 0
        slack += abs(exact % 1 - 0.5) < 1e-6  # too close to a half to say which way it rounds
    if abs(total - plan.objective.cost) > slack:
        yield Finding("cost_miscounted")
    if sum(int(people.served[v]) for v in plan.person.tolist()) != plan.objective.asked:
        yield Finding("cost_miscounted")
