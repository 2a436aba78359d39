"""The integer programme at work: whole if it is small, else relaxation, restriction and neighbourhoods.

Variables whose reduced cost exceeds the gap between plan and bound are fixed: no better plan is lost. A
programme restricted to what the relaxation uses and what costs it little finds good plans early (Danna,
Rothberg & Le Pape 2005). A neighbourhood frees the duties of a few people or of a few slots and keeps the
rest (Shaw 1998).
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from scipy.sparse import csc_array

from volunteer_hub.engine.clock import Clock, DeadlinePassed
from volunteer_hub.engine.problem import Bools, Floats, Ints, Options
from volunteer_hub.engine.roster import mip
from volunteer_hub.engine.roster.anneal import annealed
from volunteer_hub.engine.roster.deal import dealt
from volunteer_hub.engine.roster.flat import Flat, flatten
from volunteer_hub.engine.roster.goal import Goal
from volunteer_hub.engine.roster.guide import Guide, guide_of
from volunteer_hub.engine.roster.incumbent import Incumbent
from volunteer_hub.engine.roster.knapsack import packed
from volunteer_hub.engine.roster.model import Program
from volunteer_hub.engine.roster.neighbourhood import Neighbourhoods
from volunteer_hub.engine.roster.rules import program as program_of
from volunteer_hub.engine.roster.schedule import plain

MOST_PAIRS = 300_000  # beyond, building the programme alone takes too long
MOST_ENTRIES = 3_000_000  # beyond, its relaxation does
SMALL = 2_000  # pairs up to which restricting the programme is not worth while
TINY = 400  # pairs up to which nothing but the whole programme is
MOST_WHOLE = 80_000  # beyond, the whole programme is not tried at all
WHOLE_SHARE = 0.3  # of the time left
RESTRICTED_SHARE = 0.15
PACK_SHARE = 0.1
ANNEAL_SHARE = 0.1  # of the time left, less where pairs are few
MANY = 20_000  # pairs
NEIGHBOURHOOD_S = 2.0
DEAL_S = 0.5  # at least, after each neighbourhood
LAST_S = 0.3  # before the deadline no neighbourhood is begun
LIKED = (0.05, 0.1, 0.2, 0.4, 1.0)  # shares of the wanted pairs that neighbourhoods are drawn from, by turns


def improve_by_programme(goal: Goal, best: Incumbent, options: Options, clock: Clock) -> None:
    """Better plans and bounds until the plan is proven or the time is up."""
    if not 0 < len(goal.roster.pairs) <= MOST_PAIRS:
        return
    try:
        with clock.phase("programme"):
            program, head = program_of(goal, clock)
            work = _Work(goal, program, head, best, options, clock)
        work.bound()
        with clock.phase("whole"):
            work.whole()
        with clock.phase("restricted"):
            work.restricted()
        with clock.phase("anneal"):
            work.anneal()
        if work.relaxed_both and best.level_1_proven:
            work.bound()
        with clock.phase("whole"):
            work.whole()
        with clock.phase("neighbourhoods"):
            work.neighbourhoods()
    except DeadlinePassed:
        return


class _Work:
    """One programme and the best plan as its solution `x`."""

    def __init__(
        self, goal: Goal, program: Program, head: Ints, best: Incumbent, options: Options, clock: Clock
    ) -> None:
        self.goal, self.program, self.head, self.best = goal, program, head, best
        self.options, self.clock = options, clock
        self.pairs = len(goal.roster.pairs)
        self.columns = csc_array(program.matrix)
        self.wanted = program.upper[: self.pairs] > 0
        self.relaxed: mip.Relaxation | None = None
        self.flat: Flat | None = None  # where compiled searches can help
        self.guide: Guide | None = None
        self.relaxed_both = False  # levels, or level 2 alone
        self.lock = threading.Lock()
        self.x = self._complete()

    def _complete(self) -> Floats:
        """The best plan with all that the rules count besides."""
        x = self.program.lower.copy()
        x[self.best.chosen] = 1.0
        x[self.head[self.best.chosen]] = self.best.heads
        free = np.ones(len(x), np.bool_)
        free[: self.pairs] = False
        free[self.head] = False
        part = mip.restrict(self.program, free, x)
        answer = mip.solve(part, self._folded(part), max(self.clock.left, 1.0))
        if answer.x is None:
            raise DeadlinePassed
        x[free] = answer.x
        return x

    def _folded(self, part: Program) -> Floats:
        """Both levels in one, level 1 first as far as this part can tell."""
        if self.best.level_1_proven or not part.level_1.any():
            return part.level_2
        most = float((part.level_2 * np.minimum(part.upper, 1.0)).sum()) + 1.0
        return min(most, float(self.best.big)) * part.level_1 + part.level_2

    def _capped(self, program: Program) -> Program:
        """No worse in level 1 than the best plan, once that is proven."""
        if not self.best.level_1_proven:
            return program
        if self.best.levels[0] == 0:
            return replace(program, upper=np.where(program.level_1 > 0, 0.0, program.upper))
        return mip.with_row(program, program.level_1, float(self.best.levels[0]))

    def bound(self) -> None:
        """What is known of the best plan, and what the searches go by."""
        with self.clock.phase("relaxation"):
            self.relax()
        with self.clock.phase("knapsacks"):
            if not self.best.proven:
                self.pack()
                self.look()

    def relax(self) -> None:
        """The linear bound of both levels, and what its reduced costs rule out."""
        if self.program.matrix.nnz > MOST_ENTRIES:
            return
        program = self._capped(self.program)
        folded = program.level_2
        if not self.best.level_1_proven:
            folded = self.best.big * program.level_1 + program.level_2
        self.relaxed_both = not self.best.level_1_proven
        self.relaxed = mip.relax(program, folded, self.clock.left)
        if self.relaxed is None:
            return
        bound = mip.whole(self.relaxed.bound)
        if self.best.level_1_proven:
            self.best.at_least(self.best.levels[0], bound)
        else:
            self.best.at_least(*divmod(bound, self.best.big))
        self._rule_out()

    def pack(self) -> None:
        """A sharper bound where loads are scarce, and what choosing a pair adds to it."""
        if self.relaxed is None or self.relaxed_both or self.best.levels[0] > 0:
            return
        sharper = packed(self.goal, self.relaxed, self.best.levels[1], Clock(self.clock.left * PACK_SHARE))
        if sharper is not None:
            self.relaxed = sharper
            self.best.at_least(0, mip.whole(sharper.bound))
            self._rule_out()

    def look(self) -> None:
        """What the compiled searches need, where they can help."""
        if self.relaxed is not None and plain(self.goal.roster) and self.pairs > TINY:
            self.flat = flatten(self.goal.roster)
            self.guide = guide_of(self.flat, self.relaxed) if self.flat is not None else None

    def _rule_out(self) -> None:
        """Pairs that no better plan has."""
        if self.relaxed is None:
            return
        value = self.best.value if self.relaxed_both else self.best.levels[1]
        gap = value - self.relaxed.bound
        self.wanted = self.wanted & (self.relaxed.reduced[: self.pairs] < gap)

    def restricted(self) -> None:
        """What the relaxation uses, and for every slot and person what costs it least."""
        if self.relaxed is None or self.best.proven or self.pairs <= SMALL:
            return
        order = np.argsort(self.relaxed.reduced[: self.pairs])
        few = np.zeros(self.pairs, np.bool_)
        few[order[: max(SMALL, 4 * len(self.goal.roster.duties))]] = True
        few &= self.wanted
        few[self.x[: self.pairs] > 0.5] = True
        few[self.relaxed.x[: self.pairs] > 1e-6] = True
        self._solve(few, self.clock.left * RESTRICTED_SHARE, self.options.seed, by_cp_sat=False)

    def anneal(self) -> None:
        """From the relaxation rounded, or from the best plan, where loads alone decide who serves what."""
        if self.best.proven or self.relaxed is None or self.guide is None or self.flat is None:
            return
        limit = Clock(self.clock.left * ANNEAL_SHARE * min(1.0, self.pairs / MANY))
        rows = annealed(
            self.goal, self.flat, self.guide, self.relaxed, self.best.chosen, limit, self.options.seed
        )
        if rows is not None:
            self._take_rows(rows)

    def _take_rows(self, rows: Ints) -> None:
        """Keep the plan of a search that knows nothing of the programme, if it is better."""
        with self.lock:
            if self.best.offer(rows, np.ones(len(rows), np.int64)):
                self.x = self._complete()
                self._rule_out()

    def whole(self) -> None:
        """Everything that may be part of a better plan, where that is little."""
        while not self.best.proven and self.wanted.sum() <= TINY:
            self.clock.check()
            if not self._whole(self.clock.left):
                return

    def _whole(self, seconds: float) -> bool:
        """The wanted pairs and those of the best plan: level 1 first, level 2 once that is proven. Was it
        done to the end?"""
        level_1 = not self.best.level_1_proven
        program = self.program if level_1 else self._capped(self.program)
        free = self.wanted | (self.x[: self.pairs] > 0.5)
        upper = program.upper.copy()
        upper[: self.pairs][~free] = 0.0
        objective = program.level_1 if level_1 else program.level_2
        answer = mip.solve(
            replace(program, upper=upper), objective, seconds, start=self.x, seed=self.options.seed
        )
        floor = self.best.levels[0]
        if answer.x is not None:
            self._take(answer.x)
        bound = mip.whole(answer.bound)
        self.best.at_least(*((bound, 0) if level_1 else (floor, bound)))
        return answer.optimal

    def neighbourhoods(self) -> None:
        """Until the time is up or the plan meets its bound. One of several threads tries the whole programme
        first: a week of shifts it can prove, and until then the others find plans for it."""
        if self.best.proven:
            return
        with ThreadPoolExecutor(self.options.threads) as workers:
            seeds = [self.options.seed * 1000 + k for k in range(self.options.threads)]
            jobs = [workers.submit(self._neighbourhoods, seed) for seed in seeds[:-1]]
            jobs.append(workers.submit(self._whole_first, seeds[-1]))
            for done in jobs:
                done.result()

    def _whole_first(self, seed: int) -> None:
        ended = self.wanted.sum() <= MOST_WHOLE
        while ended and not self.best.proven and self.clock.left > 0:
            ended = self._whole(self.clock.left * WHOLE_SHARE)
        self._neighbourhoods(seed)

    def _neighbourhoods(self, seed: int) -> None:
        draws, rows = Neighbourhoods(self.goal.roster, self.wanted, seed), self.best.chosen
        while self.clock.left > LAST_S and not self.best.proven:
            chosen = self.x[: self.pairs] > 0.5
            draws.wanted = self._promising(draws.rng)
            free = draws.draw(chosen, self._pain(chosen))
            limit = min(NEIGHBOURHOOD_S, self.clock.left)
            started = time.monotonic()
            optimal = self._solve(free, limit, seed, by_cp_sat=True)
            seconds = time.monotonic() - started
            draws.solved(optimal, seconds, limit)
            rows = self._deal(rows, max(seconds, DEAL_S), int(draws.rng.integers(1 << 31)))

    def _deal(self, rows: Ints, seconds: float, seed: int) -> Ints:
        """A few people at a time deal anew, from these rows or from the best plan if better by now."""
        if self.flat is None or self.guide is None or self.goal.tallies:
            return rows
        if self.best.levels < self.goal.levels(rows, np.ones(len(rows), np.int64)):
            rows = self.best.chosen
        rows = dealt(self.flat, self.guide, rows, min(seconds, self.clock.left - LAST_S), seed)
        self._take_rows(rows)
        return rows

    def _pain(self, chosen: Bools) -> Floats:
        """[S] where the plan falls short: open heads, else what chosen pairs cost above the relaxation."""
        below, above, _ = self.goal.open_heads(self.best.chosen, self.best.heads)
        if (below + above).any() or self.relaxed is None:
            return (below + above).astype(np.float64)
        rows = np.flatnonzero(chosen)
        excess = np.maximum(self.relaxed.reduced[rows], 0.0)
        return np.bincount(self.goal.roster.pairs.slot[rows], excess, len(below)).astype(np.float64)

    def _promising(self, rng: np.random.Generator) -> Bools:
        """Pairs that a better plan may have, by turns only those that the relaxation likes best."""
        if self.relaxed is None:
            return self.wanted
        likes = np.sort(self.relaxed.reduced[: self.pairs][self.wanted])
        share = rng.choice(LIKED)
        most = likes[int(share * (len(likes) - 1))] if len(likes) else 0.0
        return self.wanted & (self.relaxed.reduced[: self.pairs] <= most + 1e-9)

    def _solve(self, free: Bools, seconds: float, seed: int, by_cp_sat: bool) -> bool:
        """Re-plan the free pairs, all else as in the best plan. Was that done to the end?"""
        x = self.x
        mask = self._with_counts(self._with_room(free, x))
        part = self._capped_part(mip.restrict(self.program, mask, x), x, mask)
        objective = self._folded(part)
        # CP-SAT closes such small programmes ten times faster than branch and bound by HiGHS.
        answer = mip.solve(part, objective, seconds, start=x[mask], seed=seed, by_cp_sat=by_cp_sat)
        if answer.x is not None:
            found = x.copy()
            found[mask] = answer.x
            self._take(found)
        return answer.optimal

    def _with_room(self, free: Bools, x: Floats) -> Bools:
        """Those of the free pairs whose slot has room once the free pairs have left it."""
        slot, target = self.goal.roster.pairs.slot, self.goal.roster.duties.target
        stay = np.flatnonzero(~free & (x[: self.pairs] > 0.5))
        filled = np.bincount(slot[stay], weights=x[self.head[stay]], minlength=len(target))
        return free & ((filled < target)[slot] | (x[: self.pairs] > 0.5))

    def _capped_part(self, part: Program, x: Floats, mask: Bools) -> Program:
        if not self.best.level_1_proven or not part.level_1.any():
            return part
        return mip.with_row(part, part.level_1, float((part.level_1 * x[mask]).sum()))

    def _with_counts(self, free: Bools) -> Bools:
        """All columns: the free pairs and whatever the rules count in their rows."""
        mask = np.zeros(len(self.x), np.bool_)
        mask[: self.pairs] = free
        for _ in range(2):  # twice: an organisation's heads lie between its pair and the slot
            rows = np.unique(self.columns[:, np.flatnonzero(mask)].indices)
            near = np.unique(self.program.matrix[rows].indices)
            mask[near[near >= self.pairs]] = True
        return mask

    def _take(self, x: Floats) -> None:
        """Keep a solution that is no worse than the best plan: even ones lead elsewhere."""
        with self.lock:
            chosen = np.flatnonzero(x[: self.pairs] > 0.5)
            heads = np.round(x[self.head[chosen]]).astype(np.int64)
            levels = self.goal.levels(chosen, heads)
            if levels > self.best.levels or not mip.satisfied(self.program, x):
                return
            better = levels < self.best.levels
            self.best.offer(chosen, heads)
            self.x = x
            if better:
                self._rule_out()
