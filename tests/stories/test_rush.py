"""People answer by link while the server is asked to stop, and while PostgreSQL starts anew: none is lost.

One person in four is asked for two tasks at the same hours: their second yes is refused, in words, by 409.
"""

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest
from alembic import command
from sqlmodel import text

from benchmarks.answer_load import request
from tests import databases
from tests.invariants import broken
from tests.server import Server
from tests.stories.storm import call_out
from volunteer_hub.core import clock, db, embedded, schema
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.settings import settings
from volunteer_hub.migrations import runner

pytestmark = pytest.mark.slow
_EVENTS = text("SELECT count(DISTINCT offer_id), count(*) FROM answer_events WHERE kind = 'accept'")


@pytest.fixture(autouse=True)
def _a_mail_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """So that people can be reached; nothing is sent in these tests."""
    monkeypatch.setenv("HUB_SMTP_URL", "smtp://127.0.0.1:9")
    settings.cache_clear()
    yield
    clock.follow(lambda: None)
    monkeypatch.undo()
    settings.cache_clear()


def recorded() -> tuple[int, int]:
    """Offers accepted and acceptances noted, once the promises hold."""
    with db.read(SYSTEM) as tx:
        assert broken(tx) == {}
        offers, events = tx.execute(_EVENTS).one()
        return offers, events


async def tap(port: int, token: str) -> int:
    """The status of one tap on a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request(token, port))
    status = int((await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1])
    writer.close()
    return status


def test_asked_to_stop_the_server_answers_everybody_who_waits(fresh_database: str, tmp_path: Path) -> None:
    tokens = call_out(60)

    async def taps(server: Server) -> tuple[list[int], float]:
        waiting = [asyncio.create_task(tap(server.port, token)) for token in tokens]
        await asyncio.to_thread(databases.wait_for_somebody_waiting)
        await asyncio.sleep(1)  # until all of them have been received
        stopping = asyncio.create_task(asyncio.to_thread(server.stop))
        await asyncio.sleep(1)
        held.rollback()
        return await asyncio.gather(*waiting), await stopping

    with Server(fresh_database, tmp_path, workers=0) as server:
        server.wait_until_ready()
        with db.engine().connect() as held:
            held.execute(text("SELECT FROM slot_fills FOR UPDATE"))  # nobody gets a place meanwhile
            statuses, seconds = asyncio.run(taps(server))
    assert set(statuses) == {303, 409}
    assert seconds < 30  # a third of it without other work on the machine
    assert recorded() == (statuses.count(303), statuses.count(303))


@pytest.fixture
def own_postgres(template: str, tmp_path: Path) -> Iterator[Path]:
    """A PostgreSQL server of this test's own, which it may stop; settings point at its database."""
    folder = tmp_path / "own"
    address = embedded.start(folder)
    before = os.environ["HUB_DATABASE_URL"]
    databases.use(address)
    schema.create(db.engine())
    with db.engine().begin() as connection:
        command.stamp(runner.config(connection), "head")
    yield folder
    db.engine().dispose()
    embedded.stop(folder)
    databases.use(before)


def restart(folder: Path) -> float:
    """Started anew without regard for whom it serves; when it took connections again."""
    control = [str(embedded.program("pg_ctl")), "-D", str(folder / "postgres"), "-w", "-m", "immediate"]
    owner = (folder / "postgres").stat().st_uid
    as_owner = {"user": owner} if os.geteuid() == 0 else {}
    log = folder / "postgres" / "log"
    subprocess.run([*control, "-l", str(log), "restart"], check=True, stdout=subprocess.DEVNULL, **as_owner)
    return time.monotonic()


def insist(address: str, token: str) -> tuple[int, float, bool]:
    """Taps until it is answered: how, when, and whether there was an error before."""
    failed = False
    with httpx2.Client(base_url=address, timeout=20, trust_env=False, headers={"origin": address}) as web:
        while True:
            status = web.post(f"/c/{token}/accept", data={"arrival": "30"}).status_code
            if status in (303, 409):
                return status, time.monotonic(), failed
            failed = True
            time.sleep(0.05)


def test_postgresql_started_anew_amid_the_answers_loses_none(own_postgres: Path, tmp_path: Path) -> None:
    tokens = call_out(300)
    with Server(os.environ["HUB_DATABASE_URL"], tmp_path, workers=0) as server, ThreadPoolExecutor(8) as pool:
        server.wait_until_ready()
        answers = [pool.submit(insist, server.address, token) for token in tokens]
        while sum(one.done() for one in answers) < 60:
            time.sleep(0.02)
        back = restart(own_postgres)
        told = [one.result() for one in answers]
    recovered = [when - back for _, when, failed in told if failed]
    assert recovered
    assert max(recovered) < 15  # 5 s without other work on the machine
    db.engine().dispose()
    accepted = sum(status == 303 for status, _, _ in told)
    assert recorded() == (accepted, accepted)
