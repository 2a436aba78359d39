"""What one head more or less of each unit is worth, exactly, and who would move.

Nodes are units; an arc leads from one to another when somebody who serves the second could serve the first:
the residual graph of the plan, folded to its units. The cheapest way to fill one more head and the best use
of one less are shortest paths from each unit to the sink and back (Ahuja, Magnanti & Orlin 1993, ch. 9):
exact for one head, where dual prices are only bounds, and the same whichever method made the plan.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from volunteer_hub.engine.clock import Clock
from volunteer_hub.engine.could import FREE, HELD_BACK, Could
from volunteer_hub.engine.problem import Ints, Problem
from volunteer_hub.engine.solve import Plan, State
from volunteer_hub.engine.terms import Penalties, cost, penalties
from volunteer_hub.engine.units import Access, Units, fills

FAR = 1 << 60
BIG = 1 << 40  # an open head, 0.1 minutes: above what any change could make a plan cost
NOBODY, ABSENT = FREE, HELD_BACK


@dataclass(frozen=True)
class Margins:
    """Values in 0.1 minutes, open heads as rank x `big`: larger than the plan's own penalty, which knows only
    the people it had, so that whoever comes from farther away is judged alike."""

    big: int
    serves: Ints  # [V] unit served, NOBODY, or ABSENT (also who stays by a reserve floor)
    more: Ints  # [U] what one more head would cost
    comes: Ints  # [U] who would take it, NOBODY: it stays open
    comes_from: Ints  # [U] the unit they would leave, NOBODY when they were free
    less: Ints  # [U] what one head less would save, -FAR when no head can be given up
    goes: Ints  # [U] who would give up theirs, NOBODY: an open head is forgone
    goes_to: Ints  # [U] the unit they would serve instead, NOBODY when they go home

    def successor(self, unit: int) -> tuple[int, int, int]:
        """Who comes in from outside when `unit` lacks a head (NOBODY: nobody), the unit that ends the chain
        (the one left short, or the one they come to), and how many people would change places on the way."""
        moves = 0
        while self.comes[unit] >= 0 and self.comes_from[unit] >= 0:
            unit, moves = int(self.comes_from[unit]), moves + 1
        return int(self.comes[unit]), unit, moves

    def displaced(self, unit: int) -> tuple[int, int, int]:
        """Who goes home when `unit` has a head too many (NOBODY: a gap is closed), the unit that ends the
        chain, and how many people would change places on the way."""
        moves = 0
        while self.goes[unit] >= 0 and self.goes_to[unit] >= 0:
            unit, moves = int(self.goes_to[unit]), moves + 1
        return int(self.goes[unit]), unit, moves


def margins(problem: Problem, plan: Plan, could: Could, clock: Clock | None = None) -> Margins | None:
    """None for a plan that is not optimal: there, a head more could even save. Where a reserve floor binds,
    people of its set change places with nobody of the set, and the figures are bounds: a head more costs at
    most that, a head less saves at least that. Raises DeadlinePassed."""
    if plan.state in (State.DEADLINE, State.GREEDY):
        return None
    return _margins(problem, plan.units, could, could.serves, clock)


def without(problem: Problem, plan: Plan, could: Could, known: Margins, person: int) -> Margins | None:
    """The margins of the best plan without this person."""
    serves = known.serves.copy()
    unit = int(serves[person])
    serves[person] = ABSENT
    while unit >= 0 and known.comes[unit] >= 0:
        serves[known.comes[unit]] = unit
        unit = int(known.comes_from[unit])
    return _margins(problem, plan.units, could, serves)


@dataclass(frozen=True)
class _Arcs:
    """The cheapest move of one person from `source` to `unit`."""

    unit: Ints
    source: Ints
    person: Ints
    price: Ints


def _margins(
    problem: Problem, units: Units, could: Could, serves: Ints, clock: Clock | None = None
) -> Margins | None:
    penalty = _raised(penalties(problem, units))
    serving = np.flatnonzero(serves >= 0)
    own = np.zeros(len(problem.people), np.int64)
    own[serving] = cost(problem, units, serving, serves[serving])
    arcs, free, cheapest = _arcs(problem, units, could, serves, own, clock)
    stays = _left_open(units, penalty, serves)
    start = np.minimum(cheapest, stays)
    down = _shortest(start, arcs.unit, arcs.source, arcs.price)
    home, dearest = _sent_home(problem, units, serves, own)
    forgone = _forgone(units, penalty, serves)
    back = _shortest(np.minimum(dearest, forgone), arcs.source, arcs.unit, arcs.price)
    if down is None or back is None:
        return None
    more, onward = down
    saved, backward = back
    return Margins(
        big=penalty.big,
        serves=serves,
        more=more,
        comes=np.where(onward >= 0, _at(arcs.person, onward), np.where(cheapest <= stays, free, NOBODY)),
        comes_from=np.where(onward >= 0, _at(arcs.source, onward), NOBODY),
        less=-saved,
        goes=np.where(backward >= 0, _at(arcs.person, backward), np.where(dearest < forgone, home, NOBODY)),
        goes_to=np.where(backward >= 0, _at(arcs.unit, backward), NOBODY),
    )


def _raised(penalty: Penalties) -> Penalties:
    big = max(BIG, penalty.big)
    return replace(
        penalty,
        big=big,
        short_target=penalty.short_target // penalty.big * big,
        short_minimum=penalty.short_minimum // penalty.big * big,
    )


def _at(values: Ints, rows: Ints) -> Ints:
    return np.append(values, NOBODY)[rows]


def _arcs(
    problem: Problem, units: Units, could: Could, serves: Ints, own: Ints, clock: Clock | None
) -> tuple[_Arcs, Ints, Ints]:
    """The arcs, and for each unit the cheapest person without a place who could serve it, and their cost."""
    who, least = np.full(len(units), NOBODY), np.full(len(units), FAR)
    rows: list[tuple[Ints, Ints, Ints, Ints]] = []
    for u in np.flatnonzero(units.access == Access.OPEN).tolist():
        if clock is not None:
            clock.check()
        people, costs = could(u), could.costs(u)
        there = serves[people]
        moves = np.flatnonzero((there >= 0) & (there != u))
        v, extra = people[moves], costs[moves] - own[people[moves]]
        order = np.lexsort((extra, there[moves]))
        v, extra = v[order], extra[order]
        first = np.append(True, np.diff(serves[v]) != 0)[: len(v)]
        rows.append((np.full(int(first.sum()), u), serves[v[first]], v[first], extra[first]))
        free = np.flatnonzero(there == NOBODY)
        if len(free):
            best = int(free[costs[free].argmin()])
            who[u], least[u] = people[best], costs[best]
    rows.append(_locked_moves(problem, units, serves))
    return _Arcs(*(np.concatenate(column) for column in zip(*rows, strict=True))), who, least


def _locked_moves(problem: Problem, units: Units, serves: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Locked people may change heads within their slot, which costs nothing."""
    rows = []
    for v, slot in problem.locked.rows():
        if serves[v] < 0:
            continue
        for u in np.flatnonzero((units.slot == slot) & (units.access != Access.CLOSED)).tolist():
            if u != serves[v] and fills(problem, v, slot, units.minima[u]):
                rows.append((u, int(serves[v]), v, 0))
    table = np.array(rows, dtype=np.int64).reshape(-1, 4)
    return table[:, 0], table[:, 1], table[:, 2], table[:, 3]


def _sent_home(problem: Problem, units: Units, serves: Ints, own: Ints) -> tuple[Ints, Ints]:
    """Whose leaving saves most in each unit, and (negative) how much."""
    who, price = np.full(len(units), NOBODY), np.full(len(units), FAR)
    going = np.flatnonzero(serves >= 0)
    going = going[~np.isin(going, problem.locked.person)]
    going = going[np.argsort(own[going], kind="stable")]
    who[serves[going]], price[serves[going]] = going, -own[going]  # the dearest of each unit stays written
    return who, price


def _open(units: Units, serves: Ints) -> tuple[Ints, Ints]:
    """[U] heads filled, heads open below the minimum."""
    filled = np.bincount(serves[serves >= 0], minlength=len(units))
    return filled, np.maximum(units.minimum - filled, 0)


def _left_open(units: Units, penalty: Penalties, serves: Ints) -> Ints:
    """[U] the price of filling one head less."""
    filled, _ = _open(units, serves)
    return np.where(filled > units.minimum, penalty.short_target, penalty.short_minimum)


def _forgone(units: Units, penalty: Penalties, serves: Ints) -> Ints:
    """[U] minus what filling one more head would save by its penalty alone; FAR when none is open."""
    filled, below = _open(units, serves)
    above = np.where(filled + below < units.heads, -penalty.short_target, FAR)
    return np.where(below > 0, -penalty.short_minimum, above)


def _shortest(start: Ints, tail: Ints, head: Ints, price: Ints) -> tuple[Ints, Ints] | None:
    """Distances by Bellman-Ford, all arcs at once: value[tail] = min(start, price + value[head]); the arc
    each took, -1 for its start. None when there is a negative cycle, which no optimum leaves."""
    value, took = start.copy(), np.full(len(start), -1)
    order = np.lexsort((np.arange(len(tail)), tail))
    tail, head, price = tail[order], head[order], price[order]
    first = np.flatnonzero(np.append(True, np.diff(tail) != 0)[: len(tail)])
    for _ in range(len(start) + 1):
        if not len(first):
            return value, took
        through = np.minimum(price + value[head], FAR)
        best = np.minimum.reduceat(through, first)
        at = tail[first]
        better = best < value[at]
        if not better.any():
            return value, took
        ends = np.append(first[1:], len(tail))
        for group in np.flatnonzero(better).tolist():
            rows = slice(first[group], ends[group])
            took[at[group]] = order[first[group] + int(through[rows].argmin())]
        value[at[better]] = best[better]
    return None
