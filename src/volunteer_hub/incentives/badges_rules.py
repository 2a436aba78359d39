"""Badges and months in a row, worked out from deeds on record. Pure.

Nothing here can be lost by resting: a badge is kept, and only a question that was opened and left without any
answer ends a row of months. Who was not asked, paused or said no is where they were.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from volunteer_hub.incentives.badges_policy import Badge, Fact
from volunteer_hub.incentives.policy import NightHours
from volunteer_hub.incentives.recognition_rules import previous

_DAY: Final = timedelta(days=1)
_LEAST: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Earned:
    """A badge, and the deed that completed it."""

    badge: Badge
    at: datetime


def earned(badges: Sequence[Badge], deeds: Mapping[Fact, Collection[datetime]]) -> list[Earned]:
    """The badges somebody has, the latest first; ``deeds``: when each of a fact happened."""
    found = [
        Earned(badge, sorted(deeds[badge.fact])[badge.count - 1])
        for badge in badges
        if len(deeds.get(badge.fact, ())) >= badge.count
    ]
    return sorted(found, key=lambda one: one.at, reverse=True)


def firsts(deeds: Collection[tuple[str, datetime]]) -> list[datetime]:
    """When each different thing happened first."""
    first: dict[str, datetime] = {}
    for what, at in deeds:
        first[what] = min(at, first.get(what, at))
    return list(first.values())


def at_night(begins: datetime, ends: datetime, zone: ZoneInfo, night: NightHours) -> bool:
    """Whether an hour or more lies in the night of that zone."""
    day, last = begins.astimezone(zone).date() - _DAY, ends.astimezone(zone).date()
    while day <= last:
        until = day if night.starts <= night.ends else day + _DAY
        dark = max(begins, _moment(day, night.starts, zone)), min(ends, _moment(until, night.ends, zone))
        if dark[1] - dark[0] >= _LEAST:
            return True
        day += _DAY
    return False


def months(kept: Collection[date], silent: Collection[date], this: date) -> int:
    """Months in a row with a duty or an answer to a drill, up to ``this`` one; each is its first day.

    A month with neither is passed over; one in which a question was opened and nothing answered (``silent``)
    ends the row, and never before it is over.
    """
    first, month, count = min(kept, default=this), this, 0
    while month >= first:
        if month in kept:
            count += 1
        elif month in silent and month != this:
            break
        month = previous(month)
    return count


def _moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    # In UTC: the difference of two times of one zone would be that of the clocks on the wall.
    return datetime.combine(day, at, zone).astimezone(UTC)
