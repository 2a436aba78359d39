"""Many rows as one short statement with a parameter for each column, not for each value.

With a parameter for each value the driver takes longer to read the statement than the database to carry it
out, and a statement takes 65,535 of them at most.
"""

import gc
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from types import NoneType
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Dialect,
    Select,
    Text,
    TypeDecorator,
    any_,
    cast,
    column,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, Range
from sqlalchemy.sql.elements import Grouping
from sqlalchemy.types import TypeEngine
from sqlmodel import SQLModel

Row = Mapping[str, Any]
BATCH: Final = 1_000
"""Rows of a statement: a line of the audit trail names as many ids."""


@contextmanager
def uncollected() -> Iterator[None]:
    """While hundreds of thousands of objects are made that hold no cycle, nobody looks for cycles among them
    again and again, which takes a third of the time."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def among(key: Any, values: Collection[Any], kind: type[TypeEngine[Any]] = BigInteger) -> ColumnElement[bool]:
    """Whether an id, or a value of another kind, is one of many."""
    found: ColumnElement[bool] = key == any_(array(values, kind))
    return found


def array(values: Collection[Any], kind: type[TypeEngine[Any]]) -> BindParameter[Any]:
    """Values as one parameter. Written out here: the driver asks of each value again how to write it."""
    return literal(values, _Array(kind))


class _Array(TypeDecorator[Any]):
    impl = ARRAY
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        del dialect
        return written


def written(values: Collection[Any]) -> str:
    """Values as PostgreSQL reads an array from text: numbers, words, moments, UUIDs, bytes, None."""
    return f"{{{','.join(map(_element, values))}}}"


def _element(value: Any) -> str:
    match value:
        case None:
            return "NULL"
        case int():
            return str(value)
        case bytes():
            return f'"\\\\x{value.hex()}"'
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def batches(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """The rows, so many at a time."""
    return (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))


def select_rows(model: type[SQLModel], rows: Sequence[Row]) -> Select[Any]:
    """Rows of a table as a query, for ``insert(model).from_select(list(rows[0]), ...)``.

    All have the same columns. Ids that the database draws ascend in the order of the rows.
    """
    table = model.__table__  # type: ignore[attr-defined]  # SQLModel does not declare __table__
    names, known = list(rows[0]), dict[int, int | str | None]()
    columns = {
        name: _Column(name, _plainly([row[name] for row in rows], known), whole=name == names[0])
        for name in names
    }
    sent = [one for one in columns.values() if one.sent]
    given = (
        func.unnest(*[array(one.sent, one.type) for one in sent])
        .table_valued(*[column(one.name) for one in sent], with_ordinality="n", name="given")
        .render_derived()
    )
    values = [cast(columns[name].value(given), table.c[name].type).label(name) for name in names]
    query: Select[Any] = select(*values).order_by(given.c.n)
    return query


class _Column:
    """The values of a column as they are sent: one where all are alike, unless the column is to be sent
    ``whole``; and where many are, each once with their numbers, since the driver goes through every text."""

    def __init__(self, name: str, values: list[int | str | None], *, whole: bool) -> None:
        self.name, self.distinct = name, list(dict.fromkeys(values))
        texts = not any(isinstance(value, int) for value in self.distinct)
        self._numbered = texts and 1 < len(self.distinct) <= len(values) // 4
        self._kind = Text if texts else BigInteger
        self.type = BigInteger if self._numbered else self._kind
        self.sent: list[int | str | None] = values if whole or len(self.distinct) > 1 else []
        if self._numbered:
            number = {value: n for n, value in enumerate(self.distinct, start=1)}
            self.sent = [number[value] for value in values]

    def value(self, given: Any) -> ColumnElement[Any]:
        if self._numbered:
            # Bare, the number would be read as part of the parameter's type.
            return Grouping(array(self.distinct, self._kind))[given.c[self.name]]
        return given.c[self.name] if self.sent else literal(self.distinct[0], self._kind())


def _plainly(values: list[Any], known: dict[int, int | str | None]) -> list[int | str | None]:
    """A column as it is sent. ``known`` remembers, by identity, what was written out: rows share values."""
    if set(map(type, values)) <= {int, str, NoneType}:
        return values
    for value in values:
        if id(value) not in known:
            known[id(value)] = _plain(value)
    return [known[id(value)] for value in values]


def _plain(value: Any) -> int | str | None:
    """A value as a number or as PostgreSQL reads it from text."""
    match value:
        case bool():
            plain = "true" if value else "false"
        case None | int():
            return value
        case str():
            plain = str(value)  # an enumeration's member too
        case dict() | list():
            plain = json.dumps(value, ensure_ascii=False)
        case float():
            plain = repr(value)
        case date():  # a moment too
            plain = value.isoformat()
        case UUID():
            plain = value.hex
        case bytes():
            plain = f"\\x{value.hex()}"
        case Range(lower=datetime() as lower, upper=datetime() as upper):
            plain = f"{value.bounds[0]}{lower.isoformat()},{upper.isoformat()}{value.bounds[1]}"
        case _:
            raise TypeError(f"a {type(value).__name__} is not written in bulk")
    return plain
