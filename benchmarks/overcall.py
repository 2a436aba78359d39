"""How many to ask for 10,000 slots at once: evaluation, the choice of least burden, the usual ways beside.

    python -m benchmarks.overcall            10,000 slots x 200 candidates
    python -m benchmarks.overcall --quick    1,000 slots

Peers: the normal approximation, the same recursion in numpy, and what the field's products do (need / p
asked, nearest first). Every list is judged by the exact law, independent and with 2 % correlation.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from scipy.stats import norm

from benchmarks import report
from volunteer_hub.engine.arrays import Bools, Floats, Ints
from volunteer_hub.engine.law import INDEPENDENT, Shock
from volunteer_hub.engine.least_burden import evaluate, least_burden
from volunteer_hub.engine.shock import shock

CANDIDATES, CONFIDENCE, THREADS = 200, 0.95, 2
COLUMNS = ("way", "correlation", "seconds", "people asked", "burden", "least chance", "slots below 95 %")
T = TypeVar("T")


def main() -> int:
    slots = 1_000 if "--quick" in sys.argv else 10_000
    report.machine()
    rng = np.random.default_rng(1)
    needs = np.minimum(rng.geometric(0.15, slots), 60)
    ps = rng.uniform(0.2, 0.95, (slots, CANDIDATES))
    burden = rng.uniform(10, 65, (slots, CANDIDATES))
    rows: list[list[object]] = []
    shares: dict[str, tuple[float, float, int]] = {}
    for name, law in (("0", INDEPENDENT), ("2 %", shock(0.02))):
        ours = lambda law=law: _least(ps, burden, needs, law)  # noqa: E731 - bound to this law
        ways: list[tuple[str, Callable[[], Bools]]] = [
            ("least burden", ours),
            ("nearest first, need / p", lambda: _naive(ps, burden, needs)),
            ("normal approximation", lambda: _normal(ps, burden, needs)),
        ]
        if law is INDEPENDENT:
            ways.append(("numpy recursion", lambda: _recursion(ps, burden, needs)))
        for way, choose in ways:
            choose()
            asked, seconds = _timed(choose)
            each, judging = _judged(asked, ps, needs, law)
            below = int((each < CONFIDENCE - 1e-12).sum())
            rows.append([way, name, seconds, int(asked.sum()), float(burden[asked].sum()), each.min(), below])
            shares[f"{way} {name}"] = seconds, judging, below
    report.table(f"{slots:,} slots x {CANDIDATES} candidates", COLUMNS, rows)
    choosing, evaluating, below = shares["least burden 2 %"]
    met = report.bar("overcall.evaluation_seconds", evaluating, "<=", 0.3)
    met &= report.bar("overcall.least_burden_seconds", choosing, "<=", 2)
    met &= report.bar("overcall.slots_below_confidence", below, "<=", 0)
    return 0 if met else 1


def _least(ps: Floats, burden: Floats, needs: Ints, law: Shock) -> Bools:
    first = np.arange(len(needs) + 1) * CANDIDATES
    asked = least_burden(first, ps.ravel(), burden.ravel(), needs, CONFIDENCE, law, THREADS)
    return asked.reshape(ps.shape)


def _naive(ps: Floats, burden: Floats, needs: Ints) -> Bools:
    count = np.ceil(needs / ps.mean(axis=1)).astype(int)
    return _prefix(burden, count)


def _normal(ps: Floats, burden: Floats, needs: Ints) -> Bools:
    order = np.argsort(burden, axis=1)
    sorted_ps = np.take_along_axis(ps, order, axis=1)
    mean, spread = np.cumsum(sorted_ps, 1), np.sqrt(np.cumsum(sorted_ps * (1 - sorted_ps), 1))
    enough = norm.sf((needs[:, None] - 0.5 - mean) / spread) >= CONFIDENCE
    return _prefix(burden, np.where(enough.any(1), enough.argmax(1) + 1, CANDIDATES))


def _recursion(ps: Floats, burden: Floats, needs: Ints) -> Bools:
    sorted_ps = np.take_along_axis(ps, np.argsort(burden, axis=1), axis=1)
    row, state = np.arange(len(ps)), np.zeros((len(ps), int(needs.max()) + 1))
    state[:, 0] = 1
    count, sure = np.zeros(len(ps), int), np.zeros(len(ps))
    for i in range(CANDIDATES):
        p = sorted_ps[:, i : i + 1]
        sure += state[row, needs - 1] * p[:, 0]
        state[:, 1:] = state[:, 1:] * (1 - p) + state[:, :-1] * p
        state[:, 0] *= 1 - p[:, 0]
        count = np.where((count == 0) & (sure >= CONFIDENCE), i + 1, count)
        if (count > 0).all():
            break
    return _prefix(burden, np.where(count > 0, count, CANDIDATES))


def _prefix(burden: Floats, count: Ints) -> Bools:
    """The first of each slot by burden, which here stands for the way."""
    rank = np.argsort(np.argsort(burden, axis=1), axis=1)
    chosen: Bools = rank < count[:, None]
    return chosen


def _judged(asked: Bools, ps: Floats, needs: Ints, law: Shock) -> tuple[Floats, float]:
    first = np.concatenate([[0], np.cumsum(asked.sum(axis=1))])
    evaluate(first, ps[asked], needs, law, THREADS)
    (each, _), seconds = _timed(lambda: evaluate(first, ps[asked], needs, law, THREADS))
    return each, seconds


def _timed(step: Callable[[], T]) -> tuple[T, float]:
    started = time.perf_counter()
    result = step()
    return result, time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
