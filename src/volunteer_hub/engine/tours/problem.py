"""What is asked of tours: a crew, stops and how long the way is, checked when they are made.

Notation: P people, S stops, N places, M means of travel, K skills, T tools, Q kinds of parts. Times are whole
minutes since the plan's epoch; travel is counted in ticks of 0.1 minutes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from volunteer_hub.engine.arrays import Bools, Floats, Intervals, Ints, Levels, ProblemError, refuse, store
from volunteer_hub.engine.problem import (
    FASTEST,
    KM_PER_DEGREE_LAT,
    KM_PER_DEGREE_LON,
    MAX_LEVEL,
    MAX_PRIORITY,
    SLOWEST,
)
from volunteer_hub.engine.travel import NO_WAY

TICKS = 10  # per minute
NO_LIMIT = 1 << 40
NO_END = -1  # the tour ends where its last stop is
MAX_MINUTES = 10**7  # times beyond it are a mistake
MAX_AMOUNT = 10**9
PRIZE = (0, 1, 2, 4, 8, 16)  # by priority: two stops of one rank weigh as much as one of the next


def _none() -> Ints:
    return np.zeros(0, np.int64)


def _around(degrees: Floats) -> Floats:
    """Differences of longitude within [-180, 180)."""
    return (degrees + 180.0) % 360.0 - 180.0


@dataclass(frozen=True)
class Places:
    """Where tours lead. Either positions (travel is the straight line times `detour`, at the person's speed)
    or a `matrix` of ticks from place to place per means of travel: it may be asymmetric, NO_WAY where there
    is none."""

    lat: Floats = field(default_factory=lambda: np.zeros(0))  # [N] degrees
    lon: Floats = field(default_factory=lambda: np.zeros(0))  # [N] degrees
    matrix: Ints = field(default_factory=lambda: np.zeros((0, 0, 0), np.int64))  # [M, N, N] 0.1 minutes
    detour: float = 1.3  # road kilometres per kilometre as the crow flies

    def __post_init__(self) -> None:
        store(self, "places", {"lat": np.float64, "lon": np.float64}, np.asarray(self.lat).shape)
        refuse(np.abs(self.lat) > 90, "latitude", "places.lat")
        refuse(np.abs(self.lon) > 180, "longitude", "places.lon")
        shape = np.asarray(self.matrix).shape
        if self.lat.ndim != 1 or len(shape) != 3 or shape[1] != shape[2]:
            raise ProblemError("shape", "places")
        if shape[0] and len(self.lat):
            raise ProblemError("positions_and_matrix", "places")
        store(self, "places", {"matrix": np.int64}, shape)
        beyond = (self.matrix < NO_WAY) | (self.matrix > MAX_MINUTES * TICKS)
        refuse(np.asarray(beyond.any(axis=2)), "out_of_range", "places.matrix")
        if not 1 <= self.detour <= 10:
            raise ProblemError("out_of_range", "places.detour")

    def __len__(self) -> int:
        return int(max(len(self.lat), self.matrix.shape[1]))

    @property
    def measured(self) -> bool:
        """Is travel read from a matrix?"""
        return bool(self.matrix.shape[0] > 0)

    def road_km(self) -> tuple[Floats, Floats]:
        """x, y in km of road (the detour is in them), around the middle of all places."""
        if not len(self.lat):
            return np.zeros(0), np.zeros(0)
        lat0, lon0 = self.lat.mean(), self.lon[0] + _around(self.lon - self.lon[0]).mean()
        km_per_degree_lon = KM_PER_DEGREE_LON * np.cos(np.radians(lat0))
        x = _around(self.lon - lon0) * km_per_degree_lon * self.detour
        return x, (self.lat - lat0) * KM_PER_DEGREE_LAT * self.detour


@dataclass(frozen=True)
class Crew:
    """Who goes. One row per person who may be sent at all, with the skills valid for the period."""

    key: Ints  # [P] unique lasting identity
    start: Ints  # [P] place where the tour begins
    end: Ints  # [P] place where it ends, NO_END where the last stop is
    since: Ints  # [P] leaves not before
    until: Ints  # [P] is back not after
    levels: Levels  # [P, K]
    speed_kmh: Floats  # [P] ignored with a matrix
    longest: Ints = field(default_factory=_none)  # [P] minutes from leaving to coming back; default no limit
    mode: Ints = field(default_factory=_none)  # [P] which matrix; default the first
    capacity: Ints = field(default_factory=_none)  # [P] quantity carried at once; default no limit
    tools: Bools = field(default_factory=lambda: np.zeros((0, 0), np.bool_))  # [P, T] carried all the time
    parts: Ints = field(default_factory=lambda: np.zeros((0, 0), np.int64))  # [P, Q] carried and used up

    def __post_init__(self) -> None:
        count = np.asarray(self.key).shape[0] if np.asarray(self.key).ndim == 1 else -1
        _fill(self, count, {"longest": NO_LIMIT, "mode": 0, "capacity": NO_LIMIT}, ("tools", "parts"))
        integers = ("key", "start", "end", "since", "until", "longest", "mode", "capacity")
        store(self, "crew", dict.fromkeys(integers, np.int64), (count,))
        store(self, "crew", {"speed_kmh": np.float64}, (count,))
        for name, kind in (("levels", np.int8), ("tools", np.bool_), ("parts", np.int64)):
            store(self, "crew", {name: kind}, _rows(getattr(self, name), count, f"crew.{name}"))
        refuse(self.until <= self.since, "window", "crew.until")
        for name in ("since", "until"):
            refuse(np.abs(getattr(self, name)) > MAX_MINUTES, "out_of_range", f"crew.{name}")
        for name in ("longest", "mode", "capacity", "parts"):
            refuse(getattr(self, name) < 0, "negative", f"crew.{name}")
        refuse((self.levels < 0) | (self.levels > MAX_LEVEL), "level", "crew.levels")
        refuse((self.speed_kmh < SLOWEST) | (self.speed_kmh > FASTEST), "speed", "crew.speed_kmh")
        if len(np.unique(self.key)) != count:
            raise ProblemError("duplicate_key", "crew.key")

    def __len__(self) -> int:
        return len(self.key)


@dataclass(frozen=True)
class Stops:
    """What is to be visited, each once by one person or not at all."""

    key: Ints  # [S] unique lasting identity
    place: Ints  # [S]
    windows: Intervals  # a visit begins within one of the stop's windows, both ends included
    service: Ints  # [S] minutes spent there
    priority: Ints  # [S] 1..5, see PRIZE
    skill: Ints  # [S] -1: anybody
    level: Ints  # [S] least level of that skill (ignored when skill is -1)
    quantity: Ints = field(default_factory=_none)  # [S] taken off the load; default nothing
    tools: Bools = field(default_factory=lambda: np.zeros((0, 0), np.bool_))  # [S, T] needed on the spot
    parts: Ints = field(default_factory=lambda: np.zeros((0, 0), np.int64))  # [S, Q] used up

    def __post_init__(self) -> None:
        count = np.asarray(self.key).shape[0] if np.asarray(self.key).ndim == 1 else -1
        _fill(self, count, {"quantity": 0}, ("tools", "parts"))
        integers = ("key", "place", "service", "priority", "skill", "level", "quantity")
        store(self, "stops", dict.fromkeys(integers, np.int64), (count,))
        for name, kind in (("tools", np.bool_), ("parts", np.int64)):
            store(self, "stops", {name: kind}, _rows(getattr(self, name), count, f"stops.{name}"))
        self.windows.check(count, "stops.windows")
        late = np.abs(np.concatenate([self.windows.start, self.windows.end])) > MAX_MINUTES
        if late.any():
            raise ProblemError("out_of_range", "stops.windows")
        refuse((self.service < 0) | (self.service > MAX_MINUTES), "out_of_range", "stops.service")
        for name in ("quantity", "parts"):
            values = getattr(self, name)
            refuse((values < 0) | (values > MAX_AMOUNT), "out_of_range", f"stops.{name}")
        refuse((self.priority < 1) | (self.priority > MAX_PRIORITY), "priority", "stops.priority")
        refuse((self.skill >= 0) & ((self.level < 1) | (self.level > MAX_LEVEL)), "level", "stops.level")
        if len(np.unique(self.key)) != count:
            raise ProblemError("duplicate_key", "stops.key")

    def __len__(self) -> int:
        return len(self.key)

    @property
    def prize(self) -> Ints:
        """[S] what a visit is worth."""
        return np.array(PRIZE, np.int64)[self.priority]


@dataclass(frozen=True)
class Depot:
    """Where a person may go once in a tour: afterwards every tool and any number of parts is at hand, and
    the load is full again."""

    place: int
    minutes: int = 0


@dataclass(frozen=True)
class Tours:
    """Who visits what and when. Goal, lexicographic: least prize of the unserved stops, then least travel."""

    places: Places
    crew: Crew
    stops: Stops
    depot: Depot | None = None

    def __post_init__(self) -> None:
        crew, stops, places = self.crew, self.stops, len(self.places)
        refuse((crew.start < 0) | (crew.start >= places), "unknown_place", "crew.start")
        refuse((crew.end < NO_END) | (crew.end >= places), "unknown_place", "crew.end")
        refuse((stops.place < 0) | (stops.place >= places), "unknown_place", "stops.place")
        refuse((stops.skill < -1) | (stops.skill >= crew.levels.shape[1]), "skill", "stops.skill")
        if self.places.measured:
            refuse(crew.mode >= self.places.matrix.shape[0], "unknown_mode", "crew.mode")
        for name in ("tools", "parts"):
            mine, needed = getattr(crew, name).shape[1], getattr(stops, name).shape[1]
            if mine != needed and len(crew) and len(stops):
                raise ProblemError("shape", f"stops.{name}")
        if stops.tools.shape[1] > 62:
            raise ProblemError("too_many_tools", "stops.tools")
        if self.depot is not None:
            if not 0 <= self.depot.place < places:
                raise ProblemError("unknown_place", "depot.place")
            if not 0 <= self.depot.minutes <= MAX_MINUTES:
                raise ProblemError("out_of_range", "depot.minutes")


@dataclass(frozen=True)
class TourOptions:
    """How to solve, not what. With a number of `iterations` (per thread) that end before the deadline the
    same seed gives the same plan."""

    seed: int = 0
    deadline_s: float = 30.0
    threads: int = 1
    iterations: int = NO_LIMIT

    def __post_init__(self) -> None:
        if not self.deadline_s >= 0 or self.threads < 1 or self.iterations < 0:
            raise ProblemError("out_of_range", "options")


def _fill(owner: object, count: int, defaults: dict[str, int], tables: tuple[str, ...]) -> None:
    """Give the fields that were left out their value for everybody."""
    for name, value in defaults.items():
        if np.asarray(getattr(owner, name)).size == 0:
            object.__setattr__(owner, name, np.full(max(0, count), value, np.int64))
    for name in tables:
        table = np.asarray(getattr(owner, name))
        if table.size == 0:
            object.__setattr__(owner, name, np.zeros((max(0, count), 0), table.dtype))


def _rows(table: object, count: int, where: str) -> tuple[int, ...]:
    shape = np.asarray(table).shape
    if len(shape) != 2 or shape[0] != count:
        raise ProblemError("shape", where)
    return shape
