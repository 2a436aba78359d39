"""Whole columns of the database as arrays, and back: a few set-based statements, no object per row.

Each column comes as one array in PostgreSQL's binary format, which numpy reads as it stands: 20 bytes of
header, then for each value its length and the value. COPY BINARY sends the same bytes, but each row as a
message of its own, which takes Python longer than the server takes to make it (docs/benchmarks/pool.md).
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, LiteralString

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from volunteer_hub.core.db import Tx

SENT: Final = {"i8": "int8", "f8": "float8", "i4": "int4", "f4": "float4", "i2": "int2"}
"""What a column is sent as, by the kind of its array."""
_HEADER_BYTES: Final = 20
_COPY_HEAD: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_END: Final = b"\xff\xff"
_CHUNK: Final = 65_536  # rows sent at a time


def fetch(tx: Tx, query: sql.Composable) -> Any:
    """The one row of a query, in the binary format."""
    connection: Any = tx.connection().connection.driver_connection
    with connection.cursor(binary=True) as cursor:
        return cursor.execute(query).fetchone()


def array(data: bytes | None, kind: str) -> NDArray[Any]:
    """The values of an array as `array_send` writes it; no rows make no array at all."""
    wire = np.dtype([("length", ">i4"), ("value", f">{kind}")])
    values = np.frombuffer(data or b"", wire, offset=_HEADER_BYTES if data else 0)["value"]
    return values.astype(kind)


def columns(tx: Tx, kinds: Mapping[str, str], query: sql.Composable) -> dict[str, NDArray[Any]]:
    """The columns of a query by name, as ``kinds`` has them; none of the values may be null."""
    wanted = sql.SQL(", ").join(
        sql.SQL("array_send(array_agg({}::{}))").format(sql.Identifier(name), sql.SQL(_sent(kind)))
        for name, kind in kinds.items()
    )
    row = fetch(tx, sql.SQL("SELECT {} FROM ({}) AS q").format(wanted, query))
    return {name: array(data, kind) for (name, kind), data in zip(kinds.items(), row, strict=True)}


def _sent(kind: str) -> LiteralString:
    name: LiteralString = SENT[kind]
    return name


def write(tx: Tx, table: str, values: Mapping[str, NDArray[Any]]) -> int:
    """Adds rows to a table by COPY BINARY, a column for each array; how many. Arrays are of kinds of `SENT`,
    and so are the table's columns."""
    names = list(values)
    rows = len(values[names[0]])
    head = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, names))
    )
    connection: Any = tx.connection().connection.driver_connection
    with connection.cursor() as cursor, cursor.copy(head) as copy:
        copy.write(_COPY_HEAD)
        for part in _wired(values, rows):
            copy.write(part)
        copy.write(_COPY_END)
    return rows


def _wired(values: Mapping[str, NDArray[Any]], rows: int) -> Iterator[bytes]:
    kinds = {name: array.dtype.str[1:] for name, array in values.items()}
    fields = [("fields", ">i2")]
    for name, kind in kinds.items():
        fields += [(f"{name} length", ">i4"), (name, f">{kind}")]
    for start in range(0, rows, _CHUNK):
        part = np.empty(min(_CHUNK, rows - start), np.dtype(fields))
        part["fields"] = len(values)
        for name, array in values.items():
            part[f"{name} length"] = array.dtype.itemsize
            part[name] = array[start : start + _CHUNK]
        yield part.tobytes()
