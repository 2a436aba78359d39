"""The best plan so far and what is known about the best plan there is."""

from __future__ import annotations

import threading

import numpy as np

from volunteer_hub.engine.problem import Ints
from volunteer_hub.engine.roster.goal import Goal
from volunteer_hub.engine.roster.problem import UNLIMITED


class Incumbent:
    """Begins with the empty plan, which is always allowed. Threads may offer at the same time."""

    def __init__(self, goal: Goal) -> None:
        self.goal = goal
        self.big = goal.big()
        self.chosen: Ints = np.zeros(0, np.int64)
        self.heads: Ints = np.zeros(0, np.int64)
        self.levels = goal.levels(self.chosen, self.heads)
        self.floor = (0, 0)  # (level 1, level 2) that no plan of the given pairs is below, in this order
        self.floor_of_all = (0, 0)  # the same for plans that also use pairs left out of the roster
        self._complete = bool((goal.roster.beyond >= UNLIMITED).all())
        self._lock = threading.Lock()

    def offer(self, chosen: Ints, heads: Ints) -> bool:
        """Keep an allowed plan if it is better. Rows of pairs, and the heads each fills."""
        levels = self.goal.levels(chosen, heads)
        with self._lock:
            if levels >= self.levels:
                return False
            order = np.argsort(chosen)
            self.chosen, self.heads, self.levels = chosen[order], heads[order], levels
            return True

    def at_least(self, level_1: int, level_2: int, of_all: bool = False) -> None:
        """No plan is below (level_1, level_2), in this order; `of_all`: not even with pairs left out."""
        self.floor = max(self.floor, (level_1, level_2))
        if of_all or self._complete:
            self.floor_of_all = max(self.floor_of_all, (level_1, level_2))

    def if_all_filled(self, level_2: int) -> None:
        """A plan without open heads costs at least level_2; one with open heads is worse than any cost."""
        if self.floor[0] == 0:
            self.at_least(0, level_2)

    @property
    def level_1_proven(self) -> bool:
        return self.levels[0] == self.floor[0]

    @property
    def proven(self) -> bool:
        """Nothing better among the pairs given."""
        return self.levels == self.floor

    @property
    def value(self) -> int:
        return self.levels[0] * self.big + self.levels[1]

    @property
    def bound(self) -> int:
        """For all pairs there are, as one number."""
        return self.floor_of_all[0] * self.big + self.floor_of_all[1]
