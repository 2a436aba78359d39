"""A plain roster as flat arrays, for the compiled searches (eject, anneal)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from volunteer_hub.engine.problem import Bools, Ints
from volunteer_hub.engine.roster.clash import clashes
from volunteer_hub.engine.roster.problem import Roster

MOST_CLASHES = 50_000_000


class Flat(NamedTuple):
    """Columns of the pairs [N], the slots [S] and the crew [P]. Person p keeps the rows room[p]:room[p + 1];
    slot s is offered the rows offer[first[s]:first[s + 1]]."""

    person: Ints
    slot: Ints
    load: Ints
    cost: Ints
    target: Ints
    rested: Ints  # [P] people of one number have the same rest
    clash: Bools  # [R, S, S] two slots that people of that rest cannot both serve
    capacity: Ints
    max_duties: Ints
    room: Ints
    first: Ints
    offer: Ints


def flatten(roster: Roster) -> Flat | None:
    """None if the table of clashes would be too large."""
    pairs, duties, crew = roster.pairs, roster.duties, roster.crew
    rests, somebody, rested = np.unique(crew.rest, return_index=True, return_inverse=True)
    if len(rests) * len(duties) ** 2 > MOST_CLASHES:
        return None
    slot = np.arange(len(duties))
    table = [clashes(roster, int(person), slot[:, None], slot[None, :]) for person in somebody]
    offer = np.argsort(pairs.slot, kind="stable")
    return Flat(
        person=pairs.person,
        slot=pairs.slot,
        load=pairs.load,
        cost=pairs.cost,
        target=duties.target,
        rested=rested.astype(np.int64),
        clash=np.array(table, dtype=np.bool_).reshape(len(rests), len(duties), len(duties)),
        capacity=crew.capacity,
        max_duties=crew.max_duties,
        room=roster.first,
        first=np.searchsorted(pairs.slot[offer], np.arange(len(duties) + 1)).astype(np.int64),
        offer=offer,
    )
