"""Rows of the database into packed columns: a few set-based reads, no object per person."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, LiteralString

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from volunteer_hub.core.db import Tx
from volunteer_hub.core.packed import SENT, array, fetch
from volunteer_hub.volunteers.pool import rows as packed
from volunteer_hub.volunteers.pool.rows import ID_SHIFT, MOST_SKILLS, SKILL_SHIFT, TABLES, Columns, Ints, Rows
from volunteer_hub.volunteers.rules import Status, TravelMode
from volunteer_hub.volunteers.skills import taxonomy

Tick = Callable[[], None]
MODES: Final = tuple(TravelMode)
FOREVER: Final = date.max.toordinal()
NEVER: Final = FOREVER + 1
STANDING: Final = (Status.ACTIVE, Status.PLEDGED, Status.PAUSED)
MODE_BIT, FIT_BIT, PLEDGED_BIT = 14, 17, 18
"""Where things stand in ``bits``, above the 14 cells of the week."""
_WORK_MEMORY: Final = "SELECT set_config('work_mem', '256MB', true)"  # joins of millions in memory, this once

_PEOPLE: Final[Sequence[LiteralString]] = (
    "v.id",
    "j.id::int4",
    "coalesce(v.lat, 'NaN')",
    "coalesce(v.lon, 'NaN')",
    "coalesce(v.max_km, 'Infinity')",
    "coalesce(v.birthday - DATE '0001-01-01' + 1, {forever})",
    "coalesce(v.insured_until - DATE '0001-01-01' + 1, 0)",
    "CASE v.status WHEN 'paused' THEN coalesce(v.paused_until - DATE '0001-01-01' + 2, {never}) ELSE 0 END",
    "v.availability + (CASE v.travel_mode {modes} END << {mode_bit}) + (v.fit::int4 << {fit_bit}) "
    "+ (CASE WHEN v.pledge_for = '[]' THEN 0 ELSE 1 << {pledged_bit} END)",
)
_KEY: Final[LiteralString] = "({holder} << {id_shift}) + (s.n << {skill_shift})"
_HELD: Final[LiteralString] = "JOIN (VALUES {skills}) AS s (code, n) ON s.code = {code}"
_SOURCES: Final[dict[str, tuple[Sequence[LiteralString], LiteralString]]] = {
    "people": (_PEOPLE, "volunteers v JOIN jurisdictions j ON j.path = v.area WHERE {who}"),
    "claims": (
        (_KEY.replace("{holder}", "c.volunteer_id") + " + c.level",),
        "skill_claims c " + _HELD.replace("{code}", "c.skill") + " AND c.suspended_at IS NULL {own}",
    ),
    "papers": (
        (
            _KEY.replace("{holder}", "c.volunteer_id"),
            "coalesce(c.expires_on - DATE '0001-01-01' + 1, {forever})",
        ),
        "certifications c " + _HELD.replace("{code}", "c.skill") + " {own}",
    ),
    "pledges": (
        (_KEY.replace("{holder}", "v.id"),),
        "volunteers v CROSS JOIN LATERAL jsonb_array_elements_text(v.pledge_for) AS c (skill) "
        + _HELD.replace("{code}", "c.skill")
        + " WHERE {who} AND v.pledge_for <> '[]'",
    ),
}


@dataclass(frozen=True)
class Moment:
    """Where a reading stands in the history of a database.

    ``horizon``: every transaction with a smaller number has ended and was seen; whatever changes later
    carries a number not below it. Transactions do not commit in order, so the largest one seen would not do.
    ``writing``: this transaction has changed something itself, which may yet be undone.
    """

    cluster: str  # numbers of one cluster mean nothing in another
    server: str  # after a crash or a failover, numbers that nobody saved are given out again
    horizon: int
    writing: bool


def moment(tx: Tx) -> Moment:
    """This moment. Asked before anything is read, it holds for all that is read after it."""
    row = fetch(
        tx,
        sql.SQL(
            "SELECT (SELECT system_identifier::text FROM pg_control_system()), "
            "pg_postmaster_start_time()::text || ' ' || current_database(), "
            "pg_snapshot_xmin(pg_current_snapshot())::text::int8, "
            "pg_current_xact_id_if_assigned() IS NOT NULL"
        ),
    )
    return Moment(*row)


def inside(areas: Sequence[str]) -> sql.Composable:
    """The condition: at home in one of these areas."""
    return sql.SQL("({})").format(
        sql.SQL(" OR ").join(
            [sql.SQL("false"), *(sql.SQL("v.area LIKE {}").format(sql.Literal(f"{a}%")) for a in areas)]
        )
    )


def since(horizon: int) -> sql.Composable:
    """The condition: changed since a moment. The upper end leaves out numbers that came with a backup from
    another cluster, which would otherwise count as changed for ever."""
    return sql.SQL(
        "v.revision >= {} AND v.revision < pg_snapshot_xmax(pg_current_snapshot())::text::int8"
    ).format(sql.Literal(horizon))


def held_since(horizon: int) -> sql.Composable:
    """The condition: what they hold, or whether they are in this pool at all, has changed since."""
    return sql.SQL("v.held_revision >= {}").format(sql.Literal(horizon))


def between(first: int, last: int) -> sql.Composable:
    """The condition: an id in [first, last)."""
    return sql.SQL("v.id >= {} AND v.id < {}").format(sql.Literal(first), sql.Literal(last))


def ids(tx: Tx, who: sql.Composable) -> Ints:
    """Who meets a condition, whatever their state; ascending."""
    (data,) = fetch(tx, sql.SQL("SELECT array_send(array_agg(v.id)) FROM volunteers v WHERE {}").format(who))
    return np.sort(array(data, "i8"))


def read(
    tx: Tx, who: sql.Composable, tick: Tick = lambda: None, *, holding: sql.Composable | None = None
) -> Rows:
    """Everybody in the pool who meets a condition on ``volunteers v``; ``tick`` is called between reads.

    Skills and papers only of those who also meet ``holding``, where it is given. No more than five queries
    for any number of people.
    """
    codes = list(taxonomy().skills)
    assert len(codes) <= MOST_SKILLS
    modes = sql.SQL(" ").join(
        sql.SQL("WHEN {} THEN {}").format(sql.Literal(str(mode)), sql.Literal(n))
        for n, mode in enumerate(MODES)
    )
    standing = sql.SQL("v.status = ANY({}) AND ").format(sql.Literal(list(map(str, STANDING))))
    words: dict[str, sql.Composable] = {
        "who": standing + who,
        "modes": modes,
        "skills": sql.SQL(", ").join(
            sql.SQL("({}, {}::int8)").format(sql.Literal(code), sql.Literal(number))
            for number, code in enumerate(codes)
        ),
        **{
            name: sql.Literal(value)
            for name, value in (
                ("forever", FOREVER), ("never", NEVER), ("mode_bit", MODE_BIT), ("fit_bit", FIT_BIT),
                ("pledged_bit", PLEDGED_BIT), ("id_shift", ID_SHIFT), ("skill_shift", SKILL_SHIFT),
            )
        },
    }  # fmt: skip
    fetch(tx, sql.SQL(_WORK_MEMORY))
    tables: dict[str, Columns] = {}
    for table, (expressions, source) in _SOURCES.items():
        tick()
        if table == "pledges" and not (tables["people"]["bits"] >> PLEDGED_BIT).any():
            tables[table] = packed.empty().tables[table]
            continue
        tables[table] = _columns(tx, TABLES[table], expressions, source, words)
        if table == "people":
            words["own"] = _own(tables["people"]["id"], standing + who, holding)
    tables["papers"] = _best(tables["papers"])
    tables["pledges"] = {"key": np.unique(tables["pledges"]["key"])}
    return packed.sorted_rows(_held_by(tables))


def _own(people: Ints, who: sql.Composable, holding: sql.Composable | None) -> sql.Composable:
    """Which claims and papers to read: where most ids of a range are wanted, all of the range is quicker than
    a join, and `_held_by` leaves out the others."""
    if holding is not None:
        return sql.SQL("JOIN volunteers v ON v.id = c.volunteer_id WHERE {} AND {}").format(who, holding)
    if len(people) and len(people) * 2 > int(people.max() - people.min()):
        return sql.SQL("WHERE c.volunteer_id BETWEEN {} AND {}").format(
            sql.Literal(int(people.min())), sql.Literal(int(people.max()))
        )
    return sql.SQL("JOIN volunteers v ON v.id = c.volunteer_id WHERE {}").format(who)


def _held_by(tables: dict[str, Columns]) -> dict[str, Columns]:
    """Each query sees its own moment unless the transaction keeps one: rows of nobody are left out."""
    people = np.append(np.sort(tables["people"]["id"]), -1)
    result = {"people": tables["people"]}
    for table in ("claims", "papers", "pledges"):
        holder = tables[table]["key"] >> ID_SHIFT
        known = people[np.searchsorted(people[:-1], holder)] == holder
        columns = tables[table]
        result[table] = columns if known.all() else {name: c[known] for name, c in columns.items()}
    return result


def _best(papers: Columns) -> Columns:
    """Of several papers for one skill the one that lasts longest; by key."""
    order = np.argsort(papers["key"], kind="stable")
    key, until = papers["key"][order], papers["until"][order]
    first = np.flatnonzero(np.append(True, key[1:] != key[:-1])[: len(key)])
    return {"key": key[first], "until": np.maximum.reduceat(until, first) if len(first) else until}


def _columns(
    tx: Tx,
    kinds: Any,
    expressions: Sequence[LiteralString],
    source: LiteralString,
    words: dict[str, sql.Composable],
) -> dict[str, NDArray[Any]]:
    """The columns of a query, none of whose values may be null, each as one array."""
    parts = [
        f"({e})::{SENT[kind]} AS {name}" for e, (name, kind) in zip(expressions, kinds.items(), strict=True)
    ]
    inner: LiteralString = ", ".join(parts)
    outer: LiteralString = ", ".join([f"array_send(array_agg({name}))" for name in kinds])
    query: LiteralString = f"SELECT {outer} FROM (SELECT {inner} FROM {source}) AS q"  # noqa: S608  (literals)
    row = fetch(tx, sql.SQL(query).format(**words))
    return {name: array(data, kind) for (name, kind), data in zip(kinds.items(), row, strict=True)}
