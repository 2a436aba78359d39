"""Areas as text: read as GeoJSON, written back the same, mistakes named by their line."""

import pytest

from volunteer_hub.core.errors import Malformed
from volunteer_hub.incidents.drawn import read, written

SQUARE = "46.591234, 125.1\n46.6, 125.1\n46.6, 125.2"


def test_corners_become_closed_rings_with_the_longitude_first() -> None:
    shape = read(f"\n{SQUARE}\n\n 46.7，125.3\n46.8, 125.3\n46.8, 125.4\n")
    assert shape is not None
    assert shape["type"] == "MultiPolygon"
    first, second = shape["coordinates"]
    assert first == [[[125.1, 46.591234], [125.1, 46.6], [125.2, 46.6], [125.1, 46.591234]]]
    assert (len(second[0]), second[0][0]) == (4, [125.3, 46.7])


def test_what_was_read_is_written_back() -> None:
    both = f"{SQUARE}\n\n46.7, 125.3\n46.8, 125.3\n46.8, 125.4"
    assert written(read(both)) == both
    assert (read(" \n "), written(None), written({"type": "Point", "coordinates": [1, 2]})) == (None, "", "")
    ring = [[125.1, 46.6], [125.2, 46.6], [125.2, 46.7], [125.1, 46.6]]
    assert written({"type": "Polygon", "coordinates": [ring]}) == "46.6, 125.1\n46.6, 125.2\n46.7, 125.2"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("46.6, 125.1\nnorth", "incident.area.line"),
        ("46.6, 125.1\n91, 125.1\n1, 2", "incident.area.line"),
        ("nan, 1\n2, 3\n4, 5", "incident.area.line"),
        ("46.6, 125.1\n46.7, 125.1", "incident.area.corners"),
        (f"{SQUARE}\n\n1, 2", "incident.area.corners"),
        ("\n".join(["1, 2"] * 501), "incident.area.corners"),
    ],
)
def test_a_mistake_is_named(text: str, code: str) -> None:
    with pytest.raises(Malformed) as raised:
        read(text)
    assert [(fault.where, fault.code) for fault in raised.value.fields] == [("corners", code)]
