"""A whole plan with a road service: from rows to the stored document."""

import json
from collections.abc import Iterator

import pytest
from sqlmodel import select

from tests.core.road_server import Country, country
from tests.world import GATE, world
from volunteer_hub.boards import problem
from volunteer_hub.core.db import Tx
from volunteer_hub.core.settings import settings
from volunteer_hub.engine.problem import Options
from volunteer_hub.engine.solve import solve
from volunteer_hub.flows import plan_document, planner, solving
from volunteer_hub.incidents.models import Task


@pytest.fixture
def land(monkeypatch: pytest.MonkeyPatch) -> Iterator[Country]:
    with country() as state:
        monkeypatch.setenv("HUB_ROADS", f"osrm:http://{state.name}")
        monkeypatch.setenv("HUB_INTERNAL_HOSTS", json.dumps([state.name]))
        settings.cache_clear()
        yield state
    monkeypatch.undo()
    settings.cache_clear()


def test_a_plan_measures_and_says_so(tx: Tx, land: Country) -> None:
    w = world(tx)
    case = planner.by_road(problem.build(tx, w.incident, "/1/2/"), 20)
    assert case.roads == "osrm"
    plan = solve(case.problem, Options())
    answer = solving.explained(case.problem, plan, 0.0)
    document = plan_document.result(case, answer, lost=False, seconds={})
    assert document["roads"] == "osrm"
    assert document["pairs"][0]["travel"] > 0
    assert {place for _, _, targets in land.asked for place in targets} == {GATE}
    land.status = 500
    again = planner.by_road(problem.build(tx, w.incident, "/1/2/"), 20)
    assert (again.roads, again.problem.travel) == ("no_answer", None)


def test_travel_goes_to_the_pick_up_point(tx: Tx, land: Country) -> None:
    w = world(tx)
    task = tx.exec(select(Task)).one()
    task.pickup, task.pickup_lat, task.pickup_lon = "School", 46.59, 125.09
    tx.flush()
    planner.by_road(problem.build(tx, w.incident, "/1/2/"), 20)
    assert {place for _, _, targets in land.asked for place in targets} == {(46.59, 125.09)}
