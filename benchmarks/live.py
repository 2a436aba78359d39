"""Five hundred people watch one callout while answers come in: how long until each of them sees it.

    python -m benchmarks.live            500 watchers, 100 answers
    python -m benchmarks.live --quick    500 watchers, 20 answers

The real server runs two processes. Every watcher has a session of their own and opens the stream of the
callout's page, as a browser does. Answers by link come one after the other. The clock of an answer starts
when it is acknowledged, right after its commit, and ends at each watcher with the first fragment that counts
it. Sessions of the database are counted before anybody watches, and again and again while all of them do.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import Sequence

import psycopg

from benchmarks import ground, report
from benchmarks.answer_load import request
from benchmarks.answers import percentile, processor
from benchmarks.callout_rows import callout_of, due
from volunteer_hub import bootstrap
from volunteer_hub.access import sessions
from volunteer_hub.access.models import Account
from volunteer_hub.core import db, embedded
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.incidents.models import Incident
from volunteer_hub.migrations import runner as migrations
from volunteer_hub.mobilization import offers
from volunteer_hub.mobilization.models import Callout

WATCHERS, PROCESSES, ASKED = 500, 2, 330
PAUSE = 0.5
PATIENCE = 60.0
_COUNTED = re.compile(rb"accepted ([\d,]+)")
_SESSIONS = (
    "SELECT count(*), count(*) FILTER (WHERE state <> 'idle') FROM pg_stat_activity "
    "WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
)
Updates = list[tuple[int, float]]
"""What one watcher was shown: how many had accepted, and when."""


async def watch(port: int, path: str, cookie: str, shown: Updates) -> None:
    """One stream, read until it is cancelled."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    lines = (
        f"GET {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Accept-Language: en",
        f"Cookie: hub_session={cookie}",
    )
    writer.write("\r\n".join((*lines, "", "")).encode())
    try:
        assert b" 200 " in await reader.readline()
        end = b""
        while chunk := await reader.read(2**17):  # lines would cost more than all that the server does
            for found in _COUNTED.finditer(end + chunk):
                shown.append((int(found[1].replace(b",", b"")), time.perf_counter()))
            end = chunk[-30:]
    finally:
        writer.close()


async def answer(port: int, token: str) -> float:
    """A yes by link; when it was acknowledged."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request(token, port))
    assert b" 303 " in await reader.readline()
    writer.close()
    return time.perf_counter()


async def until_all(watched: Sequence[Updates], count: int) -> None:
    """Until everybody was shown that many. Raises TimeoutError."""
    async with asyncio.timeout(PATIENCE):
        while not all(shown and shown[-1][0] >= count for shown in watched):
            await asyncio.sleep(0.05)


async def count_sessions(address: str, found: list[tuple[int, int]]) -> None:
    """Sessions of the database, and those at work, five times a second until cancelled."""
    async with await psycopg.AsyncConnection.connect(address, autocommit=True) as connection:
        while True:
            cursor = await connection.execute(_SESSIONS)
            all_, busy = await cursor.fetchone() or (0, 0)
            found.append((all_, busy))
            await asyncio.sleep(0.2)


async def run(
    served: ground.Served, address: str, path: str, cookies: Sequence[str], tokens: Sequence[str]
) -> tuple[list[float], list[tuple[int, int]], list[tuple[int, int]]]:
    """Seconds of every answer at every watcher; sessions before anybody watched, and while all did."""
    await answer(served.port, tokens[0])  # a page with nobody accepted has nothing to count
    before, during = list[tuple[int, int]](), list[tuple[int, int]]()
    async with asyncio.TaskGroup() as group:
        counting = group.create_task(count_sessions(address, before))
        await asyncio.sleep(2)
        counting.cancel()
        watched: list[Updates] = [[] for _ in cookies]
        tasks = [
            group.create_task(watch(served.port, path, *pair)) for pair in zip(cookies, watched, strict=True)
        ]
        await until_all(watched, 1)
        tasks.append(group.create_task(count_sessions(address, during)))
        told = []
        for token in tokens[1:]:
            told.append(await answer(served.port, token))
            await asyncio.sleep(PAUSE)
        await until_all(watched, len(tokens))
        for task in tasks:
            task.cancel()
    seconds = [
        next(at for count, at in shown if count >= number) - since
        for shown in watched
        for number, since in enumerate(told, start=2)
    ]
    return seconds, before, during


def main() -> None:
    answers = 20 if "--quick" in sys.argv[1:] else 100
    report.machine()
    with ground.installation(HUB_ENV="production", HUB_SMTP_URL="smtp://127.0.0.1:9") as folder:
        server = embedded.start(folder)
        with ground.database(server, "base") as address:
            migrations.upgrade(db.engine())
            bootstrap.start()
            callout_id = callout_of(ASKED)
            tokens = [offers.link_token(offer.public_id) for offer in due(callout_id)[: answers + 1]]
            with db.transaction(SYSTEM, "bench") as tx:
                callout = tx.get_one(Callout, callout_id)
                chief = tx.get_one(Incident, callout.incident_id).commander_id
                account = tx.get_one(Account, chief)
                cookies = [sessions.open_for_account(tx, account).token for _ in range(WATCHERS)]
                path = f"/callouts/{callout.public_id}/stream"
            with (
                ground.served("--processes", str(PROCESSES), "--workers", "0") as served,
                processor(served.process) as used,
            ):
                started = time.perf_counter()
                seconds, before, during = asyncio.run(run(served, address, path, cookies, tokens))
                lasted = time.perf_counter() - started
    tell(seconds, before, during, used[0] / lasted)


def tell(
    seconds: Sequence[float],
    before: Sequence[tuple[int, int]],
    during: Sequence[tuple[int, int]],
    cores: float,
) -> None:
    """The table and the figures of a run; ``cores``: processors that the server kept busy."""
    busiest = [max(busy for _, busy in counts) for counts in (before, during)]
    held = [max(all_ for all_, _ in counts) for counts in (before, during)]
    report.table(
        f"{WATCHERS} watchers, {len(seconds) // WATCHERS} answers, seconds from answer to screen",
        ("p50", "p95", "p99", "worst", "cores of the server"),
        [(*(percentile(seconds, share) for share in (0.5, 0.95, 0.99, 1.0)), cores)],
    )
    report.table(
        "sessions of the database, at most",
        ("", "open", "at work"),
        [("nobody watches", held[0], busiest[0]), (f"{WATCHERS} watch", held[1], busiest[1])],
    )
    report.bar("live.p95_seconds", percentile(seconds, 0.95), "<=", 2)
    report.bar("live.sessions_for_each_watcher", (held[1] - held[0]) / WATCHERS, "<=", 0.1)


if __name__ == "__main__":
    main()
