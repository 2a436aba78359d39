"""A picture of areas: nodes where they lie, as web maps have it, and places near them within its frame."""

from typing import Any

from volunteer_hub.access.models import Jurisdiction
from volunteer_hub.access.rules import NodeKind
from volunteer_hub.boards.area_map import WIDTH, picture

SQUARE = {"type": "Polygon", "coordinates": [[[125.0, 46.0], [125.2, 46.0], [125.2, 46.2], [125.0, 46.0]]]}


def node(number: int, lat: float, lon: float, shape: dict[str, Any] | None = None) -> Jurisdiction:
    """A community of that number at a place."""
    return Jurisdiction(
        path=f"/1/{number}/",
        code=str(number),
        kind=NodeKind.COMMUNITY,
        name={},
        lat=lat,
        lon=lon,
        shape=shape,
    )


def test_places_lie_between_the_corners_as_web_mercator_has_them() -> None:
    shown = picture([node(1, 46.1, 125.1, SQUARE), node(2, 47.5, 125.3)])
    south, west, north, east = shown.corners
    assert south < 46.0 < 47.5 < north
    assert west < 125.0 < 125.3 < east
    assert shown.place(south + 1e-6, west + 1e-6) == (0.0, shown.height)
    assert shown.place(north - 1e-6, east - 1e-6) == (WIDTH, 0.0)
    middle = shown.place((south + north) / 2, (west + east) / 2)
    assert middle is not None
    assert middle[0] == WIDTH / 2
    assert middle[1] > shown.height / 2  # a degree is the longer, the further north it lies
    assert len(shown.outlines[0].rings[0]) == 4


def test_the_frame_takes_in_what_happens_nearby_and_nothing_far_away() -> None:
    nodes = [node(1, 46.6, 125.1), node(2, 46.61, 125.12)]
    assert picture(nodes).place(46.7, 125.3) is None
    assert picture(nodes, [(46.7, 125.3)]).place(46.7, 125.3) is not None
    assert picture(nodes, [(0.0, 0.0)]).corners == picture(nodes).corners
    assert picture([]).place(46.6, 125.1) is None
    assert picture([]).corners == (0.0, 0.0, 0.0, 0.0)
