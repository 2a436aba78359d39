"""The test run's PostgreSQL server and the databases in it."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from alembic import command
from sqlalchemy import text

from volunteer_hub.core import db, embedded, schema
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.settings import settings
from volunteer_hub.migrations import runner

_numbers = count(1)
# Nothing of it outlives the run, and its queries are short.
_FAST = ("fsync = off", "synchronous_commit = off", "full_page_writes = off", "jit = off")


@cache
def server() -> str:
    """The server's address, for the database ``postgres``."""
    address = embedded.start(Path(os.environ["HUB_DATA_DIR"]))
    with psycopg.connect(address, autocommit=True) as connection:
        for setting in _FAST:
            connection.execute(f"ALTER SYSTEM SET {setting}")
        connection.execute("SELECT pg_reload_conf()")
    return address


def stop(run: Path) -> None:
    """Stops the server and removes the run's folder."""
    with suppress(Exception):
        embedded.stop(Path(os.environ["HUB_DATA_DIR"]))
    shutil.rmtree(run, ignore_errors=True)


def address_of(name: str) -> str:
    """The address of one database on the server."""
    return urlsplit(server())._replace(path=f"/{name}").geturl()


def admin(statement: str) -> None:
    """Runs one statement outside any transaction, on the database ``postgres``."""
    with psycopg.connect(server(), autocommit=True) as connection:
        connection.execute(statement)


def use(address: str) -> None:
    """Points settings and engine of this process at a database."""
    if os.environ.get("HUB_DATABASE_URL") == address:
        return
    with suppress(Exception):
        if db.engine.cache_info().currsize:
            db.engine().dispose()
    os.environ["HUB_DATABASE_URL"] = address
    settings.cache_clear()
    db.engine.cache_clear()


def template(worker: str) -> str:
    """A database with the newest schema, made once a worker."""
    name = f"template_{worker}"
    admin(f'CREATE DATABASE "{name}"')
    use(address_of(name))
    schema.create(db.engine())
    with db.engine().begin() as connection:
        command.stamp(runner.config(connection), "head")
    db.engine().dispose()
    return name


@contextmanager
def cloned(name: str) -> Iterator[str]:
    """A database copied from another, dropped at the end."""
    clone = f"{name}_{os.getpid()}_{next(_numbers)}"
    admin(f'CREATE DATABASE "{clone}" TEMPLATE "{name}"')
    try:
        yield address_of(clone)
    finally:
        with suppress(Exception):
            db.engine().dispose()
        admin(f'DROP DATABASE IF EXISTS "{clone}" WITH (FORCE)')


@contextmanager
def building() -> Iterator[db.Tx]:
    """What is built here by transactions within one another is committed together at the end."""
    with (
        db.engine().connect() as connection,
        connection.begin(),
        db.bound(connection),
        db.transaction(SYSTEM, "test") as tx,
    ):
        yield tx


def wait_for_somebody_waiting() -> None:
    """Until a transaction of this database waits for a lock of another.

    Asked on a connection of its own: inside one transaction PostgreSQL repeats its first answer.
    """
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    for _ in range(200):
        with db.engine().connect() as connection:
            if connection.execute(waiting).scalar_one():
                return
        time.sleep(0.05)
    raise AssertionError("nobody waits")
