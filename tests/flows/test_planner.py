"""Requests brought to an end by a real planning process: answered, late, killed, stopped, refused."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from sqlmodel import select

from tests.boards.test_problem import HOUR, anybody, held
from tests.engine import build
from tests.world import World, person, sandbagging, world
from volunteer_hub.boards import problem
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Refused
from volunteer_hub.engine.check import Finding
from volunteer_hub.engine.problem import Problem
from volunteer_hub.engine.solve import solve
from volunteer_hub.flows import plan, planner, solving
from volunteer_hub.flows.planner import Lost, Planner
from volunteer_hub.flows.solving import Task
from volunteer_hub.incidents import states, tasks
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.rules import SlotSpec, State
from volunteer_hub.mobilization import plans
from volunteer_hub.mobilization.models import PlanRun
from volunteer_hub.mobilization.rules import OfferState, PlanState
from volunteer_hub.volunteers import registry, skills
from volunteer_hub.volunteers.policy import Skills

RUNNING = threading.Event()  # never set: nobody stops the worker
pytestmark = pytest.mark.xdist_group("planner")  # what is set up once, one worker sets up


@pytest.fixture(scope="module")
def works() -> Iterator[Planner]:
    """One warm planner for the tests that leave it whole."""
    with Planner() as one:
        yield one


def ask(w: World, **how: object) -> int:
    """Mei asks for a plan, committed as far as the test goes; its id."""
    with db.transaction(w.mei, "plan.request") as tx:
        run = plan.request(tx, tx.get_one(Incident, w.incident.id), seed=7, **how)
        return run.id


def stored(plan_id: int) -> PlanRun:
    with db.read(SYSTEM) as tx:
        return tx.get_one(PlanRun, plan_id)


@pytest.fixture
def flood(tx: Tx) -> World:
    """The small flood with a certified medic, as other transactions see it."""
    w = world(tx)
    skills.certify(tx, w.bo, "first_aid", number="1", expires_on=date(2099, 1, 1))
    tx.flush()
    return w


def test_nothing_to_do_is_said(flood: World, works: Planner) -> None:
    assert works.work_one(RUNNING) is False


def test_a_request_is_solved_proven_and_frozen(flood: World, works: Planner) -> None:
    plan_id = ask(flood)
    assert works.work_one(RUNNING) is True
    run = stored(plan_id)
    assert (run.state, run.attempts, run.lease_until) == (PlanState.READY, 1, None)
    assert run.result is not None
    assert run.result["state"] == "proven"
    assert run.result["within_percent"] == 0
    assert run.result["proof"]["primal"] == run.result["proof"]["dual"]
    assert run.result["proof"]["violated"] == 0
    assert run.result["seed"] == 7
    slots = {pair["volunteer"]: pair["slot"] for pair in run.result["pairs"]}
    assert slots.pop(flood.bo.id) in flood.slots  # the one medic is wanted at both; a draw decides
    assert list(slots.values()) == [flood.slots[0]] * 7
    with db.read(SYSTEM) as tx:
        assert run.problem_digest == problem.build(tx, flood.incident, run.pool_area).digest


def test_every_open_head_has_a_gap_with_its_figures(flood: World, works: Planner) -> None:
    plan_id = ask(flood)
    works.work_one(RUNNING)
    result = stored(plan_id).result
    assert result is not None
    short = result["figures"]["short_minimum"] + result["figures"]["short_target"]
    assert sum(gap["short"] for gap in result["gaps"]) == short == 2
    gap = result["gaps"][0]
    assert (gap["tier"], gap["why"], gap["skills"]) == ("minimum", "elsewhere", [["first_aid", 1]])
    group = result["groups"][gap["group"]]
    assert (group["wanted"], group["qualified"], group["short"]) == (2, 1, 1)
    assert group["slots"] == list(flood.slots)


def test_who_could_be_asked_beyond_the_plan_is_kept_too(flood: World, works: Planner) -> None:
    plan_id = ask(flood)
    works.work_one(RUNNING)
    result = stored(plan_id).result
    assert result is not None
    chosen = {pair["volunteer"] for pair in result["pairs"]}
    further = [pair["volunteer"] for pair in result["reserves"]]
    assert len(set(further)) == len(further) == 22 - len(chosen)
    assert chosen.isdisjoint(further)


def test_slots_alike_share_who_is_left() -> None:
    wanted = Problem(build.people(70), build.slots(2, target=np.array([4, 4])))
    further = solving.reserves(wanted, solve(wanted))
    assert np.bincount(further.slot).tolist() == [34, 28]  # half of what each might want, then what is left


def test_places_held_are_kept_and_their_holders_not_asked_again(tx: Tx, flood: World, works: Planner) -> None:
    held(tx, flood, flood.slots[0], flood.lin, OfferState.ACCEPTED)
    plan_id = ask(flood)
    works.work_one(RUNNING)
    result = stored(plan_id).result
    assert result is not None
    assert result["held"] == [{"slot": flood.slots[0], "volunteer": flood.lin.id}]
    assert flood.lin.id not in {pair["volunteer"] for pair in result["pairs"]}
    others = [pair["slot"] for pair in result["pairs"] if pair["volunteer"] != flood.bo.id]
    assert others == [flood.slots[0]] * 6


def test_a_deadline_that_has_passed_is_answered_greedily(flood: World, works: Planner) -> None:
    plan_id = ask(flood, deadline_seconds=1e-6)
    works.work_one(RUNNING)
    run = stored(plan_id)
    assert run.state is PlanState.READY
    assert run.result is not None
    assert run.result["state"] == "deadline"
    assert run.result["figures"]["short_minimum"] == 1


def test_an_empty_pool_gives_an_explained_plan_of_nobody(tx: Tx, flood: World, works: Planner) -> None:
    for who in (flood.bo, flood.lin, *flood.crowd):
        who.status = problem.Status.LEFT
    tx.flush()
    plan_id = ask(flood)
    works.work_one(RUNNING)
    result = stored(plan_id).result
    assert result is not None
    assert (result["pairs"], result["state"]) == ([], "proven")
    assert {gap["why"] for gap in result["gaps"]} == {"pool"}
    assert sum(gap["short"] for gap in result["gaps"]) == result["figures"]["target"] == 10


def test_an_incident_without_open_tasks_gives_an_empty_plan(tx: Tx, flood: World, works: Planner) -> None:
    tasks.cancel(tx, tx.exec(select(tasks.Task)).one(), "the water went down")
    plan_id = ask(flood)
    works.work_one(RUNNING)
    result = stored(plan_id).result
    assert result is not None
    assert (result["pairs"], result["gaps"], result["figures"]["target"]) == ([], [], 0)


def test_a_closed_incident_takes_no_request(tx: Tx, flood: World) -> None:
    states.move(tx, tx.get_one(Incident, flood.incident.id), State.CLOSED)
    with pytest.raises(Refused) as refused:
        ask(flood)
    assert refused.value.code == "incident.closed"


def test_an_incident_closed_after_the_request_ends_it_with_the_reason(
    tx: Tx, flood: World, works: Planner
) -> None:
    plan_id = ask(flood)
    states.move(tx, tx.get_one(Incident, flood.incident.id), State.CLOSED)
    assert works.work_one(RUNNING) is True
    run = stored(plan_id)
    assert (run.state, run.failure) == (PlanState.FAILED, "incident.closed")


def test_a_killed_process_is_replaced_and_the_plan_says_so(flood: World) -> None:
    plan_id = ask(flood)
    with Planner() as one:
        os.kill(one.process.pid, signal.SIGKILL)
        assert one.work_one(RUNNING) is True
    run = stored(plan_id)
    assert run.state is PlanState.READY
    assert run.result is not None
    assert run.result["state"] == "lost"
    assert run.result["figures"]["short_minimum"] == 1
    words = plan.view(run.result, "en")
    assert words.state.startswith("The planning process was lost")


def asleep(case: problem.Case) -> planner.Process:
    """A planning process that has answered once and now hangs."""
    process = planner.Process()
    process.ask(Task(case.problem, 1, 5.0), 30.0, lambda _: None)
    os.kill(process.pid, signal.SIGSTOP)
    return process


def test_a_process_past_its_time_is_not_waited_for(flood: World) -> None:
    with db.read(SYSTEM) as tx:
        case = problem.build(tx, flood.incident, "/1/2/")
    process = asleep(case)
    started = time.monotonic()
    with pytest.raises(Lost):
        process.ask(Task(case.problem, 1, 5.0), 0.5, lambda _: None)
    assert time.monotonic() - started < 1.5
    process.end()


def test_a_process_killed_while_it_solves_is_noticed(flood: World) -> None:
    with db.read(SYSTEM) as tx:
        case = problem.build(tx, flood.incident, "/1/2/")
    process = asleep(case)

    def kill(phase: str) -> None:
        assert phase == solving.SOLVING
        os.kill(process.pid, signal.SIGKILL)

    with pytest.raises(Lost):
        process.ask(Task(case.problem, 1, 5.0), 30.0, kill)
    process.end()


def test_a_hanging_process_costs_the_deadline_and_two_seconds_then_the_simple_method_answers(
    flood: World,
) -> None:
    plan_id = ask(flood, deadline_seconds=0.2)
    with Planner() as one:
        with db.read(SYSTEM) as tx:
            case = problem.build(tx, flood.incident, "/1/2/")
        one.process.ask(Task(case.problem, 1, 5.0), 30.0, lambda _: None)
        os.kill(one.process.pid, signal.SIGSTOP)
        assert one.work_one(RUNNING) is True
    run = stored(plan_id)
    assert run.result is not None
    assert run.result["state"] == "lost"
    assert run.result["failure"] == "deadline"


def test_a_worker_that_stops_gives_the_request_back(flood: World) -> None:
    plan_id = ask(flood)
    stopping = threading.Event()
    stopping.set()
    with Planner() as one:
        one.work_one(stopping)  # not ready yet, so it ticks and learns that it is to stop
        assert stored(plan_id).state is PlanState.RUNNING
        assert one.work_one(RUNNING) is True
    run = stored(plan_id)
    assert (run.state, run.attempts) == (PlanState.READY, 2)


def test_after_three_attempts_a_request_ends(tx: Tx, flood: World, works: Planner) -> None:
    plan_id = ask(flood)
    tx.get_one(PlanRun, plan_id).attempts = planner.MOST_ATTEMPTS
    tx.flush()
    assert works.work_one(RUNNING) is True
    run = stored(plan_id)
    assert (run.state, run.failure) == (PlanState.FAILED, "plan.attempts")


def test_a_plan_that_breaks_a_rule_is_not_kept(flood: World) -> None:
    plan_id = ask(flood)
    with db.transaction(SYSTEM, "plan.claim") as tx:
        run = plans.claim(tx, 60)
        assert run is not None
    case = planner.read(run)
    answer = solving.explained(case.problem, solving.solve(case.problem), 0.0)
    faulty = replace(answer, findings=(Finding("skill", 0, 0),))
    planner.store(plan_id, case, faulty, lost=False, seconds={})
    assert (stored(plan_id).state, stored(plan_id).failure) == (PlanState.FAILED, "plan.check")
    assert answer.findings == ()


def test_an_answer_to_a_superseded_request_changes_nothing(flood: World) -> None:
    plan_id = ask(flood)
    with db.transaction(SYSTEM, "plan.claim") as tx:
        run = plans.claim(tx, 60)
        assert run is not None
    case = planner.read(run)
    with db.transaction(flood.mei, "plan.supersede") as tx:
        plans.supersede(tx, plan_id)
    answer = solving.explained(case.problem, solving.solve(case.problem), 0.0)
    planner.store(plan_id, case, answer, lost=False, seconds={})
    assert (stored(plan_id).state, stored(plan_id).result) == (PlanState.SUPERSEDED, None)


def test_a_superseded_request_is_not_waited_for(flood: World) -> None:
    plan_id = ask(flood)
    with db.transaction(SYSTEM, "plan.claim") as tx:
        plans.claim(tx, 60)
    pulse = planner._Pulse(plan_id, 60, RUNNING)
    pulse._last -= planner.HEARTBEAT_SECONDS
    pulse(solving.SOLVING)
    assert stored(plan_id).progress["phase"] == solving.SOLVING
    with db.transaction(flood.mei, "plan.supersede") as tx:
        plans.supersede(tx, plan_id)
    pulse._last -= planner.HEARTBEAT_SECONDS
    with pytest.raises(planner.Unwanted):
        pulse(solving.SOLVING)


def test_a_new_plan_takes_the_place_of_one_nobody_approved(flood: World, works: Planner) -> None:
    first, second = ask(flood), ask(flood)
    assert works.work_one(RUNNING)
    assert works.work_one(RUNNING)
    assert [stored(first).state, stored(second).state] == [PlanState.SUPERSEDED, PlanState.READY]
    assert stored(first).result["pairs"] == stored(second).result["pairs"]  # type: ignore[index]  # same seed


def test_everybody_in_a_plan_may_serve_where_it_sends_them(tx: Tx, flood: World, works: Planner) -> None:
    kitchen = replace(
        sandbagging(tx.now + HOUR),
        slots=(SlotSpec(minimum=2, target=3, maximum=3, skill="cooking"), anybody(3)),
    )
    incident = tx.get_one(Incident, flood.incident.id)
    tasks.add(tx, incident, kitchen, policy.load("skills", Skills).skills)
    cooks = [registry.register(tx, person(f"Cook {n}", 300 + n, skills="cooking:1")) for n in range(2)]
    plan_id = ask(flood)
    works.work_one(RUNNING)
    result = stored(plan_id).result
    assert result is not None
    in_kitchen = [p["volunteer"] for p in result["pairs"] if p["slot"] == max(flood.slots) + 1]
    assert sorted(in_kitchen) == [cook.id for cook in cooks]
    assert len({pair["volunteer"] for pair in result["pairs"]}) == len(result["pairs"])


def test_a_worker_stopped_while_it_reads_gives_the_request_back_and_keeps_its_process(flood: World) -> None:
    plan_id = ask(flood)
    stopped = threading.Event()
    stopped.set()
    with Planner() as worker:
        process = worker.process.pid
        assert worker.work_one(stopped) is True
        assert worker.process.pid == process
    assert stored(plan_id).state is PlanState.RUNNING
    with db.transaction(SYSTEM, "plan.claim") as tx:
        again = plans.claim(tx, 60)
        assert again is not None
        assert again.id == plan_id
