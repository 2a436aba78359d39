"""A plan changed in place equals the plan made anew, and nobody moves without need."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.engine.build import UNHURRIED, pairs, random_problem
from volunteer_hub.engine.check import check
from volunteer_hub.engine.problem import Minima, Pairs, Problem, Slots
from volunteer_hub.engine.replan import Orders, Replan, replan
from volunteer_hub.engine.solve import State


def joined(one: Slots, other: Slots) -> Slots:
    columns = {
        name: np.concatenate([getattr(one, name), getattr(other, name)]) for name in one.__dataclass_fields__
    }
    return Slots(**columns)


def chosen(table: Slots, rows: np.ndarray) -> Slots:
    return Slots(**{name: getattr(table, name)[rows] for name in table.__dataclass_fields__})


def changed(problem: Problem, orders: Orders, seed: int) -> tuple[Problem, np.ndarray]:
    """Tasks cancelled, new, larger, smaller, moved in time or made more urgent; people gone, back, locked on
    site or barred from a slot."""
    rng = np.random.default_rng(seed)
    old, count = problem.slots, len(problem.slots)
    rows = np.flatnonzero(rng.random(count) < 0.85)
    table = chosen(old, rows)
    target = np.maximum(table.target + rng.integers(-1, 2, len(rows)) * (rng.random(len(rows)) < 0.5), 0)
    nested = np.bincount(problem.minima.slot, weights=problem.minima.heads, minlength=count)[rows].astype(int)
    target = np.maximum(target, nested)
    moved = (rng.random(len(rows)) < 0.2) * 60
    table = replace(
        table,
        target=target,
        minimum=np.minimum(table.minimum, target),
        maximum=np.maximum(table.maximum, target + 1),
        start=table.start + moved,
        end=table.end + moved,
        priority=np.where(rng.random(len(rows)) < 0.1, 5, table.priority),
    )
    fresh = random_problem(seed + 1, 2, 3, nested=False).slots
    table = joined(table, replace(fresh, key=fresh.key + 1000 * (seed + 1)))
    where = np.full(count, -1)
    where[rows] = np.arange(len(rows))
    own = np.flatnonzero(where[problem.minima.slot] >= 0)
    minima = Minima(
        where[problem.minima.slot[own]],
        *(getattr(problem.minima, name)[own] for name in ("skill", "level", "heads", "may_share")),
    )
    absent = np.flatnonzero(rng.random(len(problem.people)) < 0.15)
    key = {int(k): s for s, k in enumerate(table.key)}
    stays = [
        (int(v), key[int(old.key[s])])
        for v, s in zip(orders.plan.person, orders.plan.slot, strict=True)
        if int(old.key[s]) in key and v not in absent
    ]
    held = dict(orders.problem.locked.rows())
    locked = [pair for pair in stays if pair[0] in held or rng.random() < 0.1]
    locked = [pair for pair in locked if target_left(table, locked, pair)]
    barred = [pair for pair in stays if pair not in locked and rng.random() < 0.1]
    again = [(v, key[int(old.key[s])]) for v, s in problem.forbidden.rows() if int(old.key[s]) in key]
    gone = np.setdiff1d(absent, [v for v, _ in locked])
    return (
        replace(
            problem,
            slots=table,
            minima=minima,
            locked=pairs(*locked) if locked else Pairs(),
            forbidden=pairs(*again, *barred) if again or barred else Pairs(),
        ),
        gone,
    )


def target_left(table: Slots, locked: list[tuple[int, int]], pair: tuple[int, int]) -> bool:
    return sum(s == pair[1] for _, s in locked) <= table.maximum[pair[1]]


def goal(result: Replan) -> tuple[tuple[int, ...], int]:
    """Shortages, and cost less the bonus of orders kept (locked ones have no bonus)."""
    plan = result.plan
    return plan.objective.short, plan.value - plan.objective.value(0)


@pytest.mark.parametrize("seed", range(60))
def test_changed_in_place_equals_planned_anew(seed: int) -> None:
    problem = random_problem(seed, count=20 + seed, places=6 + seed % 9)
    orders = Orders(problem, options=UNHURRIED, keep_bonus=[300, 20, 0][seed % 3])
    absent = np.zeros(0, np.int64)
    for step in range(3):
        problem, absent = changed(problem, orders, 100 * seed + step)
        previous = orders._previous(problem)
        warm = orders.change(problem, absent)
        cold = replan(problem, previous, absent, UNHURRIED, orders.bonus)
        assert (warm.plan.state, cold.plan.state) == (State.PROVEN, State.PROVEN)
        assert warm.plan.objective.short == cold.plan.objective.short
        kept_of = [
            r.plan.objective.cost - orders.bonus * free_kept(problem, r, previous) for r in (warm, cold)
        ]
        assert kept_of[0] == kept_of[1]
        assert [f for f in check(problem, warm.plan) if not f.locked] == []
        assert not np.isin(warm.plan.person, absent).any()
        locks = set(problem.locked.rows())
        assert locks <= set(zip(warm.plan.person.tolist(), warm.plan.slot.tolist(), strict=True))


def free_kept(problem: Problem, result: Replan, previous: Pairs) -> int:
    locked = set(problem.locked.person.tolist())
    now = set(zip(result.plan.person.tolist(), result.plan.slot.tolist(), strict=True))
    return sum(pair in now and pair[0] not in locked for pair in previous.rows())
