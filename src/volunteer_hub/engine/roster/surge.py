"""A roster out of a surge problem: the same people, slots and hard rules, but several duties per person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from volunteer_hub.engine.candidates import Arcs, Pool
from volunteer_hub.engine.problem import Ints, Options, Problem
from volunteer_hub.engine.roster.problem import (
    UNLIMITED,
    Allowed,
    Crew,
    Duties,
    Need,
    Roster,
    travel_by_speed,
)
from volunteer_hub.engine.units import Units, minimum_units, slot_units

PER_SLOT = 40  # people kept per slot besides twice its target
SPEED_KMH = 30.0


def roster_of(
    problem: Problem,
    *,
    per_slot: int = PER_SLOT,
    speed_kmh: float = SPEED_KMH,
    crew: Mapping[str, Any] | None = None,
    duties: Mapping[str, Any] | None = None,
    **rules: Any,
) -> tuple[Roster, Ints]:
    """The roster, and [P] the rows of problem.people that its crew stands for.

    Pairs are those that every hard rule of the surge allows: of each slot the cheapest, `per_slot` and twice
    its target, and of each nested minimum as many who hold its skill. Roster.beyond says from what cost on
    pairs are missing, so that the bound holds for all pairs. Locked people keep their slot and leave the
    roster with the heads they hold. Hours promised elsewhere are taken off everybody's hours per day, on the
    safe side.

    speed_kmh: between the sites of two duties. crew, duties: further columns of Crew (by row of
    problem.people) and of Duties. rules: further fields of Roster.
    """
    units = slot_units(problem)
    person, slot, cost, beyond = _cheapest_pairs(problem, units, per_slot)
    people, row = np.unique(person, return_inverse=True)
    held = np.bincount(problem.locked.slot, minlength=len(problem.slots))
    (x, y), (site, places) = problem.sites, _places(problem)
    slots = problem.slots
    columns: dict[str, Any] = {"site": site, "priority": slots.priority, **(duties or {})}
    return Roster(
        Duties(
            start=slots.start,
            end=slots.end,
            minimum=np.maximum(slots.minimum - held, 0),
            target=np.maximum(slots.target - held, 0),
            **columns,
        ),
        Crew(**_crew(problem, people, crew or {})),
        Allowed(row.astype(np.int64), slot, cost),
        travel=travel_by_speed(x[places], y[places], speed_kmh, problem.limits.detour),
        skills=_skills(problem, people, person, slot),
        beyond=beyond,
        **rules,
    ), people


def _cheapest_pairs(problem: Problem, units: Units, per_slot: int) -> tuple[Ints, Ints, Ints, Ints]:
    """person, slot and cost of the pairs kept, and [S] the cost that no pair left out is below."""
    pool = Pool(problem, units, Options())
    wanted = per_slot + 2 * problem.slots.target
    near = pool.cheapest(wanted)
    found = np.bincount(near.unit, minlength=len(units))
    dearest = np.zeros(len(units), np.int64)
    np.maximum.at(dearest, near.unit, near.cost)
    beyond = np.where(found < wanted, UNLIMITED, dearest)
    pairs = [(pool.order[near.position], units.slot[near.unit], near.cost)]
    if len(problem.minima):
        nested = minimum_units(problem)
        pool = Pool(problem, nested, Options())
        arcs: Arcs = pool.cheapest(np.full(len(nested), per_slot) + 2 * nested.heads)
        pairs.append((pool.order[arcs.position], nested.slot[arcs.unit], arcs.cost))
    person, slot, cost = (np.concatenate(column) for column in zip(*pairs, strict=True))
    _, first = np.unique(np.column_stack([person, slot]), axis=0, return_index=True)
    return person[first].astype(np.int64), slot[first], cost[first], beyond


def _places(problem: Problem) -> tuple[Ints, Ints]:
    """[S] the site of each slot, and a slot at each site."""
    if not len(problem.slots):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    where = np.column_stack([problem.slots.lat, problem.slots.lon])
    _, places, site = np.unique(where, axis=0, return_index=True, return_inverse=True)
    return site.reshape(-1).astype(np.int64), places.astype(np.int64)


def _crew(problem: Problem, people: Ints, given: Mapping[str, Any]) -> dict[str, Any]:
    busy, limits = problem.people.busy, problem.limits
    promised = np.zeros(len(problem.people), np.int64)
    owner = np.repeat(np.arange(len(problem.people)), np.diff(busy.first))
    np.add.at(promised, owner, busy.end - busy.start)
    hours = np.maximum(limits.max_minutes_24h - promised - problem.people.minutes_24h, 0)
    # A single duty that the surge's own rule of hours allows stays allowed.
    longest = int((problem.slots.end - problem.slots.start).max(initial=0))
    columns: dict[str, Any] = {
        "capacity": np.full(len(people), UNLIMITED),
        "rest": limits.min_rest_min,
        "minutes_24h": np.where(promised > 0, np.maximum(hours, longest), hours)[people],
    }
    return columns | {name: np.asarray(column)[people] for name, column in given.items()}


def _skills(problem: Problem, people: Ints, person: Ints, slot: Ints) -> tuple[Need, ...]:
    """Nested minima, less what locked people satisfy."""
    minima, levels, until = problem.minima, problem.people.levels, problem.people.cert_until
    needs = []
    for s, skill, level, heads in zip(
        minima.slot.tolist(), minima.skill.tolist(), minima.level.tolist(), minima.heads.tolist(), strict=True
    ):
        holds = (levels[:, skill] >= level) & (until[:, skill] >= problem.slots.end[s])
        held = int(holds[problem.locked.person[problem.locked.slot == s]].sum())
        who = np.searchsorted(people, person[(slot == s) & holds[person]])
        if heads > held:
            needs.append(Need(s, frozenset(who.tolist()), heads - held))
    return tuple(needs)
