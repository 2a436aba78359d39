"""The variables that count what calls and soft terms cost."""

from __future__ import annotations

import numpy as np

from volunteer_hub.engine.problem import Ints
from volunteer_hub.engine.roster.goal import Tally
from volunteer_hub.engine.roster.model import INFINITE, Model


def rule(model: Model) -> None:
    """ "once": a variable per group, no pair of it without. "beyond_one": a convex chain of steps."""
    for tally in model.goal.tallies:
        if tally.kind == "once":
            _once(model, tally)
        else:
            _beyond_one(model, tally)


def _once(model: Model, tally: Tally) -> None:
    counted = np.flatnonzero((tally.group >= 0) & (tally.weight[tally.group] > 0))
    groups, place = np.unique(tally.group[counted], return_inverse=True)
    any_chosen = model.variables(np.ones(len(groups)), level_2=tally.weight[groups])
    people = model.goal.roster.pairs.person
    if tally.group is people and (model.called[groups] < 0).all():
        # The rules on time and load tie these tighter than pair by pair; the rest is left to them.
        model.called[groups] = any_chosen
        return
    rows = model.rows(len(counted), -INFINITE, 0.0)
    model.put(rows, counted, 1.0)
    model.put(rows, any_chosen[place], -1.0)


def _beyond_one(model: Model, tally: Tally) -> None:
    counted = np.flatnonzero((tally.group >= 0) & (tally.weight[tally.group] > 0))
    size = np.bincount(tally.group[counted], minlength=len(tally.weight))
    groups = np.flatnonzero(size > 1)
    if not len(groups):
        return
    row_of = np.full(len(size), -1)
    row_of[groups] = model.rows(len(groups), -INFINITE, 1.0)  # chosen - steps <= 1
    mine: Ints = counted[row_of[tally.group[counted]] >= 0]
    model.put(row_of[tally.group[mine]], mine, 1.0)
    owner = np.repeat(groups, size[groups] - 1)
    first = np.cumsum(size[groups] - 1) - (size[groups] - 1)
    step = np.arange(len(owner)) - np.repeat(first, size[groups] - 1) + 1
    steps = model.variables(np.ones(len(owner)), level_2=tally.weight[owner] * step, integer=False)
    model.put(row_of[owner], steps, -1.0)
