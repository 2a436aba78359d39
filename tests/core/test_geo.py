import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volunteer_hub.core import geo
from volunteer_hub.core.errors import Malformed

DAQING = (46.5893, 125.1036)
SHANGHAI = (31.2304, 121.4737)
SQUARE = [(46.0, 125.0), (46.0, 125.1), (46.1, 125.1), (46.1, 125.0), (46.0, 125.0)]


@pytest.mark.parametrize(
    ("lat", "lon", "code"),
    [
        (math.nan, 125.0, "geo.not_a_number"),
        (46.0, math.inf, "geo.not_a_number"),
        ("north", 125.0, "geo.not_a_number"),
        (None, 125.0, "geo.not_a_number"),
        (10**400, 125.0, "geo.not_a_number"),
        (91.0, 125.0, "geo.latitude"),
        (91.0, 45.0, "geo.swapped"),
        (125.1, 46.6, "geo.swapped"),
        (46.0, 181.0, "geo.longitude"),
        (-90.0001, 120.0, "geo.latitude"),
    ],
)
def test_an_impossible_position_is_refused_by_name(lat: float, lon: float, code: str) -> None:
    with pytest.raises(Malformed) as caught:
        geo.check_position(lat, lon)
    assert caught.value.code == code


def test_a_possible_position_comes_back_as_floats() -> None:
    assert geo.check_position(90, -180) == (90.0, -180.0)


def test_haversine_is_within_six_per_mille_of_the_ellipsoid() -> None:
    sphere = float(geo.haversine_km(*DAQING, *SHANGHAI))
    ellipsoid = geo.geodesic_km(*DAQING, *SHANGHAI)
    assert round(ellipsoid) == 1733
    assert abs(sphere / ellipsoid - 1) < 0.006


def test_haversine_makes_a_matrix_by_broadcasting() -> None:
    lats, lons = np.array([46.0, 47.0, 46.0]), np.array([125.0, 125.0, 305.0])
    matrix = geo.haversine_km(lats[:, None], lons[:, None], lats, lons)
    assert matrix.shape == (3, 3)
    assert np.diag(matrix).tolist() == [0.0, 0.0, 0.0]
    assert round(float(matrix[0, 1]), 3) == 111.195
    # from 46 N over the pole to 46 N on the other side: 88 degrees
    assert round(float(matrix[0, 2]) / 111.195, 2) == 88.0


def test_antipodes_do_not_leave_the_domain_of_arcsine() -> None:
    half_round = math.pi * geo.EARTH_RADIUS_KM
    assert float(geo.haversine_km(0.3, 0.1, -0.3, -179.9)) == pytest.approx(half_round)


def test_the_datum_shift_in_shanghai_is_the_known_one() -> None:
    shifted = geo.wgs84_to_gcj02(*SHANGHAI)
    metres = 1000 * geo.geodesic_km(*SHANGHAI, float(shifted[0]), float(shifted[1]))
    assert 450 < metres < 550


def test_the_forward_formulas_give_the_published_values() -> None:
    assert [float(v) for v in geo.wgs84_to_gcj02(31.1774276, 121.5272106)] == pytest.approx(
        [31.17530398364597, 121.531541859215], abs=1e-12
    )
    from_amap = geo.gcj02_to_wgs84(39.915, 116.404)
    assert [float(v) for v in geo.wgs84_to_bd09(*from_amap)] == pytest.approx(
        [39.92133699351021, 116.41036949371029], abs=1e-9
    )


def test_positions_outside_china_are_not_shifted() -> None:
    tokyo = (35.68, 139.76)
    assert tuple(map(float, geo.wgs84_to_gcj02(*tokyo))) == tokyo


@given(lat=st.floats(4, 53), lon=st.floats(74, 135))
def test_both_chinese_datums_come_back_within_a_millimetre(lat: float, lon: float) -> None:
    for forward, back in (
        (geo.wgs84_to_gcj02, geo.gcj02_to_wgs84),
        (geo.wgs84_to_bd09, geo.bd09_to_wgs84),
    ):
        found = back(*forward(lat, lon))
        assert float(geo.haversine_km(lat, lon, *found)) * 1e6 < 1.0


def test_datum_conversion_takes_whole_columns() -> None:
    lats, lons = np.array([46.5, 31.2]), np.array([125.1, 121.4])
    back = geo.gcj02_to_wgs84(*geo.wgs84_to_gcj02(lats, lons))
    assert np.allclose(back, (lats, lons), atol=1e-9)


def test_inside_and_outside_of_a_polygon() -> None:
    lats, lons = np.array([46.05, 46.05, 45.99, 46.2]), np.array([125.05, 125.11, 125.05, 125.05])
    assert geo.in_polygon(lats, lons, SQUARE).tolist() == [True, False, False, False]
    assert geo.in_polygon(lats, lons, SQUARE[:-1]).tolist() == [True, False, False, False]


def test_the_notch_of_a_concave_polygon_is_outside() -> None:
    ring = [(0.0, 0.0), (0.0, 3.0), (3.0, 3.0), (3.0, 2.0), (1.0, 2.0), (1.0, 1.0), (3.0, 1.0), (3.0, 0.0)]
    assert geo.in_polygon(np.array([2.0, 2.0, 0.5]), np.array([1.5, 0.5, 1.5]), ring).tolist() == [
        False,
        True,
        True,
    ]


def test_area_and_centroid_of_a_square() -> None:
    assert geo.area_km2(SQUARE) == pytest.approx(11.1195 * 11.1195 * math.cos(math.radians(46.05)), rel=1e-4)
    assert geo.centroid(SQUARE) == pytest.approx((46.05, 125.05))
    assert geo.centroid(SQUARE[::-1]) == pytest.approx((46.05, 125.05))


def test_the_centroid_is_of_the_area_not_of_the_corners() -> None:
    many_corners_in_the_west = [
        (0.0, 0.0),
        (0.0, 2.0),
        (2.0, 2.0),
        (2.0, 0.0),
        (1.5, 0.0),
        (1.0, 0.0),
        (0.5, 0.0),
    ]
    assert geo.centroid(many_corners_in_the_west) == pytest.approx((1.0, 1.0))


def test_a_polygon_without_area_has_the_middle_of_its_corners() -> None:
    assert geo.centroid([(46.0, 125.0), (46.2, 125.0), (46.4, 125.0)]) == pytest.approx((46.2, 125.0))


def test_a_drawn_circle_is_closed_and_everywhere_at_its_radius() -> None:
    ring = geo.circle_ring(DAQING, 5.0)
    assert ring[0] == ring[-1]
    assert len(ring) == 33
    lats, lons = np.array(ring).T
    assert np.allclose(geo.haversine_km(lats, lons, *DAQING), 5.0, rtol=1e-3)


def test_within_a_circle() -> None:
    assert geo.in_circle([46.6, 47.6], [125.1, 125.1], DAQING, 5.0).tolist() == [True, False]


@pytest.mark.parametrize(
    ("km", "band"), [(0.0, (0.0, 1.0)), (1.0, (1.0, 3.0)), (19.9, (10.0, 20.0)), (50.0, (50.0, None))]
)
def test_distance_bands_include_their_lower_end(km: float, band: tuple[float, float | None]) -> None:
    assert geo.band_km(km) == band
