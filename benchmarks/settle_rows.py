"""Duties that have ended and are not paid, and a ledger of years, as the program's own roads leave them."""

from __future__ import annotations

from typing import Any, Final

import psycopg
from psycopg import sql

from benchmarks.callout_rows import callout_of

Connection = psycopg.Connection[Any]

# Of a hundred duties: sixty by the person's own telephone, thirty-six confirmed on site, four typed in later.
_DUTIES: Final = """
WITH done AS (
  INSERT INTO duties (public_id, offer_id, volunteer_id, incident_id, area, code_hash, state, grade,
    checked_in_at, checked_out_at, minutes)
  SELECT gen_random_uuid(), o.id, o.volunteer_id, c.incident_id, o.area, '\\x00', 'done',
    CASE WHEN o.id % 100 < 60 THEN 'A' WHEN o.id % 100 < 96 THEN 'B' ELSE 'C' END,
    lower(o.during) + make_interval(mins => (o.id % 20)::int), upper(o.during),
    extract(epoch FROM upper(o.during) - lower(o.during))::int / 60 - o.id % 20
  FROM offers o JOIN callouts c ON c.id = o.callout_id
  RETURNING id, offer_id, volunteer_id, area, checked_in_at, checked_out_at
), desks AS (SELECT array_agg(id) AS ids FROM accounts WHERE email LIKE 'desk%')
INSERT INTO duty_checks (duty_id, area, way, evidence, at, noted_at, noted_by, device, metres)
SELECT d.id, d.area, way,
  CASE WHEN n < 20 THEN 'code' WHEN n < 40 THEN 'qr' WHEN n < 60 THEN 'position' WHEN n < 96 THEN 'leader'
    ELSE 'typed' END,
  at, CASE WHEN n < 96 THEN at ELSE at + interval '5 hours' END,
  CASE WHEN n >= 60 THEN ids[1 + offer_id % 40] END,
  CASE WHEN n < 60 THEN sha256(int8send(d.volunteer_id)) END, CASE WHEN n BETWEEN 40 AND 59 THEN 40 END
FROM done d CROSS JOIN desks CROSS JOIN LATERAL (SELECT d.offer_id % 100 AS n) AS k
CROSS JOIN LATERAL (VALUES ('in', d.checked_in_at), ('out', d.checked_out_at)) AS checks(way, at)
"""


def unsettled(address: str, count: int) -> int:
    """So many duties that have ended, two a person on two days; how many there are."""
    callout_of(count // 2)
    with psycopg.connect(address) as database:
        database.execute(
            "UPDATE offers SET state = 'done', answered_at = lower(during), held_since = lower(during)"
        )
        plan = _again(database, "plan_runs", "true", id=_following("plan_runs"))
        callout = _again(database, "callouts", "true", id=_following("callouts"), plan_run_id=str(plan))
        _again(database, "slot_fills", "true", id=None, callout_id=str(callout))
        _again(
            database,
            "offers",
            "true",
            id=_following("offers"),
            callout_id=str(callout),
            token_hash="sha256(token_hash)",
            during="tstzrange(lower(during) + interval '1 day', upper(during) + interval '1 day', '[)')",
        )
        for desk in range(40):
            _again(
                database,
                "accounts",
                "email = 'bench@example.org'",
                id=_following("accounts"),
                email=f"'desk{desk}@example.org'",
            )
        database.execute("DELETE FROM messages")
        database.execute(_DUTIES)
        return int(_one(database, "SELECT count(*) FROM duties"))


def _following(table: str) -> str:
    return f"nextval(pg_get_serial_sequence('{table}', 'id'))"


def _again(database: Connection, table: str, where: str, id: str | None, **other: str) -> int:
    """The same rows of a table once more, but for their ids and what is given as SQL; the last id."""
    names = [
        name
        for (name,) in database.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND "
            "table_schema = 'public' AND is_generated = 'NEVER' ORDER BY ordinal_position",
            [table],
        )
    ]
    given = {**other, **({"id": id} if id else {})}
    if "public_id" in names:
        given["public_id"] = "gen_random_uuid()"
    values = [sql.SQL(given[name]) if name in given else sql.Identifier(name) for name in names]
    statement = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {} WHERE {}").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, names)),
        sql.SQL(", ").join(values),
        sql.Identifier(table),
        sql.SQL(where),
    )
    database.execute(statement)
    return int(_one(database, f"SELECT max({'id' if id else '0'}) FROM {table}"))


def _one(database: Connection, query: str) -> Any:
    row = database.execute(query).fetchone()
    assert row is not None
    return row[0]


# Written deed after deed over years, so that the entries of one person lie far apart, as they do.
_YEARS: Final = """
INSERT INTO ledger_entries (public_id, transfer_id, account_id, area, points, at, kind, source, rule_version,
  policy_version, grade, lines, days, last_day)
SELECT lpad(to_hex(2 * deed + (side + 1) / 2), 32, '0')::uuid, transfer,
  CASE WHEN side = 1 THEN whose.account ELSE pool.id END, whose.area,
  side * 30, moment, 'duty', 'duty:' || deed, 1, policy.id, 'A',
  CASE WHEN side = 1 THEN '[{{"code": "hours", "points": 30, "params": {{"hours": 3, "rate": 10}}}}]'::jsonb
    ELSE '[]' END,
  CASE WHEN side = 1 THEN jsonb_build_object(moment::date, 30) ELSE '{{}}' END,
  CASE WHEN side = 1 THEN moment::date END
FROM generate_series(0, {people} * {each} - 1) AS deed
JOIN (SELECT row_number() OVER (ORDER BY a.id) - 1 AS n, a.id AS account, v.area FROM ledger_accounts a
  JOIN volunteers v ON v.id = a.volunteer_id) AS whose ON whose.n = deed % {people}
CROSS JOIN (SELECT id FROM ledger_accounts WHERE kind = 'pool') AS pool
CROSS JOIN (SELECT max(id) AS id FROM policy_versions) AS policy
CROSS JOIN LATERAL (SELECT lpad(to_hex(deed), 32, '0')::uuid AS transfer,
  timestamptz '2021-01-01' + deed * interval '150 seconds' AS moment) AS made
CROSS JOIN (VALUES (1), (-1)) AS sides(side)
"""


def years(address: str, people: int, each: int) -> tuple[int, list[int]]:
    """A ledger with ``each`` entries of each of ``people`` and as many of the pool; (entries, volunteers)."""
    with psycopg.connect(address, autocommit=True) as database:
        indexes = database.execute(
            "SELECT indexdef FROM pg_indexes WHERE tablename = 'ledger_entries' AND indexname LIKE 'ix_%'"
        ).fetchall()
        database.execute(
            "INSERT INTO ledger_accounts (kind, volunteer_id) SELECT 'person', id FROM volunteers "
            "ORDER BY id LIMIT %s",
            [people],
        )
        database.execute("INSERT INTO ledger_accounts (kind) VALUES ('pool')")
        database.execute("INSERT INTO policy_versions (digest, files, at) VALUES ('bench', '{}', now())")
        for (made,) in indexes:
            database.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(made.split()[2])))
        database.execute("SET session_replication_role = replica")  # what the triggers ask for holds here
        database.execute(_YEARS.format(people=people, each=each))
        for (made,) in indexes:
            database.execute(made)
        database.execute("VACUUM ANALYZE ledger_entries")
        database.execute("ANALYZE ledger_accounts")
        entries = int(_one(database, "SELECT count(*) FROM ledger_entries"))
        whose = database.execute("SELECT volunteer_id FROM ledger_accounts WHERE kind = 'person'").fetchall()
    return entries, [person for (person,) in whose]
