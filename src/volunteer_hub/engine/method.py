"""Which exact method suits a problem: augmenting paths where supply is ample, ranks first where it is
scarce."""

from __future__ import annotations

from functools import partial

import numpy as np

from volunteer_hub.engine.augment import solve_augment
from volunteer_hub.engine.candidates import Pool
from volunteer_hub.engine.clock import Clock
from volunteer_hub.engine.floors import Family, transport_within
from volunteer_hub.engine.flow import Solution, solve_flow
from volunteer_hub.engine.index import Index
from volunteer_hub.engine.problem import Floats, Ints, Options, Problem
from volunteer_hub.engine.ranks import solve_ranks
from volunteer_hub.engine.terms import Penalties
from volunteer_hub.engine.units import Units

FLOW, AUGMENT, RANKS = "flow", "augment", "ranks"
TIGHT = 0.5  # heads wanted per qualified person of a skill and area
TIGHT_SHARE = 0.3  # of all heads in such skills and areas: more, and ranks first are quicker
AREA_KM = 25.0


def chosen(units: Units, pool: Pool, options: Options) -> str:
    """The method asked for, or by estimated tightness."""
    if options.method != "auto":
        return options.method
    return RANKS if tight_share(units, pool) > TIGHT_SHARE else AUGMENT


def tight_share(units: Units, pool: Pool) -> float:
    """Share of the heads wanted where more than TIGHT heads are wanted per qualified person, by skill and
    square of AREA_KM, or per person of any skill. An estimate: who could serve two squares or two skills
    counts in each."""
    index, wanted = pool.index, np.where(pool.index.open, units.heads, 0)
    homes, sites = _squares(index)
    squares = int(max(homes.max(initial=0), sites.max(initial=0))) + 1
    heads = np.zeros((len(index.first) - 1, squares), np.int64)
    np.add.at(heads, (index.list_of, sites), wanted)
    crowded = heads.sum(axis=0) > TIGHT * np.bincount(homes, minlength=squares)
    tight = 0
    for row, low, high in zip(heads, index.first, index.first[1:], strict=False):
        qualified = np.bincount(homes[index.listed[low:high]], minlength=squares)
        tight += int(row[crowded | (row > TIGHT * qualified)].sum())
    total = int(wanted.sum())
    return tight / total if total else 0.0


def _squares(index: Index) -> tuple[Ints, Ints]:
    """Number of the square each person lives in, and each unit lies in."""
    if not len(index.x) or not len(index.unit_x):
        return np.zeros(len(index.x), np.int64), np.zeros(len(index.unit_x), np.int64)
    left, bottom = min(index.x.min(), index.unit_x.min()), min(index.y.min(), index.unit_y.min())
    columns = int((max(index.x.max(), index.unit_x.max()) - left) / AREA_KM) + 1

    def square(x: Floats, y: Floats) -> Ints:
        row, column = ((y - bottom) / AREA_KM).astype(np.int64), ((x - left) / AREA_KM).astype(np.int64)
        number: Ints = row * columns + column
        return number

    return square(index.x, index.y), square(index.unit_x, index.unit_y)


def optimum(
    problem: Problem, units: Units, pool: Pool, penalty: Penalties, options: Options, clock: Clock,
    family: Family | None = None,
) -> tuple[Solution, str]:  # fmt: skip
    """An optimal solution and the method that found it; within floors that bind it is the flow. Raises
    FlowFailed, DeadlinePassed."""
    with clock.phase("index"):
        method = FLOW if family is not None else chosen(units, pool, options)
    if method == AUGMENT:
        return solve_augment(problem, units, pool, penalty, clock), method
    if method == RANKS:
        return solve_ranks(problem, units, pool, penalty, options, clock), method
    step = None if family is None else partial(transport_within, family=family)
    return solve_flow(problem, units, pool, penalty, options, clock, step), method
