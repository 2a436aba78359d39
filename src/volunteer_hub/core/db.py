"""The database: one engine a process, one transaction a request, claimed row or stated batch."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any, cast

from sqlalchemy import Connection, CursorResult, Engine, Result, create_engine, text
from sqlmodel import Session

from volunteer_hub.core import clock, embedded
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.settings import settings


class Tx(Session):
    """A session that knows who acts, under which name, and the one moment its decisions take as now.

    ``afterwards``: called in turn once all is committed and the connection is given back.
    """

    actor: Actor
    action: str
    now: datetime
    afterwards: list[Callable[[], None]]


class _Bind:
    """Where transactions go instead of the engine: a test's connection, rolled back at its end."""

    connection: Connection | None = None


def url() -> str:
    """The address of the database: HUB_DATABASE_URL, else the embedded server's (started when needed)."""
    given = settings().database_url
    address = given if given is not None else embedded.start(settings().data_dir)
    return address.replace("postgresql://", "postgresql+psycopg://", 1).replace(
        "postgres://", "postgresql+psycopg://", 1
    )


@cache
def engine() -> Engine:
    """The engine of this process. The pool is as large as the threads that may ask for a connection."""
    return create_engine(
        url(),
        pool_size=settings().pool_size,
        max_overflow=0,
        pool_pre_ping=True,
        pool_timeout=10,
        connect_args={"connect_timeout": 5},
        hide_parameters=True,  # an error that is logged names the statement, never the people in it
    )


def _session(actor: Actor, action: str) -> Tx:
    if _Bind.connection is not None:
        tx = Tx(_Bind.connection, join_transaction_mode="create_savepoint", expire_on_commit=False)
    else:
        tx = Tx(engine(), expire_on_commit=False)
    tx.actor, tx.action, tx.now, tx.afterwards = actor, action, clock.now(), []
    return tx


@contextmanager
def transaction(actor: Actor, action: str) -> Iterator[Tx]:
    """One transaction, committed at the end of the block and rolled back on any error.

    ``action`` is the dotted name that the audit trail keeps, such as ``incident.declare``.
    """
    with _session(actor, action) as tx, tx.begin():
        yield tx
    if _Bind.connection is None:
        for told in tx.afterwards:
            told()


@contextmanager
def read(actor: Actor) -> Iterator[Tx]:
    """A session for reading: whatever is written in it is an error of the program."""
    with _session(actor, "read") as tx, tx.begin():
        if _Bind.connection is None:
            tx.execute(text("SET TRANSACTION READ ONLY"))
        yield tx


@contextmanager
def bound(connection: Connection) -> Iterator[None]:
    """Within the block every transaction is a savepoint on one connection; for tests."""
    _Bind.connection = connection
    try:
        yield
    finally:
        _Bind.connection = None


def follow_clock() -> None:
    """Lets the moved clock of a test or demo installation be read from this database."""

    def read_state() -> clock.ClockState | None:
        bind: Any = _Bind.connection if _Bind.connection is not None else engine()
        with Session(bind, expire_on_commit=False) as session:
            return session.get(clock.ClockState, 1)

    if clock.movable():
        clock.follow(read_state)


def move_clock(moment: datetime, rate: float = 1.0) -> None:
    """Makes it ``moment`` for every process of this test or demo installation."""
    with Session(engine()) as session, session.begin():
        session.merge(clock.moved_to(moment, rate))
    clock.reread()


def touched(result: Result[Any]) -> int:
    """How many rows an UPDATE or DELETE changed; sessions type its result more widely than it is."""
    return int(cast("CursorResult[Any]", result).rowcount)
