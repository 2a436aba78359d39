"""Writing lines of the trail: in the transaction of the deed, many in one statement."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import text

from volunteer_hub.audit.rules import Operation, common_area
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx

Changes = Mapping[str, Any]
"""Column -> [old, new]; the key ``*`` says how many rows a statement over many touched, and which."""


@dataclass(frozen=True)
class Line:
    """A change about to be written. Without an area it takes that of what happens around it, without an actor
    the transaction's."""

    op: Operation
    table: str
    row_id: str | None
    area: str | None
    changes: Changes
    actor: Actor | None = None


# Pending rows come from the same statement: a line is either sealed later or was never committed.
_WRITE: Final = text("""
WITH written AS (
    INSERT INTO audit_lines (at, actor_kind, actor_id, action, table_name, row_id, area, op, changes)
    SELECT :at, l.k, l.i, :action, l.t, l.r, l.a, l.o, l.c
    FROM jsonb_to_recordset(CAST(:lines AS jsonb))
      AS l(k text, i bigint, t text, r text, a text, o text, c jsonb)
    RETURNING id
)
INSERT INTO audit_pending (line_id) SELECT id FROM written
""")
_AREA: Final = "audit.area"


def write(tx: Tx, lines: Sequence[Line]) -> None:
    """Writes the lines with one statement, under the transaction's action and moment."""
    if not lines:
        return
    around = _around(tx, lines)
    rows = [
        {
            "k": (line.actor or tx.actor).kind,
            "i": (line.actor or tx.actor).id,
            "t": line.table,
            "r": line.row_id,
            "a": line.area or around,
            "o": line.op,
            "c": line.changes,
        }
        for line in lines
    ]
    tx.connection().execute(
        _WRITE,
        {"at": tx.now, "action": tx.action, "lines": json.dumps(rows, ensure_ascii=False)},
    )


def record(
    tx: Tx,
    op: Operation,
    table: str,
    row_ids: Iterable[int | str],
    area: str | None = None,
    changes: Changes | None = None,
) -> None:
    """A line for each row that was changed past the session: by COPY or by SQL text.

    ``changes`` is the same for all rows, column -> [old, new], and holds no personal value.
    """
    write(tx, [Line(op, table, str(row_id), area, changes or {}) for row_id in row_ids])


def record_many(tx: Tx, op: Operation, table: str, rows: int, area: str | None = None) -> None:
    """One line for a whole load of rows, such as an import by COPY."""
    write(tx, [Line(op, table, None, area, {"*": {"rows": rows}})])


def _around(tx: Tx, lines: Sequence[Line]) -> str | None:
    """The area for lines of rows without one: the smallest that holds all this transaction has touched.

    Wider rather than narrower: nobody sees a line who does not cover everything it may belong to.
    """
    known = {line.area for line in lines if line.area is not None}
    earlier = tx.info.get(_AREA)
    around = common_area(known | ({earlier} if earlier is not None else set()))
    tx.info[_AREA] = around
    return around
