"""Fewer people: take some off duty, and let ejection fill what falls open with those who stay."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import numpy as np

from volunteer_hub.engine.clock import Clock
from volunteer_hub.engine.problem import Bools, Ints
from volunteer_hub.engine.roster.eject import fill
from volunteer_hub.engine.roster.flat import Flat
from volunteer_hub.engine.roster.goal import Goal

STEPS = 4_000  # of ejection per attempt; more where attempts fail
MOST_STEPS = 200_000


def fewer_people(
    goal: Goal, flat: Flat, chosen: Ints, bound: int, clock: Clock, seed: int, threads: int
) -> Iterator[Ints]:
    """From rows without open heads: better and better ones, each cheaper in calls than those before. Ends at
    the bound or when time is up."""
    hunt = _Hunt(goal, chosen, bound, np.random.default_rng(seed))
    with ThreadPoolExecutor(threads) as workers:
        running: set[Future[tuple[Ints, int]]] = set()
        while clock.left > 0 and hunt.cost > bound:
            while len(running) < threads:
                running.add(workers.submit(fill, flat, *hunt.attempt(), int(hunt.rng.integers(1 << 31))))
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for result in done:
                if hunt.judge(*result.result()):
                    yield hunt.chosen


class _Hunt:
    """Whom to take off duty next."""

    def __init__(self, goal: Goal, chosen: Ints, bound: int, rng: np.random.Generator) -> None:
        self.rng, self.bound = rng, bound
        self._pairs, self._price = goal.roster.pairs, goal.call_cost
        self._failures, self._leap = 0, 1
        self._keep(chosen)

    def _keep(self, chosen: Ints) -> None:
        self.chosen = chosen
        self.called = np.unique(self._pairs.person[chosen])
        self.cost = int(self._price[self.called].sum())

    def attempt(self) -> tuple[Ints, Bools, int]:
        """Rows to start from, the people on duty (some fewer than now, some exchanged), steps to try."""
        rng, person = self.rng, self._pairs.person
        active = np.zeros(len(self._price), np.bool_)
        active[self.called] = True
        idle = np.flatnonzero(~active)
        lightness = 1 / np.bincount(person[self.chosen])[self.called]
        leaving = rng.choice(self.called, self._leap, replace=False, p=lightness / lightness.sum())
        active[leaving] = False
        swaps = int(rng.integers(0, min(len(idle), self._failures, active.sum()) + 1))
        active[rng.choice(np.flatnonzero(active), swaps, replace=False)] = False
        active[rng.choice(idle, swaps, replace=False)] = True
        steps = min(STEPS * (1 + self._failures // 4), MOST_STEPS)
        return self.chosen[active[person[self.chosen]]], active, steps

    def judge(self, chosen: Ints, open_heads: int) -> bool:
        """Was the attempt a success?"""
        if open_heads:
            self._failures += 1
            self._leap = 1
            return False
        if self._price[np.unique(self._pairs.person[chosen])].sum() >= self.cost:
            return False  # another thread was faster
        self._keep(chosen)
        self._leap = max(1, min(2 * self._leap, (self.cost - self.bound) // 8)) if not self._failures else 1
        self._failures = 0
        return True
