"""Many rows by one statement: the same as one by one, and as many as a city has people."""

import gc
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import LargeBinary, Text, insert, literal
from sqlalchemy.dialects.postgresql import Range
from sqlmodel import col, select

from tests.world import world
from volunteer_hub.core import bulk
from volunteer_hub.core.columns import uuid7
from volunteer_hub.core.db import Tx
from volunteer_hub.notify.models import Message
from volunteer_hub.notify.rules import Channel, Kind, State, Subject
from volunteer_hub.volunteers.models import Volunteer


def message(tx: Tx, number: int) -> dict[str, object]:
    return {
        "public_id": uuid7(),
        "area": "/1/2/",
        "purpose": "offer",
        "subject_kind": Subject.OFFER,
        "subject_id": number,
        "volunteer_id": None,
        "lease_until": None,
        "channel": Channel.EMAIL,
        "lang": "zh",
        "kind": Kind.REAL,
        "params": {"task": {"en": 'He said "go"', "zh": "沙袋"}, "missing": None},
        "dedupe_key": f"offer:{number}",
        "state": State.QUEUED,
        "attempts": 0,
        "created_at": tx.now,
        "next_at": tx.now + timedelta(microseconds=1),
        "expires_at": tx.now,
    }


def test_rows_written_together_are_what_they_would_be_one_by_one(tx: Tx) -> None:
    world(tx, crowd=0)
    rows = [message(tx, number) for number in range(3)]
    new = insert(Message).from_select(list(rows[0]), bulk.select_rows(Message, rows))
    ids = list(tx.execute(new.returning(col(Message.id))).scalars())
    found = tx.exec(select(Message).where(bulk.among(col(Message.id), ids)).order_by(col(Message.id))).all()
    assert [{name: getattr(one, name) for name in rows[0]} for one in found] == rows


def test_values_that_many_rows_share_come_back_whole(tx: Tx) -> None:
    """Sent once each with their numbers, or once for all."""
    world(tx, crowd=0)
    words = [{"n": number} for number in range(3)]
    rows = [
        message(tx, number) | {"params": words[number % 3], "lang": "en" if number % 5 else "zh"}
        for number in range(40)
    ]
    tx.execute(insert(Message).from_select(list(rows[0]), bulk.select_rows(Message, rows)))
    found = tx.exec(select(Message).order_by(col(Message.id))).all()
    assert [{name: getattr(one, name) for name in rows[0]} for one in found] == rows


def test_ids_ascend_in_the_order_of_the_rows(tx: Tx) -> None:
    world(tx, crowd=0)
    rows = [message(tx, number) for number in range(bulk.BATCH + 5)]
    assert [len(some) for some in bulk.batches(rows)] == [bulk.BATCH, 5]
    for some in bulk.batches(rows):
        tx.execute(insert(Message).from_select(list(some[0]), bulk.select_rows(Message, some)))
    found = tx.exec(select(Message.subject_id).order_by(col(Message.id))).all()
    assert found == list(range(len(rows)))


def test_the_collector_of_cycles_runs_again_afterwards_if_it_ran_before() -> None:
    with bulk.uncollected():
        with bulk.uncollected():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_more_people_can_be_named_than_a_statement_takes_parameters(tx: Tx) -> None:
    w = world(tx, crowd=0)
    everybody = [w.bo.id, *range(10**6, 10**6 + 70_000)]
    assert tx.exec(select(Volunteer.id).where(bulk.among(col(Volunteer.id), everybody))).all() == [w.bo.id]


def test_what_cannot_be_written_so_is_refused_by_its_kind(tx: Tx) -> None:
    with pytest.raises(TypeError, match="a Decimal is not written in bulk"):
        bulk.select_rows(Message, [{"params": Decimal(1)}])
    with pytest.raises(TypeError, match="a Range is not written in bulk"):
        bulk.select_rows(Message, [{"params": Range(1, 2)}])


def test_any_word_is_found_among_others(tx: Tx) -> None:
    words = ["NULL", "null", "", 'He said "go"', "a\\b", "{1,2}", "a,b", "沙袋", "two\nlines", "\\", '"']
    for word in words:
        assert tx.scalar(select(bulk.among(literal(word, Text), words, Text))) is True, word
        others = [one for one in words if one != word]
        assert tx.scalar(select(bulk.among(literal(word, Text), others, Text))) is False, word
    assert (
        tx.scalar(select(bulk.among(literal(b'\x00"\\', LargeBinary), [b"", b'\x00"\\'], LargeBinary)))
        is True
    )
