"""Mixed skills within a slot: several minima over sets of people, one person may count for several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from volunteer_hub.engine.problem import Ints
from volunteer_hub.engine.roster.model import INFINITE, Model
from volunteer_hub.engine.roster.problem import Need, Roster


def rule(model: Model) -> None:
    """People of the set chosen + what is lacking >= heads; lacking counts as open heads below the minimum."""
    roster = model.goal.roster
    if not roster.skills:
        return
    rank = model.goal.rank_minimum[[need.slot for need in roster.skills]]
    heads = np.array([need.heads for need in roster.skills])
    lacking = model.variables(heads, level_1=rank, integer=False)
    for variable, (need, mine) in zip(lacking.tolist(), pairs_of(roster, roster.skills), strict=True):
        row = model.row(mine, 1.0, need.heads, INFINITE)
        model.put(np.array([row]), np.array([variable]), 1.0)


def pairs_of(roster: Roster, needs: Sequence[Need]) -> Iterator[tuple[Need, Ints]]:
    """Each need with the pairs of its people in its slot."""
    order = np.argsort(roster.pairs.slot, kind="stable")
    first = np.searchsorted(roster.pairs.slot[order], np.arange(len(roster.duties) + 1))
    for need in needs:
        there = order[first[need.slot] : first[need.slot + 1]]
        yield need, there[np.isin(roster.pairs.person[there], list(need.people))]
