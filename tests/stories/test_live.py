"""Who watches a callout is told of every answer by the real server, and nobody who may not know."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import Connection, text

from tests import people
from tests.watched import Watched, until, watched
from volunteer_hub.access import accounts
from volunteer_hub.access.models import Account
from volunteer_hub.access.rules import Role
from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.settings import settings

pytestmark = pytest.mark.slow
_AT_WORK = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'"
)


@pytest.fixture
def house(fresh_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    monkeypatch.setenv("HUB_SMTP_URL", "smtp://127.0.0.1:9")
    settings.cache_clear()
    with watched(fresh_database, tmp_path, processes=2) as house:
        yield house
    monkeypatch.undo()
    settings.cache_clear()


def test_watchers_are_told_of_answers_until_they_may_not_know(house: Watched) -> None:
    mei = house.out.world.mei
    board, api = f"/incidents/{house.out.world.incident.public_id}/stream", f"/api/v1{house.page}/events"
    with (
        house.watching(f"{house.page}/stream?who=accepted", mei) as page,
        house.watching(board, mei) as incident,
        house.watching(api, mei) as figures,
    ):
        before = [until(page, "accepted"), until(incident, "part-live"), until(figures, "slots")]
        assert ['id="part-callout"' in before[0], 'id="part-plan"' in before[1]] == [True, True]
        assert sum(slot["accepted"] for slot in json.loads(before[2])["slots"]) == 0
        house.says_yes(0)
        assert ">Lin<" in until(page, "accepted 1")
        assert until(incident, "part-live") != before[1]
        assert sum(slot["accepted"] for slot in json.loads(until(figures, '"accepted":1'))["slots"]) == 1

        with db.transaction(SYSTEM, "test") as tx:
            accounts.revoke(tx, tx.get_one(Account, mei.id), Role.COORDINATOR, "/1/2/")
        ended = time.monotonic()
        for stream in (page, incident, figures):
            assert "accepted 2" not in "".join(data for _, data in stream)
        assert time.monotonic() - ended < 30  # a third of it without other work on the machine


def only_this_one(connection: Connection) -> bool:
    """Whether nobody else is at work in the database just now; the server looks at its clock now and then."""
    time.sleep(0.02)
    return bool(connection.execute(_AT_WORK).scalar_one() == 1)


def test_watchers_hold_no_session_and_do_not_keep_the_server_from_stopping(house: Watched) -> None:
    mei, address = house.out.world.mei, f"{house.page}/stream"
    with db.transaction(SYSTEM, "test") as tx:
        kai = people.kai(tx)
    for cookies, status in ((house.cookie(kai), 404), ({}, 303)):
        answer = httpx2.get(f"{house.server.address}{address}", cookies=cookies, trust_env=False)
        assert answer.status_code == status
    with house.watching(address, mei) as first, house.watching(address, mei) as second:
        shown = until(first, "data-mark")
        assert until(second, "data-mark") == shown
        with db.engine().connect() as connection:
            assert any(only_this_one(connection) for _ in range(100))
        assert house.server.stop() < 30  # a third of it without other work on the machine
        assert {name for stream in (first, second) for name, _ in stream} <= {"beat", "parts"}
