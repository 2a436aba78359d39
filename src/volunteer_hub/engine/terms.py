"""What a plan is judged by, in order:

1. heads short of the minimum, the more urgent priority first, then heads short of the target;
2. travel time + fatigue + night burden, in whole 0.1 minutes;
3. among plans equal in both, the people asked least; what is still equal falls to a seeded draw.

Level 1 is a penalty rank x BIG per open head, rank = 5 + priority below the minimum and priority above it.
Sets of coverable heads are the independent sets of a transversal matroid (Edmonds & Fulkerson 1965), whose
greedy basis is best for every weighting with the same order: so only the order of the ranks matters, equal
steps do, and the result is lexicographic in the ranks. Two plans differ by simple cycles of the residual
graph, which pass each unit at most once: BIG above (number of units x dearest pair) lets no saving in cost
outweigh a head, and small numbers keep the flow solver fast. Level 3 is a second flow among the optimal
plans (fairness.py): folding it into the cost would need numbers beyond what the solver takes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from volunteer_hub.engine.problem import MAX_PRIORITY, Floats, Ints, Problem
from volunteer_hub.engine.units import Access, Units

UNITS_PER_HOUR = 600  # 0.1 minutes
AT_ONCE = 1 << 16  # people


def per_km(problem: Problem) -> Floats:
    """[V] travel cost of a kilometre as the crow flies, in 0.1 minutes."""
    return problem.limits.detour * UNITS_PER_HOUR / problem.people.speed_kmh


def distance_km(problem: Problem, units: Units, v: Ints, u: Ints) -> Floats:
    """As the crow flies, in the plane of the problem, km."""
    x, y = problem.homes
    dx, dy = x[v] - units.x[u], y[v] - units.y[u]
    km: Floats = np.sqrt(dx * dx + dy * dy)
    return km


def travel(problem: Problem, units: Units, v: Ints, u: Ints) -> Ints:
    """Travel time there, 0.1 minutes: measured, or by the straight line and rounded half up. A locked pair
    without a way costs nothing: somebody decided that there is one."""
    if problem.travel is not None:
        return np.maximum(problem.travel.time(v, units.slot[u]), 0)
    pace = problem.limits.detour * UNITS_PER_HOUR / problem.people.speed_kmh[v]
    exact = pace * distance_km(problem, units, v, u)
    return np.floor(exact + 0.5).astype(np.int64)


def burden(problem: Problem, units: Units, v: Ints, u: Ints) -> Ints:
    """Fatigue, and for night slots the night burden, 0.1 minutes."""
    night: Ints = np.where(units.night[u], problem.people.night_cost[v], 0)
    return problem.people.fatigue[v] + night


def cost(problem: Problem, units: Units, v: Ints, u: Ints) -> Ints:
    """Level 3 of the goal for each pair (v, u): travel and burden, 0.1 minutes."""
    return travel(problem, units, v, u) + burden(problem, units, v, u)


@dataclass(frozen=True)
class Penalties:
    """The scalar form of levels 1 and 2, the same for every split of one problem."""

    big: int  # more than any exchange of people can save
    short_target: Ints  # [U] cost of an open head between minimum and target
    short_minimum: Ints  # [U] cost of an open head below the minimum
    lock: int  # taken off the cost of a locked pair: more than anything a lock could displace


def penalties(problem: Problem, units: Units) -> Penalties:
    """The price of each unit's open heads, above all that any plan can pay in level 3."""
    most_units = len(problem.slots) + 3 * len(problem.minima) + 2 * len(problem.locked)
    big = _dearest_pair(problem) * most_units + 1
    aimed = units.access != Access.LOCKED  # heads above the target may stay open for nothing
    return Penalties(
        big=big,
        short_target=np.where(aimed, units.priority * big, 0),
        short_minimum=np.where(aimed, (units.priority + MAX_PRIORITY) * big, 0),
        lock=(2 * MAX_PRIORITY + 1) * big,
    )


def _dearest_pair(problem: Problem) -> int:
    """A cost no allowed or locked pair exceeds: the distance across everything, by each person's speed."""
    people = problem.people
    if not len(people) or not len(problem.slots):
        return 1
    if problem.travel is not None:
        farthest = problem.travel.tenths.max(axis=1)[problem.travel.zone]
        return int((np.maximum(farthest, 0) + people.fatigue + people.night_cost).max()) + 1
    (hx, hy), (sx, sy) = problem.homes, problem.sites
    locked = np.zeros(len(people), np.bool_)
    locked[problem.locked.person] = True
    dearest = 0
    for begin in range(0, len(people), AT_ONCE):  # with half a dozen columns of a city on the way otherwise
        v = slice(begin, begin + AT_ONCE)
        far_x = np.maximum(np.abs(hx[v] - sx.min()), np.abs(hx[v] - sx.max()))
        far_y = np.maximum(np.abs(hy[v] - sy.min()), np.abs(hy[v] - sy.max()))
        reach = np.where(locked[v], np.inf, np.minimum(people.max_km[v], problem.slots.max_km.max()))
        km = np.minimum(np.sqrt(far_x * far_x + far_y * far_y), reach)
        rate = problem.limits.detour * UNITS_PER_HOUR / people.speed_kmh[v]
        dearest = max(dearest, int((np.ceil(rate * km) + people.fatigue[v] + people.night_cost[v]).max()))
    return dearest + 1


@dataclass(frozen=True, order=True)
class Objective:
    """Compared field by field, smaller is better. `short` lists open heads from the most urgent rank down:
    below the minimum with priority 5 to 1, then between minimum and target with priority 5 to 1."""

    short: tuple[int, ...]
    cost: int
    asked: int  # sum of `served` of the people chosen

    @property
    def short_minimum(self) -> int:
        return sum(self.short[:MAX_PRIORITY])

    @property
    def short_target(self) -> int:
        return sum(self.short[MAX_PRIORITY:])

    def value(self, big: int) -> int:
        """The scalar the flow minimises. Its minimum is the least objective; elsewhere orders differ."""
        ranks = range(len(self.short), 0, -1)
        return big * sum(rank * heads for rank, heads in zip(ranks, self.short, strict=True)) + self.cost


def open_heads(units: Units, filled: Ints) -> tuple[Ints, Ints]:
    """[U] heads below the minimum and heads between minimum and target left open by `filled` heads."""
    below = np.maximum(units.minimum - filled, 0)
    return below, np.where(units.access == Access.LOCKED, 0, units.heads - filled - below)


def objective(problem: Problem, units: Units, person: Ints, unit: Ints) -> Objective:
    """Judge an assignment: person[i] fills a head of unit[i]."""
    below, above = open_heads(units, np.bincount(unit, minlength=len(units)))
    short = [
        int(heads[units.priority == priority].sum())
        for heads in (below, above)
        for priority in range(MAX_PRIORITY, 0, -1)
    ]
    total = int(cost(problem, units, person, unit).sum())
    return Objective(tuple(short), total, int(problem.people.served[person].sum()))


def draw(seed: int, person_key: Ints, slot_key: Ints, bits: int) -> Ints:
    """A number below 2**bits per pair, from the seed and lasting keys only: the mixer of SplitMix64 (Steele,
    Lea & Flood 2014). The order of rows plays no part."""
    with np.errstate(over="ignore"):
        mixed = _mix(_mix(_unsigned(seed) + _unsigned(person_key)) + _unsigned(slot_key))
    return (mixed >> np.uint64(64 - bits)).astype(np.int64) if bits else np.zeros(len(mixed), np.int64)


def _unsigned(value: int | Ints) -> npt.NDArray[np.uint64]:
    if isinstance(value, int):
        return np.array([value & (2**64 - 1)], dtype=np.uint64)
    return value.astype(np.uint64)


def _mix(z: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    z = z + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
