"""Travel times by road into a plan's problem: asked from zones, never from homes.

A zone is a cell of 0.01 degrees (about a kilometre) and a means of travel. The service is asked from the
cell's centre, and only as far as somebody of the zone is willing to go; beyond that the straight line stands,
for explanations of what would be if they went further. When it does not answer in time the whole plan is made
by the straight line, and says so.
"""

import hashlib
import time
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from volunteer_hub.boards.problem import Case
from volunteer_hub.core import geo, policy, roads
from volunteer_hub.core.errors import HubError
from volunteer_hub.core.log import logger
from volunteer_hub.core.roads import Floats
from volunteer_hub.engine.problem import Problem
from volunteer_hub.engine.terms import UNITS_PER_HOUR
from volunteer_hub.engine.travel import LONGEST, NO_WAY, Matrix
from volunteer_hub.flows.road_service import SECONDS, service
from volunteer_hub.mobilization.policy import Callouts
from volunteer_hub.volunteers.pool import MODES
from volunteer_hub.volunteers.rules import TravelMode

Ints = NDArray[np.int64]
CELL: Final = 0.01  # degrees
_PLANE: Final = 0.99  # the engine's plane and the sphere agree within a hundredth
_CELL_KM: Final = 0.8  # from a cell's centre to its corner, at the most
_SECONDS_PER_UNIT: Final = 3600 / UNITS_PER_HOUR
_PROFILE: Final = np.array(
    [
        roads.PROFILES.index({TravelMode.CAR: "car", TravelMode.BICYCLE: "bike"}.get(mode, "foot"))
        for mode in MODES
    ]
)


class Ways(StrEnum):
    """How a plan's travel times came about; words for it are under ``roads.<value>``."""

    OSRM = "osrm"
    VALHALLA = "valhalla"
    STRAIGHT_LINE = "straight_line"
    NO_ANSWER = "no_answer"


@dataclass(frozen=True)
class Measured:
    """A case with its travel times, and how they came about."""

    case: Case
    ways: Ways


@dataclass(frozen=True)
class _Zones:
    """Cells [Z] with a means of travel, in the order of the grid."""

    of: Ints  # [V] the zone of each person
    centre: Floats  # [Z, 2] lat, lon
    profile: Ints  # [Z] index into roads.PROFILES
    reach_km: Floats  # [Z] the furthest that somebody of the zone goes
    speed_kmh: Floats  # [Z]


def for_plan(case: Case, modes: Ints, *, seconds: float = SECONDS) -> Measured:
    """`measured` by the service of HUB_ROADS. A setting that cannot be used counts as no answer: a plan that
    is wanted now does not wait for it to be mended."""
    try:
        found = service()
    except HubError as error:
        logger("roads").error("HUB_ROADS cannot be used; see volunteer-hub doctor", error=str(error))
        return Measured(case, Ways.NO_ANSWER)
    return measured(case, modes, _slow_down(case, modes), found, seconds=seconds)


def _slow_down(case: Case, modes: Ints) -> float:
    """How many times longer travel takes in the case's hazard: what its speeds are lower than configured."""
    if not len(modes):
        return 1.0
    travel = policy.load("callouts", Callouts).travel
    configured = {"car": travel.car, "bike": travel.bicycle, "foot": travel.foot}
    profile = roads.PROFILES[int(_PROFILE[modes[0]])]
    return float(configured[profile] / case.problem.people.speed_kmh[0])


def measured(
    case: Case, modes: Ints, slow_down: float, service: roads.Roads | None, *, seconds: float = SECONDS
) -> Measured:
    """The case with travel times by road.

    ``modes`` [V] are positions in volunteers.pool.MODES, ``slow_down`` is how many times longer travel takes
    in this hazard. Never raises for a service that fails: then the case is as it was.
    """
    problem = case.problem
    if service is None or not len(problem.people) or not len(problem.slots):
        return Measured(case, Ways.STRAIGHT_LINE)
    try:
        matrix = _matrix(problem, modes, slow_down, service, time.monotonic() + seconds)
    except HubError as error:
        logger("roads").warning("the road service does not answer", error=str(error))
        return Measured(case, Ways.NO_ANSWER)
    by_road = replace(case, problem=replace(problem, travel=matrix), digest=_digest(case, matrix))
    return Measured(by_road, Ways(service.provider))


def _digest(case: Case, matrix: Matrix) -> str:
    """Of the whole problem: that of the rest, and the times."""
    total = hashlib.sha256(f"{case.digest}{matrix.tenths.shape}".encode())
    total.update(np.ascontiguousarray(matrix.zone).tobytes())
    total.update(np.ascontiguousarray(matrix.tenths).tobytes())
    return total.hexdigest()


def _matrix(problem: Problem, modes: Ints, slow_down: float, service: roads.Roads, until: float) -> Matrix:
    zones = _zones(problem, modes)
    exact = np.column_stack([problem.slots.lat, problem.slots.lon]).round(6)
    places, slot_place = np.unique(exact, axis=0, return_inverse=True)
    km = geo.haversine_km(zones.centre[:, :1], zones.centre[:, 1:], places[:, 0], places[:, 1])
    units = problem.limits.detour * km * UNITS_PER_HOUR / zones.speed_kmh[:, None]
    wanted = _PLANE * km - _CELL_KM <= zones.reach_km[:, None]
    for number, profile in enumerate(roads.PROFILES):
        rows = np.flatnonzero((zones.profile == number) & wanted.any(axis=1))
        if not len(rows):
            continue
        part = wanted[rows]
        if profile in service.profiles:
            found = service.table(profile, zones.centre[rows], places, wanted=part, until=until)
            taken = found * slow_down / _SECONDS_PER_UNIT
        else:
            other = next(one for one in roads.PROFILES if one in service.profiles)
            found = service.table(
                other, zones.centre[rows], places, quantity="distance", wanted=part, until=until
            )
            taken = found * UNITS_PER_HOUR / zones.speed_kmh[rows, None]
        units[rows] = np.where(part, taken, units[rows])
    tenths = np.where(np.isinf(units), NO_WAY, np.minimum(np.floor(units + 0.5), LONGEST))
    return Matrix(zones.of, tenths.astype(np.int64)[:, slot_place.ravel()])


def _zones(problem: Problem, modes: Ints) -> _Zones:
    people = problem.people
    rows = np.clip(np.floor(people.lat / CELL), -9000, 8999).astype(np.int64)
    columns = np.clip(np.floor(people.lon / CELL), -18000, 17999).astype(np.int64)
    key = ((rows + 9000) * 36000 + columns + 18000) * len(roads.PROFILES) + _PROFILE[modes]
    cells, first, of = np.unique(key, return_index=True, return_inverse=True)
    reach = np.zeros(len(cells))
    np.maximum.at(reach, of, np.maximum(*people.reach_km))
    return _Zones(
        of=of,
        centre=np.column_stack([rows[first] + 0.5, columns[first] + 0.5]) * CELL,
        profile=cells % len(roads.PROFILES),
        reach_km=reach,
        speed_kmh=people.speed_kmh[first],
    )
