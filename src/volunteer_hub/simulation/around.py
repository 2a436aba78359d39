"""A made-up tree of communities round given places, so that made-up people live where something happened.

Places are gathered by a grid; each cell that holds any is a community with its centre in their middle and
residents in proportion to them. `simulation.people` then draws its people from these communities.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

import numpy as np

from volunteer_hub.access.jurisdictions import Node as TreeNode
from volunteer_hub.access.rules import NodeKind
from volunteer_hub.simulation.city import City, Label, Node

CELL_DEGREES: Final = 0.05  # five kilometres and a half
REACH_KM: Final = 3.0
_RESIDENTS: Final = 1_000  # for each place


def communities(places: Iterable[tuple[float, float]], code: str, name: Label) -> City:
    """A city of one level, ``code`` and ``name`` its root's. Raises ValueError without any place."""
    cells: dict[tuple[int, int], list[tuple[float, float]]] = defaultdict(list)
    for lat, lon in places:
        cells[int(lat // CELL_DEGREES), int(lon // CELL_DEGREES)].append((lat, lon))
    if not cells:
        raise ValueError("no places to live round")
    nodes = [
        _node(f"{code}-{number:04}", code, held) for number, (_, held) in enumerate(sorted(cells.items()), 1)
    ]
    lat, lon = np.mean([(node.lat, node.lon) for node in nodes], axis=0).tolist()
    residents = sum(node.residents for node in nodes)
    root = Node(code, "city", name, None, lat, lon, (), residents, 0.0)
    return City((root, *nodes))


def tree(city: City, zone: str) -> list[TreeNode]:
    """The same as nodes of the tree of jurisdictions, parents first."""
    return [
        TreeNode(
            code=node.code,
            kind=NodeKind(node.kind),
            name={"en": node.name.en, "zh": node.name.zh},
            lat=node.lat,
            lon=node.lon,
            parent=node.parent,
            zone=zone,
            residents=node.residents,
        )
        for node in city.nodes
    ]


def _node(code: str, parent: str, held: list[tuple[float, float]]) -> Node:
    lat, lon = np.mean(held, axis=0).tolist()
    name = Label(f"Around {lat:.2f}, {lon:.2f}", f"{lat:.2f}, {lon:.2f} 一带")
    return Node(code, "community", name, parent, lat, lon, (), _RESIDENTS * len(held), REACH_KM)
