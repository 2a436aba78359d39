"""What one head more or less of each unit is worth, exactly, and who would move.

Nodes are units; an arc leads from one to another when somebody who serves the second could serve the first:
the residual graph of the plan, folded to its units. The cheapest way to fill one more head and the best use
of one less are shortest paths from each unit to the sink and back (Ahuja, Magnanti & Orlin 1993, ch. 9):
exact for one head, where dual prices are only bounds, and the same whichever method made the plan.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from volunteer_hub.engine import chains
from volunteer_hub.engine.chains import FAR
from volunteer_hub.engine.clock import Clock
from volunteer_hub.engine.could import HELD_BACK, Could
from volunteer_hub.engine.problem import Ints, Problem
from volunteer_hub.engine.ranking import FREE
from volunteer_hub.engine.solve import Plan, State
from volunteer_hub.engine.terms import Penalties, cost, penalties
from volunteer_hub.engine.units import Access, Units, fills

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


def _margins(
    problem: Problem, units: Units, could: Could, serves: Ints, clock: Clock | None = None
) -> Margins | None:
    penalty = _raised(penalties(problem, units))
    serving = np.flatnonzero(serves >= 0)
    own = np.zeros(len(problem.people), np.int64)
    own[serving] = cost(problem, units, serving, serves[serving])
    order, index = could.pool.order, could.pool.index
    locked = _locked_moves(problem, units, could, serves)
    ways = chains.moves(could.serving, serves[order], own[order], locked)
    free, cheapest = _cheapest(units, could, serves)
    stays = _left_open(units, penalty, serves)
    down = chains.into(index, ways, np.minimum(cheapest, stays), clock)
    home, dearest = _sent_home(problem, units, serves, own)
    forgone = _forgone(units, penalty, serves)
    back = chains.out_of(index, ways, np.minimum(dearest, forgone), clock)
    if down is None or back is None:
        return None
    rows = np.append(order, NOBODY)  # the last for START
    return Margins(
        big=penalty.big,
        serves=serves,
        more=down.length,
        comes=np.where(down.unit >= 0, rows[down.person], np.where(cheapest <= stays, free, NOBODY)),
        comes_from=down.unit,
        less=-back.length,
        goes=np.where(back.unit >= 0, rows[back.person], np.where(dearest < forgone, home, NOBODY)),
        goes_to=back.unit,
    )


def _raised(penalty: Penalties) -> Penalties:
    big = max(BIG, penalty.big)
    return replace(
        penalty,
        big=big,
        short_target=penalty.short_target // penalty.big * big,
        short_minimum=penalty.short_minimum // penalty.big * big,
    )


def _cheapest(units: Units, could: Could, serves: Ints) -> tuple[Ints, Ints]:
    """[U] the cheapest person without a place who could serve each unit, NOBODY for none, and their cost."""
    pool = could.pool
    who, least = np.full(len(units), NOBODY), np.full(len(units), FAR)
    found = pool.cheapest(np.ones(len(units), np.int64), without=np.flatnonzero(serves[pool.order] != NOBODY))
    who[found.unit], least[found.unit] = pool.order[found.position], found.cost
    return who, least


def _locked_moves(problem: Problem, units: Units, could: Could, serves: Ints) -> Ints:
    """[L, 3] moves of locked people to other heads of their slot, as chains.Moves has them."""
    position, rows = could.pool.position, []
    for v, slot in problem.locked.rows():
        if serves[v] < 0:
            continue
        for u in np.flatnonzero((units.slot == slot) & (units.access != Access.CLOSED)).tolist():
            if u != serves[v] and fills(problem, v, slot, units.minima[u]):
                rows.append((u, int(serves[v]), int(position[v])))
    return np.array(rows, dtype=np.int64).reshape(-1, 3)


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
