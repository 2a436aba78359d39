from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, select, text

from tests import areas, people
from tests.drills.planned import CODES, DONGFENG, POLICY, TUESDAYS, at, local, plan
from tests.mobilization import rows
from tests.mobilization.rows import raises
from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Forbidden, Malformed, NotFound, PreconditionFailed, Refused
from volunteer_hub.drills import due, plans, recurrence, results
from volunteer_hub.drills.models import DrillPlan, DrillRun
from volunteer_hub.drills.record import By, Record
from volunteer_hub.drills.rules import Figures, Misfire, PlanState, RunState, Skipped

FIGURES = Figures(20, 18, 12, 10, 0, {5: 3, 15: 6, 30: 9, 60: 12})
RECORD = Record(
    FIGURES,
    last_acknowledged=at("2031-01-21T10:40"),
    curve=((3, 3), (41, 12)),
    groups={By.HOUR: {"10": FIGURES}},
)


@pytest.fixture(autouse=True)
def planted(request: pytest.FixtureRequest) -> None:
    if "tx" in request.fixturenames:
        areas.plant(request.getfixturevalue("tx"))


def take(tx: Tx, drill: DrillPlan, when: str) -> list[tuple[str | None, RunState, Skipped | None]]:
    """What a worker makes of the plan at a time."""
    tx.now = at(when)
    return [(local(run.occurrence), run.state, run.reason) for run in due.take(tx, drill.id, POLICY)]


def change(tx: Tx, drill: DrillPlan, version: int, **changes: Any) -> None:
    """What an editor does who saw that version."""
    plans.change(tx, drill, version, replace(plans.spec_of(drill), **changes), **CODES)


def test_a_plan_is_due_by_its_rule(tx: Tx) -> None:
    drill = plan(tx, title="  Tuesday check ", rule=" 0 10 * * TUE ")
    assert (drill.title, drill.rule, drill.state) == ("Tuesday check", "0 10 * * TUE", PlanState.ACTIVE)
    assert local(drill.next_at) == "2031-01-21 10:00"


def test_a_plan_is_made_from_a_template(tx: Tx) -> None:
    template = POLICY.templates["winter_muster"]
    spec = plans.from_template(template, "Winter muster", "Asia/Shanghai")
    tx.now = at("2031-01-20T14:00")
    drill = plans.create(tx, DONGFENG, spec, **CODES)
    assert plans.spec_of(drill) == spec
    assert (drill.share_percent, drill.misfire, local(drill.next_at)) == (5, Misfire.SKIP, "2031-11-08 09:00")


def test_a_plan_that_cannot_be_is_refused(tx: Tx) -> None:
    with raises(Malformed, "drill.rule_never"):
        plan(tx, rule="0 9 30 2 *")
    with raises(Malformed, "drill.zone"):
        plan(tx, zone="Mars/Base")
    with raises(Malformed, "form"):
        plan(tx, hazard="dragon")
    assert plans.listed(tx) == []


def test_the_next_five_are_shown_with_the_days_that_are_left_out(tx: Tx) -> None:
    drill = plan(tx, made="2031-09-10T12:00")
    ahead = plans.preview(drill.rule, drill.zone, tx.now, POLICY, since=drill.since)
    assert [(local(one.at), one.blackout.en if one.blackout else None) for one in ahead] == [
        ("2031-09-16 10:00", None),
        ("2031-09-23 10:00", None),
        ("2031-09-30 10:00", None),
        ("2031-10-07 10:00", "National Day"),
        ("2031-10-14 10:00", None),
    ]
    assert plans.preview(TUESDAYS.rule, TUESDAYS.zone, tx.now, POLICY) == ahead
    with raises(Malformed, "drill.rule_often"):
        plans.preview("* 10 * * TUE", TUESDAYS.zone, tx.now, POLICY)


def test_a_drill_starts_at_a_moment_within_its_window_that_all_workers_agree_on(tx: Tx) -> None:
    with raises(Malformed, "drill.rule_jitter"):
        plan(tx, rule="0 10,11 * * TUE", jitter_minutes=90)
    drill = plan(tx, jitter_minutes=180)
    assert drill.starts_at is not None
    assert (local(drill.next_at), at("2031-01-21T10:00") < drill.starts_at < at("2031-01-21T13:00")) == (
        "2031-01-21 10:00",
        True,
    )
    start = local(drill.starts_at)
    tx.now = at("2031-01-21T10:00")
    change(tx, drill, 1, title="A title alone moves nothing that is about to start")
    assert (local(drill.next_at), local(drill.starts_at)) == ("2031-01-21 10:00", start)
    assert take(tx, drill, "2031-01-21T10:00") == []
    assert due.claim(tx) == []
    assert take(tx, drill, "2031-01-21T13:00") == [("2031-01-21 10:00", RunState.RUN, None)]
    assert (local(drill.next_at), local(drill.starts_at)) != ("2031-01-28 10:00", start)


def test_a_new_rule_counts_from_now(tx: Tx) -> None:
    drill = plan(tx)
    tx.now = at("2031-01-22T09:00")
    change(tx, drill, 1, rule="30 9 * * *", share_percent=5)
    assert (drill.version, drill.share_percent, local(drill.next_at)) == (2, 5, "2031-01-22 09:30")
    change(tx, drill, 2, title="Daily check", skills=("first_aid",))
    assert (drill.version, drill.title, drill.skills, local(drill.next_at)) == (
        3,
        "Daily check",
        ["first_aid"],
        "2031-01-22 09:30",
    )


def test_a_change_that_changes_nothing_is_none(tx: Tx) -> None:
    drill = plan(tx)
    change(tx, drill, 1, title=" Tuesday check ")
    assert drill.version == 1


def test_the_second_of_two_editors_is_told(tx: Tx) -> None:
    drill = plan(tx)
    change(tx, drill, 1, title="Mei's title")
    with raises(PreconditionFailed, "version"):
        change(tx, drill, 1, title="Wen's title")
    with raises(PreconditionFailed, "version"):
        plans.pause(tx, drill, 1)
    assert drill.title == "Mei's title"


def test_a_paused_plan_is_not_due_and_makes_up_for_nothing(tx: Tx) -> None:
    drill = plan(tx, misfire=Misfire.ALL)
    plans.pause(tx, drill, 1)
    with raises(Refused, "drill.step"):
        plans.pause(tx, drill, 2)
    assert take(tx, drill, "2031-02-05T10:00") == []
    assert due.claim(tx) == []
    change(tx, drill, 2, rule="0 11 * * TUE")
    assert drill.next_at is None
    plans.resume(tx, drill, 3)
    assert (drill.state, local(drill.next_at)) == (PlanState.ACTIVE, "2031-02-11 11:00")
    assert take(tx, drill, "2031-02-11T11:00") == [("2031-02-11 11:00", RunState.RUN, None)]


def test_an_occurrence_runs_once_and_the_plan_moves_on(tx: Tx) -> None:
    drill = plan(tx)
    assert take(tx, drill, "2031-01-21T09:59") == []
    assert take(tx, drill, "2031-01-21T10:00") == [("2031-01-21 10:00", RunState.RUN, None)]
    assert local(drill.next_at) == "2031-01-28 10:00"
    assert take(tx, drill, "2031-01-21T10:01") == []


@pytest.mark.parametrize(
    ("misfire", "held"),
    [
        (Misfire.SKIP, [None, None, None]),
        (Misfire.LATEST, [None, None, RunState.RUN]),
        (Misfire.ALL, [RunState.RUN, RunState.RUN, RunState.RUN]),
    ],
)
def test_after_three_weeks_down_each_occurrence_is_accounted_for(
    tx: Tx, misfire: Misfire, held: list[RunState | None]
) -> None:
    drill = plan(tx, misfire=misfire)
    taken = take(tx, drill, "2031-02-05T08:00")
    assert [when for when, _, _ in taken] == ["2031-01-21 10:00", "2031-01-28 10:00", "2031-02-04 10:00"]
    assert [state if state is RunState.RUN else None for _, state, _ in taken] == held
    assert {reason for _, state, reason in taken if state is RunState.SKIPPED} <= {Skipped.MISSED}
    assert local(drill.next_at) == "2031-02-11 10:00"


def test_a_day_without_drills_is_recorded_as_skipped(tx: Tx) -> None:
    drill = plan(tx, made="2031-10-01T12:00")
    assert take(tx, drill, "2031-10-07T10:00") == [("2031-10-07 10:00", RunState.SKIPPED, Skipped.BLACKOUT)]


def test_a_clock_that_steps_doubles_and_loses_nothing(tx: Tx) -> None:
    drill = plan(tx)
    assert len(take(tx, drill, "2031-01-21T12:00")) == 1  # two hours ahead
    assert take(tx, drill, "2031-01-21T09:00") == []  # three back
    assert take(tx, drill, "2031-01-21T10:00") == []
    year = take(tx, drill, "2032-01-21T10:00")
    kept = tx.exec(select(DrillRun.occurrence).where(col(DrillRun.plan_id) == drill.id)).all()
    expected = recurrence.next_occurrences(
        drill.rule, recurrence.zone_of(drill.zone), at("2031-01-20T14:00"), 60
    )
    assert sorted(kept) == [moment for moment in expected if moment <= tx.now]
    assert len(year) == len(kept) - 1 == 52
    assert take(tx, drill, "2031-06-01T10:00") == []


def test_a_rule_that_has_ended_is_due_no_more(tx: Tx) -> None:
    drill = plan(tx, rule="FREQ=DAILY;COUNT=2;BYHOUR=15")
    assert len(take(tx, drill, "2031-01-21T15:00")) == 2
    assert drill.next_at is None
    assert take(tx, drill, "2031-01-22T15:00") == []


def test_a_change_of_rule_to_an_hour_already_held_does_not_hold_it_twice(tx: Tx) -> None:
    drill = plan(tx)
    take(tx, drill, "2031-01-21T10:00")
    drill.next_at = drill.starts_at = at("2031-01-21T10:00")
    assert take(tx, drill, "2031-01-21T10:05") == []
    assert local(drill.next_at) == "2031-01-28 10:00"


def test_a_claimed_plan_is_left_to_its_worker_until_the_lease_runs_out(tx: Tx) -> None:
    drill = plan(tx)
    tx.now = at("2031-01-21T10:00")
    assert due.claim(tx, lease_seconds=60) == [drill.id]
    assert due.claim(tx) == []
    tx.now += timedelta(seconds=61)
    assert due.claim(tx) == [drill.id]
    assert len(due.take(tx, drill.id, POLICY)) == 1
    assert due.claim(tx) == []
    assert due.take(tx, 0, POLICY) == []


def test_a_run_becomes_one_incident_or_is_skipped_for_want_of_people(tx: Tx) -> None:
    drill = plan(tx)
    tx.now = at("2031-01-21T10:00")
    first = due.take(tx, drill.id, POLICY)[0]
    due.held(tx, first, rows.incident(tx))
    with raises(Refused, "drill.held"):
        due.held(tx, first, rows.incident(tx))
    with raises(Refused, "drill.held"):
        due.nobody(tx, first)
    tx.now = at("2031-01-28T10:00")
    second = due.nobody(tx, due.take(tx, drill.id, POLICY)[0])
    assert (second.state, second.reason) == (RunState.SKIPPED, Skipped.NOBODY)
    with raises(Refused, "drill.held"):
        due.held(tx, second, rows.incident(tx))


def test_a_drill_on_demand_leaves_the_calendar_alone(tx: Tx) -> None:
    drill = plan(tx, made="2031-10-02T12:00")
    plans.pause(tx, drill, 1)
    run = due.run_now(tx, drill)
    assert (local(run.occurrence), run.state, drill.next_at) == ("2031-10-02 12:00", RunState.RUN, None)


def recorded(tx: Tx) -> DrillRun:
    drill = plan(tx)
    tx.now = at("2031-01-21T10:00")
    run = due.held(tx, due.take(tx, drill.id, POLICY)[0], rows.incident(tx))
    tx.now = at("2031-01-21T12:00")
    return results.record(tx, run, RECORD, POLICY)


def test_figures_are_recorded_once(tx: Tx) -> None:
    run = recorded(tx)
    tx.now = at("2031-01-21T13:00")
    results.record(tx, run, RECORD, POLICY)
    assert local(run.recorded_at) == "2031-01-21 12:00"
    with raises(Refused, "drill.recorded"):
        results.record(tx, run, Record(replace(FIGURES, accepted=11)), POLICY)
    with raises(Malformed, "drill.figures"):
        results.record(tx, run, Record(replace(FIGURES, accepted=13)), POLICY)
    assert results.result(run) == results.Result(run, RECORD)
    assert results.result(run).shares == {5: 16, 15: 33, 30: 50, 60: 66}
    assert results.of_incident(tx, run.incident_id or 0) is run


def test_a_drill_that_was_not_held_has_no_figures(tx: Tx) -> None:
    drill = plan(tx)
    tx.now = at("2031-01-21T10:00")
    run = due.take(tx, drill.id, POLICY)[0]
    with raises(Refused, "drill.not_held"):
        results.record(tx, run, RECORD, POLICY)
    assert results.result(run) == results.Result(run, None)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE drill_runs SET figures = '{}'",
        "UPDATE drill_runs SET figures = NULL, recorded_at = NULL",
        "UPDATE drill_runs SET incident_id = NULL",
        "UPDATE drill_runs SET occurrence = occurrence + interval '1 hour'",
        "UPDATE drill_runs SET state = 'skipped', reason = 'missed', incident_id = NULL",
        "DELETE FROM drill_runs",
    ],
)
def test_what_a_drill_has_shown_is_frozen(tx: Tx, statement: str) -> None:
    recorded(tx)
    with pytest.raises(DBAPIError, match="a drill that was held stays as recorded"), tx.begin_nested():
        tx.execute(text(statement))


def test_results_are_read_in_pages_the_newest_first(tx: Tx) -> None:
    drill = plan(tx, misfire=Misfire.SKIP)
    take(tx, drill, "2031-02-12T08:00")
    first = results.of_plan(tx, drill, limit=2)
    assert [local(one.run.occurrence) for one in first] == [
        "2031-02-11 10:00",
        "2031-02-04 10:00",
        "2031-01-28 10:00",
    ]
    rest = results.of_plan(tx, drill, before=first[1].run.id, limit=5)
    assert [local(one.run.occurrence) for one in rest] == ["2031-01-28 10:00", "2031-01-21 10:00"]


def test_kai_cannot_see_or_touch_meis_drills(tx: Tx) -> None:
    mei, kai, council = people.mei(tx), people.kai(tx), people.council(tx)
    tx.actor = mei
    drill = plan(tx)
    assert drill.created_by == mei.id
    tx.actor = SYSTEM
    run = recorded(tx)
    tx.actor = mei
    assert plans.find(tx, "drill.read", drill.public_id) is drill
    assert results.find(tx, "drill.read", run.public_id) is run
    tx.actor = kai
    assert plans.listed(tx) == []
    assert results.of_plan(tx, drill) == []
    for attempt in (
        lambda: plans.find(tx, "drill.read", drill.public_id),
        lambda: results.find(tx, "drill.read", run.public_id),
        lambda: plans.create(tx, DONGFENG, TUESDAYS, **CODES),
        lambda: change(tx, drill, 1, title="Kai's"),
        lambda: plans.pause(tx, drill, 1),
        lambda: due.run_now(tx, drill),
    ):
        with raises(NotFound, "not_found"):
            attempt()
    tx.actor = council
    with raises(Forbidden, "forbidden"):
        plans.listed(tx)


def test_plans_are_listed_in_pages(tx: Tx) -> None:
    made = [plan(tx, title=f"Plan {n}") for n in range(3)]
    assert plans.listed(tx, limit=1) == made[:2]
    assert plans.listed(tx, after=made[0].id) == made[1:]


def _due_plan() -> int:
    with db.transaction(SYSTEM, "test") as tx:
        areas.plant(tx)
        return plan(tx).id


def test_of_three_workers_at_once_one_claims_a_due_plan(fresh_database: str) -> None:
    wanted = _due_plan()

    def claim(_: int) -> list[int]:
        with db.transaction(SYSTEM, "drill.claim") as own:
            own.now = at("2031-01-21T10:00")
            return due.claim(own)

    with ThreadPoolExecutor(3) as pool:
        claimed = list(pool.map(claim, range(3)))
    assert sorted(claimed) == [[], [], [wanted]]


def test_of_three_workers_at_once_one_holds_the_drill(fresh_database: str) -> None:
    """Even without the claim, as after a lease that ran out under a slow worker."""
    wanted = _due_plan()

    def hold(_: int) -> int:
        with db.transaction(SYSTEM, "drill.take") as own:
            own.now = at("2031-01-21T10:00")
            runs = due.take(own, wanted, POLICY)
            for run in runs:
                due.held(own, run, rows.incident(own))
            return len(runs)

    with ThreadPoolExecutor(3) as pool:
        held = Counter(pool.map(hold, range(3)))
    assert held == {1: 1, 0: 2}
    with db.read(SYSTEM) as tx:
        assert tx.execute(text("SELECT count(*) FROM drill_runs")).scalar_one() == 1
        assert tx.execute(text("SELECT count(*) FROM incidents")).scalar_one() == 1


def test_a_worker_that_dies_before_its_commit_leaves_the_drill_due(fresh_database: str) -> None:
    wanted = _due_plan()

    def die_at_work() -> None:
        with db.transaction(SYSTEM, "drill.take") as own:
            own.now = at("2031-01-21T10:00")
            due.take(own, wanted, POLICY)
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        die_at_work()
    with db.transaction(SYSTEM, "drill.take") as own:
        own.now = at("2031-01-21T10:01")
        assert len(due.take(own, wanted, POLICY)) == 1
