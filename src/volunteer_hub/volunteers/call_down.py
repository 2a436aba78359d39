"""Who knocks at whom when nobody can be reached: people of a community by building, in a tree. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

KNOCKS: Final = 3
"""Doors one person knocks at: three generations reach a house, seven a community of two thousand."""
_UP_TO_BUILDING: Final = re.compile(
    r"^(.*?\d[A-Za-z]?\s*(?:号楼|栋|幢|座|号(?!楼))|.*?\b(?:building|block|bldg\.?)\s*\w+)", re.IGNORECASE
)
_FLAT: Final = re.compile(r"(?:,|\s)\s*(?:apt|apartment|flat|unit|room|rm)\.?\s*#?\w+.*$", re.IGNORECASE)


@dataclass(frozen=True)
class Person:
    """Somebody of the pool. ``lead``: whoever has more knocks first; ``adult``: minors knock at nobody."""

    id: int
    building: str
    lead: int
    adult: bool


@dataclass(frozen=True)
class Knock:
    """One person, and who knocks at them: None is whoever opens the call-down at the muster point."""

    id: int
    by: int | None


@dataclass(frozen=True)
class Building:
    """The people of one building in the order in which they are knocked at."""

    name: str
    knocks: tuple[Knock, ...]


def building_of(address: str | None, street: str | None) -> str:
    """The building of an address, without staircase and flat; else the street; empty for neither."""
    first = " ".join((address or "").split())
    if not first:
        return (street or "").strip()
    found = _UP_TO_BUILDING.match(first)
    return found[1].strip() if found is not None else _FLAT.sub("", first).strip(" ,")


def tree(people: Sequence[Person]) -> list[Building]:
    """Everybody by building. The first of each building is knocked at from another building, all others by a
    neighbour; nobody knocks at more than `KNOCKS` neighbours and as many buildings, where adults suffice."""
    houses: dict[str, list[Person]] = {}
    for person in sorted(people, key=lambda one: (one.building, not one.adult, -one.lead, one.id)):
        houses.setdefault(person.building, []).append(person)
    heads = [inside[0] for inside in houses.values() if inside[0].adult]
    built: list[Building] = []
    for number, (name, inside) in enumerate(houses.items()):
        adults = [person for person in inside if person.adult]
        before = [head.id for head in heads if head.building < name]
        first = before[min((number - 1) // KNOCKS, len(before) - 1)] if before else None
        knocks = []
        for place, person in enumerate(inside):
            by = adults[min((place - 1) // KNOCKS, len(adults) - 1)].id if place and adults else first
            knocks.append(Knock(person.id, by))
        built.append(Building(name, tuple(knocks)))
    return built
