"""The trail: sealing it, proving that no byte of it changed, and reading it."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from sqlalchemy import Date, cast, func, text
from sqlalchemy.dialects.postgresql import Range
from sqlmodel import col, delete, select

from volunteer_hub.audit.models import AuditLine, AuditPending, AuditSeal
from volunteer_hub.audit.rules import (
    GENESIS,
    PERSONAL,
    StoredLine,
    Verdict,
    first_unlike,
    leaves,
    line_digest,
    seal_digest,
)
from volunteer_hub.core import vault
from volunteer_hub.core.db import Tx

BATCH: Final = 5_000
_LOCK: Final = 0x5EA1


def seal(tx: Tx, limit: int = BATCH) -> AuditSeal | None:
    """Seals up to ``limit`` committed lines, the oldest first; None when there are none or another seals.

    Lines commit in another order than their ids, so a seal names its lines, and later ones may be older.
    """
    if not tx.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _LOCK}).scalar_one():
        return None
    oldest = select(AuditPending.line_id).order_by(col(AuditPending.line_id)).limit(limit)
    taken = delete(AuditPending).where(col(AuditPending.line_id).in_(oldest))
    ids = sorted(tx.execute(taken.returning(col(AuditPending.line_id))).scalars())
    if not ids:
        return None
    digests = [line_digest(line) for line in _stored(tx, ids)]
    before = tx.exec(select(AuditSeal.digest).order_by(col(AuditSeal.id).desc()).limit(1)).first()
    previous = before if before is not None else GENESIS
    link = AuditSeal(
        at=tx.now,
        ids=[Range(run[0], run[-1] + 1) for run in _runs(ids)],
        first_id=ids[0],
        last_id=ids[-1],
        count=len(ids),
        previous=previous,
        digest=seal_digest(previous, digests),
        leaves=leaves(digests),
    )
    tx.add(link)
    tx.flush()
    return link


def verify(tx: Tx, noted: str | None = None) -> Verdict:
    """Recomputes the whole chain and names the first seal and line that are not as they were sealed.

    ``noted`` is a digest somebody wrote down earlier, in hex: without one kept outside, whoever owns the
    database could forge a whole new chain.
    """
    previous, count = GENESIS, 0
    met = noted is None or noted == GENESIS.hex()
    for link in tx.exec(select(AuditSeal).order_by(col(AuditSeal.id)).execution_options(yield_per=100)):
        wrong = _examined(tx, link, previous)
        if wrong is not None:
            return wrong
        previous, count = link.digest, count + link.count
        met = met or link.digest.hex() == noted
    if not met:
        return Verdict("noted_missing", previous.hex(), count)
    stray = _stray(tx)
    if stray is not None:
        return Verdict("line_added", previous.hex(), count, line_id=stray)
    return Verdict("sound", previous.hex(), count)


def _examined(tx: Tx, link: AuditSeal, previous: bytes) -> Verdict | None:
    """What is wrong with one link, or None."""
    head = previous.hex()
    if link.previous != previous:
        return Verdict("seal_missing", head, 0, seal_id=link.id)
    ids = [number for span in link.ids for number in range(span.lower, span.upper)]
    lines = list(_stored(tx, ids))
    missing = sorted(set(ids) - {line.id for line in lines})
    if missing:
        return Verdict("line_missing", head, 0, seal_id=link.id, line_id=missing[0])
    digests = [line_digest(line) for line in lines]
    changed = first_unlike(link.leaves, digests)
    if changed is not None:
        return Verdict("line_changed", head, 0, seal_id=link.id, line_id=lines[changed].id)
    sealed = (seal_digest(previous, digests), leaves(digests), len(lines), ids[0], ids[-1])
    if sealed != (link.digest, link.leaves, link.count, link.first_id, link.last_id):
        return Verdict("seal_changed", head, 0, seal_id=link.id)
    return None


# One statement, so one snapshot: lines that commit meanwhile are in all of it or in none of it.
_STRAY: Final = text("""
SELECT min(line.id) FROM audit_lines line
WHERE NOT EXISTS (SELECT 1 FROM audit_pending pending WHERE pending.line_id = line.id)
AND NOT EXISTS (
    SELECT 1 FROM audit_seals link
    WHERE line.id BETWEEN link.first_id AND link.last_id AND link.ids @> line.id
)
""")
_COUNTS: Final = text("""
SELECT (SELECT count(*) FROM audit_lines)
     = (SELECT count(*) FROM audit_pending) + (SELECT coalesce(sum(count), 0) FROM audit_seals)
""")


def _stray(tx: Tx) -> int | None:
    """A line that no seal holds and no commit left behind, or None."""
    if tx.execute(_COUNTS).scalar_one():
        return None
    found: int | None = tx.execute(_STRAY).scalar_one()
    return found


_STORED: Final = text("""
SELECT id, at, actor_kind, actor_id, action, table_name, row_id, area, op, CAST(changes AS text)
FROM audit_lines WHERE id = ANY(:ids) ORDER BY id
""")


def _stored(tx: Tx, ids: Sequence[int]) -> Iterator[StoredLine]:
    """Lines as they are stored, by id."""
    return (StoredLine(*row) for row in tx.execute(_STORED, {"ids": list(ids)}))


def _runs(ids: Iterable[int]) -> Iterator[list[int]]:
    """Ascending ids as runs of neighbours."""
    for _, run in groupby(enumerate(ids), lambda item: item[1] - item[0]):
        yield [number for _, number in run]


def lines(
    tx: Tx,
    *,
    before: int | None = None,
    table: str | None = None,
    row_id: str | None = None,
    action: str | None = None,
    limit: int = 50,
) -> Sequence[AuditLine]:
    """Lines of the actor's areas, the newest first, those below the id ``before``."""
    wanted = select(AuditLine).where(tx.actor.scope("audit.read", AuditLine.area))
    if before is not None:
        wanted = wanted.where(col(AuditLine.id) < before)
    if table is not None:
        wanted = wanted.where(col(AuditLine.table_name) == table)
    if row_id is not None:
        wanted = wanted.where(col(AuditLine.row_id) == row_id)
    if action is not None:
        wanted = wanted.where(col(AuditLine.action) == action)
    return tx.exec(wanted.order_by(col(AuditLine.id).desc()).limit(limit)).all()


def opened(tx: Tx, changes: dict[str, Any]) -> dict[str, Any]:
    """The changes of a line with what was sealed readable again; None where the person was forgotten.

    The caller has asked whether the actor may see personal values.
    """
    return {
        name: [_opened(tx, value) for value in pair] if isinstance(pair, list) else pair
        for name, pair in changes.items()
    }


def shown(tx: Tx, line: AuditLine) -> dict[str, Any]:
    """The changes of a line for this actor: personal values only where they may read the pool as well."""
    if line.area is not None and tx.actor.may("volunteer.read", line.area):
        return opened(tx, line.changes)
    return {
        name: [PERSONAL if _is_sealed(value) else value for value in pair] if isinstance(pair, list) else pair
        for name, pair in line.changes.items()
    }


def _is_sealed(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"sealed", "of"}


def _opened(tx: Tx, value: Any) -> Any:
    if not _is_sealed(value):
        return value
    words = vault.unseal(tx, value["of"], value["sealed"])
    return json.loads(words) if words is not None else None


@dataclass(frozen=True)
class Figure:
    """How many lines an action left on a local day, ``YYYY-MM-DD``."""

    day: str
    action: str
    lines: int


def figures(tx: Tx, area: str, since: datetime, until: datetime, zone: str) -> Sequence[Figure]:
    """Lines by day and action in an area: what a council holds against the figures that are published.

    Raises NotFound outside the actor's areas.
    """
    tx.actor.must_cover("audit.read", area)
    day = cast(func.timezone(zone, col(AuditLine.at)), Date)
    counted = (
        select(day, col(AuditLine.action), func.count())
        .where(col(AuditLine.area).like(area + "%"), col(AuditLine.at) >= since, col(AuditLine.at) < until)
        .group_by(day, col(AuditLine.action))
        .order_by(day, col(AuditLine.action))
    )
    return [Figure(date.isoformat(), action, count) for date, action, count in tx.execute(counted)]
