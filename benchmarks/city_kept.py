"""The made-up city with millions of people, kept in a folder from one run to the next.

The first hundred thousand come in by the usual import. The others are copies made in the database, with
other numbers and addresses, homes within some two hundred metres, the same skills and papers.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, LiteralString
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from benchmarks import ground
from benchmarks.city_rows import city_of
from volunteer_hub.core import db, embedded
from volunteer_hub.migrations import runner

IMPORTED: Final = 100_000
CITY: Final = "/1/"  # its root, the first node of an empty database
_OTHER: Final[dict[str, dict[str, LiteralString]]] = {
    "volunteers": {
        "id": "id + %(shift)s",
        "public_id": "gen_random_uuid()",
        "external_id": "%(round)s || external_id",
        "phone": "NULL",
        "phone_hash": "NULL",
        "email": "%(round)s || email",
        "lat": "lat + 0.004 * random() - 0.002",
        "lon": "lon + 0.006 * random() - 0.003",
        "revision": "pg_current_xact_id()::text::bigint",
    },
    "contacts": {
        "id": "DEFAULT",
        "volunteer_id": "volunteer_id + %(shift)s",
        "address": "%(round)s || address",
    },
    "skill_claims": {"volunteer_id": "volunteer_id + %(shift)s"},
    "certifications": {
        "id": "DEFAULT",
        "public_id": "gen_random_uuid()",
        "volunteer_id": "volunteer_id + %(shift)s",
    },
}


@contextmanager
def city(people: int, folder: Path | None, **settings: str) -> Iterator[str]:
    """A database with the city, which this process is pointed at; its root's path.

    With a folder the city is built there once, and every run works on a copy of its own.
    """
    if folder is None:
        with ground.installation(**settings) as own, ground.database(embedded.start(own), "city") as address:
            _fill(address, people)
            yield CITY
        return
    with ground.installation(HUB_DATA_DIR=str(folder), **settings):
        server = embedded.start(folder)
        try:
            name = f"city_{people}"
            _make(server, name, people)
            with ground.database(server, f"{name}_run", name):
                runner.upgrade(db.engine())  # it may have been filled before the latest tables
                yield CITY
        finally:
            embedded.stop(folder)


def _make(server: str, name: str, people: int) -> None:
    """The database of that name, filled, when it is not there."""
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(f"{name}_run")))
        if admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None:
            return
        half = sql.Identifier(f"{name}_half")
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(half))
        admin.execute(sql.SQL("CREATE DATABASE {}").format(half))
        own = urlsplit(server)._replace(path=f"/{name}_half").geturl()
        ground.point(own)
        _fill(own, people)
        db.engine().dispose()
        admin.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(half, sql.Identifier(name)))


def _fill(address: str, people: int) -> None:
    started = time.perf_counter()
    runner.upgrade(db.engine())
    assert city_of(min(people, IMPORTED)) == CITY
    with psycopg.connect(address, autocommit=True) as database:
        for number in range(1, -(-people // IMPORTED)):
            _copies(database, number, min(IMPORTED, people - number * IMPORTED))
        highest = "SELECT setval(pg_get_serial_sequence('volunteers', 'id'), max(id)) FROM volunteers"
        database.execute(highest)
        database.execute("VACUUM ANALYZE")
        database.execute("CHECKPOINT")
    print(f"filled with {people:,} people in {time.perf_counter() - started:.0f} s")


def _copies(database: psycopg.Connection[Any], number: int, count: int) -> None:
    """Copies of the first ``count`` people; keys are right by construction, triggers would only say so."""
    values = {"shift": number * IMPORTED, "round": f"{number}-", "count": count}
    with database.transaction():
        database.execute("SET LOCAL session_replication_role = replica")
        for table, others in _OTHER.items():
            found = database.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table]
            ).fetchall()
            names = [name for (name,) in found if others.get(name) != "DEFAULT"]
            mine = sql.SQL(", ").join(
                sql.SQL(others[name]) if name in others else sql.Identifier(name) for name in names
            )
            owner = "id" if table == "volunteers" else "volunteer_id"
            database.execute(
                sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} WHERE {} <= %(count)s").format(
                    sql.Identifier(table),
                    sql.SQL(", ").join(map(sql.Identifier, names)),
                    mine,
                    sql.Identifier(table),
                    sql.Identifier(owner),
                ),
                values,
            )
