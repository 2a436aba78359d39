"""The public technician instances are read as they are meant."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks.instances.technicians import distance, instances, read
from volunteer_hub.engine.tours.check import check
from volunteer_hub.engine.tours.problem import TourOptions
from volunteer_hub.engine.tours.solve import solve_tours

DATA = Path(os.environ.get("HUB_DATA", "absent"))
TEXT = """tiny

INFO
CREW COUNT  SKILLS  TOOLS   SPARE PARTS
2           2       1       1

DEPOT TECHNICIANS AND REQUESTS
ID   X     Y     TWS    TWE    Serv   SKILLS   TOOLS    SPARE PARTS
0    3     4     0      100    0      [] \t[] \t[]
1    0     0     0      100    0      [0] \t[] \t[1]
2    50    0     0      60     0      [0,1] \t[0] \t[0]
3    6     8     0      90     10     [0] \t[0] \t[1]
4    50    10    20     30     10     [1] \t[] \t[0]
"""


def test_a_file_becomes_a_crew_stops_and_a_depot() -> None:
    instance = read("tiny", TEXT, 40.0)
    crew, stops = instance.tours.crew, instance.tours.stops
    assert (len(crew), len(stops)) == (2, 2)
    assert (crew.levels.tolist(), crew.parts.tolist()) == ([[1, 0], [1, 1]], [[1], [0]])
    assert (crew.tools.tolist(), stops.tools.tolist()) == ([[False], [True]], [[True], [False]])
    assert crew.until.tolist() == [10_000, 6_000]
    assert (stops.windows.start.tolist(), stops.windows.end.tolist()) == ([0, 2000], [9000, 3000])
    assert instance.tours.places.matrix[0, 1, 3] == 10_000  # 10 units of distance in thousandths
    plan = solve_tours(instance.tours, TourOptions(iterations=50))
    assert plan.unserved == ()
    assert plan.visits.stop.tolist() == [
        -1,
        0,
        1,
    ]  # the tool is at the depot on the way
    assert distance(instance, plan) == pytest.approx(40.0)


@pytest.mark.skipif(not DATA.joinpath("instances").is_dir(), reason="HUB_DATA names no folder with instances")
def test_all_technician_instances_are_read_and_one_is_served() -> None:
    found = list(instances(DATA))
    assert len(found) == 28
    assert {len(each.tours.stops) for each in found} == {100}
    easy = next(each for each in found if each.name.startswith("RC208"))
    plan = solve_tours(easy.tours, TourOptions(iterations=300))
    assert check(easy.tours, plan) == ()
    assert plan.unserved == ()
    assert np.isclose(distance(easy, plan), plan.travel / 1000, atol=0.2)
