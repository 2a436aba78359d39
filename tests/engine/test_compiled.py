"""Compiled loops do what the same lines of Python do, and each is compiled once."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.city_arrays import city_problem
from tests.engine.build import measured, random_problem
from tests.engine.sizes import COMPILED
from volunteer_hub.engine import compiled
from volunteer_hub.engine.augment import _fill, _scan, lift, pop
from volunteer_hub.engine.candidates import (
    _lowest_of_all,
    _nearest_of_all,
    _ring,
    _stretch,
    _zones,
    lowest,
    nearest,
)
from volunteer_hub.engine.coverage import _cover
from volunteer_hub.engine.eligible import _in_time
from volunteer_hub.engine.index import counted
from volunteer_hub.engine.openings import _of_cell
from volunteer_hub.engine.problem import Options
from volunteer_hub.engine.proof import _allowed, _count
from volunteer_hub.engine.release import _reach, _release, lengthen, release
from volunteer_hub.engine.replan import Orders
from volunteer_hub.engine.solve import State, solve

pytestmark = pytest.mark.skipif(not COMPILED, reason="nothing is compiled")


def test_the_same_plan_without_the_compiler() -> None:
    code = (
        "from benchmarks.city_arrays import city_problem\n"
        "from volunteer_hub.engine.problem import Options\n"
        "from volunteer_hub.engine.solve import solve\n"
        "plan = solve(city_problem(400, 60), Options(deadline_s=300))\n"
        "print(plan.state, plan.value, plan.person.tolist())\n"
    )
    plain = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    plan = solve(city_problem(400, 60), Options(deadline_s=300))
    assert plan.state is State.PROVEN
    assert plain == f"{plan.state} {plan.value} {plan.person.tolist()}\n"


@pytest.mark.parametrize("seed", range(4))
def test_the_loops_are_compiled_once_whatever_comes_in(seed: int) -> None:
    """Arrays of another layout would cost a planning process its first seconds again."""
    problem = random_problem(seed, count=1 + 8 * (seed % 2), places=4)
    ill = np.setdiff1d(np.arange(len(problem.people)), problem.locked.person)[:1]
    for asked in (problem, measured(problem, seed)):
        for method, threads in (("flow", 1), ("augment", 2), ("ranks", 1)):
            solve(asked, Options(deadline_s=300, method=method, threads=threads))
        orders = Orders(asked, options=Options(deadline_s=300))
        orders.change(asked, ill)
    loops = (_count, _nearest_of_all, _lowest_of_all, _in_time, counted, _fill, release, lengthen, _cover)
    assert [len(loop.signatures) for loop in loops] == [1] * len(loops)
    # Called by compiled loops alone: of those kept on disk the parts are not read again.
    parts = (_allowed, _stretch, _ring, _zones, nearest, lowest, _scan, lift, pop, _reach, _release, _of_cell)
    assert [part for part in parts if len(part.signatures) > 1] == []


def test_what_is_kept_on_disk_is_kept_for_this_state_of_the_engine_alone() -> None:
    assert "compiled-" in counted._cache.cache_path  # type: ignore[attr-defined]  # numba's own


def test_of_processes_that_start_together_one_compiles_and_the_others_wait_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled, "_FOLDER", tmp_path / "new")

    def another_may_go_on() -> bool:
        with (tmp_path / "new" / "toy.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

    def ended_in_the_middle() -> None:
        with compiled.first("toy"):
            assert not another_may_go_on()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ended_in_the_middle()
    assert another_may_go_on()
    with compiled.first("toy"):
        assert not another_may_go_on()
    with compiled.first("toy"):  # all is kept: nobody waits any more
        assert another_may_go_on()


def test_where_nothing_can_be_kept_nobody_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(compiled, "_FOLDER", tmp_path / "file" / "new")
    with compiled.first("toy"):
        assert not (tmp_path / "file").is_dir()
