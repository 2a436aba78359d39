"""Clocks killed and paused amid schedules: every due drill exactly once, missed ones by their policy."""

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.drills.clocks import Clocks, Trial, bare_clock
from tests.drills.schedules import BEGINS
from volunteer_hub.core import clock


@pytest.fixture(autouse=True)
def _real_time_again() -> Iterator[None]:
    yield
    clock.follow(lambda: None)


def test_three_clocks_killed_and_paused_hold_every_due_drill_once(
    fresh_database: str, tmp_path: Path
) -> None:
    clocks = Clocks(bare_clock, tmp_path / "clocks.log", random.Random(7))
    trial = Trial(clocks, 20, BEGINS + timedelta(hours=20), kills=2, pauses=1, called=False, rate=20)
    trial.build()
    try:
        trial.run()
    finally:
        clocks.stop()
    assert trial.faults() == {}
    assert sum(trial.expected(trial.until).values()) >= 3
    assert (clocks.did["kill -9"], clocks.did["paused"]) == (2, 1)
