"""The pool as packed columns, and how a change of some people is worked into them.

Nothing here depends on the day or on who asks: that is `people.Pool`. A skill that somebody holds is one
number, id x 4096 + skill x 4 + level, so that everything of one person stands together.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Columns = Mapping[str, NDArray[Any]]
ID_SHIFT: Final = 12
SKILL_SHIFT: Final = 2
MOST_SKILLS: Final = 1 << (ID_SHIFT - SKILL_SHIFT)
LEVELS: Final = (1 << SKILL_SHIFT) - 1

TABLES: Final[Mapping[str, Mapping[str, str]]] = {
    "people": {
        "id": "i8",
        "area": "i4",  # jurisdictions.id of the home
        "lat": "f8",  # NaN where only the home's jurisdiction is known
        "lon": "f8",
        "max_km": "f8",  # inf where none was given
        "birthday": "i4",  # days as date.toordinal(); FOREVER where unknown
        "insured_until": "i4",  # 0 where not insured
        "since": "i4",  # may be called from this day on: 0, or the day after a pause
        "bits": "i4",  # weekly pattern, means of travel, fit, pledged: see `reading.BITS`
    },
    "claims": {"key": "i8"},
    "papers": {"key": "i8", "until": "i4"},  # the last day of the best certification for a skill
    "pledges": {"key": "i8"},
}
"""Table -> column -> kind. The first column of each is what it is sorted by."""
HELD: Final = ("claims", "papers")
"""Tables of what people hold, read apart from themselves."""


@dataclass(frozen=True)
class BySkill:
    """Positions in a table of keys, those of one skill together: rows first[skill] : first[skill + 1]."""

    positions: NDArray[np.int32]
    first: Ints

    @classmethod
    def of(cls, key: Ints) -> "BySkill":
        """The keys' positions, ascending in each skill."""
        skill = (key >> SKILL_SHIFT & MOST_SKILLS - 1).astype(np.uint16)
        first = np.concatenate([[0], np.cumsum(np.bincount(skill, minlength=MOST_SKILLS))])
        return cls(np.argsort(skill, kind="stable").astype(np.int32), first)


@dataclass(frozen=True)
class Rows:
    """Everybody who is in the pool, called today or paused, by id; ``tables`` as in TABLES."""

    tables: Mapping[str, Columns]
    groups: dict[str, BySkill] = field(default_factory=dict, repr=False, compare=False)
    """By table, once somebody asked; a change that leaves the table's keys leaves them too."""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def ids(self) -> Ints:
        """Who they are, ascending."""
        ids: Ints = self.tables["people"]["id"]
        return ids

    @property
    def holders(self) -> Ints:
        """Whose skills and papers there are, ascending."""
        return np.unique(np.concatenate([self.tables[table]["key"] >> ID_SHIFT for table in HELD]))

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the columns and groups take."""
        columns = sum(column.nbytes for table in self.tables.values() for column in table.values())
        return columns + sum(group.positions.nbytes + group.first.nbytes for group in self.groups.values())

    def of_skill(self, table: str, skill: int) -> NDArray[np.int32]:
        """Positions in the table of the rows of a skill, ascending."""
        group = self.groups.get(table)
        if group is None:
            group = self.groups[table] = BySkill.of(self.tables[table]["key"])
        return group.positions[group.first[skill] : group.first[skill + 1]]

    def same(self, other: "Rows") -> bool:
        """Whether both hold exactly the same."""
        return all(
            np.array_equal(column, other.tables[table][name], equal_nan=column.dtype.kind == "f")
            for table, columns in self.tables.items()
            for name, column in columns.items()
        )


def empty() -> Rows:
    """Nobody."""
    return Rows(
        {table: {name: np.zeros(0, kind) for name, kind in kinds.items()} for table, kinds in TABLES.items()}
    )


def sorted_rows(tables: Mapping[str, Columns]) -> Rows:
    """Columns in any order, brought into that of their first one."""
    result = {}
    for table, kinds in TABLES.items():
        columns = tables[table]
        key = columns[next(iter(kinds))]
        if len(key) > 1 and not (key[1:] > key[:-1]).all():
            order = np.argsort(key, kind="stable")
            columns = {name: column[order] for name, column in columns.items()}
        result[table] = columns
    return Rows(result)


def joined(parts: Sequence[Rows]) -> Rows:
    """Parts whose ids do not overlap, as one. Nothing is copied where there is only one."""
    filled = [part for part in parts if len(part)]
    if len(filled) < 2:
        return filled[0] if filled else empty()
    return sorted_rows(
        {
            table: {name: np.concatenate([part.tables[table][name] for part in filled]) for name in kinds}
            for table, kinds in TABLES.items()
        }
    )


def within(rows: Rows, areas: Iterable[int]) -> Rows:
    """Those whose home is one of these jurisdictions."""
    inside = np.isin(rows.tables["people"]["area"], np.fromiter(areas, np.int32))
    return rows if inside.all() else _without(rows, rows.ids[~inside])


def changed(rows: Rows, ids: Ints, new: Rows, holders: Ints | None = None) -> Rows:
    """The rows after the people of ``ids`` (ascending) have become what ``new`` holds of them, or have gone.

    ``new`` holds nobody else. Skills and papers change of ``holders`` (ascending) alone, where given. The
    given rows stay as they are; columns that did not change are shared.
    """
    if not len(ids):
        return rows
    result: dict[str, Columns] = {}
    for table, kinds in TABLES.items():
        old, fresh = rows.tables[table], new.tables[table]
        name = next(iter(kinds))
        whose = holders if holders is not None and table in HELD else ids
        first, last = _stretches(table, old[name], whose)
        counts = last - first
        source = np.repeat(first, counts) + _within(counts)
        if len(source) == len(fresh[name]) and np.array_equal(old[name][source], fresh[name]):
            result[table] = {n: _overwritten(old[n], source, fresh[n]) for n in kinds}
        else:
            result[table] = _spliced(old, source, fresh, name)
    same = {t: group for t, group in rows.groups.items() if result[t]["key"] is rows.tables[t]["key"]}
    return Rows(result, same)


def _without(rows: Rows, ids: Ints) -> Rows:
    return changed(rows, ids, empty())


def _stretches(table: str, key: Ints, ids: Ints) -> tuple[Ints, Ints]:
    """First and last + 1 position of each person's rows."""
    low, high = (ids, ids + 1) if table == "people" else (ids << ID_SHIFT, (ids + 1) << ID_SHIFT)
    return np.searchsorted(key, low), np.searchsorted(key, high)


def _within(counts: Ints) -> Ints:
    """0, 1, ... within each of the stretches."""
    return np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)


def _overwritten(column: NDArray[Any], at: Ints, values: NDArray[Any]) -> NDArray[Any]:
    if np.array_equal(column[at], values, equal_nan=column.dtype.kind == "f"):
        return column
    copy = column.copy()
    copy[at] = values
    return copy


def _spliced(old: Columns, gone: Ints, fresh: Columns, key: str) -> Columns:
    """Rows at ``gone`` taken out, the fresh ones put in at their places."""
    stay = np.ones(len(old[key]), np.bool_)
    stay[gone] = False
    kept = {name: column[stay] for name, column in old.items()}
    place = np.searchsorted(kept[key], fresh[key])
    return {name: np.insert(column, place, fresh[name]) for name, column in kept.items()}
