"""The pool of a city into arrays, by every way: from rows, kept blocks, memory, and as others read it.

    python -m benchmarks.pool                       200,000 people
    python -m benchmarks.pool --quick               20,000
    python -m benchmarks.pool --people 2200000 --folder DIR

All ways read the same people of the same database and give the same arrays, which is checked. The server's
own time, without anybody reading, is the floor for rows. ORM objects are read for a part and scaled up.
Beside the seconds stands the processor time of both processes: what is left when nobody else is at work.
The bars are those of 2.2 million people, whatever the size.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.orm import Session
from sqlmodel import col, select

from benchmarks import report
from benchmarks.city_kept import city
from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.jobs.table import JOBS
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.pool import loading, reading
from volunteer_hub.volunteers.pool.loading import Warm
from volunteer_hub.volunteers.pool.rows import Rows

Took = tuple[float, float]
"""Seconds, and those of the processor."""
RUNS: Final = 3
OBJECTS: Final = 20_000  # read as objects, and scaled up
_ROWS: Final = """
SELECT v.id, j.id::int4, coalesce(v.lat, 'NaN'), coalesce(v.lon, 'NaN'), coalesce(v.max_km, 'Infinity'),
  coalesce(v.birthday - DATE '0001-01-01' + 1, 3652059), coalesce(v.insured_until - DATE '0001-01-01' + 1, 0),
  CASE v.status WHEN 'paused' THEN coalesce(v.paused_until - DATE '0001-01-01' + 2, 3652060) ELSE 0 END,
  v.availability, v.travel_mode, v.fit, v.pledge_for <> '[]'
FROM volunteers v JOIN jurisdictions j ON j.path = v.area
WHERE v.status IN ('active', 'pledged', 'paused') AND v.area LIKE '/1/%'
"""  # 2.2 million people x 12 columns


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--people", type=int, default=200_000)
    options.add_argument("--folder", type=Path, help="where the database is kept; without it, it goes")
    options.add_argument("--quick", action="store_true", help="20,000 people")
    given = options.parse_args()
    people = 20_000 if given.quick else given.people
    report.machine()
    with city(people, given.folder) as area:
        measure(area, people)


def measure(area: str, people: int) -> None:
    with db.read(SYSTEM) as tx:
        tx.execute(text("SELECT count(*) FROM volunteers")).all()  # what the server keeps in memory
    from_rows, rows = best(lambda tx: reading.read(tx, reading.inside([area])))
    with_pool, _ = best(lambda tx: loading.load(tx, [area]))
    writing, written = stopped(next(job for job in JOBS if job.name == "pool_blocks").sweep)
    from_blocks, warm = best(lambda tx: _cold(tx, area))
    assert rows.same(kept(warm, area))
    nothing_new, _ = best(lambda tx: warm.pool(tx, area))
    delta, changed = _delta(area, warm)
    with db.read(SYSTEM) as tx:
        assert reading.read(tx, reading.inside([area])).same(kept(warm, area))
    people_rows = len(rows)
    others = _others(people_rows)
    table: list[list[object]] = [
        ["objects of the ORM, people alone (scaled)", *others["orm"]],
        ["rows of the driver, people alone", *others["driver"]],
        ["COPY BINARY read row by row, people alone", *others["copy"]],
        ["the server's floor, people alone", *others["floor"]],
        ["arrays, people with skills and papers", *from_rows],
        ["the same and the pool of the day", *with_pool],
        [f"{written:,} blocks, and the pool of the day", *from_blocks],
        ["memory, nothing new", *nothing_new],
        [f"memory, {changed:,} people changed: their rows", *delta[0]],
        ["the same and the pool of the day", *delta[1]],
        ["the sweep that writes all blocks", writing, ""],
    ]
    title = f"{people_rows:,} people of {people:,} in {rows.nbytes / 1e6:.0f} MB; best of {RUNS}"
    report.table(title, ["way", "seconds", "processor"], table)
    report.bar("pool.cold_rows_seconds", with_pool[0], "<=", 6)
    report.bar("pool.cold_blocks_seconds", from_blocks[0], "<=", 1)
    report.bar("pool.delta_seconds", delta[0][0], "<=", 0.2)


def _cold(tx: Tx, area: str) -> Warm:
    warm = Warm()
    warm.pool(tx, area)
    return warm


def kept(warm: Warm, area: str) -> Rows:
    return warm._kept[area].rows


def _delta(area: str, warm: Warm) -> tuple[tuple[Took, Took], int]:
    """What it takes to read what one person in a hundred changed, and with the pool of the day; how many."""
    both: list[tuple[Took, Took]] = []
    count = 0
    for number in range(RUNS):
        with db.transaction(SYSTEM, "bench.change") as tx:
            change = text("UPDATE volunteers SET availability = 16383 - availability WHERE id % 100 = :n")
            count = tx.execute(change, {"n": number}).rowcount  # type: ignore[attr-defined]  # a change has one
        with db.read(SYSTEM) as tx:
            both.append(_renewed(tx, area, warm))
    return (min(one[0] for one in both), min(one[1] for one in both)), count


def _renewed(tx: Tx, area: str, warm: Warm) -> tuple[Took, Took]:
    before = warm._kept[area]
    horizon = before.moment.horizon
    since = reading.since(horizon)
    rows, _ = timed(tx, lambda: loading._up_to_date(tx, before.rows, area, since, horizon, lambda: None))
    pool, _ = timed(tx, lambda: warm.pool(tx, area))
    return rows, pool


def _others(people: int) -> dict[str, Took]:
    """People alone, without their skills and papers, as one would read them otherwise."""
    with db.read(SYSTEM) as tx:
        connection: Any = tx.connection().connection.driver_connection
        driver, _ = timed(tx, lambda: connection.execute(_ROWS).fetchall())
        with connection.cursor() as cursor:
            copied, _ = timed(tx, lambda: _copy(cursor))
        # As much work for the server, and one row to fetch.
        floor, _ = timed(
            tx, lambda: connection.execute(f"SELECT count(q) FROM ({_ROWS} OFFSET 0) q").fetchall()
        )
        objects = select(Volunteer).order_by(col(Volunteer.id)).limit(OBJECTS)
        with Session(tx.connection()) as session:
            orm, found = timed(tx, lambda: session.execute(objects).scalars().all())
    scale = people / len(found)
    return {"driver": driver, "copy": copied, "floor": floor, "orm": (orm[0] * scale, orm[1] * scale)}


def _copy(cursor: Any) -> int:
    with cursor.copy(sql.SQL("COPY ({}) TO STDOUT (FORMAT BINARY)").format(sql.SQL(_ROWS))) as copy:
        return len(np.frombuffer(b"".join(copy), np.uint8))


def best(work: Callable[[Tx], Any]) -> tuple[Took, Any]:
    """The least of some runs, each in a transaction of its own, and the last result."""
    took, result = [], None
    for _ in range(RUNS):
        with db.read(SYSTEM) as tx:
            one, result = timed(tx, lambda tx=tx: work(tx))  # type: ignore[misc]  # a lambda's default
        took.append(one)
    return min(took), result


def timed(tx: Tx, work: Callable[[], Any]) -> tuple[Took, Any]:
    """Seconds, and those of the processor for this process and the server's of this connection."""
    server = Path(f"/proc/{tx.execute(text('SELECT pg_backend_pid()')).scalar_one()}/stat")
    before = time.process_time() + _processor(server)
    seconds, result = stopped(work)
    return (seconds, time.process_time() + _processor(server) - before), result


def _processor(process: Path) -> float:
    """User and system time of a process; 0 where the system does not say."""
    if not process.exists():
        return 0.0
    fields = process.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def stopped(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


if __name__ == "__main__":
    main()
