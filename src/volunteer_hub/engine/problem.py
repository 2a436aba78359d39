"""What the engine is asked: people, slots and limits as plain arrays, checked when they are made.

Notation used all over the engine: V people, S slots, K skills, M nested minima. Times are whole
minutes since the plan's epoch (may be negative), positions degrees (WGS-84), distances kilometres.
Levels: 0 none, 1 basic, 2 trained, 3 expert. Priority: 1 lowest to 5 most urgent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from volunteer_hub.engine.arrays import (
    FOREVER,
    LONG_AGO,
    Bools,
    Floats,
    Intervals,
    Ints,
    Levels,
    Minutes,
    ProblemError,
    refuse,
    store,
)
from volunteer_hub.engine.travel import Matrix

__all__ = [  # what the engine's other files name from here
    "FOREVER",
    "LONG_AGO",
    "Bools",
    "Floats",
    "Intervals",
    "Ints",
    "Levels",
    "Minutes",
    "ProblemError",
]
KM_PER_DEGREE_LAT = 110.57
KM_PER_DEGREE_LON = 111.32  # times the cosine of the latitude
MAX_LEVEL, MAX_PRIORITY = 3, 5
SLOWEST, FASTEST = 0.1, 1000.0  # km/h; bounds what a pair can cost
MAX_BURDEN = 10**6  # 0.1 minutes; fatigue or night cost above it is a mistake


@dataclass(frozen=True)
class People:
    """The pool. One row per person who may be asked at all (suspended, paused, opted out: left out by the
    caller). `key` is a lasting identity: draws depend on it, never on the row."""

    key: Ints  # [V] unique
    lat: Floats  # [V] degrees
    lon: Floats  # [V] degrees
    levels: Levels  # [V, K] skill levels, substitution already closed (close_substitution)
    cert_until: Minutes  # [V, K] minute the proof of the skill lapses, FOREVER if it never does
    free: Intervals  # when the person is available
    busy: Intervals  # promised duties: no overlap, and rest before and after
    adult: Bools  # [V]
    insured: Bools  # [V]
    fit: Bools  # [V] declared fit for hazardous work
    night_travel: Bools  # [V] goes out at night at all
    speed_kmh: Floats  # [V] by the person's usual means
    max_km: Floats  # [V] as the crow flies
    fatigue: Ints  # [V] 0.1 minutes of travel one would accept to spare this person
    night_cost: Ints  # [V] the same, added for a night slot
    served: Ints  # [V] duties served or asked lately; fewer goes first among equals
    rest_since: Ints  # [V] end of the last duty, LONG_AGO if none
    minutes_24h: Ints  # [V] minutes served in the 24 hours before the epoch
    night_km: Floats | None = None  # [V] reach at night, on foot for those without transport; None: as by day

    def __post_init__(self) -> None:
        count = np.asarray(self.key).shape[0] if np.asarray(self.key).ndim == 1 else -1
        shape = np.asarray(self.levels).shape
        if count < 0 or len(shape) != 2 or shape[0] != count or shape[1] == 0:
            raise ProblemError("shape", "people.levels")
        integers = dict.fromkeys(
            ("key", "fatigue", "night_cost", "served", "rest_since", "minutes_24h"), np.int64
        )
        store(self, "people", integers, (count,))
        store(self, "people", dict.fromkeys(("lat", "lon", "speed_kmh", "max_km"), np.float64), (count,))
        store(self, "people", dict.fromkeys(("adult", "insured", "fit", "night_travel"), np.bool_), (count,))
        store(self, "people", {"levels": np.int8, "cert_until": np.int32}, shape)
        if self.night_km is None:
            object.__setattr__(self, "night_km", self.max_km)
        store(self, "people", {"night_km": np.float64}, (count,))
        self.free.check(count, "people.free")
        self.busy.check(count, "people.busy")
        refuse(np.abs(self.lat) > 90, "latitude", "people.lat")
        refuse(np.abs(self.lon) > 180, "longitude", "people.lon")
        refuse((self.levels < 0) | (self.levels > MAX_LEVEL), "level", "people.levels")
        refuse((self.speed_kmh < SLOWEST) | (self.speed_kmh > FASTEST), "speed", "people.speed_kmh")
        for name in ("max_km", "night_km"):
            refuse(getattr(self, name) < 0, "negative", f"people.{name}")
        for name in ("fatigue", "night_cost", "served", "minutes_24h"):
            values = getattr(self, name)
            refuse((values < 0) | (values > MAX_BURDEN), "out_of_range", f"people.{name}")
        _distinct(self.key, "people.key")

    def __len__(self) -> int:
        return len(self.key)

    @cached_property
    def reach_km(self) -> tuple[Floats, Floats]:
        """[V] as the crow flies, by day and by night."""
        by_night = self.max_km if self.night_km is None else self.night_km
        return self.max_km, np.minimum(self.max_km, by_night)

    @property
    def skills(self) -> int:
        return int(self.levels.shape[1])


@dataclass(frozen=True)
class Slots:
    """What is wanted: one row per role at a place and time."""

    key: Ints  # [S] unique lasting identity
    task: Ints  # [S] the task a slot belongs to; carried, not used
    lat: Floats
    lon: Floats
    start: Ints
    end: Ints
    minimum: Ints  # heads without which the task cannot work
    target: Ints  # heads the plan fills up to
    maximum: Ints  # cap on locked and accepted heads; the plan itself never aims beyond the target
    priority: Ints  # 1..5
    skill: Ints  # [S] -1: anybody
    level: Ints  # [S] least level of that skill, 1..3 (ignored when skill is -1)
    adult_only: Bools
    insured_only: Bools
    hazardous: Bools  # needs a person declared fit
    night: Bools
    max_km: Floats  # farthest home, as the crow flies

    def __post_init__(self) -> None:
        count = np.asarray(self.key).shape[0] if np.asarray(self.key).ndim == 1 else -1
        integers = ("key", "task", "start", "end", "minimum", "target", "maximum")
        store(self, "slots", dict.fromkeys((*integers, "priority", "skill", "level"), np.int64), (count,))
        store(self, "slots", dict.fromkeys(("lat", "lon", "max_km"), np.float64), (count,))
        flags = ("adult_only", "insured_only", "hazardous", "night")
        store(self, "slots", dict.fromkeys(flags, np.bool_), (count,))
        refuse(np.abs(self.lat) > 90, "latitude", "slots.lat")
        refuse(np.abs(self.lon) > 180, "longitude", "slots.lon")
        refuse(self.end <= self.start, "window", "slots.end")
        refuse((self.minimum < 0) | (self.maximum > 10**6), "out_of_range", "slots.minimum")
        refuse(self.minimum > self.target, "minimum_above_target", "slots.minimum")
        refuse(self.target > self.maximum, "target_above_maximum", "slots.target")
        refuse((self.priority < 1) | (self.priority > MAX_PRIORITY), "priority", "slots.priority")
        refuse((self.skill >= 0) & ((self.level < 1) | (self.level > MAX_LEVEL)), "level", "slots.level")
        refuse(self.max_km < 0, "negative", "slots.max_km")
        _distinct(self.key, "slots.key")

    def __len__(self) -> int:
        return len(self.key)


def _distinct(key: Ints, where: str) -> None:
    ordered = np.sort(key)
    if (ordered[1:] == ordered[:-1]).any():
        raise ProblemError("duplicate_key", where)


def _same(where: str, length: int, wanted: int) -> None:
    if length != wanted:
        raise ProblemError("shape", where)


def _around(degrees: Floats) -> Floats:
    """Differences of longitude within [-180, 180)."""
    return (degrees + 180.0) % 360.0 - 180.0


def _empty() -> Ints:
    return np.zeros(0, np.int64)


@dataclass(frozen=True)
class Minima:
    """Nested minima: of the slot's heads at least `heads` hold `skill` at `level` (on top of the slot's own
    skill). Two minima need different people unless both are marked `may_share`."""

    slot: Ints = field(default_factory=_empty)  # [M]
    skill: Ints = field(default_factory=_empty)
    level: Ints = field(default_factory=_empty)
    heads: Ints = field(default_factory=_empty)
    may_share: Bools = field(default_factory=lambda: np.zeros(0, np.bool_))

    def __post_init__(self) -> None:
        count = len(np.asarray(self.slot))
        store(self, "minima", dict.fromkeys(("slot", "skill", "level", "heads"), np.int64), (count,))
        store(self, "minima", {"may_share": np.bool_}, (count,))
        refuse(self.heads < 1, "out_of_range", "minima.heads")
        refuse((self.level < 1) | (self.level > MAX_LEVEL), "level", "minima.level")

    def __len__(self) -> int:
        return len(self.slot)


@dataclass(frozen=True)
class Pairs:
    """A list of (person row, slot row)."""

    person: Ints = field(default_factory=_empty)
    slot: Ints = field(default_factory=_empty)

    def __post_init__(self) -> None:
        count = len(np.asarray(self.person))
        store(self, "pairs", dict.fromkeys(("person", "slot"), np.int64), (count,))

    def __len__(self) -> int:
        return len(self.person)

    def rows(self) -> Iterator[tuple[int, int]]:
        return zip(self.person.tolist(), self.slot.tolist(), strict=True)


@dataclass(frozen=True)
class Limits:
    """Limits that hold for everybody."""

    min_rest_min: int = 660  # minutes between two duties
    max_minutes_24h: int = 720  # minutes of duty in any 24 hours
    detour: float = 1.3  # road kilometres per kilometre as the crow flies

    def __post_init__(self) -> None:
        if self.min_rest_min < 0 or self.max_minutes_24h < 0:
            raise ProblemError("negative", "limits")
        if not 1 <= self.detour <= 10:
            raise ProblemError("out_of_range", "limits.detour")


@dataclass(frozen=True)
class Problem:
    """One period to plan: every person serves at most one slot.

    `locked` pairs are decisions already taken: the person holds a head of that slot whatever the rules say
    (the checker names the broken ones) and no other slot sees them. `forbidden` pairs never meet.
    """

    people: People
    slots: Slots
    minima: Minima = field(default_factory=Minima)
    locked: Pairs = field(default_factory=Pairs)
    forbidden: Pairs = field(default_factory=Pairs)
    limits: Limits = field(default_factory=Limits)
    travel: Matrix | None = None  # measured times; None: the straight line, detour and speed

    def __post_init__(self) -> None:
        people, slots, minima = len(self.people), len(self.slots), self.minima
        refuse((self.slots.skill < -1) | (self.slots.skill >= self.people.skills), "skill", "slots.skill")
        refuse((minima.skill < 0) | (minima.skill >= self.people.skills), "skill", "minima.skill")
        refuse((minima.slot < 0) | (minima.slot >= slots), "unknown_slot", "minima.slot")
        for name, pairs in (("locked", self.locked), ("forbidden", self.forbidden)):
            refuse((pairs.person < 0) | (pairs.person >= people), "unknown_person", f"{name}.person")
            refuse((pairs.slot < 0) | (pairs.slot >= slots), "unknown_slot", f"{name}.slot")
        nested = np.bincount(minima.slot, weights=minima.heads, minlength=slots)
        refuse(nested > self.slots.target, "minima_above_target", "slots.target")
        if self.travel is not None:
            _same("travel.zone", len(self.travel.zone), people)
            _same("travel.tenths", self.travel.tenths.shape[1], slots)
        held = np.bincount(self.locked.person, minlength=people)
        refuse(held > 1, "locked_twice", "people")
        refuse(
            np.bincount(self.locked.slot, minlength=slots) > self.slots.maximum,
            "locked_above_maximum",
            "slots",
        )

    @cached_property
    def middle(self) -> tuple[float, float]:
        """Reference point of the local projection: the middle of the slots (of nothing: 0, 0)."""
        if not len(self.slots):
            return 0.0, 0.0
        # The short way round from the first slot, so that a city across the date line stays in one piece.
        return float(self.slots.lat.mean()), float(
            self.slots.lon[0] + _around(self.slots.lon - self.slots.lon[0]).mean()
        )

    def _project(self, lat: Floats, lon: Floats) -> tuple[Floats, Floats]:
        lat0, lon0 = self.middle
        km_per_degree_lon = KM_PER_DEGREE_LON * np.cos(np.radians(lat0))
        return _around(lon - lon0) * km_per_degree_lon, (lat - lat0) * KM_PER_DEGREE_LAT

    @cached_property
    def homes(self) -> tuple[Floats, Floats]:
        """x, y of people in km. Equirectangular: 0.3 % off at 100 km, enough for travel estimates."""
        return self._project(self.people.lat, self.people.lon)

    @cached_property
    def sites(self) -> tuple[Floats, Floats]:
        """x, y of slots in km."""
        return self._project(self.slots.lat, self.slots.lon)


@dataclass(frozen=True)
class Options:
    """How to solve, not what: none of these changes the optimum except `seed`, which decides exact ties."""

    seed: int = 0
    deadline_s: float = 60.0
    threads: int = 1
    candidates_per_head: float = 2.0
    method: str = "auto"  # "flow", "augment", "ranks", or by how tight supply is

    def __post_init__(self) -> None:
        if self.method not in ("auto", "flow", "augment", "ranks"):
            raise ProblemError("unknown_method", "options.method")
        if not self.deadline_s >= 0 or self.threads < 1 or not 0 < self.candidates_per_head <= 1000:
            raise ProblemError("out_of_range", "options")


def close_substitution(levels: npt.ArrayLike, covers: dict[tuple[int, int], list[tuple[int, int]]]) -> Levels:
    """Levels with everything they imply: `covers[(k, l)] = [(k2, l2), ...]` says that skill k at level l
    also serves as k2 at level l2 (a paramedic serves as a first aider). Applied until nothing changes.

    levels: [V, K] integers 0..3. Returns a new int8 matrix. Certificates are the caller's to carry over.
    """
    closed = np.array(levels, dtype=np.int8)
    changed = True
    while changed:
        changed = False
        for (skill, level), implied in covers.items():
            holders = closed[:, skill] >= level
            for other, at in implied:
                raised = holders & (closed[:, other] < at)
                if raised.any():
                    closed[raised, other] = at
                    changed = True
    return closed
