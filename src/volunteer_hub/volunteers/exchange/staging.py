"""Checked rows of a file in temporary tables, from which nothing is left when the transaction ends."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, BinaryIO, Final, LiteralString

import psycopg
from psycopg import sql

from volunteer_hub.core.columns import uuid7
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import FieldError
from volunteer_hub.volunteers import checking, stored
from volunteer_hub.volunteers.checking import Known
from volunteer_hub.volunteers.exchange import twins
from volunteer_hub.volunteers.exchange.reading import Row, Table, open_table

Progress = Callable[[int, int], None]
Checked = tuple[int, int, dict[str, Any]]
"""The line of a row, the bits of what it left blank, its values."""
BATCH: Final = 5_000
ENUMS: Final = ("precision", "status", "travel_mode", "basis", "insured_by")
COLUMNS: Final = (*stored.SAME, *stored.RENAMED, "area", "phone_hash", "search")
# Fields that have a value even when left blank: a merge must know that nobody meant it. Bit by place.
DEFAULTED: Final = ("language", "availability", "travel_mode", "basis", "fit", "lat", "pledge_for")

_CREATE: Final[LiteralString] = """
DROP TABLE IF EXISTS staged_people, staged_claims, staged_papers;
CREATE TEMP TABLE staged_people ON COMMIT DROP AS SELECT {columns} FROM volunteers WITH NO DATA;
ALTER TABLE staged_people ADD line int, ADD blank int, ADD twin bigint, ADD twin_by text, ADD decision text,
  ADD id bigint DEFAULT nextval(pg_get_serial_sequence('volunteers', 'id'));
CREATE TEMP TABLE staged_claims (line int, skill text, level int, state text) ON COMMIT DROP;
CREATE TEMP TABLE staged_papers (line int, public_id uuid, skill text, number text, issuer text,
  issued_on date, expires_on date) ON COMMIT DROP;
"""


@dataclass
class Staged:
    """What came of the rows: how many, how many cannot be taken, and the first things wrong."""

    total: int = 0
    bad: int = 0
    errors: list[FieldError] = field(default_factory=list)


def cursor(tx: Tx) -> psycopg.Cursor[Any]:
    """A cursor of the driver on the transaction's connection."""
    connection: Any = tx.connection().connection.driver_connection
    made: psycopg.Cursor[Any] = connection.cursor()
    return made


def stage(tx: Tx, file: BinaryIO, datum: str, shown: int, progress: Progress | None) -> Staged:
    """Reads, checks and stages a whole file, batch by batch; keeps the first ``shown`` errors.

    Afterwards ``staged_people`` holds the rows that can be taken, each with its line, the id it would get,
    and in ``twin`` the person in the pool it seems to be. Raises Malformed for an unreadable file.
    """
    known = checking.known(tx, "volunteer.import", datum=datum)
    table = open_table(file)
    found = Staged()
    with cursor(tx) as database:
        names: LiteralString = ", ".join(("public_id", *COLUMNS))
        database.execute(sql.SQL(_CREATE).format(columns=sql.SQL(names)))
        for batch in _batches(table):
            _copy(database, _checked(batch, known, found, shown), known)
            if progress is not None:
                progress(found.total, max(found.total, table.total))
        for wrong in twins.mark(tx, database):
            _take_out(database, wrong, found, shown)
    if progress is not None:
        progress(found.total, found.total)
    return found


def _take_out(database: psycopg.Cursor[Any], wrong: Sequence[FieldError], found: Staged, shown: int) -> None:
    found.bad += len(wrong)
    found.errors += wrong[: max(shown - len(found.errors), 0)]
    for name in ("staged_people", "staged_claims", "staged_papers"):
        query = sql.SQL("DELETE FROM {} WHERE line = ANY(%s)").format(sql.Identifier(name))
        database.execute(query, [[error.params["line"] for error in wrong]])


def _batches(table: Table) -> Iterator[list[Row]]:
    rows = table.rows()
    while batch := list(islice(rows, BATCH)):
        yield batch


def _checked(batch: Sequence[Row], known: Known, found: Staged, shown: int) -> list[Checked]:
    """The rows of a batch that are right."""
    good = []
    for row in batch:
        values, wrong = checking.check(row.cells, known, row.line)
        if row.wrong is not None:
            wrong.append(row.wrong)
        found.total += 1
        if wrong:
            found.bad += 1
            found.errors += wrong[: max(shown - len(found.errors), 0)]
        else:
            blank = sum(1 << place for place, name in enumerate(DEFAULTED) if name not in row.cells)
            good.append((row.line, blank, values))
    return good


def _copy(
    database: psycopg.Cursor[Any], good: Sequence[tuple[int, int, dict[str, Any]]], known: Known
) -> None:
    checking.to_wgs84([values for _, _, values in good], known)
    names: LiteralString = ", ".join(("line", "blank", "public_id", *COLUMNS))
    with database.copy(sql.SQL("COPY staged_people ({}) FROM STDIN").format(sql.SQL(names))) as copy:
        for line, blank, values in good:
            copy.write_row((line, blank, str(uuid7()), *_person(stored.columns(values))))
    with database.copy("COPY staged_claims FROM STDIN") as copy:
        for line, _, values in good:
            for claim in values["skills"]:
                copy.write_row((line, claim.skill, claim.level, claim.state.value))
    with database.copy("COPY staged_papers FROM STDIN") as copy:
        for line, _, values in good:
            for paper in values["certifications"]:
                copy.write_row((line, str(uuid7()), *paper))


def _person(row: dict[str, Any]) -> Iterator[Any]:
    """The cells of a row; an enumeration goes by its value, where the driver would write its name."""
    for name in ENUMS:
        if row[name] is not None:
            row[name] = row[name].value
    row["pledge_for"] = json.dumps(row["pledge_for"])
    return (row[name] for name in COLUMNS)
