"""Arrays the engine reads, checked when they are stored, and what is said when they are wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Levels = npt.NDArray[np.int8]
Minutes = npt.NDArray[np.int32]  # where there is one for each person and skill: half the memory
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

FOREVER = 1 << 30  # minutes, two thousand years; a certificate that never expires
LONG_AGO = -(1 << 30)


class ProblemError(ValueError):
    """Input that cannot be planned. `code` says what is wrong, `where` the array, `index` the row."""

    def __init__(self, code: str, where: str, index: int | None = None) -> None:
        super().__init__(f"{code}: {where}" + ("" if index is None else f"[{index}]"))
        self.code, self.where, self.index = code, where, index


def refuse(bad: Bools, code: str, where: str) -> None:
    """Raises ProblemError naming the first bad row of an array."""
    if bad.any():
        rows = bad.any(axis=1) if bad.ndim > 1 else bad
        raise ProblemError(code, where, int(np.flatnonzero(rows)[0]))


def store(owner: object, prefix: str, kinds: Mapping[str, Any], shape: tuple[int, ...]) -> None:
    """Convert the named fields to read-only arrays of their kind; refuse other shapes and NaN."""
    for name, kind in kinds.items():
        raw = np.asarray(getattr(owner, name))
        if raw.shape != shape:
            raise ProblemError("shape", f"{prefix}.{name}")
        if raw.dtype.kind == "f":
            refuse(~np.isfinite(raw), "not_a_number", f"{prefix}.{name}")
        # Matrices column-major: rules and the search read one skill of everybody at a time.
        array: npt.NDArray[Any] = np.asarray(raw, dtype=kind, order="F").view()
        if array.dtype.kind == "i" and array.itemsize < raw.itemsize:
            refuse(array != raw, "out_of_range", f"{prefix}.{name}")
        array.flags.writeable = False
        object.__setattr__(owner, name, array)


@dataclass(frozen=True)
class Intervals:
    """Per person a sorted list of disjoint [start, end) minutes, in CSR form: rows first[v]:first[v + 1]."""

    first: Ints
    start: Ints
    end: Ints

    def __post_init__(self) -> None:
        for name in ("first", "start", "end"):  # columns of a table, say, are copied: see engine.compiled
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), dtype=np.int64))

    @classmethod
    def of(cls, people: int, person: npt.ArrayLike, start: npt.ArrayLike, end: npt.ArrayLike) -> Intervals:
        """Sort the rows (any order) and merge those that touch or overlap. Raises ProblemError("window")."""
        who, since, until = (np.asarray(a, dtype=np.int64) for a in (person, start, end))
        refuse(until <= since, "window", "intervals")
        refuse((who < 0) | (who >= people), "unknown_person", "intervals")
        order = np.lexsort((since, who))
        who, since, until = who[order], since[order], until[order]
        # Minutes shifted apart by person, so that one running maximum serves all of them.
        apart = who * (int(until.max(initial=0)) - int(since.min(initial=0)) + 2)
        latest = np.maximum.accumulate(until + apart)
        opens = np.append(True, (since + apart)[1:] > latest[:-1])[: len(who)]
        last = np.append(np.flatnonzero(opens)[1:] - 1, len(who) - 1)[: int(opens.sum())]
        counts = np.bincount(who[opens], minlength=people)
        first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return cls(first, since[opens], (latest - apart)[last])

    @classmethod
    def none(cls, people: int) -> Intervals:
        """Nobody has any."""
        empty = np.zeros(0, np.int64)
        return cls(np.zeros(people + 1, np.int64), empty, empty)

    @classmethod
    def always(cls, people: int) -> Intervals:
        """Everybody has all of time."""
        return cls(np.arange(people + 1), np.full(people, LONG_AGO), np.full(people, FOREVER))

    @cached_property
    def most(self) -> int:
        """The longest list of any one person."""
        return int(np.diff(self.first).max(initial=0))

    def check(self, people: int, where: str) -> None:
        """Raises ProblemError unless there is a list for each of `people`, sorted and merged."""
        if self.first.shape != (people + 1,) or self.start.shape != self.end.shape:
            raise ProblemError("shape", where)
        if self.first[0] != 0 or self.first[-1] != len(self.start) or (np.diff(self.first) < 0).any():
            raise ProblemError("shape", where)
        owner = np.repeat(np.arange(people), np.diff(self.first))
        late = self.end <= self.start
        if late.any():
            raise ProblemError("window", where, int(owner[np.flatnonzero(late)[0]]))
        unmerged = (self.start[1:] <= self.end[:-1]) & (owner[1:] == owner[:-1])
        if unmerged.any():
            raise ProblemError("unsorted_windows", where, int(owner[np.flatnonzero(unmerged)[0]]))
