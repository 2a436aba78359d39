"""Tours that cannot be planned are refused when they are made, with what is wrong and where."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.engine.tours.build import crew, stops, street
from volunteer_hub.engine.arrays import ProblemError
from volunteer_hub.engine.tours.problem import Depot, Places, TourOptions, Tours

NAN = float("nan")


@pytest.mark.parametrize(
    ("make", "code", "where"),
    [
        (lambda: Places(np.array([46.0, NAN]), np.zeros(2)), "not_a_number", "places.lat"),
        (lambda: Places(np.array([91.0]), np.zeros(1)), "latitude", "places.lat"),
        (lambda: Places(np.zeros(1), np.array([181.0])), "longitude", "places.lon"),
        (lambda: Places(np.zeros(2), np.zeros(1)), "shape", "places.lon"),
        (lambda: Places(matrix=np.zeros((1, 2, 3))), "shape", "places"),
        (lambda: Places(np.zeros(1), np.zeros(1), np.zeros((1, 1, 1))), "positions_and_matrix", "places"),
        (lambda: Places(matrix=np.full((1, 2, 2), -2)), "out_of_range", "places.matrix"),
        (lambda: Places(matrix=np.full((1, 2, 2), NAN)), "not_a_number", "places.matrix"),
        (lambda: Places(detour=0.5), "out_of_range", "places.detour"),
        (lambda: crew(1, until=np.array([0])), "window", "crew.until"),
        (lambda: crew(1, since=np.array([-(10**8)])), "out_of_range", "crew.since"),
        (lambda: crew(1, longest=np.array([-1])), "negative", "crew.longest"),
        (lambda: crew(1, parts=np.array([[-1]])), "negative", "crew.parts"),
        (lambda: crew(1, levels=np.array([[4, 0]])), "level", "crew.levels"),
        (lambda: crew(1, speed_kmh=np.array([NAN])), "not_a_number", "crew.speed_kmh"),
        (lambda: crew(1, speed_kmh=np.array([0.0])), "speed", "crew.speed_kmh"),
        (lambda: crew(1, 2, key=np.array([5, 5])), "duplicate_key", "crew.key"),
        (lambda: crew(1, 2, tools=np.ones((1, 1), bool)), "shape", "crew.tools"),
        (lambda: stops(1, service=np.array([-1])), "out_of_range", "stops.service"),
        (lambda: stops(1, quantity=np.array([-1])), "out_of_range", "stops.quantity"),
        (lambda: stops(1, priority=np.array([0])), "priority", "stops.priority"),
        (lambda: stops(1, skill=np.array([0]), level=np.array([0])), "level", "stops.level"),
        (lambda: stops(1, windows=[(0, 5, 5)]), "window", "intervals"),
        (lambda: stops(1, windows=[(0, 0, 10**8)]), "out_of_range", "stops.windows"),
        (lambda: stops(1, 2, key=np.array([5, 5])), "duplicate_key", "stops.key"),
        (lambda: Tours(street(), crew(99), stops(1)), "unknown_place", "crew.start"),
        (lambda: Tours(street(), crew(1, end=np.array([-2])), stops(1)), "unknown_place", "crew.end"),
        (lambda: Tours(street(), crew(1), stops(-1)), "unknown_place", "stops.place"),
        (lambda: Tours(street(), crew(1), stops(1, skill=np.array([2]))), "skill", "stops.skill"),
        (lambda: Tours(street(), crew(1), stops(1), Depot(99)), "unknown_place", "depot.place"),
        (lambda: Tours(street(), crew(1), stops(1), Depot(1, -1)), "out_of_range", "depot.minutes"),
        (lambda: Tours(street(), crew(1), stops(1, parts=np.ones((1, 2)))), "shape", "stops.parts"),
        (
            lambda: Tours(Places(matrix=np.zeros((1, 2, 2))), crew(1, mode=np.array([1])), stops(1)),
            "unknown_mode",
            "crew.mode",
        ),
        (
            lambda: Tours(street(), crew(1, tools=np.ones((1, 63), bool)), stops(1, tools=np.ones((1, 63)))),
            "too_many_tools",
            "stops.tools",
        ),
        (lambda: TourOptions(deadline_s=NAN), "out_of_range", "options"),
        (lambda: TourOptions(threads=0), "out_of_range", "options"),
    ],
)
def test_what_is_wrong_is_named(make: Callable[[], object], code: str, where: str) -> None:
    with pytest.raises(ProblemError) as refused:
        make()
    assert (refused.value.code, refused.value.where) == (code, where)


def test_what_is_left_out_limits_nothing() -> None:
    people = crew(1, 2)
    assert people.capacity.tolist() == people.longest.tolist() == [1 << 40] * 2
    assert (people.mode.tolist(), people.tools.shape, people.parts.shape) == ([0, 0], (2, 0), (2, 0))
    assert stops(1, priority=np.array([5])).prize.tolist() == [16]


def test_a_street_across_the_date_line_stays_short() -> None:
    places = Places(lat=np.zeros(2), lon=np.array([179.99, -179.99]), detour=1.0)
    x, _ = places.road_km()
    assert round(float(abs(x[0] - x[1])), 3) == 2.226
