"""A key's first request acts, its repeat is answered alike, and everything else is refused."""

import threading

import pytest

from volunteer_hub.core import db, idempotency
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.errors import Malformed
from volunteer_hub.core.idempotency import InFlight, earlier, fingerprint, remember, sweep

MEI, KAI = Actor("account", 1), Actor("account", 2)
BODY = fingerprint("POST", "/api/v1/incidents", b'{"hazard": "flood"}')


def send(actor: Actor, key: str, body: bytes = BODY) -> str:
    with db.transaction(actor, "test") as tx:
        before = earlier(tx, key, body)
        if before is not None:
            return f"again {before.response['n']}"
        remember(tx, key, body, 201, {"n": 1})
        return "first"


def test_the_second_request_under_a_key_gets_the_first_answer(rollback: None) -> None:
    assert [send(MEI, "k"), send(MEI, "k")] == ["first", "again 1"]


def test_another_body_under_the_same_key_is_refused(rollback: None) -> None:
    send(MEI, "k")
    with pytest.raises(Malformed, match="other_body"):
        send(MEI, "k", fingerprint("POST", "/api/v1/incidents", b"{}"))


def test_another_persons_key_is_invisible(rollback: None) -> None:
    assert [send(MEI, "k"), send(KAI, "k")] == ["first", "first"]


@pytest.mark.parametrize("key", ["", "x" * 201, "a\0b"])
def test_a_key_that_cannot_be_one_is_refused(rollback: None, key: str) -> None:
    with pytest.raises(Malformed, match="idempotency"):
        send(MEI, key)


def test_a_key_in_flight_is_told_to_wait(fresh_database: str) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        with db.transaction(MEI, "test") as tx:
            assert earlier(tx, "k", BODY) is None
            inside.set()
            go_on.wait(10)
            remember(tx, "k", BODY, 201, {"n": 1})

    first = threading.Thread(target=slow)
    first.start()
    inside.wait(10)
    with pytest.raises(InFlight) as told:
        send(MEI, "k")
    go_on.set()
    first.join()
    assert told.value.retry_after == 1
    assert send(MEI, "k") == "again 1"


def test_a_request_that_failed_leaves_its_key_free(fresh_database: str) -> None:
    def fail() -> None:
        with db.transaction(MEI, "test") as tx:
            remember(tx, "k", BODY, 201, {"n": 1})
            tx.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert send(MEI, "k") == "first"


def test_keys_are_kept_for_a_day(rollback: None) -> None:
    send(MEI, "k")
    with db.transaction(MEI, "test") as tx:
        row = tx.get(idempotency.IdempotencyKey, ("account:1", "k"))
        assert row is not None
        row.at -= idempotency.KEPT * 2
        tx.flush()
        assert sweep(tx) == 1
