"""Calendar rules: five-field cron and iCalendar RRULE (RFC 5545), expanded to moments. Pure.

A rule is read on the wall clock of the plan's zone and then converted: a time left out in spring moves
forward by the gap, a time repeated in autumn fires once, at its first passing. A rule that goes by the hour
(FREQ=HOURLY, or a cron whose hours begin with *) is read in UTC, where no hour is left out or repeated.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice, pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo

from dateutil.rrule import YEARLY, rrule, rruleset, rrulestr

from volunteer_hub.core.errors import Malformed

CLOSEST: Final = timedelta(hours=1)
"""Drills of one plan are no closer: a slip such as "* 9 * * *" would start sixty in an hour."""
LONGEST: Final = 300
_HORIZON: Final = timedelta(days=366 * 31)  # five 29ths of February, even around a century
_HORIZON_DAILY: Final = timedelta(days=366 * 9)  # a rule that goes by days or hours is slower to search
_LAST: Final = datetime(9999, 1, 1)  # noqa: DTZ001  (wall-clock times have no zone yet)
_LOOKED_AT: Final = 100
_FREQUENCIES: Final = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY")
_PART: Final = re.compile(r"([A-Z]+)=([A-Z0-9,+-]+)")
_UNTIL: Final = re.compile(r"([0-9]{8})(?:T([0-9]{6})(Z?))?")
_MONTHS: Final = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_WEEKDAYS: Final = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_MONTH_NUMBERS: Final = {name: str(number) for number, name in enumerate(_MONTHS, 1)}
_WEEKDAY_NUMBERS: Final = {name: str(number) for number, name in enumerate(_WEEKDAYS)}
_ITEM: Final = re.compile(r"(?:\*|([0-9]{1,2})(?:-([0-9]{1,2}))?)(?:/([0-9]{1,2}))?")
_RANGES: Final[Mapping[str, tuple[int, int]]] = {
    "INTERVAL": (1, 1_000),
    "COUNT": (1, 10_000),
    "BYMONTH": (1, 12),
    "BYMONTHDAY": (1, 31),
    "BYYEARDAY": (1, 366),
    "BYWEEKNO": (1, 53),
    "BYHOUR": (0, 23),
    "BYMINUTE": (0, 59),
    "BYSECOND": (0, 59),
    "BYSETPOS": (1, 366),
}
"""Smallest and largest size of each number; dateutil loops for ever over some that lie outside."""


@dataclass(frozen=True)
class Cron:
    """The values a cron allows. ``days`` and ``weekdays`` (Monday 0) are None for ``*``; with both given, a
    day of either kind will do, as cron has it."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...] | None
    months: tuple[int, ...]
    weekdays: tuple[int, ...] | None
    hourly: bool

    def times(self, _since: datetime, after: datetime, _clock: tzinfo) -> Iterator[datetime]:
        """Its wall-clock times from ``after`` on, rising."""
        kinds: dict[str, Any] = {"bymonthday": self.days, "byweekday": self.weekdays}
        given = {name: values for name, values in kinds.items() if values is not None}
        either = rruleset()
        for name, values in (given or {"bymonthday": tuple(range(1, 32))}).items():
            clock: dict[str, Any] = {"byhour": self.hours, "byminute": self.minutes, "bysecond": 0}
            until = _horizon(after, _HORIZON)
            start = after.replace(microsecond=0)
            rule = rrule(YEARLY, dtstart=start, until=until, bymonth=self.months, **clock, **{name: values})
            either.rrule(rule)
        return iter(either)


@dataclass(frozen=True)
class Recurrence:
    """An RRULE by its parts. What it does not say of the hour is midnight, of the day that of ``since``."""

    parts: Mapping[str, str]

    @property
    def hourly(self) -> bool:
        """Whether it goes by the hour."""
        return self.parts["FREQ"] == "HOURLY"

    def times(self, since: datetime, after: datetime, clock: tzinfo) -> Iterator[datetime]:
        """Its wall-clock times, rising, some of them perhaps before ``after``. Raises ValueError and the like
        for parts that do not go together."""
        parts = dict(self.parts)
        count = int(parts.pop("COUNT")) if "COUNT" in parts else None
        start = since.replace(hour=0, minute=0, second=0, microsecond=0)
        if self._starts_anywhere():
            start = max(start, after.replace(hour=0, minute=0, second=0, microsecond=0))
        until = _horizon(after, _HORIZON_DAILY if self._by_days_or_hours() else _HORIZON)
        until = min(until, _until(parts.pop("UNTIL"), clock)) if "UNTIL" in parts else until
        text = ";".join(f"{name}={value}" for name, value in parts.items())
        rule = rrulestr(f"{text};UNTIL={until:%Y%m%dT%H%M%S}", dtstart=start)
        return islice(iter(rule), count)

    def _starts_anywhere(self) -> bool:
        """Whether the day it is reckoned from makes no difference: then years past need no counting."""
        every = self.parts.get("INTERVAL", "1") == "1" and "COUNT" not in self.parts
        return every and self._by_days_or_hours()

    def _by_days_or_hours(self) -> bool:
        return self.parts["FREQ"] in ("DAILY", "HOURLY")


def check(rule: str, zone: str, since: datetime, *, apart: timedelta = CLOSEST) -> str:
    """The rule, trimmed. Raises Malformed for a rule or zone that cannot be read, for one that never fires
    and for one that fires more often than once an hour, or than once in the time ``apart``."""
    text, timezone = rule.strip(), zone_of(zone)
    _, times = _wall_clock(text, timezone, since, since)
    looked_at = list(islice(times, _LOOKED_AT))
    gap = min((right - left for left, right in pairwise(looked_at)), default=timedelta.max)
    if gap < CLOSEST:
        raise Malformed("drill.rule_often")
    if gap < apart:
        raise Malformed("drill.rule_jitter")
    if not looked_at or not next_occurrences(text, timezone, since, 1, since=since):
        raise Malformed("drill.rule_never")
    return text


def zone_of(name: str) -> ZoneInfo:
    """The time zone. Raises Malformed for a name that is not in the IANA database."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise Malformed("drill.zone", zone=name[:60]) from None


def next_occurrences(
    rule: str, zone: ZoneInfo, after: datetime, n: int, *, since: datetime | None = None
) -> list[datetime]:
    """The next ``n`` moments (UTC) after ``after``, fewer where the rule ends. Raises Malformed for a rule
    that cannot be read. ``since``: from whose local day on intervals and counts are reckoned."""
    return list(islice(occurrences(rule, zone, after, since=since), n))


def occurrences(
    rule: str, zone: ZoneInfo, after: datetime, *, since: datetime | None = None
) -> Iterator[datetime]:
    """`next_occurrences` without an end of its own: at least nine years of them."""
    clock, times = _wall_clock(rule, zone, since or after, after)
    last = after
    for wall in times:
        moment = wall.replace(tzinfo=clock, fold=0).astimezone(UTC)
        if moment > last:  # a gap may move one time onto the next
            yield moment
            last = moment


def _wall_clock(
    rule: str, zone: ZoneInfo, since: datetime, after: datetime
) -> tuple[tzinfo, Iterator[datetime]]:
    """The clock a rule is read on, and its times there, from a day before: a gap moves times forward."""
    parsed = parse(rule)
    clock: tzinfo = UTC if parsed.hourly else zone
    first, start = (moment.astimezone(clock).replace(tzinfo=None) for moment in (since, after))

    def times() -> Iterator[datetime]:
        try:
            yield from parsed.times(first, start - timedelta(days=1), clock)
        except (ValueError, TypeError, KeyError, IndexError):  # dateutil's, for parts that do not go together
            raise Malformed("drill.rule", rule=rule[:60]) from None

    return clock, times()


def parse(rule: str) -> Cron | Recurrence:
    """A rule by its parts. Raises Malformed."""
    unreadable = Malformed("drill.rule", rule=rule[:60])
    if len(rule) > LONGEST:
        raise unreadable
    try:
        return _recurrence(rule.removeprefix("RRULE:")) if "=" in rule else _cron(rule)
    except ValueError:
        raise unreadable from None


def _recurrence(rule: str) -> Recurrence:
    found = [_PART.fullmatch(part) for part in rule.rstrip(";").split(";")]
    pairs = [(match[1], match[2]) for match in found if match is not None]
    parts = dict(pairs)
    if len(parts) < len(found) or parts.get("FREQ") not in _FREQUENCIES:
        raise ValueError(rule)
    for name in _RANGES.keys() & parts.keys():
        low, high = _RANGES[name]
        if not all(low <= abs(int(number)) <= high for number in parts[name].split(",")):
            raise ValueError(name)
    if int(parts.get("COUNT", 1)) < 1 or int(parts.get("INTERVAL", 1)) < 1:
        raise ValueError(rule)
    return Recurrence(parts)


def _until(text: str, clock: tzinfo) -> datetime:
    """The last wall-clock time; a day without an hour is meant to its end."""
    match = _UNTIL.fullmatch(text)
    if match is None:
        raise ValueError(text)
    day, hour, zulu = match.groups()
    wall = datetime.strptime(day + (hour or "235959"), "%Y%m%d%H%M%S")  # noqa: DTZ007  (the zone follows)
    return wall.replace(tzinfo=UTC).astimezone(clock).replace(tzinfo=None) if zulu else wall


def _horizon(after: datetime, length: timedelta) -> datetime:
    return min(after, _LAST - length) + length


def _cron(rule: str) -> Cron:
    minute, hour, day, month, weekday = rule.upper().split()
    weekdays = _values(weekday, 0, 7, _WEEKDAY_NUMBERS)
    return Cron(
        minutes=_values(minute, 0, 59),
        hours=_values(hour, 0, 23),
        days=None if day == "*" else _values(day, 1, 31),
        months=_values(month, 1, 12, _MONTH_NUMBERS),
        weekdays=None if weekday == "*" else tuple(sorted({(n - 1) % 7 for n in weekdays})),
        hourly=hour.startswith("*"),
    )


def _values(field: str, low: int, high: int, names: Mapping[str, str] | None = None) -> tuple[int, ...]:
    values: set[int] = set()
    for name, number in (names or {}).items():
        field = field.replace(name, number)
    for item in field.split(","):
        match = _ITEM.fullmatch(item)
        if match is None:
            raise ValueError(item)
        first, last, step = match.groups()
        begin = low if first is None else int(first)
        end = int(last) if last else (high if first is None or step else begin)
        if not low <= begin <= end <= high or step in ("0", "00"):
            raise ValueError(item)
        values.update(range(begin, end + 1, int(step or 1)))
    return tuple(sorted(values))
