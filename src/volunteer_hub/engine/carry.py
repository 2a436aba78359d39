"""What of a standing plan holds for a changed problem: rows found by key, units that ask for the same."""

from __future__ import annotations

import numpy as np

from volunteer_hub.engine.augment import Book, Lists, search_of, standing_of
from volunteer_hub.engine.candidates import Arcs, Pool
from volunteer_hub.engine.problem import Bools, Ints, Pairs, Problem
from volunteer_hub.engine.terms import Penalties
from volunteer_hub.engine.units import Units


def keyed(pairs: Pairs, problem: Problem) -> list[tuple[int, int]]:
    """The pairs by lasting keys instead of rows."""
    person, slot = problem.people.key[pairs.person], problem.slots.key[pairs.slot]
    return list(zip(person.tolist(), slot.tolist(), strict=True))


def rows_of(keys: Ints, among: Ints) -> Ints:
    """Row of each key, -1 when it is not there."""
    order = np.argsort(among)
    if not len(order):
        return np.full(len(keys), -1)
    at = order[np.minimum(np.searchsorted(among[order], keys), len(order) - 1)]
    return np.where(among[at] == keys, at, -1)


def on_the_map_of(problem: Problem, first: Problem) -> None:
    """One projection for both: with another middle every distance would differ a little."""
    known = vars(problem)
    known.pop("sites", None)
    known["middle"], known["homes"] = first.middle, first.homes


def same_units(before: Problem, old: Units, after: Problem, new: Units) -> Ints:
    """[U] row of the old unit that asks for the same in all but heads, -1 for none."""
    width = max(old.need_skill.shape[1], new.need_skill.shape[1])
    rows = {row: u for u, row in enumerate(_asks(before, old, width))}
    return np.array([rows.get(row, -1) for row in _asks(after, new, width)], dtype=np.int64)


def _asks(problem: Problem, units: Units, width: int) -> list[bytes]:
    """Everything a unit asks for but heads, as one key."""
    missing = ((0, 0), (0, width - units.need_skill.shape[1]))
    within = np.arange(len(units)) - np.searchsorted(units.slot, units.slot)
    columns = (
        problem.slots.key[units.slot], within, units.access, units.start, units.end, units.priority,
        units.adult_only, units.insured_only, units.hazardous, units.night,
        *(column.view(np.int64) for column in (units.x, units.y, units.max_km)),
        *np.pad(units.need_skill, missing, constant_values=-1).T, *np.pad(units.need_level, missing).T,
    )  # fmt: skip
    table = np.ascontiguousarray(np.column_stack([column.astype(np.int64) for column in columns]))
    return [row.tobytes() for row in table]


def carried(old: Book, units: Units, pool: Pool, stayed: Ints, penalty: Penalties, extra: Arcs) -> Book:
    """A book for the new units with prices and lists of those that stayed, nobody placed."""
    is_old = stayed >= 0
    standing = standing_of(units, penalty, extra, len(pool))
    price = standing.price
    price[:-1] = np.where(is_old, old.standing.price[:-1][stayed] if len(old.units) else 0, price[:-1])
    lists = old.lists

    def kept(column: Ints | Bools) -> Ints:
        return np.where(is_old, column[stayed] if len(column) else 0, 0)

    held = Lists(
        kept(lists.first), kept(lists.length), kept(lists.whole).astype(np.bool_), lists.position, lists.cost
    )
    return Book(units, pool, standing, held, old.used, search_of(len(units)))
