"""Who passes every rule but distance, in a form that loops can ask pair by pair.

A rule reads few columns of a unit (feasible.READS): a city has hundreds of units but a handful of periods and
some dozens of (skill, level) pairs. What a unit asks of skills gives a posting list, as in text retrieval,
with the hour each proof of skill lapses beside it; what it asks of time gives one bit per person and distinct
period; yes-or-no questions share one number per person. A pair is allowed when list, hour, bit and number
agree.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator

import numpy as np
import numpy.typing as npt

from volunteer_hub.engine.compiled import compiled
from volunteer_hub.engine.feasible import READS, RULES
from volunteer_hub.engine.problem import Bools, Intervals, Ints, Problem
from volunteer_hub.engine.units import Access, Units

Small = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.uint16]

POSTED = ("skill", "certification")  # few pass: kept as lists
TIMED = ("availability", "overlap", "rest", "hours")  # one bit per period
FLAGS = {"age": "adult", "insurance": "insured", "fitness": "fit", "night_travel": "night_travel"}
MOST_MINUTES = 2**31 - 1  # four thousand years; what lapses later never does
UNDECIDED = 1 << len(FLAGS)  # set for everybody who is not locked, asked of everybody
MATCHING = 2 * UNDECIDED  # the first of the bits that are left: one for each rank (Pool.matching)


class Eligible:
    """Answers of the rules for one problem and its units. People are named by their position in `order`.

    The arrays are what compiled loops read (candidates.Index names them); `members` is for everybody else.
    """

    def __init__(self, problem: Problem, units: Units, order: Ints | None = None) -> None:
        self._problem, self._units = problem, units
        self._order = np.arange(len(problem.people)) if order is None else order
        self.position = np.empty_like(self._order)
        self.position[self._order] = np.arange(len(self._order))
        self._lists: dict[tuple[tuple[int, int], ...], int] = {}  # what is asked -> number of the list
        self._bits: dict[tuple[int, ...], int] = {}
        self.first = np.zeros(1, np.int64)
        self.listed, self.until = np.zeros(0, np.int32), np.zeros(0, np.int32)
        self.periods = np.zeros((len(self._order), 1), np.uint8)
        self.flags = self._flags()
        self.ask(problem, units)

    def ask(self, problem: Problem, units: Units) -> None:
        """Answer for these units from now on; people and limits must be the same, locks and answers known
        before stay as they were."""
        self._problem, self._units = problem, units
        self.end = np.minimum(units.end, MOST_MINUTES)
        self.list_of, self.period_of = self._postings(), self._periods()
        self.needs = np.full(len(units), UNDECIDED, np.uint16)
        for bit, code in enumerate(FLAGS):
            self.needs |= (getattr(units, READS[code][0]).astype(np.uint16) << bit).astype(np.uint16)
        self.barred_first, self.barred = self._barred()

    def kinds(self) -> Iterator[Ints]:
        """Open units, grouped so that each group has one list of people."""
        groups: dict[Hashable, list[int]] = defaultdict(list)
        lists, hours, periods = self.list_of.tolist(), self.end.tolist(), self.period_of.tolist()
        barred = np.diff(self.barred_first) > 0
        for u in np.flatnonzero(self._units.access == Access.OPEN).tolist():
            own = int(self._units.slot[u]) if barred[u] else -1
            groups[own, lists[u], hours[u], periods[u], int(self.needs[u])].append(u)
        return (np.array(units, dtype=np.int64) for units in groups.values())

    def members(self, u: int) -> Small:
        """Positions, ascending, of all who may serve unit u as far as every rule but distance goes; locked
        people and forbidden pairs excluded."""
        if self._units.access[u] != Access.OPEN:
            return np.zeros(0, np.int32)
        part = slice(self.first[self.list_of[u]], self.first[self.list_of[u] + 1])
        return _passing(
            self.listed[part], self.until[part], self.flags, self.periods, int(self.end[u]),
            int(self.needs[u]), int(self.period_of[u]),
            self.barred[self.barred_first[u] : self.barred_first[u + 1]],
        )  # fmt: skip

    def _postings(self) -> Ints:
        """Per unit its list, new ones found and put after those there are: `first` row of each list, the
        positions `listed`, ascending, and `until` which minute the proof of skill holds."""
        units, width = self._units, self._units.need_skill.shape[1]
        asks = np.concatenate([units.need_skill, units.need_level], axis=1)
        readings, list_of = np.unique(asks, axis=0, return_inverse=True)
        lists, minutes, holders = [self.listed], [self.until], dict[int, Ints]()
        numbers = []
        for asked in readings.tolist():
            needs = tuple((k, n) for k, n in zip(asked[:width], asked[width:], strict=True) if k >= 0)
            if needs not in self._lists:
                self._lists[needs] = len(self._lists)
                positions, until = self._holders(needs, holders)
                lists.append(positions)
                minutes.append(until)
                self.first = np.append(self.first, self.first[-1] + len(positions))
            numbers.append(self._lists[needs])
        if len(lists) > 1:
            self.listed = np.concatenate(lists)
            lists.clear()  # before the next are joined: they hold most of a city several times
            self.until = np.concatenate(minutes)
        return np.array(numbers, dtype=np.int64)[list_of.ravel()]

    def _holders(self, needs: tuple[tuple[int, int], ...], holders: dict[int, Ints]) -> tuple[Small, Small]:
        """Positions, ascending, of all who hold the skills, and the minute they can prove it until.
        `holders` remembers who holds the skill asked about last: the same comes several times in a row."""
        people = self._problem.people
        if not needs:
            everybody = np.arange(len(self._order), dtype=np.int32)
            return everybody, np.full(len(everybody), MOST_MINUTES, np.int32)
        k = needs[0][0]
        if k not in holders:
            holders.clear()
            holders[k] = np.flatnonzero(people.levels[:, k][self._order])
        positions = holders[k]
        for k, level in needs:
            positions = positions[people.levels[self._order[positions], k] >= level]
        rows = self._order[positions]
        until = np.min([people.cert_until[rows, k] for k, _ in needs], axis=0)
        return positions.astype(np.int32), until

    def _periods(self) -> Ints:
        """Per unit its period: the number of a bit in `periods` that says whether a person's time allows it.
        Rules this file does not know by name are asked here, so that a new one is never forgotten."""
        units = self._units
        others = [code for code in READS if code not in (*POSTED, *TIMED, *FLAGS)]
        columns = dict.fromkeys(column for code in (*TIMED, *others) for column in READS[code])
        asks = np.column_stack([getattr(units, column) for column in columns]).astype(np.int64)
        readings, sample, period_of = np.unique(asks, axis=0, return_index=True, return_inverse=True)
        passed = np.empty(len(self._order), np.bool_)
        numbers = []
        for asked, u in zip(map(tuple, readings.tolist()), sample.tolist(), strict=True):
            if asked not in self._bits:
                bit = self._bits[asked] = len(self._bits)
                in_time(self._problem, int(units.start[u]), int(units.end[u]), passed)
                for code in others:
                    passed &= RULES[code](self._problem, units, slice(None), u)
                if bit >> 3 == self.periods.shape[1]:
                    self.periods = np.pad(self.periods, ((0, 0), (0, 1)))
                self.periods[:, bit >> 3] |= (passed[self._order] << (bit & 7)).astype(np.uint8)
            numbers.append(self._bits[asked])
        return np.array(numbers, dtype=np.int64)[period_of.ravel()]

    def _flags(self) -> Flags:
        flags = np.full(len(self._order), UNDECIDED, np.uint16)
        flags[self._problem.locked.person] = 0
        for bit, column in enumerate(FLAGS.values()):
            flags |= (getattr(self._problem.people, column).astype(np.uint16) << bit).astype(np.uint16)
        return flags[self._order]

    def _barred(self) -> tuple[Ints, Ints]:
        """Positions no unit may have, in CSR form by unit, ascending."""
        pairs = self._problem.forbidden
        by_slot = np.lexsort((self.position[pairs.person], pairs.slot))
        slot, position = pairs.slot[by_slot], self.position[pairs.person[by_slot]]
        low = np.searchsorted(slot, self._units.slot)
        count = np.searchsorted(slot, self._units.slot, side="right") - low
        first = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
        within = np.arange(first[-1]) - np.repeat(first[:-1], count)
        return first, position[np.repeat(low, count) + within].astype(np.int64)


def in_time(problem: Problem, start: int, end: int, out: Bools) -> None:
    """out[v]: the rules of TIMED for everybody and one period, compiled."""
    people, limits = problem.people, problem.limits
    free, busy = _intervals(people.free), _intervals(people.busy)
    _in_time(
        start, end, limits.min_rest_min, limits.max_minutes_24h, *free, *busy,
        people.rest_since, people.minutes_24h, out,
    )  # fmt: skip


def _intervals(intervals: Intervals) -> tuple[Ints, Ints, Ints]:
    return intervals.first, intervals.start, intervals.end


@compiled
def _in_time(
    start: int, end: int, pause: int, most: int,
    free_first: Ints, free_start: Ints, free_end: Ints, busy_first: Ints, busy_start: Ints, busy_end: Ints,
    rest_since: Ints, minutes_24h: Ints, out: Bools,
) -> None:  # fmt: skip
    day = end - 1440
    for v in range(len(out)):
        covered = False
        for i in range(free_first[v], free_first[v + 1]):
            covered = covered or (free_start[i] <= start and free_end[i] >= end)
        clear = start - rest_since[v] >= pause
        minutes = end - start + (minutes_24h[v] if day < 0 else 0)
        for i in range(busy_first[v], busy_first[v + 1]):
            since, until = busy_start[i], busy_end[i]
            # An overlapping duty is nearer than the pause, so one comparison serves both rules.
            clear = clear and not (since < end + pause and until > start - pause)
            clear = clear and not (since < end and until > start)
            minutes += max(0, min(until, end) - max(since, day))
        out[v] = covered and clear and minutes <= most


@compiled
def _passing(
    listed: Small, until: Small, flags: Flags, periods: Bytes, end: int, needs: int, period: int, barred: Ints
) -> Small:
    byte, bit = period >> 3, period & 7
    passing, count = np.empty(len(listed), np.int32), 0
    for i in range(len(listed)):
        p = listed[i]
        if until[i] < end or flags[p] & needs != needs or not periods[p, byte] >> bit & 1:
            continue
        if len(barred) > 0:
            at = np.searchsorted(barred, p)
            if at < len(barred) and barred[at] == p:
                continue
        passing[count] = p
        count += 1
    return passing[:count].copy()
