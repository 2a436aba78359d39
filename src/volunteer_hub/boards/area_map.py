"""Areas as outlines of a picture that needs no tiles: their own shapes, else each the land nearest to it.

Where an area has no shape its outline is its cell of the Voronoi diagram of the centres within the picture's
frame: mirrored centres beyond the frame's sides make every cell end there.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Voronoi

from volunteer_hub.access.models import Jurisdiction

WIDTH: Final = 1000.0
_MARGIN: Final = 0.06
_NEAR: Final = 0.3  # degrees: a place typed wrongly must not make the areas a dot
Ring = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Outline:
    """One area: rings of points and where its number stands, in units of the picture."""

    path: str
    rings: tuple[Ring, ...]
    x: float
    y: float


@dataclass(frozen=True)
class Frame:
    """What a picture shows of the earth, in Web Mercator as web maps have it, so that it lies on their tiles:
    the degrees of its west, and its units in a degree of longitude, and its north in such degrees."""

    west: float
    north: float
    unit: float

    def at(self, lats: Any, lons: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Where positions lie in the picture: x and y, in its units."""
        return (np.asarray(lons) - self.west) * self.unit, (self.north - _mercator(lats)) * self.unit


@dataclass(frozen=True)
class Picture:
    """A picture of WIDTH by ``height``, north up. Without areas it shows nothing of the earth."""

    height: float
    outlines: tuple[Outline, ...]
    frame: Frame | None = None

    @property
    def corners(self) -> tuple[float, float, float, float]:
        """Its south, west, north and east, in degrees; nothing of the earth is all 0."""
        if self.frame is None:
            return 0.0, 0.0, 0.0, 0.0
        west, north, unit = self.frame.west, self.frame.north, self.frame.unit
        south, east = north - self.height / unit, west + WIDTH / unit
        return _latitude(south), west, _latitude(north), east

    def rings(self, shape: Any) -> tuple[Ring, ...]:
        """The outlines of a GeoJSON Polygon or MultiPolygon; none for anything else, or without areas."""
        if self.frame is None:
            return ()
        drawn = (zip(*self.frame.at(*_apart(ring)), strict=True) for ring in _rings(shape))
        return tuple(tuple((round(float(x), 1), round(float(y), 1)) for x, y in ring) for ring in drawn)

    def place(self, lat: float, lon: float) -> tuple[float, float] | None:
        """Where a position lies, or None beyond the picture."""
        if self.frame is None:
            return None
        x, y = (round(float(one), 1) for one in self.frame.at(lat, lon))
        return (x, y) if 0 <= x <= WIDTH and 0 <= y <= self.height else None


def picture(nodes: Sequence[Jurisdiction], places: Sequence[tuple[float, float]] = ()) -> Picture:
    """The outlines of these areas, in their order, so wide that places (lat, lon) near them are in it too."""
    if not nodes:
        return Picture(WIDTH, ())
    lat, lon = np.array([node.lat for node in nodes]), np.array([node.lon for node in nodes])
    near = [
        (a, b)
        for a, b in places
        if lat.min() - _NEAR <= a <= lat.max() + _NEAR and lon.min() - _NEAR <= b <= lon.max() + _NEAR
    ]
    shapes = [_rings(node.shape) for node in nodes]
    corners = np.array([(p[1], p[0]) for rings in shapes for ring in rings for p in ring]).reshape(-1, 2)
    all_lat = np.concatenate([lat, corners[:, 0], [place[0] for place in near]])
    all_lon = np.concatenate([lon, corners[:, 1], [place[1] for place in near]])
    high = _mercator(all_lat)
    wide = max(float(np.ptp(all_lon)), float(np.ptp(high)) / 2, 0.01) * (1 + 2 * _MARGIN)
    tall = max(float(np.ptp(high)), wide / 3) * (1 + 2 * _MARGIN)
    west = float(all_lon.max() + all_lon.min()) / 2 - wide / 2
    north = float(high.max() + high.min()) / 2 + tall / 2
    frame = Frame(west, north, WIDTH / wide)
    x, y = frame.at(lat, lon)
    height = tall * frame.unit
    cells = _cells(x, y, height)
    made = []
    for n, node in enumerate(nodes):
        own = tuple(
            tuple(
                (round(float(a), 1), round(float(b), 1))
                for a, b in zip(*frame.at(*_apart(ring)), strict=True)
            )
            for ring in shapes[n]
        )
        made.append(Outline(node.path, own or (cells[n],), round(float(x[n]), 1), round(float(y[n]), 1)))
    return Picture(round(height, 1), tuple(made), frame)


def corners(shape: Any) -> list[tuple[float, float]]:
    """The corners (lat, lon) of a GeoJSON Polygon or MultiPolygon; none of anything else."""
    return [(point[1], point[0]) for ring in _rings(shape) for point in ring]


def _mercator(lats: Any) -> NDArray[np.float64]:
    """How far north of the equator, in degrees of longitude as wide as there."""
    found: NDArray[np.float64] = np.degrees(np.arcsinh(np.tan(np.radians(lats))))
    return found


def _latitude(high: float) -> float:
    return math.degrees(math.atan(math.sinh(math.radians(high))))


def _apart(ring: Sequence[Sequence[float]]) -> tuple[list[float], list[float]]:
    return [point[1] for point in ring], [point[0] for point in ring]


def _rings(shape: Any) -> list[list[list[float]]]:
    """The rings of a GeoJSON Polygon or MultiPolygon; none for anything else."""
    if not shape:
        return []
    if shape.get("type") == "Polygon":
        return list(shape["coordinates"])
    if shape.get("type") == "MultiPolygon":
        return [ring for polygon in shape["coordinates"] for ring in polygon]
    return []


def _cells(x: NDArray[np.float64], y: NDArray[np.float64], height: float) -> list[Ring]:
    # Two centres at one place have no line between them: they are moved apart by less than is seen.
    jitter = 0.01 * np.arange(len(x))
    points = np.column_stack([x + jitter, y + jitter % 0.37])
    sides = [points * (-1, 1), points * (-1, 1) + (2 * WIDTH, 0)]
    sides += [points * (1, -1), points * (1, -1) + (0, 2 * height)]
    diagram = Voronoi(np.concatenate([points, *sides]))
    found = []
    for n in range(len(points)):
        corners = diagram.vertices[diagram.regions[diagram.point_region[n]]]
        around = np.arctan2(corners[:, 1] - points[n, 1], corners[:, 0] - points[n, 0])
        ordered = corners[np.argsort(around)]
        found.append(tuple((round(float(a), 1), round(float(b), 1)) for a, b in ordered))
    return found
