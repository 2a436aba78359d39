"""Staged people who are in the file twice, or in the pool already."""

from collections.abc import Iterator
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql

from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import FieldError

# The keys by which two rows are surely one person, and the column to name; the last only without the others.
_IN_FILE: Final[tuple[tuple[str, LiteralString, LiteralString], ...]] = (
    ("phone", "phone_hash", "phone_hash IS NOT NULL"),
    ("external_id", "split_part(area, '/', 2), external_id", "external_id IS NOT NULL"),
    ("name", "area, name, birthday", "phone IS NULL AND external_id IS NULL AND birthday IS NOT NULL"),
)
_REPEATED: Final[LiteralString] = """
SELECT line, first FROM (
  SELECT line, min(line) OVER (PARTITION BY {keys}) AS first FROM staged_people WHERE {where}
) AS keyed WHERE line > first ORDER BY line
"""
_SURE: Final[LiteralString] = """
DROP TABLE IF EXISTS staged_twins;
CREATE TEMP TABLE staged_twins ON COMMIT DROP AS
SELECT s.line, v.id, ({inside}) AS own, 'external_id' AS by FROM staged_people s
JOIN volunteers v ON v.external_id = s.external_id
  AND split_part(v.area, '/', 2) = split_part(s.area, '/', 2)
UNION ALL
SELECT s.line, v.id, ({inside}), 'phone' FROM staged_people s JOIN volunteers v USING (phone_hash);
ANALYZE staged_twins;
"""
_UNCLEAR: Final = """
SELECT line, min(by) FILTER (WHERE NOT own) FROM staged_twins
GROUP BY line HAVING NOT bool_and(own) OR count(DISTINCT id) > 1 ORDER BY line
"""
_MARK: Final = """
UPDATE staged_people s SET twin = t.id, twin_by = t.by
FROM (SELECT DISTINCT ON (line) line, id, by FROM staged_twins ORDER BY line, by) AS t
WHERE t.line = s.line
"""
_LIKELY: Final[LiteralString] = """
UPDATE staged_people s SET twin = likely.id, twin_by = 'name' FROM (
  SELECT s.line, min(v.id) AS id FROM staged_people s
  JOIN volunteers v ON v.name = s.name AND v.birthday = s.birthday
    AND split_part(v.area, '/', 2) = split_part(s.area, '/', 2)
  WHERE s.twin IS NULL AND ({inside}) GROUP BY s.line
) AS likely WHERE likely.line = s.line
"""


def mark(tx: Tx, database: psycopg.Cursor[Any]) -> Iterator[list[FieldError]]:
    """Sets ``twin`` of every staged person who seems to be in the pool: by number, telephone, or name and
    birthday. Yields step by step what cannot be taken, and the caller takes it out before the next step:
    repetitions of an earlier row, and rows of two people at once or of somebody outside the actor's areas.
    """
    database.execute("ANALYZE staged_people")
    for column, keys, where in _IN_FILE:
        yield _repeated(database, column, keys, where)
    areas = tx.actor.areas("volunteer.import")
    inside = sql.SQL(" OR ").join(
        [sql.SQL("false"), *(sql.SQL("v.area LIKE {}").format(sql.Literal(f"{area}%")) for area in areas)]
    )
    database.execute(sql.SQL(_SURE).format(inside=inside))
    unclear = database.execute(_UNCLEAR).fetchall()
    yield [
        _wrong(line, foreign or "phone", f"volunteer.{foreign}_taken" if foreign else "import.two_people")
        for line, foreign in unclear
    ]
    database.execute(_MARK)
    database.execute(sql.SQL(_LIKELY).format(inside=inside))
    yield _repeated(database, "name", "twin", "twin IS NOT NULL")


def _repeated(
    database: psycopg.Cursor[Any], column: str, keys: LiteralString, where: LiteralString
) -> list[FieldError]:
    database.execute(sql.SQL(_REPEATED).format(keys=sql.SQL(keys), where=sql.SQL(where)))
    return [_wrong(line, column, "import.twice", first=first) for line, first in database]


def _wrong(line: int, column: str, code: str, **params: Any) -> FieldError:
    return FieldError(f"{line}:{column}", code, {"line": line, "column": column, **params})
