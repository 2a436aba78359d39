"""Taking a file of people into the pool: first a preview, then all of it in one transaction, or nothing."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, BinaryIO, Final

import psycopg

from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import FieldError, Malformed, Refused
from volunteer_hub.volunteers.exchange import loading
from volunteer_hub.volunteers.exchange.staging import Progress, cursor, stage

Record = Callable[[str, str, int], None]
SHOWN: Final = 100
_MANY: Final = 1_000


class OnTwin(StrEnum):
    """What to do with a row of somebody who seems to be in the pool already."""

    REFUSE = "refuse"
    MERGE = "merge"
    SKIP = "skip"
    ADD = "add"


@dataclass(frozen=True)
class Twin:
    """A row and the person it seems to be; ``by`` is external_id, phone, or name (with the birthday)."""

    line: int
    by: str
    public_id: uuid.UUID
    name: str | None
    version: int


@dataclass(frozen=True)
class Preview:
    """What a file holds: rows in all, rows that cannot be taken, the first errors and the first twins."""

    total: int
    bad: int
    errors: tuple[FieldError, ...]
    twins_total: int
    twins: tuple[Twin, ...]

    @property
    def good(self) -> int:
        """Rows that can be taken; twins among them."""
        return self.total - self.bad


@dataclass(frozen=True)
class Applied:
    """What an import did with the rows."""

    added: int
    merged: int
    skipped: int
    left_out: int


def preview(
    tx: Tx, file: BinaryIO, *, datum: str = "wgs84", shown: int = SHOWN, progress: Progress | None = None
) -> Preview:
    """Reads the whole file and stores nothing. ``datum`` holds for rows that name none.

    Raises Malformed for a file that cannot be read at all.
    """
    found = stage(tx, file, datum, shown, progress)
    with cursor(tx) as database:
        twins_total, twins = _twins(database, shown)
    return Preview(found.total, found.bad, tuple(found.errors), twins_total, twins)


def apply(
    tx: Tx,
    file: BinaryIO,
    *,
    datum: str = "wgs84",
    leave_out_bad: bool = False,
    on_twin: OnTwin = OnTwin.REFUSE,
    by_line: Mapping[int, OnTwin] | None = None,
    shown: int = SHOWN,
    record: Record | None = None,
    progress: Progress | None = None,
) -> Applied:
    """Takes the file in, in the transaction it is given: all of it, or nothing.

    ``by_line`` overrides ``on_twin`` for single rows; only who shares no more than name and birthday may be
    added beside. A merge fills and replaces by what the file gives, keeps what it leaves blank, and never
    changes a status. Bulk rows pass the session by: ``record(action, table, count)`` notes them.

    Raises Malformed with the first errors unless bad rows are to be left out, Refused for twins nobody
    decided on, or when somebody else brought the same person in meanwhile.
    """
    found = stage(tx, file, datum, shown, progress)
    if found.bad and not leave_out_bad:
        raise Malformed("import.bad_rows", fields=found.errors, n=found.bad)
    tx.flush()
    with cursor(tx) as database:
        try:
            skipped = _decide(database, on_twin, by_line or {}, shown)
            counts = loading.write(tx, database)
            if found.total > _MANY:
                # Until autovacuum passes by, the planner knows nothing of these rows and plans badly.
                database.execute("ANALYZE volunteers, contacts, skill_claims, certifications")
        except psycopg.errors.UniqueViolation as error:
            raise Refused("import.meanwhile") from error
    tx.expire_all()
    if record is not None:
        for table, count in counts.items():
            record("volunteer.import", table.removesuffix(":merged"), count)
    return Applied(counts["volunteers"], counts["volunteers:merged"], skipped, found.bad)


def _twins(database: psycopg.Cursor[Any], shown: int) -> tuple[int, tuple[Twin, ...]]:
    total = database.execute("SELECT count(*) FROM staged_people WHERE twin IS NOT NULL").fetchone()
    rows = database.execute(
        "SELECT s.line, s.twin_by, v.public_id, v.name, v.version FROM staged_people s "
        "JOIN volunteers v ON v.id = s.twin ORDER BY s.line LIMIT %s",
        [shown],
    )
    return (total or (0,))[0], tuple(Twin(*row) for row in rows)


def _decide(database: psycopg.Cursor[Any], on_twin: OnTwin, by_line: Mapping[int, OnTwin], shown: int) -> int:
    """Applies the decisions to the twins; the number skipped. Raises Refused for those left open."""
    database.execute("UPDATE staged_people SET decision = %s WHERE twin IS NOT NULL", [on_twin.value])
    for choice in OnTwin:
        lines = [line for line, chosen in by_line.items() if chosen == choice]
        if lines:
            one = "UPDATE staged_people SET decision = %s WHERE twin IS NOT NULL AND line = ANY(%s)"
            database.execute(one, [choice.value, lines])
    left_open = database.execute(
        "SELECT line, twin_by FROM staged_people "
        "WHERE decision = 'refuse' OR decision = 'add' AND twin_by <> 'name' ORDER BY line"
    ).fetchall()
    if left_open:
        errors = [
            FieldError(f"{line}:{by}", "import.twin", {"line": line, "column": by})
            for line, by in left_open[:shown]
        ]
        raise Refused("import.twins", fields=errors, n=len(left_open))
    database.execute("DELETE FROM staged_people WHERE decision = 'skip'")
    skipped = database.rowcount
    database.execute("UPDATE staged_people SET twin = NULL WHERE decision = 'add'")
    database.execute("UPDATE staged_people SET id = twin WHERE twin IS NOT NULL")
    return skipped
