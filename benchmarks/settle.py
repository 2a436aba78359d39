"""A city's duties settled in one run, beside a bare COPY of its rows; and one person's account, read.

    python -m benchmarks.settle            100,000 duties; 10 million entries
    python -m benchmarks.settle --quick    10,000 duties; 200,000 entries

Duties were checked by telephone, by a leader and at a desk, two a person; four in a hundred wait for a look.
No channel is set up, so that nobody is written to: what messages cost is told by `fan_out`. Balance and
statement are those of people picked by lot, with a thousand entries each that lie far apart in the table.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import psycopg
from psycopg import sql

from benchmarks import ground, report, settle_rows
from benchmarks.answers import percentile
from benchmarks.city_rows import city_of
from volunteer_hub.audit import listener
from volunteer_hub.core import clock, db, embedded, schema
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.flows import duty
from volunteer_hub.incentives import queries

TABLES: Final = ("ledger_accounts", "ledger_entries", "service_hours")
MORNING: Final = datetime(2026, 1, 17, 0, 0, tzinfo=UTC)
EVENING: Final = datetime(2026, 1, 19, 0, 0, tzinfo=UTC)
_ONCE: Final = """
SELECT count(*) FROM duties d
LEFT JOIN service_hours h ON h.duty_id = d.id
LEFT JOIN (SELECT source, count(*) AS n FROM ledger_entries WHERE points >= 0 AND kind = 'duty'
  AND account_id IN (SELECT id FROM ledger_accounts WHERE kind = 'person') GROUP BY source) AS paid
  ON paid.source = 'duty:' || d.id
WHERE h.id IS NULL OR coalesce(paid.n, 0) <> (h.state <> 'waiting')::int
"""


def main() -> None:
    quick = "--quick" in sys.argv[1:]
    duties, people, each, reads = (10_000, 200, 500, 100) if quick else (100_000, 5_000, 1_000, 1_000)
    report.machine()
    with ground.installation() as folder:
        server = embedded.start(folder)
        with clock.fixed(MORNING):
            _settling(server, duties)
        _reading(server, people, each, reads)


def _settling(server: str, count: int) -> None:
    with ground.database(server, "before") as address:
        schema.create(db.engine())
        listener.install()
        count = settle_rows.unsettled(address, count)
        with psycopg.connect(address, autocommit=True) as database:
            database.execute("VACUUM ANALYZE")
        with ground.database(server, "settled", "before") as settled:
            with clock.fixed(EVENING):
                seconds, done = timed(duty.settle_ended)
            with psycopg.connect(settled) as database:
                wrong = _count(database, _ONCE)
                rows = {table: _copied_out(database, table) for table in TABLES}
                sizes = [_count(database, f"SELECT count(*) FROM {table}") for table in TABLES]
        with ground.database(server, "copied", "before") as copied, psycopg.connect(copied) as database:
            bare, _ = timed(lambda: _copied_in(database, rows))
    assert done == count
    report.table(
        f"{count:,} duties in one run: {sum(sizes):,} rows",
        ["way", "seconds", "duties/s", "against COPY"],
        [
            ["settled, with flags and caps", seconds, count / seconds, seconds / bare],
            ["bare COPY of the same rows, triggers and keys too", bare, count / bare, 1.0],
        ],
    )
    report.info("settle.vs_copy", seconds / bare)
    report.bar("settle.seconds_for_100000_duties", seconds * 100_000 / count, "<=", 30)
    report.bar("settle.duties_not_settled_once", wrong, "<=", 0)


def _reading(server: str, people: int, each: int, reads: int) -> None:
    with ground.database(server, "years") as address:
        schema.create(db.engine())
        city_of(people * 2)
        entries, volunteers = settle_rows.years(address, people, each)
        picked = random.Random(1).choices(volunteers, k=reads)
        _each(queries.balance, picked[:20])  # connections and code are warm, the rows of those picked are not
        took = {
            "balance": _each(queries.balance, picked),
            "statement": _each(queries.statement, picked),
        }
        _plans(address, picked[-1])
    report.table(
        f"one person's account, {each:,} entries of {entries:,}; {reads:,} people by lot, milliseconds",
        ["read", "median", "p99"],
        [[name, statistics.median(ms), percentile(ms, 0.99)] for name, ms in took.items()],
    )
    for name, ms in took.items():
        report.bar(f"settle.{name}_median_ms", statistics.median(ms), "<=", 10)
        report.bar(f"settle.{name}_p99_ms", percentile(ms, 0.99), "<=", 10)


def _each(read: Callable[[Tx, int], Any], people: Sequence[int]) -> list[float]:
    """Milliseconds of each read, in a transaction of its own as a request has it."""
    took = []
    for person in people:
        with db.read(SYSTEM) as tx:
            seconds, _ = timed(lambda: read(tx, person))  # noqa: B023  (called before the next)
        took.append(seconds * 1000)
    return took


_MINE: Final = "account_id = (SELECT id FROM ledger_accounts WHERE volunteer_id = %s)"
_PLANS: Final = (
    f"SELECT coalesce(sum(points), 0) FROM ledger_entries WHERE {_MINE}",
    f"SELECT * FROM ledger_entries WHERE {_MINE} ORDER BY id DESC LIMIT 51",
)


def _plans(address: str, person: int) -> None:
    """How PostgreSQL reads them."""
    with psycopg.connect(address) as database:
        for query in _PLANS:
            rows = database.execute("EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) " + query, [person]).fetchall()
            print("\n" + "\n".join(line for (line,) in rows))


def _count(database: psycopg.Connection[Any], query: str) -> int:
    row = database.execute(query.encode()).fetchone()
    assert row is not None
    return int(row[0])


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """(seconds, what it returns)."""
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def _copied_out(database: psycopg.Connection[Any], table: str) -> bytes:
    out = sql.SQL("COPY {} TO STDOUT (FORMAT BINARY)").format(sql.Identifier(table))
    with database.cursor() as cursor, cursor.copy(out) as copy:
        return b"".join(copy)


def _copied_in(database: psycopg.Connection[Any], rows: dict[str, bytes]) -> None:
    for table, data in rows.items():
        into = sql.SQL("COPY {} FROM STDIN (FORMAT BINARY)").format(sql.Identifier(table))
        with database.cursor() as cursor, cursor.copy(into) as copy:
            copy.write(data)
    database.commit()


if __name__ == "__main__":
    main()
