"""Imagined callouts by real workers and their processes: claimed, played, written once, taken up again."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from tests import people
from tests.flows.callouts import NOW, at_ten
from tests.world import World, world
from volunteer_hub.core import clock, db, versions
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Malformed, NotFound
from volunteer_hub.drills import whatifs
from volunteer_hub.drills.rules import EVERYBODY, CellSpec, CellState, WhatIfKind, WhatIfState
from volunteer_hub.drills.whatif_models import Readiness, WhatIfCell, WhatIfRun
from volunteer_hub.flows import whatif
from volunteer_hub.flows.whatif_desk import Desk, moment_of

RUNNING = threading.Event()  # never set: nobody stops the worker
MONDAY, MONDAY_NIGHT = 0, 1


@pytest.fixture(autouse=True)
def ten_oclock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from at_ten(monkeypatch)


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    """One warm process for all tests."""
    with Desk() as one:
        yield one


@pytest.fixture
def flood(tx: Tx) -> World:
    return world(tx, crowd=40)


def single(w: World, hazard: str = "missing_person", hour: int = MONDAY, draws: int = 400) -> int:
    with db.transaction(w.mei, "whatif.request") as as_mei:
        return whatif.request(as_mei, "DQ-ST-001", hazard, hour, draws).id


def grid(w: World, *hazards: str) -> int:
    """A grid of Monday in Dongfeng."""
    home, pool = "/1/2/3/", "/1/2/"
    cells = [CellSpec(home, pool, hazard, hour) for hazard in hazards for hour in (MONDAY, MONDAY_NIGHT)]
    cells += [CellSpec(pool, pool, EVERYBODY, hour) for hour in (MONDAY, MONDAY_NIGHT)]
    with db.transaction(w.mei, "whatif.request") as as_mei:
        made = whatifs.request(
            as_mei, pool, WhatIfKind.GRID, cells, draws=200, seed=5, policy_version=versions.current(as_mei)
        )
        return made.id


def drain(desk: Desk) -> None:
    """Works until there is nothing to do."""
    for _ in range(20):
        if not desk.work_some(RUNNING):
            return
    raise AssertionError("never done")


def stored(run_id: int) -> list[WhatIfCell]:
    with db.read(SYSTEM) as tx:
        rows = tx.exec(
            select(WhatIfCell).where(col(WhatIfCell.run_id) == run_id).order_by(col(WhatIfCell.id))
        )
        return list(rows)


def run_of(run_id: int) -> WhatIfRun:
    with db.read(SYSTEM) as tx:
        return tx.get_one(WhatIfRun, run_id)


def test_a_callout_that_never_happened_is_played(flood: World, desk: Desk) -> None:
    run = single(flood)
    assert desk.work_some(RUNNING) == 1
    assert desk.work_some(RUNNING) == 0
    (cell,) = stored(run)
    told: dict[str, Any] = cell.result or {}
    assert (cell.state, run_of(run).state) == (CellState.DONE, WhatIfState.DONE)
    assert [(slot["task"], slot["skill"], slot["minimum"]) for slot in told["slots"]] == [
        ("search", "search", 8), ("search", "drone", 0), ("asking", "general", 4),
    ]  # fmt: skip
    search, _, asking = told["slots"]
    assert (search["asked"], asking["asked"] > 4) == (0, True)  # nobody here can search
    assert told["binding"]["slot"] == 0
    assert told["binding"]["why"] == "skill"
    assert (told["sure"], told["basis"]["measured"], told["people"]) == (0.0, False, 42)
    at_hour = told["minutes"].index(60.0)
    assert asking["sure"][at_hour] > 0.7
    assert [band[at_hour] for band in asking["bands"]] == sorted(band[at_hour] for band in asking["bands"])
    assert [fix["skill"] for fix in told["fixes"] if fix["kind"] == "train" and fix["people"]] == ["search"]


def test_a_grid_is_played_once_whoever_works_and_goes_on_after_a_death(flood: World, desk: Desk) -> None:
    run = grid(flood, "heat", "missing_person")
    with db.transaction(SYSTEM, "whatif.claim") as tx:  # of a worker that falls silent
        taken = [cell.id for cell in whatifs.claim(tx, lease_seconds=60, limit=32)]
    assert len(taken) == 1
    drain(desk)
    assert {cell.id for cell in stored(run) if cell.state is CellState.DUE} == set(taken)
    assert run_of(run).state is WhatIfState.RUNNING
    with clock.fixed(NOW + timedelta(minutes=2)):
        drain(desk)
    cells = stored(run)
    assert {cell.state for cell in cells} == {CellState.DONE}
    assert sorted(cell.attempts for cell in cells) == [1, 1, 1, 1, 1, 2]
    assert run_of(run).state is WhatIfState.DONE
    with db.transaction(SYSTEM, "whatif.finish") as tx:
        assert whatifs.finish(tx, cells[0].id, {"late": True}, None) is False
    with db.read(SYSTEM) as tx:
        ready = tx.exec(select(Readiness).where(col(Readiness.area) == "/1/2/3/")).all()
    assert sorted(row.hour for row in ready) == [MONDAY, MONDAY_NIGHT]
    day = next(row for row in ready if row.hour == MONDAY)
    assert (day.people, day.reachable, day.skills["general"]["free"]) == (42, 42, 42)
    assert day.skills["search"]["bands"] == [[0, 0, 0]] * 3
    low, middle, high = day.skills["general"]["bands"][2]
    assert 0 < low < middle < high < 42


def test_a_worker_that_is_stopping_gives_its_cells_back(flood: World) -> None:
    run = single(flood)
    stopped = threading.Event()
    stopped.set()
    with Desk() as desk:
        assert desk.work_some(stopped) == 0
    assert [(cell.state, cell.attempts, cell.lease_until) for cell in stored(run)] == [
        (CellState.DUE, 0, None)
    ]


def test_the_same_request_gives_the_same_answer(flood: World, desk: Desk) -> None:
    first, again = grid(flood, "heat"), grid(flood, "heat")
    drain(desk)
    assert [cell.result for cell in stored(first)] == [cell.result for cell in stored(again)]


def test_what_there_is_not_and_what_is_another_area_is_refused(flood: World, tx: Tx) -> None:
    with db.transaction(flood.mei, "whatif.request") as as_mei, pytest.raises(Malformed):
        whatif.request(as_mei, "DQ-ST-001", "dragon", MONDAY)
    with db.transaction(flood.mei, "whatif.request") as as_mei, pytest.raises(Malformed):
        whatif.request(as_mei, "DQ-ST-001", "flood", 14)
    with db.transaction(people.kai(tx), "whatif.request") as as_kai, pytest.raises(NotFound):
        whatif.request(as_kai, "DQ-ST-001", "flood", MONDAY)


def test_the_whole_city_is_asked_for_at_night_once_a_week(flood: World) -> None:
    night = NOW + timedelta(hours=14)
    assert whatif.sweep() == 0
    with clock.fixed(night):
        assert whatif.sweep() == 1
        assert whatif.sweep() == 0
        with db.read(SYSTEM) as tx:
            (run,) = whatifs.grids(tx, "/1/")
            assert run.cells == len(whatif.cells(tx, "/1/"))


def test_an_hour_of_the_week_is_the_middle_of_the_next_such_day_or_night() -> None:
    told = [moment_of(hour, "Asia/Shanghai", NOW).isoformat() for hour in (MONDAY, MONDAY_NIGHT)]
    assert told == ["2031-01-27T06:00:00+00:00", "2031-01-20T18:00:00+00:00"]
