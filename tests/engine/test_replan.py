"""A plan changed in place equals the plan made anew, and nobody moves without need."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.city_arrays import city_problem
from tests.engine.build import LAX, UNHURRIED, pairs, people, random_problem, slots
from tests.engine.sizes import draws
from volunteer_hub.engine.check import check
from volunteer_hub.engine.problem import Minima, Options, Pairs, Problem, ProblemError, Slots
from volunteer_hub.engine.replan import Orders, Replan, replan
from volunteer_hub.engine.solve import State, solve


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


@pytest.mark.parametrize("seed", range(draws(40)))
def test_changed_in_place_equals_planned_anew(seed: int) -> None:
    problem = random_problem(seed, count=15 + seed // 2, places=5 + seed % 9)
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


def places(result: Replan) -> list[tuple[int, int]]:
    return sorted(zip(result.plan.person.tolist(), result.plan.slot.tolist(), strict=True))


def test_bo_falls_ill_and_only_one_person_is_called_for_him() -> None:
    # Bo and Lin serve next door, Kai lives 8 km away. Lin would be nearer to Bo's slot by 2 km: not worth it.
    pool = people(3, km=[1.0, 2.0, 8.0])
    problem = Problem(pool, slots(2, km=[0.0, 2.0]))
    orders = Orders(problem, options=UNHURRIED)
    assert places(orders.last) == [(0, 0), (1, 1)]
    result = orders.change(problem, np.array([0]))
    assert places(result) == [(1, 1), (2, 0)]
    assert [(c.person, c.before, c.after, c.price) for c in result.changes] == [(0, 0, -1, 0), (2, -1, 0, 0)]
    assert result.kept == 1
    assert result.closed.tolist() == [1, 0]
    assert result.warm
    back = orders.change(problem)
    assert places(back) == [(1, 1), (2, 0)]  # Kai's order saves more than Bo's shorter way is worth
    assert back.changes == ()


def test_an_order_changes_when_it_saves_more_than_the_bonus_and_says_how_much() -> None:
    # A second slot opens next to Lin's home; Kai could take hers, 1 km from his.
    pool = people(2, km=[20.0, 1.0])
    first = Problem(pool, slots(2, km=[0.0, 20.0], target=[1, 0], maximum=[1, 1]), forbidden=pairs((1, 0)))
    orders = Orders(first, options=UNHURRIED)
    assert places(orders.last) == [(0, 0)]
    both = replace(first, slots=slots(2, km=[0.0, 20.0]), forbidden=Pairs())
    result = orders.change(both)
    assert places(result) == [(0, 1), (1, 0)]
    moved = result.changes[0]
    assert (moved.person, moved.before, moved.after) == (0, 0, 1)
    # Kept, it would be 520 for him and 494 for Lin, less the bonus, instead of 0 and 26.
    assert 0 < moved.price <= 520 + 494 - 300 - 26


@pytest.mark.parametrize("keep_bonus", [0, 300])
def test_people_on_site_never_move(keep_bonus: int) -> None:
    pool = people(2, km=[20.0, 0.0])
    problem = Problem(pool, slots(1))
    orders = Orders(
        Problem(pool, slots(1), forbidden=pairs((1, 0))), options=UNHURRIED, keep_bonus=keep_bonus
    )
    assert places(orders.last) == [(0, 0)]
    on_site = orders.change(replace(problem, forbidden=pairs((1, 0)), locked=pairs((0, 0))))
    assert on_site.warm
    assert places(orders.change(replace(problem, locked=pairs((0, 0))))) == [(0, 0)]


def test_a_cancelled_task_frees_people_for_a_gap() -> None:
    pool = people(2)
    problem = Problem(pool, slots(3, target=[1, 1, 1], priority=[5, 5, 1]))
    orders = Orders(problem, options=UNHURRIED)
    assert orders.plan.short_minimum.tolist() == [0, 0, 1]
    left = replace(problem, slots=chosen(problem.slots, np.array([0, 2])))
    result = orders.change(left)
    assert result.plan.short_minimum.tolist() == [0, 0]
    assert result.closed.tolist() == [0, 1]
    assert result.warm


def test_a_moved_window_keeps_whoever_still_can() -> None:
    pool = people(3, km=[0.0, 1.0, 2.0], rest_since=[500, 0, 0])
    problem = Problem(pool, slots(1, target=[2]), limits=LAX)
    orders = Orders(problem, options=UNHURRIED)
    assert places(orders.last) == [(0, 0), (1, 0)]
    result = orders.change(replace(problem, slots=slots(1, target=[2], start=[300])))
    assert result.plan.state is State.PROVEN
    assert places(result) == [(1, 0), (2, 0)]
    assert [(c.person, c.before, c.after) for c in result.changes] == [(0, 0, -1), (2, -1, 0)]


def test_other_people_are_planned_anew_and_orders_are_found_by_key() -> None:
    problem = city_problem(500, 40)
    orders = Orders(problem, options=UNHURRIED)
    same = replace(problem, people=replace(problem.people))
    result = orders.change(same)
    assert not result.warm
    assert result.changes == ()
    assert result.kept == len(orders.plan.person)


def test_without_orders_it_is_the_plan_itself() -> None:
    problem = city_problem(800, 80)
    plan, anew = solve(problem, UNHURRIED), replan(problem, Pairs(), options=UNHURRIED).plan
    assert (plan.objective.short, plan.objective.cost) == (anew.objective.short, anew.objective.cost)
    assert anew.state is State.PROVEN


def test_no_time_leaves_orders_as_they_are() -> None:
    problem = city_problem(500, 40)
    plan = solve(problem, UNHURRIED)
    held = Pairs(plan.person, plan.slot)
    orders = Orders(problem, held, plan.person[:2], Options(deadline_s=0.0))
    assert orders.plan.state is State.DEADLINE
    assert sorted(orders.plan.person.tolist()) == sorted(plan.person[2:].tolist())
    assert check(problem, orders.plan) == ()
    assert not orders.change(problem).warm


def test_orders_that_cannot_be() -> None:
    problem = Problem(people(2), slots(1))
    with pytest.raises(ProblemError, match="twice"):
        replan(problem, pairs((0, 0), (0, 0)))
    with pytest.raises(ProblemError, match="unknown_slot"):
        replan(problem, pairs((0, 1)))
    with pytest.raises(ProblemError, match="unknown_person"):
        replan(problem, Pairs(), np.array([2]))
    with pytest.raises(ProblemError, match="locked_and_absent"):
        replan(replace(problem, locked=pairs((0, 0))), Pairs(), np.array([0]))
