"""Importing people from a CSV file, with every check, against a bare COPY of the same final rows.

Into the same tables on the same server: same indexes, triggers and foreign keys, one transaction each.

    python -m benchmarks.import_volunteers [--quick]
"""

import argparse
import csv
import resource
import statistics
import time
from pathlib import Path

import psycopg
from psycopg import sql

from benchmarks import ground, report
from volunteer_hub.core import db, embedded, schema
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.columns import uuid7
from volunteer_hub.simulation.city import City, build_city
from volunteer_hub.simulation.people import COLUMNS, people
from volunteer_hub.volunteers import pool
from volunteer_hub.volunteers.exchange import importing, writing

TABLES = ("volunteers", "contacts", "skill_claims", "certifications")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10,000 people, one round")
    quick: bool = parser.parse_args().quick
    count, rounds = (10_000, 1) if quick else (100_000, 3)
    with ground.installation() as folder:
        _run(folder, embedded.start(folder), count, rounds)


def _run(folder: Path, address: str, count: int, rounds: int) -> None:
    city = build_city()
    small, large = folder / "small.csv", folder / "large.csv"
    _write(city, count // 10, small)
    _write(city, count, large)
    with ground.database(address, "base") as base:
        schema.create(db.engine())
        _plant(base, city)
        # A first import warms code and caches; memory is what the large one takes beyond it.
        with ground.database(address, "warm", "base"):
            _import(small)
        before = _peak_mb()
        ours, bare, more, growth = [], [], {}, 0.0
        for number in range(rounds):
            with ground.database(address, f"ours{number}", "base") as filled:
                ours.append(_import(large))
                if number == 0:
                    growth = _peak_mb() - before
                    more = _others(folder)
                rows = _dump(filled, folder)
            with ground.database(address, f"bare{number}", "base") as empty:
                bare.append(_copy(empty, folder))
    ratio = statistics.median(a / b for a, b in zip(ours, bare, strict=True))
    report.machine()
    report.table(
        f"{count:,} people, {sum(rows.values()):,} rows in {len(rows)} tables, median of {rounds}",
        ("way", "seconds", "people/s", "against COPY"),
        [
            ("import with every check", statistics.median(ours), count / statistics.median(ours), ratio),
            ("bare COPY of the final rows", statistics.median(bare), count / statistics.median(bare), 1.0),
            *((name, seconds, count / seconds, "") for name, seconds in more.items()),
        ],
    )
    print(f"memory: {growth:.0f} MB more at its peak than for a tenth of the rows")
    report.bar("import.vs_copy", ratio, "<=", 10)
    report.bar("import.memory_growth_mb", growth, "<=", 64)


def _write(city: City, count: int, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(people(city, count, seed=1))


def _plant(address: str, city: City) -> None:
    """The city's jurisdictions, each path made of the ids above it."""
    paths: dict[str | None, str] = {None: "/"}
    with psycopg.connect(address) as connection:
        for number, node in enumerate(city.nodes, start=1):
            paths[node.code] = f"{paths[node.parent]}{number}/"
            connection.execute(
                "INSERT INTO jurisdictions "
                "(id, public_id, parent_id, path, code, kind, name, zone, lat, lon, residents) "
                "VALUES (%s, %s, %s, %s, %s, %s, '{}', 'Asia/Shanghai', %s, %s, %s)",
                (
                    number,
                    uuid7(),
                    int(paths[node.parent].rstrip("/").rpartition("/")[2] or 0) or None,
                    paths[node.code],
                    node.code,
                    node.kind,
                    node.lat,
                    node.lon,
                    node.residents,
                ),
            )


def _import(path: Path) -> float:
    started = time.perf_counter()
    with path.open("rb") as file, db.transaction(SYSTEM, "bench") as tx:
        importing.apply(tx, file)
    return time.perf_counter() - started


def _others(folder: Path) -> dict[str, float]:
    """Neighbouring work on the same people, measured once and held to no bar."""
    with db.read(SYSTEM) as tx:
        started = time.perf_counter()
        loaded = pool.load(tx, ["/1/"])
        first = time.perf_counter() - started
        started = time.perf_counter()
        loaded = pool.load(tx, ["/1/"])
        read = time.perf_counter() - started
        started = time.perf_counter()
        with (folder / "out.csv").open("wb") as file:
            writing.export(tx, file, "csv")
        written = time.perf_counter() - started
    return {
        f"pool as arrays, first time ({len(loaded):,} callable)": first,
        "pool as arrays, again": read,
        "export to CSV": written,
    }


def _dump(address: str, folder: Path) -> dict[str, int]:
    """The final rows as COPY reads them."""
    rows = {}
    with psycopg.connect(address) as connection, connection.cursor() as cursor:
        for table in TABLES:
            with (
                (folder / f"{table}.copy").open("wb") as file,
                cursor.copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))) as copy,
            ):
                for part in copy:
                    file.write(part)
            rows[table] = cursor.rowcount
    return rows


def _copy(address: str, folder: Path) -> float:
    started = time.perf_counter()
    with psycopg.connect(address) as connection, connection.cursor() as cursor:
        for table in TABLES:
            with (
                (folder / f"{table}.copy").open("rb") as file,
                cursor.copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))) as copy,
            ):
                while part := file.read(1 << 16):
                    copy.write(part)
    return time.perf_counter() - started


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
