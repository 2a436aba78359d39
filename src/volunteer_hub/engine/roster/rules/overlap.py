"""No two duties at once, and the rest between them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from volunteer_hub.engine.problem import Ints
from volunteer_hub.engine.roster.clash import time_cliques
from volunteer_hub.engine.roster.model import INFINITE, Model
from volunteer_hub.engine.roster.problem import Roster


def rule(model: Model) -> None:
    """Of the duties that share a moment, each prolonged by the rest, at most one: by cliques at start times
    instead of pairs, which is smaller and a tighter relaxation. Where calling the person costs, the one is
    the variable `called`; duties that clash with nothing then have a row each."""
    roster = model.goal.roster
    groups: list[Ints] = []
    for person in range(len(roster.crew)):
        mine = np.arange(roster.first[person], roster.first[person + 1])
        found = rest_cliques(roster, person, mine)
        if model.called[person] >= 0:
            tied = np.concatenate(found) if found else mine[:0]
            found += [mine[k : k + 1] for k in np.flatnonzero(~np.isin(mine, tied))]
        groups += found
    at_most_one(model, groups)


def rest_cliques(roster: Roster, person: int, mine: Ints) -> list[Ints]:
    """Groups of the person's pairs, rows `mine` sorted by start, of which rest allows one at most."""
    slot = roster.pairs.slot[mine]
    timed = roster.begin[slot] < roster.duties.end[slot]
    mine, slot = mine[timed], slot[timed]
    if len(mine) < 2:
        return []
    first, member = time_cliques(roster.begin[slot], roster.duties.end[slot] + roster.crew.rest[person])
    return [mine[member[a:b]] for a, b in pairwise(first.tolist())]


def at_most_one(model: Model, groups: list[Ints]) -> None:
    """Each group of pairs of one person: at most one, and none unless the person is called."""
    if not groups:
        return
    size = np.array([len(group) for group in groups])
    members = np.concatenate(groups)
    called = model.called[model.goal.roster.pairs.person[[group[0] for group in groups]]]
    rows = model.rows(len(groups), -INFINITE, np.where(called < 0, 1.0, 0.0))
    model.put(np.repeat(rows, size), members, 1.0)
    model.put(rows[called >= 0], called[called >= 0], -1.0)
