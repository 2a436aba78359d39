"""What makes the hours of a duty doubtful, each with its reason. Pure: stays in, flags out.

A flag accuses nobody: it keeps hours from paying until somebody has looked at them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from math import asin, cos, radians, sin, sqrt
from typing import Any, Final

from volunteer_hub.incentives.policy import FlagLimits
from volunteer_hub.incentives.rules import Grade

_EARTH_KM: Final = 6371.0088


class How(StrEnum):
    """By what a presence is known."""

    CODE = "code"
    QR = "qr"
    POSITION = "position"
    LEADER = "leader"
    TYPED = "typed"


class Doubt(StrEnum):
    """Why hours wait for somebody to look at them; the sentence of each is ``hours.flag.<code>``."""

    TYPED = "typed"
    OVERLAP = "overlap"
    TRAVEL = "travel"
    MARATHON = "marathon"
    BATCH = "batch"
    ROUND = "round"
    TWINS = "twins"
    DEVICE = "device"
    FAR = "far"
    EARLY = "early"
    AHEAD = "ahead"
    LONG = "long"
    BARRED = "barred"
    SELF = "self"
    LATE = "late"


@dataclass(frozen=True)
class Mark:
    """One check, in or out: when it was, when it was noted, and what is known of how.

    ``by``: the account that noted it, None where the person did. ``device``: whatever tells telephones
    apart. ``metres`` from the place at least, where a position came along.
    """

    at: datetime
    noted_at: datetime
    how: How
    by: int | None = None
    device: str | None = None
    metres: int | None = None

    @property
    def keyed(self) -> bool:
        """Whether somebody at a desk entered it, and no leader on site vouches for it."""
        return self.by is not None and self.how is not How.LEADER


@dataclass(frozen=True)
class Stay:
    """One duty as it was: who, where, between which checks, and what was planned.

    ``ready_at``: when the person had said yes; ``home_km``: how far they live from the place.
    """

    duty: int
    person: int
    lat: float
    lon: float
    came: Mark
    went: Mark
    planned_begins: datetime
    planned_ends: datetime
    ready_at: datetime | None = None
    home_km: float | None = None

    @property
    def marks(self) -> tuple[Mark, Mark]:
        """The check-in and the check-out."""
        return self.came, self.went

    @cached_property
    def keyed(self) -> tuple[Mark, ...]:
        """Those that were entered at a desk. A stay is seen beside hundreds of others: it is asked once."""
        return tuple(mark for mark in self.marks if mark.keyed)

    @property
    def minutes(self) -> float:
        """How long it took."""
        return (self.went.at - self.came.at) / _MINUTE


@dataclass(frozen=True)
class Standing:
    """What is known of the person and of whoever entered the hours.

    ``barred``: the word for why they may not serve, as "suspended"; ``own_entry``: they entered or confirmed
    them for themselves.
    """

    barred: str | None = None
    own_entry: bool = False


@dataclass(frozen=True)
class Flag:
    """One doubt with the numbers of its sentence."""

    code: Doubt
    params: dict[str, Any] = field(default_factory=dict)

    def stored(self) -> dict[str, Any]:
        """As the hours keep it."""
        return {"code": self.code.value, "params": self.params}


_MINUTE: Final = timedelta(minutes=1)
_ORDER: Final = {doubt: number for number, doubt in enumerate(Doubt)}


def flags(
    stay: Stay, near: Sequence[Stay], standing: Standing, grade: Grade, limits: FlagLimits
) -> tuple[Flag, ...]:
    """Every doubt about a stay, in the order of `Doubt`.

    ``near``: other stays that may speak against it: of the same person within two days, entered by the same
    account, checked by the same telephone, at the same times. Others do no harm.
    """
    found = [Flag(Doubt.TYPED)] if grade.value in limits.review else []
    others = [other for other in near if other.duty != stay.duty]
    own = [other for other in others if other.person == stay.person]
    found += [flag for rule in _BESIDE_OWN if (flag := rule(stay, own, limits)) is not None]
    found += [flag for rule in _RULES if (flag := rule(stay, others, limits)) is not None]
    if standing.barred is not None:
        found.append(Flag(Doubt.BARRED, {"status": standing.barred}))
    if standing.own_entry:
        found.append(Flag(Doubt.SELF))
    return tuple(sorted(found, key=lambda flag: _ORDER[flag.code]))


def _overlap(stay: Stay, own: Sequence[Stay], limits: FlagLimits) -> Flag | None:
    """On duty in two places at once, for longer than clocks and queues explain."""
    shared = [
        int((min(stay.went.at, other.went.at) - max(stay.came.at, other.came.at)) / _MINUTE) for other in own
    ]
    worst = max(shared, default=0)
    return Flag(Doubt.OVERLAP, {"minutes": worst}) if worst > limits.overlap_minutes else None


def _travel(stay: Stay, own: Sequence[Stay], limits: FlagLimits) -> Flag | None:
    """From one place to the next faster than anybody travels."""
    for other in own:
        first, second = sorted((stay, other), key=lambda one: one.came.at)
        gap = (second.came.at - first.went.at) / _MINUTE
        km = distance_km(first.lat, first.lon, second.lat, second.lon)
        needed = km / limits.fastest_kmh * 60
        if gap >= 0 and needed > gap + limits.overlap_minutes:
            return Flag(Doubt.TRAVEL, {"km": round(km), "minutes": int(gap)})
    return None


def _marathon(stay: Stay, own: Sequence[Stay], limits: FlagLimits) -> Flag | None:
    """More hours within a day and a night than anybody serves."""
    begins = stay.went.at - timedelta(hours=24)
    stays = [stay, *own]
    served = sum(
        max(0.0, (min(one.went.at, stay.went.at) - max(one.came.at, begins)) / _MINUTE) for one in stays
    )
    hours = int(served // 60)
    return Flag(Doubt.MARATHON, {"hours": hours}) if served > limits.longest_hours * 60 else None


def _batch(stay: Stay, others: Sequence[Stay], limits: FlagLimits) -> Flag | None:
    """Many people's hours entered at one desk in a short time."""
    near = limits.batch_minutes * _MINUTE
    for mark in stay.keyed:
        since, until = mark.noted_at - near, mark.noted_at + near
        people = {stay.person} | {
            other.person
            for other in others
            for theirs in other.keyed
            if theirs.by == mark.by and since <= theirs.noted_at <= until
        }
        if len(people) >= limits.batch_people:
            return Flag(Doubt.BATCH, {"people": len(people), "minutes": limits.batch_minutes})
    return None


def _round(stay: Stay, others: Sequence[Stay], limits: FlagLimits) -> Flag | None:
    """Whole hours at both ends, as nearly everything that the same desk enters."""
    if not _on_the_hour(stay) or not stay.keyed:
        return None
    desks = {mark.by for mark in stay.keyed}
    entered = [other for other in others if desks & {mark.by for mark in other.keyed}]
    alike = 1 + sum(map(_on_the_hour, entered))
    total = 1 + len(entered)
    if alike < limits.round_entries or alike * 100 < total * limits.round_percent:
        return None
    return Flag(Doubt.ROUND, {"n": alike, "of": total})


def _twins(stay: Stay, others: Sequence[Stay], limits: FlagLimits) -> Flag | None:
    """Entered with the very times of several others."""
    if not stay.keyed:
        return None
    times = (stay.came.at, stay.went.at)
    people = {stay.person} | {
        other.person for other in others if other.keyed and (other.came.at, other.went.at) == times
    }
    return Flag(Doubt.TWINS, {"people": len(people)}) if len(people) >= limits.twin_people else None


def _device(stay: Stay, others: Sequence[Stay], limits: FlagLimits) -> Flag | None:
    """One telephone that checks in one person after another."""
    for mark in stay.marks:
        if mark.device is None:
            continue
        people = {stay.person} | {
            other.person
            for other in others
            for theirs in other.marks
            if theirs.device == mark.device
            and abs(theirs.noted_at - mark.noted_at) <= limits.device_hours * 60 * _MINUTE
        }
        if len(people) >= limits.device_people:
            return Flag(Doubt.DEVICE, {"people": len(people), "hours": limits.device_hours})
    return None


def _far(stay: Stay, others: Sequence[Stay], limits: FlagLimits) -> Flag | None:
    """Checked by a telephone that was somewhere else."""
    del others
    metres = max((mark.metres for mark in stay.marks if mark.metres is not None), default=0)
    return Flag(Doubt.FAR, {"metres": metres}) if metres > limits.far_metres else None


def _early(stay: Stay, others: Sequence[Stay], limits: FlagLimits) -> Flag | None:
    """There before the person could have come from home, by no more than the code that they carry."""
    del others
    if stay.ready_at is None or stay.came.how is not How.CODE:
        return None
    way = (stay.home_km or 0.0) / limits.fastest_kmh * 60
    earliest = stay.ready_at + way * _MINUTE
    before = int((earliest - stay.came.at) / _MINUTE)
    return Flag(Doubt.EARLY, {"minutes": before}) if before > limits.early_minutes else None


def _ahead(stay: Stay, others: Sequence[Stay], limits: FlagLimits) -> Flag | None:
    """Long before the work began."""
    del others
    before = int((stay.planned_begins - stay.came.at) / _MINUTE)
    return Flag(Doubt.AHEAD, {"minutes": before}) if before > limits.ahead_minutes else None


def _long(stay: Stay, others: Sequence[Stay], limits: FlagLimits) -> Flag | None:
    """Much longer than planned."""
    del others
    planned = (stay.planned_ends - stay.planned_begins) / _MINUTE
    allowed = planned * limits.long_percent / 100 + limits.long_minutes
    numbers = {"minutes": int(stay.minutes), "planned": int(planned)}
    return Flag(Doubt.LONG, numbers) if stay.minutes > allowed else None


def _late(stay: Stay, others: Sequence[Stay], limits: FlagLimits) -> Flag | None:
    """Entered long after it was."""
    del others
    days = max((mark.noted_at - mark.at).days for mark in stay.marks)
    return Flag(Doubt.LATE, {"days": days}) if days >= limits.late_days else None


Rule = Callable[[Stay, Sequence[Stay], FlagLimits], Flag | None]
_BESIDE_OWN: Final[tuple[Rule, ...]] = (_overlap, _travel, _marathon)
_RULES: Final[tuple[Rule, ...]] = (
    _batch,
    _round,
    _twins,
    _device,
    _far,
    _early,
    _ahead,
    _long,
    _late,
)


def _on_the_hour(stay: Stay) -> bool:
    return all(mark.at.minute == 0 and mark.at.second == 0 for mark in stay.marks)


def distance_km(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Great circle, by the haversine formula."""
    a, b, c, d = map(radians, (lat1, lon1, lat2, lon2))
    half = sin((c - a) / 2) ** 2 + cos(a) * cos(c) * sin((d - b) / 2) ** 2
    return 2 * _EARTH_KM * asin(min(1.0, sqrt(half)))
