"""A made-up tree round given places."""

import pytest

from volunteer_hub.core.geo import haversine_km
from volunteer_hub.simulation import around
from volunteer_hub.simulation.city import Label
from volunteer_hub.simulation.people import people

PLACES = [(18.54, -72.34), (18.541, -72.341), (18.60, -72.20), (19.76, -72.20)]


def test_places_near_one_another_are_one_community_with_residents_for_each() -> None:
    city = around.communities(PLACES, "HT", Label("Haiti", "海地"))
    assert [node.residents for node in city.communities] == [2000, 1000, 1000]
    assert city.root.residents == 4000
    assert (city.communities[0].lat, city.communities[0].lon) == pytest.approx((18.5405, -72.3405))


def test_the_tree_has_the_same_nodes_parents_first() -> None:
    city = around.communities(PLACES, "HT", Label("Haiti", "海地"))
    tree = around.tree(city, "America/Port-au-Prince")
    assert [(node.code, node.parent) for node in tree] == [
        ("HT", None), ("HT-0001", "HT"), ("HT-0002", "HT"), ("HT-0003", "HT"),
    ]  # fmt: skip
    assert {node.zone for node in tree} == {"America/Port-au-Prince"}


def test_people_live_round_the_places() -> None:
    city = around.communities(PLACES, "HT", Label("Haiti", "海地"))
    for row in people(city, 50, 1):
        away = [
            float(haversine_km(float(row["lat"]), float(row["lon"]), node.lat, node.lon))
            for node in city.communities
        ]
        assert min(away) < 5


def test_no_places_are_refused() -> None:
    with pytest.raises(ValueError, match="no places"):
        around.communities([], "HT", Label("Haiti", "海地"))
