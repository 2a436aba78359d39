"""The pool as planning sees it on a day: who may be called, from where, when, and what they count for."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from volunteer_hub.core import policy
from volunteer_hub.core.site import Site
from volunteer_hub.volunteers import week
from volunteer_hub.volunteers.pool.reading import FIT_BIT, FOREVER, MODE_BIT, PLEDGED_BIT
from volunteer_hub.volunteers.pool.rows import ID_SHIFT, LEVELS, Columns, Ints, Rows
from volunteer_hub.volunteers.skills import taxonomy

Days = NDArray[np.int32]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
_WEEK: Final = (1 << MODE_BIT) - 1
_MODE: Final = (1 << FIT_BIT - MODE_BIT) - 1


@dataclass(frozen=True)
class Pool:
    """Everybody who may be called, one position a person in every array of the first group.

    Days are ordinals of the proleptic calendar (date.toordinal), minutes count from 1970 in UTC.
    """

    ids: Ints  # ascending
    area_ids: NDArray[np.int32]  # jurisdictions.id of the home
    lat: Floats
    lon: Floats
    max_km: Floats  # inf where none was given
    birthday: Days  # FOREVER where unknown: never of age
    insured_until: Days  # 0 where not insured
    mask: NDArray[np.int32]  # the weekly pattern
    mode: NDArray[np.int8]  # index into MODES
    fit: Bools
    pledged: Bools  # called only for what they named, never for a slot without a skill

    exception_row: Ints  # times that break the pattern, and on-call duty (available)
    exception_start: Ints
    exception_end: Ints
    exception_available: Bools

    skills: tuple[str, ...]
    today: int
    _held: "_Held" = field(repr=False)

    def __len__(self) -> int:
        return len(self.ids)

    def counts_until(self, skill: str, level: int) -> Days:
        """The last day on which each person counts for a skill at a level, substitution and certifications
        included; FOREVER without an end, 0 for who does not count today.

        The same as `rules.level_on` says of one person on one day.
        """
        policies = taxonomy()
        until = np.zeros(len(self), np.int32)
        for held in policies.stands_in(skill):
            rows, levels = self._held.claims(self.skills.index(held))
            rows = rows[levels >= level]
            needed = next((one for one in (held, skill) if policies.skills[one].certified), None)
            if needed is None:
                until[rows] = FOREVER
            else:
                certified = self._held.papers(self.skills.index(needed), len(self))[rows]
                until[rows] = np.maximum(until[rows], certified)
        if policies.skills[skill].everyone and level == 1:
            until[:] = FOREVER
        until[until < self.today] = 0
        if self.pledged.any():
            until[self.pledged & ~self._pledged_for(skill)] = 0
        return until

    def _pledged_for(self, skill: str) -> Bools:
        named = np.zeros(len(self), np.bool_)
        for code in taxonomy().stands_in(skill):
            named[self._held.pledges(self.skills.index(code))] = True
        return named


class _Held:
    """Claims, papers and pledges of the people of a pool, by skill; who holds one is found when it is asked
    for, so that a pool of the day costs no more than what is asked of it."""

    def __init__(self, ids: Ints, rows: Rows) -> None:
        self._ids, self._rows = np.append(ids, -1), rows
        self._known: dict[int, Days] = {}

    def claims(self, skill: int) -> tuple[Ints, Ints]:
        """Rows of who claims a skill, each once, and their levels."""
        at, rows = self._of("claims", skill)
        return rows, self._rows.tables["claims"]["key"][at] & LEVELS

    def papers(self, skill: int, people: int) -> Days:
        """The last day of everybody's certification for a skill, 0 for none."""
        if skill not in self._known:
            at, rows = self._of("papers", skill)
            until = np.zeros(people, np.int32)
            until[rows] = self._rows.tables["papers"]["until"][at]
            self._known[skill] = until
        return self._known[skill]

    def pledges(self, skill: int) -> Ints:
        """Rows of who pledged this skill."""
        return self._of("pledges", skill)[1]

    def _of(self, table: str, skill: int) -> tuple[NDArray[np.int32], Ints]:
        """Positions in the table, and the rows of their people; of people who are not in the pool none."""
        at = self._rows.of_skill(table, skill)
        holder = self._rows.tables[table]["key"][at] >> ID_SHIFT
        row = np.searchsorted(self._ids[:-1], holder)
        known = self._ids[row] == holder
        return (at, row) if known.all() else (at[known], row[known])


def of_rows(rows: Rows, centres: tuple[Ints, Floats], times: Columns, today: int) -> Pool:
    """The pool of a day.

    ``centres``: ids of jurisdictions, ascending, and their latitudes and longitudes [n, 2]: where those are
    who gave no position of their own. ``times``: holder, start, end, available of what breaks the weekly
    pattern.
    """
    people = rows.tables["people"]
    called = people["since"] <= today
    if not called.all():
        people = {name: column[called] for name, column in people.items()}
    ids, bits = people["id"], people["bits"]
    lat, lon = _placed(people, centres)
    place = np.searchsorted(ids, times["holder"])
    there = np.append(ids, -1)[place] == times["holder"]
    return Pool(
        ids=ids,
        area_ids=people["area"],
        lat=lat,
        lon=lon,
        max_km=people["max_km"],
        birthday=people["birthday"],
        insured_until=people["insured_until"],
        mask=bits & _WEEK,
        mode=(bits >> MODE_BIT & _MODE).astype(np.int8),
        fit=(bits >> FIT_BIT & 1).astype(np.bool_),
        pledged=(bits >> PLEDGED_BIT & 1).astype(np.bool_),
        exception_row=place[there],
        exception_start=times["start"][there],
        exception_end=times["end"][there],
        exception_available=times["available"][there] != 0,
        skills=tuple(taxonomy().skills),
        today=today,
        _held=_Held(ids, rows),
    )


def _placed(people: Columns, centres: tuple[Ints, Floats]) -> tuple[Floats, Floats]:
    """Positions, those of the home's jurisdiction for who gave none."""
    lat, lon = people["lat"], people["lon"]
    missing = np.flatnonzero(np.isnan(lat) | np.isnan(lon))
    if len(missing):
        lat, lon = lat.copy(), lon.copy()
        there = centres[1][np.searchsorted(centres[0], people["area"][missing])]
        lat[missing] = np.where(np.isnan(lat[missing]), there[:, 0], lat[missing])
        lon[missing] = np.where(np.isnan(lon[missing]), there[:, 1], lon[missing])
    return lat, lon


def free_throughout(pool: Pool, start: datetime, end: datetime) -> Bools:
    """Who is free from start to end: by the pattern, then for the few with exceptions by `week.free`."""
    site: Site = policy.load("hub", Site)
    night = (site.timezone, site.night.starts, site.night.ends)
    cells = week.cells_between(start, end, *night)
    free: Bools = (pool.mask & cells) == cells
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
