"""The area of an incident as people write it: a corner a line, an empty line between two areas. Pure."""

from collections.abc import Sequence
from typing import Any, Final

from volunteer_hub.core.errors import FieldError, Malformed

FEWEST: Final = 3
MOST: Final = 500
Corner = tuple[float, float]


def read(text: str) -> dict[str, Any] | None:
    """GeoJSON (lon, lat) of lines "lat, lon"; None for an empty text. Raises Malformed naming the line."""
    rings: list[list[Corner]] = [[]]
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            rings[-1].append(_corner(line, number))
        elif rings[-1]:
            rings.append([])
    return shape([ring for ring in rings if ring])


def shape(areas: Sequence[Sequence[Corner]]) -> dict[str, Any] | None:
    """GeoJSON (lon, lat) of areas, each the corners (lat, lon) around it; None for none. Raises Malformed for
    too few corners or too many."""
    if not areas:
        return None
    if sum(map(len, areas)) > MOST or any(len(ring) < FEWEST for ring in areas):
        raise _wrong("incident.area.corners", fewest=FEWEST, most=MOST)
    return {
        "type": "MultiPolygon",
        "coordinates": [[[[b, a] for a, b in (*ring, ring[0])]] for ring in areas],
    }


def written(shape: dict[str, Any] | None) -> str:
    """The text of such a shape; what is no polygon has none."""
    polygons = (shape or {}).get("coordinates", []) if (shape or {}).get("type") == "MultiPolygon" else []
    if (shape or {}).get("type") == "Polygon":
        polygons = [(shape or {})["coordinates"]]
    return "\n\n".join(
        "\n".join(f"{round(lat, 6)}, {round(lon, 6)}" for lon, lat, *_ in ring[0][:-1]) for ring in polygons
    )


def _corner(line: str, number: int) -> Corner:
    try:
        lat, lon = (float(one) for one in line.replace("，", ",").split(","))
    except ValueError:
        raise _wrong("incident.area.line", line=number) from None
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        raise _wrong("incident.area.line", line=number)
    return lat, lon


def _wrong(code: str, **params: Any) -> Malformed:
    return Malformed(code, fields=[FieldError("corners", code, params)], **params)
