"""What could be otherwise: each change is a frozen dataclass that makes a problem in which it is true.

Remedies and counterfactuals are made of these, so that whatever is claimed can be applied and solved again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np

from volunteer_hub.engine.arrays import Bools, Intervals, Ints
from volunteer_hub.engine.problem import People, Problem
from volunteer_hub.engine.travel import Matrix


class Change(Protocol):
    """Something about a problem that could be otherwise."""

    def apply(self, problem: Problem) -> Problem: ...


def apply(problem: Problem, changes: Iterable[Change]) -> Problem:
    """The problem in which all of them are true, made one after another."""
    for change in changes:
        problem = change.apply(problem)
    return problem


@dataclass(frozen=True)
class Qualify:
    """These people hold the skill at the level, proven until that minute: trained, or certified anew."""

    people: tuple[int, ...]
    skill: int
    level: int
    until: int

    def apply(self, problem: Problem) -> Problem:
        at, k = list(self.people), self.skill
        levels, until = problem.people.levels.copy(), problem.people.cert_until.copy()
        levels[at, k] = np.maximum(levels[at, k], self.level)
        until[at, k] = np.maximum(until[at, k], self.until)
        return _with(problem, levels=levels, cert_until=until)


@dataclass(frozen=True)
class Grant:
    """These people are of age, insured, declared fit, or go out at night."""

    people: tuple[int, ...]
    what: Literal["adult", "insured", "fit", "night_travel"]

    def apply(self, problem: Problem) -> Problem:
        column: Bools = getattr(problem.people, self.what).copy()
        column[list(self.people)] = True
        return _with(problem, **{self.what: column})


@dataclass(frozen=True)
class Free:
    """These people are available from `start` to `end` too."""

    people: tuple[int, ...]
    start: int
    end: int

    def apply(self, problem: Problem) -> Problem:
        free, more = problem.people.free, len(self.people)
        who = np.concatenate([_owners(free), np.array(self.people, dtype=np.int64)])
        start = np.append(free.start, np.full(more, self.start))
        end = np.append(free.end, np.full(more, self.end))
        return _with(problem, free=Intervals.of(len(problem.people), who, start, end))


@dataclass(frozen=True)
class Spare:
    """These people have no duty between `start` and `end`, and none that ended in it."""

    people: tuple[int, ...]
    start: int
    end: int

    def apply(self, problem: Problem) -> Problem:
        people = problem.people
        since = people.rest_since.copy()
        since[list(self.people)] = np.minimum(since[list(self.people)], self.start)
        who, start, end = _owners(people.busy), people.busy.start, people.busy.end
        cut = np.isin(who, self.people) & (start < self.end) & (end > self.start)
        before, after = cut & (start < self.start), cut & (end > self.end)
        busy = Intervals.of(
            len(people),
            np.concatenate([who[~cut], who[before], who[after]]),
            np.concatenate([start[~cut], start[before], np.full(int(after.sum()), self.end)]),
            np.concatenate([end[~cut], np.full(int(before.sum()), self.start), end[after]]),
        )
        return _with(problem, busy=busy, rest_since=since)


@dataclass(frozen=True)
class Worked:
    """These people served so many minutes less in the 24 hours before the epoch."""

    people: tuple[int, ...]
    less: int

    def apply(self, problem: Problem) -> Problem:
        minutes = problem.people.minutes_24h.copy()
        minutes[list(self.people)] = np.maximum(minutes[list(self.people)] - self.less, 0)
        return _with(problem, minutes_24h=minutes)


@dataclass(frozen=True)
class Reach:
    """These people come, and the slot calls, from as far as `km`, as the crow flies."""

    people: tuple[int, ...]
    slot: int
    km: float

    def apply(self, problem: Problem) -> Problem:
        people, slots, at = problem.people, problem.slots, list(self.people)
        own, called = people.max_km.copy(), slots.max_km.copy()
        by_night = people.reach_km[1].copy()
        own[at] = np.maximum(own[at], self.km)
        if slots.night[self.slot]:
            by_night[at] = np.maximum(by_night[at], self.km)
        called[self.slot] = max(called[self.slot], self.km)
        changed = _with(problem, max_km=own, night_km=by_night)
        return replace(changed, slots=replace(slots, max_km=called))


@dataclass(frozen=True)
class Burden:
    """These people are so much more tired; less, where `tenths` (0.1 minutes) is negative."""

    people: tuple[int, ...]
    tenths: int

    def apply(self, problem: Problem) -> Problem:
        fatigue = problem.people.fatigue.copy()
        fatigue[list(self.people)] = np.maximum(fatigue[list(self.people)] + self.tenths, 0)
        return _with(problem, fatigue=fatigue)


@dataclass(frozen=True)
class Start:
    """These slots begin and end so many minutes later; earlier, where negative."""

    slots: tuple[int, ...]
    minutes: int

    def apply(self, problem: Problem) -> Problem:
        start, end = problem.slots.start.copy(), problem.slots.end.copy()
        start[list(self.slots)] += self.minutes
        end[list(self.slots)] += self.minutes
        return replace(problem, slots=replace(problem.slots, start=start, end=end))


@dataclass(frozen=True)
class Borrow:
    """People of another pool may be chosen too; their rows follow the others. `zone`: their rows of measured
    travel times, where the problem has such."""

    group: str
    people: People
    zone: Ints | None = None

    def apply(self, problem: Problem) -> Problem:
        travel = problem.travel
        if travel is not None and self.zone is not None:
            travel = Matrix(np.append(travel.zone, self.zone), travel.tenths)
        return replace(problem, people=_joined(problem.people, self.people), travel=travel)


def some(people: People, rows: Ints) -> People:
    """The people of these rows."""
    columns = {name: getattr(people, name)[rows] for name in _COLUMNS}
    return People(**columns, free=_chosen(people.free, rows), busy=_chosen(people.busy, rows))


_COLUMNS = tuple(name for name in People.__dataclass_fields__ if name not in ("free", "busy"))


def _joined(first: People, second: People) -> People:
    columns = {name: np.concatenate([getattr(first, name), getattr(second, name)]) for name in _COLUMNS}
    return People(**columns, free=_chained(first.free, second.free), busy=_chained(first.busy, second.busy))


def _chained(one: Intervals, other: Intervals) -> Intervals:
    return Intervals(
        np.append(one.first, one.first[-1] + other.first[1:]),
        np.append(one.start, other.start),
        np.append(one.end, other.end),
    )


def _chosen(intervals: Intervals, rows: Ints) -> Intervals:
    counts = np.diff(intervals.first)[rows]
    at = np.repeat(intervals.first[rows] - np.cumsum(counts) + counts, counts) + np.arange(int(counts.sum()))
    return Intervals(np.append(0, np.cumsum(counts)), intervals.start[at], intervals.end[at])


def _owners(intervals: Intervals) -> Ints:
    return np.repeat(np.arange(len(intervals.first) - 1), np.diff(intervals.first))


def _with(problem: Problem, **columns: object) -> Problem:
    return replace(problem, people=replace(problem.people, **columns))  # type: ignore[arg-type]  # by name
