"""What service is worth, and why: points and volunteer hours by config/rewards.toml. Pure; integers only."""

from calendar import monthrange
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

from volunteer_hub.core.errors import Malformed
from volunteer_hub.incentives.policy import Rewards

SATURDAY: Final = 5
LONGEST_REASON: Final = 500
MOST_ADJUSTED: Final = 100_000
MOST_MINUTES: Final = 7 * 24 * 60
_MINUTE: Final = timedelta(minutes=1)
_DAY: Final = timedelta(days=1)


class AccountKind(StrEnum):
    """Whose points: a person's, an area's fund, or one of the three the others come from and go to."""

    PERSON = "person"
    FUND = "fund"
    POOL = "pool"
    REWARD = "reward"
    EXPIRY = "expiry"


class EntryKind(StrEnum):
    """Why points moved. A person loses some only by the last five, the last two with a reason."""

    DUTY = "duty"
    STANDBY = "standby"
    DRILL = "drill"
    SURVEY = "survey"
    TRAINING = "training"
    REPORT = "report"
    EXPIRY = "expiry"
    REDEMPTION = "redemption"
    GIFT = "gift"
    ADJUSTMENT = "adjustment"
    REVERSAL = "reversal"


class Kind(StrEnum):
    """Of the duty: a drill is paid per deed, not by the hour."""

    REAL = "real"
    DRILL = "drill"


class Grade(StrEnum):
    """The evidence of a duty. A: own check-in; B: confirmed by a leader; C: typed in later."""

    A = "A"
    B = "B"
    C = "C"


class Review(StrEnum):
    """Where hours stand: nothing spoke against them, or somebody looks at them, or has."""

    CLEAR = "clear"
    WAITING = "waiting"
    ACCEPTED = "accepted"
    CORRECTED = "corrected"
    REFUSED = "refused"


class Basis(StrEnum):
    """How the person came into service."""

    ELECTION = "election"
    EMPLOYMENT = "employment"
    COORDINATION = "coordination"
    COMPULSORY = "compulsory"
    VOLUNTARY = "voluntary"


WITH_REASON: Final = frozenset({EntryKind.ADJUSTMENT, EntryKind.REVERSAL})
"""The kinds that somebody decides on, and says why. Besides them only expiry and spending take points."""


@dataclass(frozen=True)
class Line:
    """One part of the sum: a code of the catalogue (``points.line.<code>``), its points and its numbers."""

    code: str
    points: int
    params: Mapping[str, Any] = field(default_factory=dict)

    def stored(self) -> dict[str, Any]:
        """As a ledger entry keeps it."""
        return {"code": self.code, "points": self.points, "params": dict(self.params)}


@dataclass(frozen=True)
class Award:
    """Points with the lines that add up to them, and how many belong to which local day."""

    points: int
    days: Mapping[date, int]
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Service:
    """One duty from check-in to check-out, in the zone of its place."""

    begins: datetime
    ends: datetime
    zone: ZoneInfo
    kind: Kind
    grade: Grade
    basis: Basis
    hazardous: bool = False
    leader: bool = False
    level_percent: int = 100
    approved: bool = False
    """Somebody has looked at the evidence and accepted it."""

    @property
    def minutes(self) -> int:
        """Whole minutes. Raises Malformed when the end lies before the beginning."""
        if self.ends < self.begins:
            raise Malformed("points.times")
        return (self.ends - self.begins) // _MINUTE


@dataclass(frozen=True)
class _Minutes:
    """Minutes of service so far: all, and those of the night and of the weekend."""

    total: int = 0
    night: int = 0
    weekend: int = 0


def award(service: Service, policy: Rewards, earned: Mapping[date, int]) -> Award:
    """What a duty pays, given the points the person has earned on local days before.

    A real duty pays by whole hours, a drill once; evidence that does not convert pays nothing. Points
    belong to the local days on which they were earned, and the caps cut them there.
    """
    if not converts(service.grade, policy, approved=service.approved):
        line = Line("unproven", 0, {"grade": service.grade.value, "minutes": service.minutes})
        return Award(0, {}, (line,))
    if service.kind is Kind.DRILL:
        day = service.ends.astimezone(service.zone).date()
        return deed(EntryKind.DRILL, policy.points.drill, day, policy, earned)
    days = _minutes_by_day(service, policy)
    lines = _hour_lines(days[-1][1], service, policy)
    return _capped(lines, _points_by_day(days, service, policy), policy, earned)


def standby(minutes: int, day: date, policy: Rewards, earned: Mapping[date, int]) -> Award:
    """What standing by pays, by whole hours."""
    hours, rate = max(0, minutes) // 60, policy.points.standby_hour
    line = Line("standby", hours * rate, {"hours": hours, "rate": rate})
    return _capped((line,), {day: line.points}, policy, earned)


def deed(kind: EntryKind, points: int, day: date, policy: Rewards, earned: Mapping[date, int]) -> Award:
    """What a deed pays that is not counted in hours: a drill, an answered survey, a course passed."""
    return _capped((Line(kind.value, points),), {day: points}, policy, earned)


def converts(grade: Grade, policy: Rewards, *, approved: bool = False) -> bool:
    """Whether such evidence becomes points: by its grade, or because somebody has looked at it."""
    return grade in policy.converts or (approved and policy.flags.approved_converts)


def counts_as_hours(grade: Grade, basis: Basis, policy: Rewards, *, approved: bool = False) -> bool:
    """Whether the time is volunteer time: well evidenced, and neither paid nor compulsory."""
    return converts(grade, policy, approved=approved) and basis in policy.hours_for


def reason_of(reason: str) -> str:
    """The reason, trimmed. Raises Malformed without one, for one too long and for one with a NUL."""
    trimmed = reason.strip()
    if not trimmed or len(trimmed) > LONGEST_REASON or "\0" in trimmed:
        raise Malformed("points.reason", longest=LONGEST_REASON)
    return trimmed


def adjustment(points: int) -> int:
    """Points that may be added or taken by hand. Raises Malformed for zero and for a wild number."""
    if points == 0 or abs(points) > MOST_ADJUSTED:
        raise Malformed("points.adjustment", most=MOST_ADJUSTED)
    return points


def expired_before(today: date, policy: Rewards) -> date:
    """The first day whose points are still good: so many months ago, or the last day of a shorter month."""
    months = today.year * 12 + today.month - 1 - policy.expiry_months
    year, month = divmod(months, 12)
    return date(year, month + 1, min(today.day, monthrange(year, month + 1)[1]))


def _minutes_by_day(service: Service, policy: Rewards) -> list[tuple[date, _Minutes]]:
    """For each local day touched, the minutes served up to its end. A minute is judged by its wall clock, so
    that the hour repeated in autumn counts twice and the one left out in spring not at all."""
    days: list[tuple[date, _Minutes]] = []
    sums: Counter[str] = Counter()
    day = service.begins.astimezone(service.zone).date()
    for local, minutes in _stretches(service, policy):
        if local.date() != day:
            days.append((day, _Minutes(**sums)))
            day = local.date()
        sums["total"] += minutes
        sums["night"] += minutes * _at_night(local, policy)
        sums["weekend"] += minutes * (local.weekday() >= SATURDAY)
    return [*days, (day, _Minutes(**sums))]


def _stretches(service: Service, policy: Rewards) -> Iterator[tuple[datetime, int]]:
    """Moments of the wall clock with how many minutes from there on are judged alike: minute by minute where
    the clocks are about to be changed."""
    done, whole = 0, service.minutes
    while done < whole:
        local = (service.begins + done * _MINUTE).astimezone(service.zone)
        minutes = min(whole - done, _alike(local, policy))
        after = (service.begins + (done + minutes) * _MINUTE).astimezone(service.zone)
        if after.utcoffset() != local.utcoffset():
            minutes = 1
        yield local, minutes
        done += minutes


def _alike(local: datetime, policy: Rewards) -> int:
    """Minutes that begin before the next midnight and before the night begins or ends."""
    clock = timedelta(
        hours=local.hour, minutes=local.minute, seconds=local.second, microseconds=local.microsecond
    )
    edges = (time(), policy.night.starts, policy.night.ends)
    gaps = [
        (timedelta(hours=edge.hour, minutes=edge.minute, seconds=edge.second) - clock) % _DAY or _DAY
        for edge in edges
    ]
    return -(-min(gaps) // _MINUTE)


def _at_night(local: datetime, policy: Rewards) -> bool:
    night, moment = policy.night, local.time()
    if night.starts <= night.ends:
        return night.starts <= moment < night.ends
    return moment >= night.starts or moment < night.ends


def _hour_lines(minutes: _Minutes, service: Service, policy: Rewards) -> tuple[Line, ...]:
    rates, hours = policy.points, minutes.total // 60
    extra = rates.hazard_percent - 100
    parts = (
        (True, "hours", hours, rates.hour),
        (True, "night", minutes.night // 60, rates.night_hour_extra),
        (True, "weekend", minutes.weekend // 60, rates.weekend_hour_extra),
        (service.leader, "leader", hours, rates.leader_hour_extra),
    )
    lines = [
        Line(code, count * rate, {"hours": count, "rate": rate})
        for holds, code, count, rate in parts
        if holds and (count or code == "hours")
    ]
    if service.hazardous and hours:
        paid = hours * rates.hour
        lines.append(Line("hazard", paid * extra // 100, {"percent": extra, "of": paid}))
    if service.level_percent != 100 and hours:
        paid, more = sum(line.points for line in lines), service.level_percent - 100
        lines.append(Line("level", paid * more // 100, {"percent": more, "of": paid}))
    return tuple(lines)


def _points_by_day(
    days: Sequence[tuple[date, _Minutes]], service: Service, policy: Rewards
) -> dict[date, int]:
    """Each day's share is what its minutes add to the sum so far: whole hours may run over midnight, and the
    shares still add up exactly."""
    shares, before = {}, 0
    for day, minutes in days:
        until = sum(line.points for line in _hour_lines(minutes, service, policy))
        shares[day] = until - before
        before = until
    return shares


def _capped(
    lines: tuple[Line, ...], shares: Mapping[date, int], policy: Rewards, earned: Mapping[date, int]
) -> Award:
    kept: dict[date, int] = {}
    cuts: list[Line] = []
    for day, points in shares.items():
        under_day = min(points, max(0, policy.caps.day - earned.get(day, 0)))
        month = sum(n for other, n in (*earned.items(), *kept.items()) if _month(other) == _month(day))
        kept[day] = min(under_day, max(0, policy.caps.month - month))
        if under_day < points:
            cuts.append(Line("cap_day", under_day - points, {"day": day.isoformat(), "cap": policy.caps.day}))
        if kept[day] < under_day:
            params = {"month": day.strftime("%Y-%m"), "cap": policy.caps.month}
            cuts.append(Line("cap_month", kept[day] - under_day, params))
    return Award(sum(kept.values()), kept, (*lines, *cuts))


def _month(day: date) -> tuple[int, int]:
    return day.year, day.month
