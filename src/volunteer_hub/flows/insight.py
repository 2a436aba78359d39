"""What is told about a plan beyond who goes where: how firmly everybody stands, what a place is worth, what
would close the gaps, what filling place by place would have cost, and what is left for the next night.

Computed where the plan is, in the planning process: the engine alone, no database.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from volunteer_hub.engine.clock import Clock, DeadlinePassed
from volunteer_hub.engine.could import Could
from volunteer_hub.engine.counterfactual import Standing, standings
from volunteer_hub.engine.explain import Gap
from volunteer_hub.engine.floors import Floors
from volunteer_hub.engine.greedy import greedy
from volunteer_hub.engine.margins import Margins, margins
from volunteer_hub.engine.problem import Bools, Ints, Options, People, Problem
from volunteer_hub.engine.remedies import Cure, remedies
from volunteer_hub.engine.solve import Plan
from volunteer_hub.engine.terms import Objective, objective, penalties
from volunteer_hub.engine.tomorrow import Readiness, readiness
from volunteer_hub.engine.units import Access

MARGIN_SECONDS: Final = 20.0  # a larger plan is told without
ALONE_SECONDS: Final = 5.0  # the simple method may take this long, or there is no comparison


@dataclass(frozen=True)
class Setting:
    """What is known beside the problem: ``areas`` [V], the number of each person's area, -1 for nowhere;
    ``night``, the next one as minutes; ``groups``, people of other pools who might be asked; ``floors``,
    those the plan kept to; ``reachable`` [V], whom a message could reach."""

    areas: Ints | None = None
    night: tuple[int, int] | None = None
    groups: Mapping[str, People] = field(default_factory=dict)
    floors: Floors | None = None
    remedy_seconds: float = 0.0
    reachable: Bools | None = None


@dataclass(frozen=True)
class Price:
    """What a place is worth: what one head less would save, as ranks of open heads and 0.1 minutes, and who
    would go home then (-1: nobody, a gap would close)."""

    slot: int
    minima: tuple[int, ...]
    heads: int
    tenths: int
    instead: int


@dataclass(frozen=True)
class Insight:
    """Empty where the plan is not exact, but for ``tomorrow``. ``alone``: the goal of the simple method's
    plan, place by place; None when it takes too long. ``big``: see engine.margins."""

    standings: tuple[Standing, ...] = ()
    prices: tuple[Price, ...] = ()
    cures: tuple[Cure, ...] = ()
    alone: Objective | None = None
    tomorrow: tuple[Readiness, ...] = ()
    big: int = 0


def insight(
    problem: Problem, plan: Plan, gaps: tuple[Gap, ...], setting: Setting, could: Could | None = None
) -> Insight:
    """All of it; remedies take at most ``setting.remedy_seconds``, the prices behind ``MARGIN_SECONDS``."""
    tomorrow: tuple[Readiness, ...] = ()
    if setting.areas is not None and setting.night is not None:
        tomorrow = readiness(problem, plan, *setting.night, setting.areas)
    known = None
    with suppress(DeadlinePassed):
        could = could or Could(problem, plan, setting.floors)
        known = margins(problem, plan, could, Clock(MARGIN_SECONDS))
    if known is None:
        return Insight(tomorrow=tomorrow)
    options = Options(seed=plan.seed, deadline_s=setting.remedy_seconds)
    return Insight(
        standings=standings(problem, plan, known),
        prices=_prices(plan, known),
        cures=remedies(problem, plan, gaps, known, options, setting.groups, setting.floors)
        if options.deadline_s
        else (),
        alone=_alone(problem, plan),
        tomorrow=tomorrow,
        big=known.big,
    )


def _prices(plan: Plan, known: Margins) -> tuple[Price, ...]:
    found = []
    for u in range(len(plan.units)):
        less = int(known.less[u])
        heads = round(less / known.big)
        if plan.units.access[u] == Access.OPEN and heads >= 0:
            instead = known.displaced(u)[0]
            slot, minima = int(plan.units.slot[u]), plan.units.minima[u]
            found.append(Price(slot, minima, heads, less - heads * known.big, instead))
    return tuple(found)


def _alone(problem: Problem, plan: Plan) -> Objective | None:
    clock = Clock(ALONE_SECONDS)
    person, unit, _ = greedy(problem, plan.units, penalties(problem, plan.units), plan.seed, clock)
    return objective(problem, plan.units, person, unit) if clock.left > 0 else None
