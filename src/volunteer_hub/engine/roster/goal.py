"""What a roster is judged by: first the open heads weighted by rank, then cost and soft terms.

Level 1 is the sum of rank x open heads, rank = 5 + priority below the minimum (a missing leader-like skill
counts as a head) and priority between minimum and target, as in engine.terms. Level 2 is the cost of the
pairs, of calling people, and of the soft terms, in 0.1 minutes. Both levels are folded into one number
with BIG, which no level 2 reaches: so the fold is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from volunteer_hub.engine.problem import MAX_PRIORITY, Ints
from volunteer_hub.engine.roster.problem import Roster
from volunteer_hub.engine.terms import Objective


@dataclass(frozen=True)
class Tally:
    """A cost on how many pairs of a group are chosen. "once": weight if there is any. "beyond_one": weight
    for every two of them, so 0, 1, 3, 6, ... times the weight."""

    group: Ints  # [N] the group of each pair, -1 for none
    weight: Ints  # [G] >= 0
    kind: Literal["once", "beyond_one"]

    def cost(self, chosen: Ints) -> int:
        """Of the chosen rows of pairs."""
        group = self.group[chosen]
        count = np.bincount(group[group >= 0], minlength=len(self.weight))
        times = count > 0 if self.kind == "once" else count * (count - 1) // 2
        return int((self.weight * times).sum())

    def most(self) -> int:
        """No plan pays more."""
        return self.cost(np.arange(len(self.group)))


def calls(roster: Roster) -> Tally:
    """The cost of calling people at all: part of every roster's goal."""
    return Tally(roster.pairs.person, roster.crew.call_cost, "once")


@dataclass(frozen=True)
class Goal:
    """The objective of one roster, with its soft terms."""

    roster: Roster
    tallies: tuple[Tally, ...]

    @property
    def rank_minimum(self) -> Ints:
        return self.roster.duties.priority + MAX_PRIORITY

    @property
    def call_cost(self) -> Ints:
        """[P] what it costs to call a person at all, soft terms included."""
        total = np.zeros(len(self.roster.crew), np.int64)
        for tally in self.tallies:
            if tally.kind == "once" and tally.group is self.roster.pairs.person:
                total = total + tally.weight
        return total

    def big(self) -> int:
        """Above every level 2."""
        pairs, target = self.roster.pairs, self.roster.duties.target
        order = np.lexsort((-pairs.cost, pairs.slot))
        first = np.searchsorted(pairs.slot[order], np.arange(len(target)))
        place = np.arange(len(order)) - first[pairs.slot[order]]
        dearest = pairs.cost[order][place < target[pairs.slot[order]]].sum()
        beyond = np.where(self.roster.beyond < 1 << 39, self.roster.beyond * target, 0).sum()
        return int(dearest) + int(beyond) + sum(tally.most() for tally in self.tallies) + 1

    def open_heads(self, chosen: Ints, heads: Ints) -> tuple[Ints, Ints, Ints]:
        """[S] heads below the minimum, [S] further heads up to the target, [M] heads a skill minimum lacks,
        for chosen rows of pairs and the heads each fills."""
        duties, pairs = self.roster.duties, self.roster.pairs
        filled = np.bincount(pairs.slot[chosen], weights=heads, minlength=len(duties)).astype(np.int64)
        below = np.maximum(duties.minimum - filled, 0)
        serving = set(zip(pairs.slot[chosen].tolist(), pairs.person[chosen].tolist(), strict=True))
        lacking = [
            max(0, need.heads - sum((need.slot, person) in serving for person in need.people))
            for need in self.roster.skills
        ]
        return below, duties.target - filled - below, np.array(lacking, dtype=np.int64)

    def level_1(self, chosen: Ints, heads: Ints) -> int:
        below, above, lacking = self.open_heads(chosen, heads)
        skill_slots = np.array([need.slot for need in self.roster.skills], dtype=np.int64)
        ranked = (self.rank_minimum * below + self.roster.duties.priority * above).sum()
        return int(ranked + (self.rank_minimum[skill_slots] * lacking).sum())

    def level_2(self, chosen: Ints) -> int:
        return int(self.roster.pairs.cost[chosen].sum()) + sum(tally.cost(chosen) for tally in self.tallies)

    def levels(self, chosen: Ints, heads: Ints) -> tuple[int, int]:
        return self.level_1(chosen, heads), self.level_2(chosen)

    def objective(self, chosen: Ints, heads: Ints) -> Objective:
        """In the form of a surge plan's: open heads by rank from the most urgent down, then the cost."""
        below, above, lacking = self.open_heads(chosen, heads)
        priority = self.roster.duties.priority
        needs = np.array([need.slot for need in self.roster.skills], dtype=np.int64)
        missing = np.bincount(needs, weights=lacking, minlength=len(priority)).astype(np.int64)
        short = [
            int(column[priority == rank].sum())
            for column in (below + missing, above)
            for rank in range(MAX_PRIORITY, 0, -1)
        ]
        return Objective(tuple(short), self.level_2(chosen), 0)
