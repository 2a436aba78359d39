"""A roster as integer programme: variables and rows collected rule by rule, then sparse arrays.

Variables 0..N-1 say which pairs are chosen. `head` names for each pair the variable that counts the heads it
fills: the pair itself for a person, another integer variable for an organisation. Two objectives, one per
level of the goal.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csr_array

from volunteer_hub.engine.problem import MAX_PRIORITY, Bools, Floats, Ints
from volunteer_hub.engine.roster.goal import Goal

INFINITE = float("inf")


@dataclass(frozen=True)
class Program:
    """minimise objective . x, lower <= x <= upper, row_lower <= matrix x <= row_upper, some x integer."""

    matrix: csr_array
    row_lower: Floats
    row_upper: Floats
    lower: Floats
    upper: Floats
    integer: Bools
    level_1: Floats
    level_2: Floats


@dataclass
class Model:
    """What rules add to. Groups of rows come as CSR: `first` and the members' columns and coefficients."""

    goal: Goal
    head: Ints = field(init=False)
    short_minimum: Ints = field(init=False)  # [S] variables: open heads below the minimum
    short_target: Ints = field(init=False)  # [S] variables: further open heads
    called: Ints = field(init=False)  # [P] variable: the person serves at all; -1 where it does not matter

    def __post_init__(self) -> None:
        roster = self.goal.roster
        duties = roster.duties
        self._lower: list[Floats] = []
        self._upper: list[Floats] = []
        self._integer: list[Bools] = []
        self._level_1: list[Floats] = []
        self._level_2: list[Floats] = []
        self._columns = 0
        self._rows = 0
        self._entries: list[tuple[Ints, Ints, Floats]] = []
        self._row_bounds: list[tuple[Floats, Floats]] = []
        self._open: Ints | None = None
        self.head = self.variables(np.ones(len(roster.pairs)), level_2=roster.pairs.cost)
        rank = duties.priority
        self.short_minimum = self.variables(duties.minimum, level_1=rank + MAX_PRIORITY, integer=False)
        self.short_target = self.variables(duties.target - duties.minimum, level_1=rank, integer=False)
        self.called = np.full(len(roster.crew), -1)

    def variables(
        self,
        upper: Ints | Floats,
        *,
        level_1: Ints | Floats | float = 0.0,
        level_2: Ints | Floats | float = 0.0,
        integer: bool = True,
    ) -> Ints:
        """New variables from 0 to upper; their numbers."""
        count = len(upper)
        self._lower.append(np.zeros(count))
        self._upper.append(np.asarray(upper, dtype=np.float64))
        self._integer.append(np.full(count, integer))
        self._level_1.append(np.broadcast_to(np.asarray(level_1, dtype=np.float64), (count,)))
        self._level_2.append(np.broadcast_to(np.asarray(level_2, dtype=np.float64), (count,)))
        self._columns += count
        return np.arange(self._columns - count, self._columns)

    def rows(self, count: int, lower: Ints | Floats | float, upper: Ints | Floats | float) -> Ints:
        """New rows with their bounds, empty so far; their numbers."""
        low = np.array(np.broadcast_to(np.asarray(lower, dtype=np.float64), (count,)))
        high = np.array(np.broadcast_to(np.asarray(upper, dtype=np.float64), (count,)))
        self._row_bounds.append((low, high))
        self._rows += count
        return np.arange(self._rows - count, self._rows)

    def put(self, row: Ints, column: Ints, coefficient: Ints | Floats | float) -> None:
        """Entries of the matrix; several for one place add up."""
        row, column = np.broadcast_arrays(np.asarray(row), np.asarray(column))
        value = np.broadcast_to(np.asarray(coefficient, dtype=np.float64), row.shape)
        self._entries.append((row.ravel(), column.ravel(), value.ravel()))

    def row(self, columns: Ints, coefficients: Ints | Floats | float, lower: float, upper: float) -> int:
        """One row with its entries."""
        (number,) = self.rows(1, lower, upper).tolist()
        self.put(np.full(len(columns), number), columns, coefficients)
        return int(number)

    def forbid(self, pairs: Ints) -> None:
        """These pairs are never chosen."""
        self._upper[0] = self._upper[0].copy()
        self._upper[0][pairs] = 0.0

    @property
    def staffed(self) -> Ints:
        """[S] variables: 1 where anybody serves. Made when a rule first asks."""
        if self._open is None:
            roster = self.goal.roster
            duties, pairs = roster.duties, roster.pairs
            self._open = self.variables(np.ones(len(duties)))
            most = self.rows(len(duties), -INFINITE, 0.0)  # heads <= target x staffed
            self.put(most[pairs.slot], self.head, 1.0)
            self.put(most, self._open, -duties.target)
            least = self.rows(len(duties), 0.0, INFINITE)  # heads >= staffed
            self.put(least[pairs.slot], self.head, 1.0)
            self.put(least, self._open, -1.0)
        return self._open

    def program(self) -> Program:
        rows, columns, values = (np.concatenate(part) for part in zip(*self._entries, strict=True))
        matrix = csr_array((values, (rows, columns)), shape=(self._rows, self._columns))
        return Program(
            matrix=matrix,
            row_lower=np.concatenate([low for low, _ in self._row_bounds]),
            row_upper=np.concatenate([high for _, high in self._row_bounds]),
            lower=np.concatenate(self._lower),
            upper=np.concatenate(self._upper),
            integer=np.concatenate(self._integer),
            level_1=np.concatenate(self._level_1),
            level_2=np.concatenate(self._level_2),
        )
