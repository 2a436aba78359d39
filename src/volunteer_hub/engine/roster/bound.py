"""Bounds that need no programme: the flow without the rules between duties, and people needed at once."""

from __future__ import annotations

import numpy as np

from volunteer_hub.engine.flow import FlowFailed, minimum_cost_flow
from volunteer_hub.engine.problem import Ints
from volunteer_hub.engine.roster.goal import Goal
from volunteer_hub.engine.roster.problem import UNLIMITED, Roster

MOST_ARCS = 1_000_000
SAFE_COST = 1 << 40  # the flow solver refuses dearer arcs on large graphs


def flow_bound(goal: Goal) -> tuple[int, int]:
    """(level 1, level 2) no plan is below: the cheapest flow from slots to people, each person as many duties
    as they could serve at most, all other rules left out. Pairs left out of the roster take part as anybody's
    at the price none of them is below."""
    roster = goal.roster
    if not len(roster.pairs) or len(roster.pairs) > MOST_ARCS:
        return _alone(goal)
    big = goal.big()
    try:
        if 2 * big * 10 < SAFE_COST:
            return divmod(_flow(goal, big), big)
        return _flow(goal, 0), 0
    except FlowFailed:
        return _alone(goal)


def _flow(goal: Goal, big: int) -> int:
    """Value of the relaxation with a rank's weight of `big`; 0: ranks alone, costs aside."""
    roster = goal.roster
    pairs, duties, crew = roster.pairs, roster.duties, roster.crew
    S, P = len(duties), len(crew)
    sink, anybody = S + P, S + P + 1
    each = np.arange(S)
    most = crew.most[pairs.person]
    cost = pairs.cost // most if big else np.zeros(len(pairs), np.int64)
    weight = max(big, 1)
    left_out = np.where(roster.beyond < UNLIMITED, duties.target, 0)
    dearer = np.where(left_out > 0, roster.beyond, 0) if big else np.zeros(S, np.int64)
    tail = np.concatenate([pairs.slot, S + np.arange(P), each, each, each, [anybody]])
    head = np.concatenate(
        [S + pairs.person, np.full(P, sink), np.full(2 * S, sink), np.full(S, anybody), [sink]]
    )
    room = np.minimum(duties_at_most(roster) * crew.most, duties.target.sum())
    capacity = np.concatenate(
        [most, room, duties.minimum, duties.target - duties.minimum, left_out, [left_out.sum()]]
    )
    price = np.concatenate(
        [cost, np.zeros(P, np.int64), goal.rank_minimum * weight, duties.priority * weight, dearer, [0]]
    )
    supply = np.concatenate([duties.target, np.zeros(P, np.int64), [-duties.target.sum(), 0]])
    flow = minimum_cost_flow(tail, head, capacity, price, supply)
    return int((flow * price).sum())


def _alone(goal: Goal) -> tuple[int, int]:
    """Every slot as if it had everybody to itself."""
    roster = goal.roster
    duties, pairs = roster.duties, roster.pairs
    heads = np.bincount(pairs.slot, weights=roster.crew.most[pairs.person], minlength=len(duties))
    heads = np.where(roster.beyond < UNLIMITED, np.inf, heads)
    open_heads = np.maximum(duties.target - heads, 0).astype(np.int64)
    above = np.minimum(open_heads, duties.target - duties.minimum)
    below = open_heads - above
    return int((goal.rank_minimum * below + duties.priority * above).sum()), 0


def duties_at_most(roster: Roster) -> Ints:
    """[P] duties a person could serve at most: by number, by load, and by time (the earliest end first)."""
    most = np.zeros(len(roster.crew), np.int64)
    begin, end = roster.begin, roster.duties.end
    for person in range(len(roster.crew)):
        mine = np.arange(roster.first[person], roster.first[person + 1])
        slot = roster.pairs.slot[mine]
        by_load = int((np.cumsum(np.sort(roster.pairs.load[mine])) <= roster.crew.capacity[person]).sum())
        untimed = begin[slot] == end[slot]
        count, free_from = int(untimed.sum()), -UNLIMITED
        timed = slot[~untimed]
        for s in timed[np.argsort(end[timed])].tolist():
            if begin[s] >= free_from:
                count, free_from = count + 1, int(end[s] + roster.crew.rest[person])
        most[person] = min(count, by_load, int(roster.crew.max_duties[person]))
    return most


def calls_bound(goal: Goal) -> int:
    """What calling people costs at least if every head is filled: at the busiest moment each head takes
    somebody else (the clique bound of Krishnamoorthy, Ernst & Baatar 2012), the cheapest to call. 0 with
    organisations."""
    roster = goal.roster
    if (roster.crew.most > 1).any() or not len(roster.crew):
        return 0
    begin, end = roster.begin, roster.duties.end
    timed = begin < end
    moments = np.concatenate([begin[timed], end[timed]])
    change = np.concatenate([roster.duties.target[timed], -roster.duties.target[timed]])
    order = np.lexsort((change, moments))  # leaving before coming: an end is no overlap with a start
    at_once = int(np.cumsum(change[order]).max(initial=0))
    return int(np.sort(goal.call_cost)[:at_once].sum())
