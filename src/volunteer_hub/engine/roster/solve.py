"""solve_roster(roster, options, weights) -> RosterPlan: the best plan found in time, with a bound that holds.

The road: a greedy plan at once; bounds that need no programme; ejection fills open heads and saves calls
where all rules concern one person; then the integer programme, whole if it is small, else its linear
relaxation and the neighbourhoods around the best plan. It ends early when the plan meets the bound.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from volunteer_hub.engine.clock import Clock, stop_after
from volunteer_hub.engine.compiled import first
from volunteer_hub.engine.problem import Ints, Options
from volunteer_hub.engine.roster import mip
from volunteer_hub.engine.roster.anneal import anneal
from volunteer_hub.engine.roster.bound import calls_bound, flow_bound
from volunteer_hub.engine.roster.deal import deal
from volunteer_hub.engine.roster.eject import fill
from volunteer_hub.engine.roster.exact import LAST_S, improve_by_programme
from volunteer_hub.engine.roster.fewest import fewer_people
from volunteer_hub.engine.roster.flat import flatten
from volunteer_hub.engine.roster.goal import Goal
from volunteer_hub.engine.roster.greedy import greedy
from volunteer_hub.engine.roster.guide import guide_of
from volunteer_hub.engine.roster.incumbent import Incumbent
from volunteer_hub.engine.roster.knapsack import packed
from volunteer_hub.engine.roster.problem import Allowed, Crew, Duties, Roster
from volunteer_hub.engine.roster.rules.hours import day_windows
from volunteer_hub.engine.roster.rules.overlap import rest_cliques
from volunteer_hub.engine.roster.schedule import plain
from volunteer_hub.engine.roster.terms import goal as goal_of
from volunteer_hub.engine.solve import State
from volunteer_hub.engine.terms import Objective

FILL_STEPS = 5_000  # of ejection at a time, as long as each time helps
FILL_SHARE = 0.1  # of the time left
CALLS_SHARE = 0.4  # for saving calls before the programme
FEW_PAIRS = 2_500


@dataclass(frozen=True)
class RosterPlan:
    """Who serves where. Row i: pair[i], a row of Roster.pairs, is chosen and fills heads[i]."""

    pair: Ints
    heads: Ints
    person: Ints
    slot: Ints
    short_minimum: Ints  # [S] heads open below the minimum
    short_target: Ints  # [S] further heads open up to the target
    short_skill: Ints  # [M] heads each skill minimum lacks
    objective: Objective  # short by rank, level 2 of the goal as its cost
    value: int  # both levels of the goal as one number
    bound: int  # no plan has a lower value
    state: State  # PROVEN, BOUNDED or DEADLINE
    seconds: dict[str, float] = field(default_factory=dict)  # by phase

    @property
    def gap(self) -> float:
        """How far at most from the best plan, as a share of the value."""
        return (self.value - self.bound) / self.value if self.value else 0.0


def solve_roster(
    roster: Roster, options: Options | None = None, weights: Mapping[str, int] | None = None
) -> RosterPlan:
    """Plan one incident in which people may serve several duties. `weights`: soft terms by name (terms.py).

    Never raises for a valid roster: where nothing can be staffed the plan is empty and its heads are open.
    Returns at the latest two seconds after the deadline. Raises ProblemError for unknown terms.
    """
    options = options or Options()
    clock = Clock(options.deadline_s)
    goal = goal_of(roster, weights or {})
    best = Incumbent(goal)
    quick = plain(roster) and not roster.pairs.cost.any()
    if quick:
        _compiling().join(max(clock.left, 0.0))
    if not quick or clock.left <= 0:  # where nothing costs, ejection finds a first plan sooner
        with clock.phase("greedy"):
            best.offer(*greedy(roster, clock))
    if clock.left > 0:
        with clock.phase("bound"):
            best.at_least(*flow_bound(goal), of_all=True)
            best.if_all_filled(calls_bound(goal))
    _compiling().join(max(clock.left, 0.0))
    if plain(roster) and not best.proven and clock.left > 0:
        with clock.phase("eject"):
            _eject(goal, best, options, clock)
    if not best.proven and clock.left > 0:
        improve_by_programme(goal, best, options, clock)
    return _plan(goal, best, clock)


def warm() -> None:
    """Compile the searches by a toy roster: a planning process does this once at its start. solve_roster()
    does it itself, which costs the first call of a machine some seconds of its deadline."""
    _compiling().join()


@cache
def _compiling() -> threading.Thread:
    thread = threading.Thread(target=_solve_toy, name="roster-warm-up", daemon=True)
    thread.start()
    return thread


@first("roster")
def _solve_toy() -> None:
    """Two people, two slots at a time each, one call too many at first."""
    one = np.ones(4, np.int64)
    times = np.array([0, 0, 1, 1])
    roster = Roster(
        Duties(start=times, end=times + 1, minimum=one, target=one),
        Crew(capacity=np.full(3, 9), minutes_24h=np.ones(3, np.int64), call_cost=np.ones(3, np.int64)),
        Allowed(np.repeat(np.arange(3), 4), np.tile(np.arange(4), 3)),
    )
    goal = goal_of(roster, {})
    flat = flatten(roster)
    assert flat is not None
    chosen, _ = fill(flat, np.zeros(0, np.int64), np.ones(3, np.bool_), 9, 0, np.zeros(1, np.bool_))
    never, rows = np.zeros(1, np.bool_), np.arange(12).reshape(3, 4)
    anneal(flat, rows, rows.T.copy(), goal.call_cost, chosen, 1.0, 0.1, 1.0, 9, 0, never)
    relaxed = mip.Relaxation(0.0, np.zeros(12), np.zeros(12), np.zeros(16))
    guide = guide_of(flat, relaxed)
    assert guide is not None
    deal(flat, guide, chosen, 9, 0, never)
    packed(goal, relaxed, 9, Clock(0.0))
    rest_cliques(roster, 0, np.arange(4))
    day_windows(roster, 0, np.arange(4))


def _eject(goal: Goal, best: Incumbent, options: Options, clock: Clock) -> None:
    """Fill open heads, then save calls, by the compiled search."""
    flat = flatten(goal.roster)
    if flat is None:
        return
    everybody = np.ones(len(goal.roster.crew), np.bool_)
    limit, seed, better = Clock(clock.left * FILL_SHARE), options.seed, True
    with stop_after(limit.left) as stop:
        while best.levels[0] > best.floor[0] and better and limit.left > 0:
            seed += 1
            chosen, _ = fill(flat, best.chosen, everybody, FILL_STEPS, seed, stop)
            better = best.offer(chosen, np.ones(len(chosen), np.int64))
    if best.levels[0] == 0 and goal.call_cost.any():
        limit = Clock(clock.left * _calls_share(goal))
        bound = calls_bound(goal)
        for chosen in fewer_people(goal, flat, best.chosen, bound, limit, options.seed, options.threads):
            best.offer(chosen, np.ones(len(chosen), np.int64))


def _calls_share(goal: Goal) -> float:
    """Of the time left, for saving calls by ejection: little where the programme will soon settle it, all of
    it where only calls cost and the programme would be large."""
    pairs = len(goal.roster.pairs)
    if pairs <= FEW_PAIRS:
        return FILL_SHARE * pairs / FEW_PAIRS
    return CALLS_SHARE if goal.roster.pairs.cost.any() else 1.0


def _plan(goal: Goal, best: Incumbent, clock: Clock) -> RosterPlan:
    below, above, lacking = goal.open_heads(best.chosen, best.heads)
    state = State.DEADLINE if clock.left <= LAST_S and not best.proven else State.BOUNDED
    if best.value == best.bound:
        state = State.PROVEN
    pairs = goal.roster.pairs
    return RosterPlan(
        pair=best.chosen,
        heads=best.heads,
        person=pairs.person[best.chosen],
        slot=pairs.slot[best.chosen],
        short_minimum=below,
        short_target=above,
        short_skill=lacking,
        objective=goal.objective(best.chosen, best.heads),
        value=best.value,
        bound=best.bound,
        state=state,
        seconds=dict(clock.seconds),
    )
