"""Transactions, the moved clock and the vault on a real database."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.exc import InternalError
from sqlmodel import select, text

from volunteer_hub.core import clock, db, vault
from volunteer_hub.core.actor import SYSTEM


def write_and_fail() -> None:
    with db.transaction(SYSTEM, "test") as tx:
        vault.seal(tx, 1, "secret")
        tx.flush()
        raise ZeroDivisionError


def test_a_transaction_is_undone_by_an_error(fresh_database: str) -> None:
    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    with db.read(SYSTEM) as tx:
        assert tx.exec(select(vault.PersonKey)).all() == []


def test_a_reading_session_cannot_write(fresh_database: str) -> None:
    with pytest.raises(InternalError), db.read(SYSTEM) as tx:
        tx.execute(text("DELETE FROM clock_state"))


def test_a_forgotten_person_cannot_be_unsealed(tx: db.Tx) -> None:
    sealed = vault.seal(tx, 7, "Bo, 13912345678")
    assert vault.unseal(tx, 7, sealed) == "Bo, 13912345678"
    vault.forget(tx, 7)
    assert vault.unseal(tx, 7, sealed) is None


def test_every_transaction_lives_in_the_moved_time(fresh_database: str) -> None:
    db.follow_clock()
    db.move_clock(datetime(2031, 1, 20, 2, 40, tzinfo=UTC), rate=0)
    with db.transaction(SYSTEM, "test") as tx:
        assert tx.now == datetime(2031, 1, 20, 2, 40, tzinfo=UTC)
    clock.follow(lambda: None)
