"""One approved plan sent to a whole city: offers, messages and counts, beside a bare COPY of the same rows.

    python -m benchmarks.fan_out            100,000 people
    python -m benchmarks.fan_out --quick    10,000

Everybody can be reached by mail, which nobody is there to take. Every run starts from a copy of the same
database. The peer is what no program can do without: COPY of those very rows, already made, into the same
tables with their keys and indexes. The median of the runs counts.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import psycopg
from psycopg import sql

from benchmarks import ground, report
from benchmarks.callout_rows import approved
from volunteer_hub.audit import listener
from volunteer_hub.core import clock, db, embedded, schema
from volunteer_hub.core.actor import Actor
from volunteer_hub.flows import asking, letters, mobilize
from volunteer_hub.mobilization import callouts
from volunteer_hub.mobilization.models import PlanRun

RUNS: Final = 3
TABLES: Final = ("callouts", "slot_fills", "offers", "messages")  # in the order their keys ask for
PARTS: Final = (
    ("whom to ask", asking, "sized"),
    ("offers", callouts, "open"),
    ("how often each was asked", letters, "note_asked"),
    ("messages", letters, "tell"),
)
MORNING: Final = datetime(2026, 1, 17, 0, 0, tzinfo=UTC)
Rows = dict[str, bytes]


def main() -> None:
    count = 10_000 if "--quick" in sys.argv[1:] else 100_000
    report.machine()
    mail = "smtp://127.0.0.1:2525"
    with ground.installation(HUB_SMTP_URL=mail) as folder, clock.fixed(MORNING):
        server = embedded.start(folder)
        with ground.database(server, "before") as address:
            schema.create(db.engine())
            listener.install()
            chief, plan_id = approved(count)
            with psycopg.connect(address, autocommit=True) as database:
                database.execute("VACUUM ANALYZE")
            runs = [_run(server, chief, plan_id) for _ in range(RUNS)]
    compare(count, runs)


def compare(count: int, runs: list[tuple[dict[str, float], float, Rows]]) -> None:
    ours = statistics.median(parts["all"] for parts, _, _ in runs)
    bare = statistics.median(copied for _, copied, _ in runs)
    split = sorted((parts for parts, _, _ in runs), key=lambda parts: parts["all"])[RUNS // 2]
    size = sum(map(len, runs[0][2].values())) / 1e6
    rows: list[list[object]] = [[name, seconds] for name, seconds in split.items()]
    rows.append([f"bare COPY of the rows, {size:.0f} MB", bare])
    report.table(
        f"{count:,} people asked by one approval; median of {RUNS}, and the parts of the middle run",
        ["step", "seconds"],
        rows,
    )
    report.bar("fan_out.vs_copy", ours / bare, "<=", 5)


def _run(server: str, chief: Actor, plan_id: int) -> tuple[dict[str, float], float, Rows]:
    """(seconds of the parts and all, of a bare COPY, the rows), each in a copy of the database."""
    with ground.database(server, "sent", "before") as address:
        parts = _send(chief, plan_id)
        with psycopg.connect(address) as database:
            rows = {table: _copied_out(database, table) for table in TABLES}
    with ground.database(server, "copied", "before") as address, psycopg.connect(address) as database:
        seconds, _ = _timed(lambda: _copied_in(database, rows))
    return parts, seconds, rows


def _send(chief: Actor, plan_id: int) -> dict[str, float]:
    parts = {name: 0.0 for name, _, _ in PARTS}

    def noted(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any, **named: Any) -> Any:
            took, result = _timed(lambda: work(*given, **named))
            parts[name] += took
            return result

        return run

    before = [getattr(module, verb) for _, module, verb in PARTS]
    for (name, module, verb), work in zip(PARTS, before, strict=True):
        setattr(module, verb, noted(name, work))
    try:
        seconds, _ = _timed(lambda: _sent(chief, plan_id))
    finally:
        for (_, module, verb), work in zip(PARTS, before, strict=True):
            setattr(module, verb, work)
    return {**parts, "commit and all else": seconds - sum(parts.values()), "all": seconds}


def _sent(chief: Actor, plan_id: int) -> None:
    with db.transaction(chief, "callout.send") as tx:
        mobilize.send(tx, tx.get_one(PlanRun, plan_id))


def _copied_out(database: psycopg.Connection[Any], table: str) -> bytes:
    out = sql.SQL("COPY {} TO STDOUT (FORMAT BINARY)").format(sql.Identifier(table))
    with database.cursor() as cursor, cursor.copy(out) as copy:
        return b"".join(copy)


def _copied_in(database: psycopg.Connection[Any], rows: Rows) -> None:
    for table, data in rows.items():
        into = sql.SQL("COPY {} FROM STDIN (FORMAT BINARY)").format(sql.Identifier(table))
        with database.cursor() as cursor, cursor.copy(into) as copy:
            copy.write(data)
    database.commit()


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


if __name__ == "__main__":
    main()
