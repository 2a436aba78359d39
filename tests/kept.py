"""What many tests begin with: built by the program itself, and from the second time on put back as its rows.

Only in the database that rolled-back tests share, where nothing was written before and where the moment, the
settings and the policy files are the same, so that a test sees what it would have built. It costs a tenth.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Final, TypeVar

from psycopg import sql
from sqlalchemy import text
from sqlmodel import SQLModel

from volunteer_hub.core import clock, versions
from volunteer_hub.core import policy as policies
from volunteer_hub.core.db import Tx

T = TypeVar("T")
R = TypeVar("R")
Key = tuple[Any, ...]

_NOTHING_YET: Final = text(
    "SELECT pg_current_xact_id_if_assigned() IS NULL AND NOT EXISTS (SELECT FROM jurisdictions)"
)


@dataclass(frozen=True)
class _Kept:
    """``rows``: a table's, as COPY writes them, in the order of the foreign keys. ``names``: what the test is
    told of them."""

    rows: dict[str, bytes]
    names: Any


class _State:
    """Whether the test runs in the shared database, and what was kept of it."""

    shared = False
    kept: ClassVar[dict[Key, _Kept]] = {}


@contextmanager
def shared() -> Iterator[None]:
    """Within the block the test's transactions are undone in the shared database."""
    _State.shared = True
    try:
        yield
    finally:
        _State.shared = False


def once(tx: Tx, key: Key, build: Callable[[], T], names: Callable[[T], R], read: Callable[[R], T]) -> T:
    """What ``build`` writes in an empty database, and returns.

    ``names``: ids and plain values by which ``read`` finds it again.
    """
    stands_still = clock.now() == tx.now  # then others will come at this moment
    if not (_State.shared and stands_still and tx.execute(_NOTHING_YET).scalar_one()):
        return build()
    key = (*key, tx.now, _settings(), policies.digest(versions.FILES))
    if key in _State.kept:
        _put_back(tx, _State.kept[key])
        found: T = read(_State.kept[key].names)
        return found
    built = build()
    tx.flush()
    _State.kept[key] = _Kept(_rows(tx), names(built))
    return built


def _settings() -> tuple[tuple[str, str], ...]:
    return tuple(
        sorted((k, v) for k, v in os.environ.items() if k.startswith("HUB_") and k != "HUB_DATABASE_URL")
    )


def _rows(tx: Tx) -> dict[str, bytes]:
    written = {}
    for table in SQLModel.metadata.sorted_tables:
        with _cursor(tx) as cursor, cursor.copy(_statement("COPY {} TO STDOUT", table.fullname)) as copy:
            rows = b"".join(bytes(block) for block in copy)
        if rows:
            written[table.fullname] = rows
    return written


def _put_back(tx: Tx, kept: _Kept) -> None:
    with _cursor(tx) as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # what triggers have made is there too
        for table, rows in kept.rows.items():
            with cursor.copy(_statement("COPY {} FROM STDIN", table)) as copy:
                copy.write(rows)
        cursor.execute("SET LOCAL session_replication_role = origin")


def _cursor(tx: Tx) -> Any:
    driver: Any = tx.connection().connection.driver_connection
    return driver.cursor()


def _statement(words: str, table: str) -> sql.Composed:
    return sql.SQL(words).format(sql.Identifier(*table.split(".")))
