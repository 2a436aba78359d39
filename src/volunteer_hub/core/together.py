"""Rows that one transaction changes many of: written by one statement a table, past the session's flush.

A flush sends as many statements as there are rows, and waits for the database wherever two rows in turn have
not changed in the same columns. What is written here has its lines in the trail all the same, each row under
the name of whoever changed it: `note` hands them to whoever keeps the trail.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import Table, and_, insert, update
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import SQLModel

from volunteer_hub.core import bulk
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx


@dataclass(frozen=True)
class Written:
    """A row written past the session: column -> (old, new). It was ``new``, or has been changed; ``actor``:
    by whom, None: by whoever acts in the transaction."""

    table: Table
    key: tuple[Any, ...]
    area: str | None
    new: bool
    pairs: Mapping[str, tuple[Any, Any]]
    actor: Actor | None = None


_KEEPERS: Final[list[Callable[[Tx, Sequence[Written]], None]]] = []


def keep(keeper: Callable[[Tx, Sequence[Written]], None]) -> None:
    """From now on this function is told of every row written here; naming it twice changes nothing."""
    if keeper not in _KEEPERS:
        _KEEPERS.append(keeper)


def note(tx: Tx, written: Sequence[Written]) -> None:
    """Hands what has been written to whoever keeps the trail, once for many tables: it costs a statement."""
    for keeper in _KEEPERS:
        keeper(tx, written)


def add(
    tx: Tx, model: type[SQLModel], rows: Sequence[bulk.Row], actors: Iterable[Actor | None]
) -> list[Written]:
    """Writes new rows, all of the same columns, whose ``id`` the database draws; ``actors``: one for each."""
    if not rows:
        return []
    table = _table(model)
    new = insert(table).from_select(list(rows[0]), bulk.select_rows(model, rows)).returning(table.c.id)
    ids = sorted(tx.connection().execute(new).scalars())
    return [
        Written(
            table,
            (key,),
            row.get("area"),
            True,
            {name: (None, value) for name, value in [("id", key), *row.items()] if value is not None},
            actor,
        )
        for key, row, actor in zip(ids, rows, actors, strict=True)
    ]


Row = TypeVar("Row", bound=SQLModel)


class Sheet(Generic[Row]):
    """Rows of a table as they were stored, with those columns (two or more) in which they may change."""

    def __init__(self, model: type[Row], names: Sequence[str], rows: Iterable[Row] = ()) -> None:
        self._model, self._names, self._read = model, names, attrgetter(*names)
        self._stored: dict[int, tuple[Row, tuple[Any, ...]]] = {}
        self.take(rows)

    def take(self, rows: Iterable[Row]) -> None:
        """Adds rows as they are stored now."""
        self._stored |= {id(row): (row, self._read(row)) for row in rows}

    def take_again(self) -> None:
        """All of them have been written by other means, or read again."""
        self.take([row for row, _ in self._stored.values()])

    def write(self, tx: Tx, actor: Callable[[Row], Actor | None]) -> list[Written]:
        """Writes those that have changed since they were taken; ``actor``: who changed a row."""
        changed = [
            (row, before, after)
            for row, before in self._stored.values()
            if (after := self._read(row)) != before
        ]
        if not changed:
            return []
        table = _table(self._model)
        keys = [column.name for column in table.primary_key]
        key_of = attrgetter(*keys)
        rows = [
            dict(zip(keys, _tuple(key_of(row)), strict=True)) | dict(zip(self._names, after, strict=True))
            for row, _, after in changed
        ]
        given = bulk.select_rows(self._model, rows).subquery("given")
        same = and_(*(table.c[key] == given.c[key] for key in keys))
        tx.connection().execute(
            update(table).where(same).values({name: given.c[name] for name in self._names})
        )
        found = []
        for row, before, after in changed:
            pairs = {
                name: (old, new)
                for name, old, new in zip(self._names, before, after, strict=True)
                if old != new
            }
            for name, (_, new) in pairs.items():
                set_committed_value(row, name, new)
            area = getattr(row, "area", None)
            found.append(Written(table, _tuple(key_of(row)), area, False, pairs, actor(row)))
        self.take(row for row, _, _ in changed)
        return found


def _tuple(key: Any) -> tuple[Any, ...]:
    return key if isinstance(key, tuple) else (key,)


def _table(model: type[SQLModel]) -> Table:
    table: Table = model.__table__  # type: ignore[attr-defined]  # SQLModel does not declare it
    return table
