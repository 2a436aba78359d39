"""The picture of the situation: communities shaded by the weakest skill of the hour, and open incidents."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from volunteer_hub.access import jurisdictions
from volunteer_hub.access.models import Jurisdiction
from volunteer_hub.boards import area_map, readiness
from volunteer_hub.boards.area_map import Picture, Ring
from volunteer_hub.boards.at_home import AT_HOME
from volunteer_hub.boards.readiness import Weakest
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.site import Site
from volunteer_hub.incidents.models import Incident
from volunteer_hub.volunteers.week import cells_between

_WIDE: Final = 150.0
_HIGH: Final = 22.0


@dataclass(frozen=True)
class Pin:
    """An incident at its place, and the height at which its name stands: names do not cover each other."""

    incident: Incident
    x: float
    y: float
    name_y: float


@dataclass(frozen=True)
class Stretch:
    """The area that an incident covers, as outlines of the picture."""

    incident: Incident
    rings: tuple[Ring, ...]


@dataclass(frozen=True)
class Ground:
    """``nodes`` belong to the picture's outlines, in their order. ``hour``: the cell of the week in which
    ``weakest`` is so; None where nothing was played or the reader may not see it."""

    top: Jurisdiction
    nodes: tuple[Jurisdiction, ...]
    picture: Picture
    pins: tuple[Pin, ...]
    stretches: tuple[Stretch, ...]
    hour: int
    weakest: Weakest | None


def ground(tx: Tx, incidents: Sequence[Incident]) -> Ground | None:
    """Of the areas whose incidents the actor may see; None where there is no community among them. An
    incident beyond the picture has no pin. Three queries."""
    seen = jurisdictions.listed(tx, "incident.read")
    nodes = tuple(node for node in seen if node.kind in AT_HOME)
    if not nodes:
        return None
    top, night = seen[0], policy.load("hub", Site).night
    minute = tx.now, tx.now + timedelta(minutes=1)
    hour = cells_between(*minute, ZoneInfo(top.zone), night.starts, night.ends).bit_length() - 1
    shown = area_map.picture(nodes, [place for one in incidents for place in _places(one)])
    weakest = readiness.weakest(tx, top.path, hour) if tx.actor.may("drill.read", top.path) else None
    stretches = (Stretch(one, rings) for one in incidents if (rings := shown.rings(one.shape)))
    return Ground(top, nodes, shown, _pins(shown, incidents), tuple(stretches), hour, weakest)


def around(tx: Tx, incident: Incident) -> tuple[tuple[Jurisdiction, ...], Picture]:
    """The communities of an incident's own area, and their picture; one query."""
    nodes = tuple(node for node in jurisdictions.subtree(tx, incident.area) if node.kind in AT_HOME)
    return nodes, area_map.picture(nodes, _places(incident))


def _places(incident: Incident) -> list[tuple[float, float]]:
    """What a picture must have room for: where it is, and the corners of what it covers."""
    return [(incident.lat, incident.lon), *area_map.corners(incident.shape)]


def _pins(shown: Picture, incidents: Sequence[Incident]) -> tuple[Pin, ...]:
    pins: list[Pin] = []
    for incident in incidents:
        at = shown.place(incident.lat, incident.lon)
        if at is not None:
            pin = Pin(incident, *at, name_y=at[1] - _HIGH)
            while any(abs(pin.x - one.x) < _WIDE and abs(pin.name_y - one.name_y) < _HIGH for one in pins):
                pin = replace(pin, name_y=pin.name_y - _HIGH)
            pins.append(pin)
    return tuple(pins)
