"""One period planned by the engine and by its peers, on the same made-up city in the same run.

    python -m benchmarks.plan            20,000 x 1,000, and 100,000 x 10,000 for information
    python -m benchmarks.plan --quick    4,000 x 300

The peers are given every allowed pair by the engine's own index, the fastest way at hand; their seconds
include that. The engine's seconds leave out its proof, which no peer has; the proof has its own row.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from ortools.sat.python import cp_model
from scipy.optimize import linear_sum_assignment

from benchmarks import report
from benchmarks.city_arrays import city_problem
from volunteer_hub.engine.candidates import Arcs, Pool
from volunteer_hub.engine.check import check
from volunteer_hub.engine.clock import Clock
from volunteer_hub.engine.flow import minimum_cost_flow
from volunteer_hub.engine.greedy import greedy
from volunteer_hub.engine.problem import Ints, Options, Problem
from volunteer_hub.engine.solve import Plan, State, solve, warm
from volunteer_hub.engine.terms import Objective, Penalties, objective, penalties
from volunteer_hub.engine.units import Units, split

CP_SAT_LIMIT_S = 60.0
COLUMNS = ("method", "seconds", "short min", "short target", "cost", "value", "note")
T = TypeVar("T")
REPEAT = 5  # of everything that takes less than a second; the median counts


@dataclass(frozen=True)
class Result:
    method: str
    seconds: float
    goal: Objective | None  # None: no solution in time
    note: str = ""

    def row(self, big: int) -> list[object]:
        if self.goal is None:
            return [self.method, self.seconds, "-", "-", "-", "-", self.note]
        goal = self.goal
        return [
            self.method, self.seconds, goal.short_minimum, goal.short_target, goal.cost, goal.value(big),
            self.note,
        ]  # fmt: skip


class AllPairs:
    """Every allowed pair of the problem, and the seconds it took to list them."""

    def __init__(self, problem: Problem) -> None:
        started = time.perf_counter()
        self.problem = problem
        self.units = split(problem)
        self.penalty = penalties(problem, self.units)
        self.pool = Pool(problem, self.units, Options())
        endless = np.full(len(self.units), 1 << 40)
        nothing = np.zeros(len(self.pool), np.int64)
        self.arcs, found = self.pool.under_price(endless, nothing)
        assert found == len(self.arcs)
        self.seconds = time.perf_counter() - started

    def judge(self, chosen: Arcs) -> Objective:
        return objective(self.problem, self.units, self.pool.order[chosen.position], chosen.unit)


def by_engine(problem: Problem) -> tuple[Result, Plan]:
    seconds, plan = _median(lambda: solve(problem, Options(deadline_s=600)))
    assert plan.state is State.PROVEN
    assert check(problem, plan) == ()
    proof = plan.seconds["proof"]
    phases = ", ".join(f"{name} {took * 1000:.0f}" for name, took in plan.seconds.items())
    note = f"{plan.rounds} rounds, {plan.columns:,} arcs; ms: {phases}"
    return Result("engine (proven)", seconds - proof, plan.objective, note), plan


def by_flow(pairs: AllPairs) -> Result:
    """Units, everybody with a pair, a sink; an arc per pair and two per unit for its open heads."""
    units, arcs, penalty = pairs.units, pairs.arcs, pairs.penalty

    def run() -> Ints:
        people, node = np.unique(arcs.position, return_inverse=True)
        sink = len(units) + len(people)
        unit, person = np.arange(len(units)), np.arange(len(units), sink)
        flow = minimum_cost_flow(
            tail=np.concatenate([arcs.unit, person, unit, unit]),
            head=np.concatenate([len(units) + node, np.full(sink + len(units), sink)]),
            capacity=np.concatenate(
                [np.ones(len(arcs) + len(people), np.int64), units.heads - units.minimum, units.minimum]
            ),
            price=np.concatenate(
                [arcs.cost, np.zeros(len(people), np.int64), penalty.short_target, penalty.short_minimum]
            ),
            supply=np.concatenate([units.heads, np.zeros(len(people), np.int64), [-units.heads.sum()]]),
        )
        return np.flatnonzero(flow[: len(arcs)])

    seconds, used = _median(run)
    note = f"pairs {pairs.seconds:.3f} s + flow {seconds:.3f} s"
    goal = pairs.judge(arcs.only(used))
    return Result("OR-Tools flow, all pairs", pairs.seconds + seconds, goal, note)


def by_cp_sat(pairs: AllPairs, limit_s: float) -> Result:
    """One Boolean per pair, two bounded integers per unit for its open heads."""
    started = time.perf_counter()
    units, arcs, penalty = pairs.units, pairs.arcs, pairs.penalty
    model = cp_model.CpModel()
    chosen = [model.new_bool_var("") for _ in range(len(arcs))]
    of_person: dict[int, list[cp_model.IntVar]] = {}
    of_unit: list[list[cp_model.IntVar]] = [[] for _ in range(len(units))]
    for variable, u, p in zip(chosen, arcs.unit.tolist(), arcs.position.tolist(), strict=True):
        of_person.setdefault(p, []).append(variable)
        of_unit[u].append(variable)
    for variables in of_person.values():
        model.add_at_most_one(variables)
    terms, weights = list(chosen), arcs.cost.tolist()
    for u in range(len(units)):
        above = model.new_int_var(0, int(units.heads[u] - units.minimum[u]), "")
        below = model.new_int_var(0, int(units.minimum[u]), "")
        model.add(sum(of_unit[u]) + above + below == int(units.heads[u]))
        terms += [above, below]
        weights += [int(penalty.short_target[u]), int(penalty.short_minimum[u])]
    model.minimize(cp_model.LinearExpr.weighted_sum(terms, weights))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 2
    solver.parameters.max_time_in_seconds = limit_s
    status = solver.solve(model)
    seconds = pairs.seconds + time.perf_counter() - started
    note = f"{solver.status_name(status)}, limit {limit_s:.0f} s"
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return Result("CP-SAT, Boolean per pair", seconds, None, note)
    used = np.array([solver.boolean_value(variable) for variable in chosen])
    return Result("CP-SAT, Boolean per pair", seconds, pairs.judge(arcs.only(used)), note)


def by_scipy(pairs: AllPairs) -> Result:
    """A row per head, a column per person and one per head for leaving it open."""
    started = time.perf_counter()
    units, arcs = pairs.units, pairs.arcs
    people, column = np.unique(arcs.position, return_inverse=True)
    unit_of_head = np.repeat(np.arange(len(units)), units.heads)
    heads = len(unit_of_head)
    nth = np.arange(heads) - np.repeat(np.cumsum(units.heads) - units.heads, units.heads)
    matrix = np.full((heads, len(people) + heads), 1e15)
    first_head = np.cumsum(units.heads) - units.heads
    for k in range(int(units.heads.max())):
        has = units.heads[arcs.unit] > k
        matrix[first_head[arcs.unit[has]] + k, column[has]] = arcs.cost[has]
    below = nth < units.minimum[unit_of_head]
    open_price = np.where(
        below, pairs.penalty.short_minimum[unit_of_head], pairs.penalty.short_target[unit_of_head]
    )
    matrix[np.arange(heads), len(people) + np.arange(heads)] = open_price
    row, chosen = linear_sum_assignment(matrix)
    seconds = pairs.seconds + time.perf_counter() - started
    filled = chosen < len(people)
    person = pairs.pool.order[people[chosen[filled]]]
    goal = objective(pairs.problem, units, person, unit_of_head[row[filled]])
    return Result("scipy linear_sum_assignment", seconds, goal, f"dense {matrix.nbytes / 2**20:.0f} MiB")


def by_greedy(problem: Problem) -> Result:
    def run() -> tuple[Units, Ints, Ints]:
        units = split(problem)
        person, unit, _ = greedy(problem, units, penalties(problem, units), 0, Clock(600))
        return units, person, unit

    seconds, (units, person, unit) = _median(run)
    return Result("greedy", seconds, objective(problem, units, person, unit))


def compare(people: int, heads: int, cp_sat_s: float, bars: bool) -> None:
    """All methods; the bars are set for 20,000 x 1,000 and are figures only at other sizes."""
    problem = city_problem(people, heads)
    engine, plan = by_engine(problem)
    pairs = min((AllPairs(problem) for _ in range(3)), key=lambda each: each.seconds)
    flow, cp_sat = by_flow(pairs), by_cp_sat(pairs, cp_sat_s)
    results = [engine, flow, cp_sat, by_scipy(pairs), by_greedy(problem)]
    big = _big(problem)
    rows = [result.row(big) for result in results]
    rows.insert(1, ["engine with proof", engine.seconds + plan.seconds["proof"], *rows[0][2:6], ""])
    title = (
        f"{people:,} people x {heads:,} heads ({len(problem.slots)} slots, {len(pairs.arcs):,} allowed pairs)"
    )
    report.table(title, COLUMNS, rows)
    assert engine.goal is not None
    assert all(r.goal is None or engine.goal.value(big) <= r.goal.value(big) for r in results)
    over_flow, over_cp_sat = flow.seconds / engine.seconds, cp_sat.seconds / engine.seconds
    if bars:
        report.bar("plan.engine_vs_flow_all_pairs", over_flow, ">=", 3)
        report.bar("plan.engine_vs_cp_sat", over_cp_sat, ">=", 10)
    else:
        report.info("plan.engine_vs_flow_all_pairs", over_flow)
        report.info("plan.engine_vs_cp_sat", over_cp_sat)
    report.info(
        "plan.engine_with_proof_vs_flow_all_pairs", flow.seconds / (engine.seconds + plan.seconds["proof"])
    )


def few_pairs(people: int, heads: int) -> None:
    """The same city with a skill asked for in every slot, which leaves a third of the pairs to list."""
    problem = city_problem(people, heads, helpers=0.0)
    engine, _ = by_engine(problem)
    pairs = min((AllPairs(problem) for _ in range(3)), key=lambda each: each.seconds)
    flow, big = by_flow(pairs), _big(problem)
    title = f"{people:,} people x {heads:,} heads, a skill in every slot ({len(pairs.arcs):,} allowed pairs)"
    report.table(title, COLUMNS, [engine.row(big), flow.row(big)])
    report.info("plan.engine_vs_flow_all_pairs.every_slot_skilled", flow.seconds / engine.seconds)


def large(people: int, heads: int) -> None:
    problem = city_problem(people, heads)
    engine, plan = by_engine(problem)
    rows = [engine.row(_big(problem)), ["its proof", plan.seconds["proof"], "", "", "", "", ""]]
    report.table(f"{people:,} people x {heads:,} heads, for information", COLUMNS, rows)


def _big(problem: Problem) -> int:
    penalty: Penalties = penalties(problem, split(problem))
    return penalty.big


def _median(run: Callable[[], T]) -> tuple[float, T]:
    """Median seconds of some runs (one if it takes long) and the last result."""
    seconds: list[float] = []
    while True:
        started = time.perf_counter()
        result = run()
        seconds.append(time.perf_counter() - started)
        if len(seconds) >= REPEAT or seconds[0] > 1:
            return sorted(seconds)[len(seconds) // 2], result


def main() -> None:
    report.machine()
    warm()
    if "--quick" in sys.argv[1:]:
        compare(4_000, 300, 20.0, bars=False)
    else:
        compare(20_000, 1_000, CP_SAT_LIMIT_S, bars=True)
        few_pairs(20_000, 1_000)
        large(100_000, 10_000)


if __name__ == "__main__":
    main()
