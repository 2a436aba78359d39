"""Slots split into demand units: groups of heads that all ask for the same, the nodes of the flow.

A slot "12 people, of them at least 1 driver and 2 first aid" becomes three units: 1 driver, 2 first aid and
9 others, each a separate node, so the problem stays a transportation problem and its solution exact. It is
exact for minima that need different people, because moving a qualified person from the general heads to an
empty nested head never costs anything (the two heads are at the same place and time).

Minima marked `may_share` (one person may satisfy several) are no flow: choosing people to cover them is a
covering problem. Two valid treatments bracket it: `split` as usual asks for different people and is
therefore allowed but maybe too strict; `joined` slots ask for people who hold all shared skills at once;
`relaxed` drops shared minima and bounds the optimum from below (solve.py compares the three).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from volunteer_hub.engine.problem import Bools, Floats, Ints, Problem


class Access(IntEnum):
    """Who may fill a unit."""

    OPEN = 0  # everybody who passes the rules
    LOCKED = 1  # only people locked to the slot: heads above the target
    CLOSED = 2  # nobody: the slot is full of locked people and this nested minimum must stay open


@dataclass
class _Row:
    slot: int
    heads: int
    minimum: int
    minima: tuple[int, ...] = ()
    access: Access = Access.OPEN


@dataclass(frozen=True)
class Units:
    """U demand units. Columns of the slot are repeated per unit so that a rule reads one table."""

    slot: Ints  # [U]
    heads: Ints  # [U] heads up to the target
    minimum: Ints  # [U] of them needed at least
    access: Ints  # [U] Access
    minima: tuple[tuple[int, ...], ...]  # [U] nested minima every head of the unit satisfies
    need_skill: Ints  # [U, R] skills needed at once, -1 for none
    need_level: Ints  # [U, R]
    x: Floats
    y: Floats
    start: Ints
    end: Ints
    priority: Ints
    adult_only: Bools
    insured_only: Bools
    hazardous: Bools
    night: Bools
    max_km: Floats

    def __len__(self) -> int:
        return len(self.slot)


def split(problem: Problem, joined: frozenset[int] = frozenset(), relaxed: bool = False) -> Units:
    """All units of the problem; see the module's text for `joined` (slot rows) and `relaxed`."""
    nested: dict[int, list[int]] = defaultdict(list)
    for m, slot in enumerate(problem.minima.slot.tolist()):
        if not (relaxed and problem.minima.may_share[m]):
            nested[slot].append(m)
    locked: dict[int, list[int]] = defaultdict(list)
    for person, slot in problem.locked.rows():
        locked[slot].append(person)
    rows: list[_Row] = []
    targets, minimums = problem.slots.target, problem.slots.minimum
    for slot in sorted(nested.keys() | locked.keys()):
        target, minimum = int(targets[slot]), int(minimums[slot])
        own = _nested_rows(problem, slot, nested.get(slot, []), slot in joined)
        reserved = sum(row.heads for row in own)
        if target > reserved:
            own.append(_Row(slot, target - reserved, max(0, minimum - reserved)))
        if slot in locked:
            own = _make_room(problem, slot, own, locked[slot])
        rows += own
    # Slots without either are most of a city: one unit each, without a row of their own on the way.
    plain = targets > 0
    plain[[*nested, *locked]] = False
    return _table(problem, rows, np.flatnonzero(plain))


def slot_units(problem: Problem) -> Units:
    """One unit per slot in slot order, with the slot's own requirement only."""
    rows = [_Row(slot, int(heads), 0) for slot, heads in enumerate(problem.slots.target)]
    return _table(problem, rows)


def minimum_units(problem: Problem) -> Units:
    """One unit per nested minimum in their order."""
    heads = problem.minima.heads.tolist()
    return _table(problem, [_Row(int(s), heads[m], 0, (m,)) for m, s in enumerate(problem.minima.slot)])


def _nested_rows(problem: Problem, slot: int, nested: list[int], join: bool) -> list[_Row]:
    heads = {m: int(problem.minima.heads[m]) for m in nested}
    shared = tuple(m for m in nested if problem.minima.may_share[m]) if join else ()
    rows = []
    if len(shared) > 1:
        together = min(heads[m] for m in shared)
        rows.append(_Row(slot, together, together, shared))
        for m in shared:
            heads[m] -= together
    return rows + [_Row(slot, h, h, (m,)) for m, h in heads.items() if h]


def _needs(problem: Problem, slot: int, minima: tuple[int, ...]) -> list[tuple[int, int]]:
    """Skills and levels asked for: the slot's own first, then those of the nested minima."""
    skill = int(problem.slots.skill[slot])
    own = [(skill, int(problem.slots.level[slot]))] if skill >= 0 else []
    return own + [(int(problem.minima.skill[m]), int(problem.minima.level[m])) for m in minima]


def fills(problem: Problem, person: int, slot: int, minima: tuple[int, ...]) -> bool:
    """May this person, locked to the slot, stand on a head with these nested minima? That they serve is
    decided, so only nested skills count."""
    levels, until = problem.people.levels[person], problem.people.cert_until[person]
    end = problem.slots.end[slot]
    return not minima or all(
        levels[k] >= level and until[k] >= end for k, level in _needs(problem, slot, minima)
    )


def seat_locked(problem: Problem, units: Units) -> list[tuple[int, int]]:
    """(person, unit) for every locked person: some way to seat them all. `split` made sure there is one."""
    seats = []
    for slot in np.unique(problem.locked.slot).tolist():
        people = problem.locked.person[problem.locked.slot == slot].tolist()
        mine = np.flatnonzero((units.slot == slot) & (units.access != Access.CLOSED))
        heads = np.repeat(mine, units.heads[mine]).tolist()
        match = _match(problem, slot, people, [units.minima[u] for u in heads])
        seats += [(v, heads[h]) for v, h in zip(people, match, strict=True)]
    return seats


def _match(problem: Problem, slot: int, people: list[int], heads: list[tuple[int, ...]]) -> list[int]:
    """Seat as many of the people as possible: the head of each, -1 for none."""
    fit = np.array([[fills(problem, v, slot, minima) for minima in heads] for v in people], dtype=np.int8)
    graph = csr_array(fit.reshape(len(people), len(heads)))
    seats: list[int] = maximum_bipartite_matching(graph, perm_type="column").tolist()
    return seats


def _make_room(problem: Problem, slot: int, rows: list[_Row], people: list[int]) -> list[_Row]:
    """Heads for every locked person: those no head can take get heads above the target, and if the slot
    then passes its maximum as many unfillable nested heads are closed (they stay on record as short)."""
    heads = [i for i, row in enumerate(rows) for _ in range(row.heads)]
    match = _match(problem, slot, people, [rows[i].minima for i in heads])
    spare = match.count(-1)
    excess = max(0, len(heads) + spare - int(problem.slots.maximum[slot]))
    closing = [i for h, i in enumerate(heads) if h not in match][::-1][:excess]
    result = []
    for i, row in enumerate(rows):
        shut = closing.count(i)
        if row.heads > shut:
            result.append(_Row(slot, row.heads - shut, min(row.minimum, row.heads - shut), row.minima))
        if shut:
            result.append(_Row(slot, shut, shut, row.minima, Access.CLOSED))
    if spare:
        result.append(_Row(slot, spare, 0, (), Access.LOCKED))
    return result


def _table(problem: Problem, rows: list[_Row], plain: Ints | None = None) -> Units:
    """The rows, and one unit for each plain slot, in order of their slots."""
    slots = problem.slots
    plain = np.zeros(0, np.int64) if plain is None else plain
    special = np.array([row.slot for row in rows], dtype=np.int64)
    order = np.argsort(np.concatenate([special, plain]), kind="stable")
    at = np.concatenate([special, plain])[order]
    needs = [_needs(problem, row.slot, row.minima) for row in rows]
    width = max((len(n) for n in needs), default=1) or 1
    padded = np.zeros((len(at), width, 2), np.int64)
    padded[:, :, 0] = -1
    padded[: len(rows)] = np.array([n + [(-1, 0)] * (width - len(n)) for n in needs], dtype=np.int64).reshape(
        -1, width, 2
    )
    skilled = slots.skill[plain] >= 0
    padded[len(rows) :, 0, 0] = np.where(skilled, slots.skill[plain], -1)
    padded[len(rows) :, 0, 1] = np.where(skilled, slots.level[plain], 0)
    padded = padded[order]

    def column(values: list[int], others: Ints) -> Ints:
        merged: Ints = np.concatenate([np.array(values, dtype=np.int64), others])[order]
        return merged

    minima = [row.minima for row in rows] + [()] * len(plain)
    x, y = problem.sites
    return Units(
        slot=at,
        heads=column([row.heads for row in rows], slots.target[plain]),
        minimum=column([row.minimum for row in rows], slots.minimum[plain]),
        access=column([row.access for row in rows], np.full(len(plain), Access.OPEN)),
        minima=tuple(minima[i] for i in order.tolist()),
        need_skill=np.ascontiguousarray(padded[:, :, 0]),
        need_level=np.ascontiguousarray(padded[:, :, 1]),
        x=x[at],
        y=y[at],
        start=slots.start[at],
        end=slots.end[at],
        priority=slots.priority[at],
        adult_only=slots.adult_only[at],
        insured_only=slots.insured_only[at],
        hazardous=slots.hazardous[at],
        night=slots.night[at],
        max_km=slots.max_km[at],
    )
