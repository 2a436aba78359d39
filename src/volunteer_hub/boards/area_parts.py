"""The parts of an area that figures are told by: the nodes right below it."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from volunteer_hub.access import jurisdictions
from volunteer_hub.core.db import Tx

NOWHERE: Final = -1
Ints = NDArray[np.int64]


def of(tx: Tx, area: str, homes: NDArray[np.int32]) -> tuple[Ints, tuple[str, ...]]:
    """The part each home (id of a jurisdiction) lies in, by its number, and the paths of the parts. Who lives
    at the area's own node belongs to the area as a whole."""
    depth = area.count("/")
    part_of = {node.id: _cut(node.path, depth) for node in jurisdictions.subtree(tx, area)}
    parts = sorted(set(part_of.values()))
    ids = np.array(sorted(part_of), dtype=np.int64)
    number = np.array([parts.index(part_of[one]) for one in ids.tolist()], dtype=np.int64)
    at = np.searchsorted(ids, homes)
    known = np.append(ids, NOWHERE)[at] == homes
    return np.where(known, np.append(number, NOWHERE)[at], NOWHERE), tuple(parts)


def _cut(path: str, depth: int) -> str:
    """The first ``depth`` numbers of a path: "/1/2/31/4/" cut at 3 is "/1/2/31/"."""
    return "/".join(path.split("/")[: depth + 1]).rstrip("/") + "/"
