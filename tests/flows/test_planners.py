"""Several planning workers at once and one after another: each request once, and the same plan from each."""

import threading
from dataclasses import replace

from sqlmodel import col, select

from tests.databases import building
from tests.flows.test_planner import RUNNING, ask, stored
from tests.world import World, declare, person, world
from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.flows.planner import Planner
from volunteer_hub.mobilization.models import PlanRun
from volunteer_hub.mobilization.rules import PlanState
from volunteer_hub.volunteers import registry, standing


def test_any_number_of_planners_share_the_requests(fresh_database: str) -> None:
    w = committed_world()
    ids = [ask(w) for _ in range(4)]
    with Planner() as one, Planner() as other:
        threads = [threading.Thread(target=_drain, args=(p,)) for p in (one, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    with db.read(SYSTEM) as tx:
        rows = tx.exec(select(PlanRun).where(col(PlanRun.id).in_(ids)).order_by(col(PlanRun.id))).all()
    assert [row.attempts for row in rows] == [1, 1, 1, 1]
    assert all(row.result is not None for row in rows)


def _drain(one: Planner) -> None:
    while one.work_one(RUNNING):
        pass


class Meeting(threading.Event):
    """Nobody stops the workers, but each waits in the midst of its plan until the other is in its own."""

    def __init__(self, barrier: threading.Barrier) -> None:
        super().__init__()
        self._barrier: threading.Barrier | None = barrier

    def is_set(self) -> bool:
        if self._barrier is not None:
            self._barrier.wait(60)
            self._barrier = None
        return False


def test_two_workers_plan_two_incidents_at_once(fresh_database: str) -> None:
    w = committed_world()
    with db.transaction(w.mei, "incident.declare") as tx:
        other = replace(w, incident=declare(tx))
    plans_asked = [ask(w), ask(other)]
    both = threading.Barrier(2)
    with Planner() as one, Planner() as two:
        threads = [threading.Thread(target=p.work_one, args=(Meeting(both),)) for p in (one, two)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    runs = [stored(plan_id) for plan_id in plans_asked]
    assert [(run.state, run.attempts) for run in runs] == [(PlanState.READY, 1)] * 2
    assert [run.incident_id for run in runs] == [w.incident.id, other.incident.id]


def test_a_second_plan_of_a_worker_is_that_of_a_new_worker(fresh_database: str) -> None:
    w = committed_world()
    with Planner() as old:
        ask(w)
        old.work_one(RUNNING)
        with db.transaction(w.mei, "volunteer.pause") as tx:
            standing.pause(tx, registry.one(tx, w.lin.id, lock=True), None)
            registry.register(tx, person("Newcomer", 401))
        again, anew = ask(w), ask(w)
        old.work_one(RUNNING)
    with Planner() as new:
        new.work_one(RUNNING)
    assert stored(again).problem_digest == stored(anew).problem_digest
    assert stored(again).result["pairs"] == stored(anew).result["pairs"]
    assert w.lin.id not in {pair["volunteer"] for pair in stored(again).result["pairs"]}


def committed_world() -> World:
    """The small flood, as every connection sees it."""
    with building() as tx:
        return world(tx, crowd=3)
