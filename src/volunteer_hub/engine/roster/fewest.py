"""Fewer people: keep only some on duty, and let ejection fill what falls open with those who stay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

import numpy as np

from volunteer_hub.engine.clock import Clock
from volunteer_hub.engine.problem import Bools, Ints
from volunteer_hub.engine.roster.eject import fill
from volunteer_hub.engine.roster.flat import Flat
from volunteer_hub.engine.roster.goal import Goal

STEPS = 5_000  # of ejection per attempt; more for an aim that fails
STEPS_AT_BOUND = 30_000
MOST_STEPS = 200_000
AFRESH = 0.3  # share of attempts that do not go on from the nearest one


def fewer_people(
    goal: Goal, flat: Flat, chosen: Ints, bound: int, clock: Clock, seed: int, threads: int
) -> Iterator[Ints]:
    """From rows without open heads: better and better ones, each cheaper in calls than those before. Ends at
    the bound or when time is up."""
    hunt = _Hunt(goal, chosen, bound, seed)
    stop = np.zeros(1, np.bool_)
    with ThreadPoolExecutor(threads) as workers:
        running: dict[Future[tuple[Ints, int]], _Attempt] = {}
        while clock.left > 0 and hunt.cost > bound:
            while len(running) < threads:
                next_one = hunt.attempt()
                running[workers.submit(_try, flat, next_one, stop)] = next_one
            finished = wait(running, timeout=max(clock.left, 0.0), return_when=FIRST_COMPLETED).done
            for done in finished:
                if hunt.judge(running.pop(done), *done.result()):
                    yield hunt.chosen
        stop[0] = True


def _try(flat: Flat, attempt: _Attempt, stop: Bools) -> tuple[Ints, int]:
    return fill(flat, attempt.start, attempt.active, attempt.steps, attempt.seed, stop)


@dataclass(frozen=True)
class _Attempt:
    aim: int  # what those on duty may cost
    start: Ints  # rows
    active: Bools  # [P] who is on duty
    steps: int
    seed: int


class _Hunt:
    """Whom to keep on duty next. Half of the effort aims at the bound itself, half a little below the best so
    far, in leaps that grow with success. An attempt that left few heads open is continued with a few people
    exchanged for some who could serve there."""

    def __init__(self, goal: Goal, chosen: Ints, bound: int, seed: int) -> None:
        self.bound, self._rng = bound, np.random.default_rng(seed)
        self._roster, self._price = goal.roster, goal.call_cost
        self._leap = 1
        self._steps = {True: 0, False: 0}  # spent on the bound itself, and below the best
        self._failures: Counter[int] = Counter()  # by aim
        self._nearest: dict[int, tuple[int, Ints, Bools]] = {}  # by aim: open heads, rows, on duty
        self._keep(chosen)

    def _keep(self, chosen: Ints) -> None:
        self.chosen = chosen
        self._called = np.unique(self._roster.pairs.person[chosen])
        self.cost = int(self._price[self._called].sum())

    def attempt(self) -> _Attempt:
        """The next thing to try."""
        at_bound = self._steps[True] < self._steps[False]
        aim = self.bound if at_bound else max(self.bound, self.cost - self._leap)
        near = self._nearest.get(aim)
        if near is None or self._rng.random() < AFRESH:
            start, active = self.chosen, np.zeros(len(self._price), np.bool_)
            active[self._called] = True
            most = min(self._failures[aim], len(self._called) // 4)
            self._exchange(active, start, int(self._rng.integers(0, most + 1)))
        else:
            _, start, active = near
            active = active.copy()
            self._exchange(active, start, int(self._rng.integers(1, 4)))
        self._dismiss(active, start, aim)
        first = STEPS_AT_BOUND if at_bound else STEPS
        steps = min(first * (1 + self._failures[aim] // 4), MOST_STEPS)
        self._steps[at_bound] += steps
        start = start[active[self._roster.pairs.person[start]]]
        return _Attempt(aim, start, active, steps, int(self._rng.integers(1 << 31)))

    def _exchange(self, active: Bools, start: Ints, count: int) -> None:
        """Some on duty for some who are not, rather such as can serve where heads are open."""
        pairs = self._roster.pairs
        filled = np.bincount(pairs.slot[start], minlength=len(self._roster.duties))
        wanted = np.bincount(
            pairs.person, weights=(filled < self._roster.duties.target)[pairs.slot], minlength=len(active)
        )
        idle, busy = np.flatnonzero(~active), np.flatnonzero(active)
        count = min(count, len(idle), len(busy))
        if count:
            liking = wanted[idle] + 0.5
            active[self._rng.choice(busy, count, replace=False)] = False
            active[self._rng.choice(idle, count, replace=False, p=liking / liking.sum())] = True

    def _dismiss(self, active: Bools, start: Ints, aim: int) -> None:
        """Those with the fewest duties go first, by chance, until the rest cost no more than the aim."""
        duties = np.bincount(self._roster.pairs.person[start], minlength=len(active))
        order = np.argsort(self._rng.exponential(size=len(active)) * (1 + duties))
        order = order[active[order]]
        spent = np.cumsum(self._price[order][::-1])[::-1]  # what it costs to keep this one and all later
        active[order[spent > aim]] = False

    def judge(self, attempt: _Attempt, rows: Ints, open_heads: int) -> bool:
        """Was the attempt a success?"""
        if open_heads == 0:
            if self._price[np.unique(self._roster.pairs.person[rows])].sum() >= self.cost:
                return False  # another thread was faster
            self._keep(rows)
            self._leap = max(1, min(2 * self._leap, (self.cost - self.bound) // 4))
            return True
        self._failures[attempt.aim] += 1
        if attempt.aim not in self._nearest or open_heads <= self._nearest[attempt.aim][0]:
            self._nearest[attempt.aim] = (open_heads, rows, attempt.active)
        if attempt.aim > self.bound:
            self._leap = max(1, self._leap // 2)
        return False
