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
Ring = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Outline:
    """One area: rings of points and where its number stands, in units of the picture."""

    path: str
    rings: tuple[Ring, ...]
    x: float
    y: float


@dataclass(frozen=True)
class Picture:
    """A picture of WIDTH by ``height``, north up."""

    height: float
    outlines: tuple[Outline, ...]


def picture(nodes: Sequence[Jurisdiction]) -> Picture:
    """The outlines of these areas, in their order."""
    if not nodes:
        return Picture(WIDTH, ())
    lat, lon = np.array([node.lat for node in nodes]), np.array([node.lon for node in nodes])
    shapes = [_rings(node.shape) for node in nodes]
    corners = np.array([(p[1], p[0]) for rings in shapes for ring in rings for p in ring]).reshape(-1, 2)
    all_lat, all_lon = np.append(lat, corners[:, 0]), np.append(lon, corners[:, 1])
    shrink = math.cos(math.radians(float(all_lat.mean())))
    wide = max(float(np.ptp(all_lon)) * shrink, float(np.ptp(all_lat)) / 2, 0.01) * (1 + 2 * _MARGIN)
    tall = max(float(np.ptp(all_lat)), wide / 3) * (1 + 2 * _MARGIN)
    unit = WIDTH / wide
    west = float(all_lon.max() + all_lon.min()) / 2 - wide / shrink / 2
    north = float(all_lat.max() + all_lat.min()) / 2 + tall / 2

    def project(lats: Any, lons: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return (np.asarray(lons) - west) * shrink * unit, (north - np.asarray(lats)) * unit

    x, y = project(lat, lon)
    height = tall * unit
    cells = _cells(x, y, height)
    made = []
    for n, node in enumerate(nodes):
        own = tuple(
            tuple(
                (round(float(a), 1), round(float(b), 1)) for a, b in zip(*project(*_apart(ring)), strict=True)
            )
            for ring in shapes[n]
        )
        made.append(Outline(node.path, own or (cells[n],), round(float(x[n]), 1), round(float(y[n]), 1)))
    return Picture(round(height, 1), tuple(made))


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
