"""What the planning process does: solve, explain, check. It imports the engine alone: no database, no web.

Requests and answers go over a pipe, one at a time: a `Task` in, any number of phase names out, an `Answer`.
"""

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from typing import Final, ParamSpec, TypeVar

import numpy as np

from volunteer_hub.engine import funnel
from volunteer_hub.engine.check import Finding, check
from volunteer_hub.engine.clock import Clock
from volunteer_hub.engine.could import Could
from volunteer_hub.engine.explain import Gap, Reason, gaps, reasons
from volunteer_hub.engine.floors import Floors
from volunteer_hub.engine.greedy import greedy
from volunteer_hub.engine.problem import Bools, Ints, Options, Pairs, Problem
from volunteer_hub.engine.replan import KEEP_BONUS, NOBODY, Replan, replan
from volunteer_hub.engine.solve import Plan, solve, toy, warm
from volunteer_hub.engine.terms import penalties
from volunteer_hub.engine.units import Units, split
from volunteer_hub.flows import keeping
from volunteer_hub.flows.insight import Insight, Setting, insight
from volunteer_hub.flows.keeping import FloorPrice

MOST_RESERVES: Final = 100_000
RESERVE_SECONDS: Final = 20.0  # slots not reached by then have none
READY: Final = "ready"
SOLVING: Final = "solving"
EXPLAINING: Final = "explaining"
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Task:
    """One problem; a ``deadline_s`` of 0 asks for the greedy method at once. ``orders`` in force are
    changed as little as pays: keeping one is worth ``keep`` (0.1 minutes)."""

    problem: Problem
    seed: int
    deadline_s: float
    setting: Setting = field(default_factory=Setting)
    orders: Pairs | None = None
    keep: int = KEEP_BONUS


@dataclass(frozen=True)
class Answer:
    """A plan with a reason for every row and gap. ``findings`` are the checker's faults, those of decisions
    taken before left out; ``reserves`` are further people for the same slots; ``able`` people could serve at
    least one slot; ``floors`` [G] what each reserve floor costs; ``seconds`` by phase;
    ``narrowed``: people left after each step of engine.funnel, none where there are too many to judge."""

    plan: Plan
    findings: tuple[Finding, ...]
    reasons: tuple[Reason, ...]
    gaps: tuple[Gap, ...]
    reserves: Pairs
    able: int
    seconds: dict[str, float]
    insight: Insight = field(default_factory=Insight)
    floors: tuple[FloorPrice | None, ...] = ()
    narrowed: Mapping[str, int] = field(default_factory=dict)
    again: Replan | None = None  # where orders in force were changed


def serve(line: Connection) -> None:
    """The life of a planning process: until its parent hangs up, or dies."""
    # Ctrl-C reaches the whole group of processes; the parent decides when this one ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warm()
    explained(toy(), solve(toy()), 0.0)  # loads the loops that explain, too
    try:
        line.send(READY)
        while True:
            task: Task = line.recv()
            line.send(SOLVING)
            options = Options(seed=task.seed, deadline_s=task.deadline_s)
            again = None
            if task.orders is not None:
                again, seconds = _timed(_again, task, task.orders, options)
                plan = again.plan
            else:
                plan, seconds = _timed(solve, task.problem, options, task.setting.floors)
            line.send(EXPLAINING)
            line.send(explained(task.problem, plan, seconds, task.setting, again))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def _again(task: Task, orders: Pairs, options: Options) -> Replan:
    """The re-plan. Reserve floors keep back those of the least burden, nobody of the orders."""
    floors, absent = task.setting.floors, NOBODY
    if floors is not None:
        absent = np.setdiff1d(floors.held_back(orders.person, task.problem.people.fatigue), orders.person)
    return replan(task.problem, orders, absent, options, task.keep)


def explained(
    problem: Problem,
    plan: Plan,
    solving: float,
    setting: Setting | None = None,
    again: Replan | None = None,
) -> Answer:
    """The plan with its reasons, checked by the code that shares nothing with the solver.

    What would have to be otherwise is told of a first plan only: the prices of a re-plan hold the bonus of
    orders kept.
    """
    setting = setting or Setting()
    could = Could(problem, plan, setting.floors)
    findings, checking = _timed(check, problem, plan, setting.floors)
    why, reasoning = _timed(reasons, problem, plan, could)
    why_not, gapping = _timed(gaps, problem, plan, could=could)
    further, reserving = _timed(reserves, problem, plan, keeping.further(problem, plan, setting.floors))
    costs, pricing = _timed(
        keeping.prices, problem, plan, setting.floors, setting.remedy_seconds if again is None else 0.0
    )
    steps, narrowing = _timed(_narrowed, problem, setting.reachable)
    more, looking = Insight(), 0.0
    if again is None:
        more, looking = _timed(insight, problem, plan, why_not, setting, could)
    return Answer(
        plan=plan,
        findings=tuple(finding for finding in findings if not finding.locked),
        reasons=why,
        gaps=why_not,
        reserves=further,
        able=int(could.ranking.able.sum()),
        seconds={
            **{f"engine.{name}": took for name, took in plan.seconds.items()},
            "solve": solving,
            "check": checking,
            "reasons": reasoning,
            "gaps": gapping,
            "reserves": reserving,
            "floors": pricing,
            "insight": looking,
            "funnel": narrowing,
        },
        insight=more,
        floors=costs,
        narrowed=steps,
        again=again,
    )


def _narrowed(problem: Problem, reachable: Bools | None) -> dict[str, int]:
    far = funnel.passed(problem) if reachable is not None else None
    if far is None or reachable is None:
        return {}
    free = reachable & ~np.isin(np.arange(len(problem.people)), problem.locked.person)
    return {"reachable": int(free.sum()), **funnel.counts(far, free)}


def reserves(problem: Problem, plan: Plan, floors: Floors | None = None) -> Pairs:
    """Whom to ask beyond the plan, since most people who are asked do not come: everybody left, each for one
    slot at most, by the greedy method; the best first within a slot. ``floors`` limit who is left. Where
    there are not enough for all, alike slots share them: in rounds, each of which doubles what a slot has.

    So many that a minimum of h heads is met with 95 % when one in five says yes in time and the answers go
    together as assumed at night: below 12 h + 20. For more than MOST_RESERVES in all, as if they did not go
    together: below 5 h + 10, and slot after slot, since rounds cost such a city time that it does not have.
    """
    slots, minima = problem.slots, problem.minima
    over = _many if _many(slots.minimum).sum() <= MOST_RESERVES else _fewer
    heads = over(minima.heads)
    nested = np.bincount(minima.slot, weights=heads, minlength=len(slots)).astype(np.int64)
    wanted = over(slots.minimum) + nested  # a skill that nobody has takes no one from the rest
    asked = Problem(
        people=problem.people,
        slots=replace(slots, minimum=wanted, target=wanted, maximum=wanted),
        minima=replace(minima, heads=heads, may_share=np.zeros(len(minima), np.bool_)),
        forbidden=problem.forbidden,
        limits=problem.limits,
        travel=problem.travel,
    )
    units, held = split(asked), plan.person  # who is chosen is free no more
    if floors is not None:
        held = np.append(held, floors.held_back(plan.person[:0], problem.people.fatigue))
    clock = Clock(RESERVE_SECONDS)
    rounds = _rounds(units) if over is _many else ()
    person, unit, _ = greedy(asked, units, penalties(asked, units), plan.seed, clock, held, rounds)
    return Pairs(person, units.slot[unit])


def _rounds(units: Units) -> Sequence[Ints]:
    """An eighth of what each unit wants, a quarter, a half, all."""
    return [-(-units.heads // part) for part in (8, 4, 2, 1)]


def _many(heads: Ints) -> Ints:
    return np.where(heads > 0, 12 * heads + 20, 0)


def _fewer(heads: Ints) -> Ints:
    return np.where(heads > 0, 5 * heads + 10, 0)


def _timed(step: Callable[P, T], *given: P.args, **named: P.kwargs) -> tuple[T, float]:
    started = time.perf_counter()
    result = step(*given, **named)
    return result, time.perf_counter() - started
