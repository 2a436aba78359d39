"""A city-wide surge: the exact methods, end to end, and their peers on the same city in the same run.

    python -m benchmarks.surge                  100,000 x 10,000 with peers, scarce cities, up to 2.2 million
    python -m benchmarks.surge --quick          20,000 x 2,000 with peers, a scarce city of 3,000 x 3,000
    python -m benchmarks.surge --agree 200      so many large random cities planned by all methods
    python -m benchmarks.surge --only 2200000x50000

The engine's seconds are one whole solve() with rows in arrays: index, search, prices, fairness and proof;
what its exact method alone took stands beside it, and its processor seconds, which others on the machine
do not stretch as much. Peers are handed every allowed pair; listing them counts.
Each peer runs in a process with its own limits.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array

from benchmarks import isolated, report
from benchmarks.city_arrays import city_problem
from benchmarks.plan import AllPairs, Result, by_cp_sat, by_flow, by_scipy
from volunteer_hub.engine.check import check
from volunteer_hub.engine.problem import Options, Problem
from volunteer_hub.engine.solve import Plan, State, solve, warm
from volunteer_hub.engine.terms import penalties
from volunteer_hub.engine.units import split

PEER_LIMIT_S, PEER_LIMIT_GIB = 90.0, 5.0
COLUMNS = ("method", "seconds", "cpu", "method alone", "short min", "short target", "cost", "GiB", "note")
METHOD_PHASES = ("candidates", "augment", "flow", "release", "prices", "pricing")
DEADLINE_S = 118.0  # the longest bar, less what ending in order takes
# people, heads, methods, bars on whole seconds by method
CITIES: tuple[tuple[int, int, tuple[str, ...], dict[str, float]], ...] = (
    (10_000, 10_000, ("augment", "ranks", "flow"), {}),
    (10_000, 50_000, ("ranks", "flow"), {}),
    (2_200_000, 50_000, ("augment", "flow"), {"augment": 6.0, "flow": 30.0}),
    (2_200_000, 200_000, ("augment",), {"augment": 30.0}),
    (100_000, 200_000, ("auto", "flow"), {"auto": 120.0}),
)


def planned(problem: Problem, method: str, times: int = 1) -> tuple[Plan, list[object], float]:
    """The plan, its row of the table, and the median of its seconds."""
    seconds, spent = [], []
    for _ in range(times):
        isolated.reset_peak()
        started, cpu = time.perf_counter(), time.process_time()
        plan = solve(problem, Options(deadline_s=DEADLINE_S, method=method, threads=2))
        seconds.append(time.perf_counter() - started)
        spent.append(time.process_time() - cpu)
    whole, goal = sorted(seconds)[len(seconds) // 2], plan.objective
    alone = sum(took for phase, took in plan.seconds.items() if phase in METHOD_PHASES)
    phases = ", ".join(f"{phase} {took:.3g}" for phase, took in plan.seconds.items())
    gap = "" if plan.value == plan.bound else f", at most {(plan.value - plan.bound) / plan.value:.2%} off"
    row: list[object] = [
        f"engine, {plan.method or method}", whole, sorted(spent)[len(spent) // 2], alone,
        goal.short_minimum, goal.short_target, goal.cost,
        isolated.peak_gib(), f"{plan.state}{gap}; {phases}",
    ]  # fmt: skip
    return plan, row, whole


def by_highs(pairs: AllPairs) -> Result:
    """The linear programme over all pairs by HiGHS inside SciPy; its basic solutions are integral."""
    units, arcs, penalty = pairs.units, pairs.arcs, pairs.penalty
    started = time.perf_counter()
    people, node = np.unique(arcs.position, return_inverse=True)
    count, all_units = len(arcs), np.arange(len(units))
    columns = np.arange(count + 2 * len(units))
    row = np.concatenate([arcs.unit, all_units, all_units])
    most = np.concatenate([np.ones(count), units.heads - units.minimum, units.minimum])
    answer = linprog(
        np.concatenate([arcs.cost, penalty.short_target, penalty.short_minimum]),
        A_eq=csr_array((np.ones(len(row)), (row, columns))),
        b_eq=units.heads,
        A_ub=csr_array((np.ones(count), (node, np.arange(count))), shape=(len(people), len(columns))),
        b_ub=np.ones(len(people)),
        bounds=np.column_stack([np.zeros(len(columns)), most]),
    )
    seconds = pairs.seconds + time.perf_counter() - started
    if answer.status:
        return Result("HiGHS, linear programme", seconds, None, answer.message)
    return Result("HiGHS, linear programme", seconds, pairs.judge(arcs.only(answer.x[:count] > 0.5)))


def by_nearest(pairs: AllPairs) -> Result:
    """As dispatch products do it: task by task as they came, whoever is nearest and free."""
    started = time.perf_counter()
    arcs, units = pairs.arcs, pairs.units
    order = np.lexsort((arcs.cost, arcs.unit))
    first = np.searchsorted(arcs.unit[order], np.arange(len(units) + 1))
    free = np.ones(len(pairs.pool), np.bool_)
    taken = []
    for u in range(len(units)):
        near = order[first[u] : first[u + 1]]
        chosen = near[free[arcs.position[near]]][: units.heads[u]]
        free[arcs.position[chosen]] = False
        taken.append(chosen)
    seconds = pairs.seconds + time.perf_counter() - started
    return Result("nearest first, task by task", seconds, pairs.judge(arcs.only(np.concatenate(taken))))


def peers(problem: Problem, limit_s: float) -> list[Result]:
    pairs = AllPairs(problem)
    works: tuple[tuple[str, Callable[[], Result]], ...] = (
        ("OR-Tools flow, all pairs", lambda: by_flow(pairs)),
        ("nearest first, task by task", lambda: by_nearest(pairs)),
        ("HiGHS, linear programme", lambda: by_highs(pairs)),
        ("scipy linear_sum_assignment", lambda: by_scipy(pairs)),
        ("CP-SAT, Boolean per pair", lambda: by_cp_sat(pairs, limit_s * 0.6)),
    )
    results = []
    for name, work in works:
        result, seconds, why = isolated.run(work, limit_s, PEER_LIMIT_GIB)
        results.append(result or Result(name, seconds, None, why))
    print(f"all pairs: {len(pairs.arcs):,}, listed by the engine's index in {pairs.seconds:.3f} s")
    return results


def compare(people: int, heads: int, limit_s: float, bars: bool) -> None:
    problem = city_problem(people, heads)
    name = f"surge.{people}x{heads}"
    rows, best = [], None
    seconds: dict[str, float] = {}
    for method in ("augment", "flow"):
        plan, row, seconds[method] = planned(problem, method, times=5)
        assert plan.state is State.PROVEN
        assert check(problem, plan) == ()
        assert best is None or best == plan.objective
        best = plan.objective
        rows.append(row)
    others = peers(problem, limit_s)
    big = penalties(problem, split(problem)).big
    for result in others:
        goal = result.goal
        figures = ["-"] * 3 if goal is None else [goal.short_minimum, goal.short_target, goal.cost]
        rows.append([result.method, result.seconds, "", result.seconds, *figures, "", result.note])
        assert best is not None
        assert goal is None or best.value(big) <= goal.value(big)
    report.table(f"{people:,} people x {heads:,} heads ({len(problem.slots):,} slots)", COLUMNS, rows)
    flow = others[0].seconds
    if bars:
        report.bar(f"{name}.flow_seconds", seconds["flow"], "<=", 1.5)
        report.bar(f"{name}.augment_seconds", seconds["augment"], "<=", 0.3)
        report.bar(f"{name}.flow_vs_all_pairs", flow / seconds["flow"], ">=", 6)
        report.bar(f"{name}.augment_vs_all_pairs", flow / seconds["augment"], ">=", 30)
    else:
        report.info(f"{name}.flow_vs_all_pairs", flow / seconds["flow"])
        report.info(f"{name}.augment_vs_all_pairs", flow / seconds["augment"])
    for result in others[1:]:
        if result.goal is not None:
            report.info(f"{name}.augment_vs {result.method}", result.seconds / seconds["augment"])


def city(people: int, heads: int, methods: tuple[str, ...], bars: dict[str, float]) -> None:
    problem = city_problem(people, heads)
    isolated.reset_peak()
    name, inherited = f"surge.{people}x{heads}", isolated.peak_gib()
    rows, plans = [], []
    for method in methods:
        plan, row, seconds = planned(problem, method)
        rows.append(row)
        plans.append(plan)
        if method in bars:
            met = plan.bound is not None  # proven, or with its gap stated
            report.bar(f"{name}.{method}_seconds", seconds if met else float("inf"), "<=", bars[method])
            report.info(f"{name}.{method}_gap_percent", 100 * (plan.value - (plan.bound or 0)) / plan.value)
            report.info(f"{name}.{method}_gib_beyond_the_arrays", isolated.peak_gib() - inherited)
    proven = [plan.objective for plan in plans if plan.state is State.PROVEN]
    assert all(goal == proven[0] for goal in proven)
    title = f"{people:,} people x {heads:,} heads ({len(problem.slots):,} slots); arrays {inherited:.2f} GiB"
    report.table(title, COLUMNS, rows)


def agree(count: int) -> None:
    """Cities of some thousand people, ample and scarce: all methods, one answer, proven."""
    rng = np.random.default_rng(1)
    scarce = 0
    for seed in range(count):
        people = int(rng.integers(500, 8000))
        heads = int(people * rng.choice([0.05, 0.1, 0.3, 0.8, 1.5]))
        problem = city_problem(people, heads, seed)
        flow, *others = (
            solve(problem, Options(deadline_s=300, method=m, seed=seed)) for m in ("flow", "augment", "ranks")
        )
        assert flow.state is State.PROVEN, (seed, flow.failure)
        assert check(problem, flow) == (), seed
        for plan in others:
            assert plan.state is State.PROVEN, (seed, plan.method, plan.failure)
            assert plan.objective == flow.objective, (seed, plan.method)
            assert plan.unit_price.tolist() == flow.unit_price.tolist(), (seed, plan.method)
            assert check(problem, plan) == (), (seed, plan.method)
        scarce += flow.objective.short_minimum > 0
    print(f"{count} cities of 500 to 8,000 people planned by all methods: equal and proven, {scarce} scarce")
    report.bar("surge.agree", count, ">=", count)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--agree", type=int, metavar="CITIES")
    parser.add_argument("--only", metavar="PEOPLExHEADS")
    asked = parser.parse_args()
    report.machine()
    warm()
    if asked.agree:
        agree(asked.agree)
    elif asked.quick:
        compare(20_000, 2_000, 20.0, bars=False)
        city(3_000, 3_000, ("augment", "ranks", "flow"), {})
    else:
        only = asked.only or ""
        if only in ("", "100000x10000"):
            compare(100_000, 10_000, PEER_LIMIT_S, bars=True)
        for people, heads, methods, bars in CITIES:
            if only in ("", f"{people}x{heads}"):
                city(people, heads, methods, bars)


if __name__ == "__main__":
    main()
