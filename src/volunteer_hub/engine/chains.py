"""Shortest chains of people changing places, over pairs that are never written down.

A head of one unit is filled by somebody of another, whose head is filled by somebody of a third ... Between
the units of a city lie hundreds of millions of such moves, so they are gone through anew in each round of
Bellman and Ford, only those of units whose distance changed in the round before, by units that ask the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from volunteer_hub.engine.arrays import Bools, Floats, Ints
from volunteer_hub.engine.candidates import Kind
from volunteer_hub.engine.clock import Clock
from volunteer_hub.engine.compiled import compiled, inner
from volunteer_hub.engine.eligible import Small
from volunteer_hub.engine.index import Index

FAR = 1 << 60
START = -1


class Moves(NamedTuple):
    """Who might move where. K kinds of units that ask the same; locked people may change heads in their
    slot, which costs nothing: those moves are listed (unit they come to, unit they leave, position)."""

    unit_first: Ints  # [K + 1]
    unit: Ints
    person_first: Ints  # [K + 1]
    person: Small  # positions of those who pass the rules of the kind, distance apart, and serve some unit
    serves: Ints  # [P] by position
    own: Ints  # [P] what each costs where they serve
    locked_to: Ints
    locked_from: Ints
    locked_person: Ints


@dataclass(frozen=True)
class Chains:
    """[U] the length of the shortest chain from each unit to where it may end, whose move is the first
    (START: it ends there at once), and the unit at the other end of the move."""

    length: Ints
    person: Ints
    unit: Ints


def moves(serving: Iterable[Kind], serves: Ints, own: Ints, locked: Ints) -> Moves:
    """serving: kinds of units with all who may serve one and do serve somewhere, and maybe others. serves,
    own: [P] by position. locked: [L, 3] moves of locked people."""
    unit, person = [np.zeros(0, np.int64)], [np.zeros(0, np.int32)]
    for units, members in serving:
        unit.append(units)
        person.append(members[serves[members] >= 0])
    return Moves(
        np.cumsum([len(part) for part in unit]), np.concatenate(unit),
        np.cumsum([len(part) for part in person]), np.concatenate(person),
        serves, own, *np.ascontiguousarray(locked.T),
    )  # fmt: skip


def into(index: Index, ways: Moves, ends: Ints, clock: Clock | None = None) -> Chains | None:
    """Chains that fill a head of each unit by somebody from another one, whose head is filled in turn, until
    one is filled from outside or stays open, which costs ends[unit] (FAR: cannot be). None when people could
    change places in a circle and save something. Raises DeadlinePassed."""
    return _shortest(index, ways, ends, True, clock)


def out_of(index: Index, ways: Moves, ends: Ints, clock: Clock | None = None) -> Chains | None:
    """The same the other way round: somebody of each unit goes to another one, whose place somebody gives up
    in turn, until one goes home."""
    return _shortest(index, ways, ends, False, clock)


def _shortest(index: Index, ways: Moves, ends: Ints, inward: bool, clock: Clock | None) -> Chains | None:
    length, person, unit = ends.copy(), np.full(len(ends), START), np.full(len(ends), START)
    changed = ends < FAR
    while changed.any():
        if clock is not None:
            clock.check()
        again = np.zeros(len(ends), np.bool_)
        if inward:
            _inward(index, ways, changed, length, person, unit, again)
        else:
            _outward(index, ways, changed, length, person, unit, again)
        if _circle(unit):
            return None
        changed = again
    return Chains(length, person, unit)


@compiled
def _circle(unit: Ints) -> bool:
    """Whether following the moves leads round. It does exactly when a circle saves something."""
    seen = np.full(len(unit), -1)
    for u in range(len(unit)):
        at = u
        while at >= 0 and seen[at] < 0:
            seen[at] = u
            at = unit[at]
        if at >= 0 and seen[at] == u:
            return True
    return False


@compiled
def _inward(
    index: Index, ways: Moves, changed: Bools, length: Ints, person: Ints, unit: Ints, again: Bools
) -> None:  # fmt: skip
    for k in range(len(ways.unit_first) - 1):
        listed = ways.person[ways.person_first[k] : ways.person_first[k + 1]]
        moving, count = np.empty(len(listed), np.int32), 0
        for p in listed:
            if changed[ways.serves[p]]:
                moving[count] = p
                count += 1
        units = ways.unit[ways.unit_first[k] : ways.unit_first[k + 1]]
        _into_kind(index, units, moving[:count], ways.serves, ways.own, length, person, unit, again)
    for i in range(len(ways.locked_to)):
        to, source = ways.locked_to[i], ways.locked_from[i]
        if length[source] < length[to]:
            length[to], person[to], unit[to], again[to] = length[source], ways.locked_person[i], source, True


@inner
def _into_kind(
    index: Index, units: Ints, moving: Small, serves: Ints, own: Ints, length: Ints, person: Ints, unit: Ints,
    again: Bools,
) -> None:  # fmt: skip
    if len(moving) == 0:
        return
    x, y, limit, rate, least = _side_by_side(index, units, moving, own)
    measured = len(index.zone) > 0
    for i in range(len(moving)):
        least[i] += length[serves[moving[i]]]
    for u in units:
        unit_x, unit_y, reach, slot = index.unit_x[u], index.unit_y[u], index.reach[u], index.slot[u]
        best = length[u]
        for i in range(len(moving)):
            if least[i] >= best:
                continue
            dx, dy = x[i] - unit_x, y[i] - unit_y
            km = np.sqrt(dx * dx + dy * dy)
            if km > reach or km > limit[i]:
                continue
            way = index.tenths[index.zone[moving[i]], slot] if measured else int(np.floor(rate[i] * km + 0.5))
            if way < 0 or least[i] + way >= best or serves[moving[i]] == u:
                continue
            best = least[i] + way
            person[u], unit[u], again[u] = moving[i], serves[moving[i]], True
        length[u] = best


@compiled
def _outward(
    index: Index, ways: Moves, changed: Bools, length: Ints, person: Ints, unit: Ints, again: Bools
) -> None:  # fmt: skip
    for k in range(len(ways.unit_first) - 1):
        units = ways.unit[ways.unit_first[k] : ways.unit_first[k + 1]]
        wanted, count = np.empty(len(units), np.int64), 0
        for u in units:
            if changed[u]:
                wanted[count] = u
                count += 1
        moving = ways.person[ways.person_first[k] : ways.person_first[k + 1]]
        _out_to_kind(index, wanted[:count], moving, ways.serves, ways.own, length, person, unit, again)
    for i in range(len(ways.locked_to)):
        to, source = ways.locked_to[i], ways.locked_from[i]
        if length[to] < length[source]:
            length[source], person[source], unit[source], again[source] = (
                length[to], ways.locked_person[i], to, True,
            )  # fmt: skip


@inner
def _out_to_kind(
    index: Index, units: Ints, moving: Small, serves: Ints, own: Ints, length: Ints, person: Ints, unit: Ints,
    again: Bools,
) -> None:  # fmt: skip
    if len(moving) == 0 or len(units) == 0:
        return
    x, y, limit, rate, least = _side_by_side(index, units, moving, own)
    measured = len(index.zone) > 0
    for u in units:
        unit_x, unit_y, reach, slot = index.unit_x[u], index.unit_y[u], index.reach[u], index.slot[u]
        rest = length[u]
        for i in range(len(moving)):
            source = serves[moving[i]]
            if least[i] + rest >= length[source]:
                continue
            dx, dy = x[i] - unit_x, y[i] - unit_y
            km = np.sqrt(dx * dx + dy * dy)
            if km > reach or km > limit[i]:
                continue
            way = index.tenths[index.zone[moving[i]], slot] if measured else int(np.floor(rate[i] * km + 0.5))
            if way < 0 or least[i] + way + rest >= length[source] or source == u:
                continue
            length[source] = least[i] + way + rest
            person[source], unit[source], again[source] = moving[i], u, True


@inner
def _side_by_side(
    index: Index, units: Ints, moving: Small, own: Ints
) -> tuple[Floats, Floats, Floats, Floats, Ints]:
    """Place, reach, cost of a km of these people, and by how much they cost more without the way than where
    they are."""
    size, night = len(moving), index.night[units[0]]
    farthest = index.night_km if night else index.day_km
    base = index.night_cost if night else index.day_cost
    x, y, limit, rate = np.empty(size), np.empty(size), np.empty(size), np.empty(size)
    least = np.empty(size, np.int64)
    for i in range(size):
        p = moving[i]
        x[i], y[i], limit[i], rate[i] = index.x[p], index.y[p], farthest[p], index.rate[p]
        least[i] = base[p] - own[p]
    return x, y, limit, rate, least
