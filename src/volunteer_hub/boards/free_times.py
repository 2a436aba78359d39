"""When people are free, as intervals of minutes for the planner: one pass over all weekly patterns."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from volunteer_hub.core.site import Night
from volunteer_hub.engine.problem import FOREVER, Intervals
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

    def end_of_days(self, ordinals: Ints) -> Ints:
        """The minute at which each local day ends; FOREVER for the calendar's last one."""
        days, each = np.unique(ordinals, return_inverse=True)
        ends = [
            FOREVER if day >= people_pool.FOREVER else self._minute_of(date.fromordinal(max(1, day)))
            for day in days.tolist()
        ]
        return np.array(ends, dtype=np.int64)[each]

    def _minute_of(self, day: date) -> int:
        midnight = datetime(day.year, day.month, day.day, tzinfo=self.zone) + timedelta(days=1)
        return int(midnight.astimezone(UTC).timestamp() // 60) - self.minute


def free(pool: Pool, rows: Ints, place: Place, span: int) -> Intervals:
    """When each of the pool's rows is free within [0, span): pattern, then exceptions and on-call duty."""
    bits, starts, ends = _cells(place, span)
    pattern = (pool.mask[rows, None] >> bits[None, :]) & 1
    special = _special(pool, place, span)
    at = {int(row): position for position, row in enumerate(rows.tolist())} if special else {}
    changed = {at[row]: found for row, found in special.items() if row in at}
    pattern[list(changed)] = 0
    # Cells tile the time, so that a run of free cells is one interval: it starts where a 1 follows a 0.
    edges = np.diff(pattern, axis=1, prepend=0, append=0)
    person, first = np.nonzero(edges == 1)
    _, after = np.nonzero(edges == -1)
    more = [(position, a, b) for position, found in changed.items() for a, b in found]
    extra = np.array(more, dtype=np.int64).reshape(-1, 3)
    who = np.concatenate([person, extra[:, 0]])
    since = np.concatenate([starts[first], extra[:, 1]])
    until = np.concatenate([ends[after - 1], extra[:, 2]])
    order = np.lexsort((since, who))
    counts = np.bincount(who, minlength=len(rows))
    return Intervals(np.concatenate([[0], np.cumsum(counts)]), since[order], until[order])


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
