"""The pool as arrays for planning: a few set-based reads, no object per person.

Each column comes as one array in PostgreSQL's binary format, which numpy reads as it stands: 20 bytes of
header, then for each value its length and the value. Nothing is done row by row on this side.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final, LiteralString

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.site import Site
from volunteer_hub.volunteers import week
from volunteer_hub.volunteers.rules import Basis, Precision, TravelMode
from volunteer_hub.volunteers.skills import taxonomy

MODES: Final = tuple(TravelMode)
PRECISIONS: Final = tuple(Precision)
BASES: Final = tuple(Basis)
FOREVER: Final = date.max.toordinal()
_HEADER_BYTES: Final = 20
_TYPES: Final = {"int8": ">i8", "float8": ">f8", "int4": ">i4", "int2": ">i2"}
Ints = NDArray[np.int64]
Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Pool:
    """Everybody who may be called, one position a person in every array of the first group.

    Days are ordinals of the proleptic calendar (date.toordinal), minutes count from 1970 in UTC.
    """

    ids: Ints  # ascending
    area_ids: Ints  # jurisdictions.id of the home
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    max_km: NDArray[np.float64]  # inf where none was given
    birthday: Ints  # FOREVER where unknown: never of age
    insured_until: Ints  # 0 where not insured
    mask: Ints  # the weekly pattern
    quiet_from: Ints  # minutes of the local day, -1 for none
    quiet_until: Ints
    mode: Ints  # index into MODES
    precision: Ints  # index into PRECISIONS
    basis: Ints  # index into BASES
    fit: NDArray[np.bool_]
    pledged: NDArray[np.bool_]  # called only for what they hold below, never for a slot without a skill
    asked: Ints
    served: Ints

    skills: tuple[str, ...]
    # Who counts for which skill (substitution included), at which level, through which day; a person may
    # stand several times for one skill: at level 3 until May and at level 1 for ever.
    holding_row: Ints
    holding_skill: Ints  # index into ``skills``
    holding_level: Ints
    holding_until: Ints

    exception_row: Ints  # times that break the pattern, and on-call duty (available)
    exception_start: Ints
    exception_end: Ints
    exception_available: NDArray[np.bool_]

    revision: int  # the largest of these people: what a later delta starts from

    def __len__(self) -> int:
        return len(self.ids)


_PEOPLE: Final[tuple[tuple[str, str, LiteralString], ...]] = (
    ("ids", "int8", "v.id"),
    ("area_ids", "int8", "j.id"),
    ("lat", "float8", "coalesce(v.lat, j.lat)"),
    ("lon", "float8", "coalesce(v.lon, j.lon)"),
    ("max_km", "float8", "coalesce(v.max_km, 'Infinity')"),
    ("birthday", "int4", "coalesce(v.birthday - DATE '0001-01-01' + 1, {forever})"),
    ("insured_until", "int4", "coalesce(v.insured_until - DATE '0001-01-01' + 1, 0)"),
    ("mask", "int4", "v.availability"),
    ("quiet_from", "int4", "coalesce(v.quiet_from, -1)"),
    ("quiet_until", "int4", "coalesce(v.quiet_until, -1)"),
    ("mode", "int2", "array_position({modes}, v.travel_mode::text) - 1"),
    ("precision", "int2", "array_position({precisions}, v.precision::text) - 1"),
    ("basis", "int2", "array_position({bases}, v.basis::text) - 1"),
    ("fit", "int2", "v.fit::int"),
    ("pledged", "int2", "(jsonb_array_length(v.pledge_for) > 0)::int"),
    ("asked", "int4", "v.asked_count"),
    ("served", "int4", "v.served_minutes"),
    ("revision", "int8", "v.revision"),
)
_SKILL: Final = ("skill", "int2", "array_position({codes}, c.skill) - 1")
_HOLDS: Final = (("holder", "int8", "c.volunteer_id"), _SKILL)
_CLAIMS: Final = (*_HOLDS, ("level", "int2", "c.level"))
_PAPERS: Final = (
    *_HOLDS,
    ("until", "int4", "max(coalesce(c.expires_on - DATE '0001-01-01' + 1, {forever}))"),
)
_PLEDGES: Final = (("holder", "int8", "v.id"), _SKILL)
_TIMES: Final = (
    ("holder", "int8", "c.volunteer_id"),
    ("start", "int8", "floor(extract(epoch FROM c.starts_at) / 60)"),
    ("end", "int8", "ceil(extract(epoch FROM c.ends_at) / 60)"),
)
_EXCEPTIONS: Final = (*_TIMES, ("available", "int2", "c.available::int"))
_ON_CALL: Final = (*_TIMES, ("available", "int2", "1"))
_CALLABLE: Final = (
    "(v.status IN ('active', 'pledged') OR v.status = 'paused' AND v.paused_until < {today}) AND ({inside})"
)
_PARTS: Final = "volunteers v ON v.id = c.volunteer_id WHERE " + _CALLABLE


def load(tx: Tx, areas: Sequence[str], *, permission: str = "plan.request") -> Pool:
    """Everybody in these areas who may be called today. Raises NotFound for an area outside the actor's."""
    for area in areas:
        tx.actor.must_cover(permission, area)
    codes = list(taxonomy().skills)
    today = tx.now.astimezone(_site().timezone).date()
    words = {
        "modes": sql.Literal(list(map(str, MODES))),
        "precisions": sql.Literal(list(map(str, PRECISIONS))),
        "bases": sql.Literal(list(map(str, BASES))),
        "codes": sql.Literal(codes),
        "forever": sql.Literal(FOREVER),
        "today": sql.Literal(today),
        "now": sql.Literal(tx.now),
        "inside": sql.SQL(" OR ").join(
            [sql.SQL("false"), *(sql.SQL("v.area LIKE {}").format(sql.Literal(f"{a}%")) for a in areas)]
        ),
    }
    known = "c.skill = ANY({codes})"
    people = _columns(
        tx,
        _PEOPLE,
        f"volunteers v JOIN jurisdictions j ON j.path = v.area WHERE {_CALLABLE} ORDER BY v.id",
        words,
    )
    claims = _columns(tx, _CLAIMS, f"skill_claims c JOIN {_PARTS} AND {known}", words)
    papers = _columns(tx, _PAPERS, f"certifications c JOIN {_PARTS} AND {known} GROUP BY 1, 2", words)
    pledges = _columns(
        tx,
        _PLEDGES,
        "volunteers v CROSS JOIN LATERAL jsonb_array_elements_text(v.pledge_for) AS c (skill) "
        f"WHERE {_CALLABLE} AND {known}",
        words,
    )
    times = [
        _columns(tx, columns, f"{name} c JOIN {_PARTS} AND c.ends_at > {{now}}", words)
        for name, columns in (("availability_exceptions", _EXCEPTIONS), ("on_call", _ON_CALL))
    ]
    both = {name: np.concatenate([part[name] for part in times]) for name in times[0]}
    return _pool(people, claims, papers, pledges, both, today.toordinal())


def _columns(
    tx: Tx, columns: Sequence[tuple[str, str, LiteralString]], source: LiteralString, words: dict[str, Any]
) -> Columns:
    """The columns of a query, none of whose values may be null, each as one array."""
    parts = [f"({expression})::{kind} AS c{i}" for i, (_, kind, expression) in enumerate(columns)]
    inner: LiteralString = ", ".join(parts)
    outer: LiteralString = ", ".join([f"array_send(array_agg(c{i}))" for i in range(len(columns))])
    query: LiteralString = f"SELECT {outer} FROM (SELECT {inner} FROM {source}) AS q"  # noqa: S608  (literals)
    connection: Any = tx.connection().connection.driver_connection
    with connection.cursor(binary=True) as cursor:
        row = cursor.execute(sql.SQL(query).format(**words)).fetchone()
    return {name: _array(data, kind) for (name, kind, _), data in zip(columns, row, strict=True)}


def _array(data: bytes | None, kind: str) -> NDArray[Any]:
    """The values of an array as `array_send` writes it; no rows make no array at all."""
    value = np.dtype(_TYPES[kind])
    packed = np.dtype([("length", ">i4"), ("value", value)])
    values = np.frombuffer(data or b"", packed, offset=_HEADER_BYTES if data else 0)["value"]
    return values.astype(value.newbyteorder("="))


def _pool(
    people: Columns, claims: Columns, papers: Columns, pledges: Columns, times: Columns, today: int
) -> Pool:
    columns: dict[str, Any] = dict(people)
    revision = int(columns.pop("revision").max(initial=0))
    ids = columns["ids"]
    columns["pledged"] = columns["pledged"].astype(bool)
    columns["fit"] = columns["fit"].astype(bool)
    row, skill, level, until = _holdings(
        len(ids), _of(ids, claims, "skill", "level"), _of(ids, papers, "skill", "until"), today
    )
    wanted = _pledged_for(ids, pledges)
    kept = ~columns["pledged"][row] | np.isin(_key(row, skill), wanted)
    exception_row, start, end, available = _of(ids, times, "start", "end", "available")
    return Pool(
        **columns,
        skills=tuple(taxonomy().skills),
        holding_row=row[kept],
        holding_skill=skill[kept],
        holding_level=level[kept],
        holding_until=until[kept],
        exception_row=exception_row,
        exception_start=start,
        exception_end=end,
        exception_available=available.astype(bool),
        revision=revision,
    )


def _of(ids: Ints, rows: Columns, *names: str) -> tuple[Ints, ...]:
    """Rows of people in the pool: their position, then the named columns. Each query sees its own moment,
    so a row may belong to somebody who was not there yet."""
    holder = rows["holder"]
    place = np.searchsorted(ids, holder)
    there = np.zeros(len(holder), dtype=bool)
    inside = place < len(ids)
    there[inside] = ids[place[inside]] == holder[inside]
    return place[there], *(rows[name][there].astype(np.int64) for name in names)


def _key(row: Ints, skill: Ints) -> Ints:
    return row * len(taxonomy().skills) + skill


def _stand_ins() -> tuple[Ints, Ints, Ints]:
    """Every (held, wanted) pair of skills of which the first stands in for the second, by the first; and the
    skill whose certification it needs, -1 for none (see rules.counts_until)."""
    skills = taxonomy()
    place = {code: index for index, code in enumerate(skills.skills)}
    pairs = []
    for wanted in skills.skills:
        for held in skills.stands_in(wanted):
            needed = next((code for code in (held, wanted) if skills.skills[code].certified), None)
            pairs.append((place[held], place[wanted], place[needed] if needed is not None else -1))
    held, want, need = np.array(sorted(pairs), dtype=np.int64).T
    return held, want, need


def _expanded(skill: Ints) -> tuple[Ints, Ints, Ints]:
    """For held skills: position in the input, wanted skill, skill of the certification needed."""
    held, want, need = _stand_ins()
    first = np.searchsorted(held, skill)
    many = np.searchsorted(held, skill, side="right") - first
    source = np.repeat(np.arange(len(skill)), many)
    within = np.arange(len(source)) - np.repeat(np.cumsum(many) - many, many)
    pair = first[source] + within
    return source, want[pair], need[pair]


def _holdings(
    people: int, claims: tuple[Ints, ...], papers: tuple[Ints, ...], today: int
) -> tuple[Ints, Ints, Ints, Ints]:
    """Who counts for what, substitution included; what has ended before today is left out."""
    row, skill, level = claims
    source, wanted, needed = _expanded(skill)
    paper_key = _key(papers[0], papers[1])
    order = np.argsort(paper_key)
    paper_key, paper_until = np.append(paper_key[order], -1), np.append(papers[2][order], 0)
    key = _key(row[source], needed)
    place = np.searchsorted(paper_key[:-1], key)
    certified = np.where(paper_key[place] == key, paper_until[place], 0)
    until = np.where(needed < 0, FOREVER, certified)
    counts = until >= today
    everyone = [i for i, one in enumerate(taxonomy().skills.values()) if one.everyone]
    anyone, basic = np.tile(np.arange(people), len(everyone)), np.repeat(everyone, people).astype(np.int64)
    return (
        np.concatenate([row[source][counts], anyone]),
        np.concatenate([wanted[counts], basic]),
        np.concatenate([level[source][counts], np.ones(len(anyone), dtype=np.int64)]),
        np.concatenate([until[counts], np.full(len(anyone), FOREVER)]),
    )


def _pledged_for(ids: Ints, pledges: Columns) -> Ints:
    """Keys of (person, wanted skill) that light pledges allow."""
    row, skill = _of(ids, pledges, "skill")
    source, wanted, _ = _expanded(skill)
    return _key(row[source], wanted)


def free_throughout(pool: Pool, start: datetime, end: datetime) -> NDArray[np.bool_]:
    """Who is free from start to end: by the pattern, then for the few with exceptions by `week.free`."""
    site = _site()
    night = (site.timezone, site.night.starts, site.night.ends)
    cells = week.cells_between(start, end, *night)
    free: NDArray[np.bool_] = (pool.mask & cells) == cells
    first, last = int(start.timestamp() // 60), int(-(-end.timestamp() // 60))
    touching = np.flatnonzero((pool.exception_start < last) & (pool.exception_end > first))
    more: dict[int, list[week.Interval]] = {}
    less: dict[int, list[week.Interval]] = {}
    for index in touching.tolist():
        row = int(pool.exception_row[index])
        side = more if pool.exception_available[index] else less
        window = (_moment(pool.exception_start[index]), _moment(pool.exception_end[index]))
        side.setdefault(row, []).append(window)
    for row in more.keys() | less.keys():
        found = week.free(
            int(pool.mask[row]), (start, end), *night, more=more.get(row, ()), less=less.get(row, ())
        )
        free[row] = found == [(start, end)]
    return free


def _moment(minutes: Any) -> datetime:
    return datetime.fromtimestamp(int(minutes) * 60, UTC)


def _site() -> Site:
    site: Site = policy.load("hub", Site)
    return site
