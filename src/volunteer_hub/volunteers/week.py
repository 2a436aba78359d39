"""The weekly pattern: fourteen cells, a day and a night for each weekday, and the free times they make.

Bit ``2 * weekday + night``; Monday's day is bit 0. A night cell starts at the night's start on its day and
ends at the next end of the night; the day cell before it is the rest of that day's 24 hours.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

CELLS: Final = 14
ALWAYS: Final = (1 << CELLS) - 1
Interval = tuple[datetime, datetime]


def bit(weekday: int, *, night: bool) -> int:
    """The bit of one cell; weekday 0 is Monday."""
    return 1 << (2 * weekday + night)


def from_text(cells: str) -> int:
    """The mask of 14 characters 0 or 1, Monday's day first. Raises ValueError for anything else."""
    if len(cells) != CELLS or not set(cells) <= {"0", "1"}:
        raise ValueError(cells)
    return int(cells[::-1], 2)


def to_text(mask: int) -> str:
    """The 14 characters of a mask."""
    return f"{mask:014b}"[::-1]


def cells_between(start: datetime, end: datetime, zone: ZoneInfo, starts: time, ends: time) -> int:
    """The mask of all cells that a time touches: who has every bit of it is free throughout."""
    return sum({one for one, _, _ in _cells(start, end, zone, starts, ends)})


def free(
    mask: int,
    window: Interval,
    zone: ZoneInfo,
    starts: time,
    ends: time,
    *,
    on_call: Iterable[Interval] = (),
    more: Iterable[Interval] = (),
    less: Iterable[Interval] = (),
) -> list[Interval]:
    """The free times within a window, in UTC, apart from one another.

    The pattern's cells, with on-call duty and times added, minus times taken away: where both are stated,
    not free wins. ``starts`` and ``ends`` bound the night in local time.
    """
    free_cells = [(a, b) for one, a, b in _cells(*window, zone, starts, ends) if mask & one]
    found = _merged([*free_cells, *on_call, *more])
    for gone in less:
        found = [part for have in found for part in _without(have, gone)]
    clipped = [(max(a, window[0]), min(b, window[1])) for a, b in found]
    return [(a.astimezone(UTC), b.astimezone(UTC)) for a, b in clipped if a < b]


def _cells(
    start: datetime, end: datetime, zone: ZoneInfo, starts: time, ends: time
) -> list[tuple[int, datetime, datetime]]:
    """Every cell that touches [start, end) as (bit, from, to)."""
    cells = []
    day = start.astimezone(zone).date() - timedelta(days=1)
    while day <= end.astimezone(zone).date():
        dusk, dawn = _at(day, starts, zone), _at(day, ends, zone)
        if dusk >= dawn:  # the night runs over midnight
            edges = (dawn, dusk, _at(day + timedelta(days=1), ends, zone))
            cells += [
                (bit(day.weekday(), night=False), edges[0], edges[1]),
                (bit(day.weekday(), night=True), edges[1], edges[2]),
            ]
        else:
            cells += [
                (bit(day.weekday(), night=True), dusk, dawn),
                (bit(day.weekday(), night=False), dawn, _at(day + timedelta(days=1), starts, zone)),
            ]
        day += timedelta(days=1)
    return [(one, a, b) for one, a, b in cells if a < end and start < b]


def _at(day: date, hour: time, zone: ZoneInfo) -> datetime:
    """A wall clock reading as a moment; compared in UTC, since zoned values compare by their wall clocks."""
    return datetime.combine(day, hour, zone).astimezone(UTC)


def _merged(parts: Iterable[Interval]) -> list[Interval]:
    merged: list[Interval] = []
    for a, b in sorted(parts):
        if merged and a <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(b, merged[-1][1]))
        else:
            merged.append((a, b))
    return merged


def _without(have: Interval, gone: Interval) -> list[Interval]:
    parts = [(have[0], min(have[1], gone[0])), (max(have[0], gone[1]), have[1])]
    return [(a, b) for a, b in parts if a < b]
