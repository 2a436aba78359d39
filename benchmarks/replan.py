"""A plan in force changed in place, made anew with the same bonus, and made anew as if nobody had an order.

    python -m benchmarks.replan            2.2 million people x 50,000 heads
    python -m benchmarks.replan --quick    20,000 x 2,000

5 % of the people sent are gone and 2 % of the heads are new; then further rounds in which slots are also
cancelled and people come back. Seconds leave out the proof, which has its own column: people can be told
while it is checked.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks import isolated, report
from benchmarks.city_arrays import city_problem
from volunteer_hub.engine.problem import Options, Pairs, Problem, Slots
from volunteer_hub.engine.replan import KEEP_BONUS, Orders, Replan, replan
from volunteer_hub.engine.solve import State, warm

COLUMNS = ("round", "way", "seconds", "proof", "kept", "moved", "new orders", "short min", "cost", "note")
OPTIONS = Options(deadline_s=300, method="augment", threads=2)


def with_slots(problem: Problem, heads: int, cancelled: float, seed: int) -> Problem:
    """The same people; some slots fewer, and slots with so many heads more."""
    rng = np.random.default_rng(seed)
    old, new = problem.slots, city_problem(1, heads, seed).slots
    stays = rng.random(len(old)) >= cancelled

    def column(name: str) -> Any:
        extra = getattr(new, name) + (10**7 * seed if name in ("key", "task") else 0)
        return np.concatenate([getattr(old, name)[stays], extra])

    return replace(problem, slots=Slots(**{name: column(name) for name in Slots.__dataclass_fields__}))


def goal(problem: Problem, result: Replan, previous: Pairs) -> tuple[tuple[int, ...], int]:
    """Shortages, and cost less the bonus of every order kept."""
    return result.plan.objective.short, result.plan.objective.cost - KEEP_BONUS * kept(result, previous)


def kept(result: Replan, previous: Pairs) -> int:
    slot = np.full(len(result.plan.person_price), -1)
    slot[previous.person] = previous.slot
    return int((slot[result.plan.person] == result.plan.slot).sum())


def row(name: str, way: str, seconds: float, previous: Pairs, result: Replan) -> list[object]:
    plan, stays = result.plan, kept(result, previous)
    still = np.isin(previous.person, plan.person)
    return [
        name, way, seconds - plan.seconds.get("proof", 0.0), plan.seconds.get("proof", 0.0), stays,
        int(still.sum()) - stays, len(plan.person) - int(still.sum()), plan.objective.short_minimum,
        plan.objective.cost, ", ".join(f"{phase} {took:.3g}" for phase, took in plan.seconds.items()),
    ]  # fmt: skip


def compare(people: int, heads: int, bars: bool) -> None:
    rng = np.random.default_rng(3)
    problem = city_problem(people, heads)
    started = time.perf_counter()
    orders = Orders(problem, options=OPTIONS)
    print(f"first plan {time.perf_counter() - started:.3g} s, {len(orders.plan.person):,} people sent")
    rows, seconds, equal = [], [], True
    absent = np.zeros(0, np.int64)
    for number, cancelled in enumerate((0.0, 0.0, 0.02), start=1):
        sent = orders.plan.person
        gone = sent[rng.random(len(sent)) < 0.05]
        back = absent[rng.random(len(absent)) < 0.2]
        absent = np.setdiff1d(np.concatenate([absent, gone]), back)
        problem = with_slots(problem, heads // 50, cancelled, number)
        name = f"{number}: {len(gone):,} gone, {heads // 50:,} heads new, {cancelled:.0%} of slots cancelled"
        previous = orders._previous(problem)
        isolated.reset_peak()
        started = time.perf_counter()
        changed = orders.change(problem, absent)
        rows.append(row(name, "changed in place", time.perf_counter() - started, previous, changed))
        seconds.append(float(str(rows[-1][2])))
        started = time.perf_counter()
        anew = replan(problem, previous, absent, OPTIONS)
        rows.append(row("", "anew with the bonus", time.perf_counter() - started, previous, anew))
        equal = equal and goal(problem, changed, previous) == goal(problem, anew, previous)
        assert changed.warm
        assert changed.plan.state is anew.plan.state is State.PROVEN
        if number == 1:
            started = time.perf_counter()
            naive = replan(problem, Pairs(), absent, OPTIONS)
            rows.append(row("", "anew, no bonus", time.perf_counter() - started, previous, naive))
            fewer = int(str(rows[0][5])), int(str(rows[2][5]))
    report.table(f"{people:,} people x {heads:,} heads", COLUMNS, rows)
    if bars:
        report.bar(f"replan.{people}x{heads}.seconds", sorted(seconds)[1], "<=", 0.3)
        report.bar(f"replan.{people}x{heads}.equal_to_anew", float(equal), ">=", 1)
        report.bar(f"replan.{people}x{heads}.moved_vs_no_bonus", fewer[0] / max(1, fewer[1]), "<=", 0.1)
    else:
        report.info("replan.seconds", sorted(seconds)[1])
        assert equal


def main() -> None:
    report.machine()
    warm()
    Orders(city_problem(300, 30), options=OPTIONS).change(city_problem(300, 30))
    if "--quick" in sys.argv[1:]:
        compare(20_000, 2_000, bars=False)
    else:
        compare(2_200_000, 50_000, bars=True)


if __name__ == "__main__":
    main()
