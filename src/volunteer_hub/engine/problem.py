"""What the engine is asked: people, slots and limits as plain arrays, checked when they are made.

Notation used all over the engine: V people, S slots, K skills, M nested minima. Times are whole
minutes since the plan's epoch (may be negative), positions degrees (WGS-84), distances kilometres.
Levels: 0 none, 1 basic, 2 trained, 3 expert. Priority: 1 lowest to 5 most urgent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Levels = npt.NDArray[np.int8]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

FOREVER = 1 << 40  # minutes; a certificate that never expires
LONG_AGO = -(1 << 40)
KM_PER_DEGREE_LAT = 110.57
KM_PER_DEGREE_LON = 111.32  # times the cosine of the latitude
MAX_LEVEL, MAX_PRIORITY = 3, 5
SLOWEST, FASTEST = 0.1, 1000.0  # km/h; bounds what a pair can cost
MAX_BURDEN = 10**6  # 0.1 minutes; fatigue or night cost above it is a mistake


class ProblemError(ValueError):
    """Input that cannot be planned. `code` says what is wrong, `where` the array, `index` the row."""

    def __init__(self, code: str, where: str, index: int | None = None) -> None:
        super().__init__(f"{code}: {where}" + ("" if index is None else f"[{index}]"))
        self.code, self.where, self.index = code, where, index


def _refuse(bad: Bools, code: str, where: str) -> None:
    if bad.any():
        rows = bad.any(axis=1) if bad.ndim > 1 else bad
        raise ProblemError(code, where, int(np.flatnonzero(rows)[0]))


def _store(owner: object, prefix: str, kinds: Mapping[str, Any], shape: tuple[int, ...]) -> None:
    """Convert the named fields to read-only arrays of their kind; refuse other shapes and NaN."""
    for name, kind in kinds.items():
        raw = np.asarray(getattr(owner, name))
        if raw.shape != shape:
            raise ProblemError("shape", f"{prefix}.{name}")
        if raw.dtype.kind == "f":
            _refuse(~np.isfinite(raw), "not_a_number", f"{prefix}.{name}")
        # Matrices column-major: rules and the search read one skill of everybody at a time.
        array: npt.NDArray[Any] = np.asarray(raw, dtype=kind, order="F").view()
        array.flags.writeable = False
        object.__setattr__(owner, name, array)


@dataclass(frozen=True)
class Intervals:
    """Per person a sorted list of disjoint [start, end) minutes, in CSR form: rows first[v]:first[v + 1]."""

    first: Ints
    start: Ints
    end: Ints

    @classmethod
    def of(cls, people: int, person: npt.ArrayLike, start: npt.ArrayLike, end: npt.ArrayLike) -> Intervals:
        """Sort the rows (any order) and merge those that touch or overlap. Raises ProblemError("window")."""
        who, since, until = (np.asarray(a, dtype=np.int64) for a in (person, start, end))
        _refuse(until <= since, "window", "intervals")
        _refuse((who < 0) | (who >= people), "unknown_person", "intervals")
        order = np.lexsort((since, who))
        who, since, until = who[order], since[order], until[order]
        kept: list[int] = []
        ends: list[int] = []
        for i in range(len(who)):
            if kept and who[i] == who[kept[-1]] and since[i] <= ends[-1]:
                ends[-1] = max(ends[-1], int(until[i]))
            else:
                kept.append(i)
                ends.append(int(until[i]))
        counts = np.bincount(who[kept], minlength=people) if kept else np.zeros(people, np.int64)
        first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return cls(first, since[kept], np.array(ends, dtype=np.int64))

    @classmethod
    def none(cls, people: int) -> Intervals:
        empty = np.zeros(0, np.int64)
        return cls(np.zeros(people + 1, np.int64), empty, empty)

    @classmethod
    def always(cls, people: int) -> Intervals:
        return cls(np.arange(people + 1), np.full(people, LONG_AGO), np.full(people, FOREVER))

    @cached_property
    def most(self) -> int:
        """The longest list of any one person."""
        return int(np.diff(self.first).max(initial=0))

    def check(self, people: int, where: str) -> None:
        if self.first.shape != (people + 1,) or self.start.shape != self.end.shape:
            raise ProblemError("shape", where)
        if self.first[0] != 0 or self.first[-1] != len(self.start) or (np.diff(self.first) < 0).any():
            raise ProblemError("shape", where)
        owner = np.repeat(np.arange(people), np.diff(self.first))
        late = self.end <= self.start
        if late.any():
            raise ProblemError("window", where, int(owner[np.flatnonzero(late)[0]]))
        unmerged = (self.start[1:] <= self.end[:-1]) & (owner[1:] == owner[:-1])
        if unmerged.any():
            raise ProblemError("unsorted_windows", where, int(owner[np.flatnonzero(unmerged)[0]]))


@dataclass(frozen=True)
class People:
    """The pool. One row per person who may be asked at all (suspended, paused, opted out: left out by the
    caller). `key` is a lasting identity: draws depend on it, never on the row."""

    key: Ints  # [V] unique
    lat: Floats  # [V] degrees
    lon: Floats  # [V] degrees
    levels: Levels  # [V, K] skill levels, substitution already closed (close_substitution)
    cert_until: Ints  # [V, K] minute the proof of the skill lapses, FOREVER if it never does
    free: Intervals  # when the person is available
    busy: Intervals  # promised duties: no overlap, and rest before and after
    adult: Bools  # [V]
    insured: Bools  # [V]
    fit: Bools  # [V] declared fit for hazardous work
    night_travel: Bools  # [V] has a way to travel at night
    speed_kmh: Floats  # [V] by the person's usual means
    max_km: Floats  # [V] as the crow flies
    fatigue: Ints  # [V] 0.1 minutes of travel one would accept to spare this person
    night_cost: Ints  # [V] the same, added for a night slot
    served: Ints  # [V] duties served or asked lately; fewer goes first among equals
    rest_since: Ints  # [V] end of the last duty, LONG_AGO if none
    minutes_24h: Ints  # [V] minutes served in the 24 hours before the epoch

    def __post_init__(self) -> None:
        count = np.asarray(self.key).shape[0] if np.asarray(self.key).ndim == 1 else -1
        shape = np.asarray(self.levels).shape
        if count < 0 or len(shape) != 2 or shape[0] != count or shape[1] == 0:
            raise ProblemError("shape", "people.levels")
        integers = dict.fromkeys(
            ("key", "fatigue", "night_cost", "served", "rest_since", "minutes_24h"), np.int64
        )
        _store(self, "people", integers, (count,))
        _store(self, "people", dict.fromkeys(("lat", "lon", "speed_kmh", "max_km"), np.float64), (count,))
        _store(self, "people", dict.fromkeys(("adult", "insured", "fit", "night_travel"), np.bool_), (count,))
        _store(self, "people", {"levels": np.int8, "cert_until": np.int64}, shape)
        self.free.check(count, "people.free")
        self.busy.check(count, "people.busy")
        _refuse(np.abs(self.lat) > 90, "latitude", "people.lat")
        _refuse(np.abs(self.lon) > 180, "longitude", "people.lon")
        _refuse((self.levels < 0) | (self.levels > MAX_LEVEL), "level", "people.levels")
        _refuse((self.speed_kmh < SLOWEST) | (self.speed_kmh > FASTEST), "speed", "people.speed_kmh")
        _refuse(self.max_km < 0, "negative", "people.max_km")
        for name in ("fatigue", "night_cost", "served", "minutes_24h"):
            values = getattr(self, name)
            _refuse((values < 0) | (values > MAX_BURDEN), "out_of_range", f"people.{name}")
        if len(np.unique(self.key)) != count:
            raise ProblemError("duplicate_key", "people.key")

    def __len__(self) -> int:
        return len(self.key)

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
        _store(self, "slots", dict.fromkeys((*integers, "priority", "skill", "level"), np.int64), (count,))
        _store(self, "slots", dict.fromkeys(("lat", "lon", "max_km"), np.float64), (count,))
        flags = ("adult_only", "insured_only", "hazardous", "night")
        _store(self, "slots", dict.fromkeys(flags, np.bool_), (count,))
        _refuse(np.abs(self.lat) > 90, "latitude", "slots.lat")
        _refuse(np.abs(self.lon) > 180, "longitude", "slots.lon")
        _refuse(self.end <= self.start, "window", "slots.end")
        _refuse((self.minimum < 0) | (self.maximum > 10**6), "out_of_range", "slots.minimum")
        _refuse(self.minimum > self.target, "minimum_above_target", "slots.minimum")
        _refuse(self.target > self.maximum, "target_above_maximum", "slots.target")
        _refuse((self.priority < 1) | (self.priority > MAX_PRIORITY), "priority", "slots.priority")
        _refuse((self.skill >= 0) & ((self.level < 1) | (self.level > MAX_LEVEL)), "level", "slots.level")
        _refuse(self.max_km < 0, "negative", "slots.max_km")
        if len(np.unique(self.key)) != count:
            raise ProblemError("duplicate_key", "slots.key")

    def __len__(self) -> int:
        return len(self.key)


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
        _store(self, "minima", dict.fromkeys(("slot", "skill", "level", "heads"), np.int64), (count,))
        _store(self, "minima", {"may_share": np.bool_}, (count,))
        _refuse(self.heads < 1, "out_of_range", "minima.heads")
        _refuse((self.level < 1) | (self.level > MAX_LEVEL), "level", "minima.level")

    def __len__(self) -> int:
        return len(self.slot)


@dataclass(frozen=True)
class Pairs:
    """A list of (person row, slot row)."""

    person: Ints = field(default_factory=_empty)
    slot: Ints = field(default_factory=_empty)

    def __post_init__(self) -> None:
        count = len(np.asarray(self.person))
        _store(self, "pairs", dict.fromkeys(("person", "slot"), np.int64), (count,))

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

    def __post_init__(self) -> None:
        people, slots, minima = len(self.people), len(self.slots), self.minima
        _refuse((self.slots.skill < -1) | (self.slots.skill >= self.people.skills), "skill", "slots.skill")
        _refuse((minima.skill < 0) | (minima.skill >= self.people.skills), "skill", "minima.skill")
        _refuse((minima.slot < 0) | (minima.slot >= slots), "unknown_slot", "minima.slot")
        for name, pairs in (("locked", self.locked), ("forbidden", self.forbidden)):
            _refuse((pairs.person < 0) | (pairs.person >= people), "unknown_person", f"{name}.person")
            _refuse((pairs.slot < 0) | (pairs.slot >= slots), "unknown_slot", f"{name}.slot")
        nested = np.bincount(minima.slot, weights=minima.heads, minlength=slots)
        _refuse(nested > self.slots.target, "minima_above_target", "slots.target")
        held = np.bincount(self.locked.person, minlength=people)
        _refuse(held > 1, "locked_twice", "people")
        _refuse(
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

    def __post_init__(self) -> None:
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
