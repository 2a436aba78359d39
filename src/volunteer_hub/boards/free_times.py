"""When people are free, as intervals of minutes for the planner: one pass over all weekly patterns."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from volunteer_hub.core.site import Night
from volunteer_hub.engine.problem import FOREVER, LONG_AGO, Intervals, Minutes
from volunteer_hub.volunteers import pool as people_pool
from volunteer_hub.volunteers import week
from volunteer_hub.volunteers.pool import Pool

Ints = NDArray[np.int64]
DAY: Final = 24 * 60
_NIGHTS: Final = sum(week.bit(weekday, night=True) for weekday in range(7))


@dataclass(frozen=True)
class Place:
    """Where and from when minutes are counted. ``minute`` is the epoch in minutes since 1970."""

    zone: ZoneInfo
    night: Night
    epoch: datetime
    minute: int

    @classmethod
    def of(cls, zone: str, night: Night, epoch: datetime) -> "Place":
        return cls(ZoneInfo(zone), night, epoch, int(epoch.timestamp() // 60))

    def moment(self, minute: int) -> datetime:
        """The moment that many minutes after the epoch, in UTC."""
        return self.epoch + timedelta(minutes=minute)

    def day(self, minute: int) -> date:
        """The local day of a minute."""
        return self.moment(minute).astimezone(self.zone).date()

    def span(self, ends: Ints) -> int:
        """The minute at which the last slot ends; a day where there is none."""
        return int(ends.max(initial=0)) or DAY

    def touches_night(self, start: int, end: int) -> bool:
        """Whether any of these minutes lies in a local night."""
        cells = week.cells_between(
            self.moment(start), self.moment(end), self.zone, self.night.starts, self.night.ends
        )
        return bool(cells & _NIGHTS)

    def next_night(self, minute: int) -> tuple[int, int]:
        """The first local night that begins at that minute or later, as minutes."""
        day = self.day(minute) - timedelta(days=1)
        while True:
            start = self._minute_at(day, self.night.starts)
            if start >= minute:
                over = self.night.ends <= self.night.starts
                return start, self._minute_at(day + timedelta(days=int(over)), self.night.ends)
            day += timedelta(days=1)

    def _minute_at(self, day: date, hour: time) -> int:
        return int(datetime.combine(day, hour, self.zone).timestamp() // 60) - self.minute

    def end_of_days(self, ordinals: NDArray[np.int32]) -> Minutes:
        """The minute at which each local day ends; FOREVER for the calendar's last one. Days are not before
        the calendar's first."""
        ends = np.full(len(ordinals), FOREVER, np.int32)
        finite = np.flatnonzero(ordinals < people_pool.FOREVER)
        if len(finite):
            first = int(ordinals[finite].min())
            which = ordinals[finite] - first
            days = np.flatnonzero(np.bincount(which))
            table = np.zeros(int(days[-1]) + 1, np.int64)
            table[days] = [self._minute_of(date.fromordinal(first + day)) for day in days.tolist()]
            ends[finite] = np.clip(table, LONG_AGO, FOREVER)[which]
        return ends

    def _minute_of(self, day: date) -> int:
        midnight = datetime(day.year, day.month, day.day, tzinfo=self.zone) + timedelta(days=1)
        return int(midnight.astimezone(UTC).timestamp() // 60) - self.minute


def free(pool: Pool, rows: Ints, place: Place, span: int) -> Intervals:
    """When each of the pool's rows is free within [0, span): pattern, then exceptions and on-call duty."""
    mask = pool.mask[rows]
    first, starts, ends = _by_pattern(mask, place, span)
    counts = np.diff(first)[mask]
    changed = _at(rows, _special(pool, place, span))
    counts[list(changed)] = [len(found) for found in changed.values()]
    into = np.concatenate([[0], np.cumsum(counts)])
    # Positions in the patterns' lists, one after the other for each person.
    source = np.repeat(first[mask] - into[:-1], counts) + np.arange(into[-1])
    apart = np.repeat(np.isin(np.arange(len(rows)), list(changed)), counts)
    source[apart] = 0  # theirs may lead beyond the lists
    since, until = np.append(starts, 0)[source], np.append(ends, 0)[source]
    own = np.array([window for found in changed.values() for window in found], np.int64).reshape(-1, 2)
    since[apart], until[apart] = own[:, 0], own[:, 1]
    return Intervals(into, since, until)


def _at(rows: Ints, special: dict[int, list[tuple[int, int]]]) -> dict[int, list[tuple[int, int]]]:
    """What holds for some rows by their positions among ``rows`` (ascending), ascending too."""
    keys = np.array(sorted(special), dtype=np.int64)
    at = np.searchsorted(rows, keys)
    there = np.append(rows, -1)[at] == keys
    return {place: special[key] for place, key in zip(at[there].tolist(), keys[there].tolist(), strict=True)}


def _by_pattern(masks: NDArray[np.integer[Any]], place: Place, span: int) -> tuple[Ints, Ints, Ints]:
    """For each weekly pattern that somebody has when it is free: the rows first[mask] : first[mask + 1]."""
    bits, starts, ends = _cells(place, span)
    held = np.flatnonzero(np.bincount(masks, minlength=week.ALWAYS + 1))
    # A bit a byte: work a year ahead is 730 cells for up to 16,384 patterns.
    pattern = ((held[:, None] >> bits[None, :]) & 1).astype(np.int8)
    # Cells tile the time, so that a run of free cells is one interval: it starts where a 1 follows a 0.
    edges = np.diff(pattern, axis=1, prepend=0, append=0)
    which, opens = np.nonzero(edges == 1)
    _, after = np.nonzero(edges == -1)
    counts = np.bincount(held[which], minlength=week.ALWAYS + 1)
    return np.concatenate([[0], np.cumsum(counts)]), starts[opens], ends[after - 1]


def _cells(place: Place, span: int) -> tuple[Ints, Ints, Ints]:
    """Which cell of the week each stretch of the window is, in order: bit numbers, first and last minutes."""
    window = (place.epoch, place.moment(span))
    night = (place.zone, place.night.starts, place.night.ends)
    cells = sorted(
        (_minutes(a, place), _minutes(b, place), bit)
        for bit in range(week.CELLS)
        for a, b in week.free(1 << bit, window, *night)
    )
    starts, ends, bits = np.array(cells, dtype=np.int64).reshape(-1, 3).T
    return bits, starts, ends


def _special(pool: Pool, place: Place, span: int) -> dict[int, list[tuple[int, int]]]:
    """Row -> free intervals of everybody with an exception or on-call duty in the window."""
    start, end = pool.exception_start - place.minute, pool.exception_end - place.minute
    more: dict[int, list[week.Interval]] = {}
    less: dict[int, list[week.Interval]] = {}
    for index in np.flatnonzero((start < span) & (end > 0)).tolist():
        side = more if pool.exception_available[index] else less
        stretch = (place.moment(int(start[index])), place.moment(int(end[index])))
        side.setdefault(int(pool.exception_row[index]), []).append(stretch)
    window = (place.epoch, place.moment(span))
    night = (place.zone, place.night.starts, place.night.ends)
    return {
        row: [
            (_minutes(a, place), _minutes(b, place))
            for a, b in week.free(
                int(pool.mask[row]), window, *night, more=more.get(row, ()), less=less.get(row, ())
            )
        ]
        for row in more.keys() | less.keys()
    }


def _minutes(moment: datetime, place: Place) -> int:
    return int(moment.timestamp() // 60) - place.minute
