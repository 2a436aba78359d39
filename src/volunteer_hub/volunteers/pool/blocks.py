"""The pool kept as blocks of columns in a table, so that a process that just started need not read rows.

A block holds the people of 8,192 successive ids as they stood at its horizon; whoever changed since is read
from rows. Blocks are a cache: unlogged, lost in a crash, of no use in another cluster or with other skills,
and kept by a sweep. They hold ids and positions, no names and no addresses; forgetting a person drops theirs.
"""

import hashlib
from collections.abc import Collection, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from psycopg import sql
from sqlalchemy import text

from volunteer_hub.core.db import Tx
from volunteer_hub.volunteers.pool import reading
from volunteer_hub.volunteers.pool import rows as packed
from volunteer_hub.volunteers.pool.reading import Moment, Tick
from volunteer_hub.volunteers.pool.rows import TABLES, Columns, Ints, Rows
from volunteer_hub.volunteers.skills import taxonomy

SHIFT: Final = 13  # 8,192 ids a block
CHANGED: Final = 160  # people of a block, one in fifty: until then reading them again is cheap
BATCH: Final = 16  # blocks written in one transaction
_LOCK: Final = 7_110_013
_FEW: Final = 64  # missing blocks; with more it is quicker to read all rows

_MISSING: Final = text("""
SELECT n FROM generate_series(0, (SELECT max(id) FROM volunteers) >> :shift) AS all_of_them (n)
WHERE NOT EXISTS (SELECT FROM pool_blocks b WHERE b.number = n AND b.cluster = :cluster AND b.shape = :shape)
ORDER BY n
""")
_CHANGES: Final = text("""
SELECT b.number, count(*) FILTER (WHERE v.revision < :horizon)
FROM volunteers v JOIN pool_blocks b ON b.number = v.id >> :shift
WHERE v.revision >= (SELECT min(horizon) FROM pool_blocks) AND v.revision >= b.horizon
  AND v.revision < pg_snapshot_xmax(pg_current_snapshot())::text::bigint
GROUP BY b.number
""")
_SINCE: Final = (
    "({since} AND v.revision >= coalesce("
    "(SELECT b.horizon FROM pool_blocks b WHERE b.number = v.id >> {shift}), 0))"
)
_STAMP: Final = text(
    "UPDATE pool_blocks SET horizon = :horizon WHERE horizon < :horizon AND number <> ALL(:changed)"
)
_WRITE: Final = """
INSERT INTO pool_blocks (number, cluster, shape, horizon, people, areas, data)
VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (number) DO UPDATE SET cluster = excluded.cluster, shape = excluded.shape,
  horizon = excluded.horizon, people = excluded.people, areas = excluded.areas, data = excluded.data
"""


def shape() -> str:
    """What the numbers in a block mean: another taxonomy or other columns, and it cannot be read."""
    words = repr((list(taxonomy().skills), [str(mode) for mode in reading.MODES], TABLES, SHIFT))
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def load(tx: Tx, area: str, now: Moment, tick: Tick) -> tuple[Rows, str, sql.Composable, int] | None:
    """The area's people by the blocks, the area, the condition of who changed since, the oldest horizon of a
    block; None where blocks do not help.

    What a few blocks lack is read from rows.
    """
    missing = _missing(tx, now.cluster)
    if len(missing) > _FEW:
        return None
    tick()
    under = list(
        tx.execute(text("SELECT id FROM jurisdictions WHERE path LIKE :p"), {"p": f"{area}%"}).scalars()
    )
    horizon, parts = _read(tx, now.cluster, under)
    if horizon is None:
        return None
    tick()
    rows = packed.within(decoded(parts), under)
    if missing:
        ranges = sql.SQL("({})").format(
            sql.SQL(" OR ").join(reading.between(n << SHIFT, n + 1 << SHIFT) for n in missing)
        )
        who = sql.SQL("{} AND {}").format(ranges, reading.inside([area]))
        rows = packed.joined([rows, reading.read(tx, who, tick)])
    return rows, area, sql.SQL(_SINCE).format(since=reading.since(horizon), shift=sql.Literal(SHIFT)), horizon


def _read(tx: Tx, cluster: str, under: list[int]) -> tuple[int | None, list[bytes]]:
    """The oldest horizon of all blocks, and the data of those that hold somebody of these jurisdictions."""
    known = {"cluster": cluster, "shape": shape()}
    oldest = text("SELECT min(horizon) FROM pool_blocks WHERE cluster = :cluster AND shape = :shape")
    horizon = tx.execute(oldest, known).scalar()
    connection: Any = tx.connection().connection.driver_connection
    with connection.cursor(binary=True) as cursor:
        cursor.execute(
            "SELECT data FROM pool_blocks WHERE cluster = %(cluster)s AND shape = %(shape)s "
            "AND areas && %(under)s::bigint[] ORDER BY number",
            {**known, "under": under},
        )
        return horizon, [row[0] for row in cursor]


def keep(tx: Tx) -> int:
    """Writes blocks that are missing, or that many people of have changed; how many in this batch.

    To be called, each time in a transaction of its own, until nothing is left to do.
    """
    now = reading.moment(tx)
    known = {"cluster": now.cluster, "shape": shape()}
    tx.execute(text("DELETE FROM pool_blocks WHERE cluster <> :cluster OR shape <> :shape"), known)
    missing = _missing(tx, now.cluster)
    if missing:
        return _write(tx, missing[:BATCH])
    # A change from the horizon on would count as one after the block was written again: it waits until the
    # transactions before it have ended, or the sweep would write all night beside a long backup.
    changes = {row[0]: row[1] for row in tx.execute(_CHANGES, {"shift": SHIFT, "horizon": now.horizon})}
    # A block without a change, seen later than the horizon was taken, is as good as written at it.
    tx.execute(_STAMP, {"horizon": now.horizon, "changed": list(changes)})
    return _write(tx, sorted(number for number, count in changes.items() if count > CHANGED)[:BATCH])


def drop(tx: Tx, ids: Collection[int]) -> None:
    """Takes these people out of the kept blocks, in this transaction: their blocks go, to be written anew.

    Nobody can be writing one of them meanwhile from rows as they were before.
    """
    numbers = sorted({key >> SHIFT for key in ids})
    _lock(tx, numbers)
    tx.execute(text("DELETE FROM pool_blocks WHERE number = ANY(:numbers)"), {"numbers": numbers})


def _lock(tx: Tx, numbers: Sequence[int]) -> None:
    for number in numbers:  # ascending, so that no two wait for each other
        tx.execute(text("SELECT pg_advisory_xact_lock(:lock, :number)"), {"lock": _LOCK, "number": number})


def _missing(tx: Tx, cluster: str) -> list[int]:
    return list(tx.execute(_MISSING, {"shift": SHIFT, "cluster": cluster, "shape": shape()}).scalars())


def _write(tx: Tx, numbers: Sequence[int]) -> int:
    """Blocks as of now. The moment is taken after the locks: whoever was forgotten before is seen so."""
    _lock(tx, numbers)
    now = reading.moment(tx)
    connection: Any = tx.connection().connection.driver_connection
    for number in numbers:
        rows = reading.read(tx, reading.between(number << SHIFT, number + 1 << SHIFT))
        areas = np.unique(rows.tables["people"]["area"]).tolist()
        values = (number, now.cluster, shape(), now.horizon, len(rows), areas, encoded(rows))
        with connection.cursor() as cursor:
            cursor.execute(_WRITE, values)
    return len(numbers)


_NAMES: Final = [(table, name, kind) for table, kinds in TABLES.items() for name, kind in kinds.items()]


def encoded(rows: Rows) -> bytes:
    """Rows as bytes: how many of each table, then column after column."""
    lengths = [len(next(iter(rows.tables[table].values()))) for table in TABLES]
    columns = [rows.tables[table][name].astype(f"<{kind}").tobytes() for table, name, kind in _NAMES]
    return np.array(lengths, "<i8").tobytes() + b"".join(columns)


def decoded(parts: Sequence[bytes]) -> Rows:
    """The rows of blocks in the order of their ids, as one."""
    if not parts:
        return packed.empty()
    found: dict[tuple[str, str], list[NDArray[Any]]] = {(table, name): [] for table, name, _ in _NAMES}
    for data in parts:
        lengths: Ints = np.frombuffer(data, "<i8", len(TABLES))
        at = lengths.nbytes
        of = dict(zip(TABLES, lengths.tolist(), strict=True))
        for table, name, kind in _NAMES:
            found[table, name].append(np.frombuffer(data, f"<{kind}", of[table], at))
            at += found[table, name][-1].nbytes
    tables: dict[str, Columns] = {
        table: {
            name: np.concatenate(found[table, name]).astype(kind, copy=False) for name, kind in kinds.items()
        }
        for table, kinds in TABLES.items()
    }
    return Rows(tables)
