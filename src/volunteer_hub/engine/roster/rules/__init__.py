"""The rules of a roster as rows of its integer programme: one file, one function per family.

Every rule has the signature rule(model) -> None and reads model.goal.roster. The order of RULES matters where
a rule uses variables of an earlier one: organisations' heads before coverage, calls before overlap.
"""

from __future__ import annotations

from collections.abc import Callable

from volunteer_hub.engine.clock import Clock
from volunteer_hub.engine.problem import Ints
from volunteer_hub.engine.roster.goal import Goal
from volunteer_hub.engine.roster.model import Model, Program
from volunteer_hub.engine.roster.rules import (
    alone,
    coverage,
    hours,
    leaders,
    organisations,
    overlap,
    relief,
    skills,
    tallies,
    together,
    travel,
    turns,
)

RULES: dict[str, Callable[[Model], None]] = {
    "organisations": organisations.rule,
    "coverage": coverage.rule,
    "tallies": tallies.rule,
    "overlap": overlap.rule,
    "travel": travel.rule,
    "relief": relief.rule,
    "hours": hours.rule,
    "turns": turns.rule,
    "leaders": leaders.rule,
    "skills": skills.rule,
    "together": together.rule,
    "alone": alone.rule,
}


def program(goal: Goal, clock: Clock) -> tuple[Program, Ints]:
    """All rules and both levels of the goal, and for each pair the variable that counts its heads. Raises
    DeadlinePassed."""
    model = Model(goal)
    for rule in RULES.values():
        clock.check()
        rule(model)
    return model.program(), model.head
