"""Positions on the earth: WGS-84 latitude and longitude in degrees, distances in kilometres.

Bulk functions take numpy arrays (or plain floats) and follow numpy's broadcasting. Distances that a person
reads come from ``geodesic_km``; the sphere of ``haversine_km`` is at most 0.6 % off and 3,000 times faster.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from geopy.distance import geodesic
from numpy.typing import ArrayLike, NDArray

from volunteer_hub.core.errors import Malformed

EARTH_RADIUS_KM = 6371.0088  # mean radius R1 of the WGS-84 ellipsoid (IUGG)
BANDS_KM = (1.0, 3.0, 5.0, 10.0, 20.0, 50.0)

Floats = NDArray[np.float64]
Ring = Sequence[tuple[float, float]]
"""Corners of a polygon as (lat, lon); the last may repeat the first."""


def check_position(lat: float, lon: float) -> tuple[float, float]:
    """The same position as floats. Raises Malformed for what is not a finite number, or not on the earth;
    a latitude and longitude that were exchanged are named as such."""
    try:
        lat, lon = float(lat), float(lon)
    except (TypeError, ValueError, OverflowError) as error:
        raise Malformed("geo.not_a_number") from error
    if not (math.isfinite(lat) and math.isfinite(lon)):
        raise Malformed("geo.not_a_number")
    if 90 < abs(lat) <= 180 and abs(lon) <= 90:
        raise Malformed("geo.swapped", lat=lat, lon=lon)
    if abs(lat) > 90:
        raise Malformed("geo.latitude", lat=lat)
    if abs(lon) > 180:
        raise Malformed("geo.longitude", lon=lon)
    return lat, lon


def haversine_km(lat1: ArrayLike, lon1: ArrayLike, lat2: ArrayLike, lon2: ArrayLike) -> Floats:
    """Great-circle distance on the mean sphere."""
    phi1, phi2 = np.radians(lat1), np.radians(lat2)
    half_lat = np.sin((phi2 - phi1) / 2)
    half_lon = np.sin(np.radians(np.subtract(lon2, lon1)) / 2)
    chord = half_lat**2 + np.cos(phi1) * np.cos(phi2) * half_lon**2
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(chord, 1.0))))


def geodesic_km(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Distance on the WGS-84 ellipsoid (Karney 2013), for numbers shown to people."""
    return float(geodesic((lat1, lon1), (lat2, lon2)).km)


def band_km(km: float) -> tuple[float, float | None]:
    """The band a distance falls in, as (at least, less than); the last band has no end."""
    lower = 0.0
    for upper in BANDS_KM:
        if km < upper:
            return lower, upper
        lower = upper
    return lower, None


# Chinese datums ---------------------------------------------------------------------------------------
# Maps published in China shift WGS-84 by some hundred metres (GCJ-02); Baidu bends that once more (BD-09).
# The forward formulas are public knowledge; the ways back have no closed form and are solved by iteration.

_KRASOVSKY_A = 6378245.0
_KRASOVSKY_E2 = 0.00669342162296594323
_BD_STEP = math.pi * 3000.0 / 180.0


def wgs84_to_gcj02(lat: ArrayLike, lon: ArrayLike) -> tuple[Floats, Floats]:
    """Shift WGS-84 to GCJ-02. Positions outside the rectangle round China stay, as in the maps themselves."""
    lat, lon = np.asarray(lat, dtype=float), np.asarray(lon, dtype=float)
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    ripple = (20 * np.sin(6 * np.pi * x) + 20 * np.sin(2 * np.pi * x)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + ripple
    north += (20 * np.sin(np.pi * y) + 40 * np.sin(np.pi * y / 3)) * 2 / 3
    north += (160 * np.sin(np.pi * y / 12) + 320 * np.sin(np.pi * y / 30)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + ripple
    east += (20 * np.sin(np.pi * x) + 40 * np.sin(np.pi * x / 3)) * 2 / 3
    east += (150 * np.sin(np.pi * x / 12) + 300 * np.sin(np.pi * x / 30)) * 2 / 3
    phi = np.radians(lat)
    w2 = 1 - _KRASOVSKY_E2 * np.sin(phi) ** 2
    meridian_m = _KRASOVSKY_A * (1 - _KRASOVSKY_E2) / (w2 * np.sqrt(w2))
    parallel_m = _KRASOVSKY_A / np.sqrt(w2) * np.cos(phi)
    china = (lon >= 72.004) & (lon <= 137.8347) & (lat >= 0.8293) & (lat <= 55.8271)
    return (
        np.where(china, lat + np.degrees(north / meridian_m), lat),
        np.where(china, lon + np.degrees(east / parallel_m), lon),
    )


def wgs84_to_bd09(lat: ArrayLike, lon: ArrayLike) -> tuple[Floats, Floats]:
    """Shift WGS-84 to Baidu's BD-09."""
    y, x = wgs84_to_gcj02(lat, lon)
    radius = np.hypot(x, y) + 0.00002 * np.sin(y * _BD_STEP)
    angle = np.arctan2(y, x) + 0.000003 * np.cos(x * _BD_STEP)
    return radius * np.sin(angle) + 0.006, radius * np.cos(angle) + 0.0065


def gcj02_to_wgs84(lat: ArrayLike, lon: ArrayLike) -> tuple[Floats, Floats]:
    """Bring GCJ-02 (Amap, Tencent, official Chinese maps) back to WGS-84, to better than a millimetre."""
    return _invert(wgs84_to_gcj02, lat, lon)


def bd09_to_wgs84(lat: ArrayLike, lon: ArrayLike) -> tuple[Floats, Floats]:
    """Bring Baidu's BD-09 back to WGS-84, to better than a millimetre."""
    return _invert(wgs84_to_bd09, lat, lon)


def _invert(
    forward: Callable[[Any, Any], tuple[Floats, Floats]], lat: ArrayLike, lon: ArrayLike
) -> tuple[Floats, Floats]:
    """Fixed point of p = target - (forward(p) - p); the shift changes by far less than p, so it contracts."""
    target_lat, target_lon = np.asarray(lat, dtype=float), np.asarray(lon, dtype=float)
    found_lat, found_lon = target_lat, target_lon
    for _ in range(8):
        there_lat, there_lon = forward(found_lat, found_lon)
        found_lat, found_lon = found_lat + target_lat - there_lat, found_lon + target_lon - there_lon
    return found_lat, found_lon


# Shapes -----------------------------------------------------------------------------------------------


def in_polygon(lats: ArrayLike, lons: ArrayLike, ring: Ring) -> NDArray[np.bool_]:
    """Which positions lie inside the ring, by the even-odd rule; degrees are taken as a plane, so the ring
    may not cross the date line. A point on the edge itself may fall on either side."""
    y, x = np.asarray(lats, dtype=float), np.asarray(lons, dtype=float)
    inside = np.zeros(np.broadcast(y, x).shape, dtype=bool)
    for (y1, x1), (y2, x2) in zip(ring, [*ring[1:], ring[0]], strict=True):
        if y1 != y2:
            inside ^= ((y1 > y) != (y2 > y)) & (x < x1 + (y - y1) * (x2 - x1) / (y2 - y1))
    return inside


def in_circle(
    lats: ArrayLike, lons: ArrayLike, centre: tuple[float, float], radius_km: float
) -> NDArray[np.bool_]:
    """Which positions lie within the circle, its edge included."""
    return np.asarray(haversine_km(lats, lons, *centre) <= radius_km)


def area_km2(ring: Ring) -> float:
    """Area of a polygon of city size, on a plane that touches the earth at its middle."""
    return abs(_shoelace(*_plane(ring)[:2])[0])


def centroid(ring: Ring) -> tuple[float, float]:
    """The polygon's centre of area as (lat, lon); the mean of its corners where it has no area."""
    x, y, mid_lat, mid_lon = _plane(ring)
    area, moment_x, moment_y = _shoelace(x, y)
    if abs(area) < 1e-12:
        east, north = float(x.mean()), float(y.mean())
    else:
        east, north = moment_x / area, moment_y / area
    lat = mid_lat + math.degrees(north / EARTH_RADIUS_KM)
    return lat, mid_lon + math.degrees(east / (EARTH_RADIUS_KM * _parallel(mid_lat)))


def circle_ring(
    centre: tuple[float, float], radius_km: float, corners: int = 32
) -> list[tuple[float, float]]:
    """A closed polygon round a centre, to draw a circle where only polygons are known."""
    lat, lon = centre
    angles = np.linspace(0, 2 * np.pi, corners + 1)
    north = np.degrees(radius_km * np.cos(angles) / EARTH_RADIUS_KM)
    east = np.degrees(radius_km * np.sin(angles) / (EARTH_RADIUS_KM * _parallel(lat)))
    ring = [(float(lat + dy), float(lon + dx)) for dy, dx in zip(north, east, strict=True)]
    return [*ring[:-1], ring[0]]


def _plane(ring: Ring) -> tuple[Floats, Floats, float, float]:
    """Kilometres east and north of the ring's middle, and that middle."""
    corners = np.asarray(ring, dtype=float)
    mid_lat, mid_lon = (corners.min(axis=0) + corners.max(axis=0)) / 2
    y = np.radians(corners[:, 0] - mid_lat) * EARTH_RADIUS_KM
    x = np.radians(corners[:, 1] - mid_lon) * EARTH_RADIUS_KM * _parallel(mid_lat)
    return x, y, float(mid_lat), float(mid_lon)


def _parallel(lat: float) -> float:
    """How much shorter a degree of longitude is at this latitude; never nothing, not even at a pole."""
    return max(math.cos(math.radians(lat)), 1e-9)


def _shoelace(x: Floats, y: Floats) -> tuple[float, float, float]:
    """Signed area and first moments."""
    next_x, next_y = np.roll(x, -1), np.roll(y, -1)
    cross = x * next_y - next_x * y
    return (
        float(cross.sum() / 2),
        float(((x + next_x) * cross).sum() / 6),
        float(((y + next_y) * cross).sum() / 6),
    )
