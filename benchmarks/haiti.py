"""The reports of the 2010 Haiti earthquake as tasks, planned against pools of three sizes.

    HUB_DATA=<folder> python -m benchmarks.haiti             5,000, 50,000 and 500,000 people
    python -m benchmarks.haiti --data <folder> --quick       5,000 people

1,781 reports want some 5,000 people with a dozen skills. The pool is made around them: scattered around their
places, skills as popular as in the made-up city. The greedy method, nearest first and most urgent first, is
what products without a solver do.
"""

from __future__ import annotations

import itertools
import os
import resource
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks import report
from benchmarks.city_arrays import SKILLS, people_around
from volunteer_hub.core import policy
from volunteer_hub.engine.check import check
from volunteer_hub.engine.clock import Clock
from volunteer_hub.engine.greedy import greedy
from volunteer_hub.engine.problem import Minima, Options, Problem, Slots
from volunteer_hub.engine.solve import Plan, State, solve, warm
from volunteer_hub.engine.terms import Objective, objective, penalties
from volunteer_hub.engine.units import split
from volunteer_hub.incidents import reports
from volunteer_hub.incidents.report_map import ReportMap

SIZES = (5_000, 50_000, 500_000)
SEED = 2010
COLUMNS = ("people", "method", "seconds", "short min", "short target", "cost", "note")


def main() -> int:
    folder = _folder(sys.argv[1:])
    if folder is None:
        print("no data: give --data or HUB_DATA, a folder with haiti_2010/reports.csv")
        return 0
    report.machine()
    warm()
    source: ReportMap = policy.load("maps/ushahidi_haiti", ReportMap)
    drafts = reports.read((folder / "haiti_2010" / "reports.csv").read_bytes(), source).drafts
    slots, skills, minima = wanted(drafts)
    print(f"{len(drafts)} tasks, {len(slots)} slots, {int(slots.target.sum())} heads, {len(skills)} skills")
    rows: list[list[object]] = []
    met = True
    for people in SIZES[:1] if "--quick" in sys.argv else SIZES:
        problem = around(drafts, slots, minima, people)
        plan, seconds = _timed(problem)
        proven = plan.state is State.PROVEN and not check(problem, plan)
        alone, took = _greedy(problem)
        rows += [
            [people, "engine", seconds, *_goal(plan.objective), plan.state.value],
            [people, "greedy", took, *_goal(alone), "nearest first, most urgent first"],
        ]
        met &= report.bar(f"haiti.proven_{people}", float(proven), ">=", 1)
    report.table("Haiti 2010", COLUMNS, rows)
    report.info("haiti.peak_memory_mib", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return 0 if met else 1


def wanted(drafts: tuple[reports.TaskDraft, ...]) -> tuple[Slots, tuple[str, ...], Minima]:
    """Every draft's slots, from minute 0 on; the skills by their number, the most wanted first."""
    flat = [(task, slot) for task, draft in enumerate(drafts) for slot in draft.slots]
    heads: dict[str, int] = {}
    for _, slot in flat:
        if slot.skill is not None:
            heads[slot.skill] = heads.get(slot.skill, 0) + slot.target
    skills = tuple(sorted(heads, key=lambda code: (-heads[code], code)))
    count = len(flat)
    of = [drafts[task] for task, _ in flat]
    slots = Slots(
        key=np.arange(count),
        task=np.array([task for task, _ in flat]),
        lat=np.array([draft.lat for draft in of]),
        lon=np.array([draft.lon for draft in of]),
        start=np.zeros(count, np.int64),
        end=np.array([draft.minutes for draft in of]),
        minimum=np.array([slot.minimum for _, slot in flat]),
        target=np.array([slot.target for _, slot in flat]),
        maximum=np.array([slot.maximum for _, slot in flat]),
        priority=6 - np.array([draft.priority for draft in of]),
        skill=np.array([-1 if slot.skill is None else skills.index(slot.skill) for _, slot in flat]),
        level=np.array([slot.level for _, slot in flat]),
        adult_only=np.array([slot.adult_only for _, slot in flat]),
        insured_only=np.array([slot.insured_only for _, slot in flat]),
        hazardous=np.array([draft.hazardous for draft in of]),
        night=np.zeros(count, np.bool_),
        max_km=np.full(count, 30.0),
    )
    nested = [
        (s, skills.index(one.skill), one.level, one.heads, one.may_share)
        for s, (_, slot) in enumerate(flat)
        for one in slot.minima
        if one.skill in skills
    ]
    minima = Minima(*map(np.array, zip(*nested, strict=True))) if nested else Minima()
    return slots, skills, minima


def around(drafts: tuple[reports.TaskDraft, ...], slots: Slots, minima: Minima, people: int) -> Problem:
    """A pool scattered around the reports' places."""
    assert int(slots.skill.max()) < SKILLS
    places = np.unique(np.array([(draft.lat, draft.lon) for draft in drafts]).round(2), axis=0)
    rng = np.random.default_rng(SEED)
    share = rng.lognormal(0, 0.7, len(places))
    return Problem(people_around(rng, people, places, share / share.sum()), slots, minima)


def _timed(problem: Problem) -> tuple[Plan, float]:
    started = time.perf_counter()
    plan = solve(problem, Options(seed=SEED, deadline_s=120, threads=2))
    return plan, time.perf_counter() - started


def _greedy(problem: Problem) -> tuple[Objective, float]:
    started = time.perf_counter()
    units = split(problem)
    person, unit, _ = greedy(problem, units, penalties(problem, units), SEED, Clock(600))
    seconds = time.perf_counter() - started
    return objective(problem, units, person, unit), seconds


def _goal(goal: Objective) -> list[object]:
    return [goal.short_minimum, goal.short_target, goal.cost]


def _folder(arguments: list[str]) -> Path | None:
    named = dict(itertools.pairwise(arguments)).get("--data") or os.environ.get("HUB_DATA")
    found = Path(named) if named else None
    return found if found is not None and (found / "haiti_2010" / "reports.csv").is_file() else None


if __name__ == "__main__":
    sys.exit(main())
