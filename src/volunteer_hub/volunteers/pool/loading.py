"""The pool of areas as they stand now, by one of three ways that give the same.

From rows: everything is read. From blocks: the kept blocks, then whoever changed since. Warm: what is in
memory, then whoever changed since. Whatever the way, the day is that of the transaction, and exceptions from
weekly patterns and the centres of communities, which are few, are read each time.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, LiteralString

import numpy as np
from psycopg import sql
from sqlalchemy import text

from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.packed import fetch
from volunteer_hub.core.site import Site
from volunteer_hub.volunteers.pool import blocks, people, reading
from volunteer_hub.volunteers.pool import rows as packed
from volunteer_hub.volunteers.pool.people import Pool
from volunteer_hub.volunteers.pool.reading import Moment, Tick
from volunteer_hub.volunteers.pool.rows import Columns, Rows

MOST_BYTES: Final = 1 << 30
"""Of memory for pools that are not in use: some ten million people with their skills."""
_CENTRES: Final = text("SELECT id, lat, lon FROM jurisdictions ORDER BY id")
_TIMES: Final[LiteralString] = """
SELECT coalesce(array_agg(holder), '{{}}'), coalesce(array_agg(starts), '{{}}'),
       coalesce(array_agg(ends), '{{}}'), coalesce(array_agg(available), '{{}}')
FROM (
  SELECT c.volunteer_id AS holder, floor(extract(epoch FROM c.starts_at) / 60)::int8 AS starts,
         ceil(extract(epoch FROM c.ends_at) / 60)::int8 AS ends, c.available::int::int8
  FROM availability_exceptions c JOIN volunteers v ON v.id = c.volunteer_id
  WHERE c.ends_at > {now} AND {who}
  UNION ALL
  SELECT c.volunteer_id, floor(extract(epoch FROM c.starts_at) / 60)::int8,
         ceil(extract(epoch FROM c.ends_at) / 60)::int8, 1
  FROM on_call c JOIN volunteers v ON v.id = c.volunteer_id WHERE c.ends_at > {now} AND {who}
) AS q
"""


def _nothing() -> None:
    pass


def load(tx: Tx, areas: Sequence[str], *, permission: str = "plan.request", tick: Tick = _nothing) -> Pool:
    """Everybody in these areas who may be called today, from rows. Raises NotFound for a foreign area."""
    _must_cover(tx, areas, permission)
    who = reading.inside(areas)
    return _pool(tx, who, reading.read(tx, who, tick))


def one(tx: Tx, volunteer_id: int, area: str) -> Pool:
    """The same of one person, whom the caller may read: nobody where they do not live in that area or may
    not be called today."""
    who = sql.SQL("{} AND {}").format(reading.between(volunteer_id, volunteer_id + 1), reading.inside([area]))
    return _pool(tx, who, reading.read(tx, who))


def within(tx: Tx, first: int, last: int, area: str) -> Pool:
    """The same of everybody in an area with an id in [first, last), whom the caller may read."""
    who = sql.SQL("{} AND {}").format(reading.between(first, last), reading.inside([area]))
    return _pool(tx, who, reading.read(tx, who))


def holders(tx: Tx, area: str, but: str, skills: Sequence[str], most: int) -> Pool:
    """Those who claim one of these skills in an area outside ``but``: what neighbours could lend. Nobody
    where they are more than ``most``. Raises NotFound for a foreign area."""
    _must_cover(tx, [area], "plan.request")
    claim = sql.SQL("EXISTS (SELECT 1 FROM skill_claims c WHERE c.volunteer_id = v.id AND c.skill = ANY({}))")
    who: sql.Composable = sql.SQL("{} AND NOT {} AND {}").format(
        reading.inside([area]), reading.inside([but]), claim.format(sql.Literal(list(skills)))
    )
    if len(reading.ids(tx, who)) > most:
        who = sql.SQL("false")
    return _pool(tx, who, reading.read(tx, who))


@dataclass(frozen=True)
class _Kept:
    rows: Rows
    moment: Moment


class Warm:
    """Pools kept in memory from one plan to the next; for one thread.

    Each is brought up to date by what changed since. What is beyond ``most_bytes`` goes, the area that was
    asked for longest ago first; the one just asked for stays.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the kept pools take."""
        return sum(kept.rows.nbytes for kept in self._kept.values())

    @property
    def areas(self) -> tuple[str, ...]:
        """Of which areas pools are kept, the one asked for last at the end."""
        return tuple(self._kept)

    def pool(self, tx: Tx, area: str, *, permission: str = "plan.request", tick: Tick = _nothing) -> Pool:
        """As `load` for one area, reading no more than is new."""
        _must_cover(tx, [area], permission)
        now = reading.moment(tx)
        kept = self._kept.pop(area, None)
        if kept is not None and (kept.moment.cluster, kept.moment.server) == (now.cluster, now.server):
            horizon = kept.moment.horizon
            rows = _up_to_date(tx, kept.rows, area, reading.since(horizon), horizon, tick)
        else:
            rows = _cold(tx, area, now, tick)
        if not now.writing:  # what this transaction wrote may yet be undone
            self._kept[area] = _Kept(rows, now)
            while self.nbytes > self._most and len(self._kept) > 1:
                self._kept.popitem(last=False)
        return _pool(tx, reading.inside([area]), rows)


def _cold(tx: Tx, area: str, now: Moment, tick: Tick) -> Rows:
    found = blocks.load(tx, area, now, tick)
    if found is None:
        return reading.read(tx, reading.inside([area]), tick)
    return _up_to_date(tx, *found, tick)


def _up_to_date(tx: Tx, rows: Rows, area: str, since: sql.Composable, horizon: int, tick: Tick) -> Rows:
    """Rows of an area with whoever changed since read anew: what they hold only where that changed since the
    ``horizon``, the earliest that ``since`` goes back to."""
    tick()
    holding = reading.held_since(horizon)
    ids = reading.ids(tx, since)
    if not len(ids):
        return rows
    holders = reading.ids(tx, sql.SQL("{} AND {}").format(since, holding))
    inside = sql.SQL("{} AND {}").format(since, reading.inside([area]))
    new = reading.read(tx, inside, tick, holding=holding)
    # Unless the transaction keeps one moment, a later query may know of more people than an earlier one.
    ids = np.union1d(ids, new.ids)
    gone = np.setdiff1d(ids, new.ids, assume_unique=True)
    return packed.changed(rows, ids, new, np.union1d(np.union1d(holders, gone), new.holders))


def _must_cover(tx: Tx, areas: Sequence[str], permission: str) -> None:
    for area in areas:
        tx.actor.must_cover(permission, area)


def _pool(tx: Tx, who: sql.Composable, rows: Rows) -> Pool:
    site: Site = policy.load("hub", Site)
    nodes = tx.execute(_CENTRES).all()
    centres = (
        np.array([node[0] for node in nodes], np.int64),
        np.array([node[1:] for node in nodes], np.float64),
    )
    today = tx.now.astimezone(site.timezone).date().toordinal()
    return people.of_rows(rows, centres, _times(tx, who), today)


def _times(tx: Tx, who: sql.Composable) -> Columns:
    query = sql.SQL(_TIMES).format(now=sql.Literal(tx.now), who=who)
    row = fetch(tx, query)
    names = ("holder", "start", "end", "available")
    return {name: np.array(values, np.int64) for name, values in zip(names, row, strict=True)}
