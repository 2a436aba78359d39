"""Staged people into the tables of the pool, set by set: new ones added, twins merged."""

from typing import Any, Final, LiteralString

import psycopg

from volunteer_hub.core.db import Tx
from volunteer_hub.volunteers.exchange.staging import COLUMNS, DEFAULTED

_NAMES: Final[LiteralString] = ", ".join(COLUMNS)
_INSERT: Final[LiteralString] = f"""
INSERT INTO volunteers (id, public_id, {_NAMES}, asked_count, served_minutes, revision, version,
  created_at, updated_at)
SELECT id, public_id, {_NAMES}, 0, 0, 0, 1, %(now)s, %(now)s FROM staged_people
WHERE twin IS NULL ORDER BY line
"""  # noqa: S608  # constants of this module
_CONTACTS: Final = """
INSERT INTO contacts (volunteer_id, kind, address, preference, delivers)
SELECT id, 'sms', phone, 1, 'unknown' FROM staged_people WHERE phone IS NOT NULL
UNION ALL SELECT id, 'email', email, 2, 'unknown' FROM staged_people WHERE email IS NOT NULL
ON CONFLICT DO NOTHING
"""
_MOVED_CONTACTS: Final = """
UPDATE contacts c SET address = new.address, delivers = 'unknown', verified_at = NULL
FROM (
  SELECT v.id, 'sms' AS kind, v.phone AS before, s.phone AS address
  FROM staged_people s JOIN volunteers v ON v.id = s.twin
  UNION ALL SELECT v.id, 'email', v.email, s.email FROM staged_people s JOIN volunteers v ON v.id = s.twin
) AS new
WHERE c.volunteer_id = new.id AND c.kind = new.kind AND c.address = new.before AND new.address <> new.before
  AND NOT EXISTS (SELECT FROM contacts o
    WHERE o.volunteer_id = new.id AND o.kind = new.kind AND o.address = new.address)
"""
_CLAIMS: Final = """
INSERT INTO skill_claims (volunteer_id, skill, level, state, verified_by, verified_at)
SELECT s.id, c.skill, c.level, c.state, CASE c.state WHEN 'verified' THEN %(by)s::bigint END,
  CASE c.state WHEN 'verified' THEN %(now)s::timestamptz END
FROM staged_claims c JOIN staged_people s USING (line)
ON CONFLICT (volunteer_id, skill) DO UPDATE SET level = excluded.level, state = excluded.state,
  verified_by = excluded.verified_by, verified_at = excluded.verified_at
WHERE excluded.state = 'verified' OR skill_claims.state = 'claimed'
"""
_PAPERS: Final = """
INSERT INTO certifications (public_id, volunteer_id, skill, number, issuer, issued_on, expires_on)
SELECT c.public_id, s.id, c.skill, c.number, c.issuer, c.issued_on, c.expires_on
FROM staged_papers c JOIN staged_people s USING (line)
ON CONFLICT (volunteer_id, skill, number) DO UPDATE
SET issuer = coalesce(excluded.issuer, certifications.issuer),
  issued_on = coalesce(excluded.issued_on, certifications.issued_on), expires_on = excluded.expires_on,
  reminded_at = NULL
"""
_KEPT: Final = frozenset({"status", "paused_until", "search"})
_RENAMED: Final = {"lang": "language", "lon": "lat", "precision": "lat"}

# an old position says nothing of a new address; where the file gives none, the staged row has the centre
_MOVED: Final[LiteralString] = "v.area <> s.area OR s.address <> v.address"


def _merged_value(column: str) -> LiteralString:
    """The SET of one column of a merge: the file's value where it gave one."""
    name: LiteralString = column
    field = _RENAMED.get(column, column)
    if field not in DEFAULTED:
        return f"{name} = coalesce(s.{name}, v.{name})"
    bit: LiteralString = str(1 << DEFAULTED.index(field))
    moved: LiteralString = f" OR {_MOVED}" if field == "lat" else ""
    return f"{name} = CASE WHEN s.blank & {bit} = 0{moved} THEN s.{name} ELSE v.{name} END"


_SETS: Final[LiteralString] = ", ".join([_merged_value(name) for name in COLUMNS if name not in _KEPT])
_MERGE: Final[LiteralString] = f"""
UPDATE volunteers v SET {_SETS},
  search = s.search || CASE WHEN s.phone IS NULL AND v.phone IS NOT NULL
    THEN ARRAY['#' || right(v.phone, 4)] ELSE '{{}}' END,
  located_at = CASE WHEN {_MOVED} THEN NULL ELSE v.located_at END,
  lease_until = CASE WHEN {_MOVED} THEN NULL ELSE v.lease_until END,
  version = v.version + 1, updated_at = %(now)s
FROM staged_people s WHERE s.twin = v.id
"""  # noqa: S608  # constants of this module


def write(tx: Tx, database: psycopg.Cursor[Any]) -> dict[str, int]:
    """The staged rows into their tables; rows written by table."""
    values = {"now": tx.now, "by": tx.actor.id if tx.actor.kind == "account" else None}
    counts = {}
    database.execute("SELECT id FROM volunteers WHERE id IN (SELECT twin FROM staged_people) FOR UPDATE")
    database.execute(_MOVED_CONTACTS)
    for table, statement in (
        ("volunteers:merged", _MERGE),
        ("volunteers", _INSERT),
        ("contacts", _CONTACTS),
        ("skill_claims", _CLAIMS),
        ("certifications", _PAPERS),
    ):
        database.execute(statement, values)
        counts[table] = database.rowcount
    return counts
