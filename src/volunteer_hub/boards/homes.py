"""Where people are at home, as the answer model pools them: their own node of the tree and its city."""

from collections.abc import Collection
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from volunteer_hub.core import packed
from volunteer_hub.core.db import Tx

Ints = NDArray[np.int64]
_HOMES: Final = sql.SQL(
    "SELECT v.id AS person, j.id AS area, split_part(j.path, '/', 2)::int8 AS city "
    "FROM volunteers v JOIN jurisdictions j ON j.path = v.area WHERE {} ORDER BY v.id"
)


class Homes:
    """Of people [n], ascending: the node each belongs to, and the topmost above it."""

    def __init__(self, person: Ints, area: Ints, city: Ints) -> None:
        self.person, self.area, self.city = person, area, city

    def of(self, people: NDArray[Any]) -> tuple[Ints, Ints]:
        """Node and city of each of these, who must be known."""
        at = np.searchsorted(self.person, people)
        return self.area[at], self.city[at]


def of(tx: Tx, people: Collection[int] | None = None) -> Homes:
    """The homes of these people, or of everybody there is."""
    who = sql.SQL("true") if people is None else sql.SQL("v.id = ANY({})").format(sql.Literal(sorted(people)))
    found = packed.columns(tx, {"person": "i8", "area": "i8", "city": "i8"}, _HOMES.format(who))
    return Homes(**found)
