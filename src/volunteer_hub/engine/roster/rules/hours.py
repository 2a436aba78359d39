"""Load and hours: each person's capacity in all, duties in all, minutes in any 24 hours."""

from __future__ import annotations

import numpy as np

from volunteer_hub.engine.compiled import compiled, inner
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
    roster = model.goal.roster
    most, capacity = int(roster.crew.minutes_24h[person]), int(roster.crew.capacity[person])
    slot = roster.pairs.slot[mine]
    if capacity <= most and (roster.pairs.load[mine] >= roster.duties.end[slot] - roster.begin[slot]).all():
        return  # the capacity in all is the stricter one
    for minutes in day_windows(roster, person, mine):
        inside = np.flatnonzero(minutes)
        model.row(mine[inside], minutes[inside], -INFINITE, most)


def day_windows(roster: Roster, person: int, mine: Ints) -> Ints:
    """[W, n] minutes of each of the person's pairs (rows `mine`, sorted by start) inside those 24-hour
    windows in which duties with the rest between them could exceed the person's hours. Windows that begin
    with a duty or end with one suffice: the minutes inside a sliding window change their slope downwards
    only there, so its maximum is among them."""
    slot = roster.pairs.slot[mine]
    begin, end = roster.begin[slot], roster.duties.end[slot]
    most = int(roster.crew.minutes_24h[person])
    if (end - begin).sum() <= most:
        return np.zeros((0, len(mine)), np.int64)
    since = np.unique(np.concatenate([begin, end - DAY]))
    windows: Ints = _binding(begin, end, since, int(roster.crew.rest[person]), most)
    return windows


@compiled
def _binding(begin: Ints, end: Ints, since: Ints, rest: int, most: int) -> Ints:
    """[W, n] minutes inside the windows that begin at `since`: those that may bind, none of them implied by
    another one."""
    inside = np.zeros((len(since), len(begin)), np.int64)
    kept = np.zeros(len(since), np.bool_)
    for w in range(len(since)):
        for i in range(len(begin)):
            inside[w, i] = max(0, min(end[i], since[w] + DAY) - max(begin[i], since[w]))
        kept[w] = _most_minutes(begin, end, inside[w], rest) > most
    for w in range(len(since)):
        for other in range(len(since)):
            if kept[w] and kept[other] and other != w and (inside[w] <= inside[other]).all():
                kept[w] = False
    return inside[kept]


@inner
def _most_minutes(begin: Ints, end: Ints, minutes: Ints, rest: int) -> int:
    """The most minutes of duties with the rest between each two: the longest chain."""
    longest = np.zeros(len(begin), np.int64)
    top = 0
    for i in range(len(begin)):
        for j in range(i):
            if end[j] + rest <= begin[i]:
                longest[i] = max(longest[i], longest[j])
        longest[i] += minutes[i]
        top = max(top, longest[i])
    return top
