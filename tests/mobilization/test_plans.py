"""Plans: asked for, claimed by workers, frozen, approved by Mei alone or by Mei and Kai."""

from datetime import time, timedelta

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import text

from tests import areas
from tests.mobilization import rows
from tests.mobilization.rows import NIGHT, NOON, NOW, RULES
from volunteer_hub.audit import listener
from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM, Actor, Grant
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Forbidden, Malformed, NotFound, Refused
from volunteer_hub.mobilization import plans
from volunteer_hub.mobilization.models import PlanRun
from volunteer_hub.mobilization.rules import PlanState

RESULT = {"pairs": [{"slot": 1, "volunteer": 2}], "gaps": []}


@pytest.fixture
def flood(tx: Tx) -> int:
    tx.now = NOW
    areas.plant(tx)
    return rows.incident(tx)


def requested(tx: Tx, incident: int) -> PlanRun:
    return plans.request(
        tx, incident, "/1/2/3/", deadline_seconds=20, seed=1, policy_version=rows.policy_version(tx)
    )


def ready(tx: Tx, incident: int, people: int = 1) -> PlanRun:
    plan = requested(tx, incident)
    assert plans.claim(tx, 60) is plan
    pairs = [{"slot": 1, "volunteer": number} for number in range(people)]
    return plans.finish(tx, plan.id, {"pairs": pairs}, objective={"short": 0}, problem_digest="d")


def approve(tx: Tx, plan: PlanRun, local: time = NOON, reason: str | None = None) -> PlanRun:
    return plans.approve(tx, plan.id, local=local, rules_of=RULES, night=NIGHT, reason=reason)


def test_a_plan_goes_from_request_to_frozen_result(tx: Tx, flood: int) -> None:
    plan = requested(tx, flood)
    assert (plan.state, plan.requested_at, plan.result) == (PlanState.REQUESTED, NOW, None)
    assert plans.claim(tx, 60) is plan
    assert (plan.state, plan.attempts, plan.lease_until) == (
        PlanState.RUNNING,
        1,
        NOW + timedelta(seconds=60),
    )
    assert plans.claim(tx, 60) is None
    assert plans.progress(tx, plan.id, {"done": 0.5}, 60) is True
    plans.finish(tx, plan.id, RESULT, objective={"short": 0}, problem_digest="d")
    assert (plan.state, plan.result, plan.finished_at, plan.lease_until) == (
        PlanState.READY,
        RESULT,
        NOW,
        None,
    )
    assert plans.people(plan) == 1
    assert plans.progress(tx, plan.id, {"done": 1}, 60) is False


def test_a_heartbeat_is_no_deed_and_leaves_no_line(tx: Tx, flood: int) -> None:
    listener.install()
    plan = requested(tx, flood)
    plans.claim(tx, 60)
    lines = text("SELECT count(*) FROM audit_lines")
    before = tx.execute(lines).scalar_one()
    tx.now = NOW + timedelta(seconds=5)
    plans.progress(tx, plan.id, {"phase": "solving"}, 60)
    assert tx.execute(lines).scalar_one() == before
    plans.finish(tx, plan.id, RESULT, objective={}, problem_digest="d")
    assert tx.execute(lines).scalar_one() == before + 1


def test_a_silent_workers_plan_is_taken_up_by_another(tx: Tx, flood: int) -> None:
    plan = requested(tx, flood)
    plans.claim(tx, 60)
    tx.now = NOW + timedelta(seconds=50)
    plans.progress(tx, plan.id, {}, 60)
    tx.now = NOW + timedelta(seconds=109)
    assert plans.claim(tx, 60) is None
    tx.now = NOW + timedelta(seconds=111)
    assert plans.claim(tx, 60) is plan
    assert plan.attempts == 2


def test_a_result_cannot_be_written_twice_nor_changed(tx: Tx, flood: int) -> None:
    plan = ready(tx, flood)
    with rows.raises(Refused, "plan.step"):
        plans.finish(tx, plan.id, {"pairs": []}, objective={}, problem_digest="e")
    for change in (
        "UPDATE plan_runs SET result = '{}'",
        "UPDATE plan_runs SET seed = 9",
        "UPDATE plan_runs SET result = NULL",
        "DELETE FROM plan_runs",
    ):
        with pytest.raises(IntegrityError, match="a finished plan is frozen"), tx.begin_nested():
            tx.execute(text(change))


def test_a_newer_ready_plan_supersedes_the_older_but_not_an_approved_one(tx: Tx, flood: int) -> None:
    approved = approve(tx, ready(tx, flood))
    older, newer = ready(tx, flood), ready(tx, flood)
    elsewhere = ready(tx, rows.incident(tx))
    assert [plan.state for plan in (approved, older, newer, elsewhere)] == [
        PlanState.APPROVED,
        PlanState.SUPERSEDED,
        PlanState.READY,
        PlanState.READY,
    ]
    assert plans.latest(tx, flood) is newer
    assert plans.latest(tx, flood, (PlanState.APPROVED,)) is approved
    assert plans.latest(tx, flood, (PlanState.FAILED,)) is None


def test_a_failed_plan_says_why_and_is_not_tried_again(tx: Tx, flood: int) -> None:
    plan = requested(tx, flood)
    plans.claim(tx, 60)
    plans.fail(tx, plan.id, "plan.out_of_memory")
    assert (plan.state, plan.failure) == (PlanState.FAILED, "plan.out_of_memory")
    tx.now = NOW + timedelta(hours=1)
    assert plans.claim(tx, 60) is None
    with rows.raises(Refused, "plan.step"):
        approve(tx, plan)


def test_a_request_nobody_wants_any_more_stops_its_worker(tx: Tx, flood: int) -> None:
    plan = requested(tx, flood)
    plans.claim(tx, 60)
    plans.supersede(tx, plan.id)
    assert plans.progress(tx, plan.id, {"done": 0.5}, 60) is False
    with rows.raises(Refused, "plan.step"):
        plans.finish(tx, plan.id, RESULT, objective={}, problem_digest="d")


def test_a_small_plan_by_day_is_approved_by_one(tx: Tx, flood: int) -> None:
    mei = rows.account(tx, "Mei")
    plan = ready(tx, flood, RULES.second_person_over)
    tx.actor = rows.staff(mei)
    approve(tx, plan)
    assert (plan.state, plan.approved_by, plan.second_by) == (PlanState.APPROVED, mei, None)


@pytest.mark.parametrize(("people", "local"), [(RULES.second_person_over + 1, NOON), (1, time(2, 40))])
def test_a_large_or_night_plan_waits_for_a_second_person(
    tx: Tx, flood: int, people: int, local: time
) -> None:
    mei, kai = rows.account(tx, "Mei"), rows.account(tx, "Kai")
    plan = ready(tx, flood, people)
    tx.actor = rows.staff(mei)
    assert approve(tx, plan, local).state is PlanState.READY
    assert approve(tx, plan, local).state is PlanState.READY
    tx.actor = rows.staff(kai)
    approve(tx, plan, local)
    assert (plan.state, plan.approved_by, plan.second_by) == (PlanState.APPROVED, mei, kai)
    assert approve(tx, plan, local) is plan


def test_a_reason_stands_in_for_the_second_person(tx: Tx, flood: int) -> None:
    mei = rows.account(tx, "Mei")
    plan = ready(tx, flood)
    tx.actor = rows.staff(mei)
    assert approve(tx, plan, time(2, 40), "   ").state is PlanState.READY
    approve(tx, plan, time(2, 40), "the dam is breaking")
    assert (plan.state, plan.approved_by, plan.override_reason) == (
        PlanState.APPROVED,
        mei,
        "the dam is breaking",
    )


def test_the_program_alone_approves_nothing_large_without_a_reason(tx: Tx, flood: int) -> None:
    plan = ready(tx, flood)
    with rows.raises(Refused, "plan.second_person"):
        approve(tx, plan, time(2, 40))
    assert approve(tx, plan, time(2, 40), "drill from the calendar").state is PlanState.APPROVED


def test_an_approved_plan_is_not_approved_by_others_again(tx: Tx, flood: int) -> None:
    mei, kai = rows.account(tx, "Mei"), rows.account(tx, "Kai")
    plan = ready(tx, flood)
    tx.actor = rows.staff(mei)
    approve(tx, plan)
    tx.actor = rows.staff(kai)
    with rows.raises(Refused, "plan.step"):
        approve(tx, plan)


@pytest.mark.parametrize(
    ("deadline", "seed", "code"),
    [
        (0.0, 1, "plan.deadline"),
        (3601.0, 1, "plan.deadline"),
        (float("nan"), 1, "plan.deadline"),
        (20.0, -1, "plan.seed"),
        (20.0, 2**63, "plan.seed"),
    ],
)
def test_wild_numbers_are_malformed(tx: Tx, flood: int, deadline: float, seed: int, code: str) -> None:
    with rows.raises(Malformed, code):
        plans.request(tx, flood, "/1/2/3/", deadline_seconds=deadline, seed=seed, policy_version=1)


def test_plans_are_found_and_asked_for_inside_the_actors_area_only(tx: Tx, flood: int) -> None:
    plan = requested(tx, flood)
    tx.actor = rows.staff(1, "/1/2/")
    assert plans.find(tx, "plan.read", plan.public_id) is plan
    tx.actor = rows.staff(1, "/1/4/")
    with rows.raises(NotFound, "not_found"):
        plans.find(tx, "plan.read", plan.public_id)
    with rows.raises(NotFound, "not_found"):
        requested(tx, flood)
    with rows.raises(NotFound, "not_found"):
        approve(tx, plan)
    assert plans.latest(tx, flood) is None
    tx.actor = Actor("account", 1, grants=(Grant("/1/", frozenset({"offer.read"})),))
    with rows.raises(Forbidden, "forbidden"):
        plans.find(tx, "plan.read", plan.public_id)


def test_a_plan_that_is_not_there_is_not_found(tx: Tx) -> None:
    with rows.raises(NotFound, "not_found"):
        plans.fail(tx, 2**62, "gone")


def test_two_workers_never_claim_the_same_plan(fresh_database: str) -> None:
    with db.transaction(SYSTEM, "test") as tx:
        areas.plant(tx)
        flood = rows.incident(tx)
        wanted = [requested(tx, flood).id for _ in range(2)]
    with db.transaction(SYSTEM, "one") as one, db.transaction(SYSTEM, "two") as two:
        first, second = plans.claim(one, 60), plans.claim(two, 60)
        assert first is not None
        assert second is not None
        assert [first.id, second.id] == wanted
