"""Programmes given to OR-Tools MathOpt: HiGHS for whole ones and bounds, CP-SAT where it is stronger."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
from scipy.sparse import csr_array, vstack

from volunteer_hub.engine.problem import Bools, Floats
from volunteer_hub.engine.roster.model import Program

ROUNDING = 1e-6  # what solvers may be off, relative to the magnitude of a bound


@dataclass(frozen=True)
class Answer:
    """x is None when nothing was found. No solution of the programme is below `bound`."""

    x: Floats | None
    bound: float
    optimal: bool


@dataclass(frozen=True)
class Relaxation:
    """A linear relaxation solved: a bound computed from its dual values alone, hence safe whatever the
    solver's tolerances (Neumaier & Shcherbina 2004), and the reduced cost of every variable."""

    bound: float
    x: Floats
    reduced: Floats
    dual: Floats  # of every row


def solve(
    program: Program,
    objective: Floats,
    seconds: float,
    *,
    start: Floats | None = None,
    threads: int = 1,
    seed: int = 0,
    by_cp_sat: bool = False,
) -> Answer:
    """Minimise in the time given. `start`: a solution to begin with."""
    from ortools.math_opt.python import mathopt

    if program.matrix.shape[1] == 0:
        return Answer(np.zeros(0), 0.0, True)
    if by_cp_sat:  # it knows integers only; what rules leave continuous is whole at every optimum
        program = replace(program, integer=np.ones(len(objective), np.bool_))
    model = mathopt.Model.from_model_proto(_proto(program, objective))
    # HiGHS takes its threads from global options and gains little by them; callers run two solves instead.
    parameters = mathopt.SolveParameters(
        time_limit=timedelta(seconds=max(seconds, 0.01)),
        relative_gap_tolerance=0.0,
        absolute_gap_tolerance=0.999 if _whole(objective) else 0.0,
        random_seed=seed,
        **({"threads": threads} if by_cp_sat else {}),
    )
    hints = []
    if start is not None:
        hints = [
            mathopt.SolutionHint(variable_values=dict(zip(model.variables(), start.tolist(), strict=True)))
        ]
    solver = mathopt.SolverType.CP_SAT if by_cp_sat else mathopt.SolverType.HIGHS
    result = mathopt.solve(
        model, solver, params=parameters, model_params=mathopt.ModelSolveParameters(solution_hints=hints)
    )
    bound = result.termination.objective_bounds.dual_bound
    x = None
    if result.has_primal_feasible_solution():
        values = result.variable_values(model.variables())
        x = np.array(values)
        x[program.integer] = np.round(x[program.integer])
    optimal = result.termination.reason == mathopt.TerminationReason.OPTIMAL
    return Answer(x, bound - ROUNDING * max(1.0, abs(bound)), optimal)


def relax(program: Program, objective: Floats, seconds: float) -> Relaxation | None:
    """The linear relaxation, None if it takes too long."""
    from ortools.math_opt.python import mathopt

    continuous = replace(program, integer=np.zeros(len(objective), np.bool_))
    model = mathopt.Model.from_model_proto(_proto(continuous, objective))
    parameters = mathopt.SolveParameters(time_limit=timedelta(seconds=max(seconds, 0.01)))
    result = mathopt.solve(model, mathopt.SolverType.HIGHS, params=parameters)
    if (
        result.termination.reason != mathopt.TerminationReason.OPTIMAL
        or not result.has_dual_feasible_solution()
    ):
        return None
    dual = np.array(result.dual_values(model.linear_constraints()))
    x = np.array(result.variable_values(model.variables()))
    bound, reduced = dual_bound(program, objective, dual)
    return Relaxation(bound, x, reduced, dual)


def dual_bound(program: Program, objective: Floats, dual: Floats) -> tuple[float, Floats]:
    """The Lagrangian bound of any row multipliers, and the reduced costs they leave. Multipliers of the wrong
    sign are dropped, so the bound holds for whatever it is given."""
    dual = np.where(np.isneginf(program.row_lower), np.minimum(dual, 0.0), dual)
    dual = np.where(np.isposinf(program.row_upper), np.maximum(dual, 0.0), dual)
    reduced = objective - program.matrix.T @ dual
    side = np.where(dual > 0, program.row_lower, program.row_upper)
    from_rows = float((dual * np.where(dual == 0, 0.0, side)).sum())
    from_columns = float(np.where(reduced > 0, reduced * program.lower, reduced * program.upper).sum())
    total = from_rows + from_columns
    return total - 1e-9 * max(1.0, abs(total)), reduced


def whole(bound: float) -> int:
    """The least integer not below a bound."""
    return math.ceil(bound - ROUNDING) if math.isfinite(bound) else 0


def restrict(program: Program, free: Bools, x: Floats) -> Program:
    """The programme of the free variables with all others fixed as in x; rows without a free one go."""
    columns = np.flatnonzero(free)
    fixed = np.where(free, 0.0, x)
    part = csr_array(program.matrix[:, columns])
    rows = np.flatnonzero(np.diff(part.indptr) > 0)
    used = (program.matrix @ fixed)[rows]
    return Program(
        matrix=part[rows],
        row_lower=program.row_lower[rows] - used,
        row_upper=program.row_upper[rows] - used,
        lower=program.lower[columns],
        upper=program.upper[columns],
        integer=program.integer[columns],
        level_1=program.level_1[columns],
        level_2=program.level_2[columns],
    )


def with_row(program: Program, coefficients: Floats, upper: float) -> Program:
    """One more row: coefficients . x <= upper."""
    row = csr_array(coefficients.reshape(1, -1))
    return replace(
        program,
        matrix=csr_array(vstack([program.matrix, row])),
        row_lower=np.append(program.row_lower, -np.inf),
        row_upper=np.append(program.row_upper, upper),
    )


def satisfied(program: Program, x: Floats) -> bool:
    """Does x keep every row and bound, within rounding?"""
    activity = program.matrix @ x
    rows = (activity >= program.row_lower - ROUNDING).all() and (
        activity <= program.row_upper + ROUNDING
    ).all()
    return bool(rows and (x >= program.lower - ROUNDING).all() and (x <= program.upper + ROUNDING).all())


def _whole(objective: Floats) -> bool:
    """Is the objective an integer at every solution worth having?"""
    return bool((objective == np.round(objective)).all())


def _proto(program: Program, objective: Floats) -> Any:
    from ortools.math_opt import model_pb2

    proto = model_pb2.ModelProto()
    rows, columns = program.matrix.shape
    variables = proto.variables
    variables.ids.extend(range(columns))
    variables.lower_bounds.extend(program.lower.tolist())
    variables.upper_bounds.extend(program.upper.tolist())
    variables.integers.extend(program.integer.tolist())
    nonzero = np.flatnonzero(objective)
    proto.objective.linear_coefficients.ids.extend(nonzero.tolist())
    proto.objective.linear_coefficients.values.extend(objective[nonzero].tolist())
    constraints = proto.linear_constraints
    constraints.ids.extend(range(rows))
    constraints.lower_bounds.extend(program.row_lower.tolist())
    constraints.upper_bounds.extend(program.row_upper.tolist())
    matrix = program.matrix.copy()
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    entries = proto.linear_constraint_matrix
    entries.row_ids.extend(np.repeat(np.arange(rows), np.diff(matrix.indptr)).tolist())
    entries.column_ids.extend(matrix.indices.tolist())
    entries.coefficients.extend(matrix.data.tolist())
    return proto
