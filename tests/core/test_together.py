"""Rows written together: what changed and nothing else, told to the trail, and nobody's change is lost."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import event as listening
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, select, update

from tests import areas
from tests.core.test_bulk import message
from volunteer_hub.core import bulk, db, together
from volunteer_hub.core.actor import SYSTEM, Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.together import Sheet, Written
from volunteer_hub.notify.models import Message

COLUMNS = ("attempts", "provider_id")
BO, LIN = Actor("volunteer", 1), Actor("volunteer", 2)
AT_ONCE = 4


def planted(tx: Tx, count: int) -> list[Written]:
    areas.plant(tx)
    rows = [message(tx, number) for number in range(count)]
    return together.add(tx, Message, rows, [BO, LIN, *[None] * (count - 2)])


def taken(tx: Tx, ids: Sequence[int]) -> list[Message]:
    locked = select(Message).where(bulk.among(col(Message.id), ids)).order_by(col(Message.id))
    return list(tx.exec(locked.with_for_update().execution_options(populate_existing=True)))


def test_new_rows_are_told_in_their_order_each_under_its_name(tx: Tx) -> None:
    made = planted(tx, 3)
    assert [(row.new, row.area, row.actor) for row in made] == [(True, "/1/2/", by) for by in (BO, LIN, None)]
    numbers = [row.pairs["subject_id"] for row in made]
    assert numbers == [(None, number) for number in range(3)]
    assert [message.subject_id for message in taken(tx, [row.key[0] for row in made])] == [0, 1, 2]
    assert "lease_until" not in made[0].pairs  # what is empty is no news


def test_what_changed_is_written_by_one_statement_and_nothing_else_is(
    tx: Tx, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Written] = []

    def keeper(_: Tx, rows: Sequence[Written]) -> None:
        told.extend(rows)

    monkeypatch.setattr(together, "_KEEPERS", [])
    for _ in range(2):  # naming one twice changes nothing
        together.keep(keeper)
    bo, lin, kai = taken(tx, [row.key[0] for row in planted(tx, 3)])
    sheet = Sheet(Message, COLUMNS, [bo, lin, kai])
    tx.connection().execute(update(Message).where(col(Message.id) == lin.id).values(lang="en"))
    bo.provider_id, lin.attempts, kai.attempts = "SM1", 2, 0
    sent: list[str] = []
    listening.listen(tx.connection(), "before_cursor_execute", lambda *said: sent.append(said[2]))
    written = sheet.write(tx, lambda row: BO if row is bo else LIN)
    assert len(sent) == 1
    assert [(row.key, row.new, row.pairs, row.actor) for row in written] == [
        ((bo.id,), False, {"provider_id": (None, "SM1")}, BO),
        ((lin.id,), False, {"attempts": (0, 2)}, LIN),
    ]
    assert sheet.write(tx, lambda _: None) == []
    together.note(tx, written)
    assert told == written
    assert [(m.attempts, m.provider_id, m.lang) for m in taken(tx, [bo.id, lin.id, kai.id])] == [
        (0, "SM1", "zh"),
        (2, None, "en"),
        (0, None, "zh"),
    ]


def test_of_batches_at_once_the_first_wins_each_row_and_one_that_is_refused_leaves_nothing(
    fresh_database: str,
) -> None:
    """Each batch shares its rows with the one before and the one after; the last cannot be stored."""
    with db.transaction(SYSTEM, "test") as tx:
        ids = [row.key[0] for row in planted(tx, 5 * AT_ONCE + 5)]
    start = Barrier(AT_ONCE)

    def batch(number: int) -> list[int]:
        start.wait()
        with db.transaction(SYSTEM, "test") as tx:
            rows = taken(tx, ids[5 * number : 5 * number + 10])
            sheet = Sheet(Message, COLUMNS, rows)
            free = [row for row in rows if row.provider_id is None]
            for row in free:
                row.attempts, row.provider_id = row.attempts + 1, f"batch {number}"
            if number == AT_ONCE - 1:
                rows[-1].attempts = 2**40
            return [row.key[0] for row in sheet.write(tx, lambda _: None)]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        asked = [pool.submit(batch, number) for number in range(AT_ONCE)]
    assert isinstance(asked.pop().exception(), DBAPIError)
    told: list[tuple[int, Any]] = [
        (row, f"batch {number}") for number, one in enumerate(asked) for row in one.result()
    ]
    with db.read(SYSTEM) as tx:
        rows = tx.exec(select(Message).where(col(Message.attempts) > 0).order_by(col(Message.id))).all()
    db.engine().dispose()
    assert [(row.id, row.provider_id) for row in rows] == sorted(told)
    assert [row.id for row in rows] == ids[: 5 * AT_ONCE]
    assert {row.attempts for row in rows} == {1}
