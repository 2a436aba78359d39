"""Many rows as one short statement with one parameter, a JSON document.

With a parameter for each value the driver takes longer to read the statement than the database to carry it
out, and a statement takes 65,535 of them at most.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Select, Text, any_, cast, column, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, Range
from sqlmodel import SQLModel

Row = Mapping[str, Any]
BATCH: Final = 1_000
"""Rows of a statement: a line of the audit trail names as many ids."""


def among(key: Any, ids: Sequence[int]) -> ColumnElement[bool]:
    """Whether an id is one of many."""
    found: ColumnElement[bool] = key == any_(literal(list(ids), ARRAY(BigInteger)))
    return found


def batches(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """The rows, so many at a time."""
    return (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))


def select_rows(model: type[SQLModel], rows: Sequence[Row]) -> Select[Any]:
    """Rows of a table as a query, for ``insert(model).from_select(list(rows[0]), ...)``.

    All have the same columns. Ids that the database draws ascend in the order of the rows.
    """
    table = model.__table__  # type: ignore[attr-defined]
    names = list(rows[0])
    document = cast(literal(json.dumps(rows, default=_plain, ensure_ascii=False), Text), JSONB)
    given = (
        func.jsonb_to_recordset(document)
        .table_valued(*[column(name, table.c[name].type) for name in names], name="given")
        .render_derived(with_types=True)
    )
    query: Select[Any] = select(*[given.c[name] for name in names])
    return query


def _plain(value: Any) -> Any:
    """A value as PostgreSQL reads it from text."""
    match value:
        case datetime():
            return value.isoformat()
        case UUID():
            return str(value)
        case bytes():
            return f"\\x{value.hex()}"
        case Range(lower=datetime() as lower, upper=datetime() as upper):
            return f"{value.bounds[0]}{lower.isoformat()},{upper.isoformat()}{value.bounds[1]}"
    raise TypeError(f"a {type(value).__name__} is not written in bulk")
