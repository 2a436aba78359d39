"""Load and hours: each person's capacity in all, duties in all, minutes in any 24 hours."""

from __future__ import annotations

import numpy as np

from volunteer_hub.engine.problem import Ints
from volunteer_hub.engine.roster.model import INFINITE, Model
from volunteer_hub.engine.roster.problem import Roster

DAY = 24 * 60


def rule(model: Model) -> None:
    """Three knapsacks per person, each only where it can bind. Capacity is multiplied by `called` where the
    person's call costs: nobody carries a load uncalled."""
    roster = model.goal.roster
    for person in range(len(roster.crew)):
        mine = np.arange(roster.first[person], roster.first[person + 1])
        if len(mine):
            _capacity(model, person, mine)
            _duties(model, person, mine)
            _day(model, person, mine)


def _capacity(model: Model, person: int, mine: Ints) -> None:
    load, capacity = model.goal.roster.pairs.load[mine], int(model.goal.roster.crew.capacity[person])
    model.forbid(mine[load > capacity])
    _knapsack(model, person, mine, load, capacity)


def _duties(model: Model, person: int, mine: Ints) -> None:
    _knapsack(
        model, person, mine, np.ones(len(mine), np.int64), int(model.goal.roster.crew.max_duties[person])
    )


def _knapsack(model: Model, person: int, mine: Ints, load: Ints, most: int) -> None:
    if load.sum() <= most:
        return
    called = int(model.called[person])
    if called < 0:
        model.row(mine, load, -INFINITE, most)
    else:
        model.row(np.append(mine, called), np.append(load, -most), -INFINITE, 0.0)


def _day(model: Model, person: int, mine: Ints) -> None:
    most = int(model.goal.roster.crew.minutes_24h[person])
    for minutes in day_windows(model.goal.roster, mine, most):
        inside = minutes > 0
        model.row(mine[inside], minutes[inside], -INFINITE, most)


def day_windows(roster: Roster, mine: Ints, most: int) -> list[Ints]:
    """Minutes of each of the pairs inside those 24-hour windows that could exceed `most`. Windows that begin
    with a duty or end with one suffice: the minutes inside a sliding window change their slope downwards only
    there, so its maximum is among them."""
    slot = roster.pairs.slot[mine]
    begin, end = roster.begin[slot], roster.duties.end[slot]
    if (end - begin).sum() <= most:
        return []
    found: dict[tuple[int, ...], Ints] = {}
    for since in np.unique(np.concatenate([begin, end - DAY])).tolist():
        inside = np.maximum(np.minimum(end, since + DAY) - np.maximum(begin, since), 0)
        if inside.sum() > most:
            found[tuple(inside.tolist())] = inside
    return list(found.values())
