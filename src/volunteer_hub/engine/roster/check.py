"""An independent check of a roster plan: every rule a second time, in plain Python from the roster's own
columns. It shares nothing with the rules, the goal or the search, and asks only whether the plan is allowed
and its figures are true, not whether it is good."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from volunteer_hub.engine.roster.problem import Roster
from volunteer_hub.engine.roster.solve import RosterPlan

DAY = 1440


@dataclass(frozen=True)
class Fault:
    code: str
    person: int | None = None
    slot: int | None = None


@dataclass(frozen=True)
class Duty:
    """One chosen pair, spelled out."""

    person: int
    slot: int
    heads: int
    cost: int
    load: int


def check(roster: Roster, plan: RosterPlan, weights: Mapping[str, int] | None = None) -> tuple[Fault, ...]:
    """All faults, none for a good plan: those of `faults`, and row, short_miscounted, cost_miscounted,
    value_below_bound."""
    rows = plan.pair.tolist()
    if len(set(rows)) < len(rows) or any(not 0 <= row < len(roster.pairs) for row in rows):
        return (Fault("row"),)
    duties = duties_of(roster, rows, plan.heads.tolist())
    return (*faults(roster, duties), *_figures(roster, plan, duties, weights or {}))


def duties_of(roster: Roster, rows: Sequence[int], heads: Sequence[int]) -> list[Duty]:
    """The chosen rows of pairs with the heads each fills."""
    pairs = roster.pairs
    return [
        Duty(int(pairs.person[i]), int(pairs.slot[i]), h, int(pairs.cost[i]), int(pairs.load[i]))
        for i, h in zip(rows, heads, strict=True)
    ]


def faults(roster: Roster, duties: Sequence[Duty]) -> Iterator[Fault]:
    """What the duties break: twice, above_target, offer, overlap, rest, travel, relief, capacity, max_duties,
    hours, turn, leader, alone, team."""
    of_person: dict[int, list[Duty]] = defaultdict(list)
    for duty in duties:
        of_person[duty.person].append(duty)
        if not roster.crew.least[duty.person] <= duty.heads <= roster.crew.most[duty.person]:
            yield Fault("offer", duty.person, duty.slot)
    for person, mine in of_person.items():
        yield from _person(roster, person, mine)
    yield from _slots(roster, duties)
    for team in roster.teams:
        where = [{duty.slot for duty in of_person[person]} for person in team]
        if any(slots != where[0] for slots in where):
            yield Fault("team", team[0])


def _times(roster: Roster, slot: int) -> tuple[int, int]:
    """When people must be there, and until when."""
    column = roster.duties
    start, period, post = int(column.start[slot]), int(column.period[slot]), int(column.post[slot])
    if post >= 0 and period > 0:
        for other in range(len(column.start)):
            if column.post[other] == post and column.period[other] == period - 1:
                return start - roster.handover, int(column.end[slot])
    return start, int(column.end[slot])


def _person(roster: Roster, person: int, mine: list[Duty]) -> Iterator[Fault]:
    crew = roster.crew
    if len({duty.slot for duty in mine}) < len(mine):
        yield Fault("twice", person)
    if sum(duty.load for duty in mine) > crew.capacity[person]:
        yield Fault("capacity", person)
    if len(mine) > crew.max_duties[person]:
        yield Fault("max_duties", person)
    times = sorted((*_times(roster, duty.slot), duty.slot) for duty in mine)
    for (start, end, slot), (start_2, end_2, slot_2) in combinations(times, 2):
        if start == end or start_2 == end_2:
            continue
        between = start_2 - end
        column = roster.duties
        one, other = int(column.period[slot]), int(column.period[slot_2])
        if between < 0:
            yield Fault("overlap", person, slot_2)
        elif between < crew.rest[person]:
            yield Fault("rest", person, slot_2)
        elif between < roster.travel[column.site[slot]][column.site[slot_2]]:
            yield Fault("travel", person, slot_2)
        elif min(one, other) >= 0 and abs(one - other) == 1 and between < roster.relief_rest:
            yield Fault("relief", person, slot_2)
    for since in {moment for start, end, _ in times for moment in (start, end - DAY)}:
        if sum(max(0, min(e, since + DAY) - max(s, since)) for s, e, _ in times) > crew.minutes_24h[person]:
            yield Fault("hours", person)
            break
    yield from _turns(roster, person, times)


def _turns(roster: Roster, person: int, times: list[tuple[int, int, int]]) -> Iterator[Fault]:
    for hazard in range(len(roster.turn_limit)):
        minutes, until = 0, None
        for start, end, slot in times:
            if roster.duties.hazard[slot] != hazard:
                continue
            broken_off = until is None or start - until >= roster.turn_pause[hazard]
            minutes = (0 if broken_off else minutes) + end - start
            until = end
            if minutes > roster.turn_limit[hazard]:
                yield Fault("turn", person, slot)


def _slots(roster: Roster, duties: Sequence[Duty]) -> Iterator[Fault]:
    there: dict[int, set[int]] = defaultdict(set)
    heads: Counter[int] = Counter()
    for duty in duties:
        there[duty.slot].add(duty.person)
        heads[duty.slot] += duty.heads
    for slot, filled in heads.items():
        if filled > roster.duties.target[slot]:
            yield Fault("above_target", None, slot)
        if filled == 1 and roster.duties.pair_up[slot]:
            yield Fault("alone", None, slot)
    for need in roster.leaders:
        if there[need.slot] and len(there[need.slot] & need.people) < need.heads:
            yield Fault("leader", None, need.slot)


def judge(roster: Roster, duties: Sequence[Duty], weights: Mapping[str, int]) -> tuple[int, int]:
    """Both levels of the goal: open heads by rank, and cost with the soft terms."""
    column = roster.duties
    filled: Counter[int] = Counter()
    there: dict[int, set[int]] = defaultdict(set)
    for duty in duties:
        filled[duty.slot] += duty.heads
        there[duty.slot].add(duty.person)
    ranks = 0
    for slot in range(len(column.start)):
        least, target, priority = (
            int(column.minimum[slot]),
            int(column.target[slot]),
            int(column.priority[slot]),
        )
        ranks += (5 + priority) * max(0, least - filled[slot])
        ranks += priority * (target - max(filled[slot], least))
    for need in roster.skills:
        missing = max(0, need.heads - len(there[need.slot] & need.people))
        ranks += (5 + int(column.priority[need.slot])) * missing
    times = Counter(duty.person for duty in duties)
    cost = sum(duty.cost for duty in duties) + sum(int(roster.crew.call_cost[p]) for p in times)
    cost += weights.get("fewest_people", 0) * len(times)
    cost += weights.get("spread", 0) * sum(n * (n - 1) // 2 for n in times.values())
    posts = {(d.person, int(column.post[d.slot])) for d in duties if column.post[d.slot] >= 0}
    sites = {(d.person, int(column.site[d.slot])) for d in duties}
    cost += weights.get("same_crew", 0) * len(posts) + weights.get("one_site", 0) * len(sites)
    return ranks, cost


def _figures(
    roster: Roster, plan: RosterPlan, duties: Sequence[Duty], weights: Mapping[str, int]
) -> Iterator[Fault]:
    filled = Counter[int]()
    for duty in duties:
        filled[duty.slot] += duty.heads
    for slot in range(len(roster.duties.start)):
        below = max(0, int(roster.duties.minimum[slot]) - filled[slot])
        above = int(roster.duties.target[slot]) - filled[slot] - below
        if (below, above) != (plan.short_minimum[slot], plan.short_target[slot]):
            yield Fault("short_miscounted", None, slot)
    ranks, cost = judge(roster, duties, weights)
    weighted = sum(
        rank * open_heads for rank, open_heads in zip(range(10, 0, -1), plan.objective.short, strict=True)
    )
    if (weighted, plan.objective.cost) != (ranks, cost):
        yield Fault("cost_miscounted")
    if plan.value < plan.bound or (plan.state == "proven") != (plan.value == plan.bound):
        yield Fault("value_below_bound")
