"""A plan made within reserve floors, its prices told, and made again with one of them broken."""

import threading
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from sqlmodel import col, select

from tests.doors import client
from tests.flows.callouts import answer, approved
from tests.web.test_duty_pages import text
from tests.world import World, world
from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.flows import floors as breaking
from volunteer_hub.flows import mobilize, plan, plan_why, replan, respond
from volunteer_hub.flows.planner import Planner
from volunteer_hub.incidents.models import Incident
from volunteer_hub.mobilization import offers
from volunteer_hub.mobilization.models import Offer, PlanRun
from volunteer_hub.volunteers import floors, skills
from volunteer_hub.volunteers.floors import FloorIn
from volunteer_hub.volunteers.models import ReserveFloor

RUNNING = threading.Event()
WHY = "The dyke is giving way."
pytestmark = pytest.mark.xdist_group("planner")  # what is set up once, one worker sets up


@pytest.fixture(scope="module")
def works() -> Iterator[Planner]:
    with Planner() as one:
        yield one


@pytest.fixture
def flood(tx: Tx) -> World:
    """Three first-aiders are wanted; there are four, who help in other places too."""
    w = world(tx, crowd=12)
    for one in (w.bo, w.crowd[2], w.crowd[7], w.lin):
        skills.certify(tx, one, "first_aid", number=str(one.id), expires_on=date(2099, 1, 1))
    tx.flush()
    return w


@pytest.fixture
def floor(tx: Tx, flood: World) -> ReserveFloor:
    """Sartu keeps two of them."""
    return floors.create(tx, FloorIn(area="/1/2/", skill="first_aid", keep=2))


def planned(w: World, works: Planner, **how: Any) -> PlanRun:
    with db.transaction(w.mei, "plan.request") as tx:
        run = plan.request(tx, tx.get_one(Incident, w.incident.id), seed=7, **how)
    assert works.work_one(RUNNING) is True
    with db.read(SYSTEM) as tx:
        done = tx.get_one(PlanRun, run.id)
    assert done.result is not None, done.failure
    return done


def sent(w: World, run: PlanRun, what: str = "pairs") -> int:
    assert run.result is not None
    medics = {w.bo.id, w.crowd[2].id, w.crowd[7].id, w.lin.id}
    return len(medics & {pair["volunteer"] for pair in run.result[what]})


def test_a_plan_stays_within_the_floor_and_says_what_that_costs(
    flood: World, floor: ReserveFloor, works: Planner
) -> None:
    run = planned(flood, works)
    assert run.result is not None
    (told,) = run.result["floors"]
    assert told == {
        "id": floor.id,
        "area": "/1/2/",
        "skill": "first_aid",
        "level": 1,
        "keep": 2,
        "there": 4,
        "sent": 2,
        "binds": True,
        "broken": False,
        "price": told["price"],
    }
    assert told["price"]["heads"] == 1
    assert (sent(flood, run), sent(flood, run, "reserves")) == (2, 0)
    assert run.result["figures"]["short_minimum"] + run.result["figures"]["short_target"] == 1
    with db.read(flood.mei) as tx:
        (view,) = plan.floors_told(tx, run, "en").floors
    assert view.what == "Sartu keeps 2 people with First aid"
    assert view.said.startswith("Without this floor 1 more place would be filled")


def test_without_a_floor_nobody_is_kept_and_none_is_told_of(flood: World, works: Planner) -> None:
    run = planned(flood, works)
    assert run.result is not None
    assert (sent(flood, run), run.result["floors"]) == (4, [])


def test_a_broken_floor_lets_them_go_and_the_plan_says_so(
    flood: World, floor: ReserveFloor, works: Planner
) -> None:
    within = planned(flood, works)
    run = planned(flood, works, breaking=[floor.public_id], reason=WHY)
    assert sent(flood, run) == 4
    assert run.result is not None
    (told,) = run.result["floors"]
    assert (told["broken"], told["binds"], told["sent"], told["price"]) == (True, False, 4, None)
    assert run.problem_digest != within.problem_digest
    with db.read(flood.mei) as tx:
        (view,) = plan.floors_told(tx, run, "en").floors
    assert view.said == "Broken by this plan: 0 of 2 are left."


def test_a_process_that_is_lost_leaves_a_plan_within_the_floor(
    flood: World, floor: ReserveFloor, works: Planner
) -> None:
    run = planned(flood, works, deadline_seconds=0.001)
    assert run.result is not None
    assert run.result["state"] == "deadline"
    assert sent(flood, run) <= 2
    (told,) = run.result["floors"]
    assert told["price"] is None


def test_the_page_shows_the_price_and_plans_again_without_the_floor(
    tx: Tx, flood: World, floor: ReserveFloor, works: Planner
) -> None:
    run = planned(flood, works)
    mei = client(flood.mei)
    page = mei.get(f"/plans/{run.public_id}").text
    assert "Sartu keeps 2 people with First aid" in text(page)
    assert "Without this floor 1 more place would be filled" in text(page)
    action = f"/plans/{run.public_id}/floors/{floor.public_id}"
    assert f'action="{action}"' in page
    refused = mei.post(action, data={"reason": " "})
    assert refused.status_code == 422
    assert "Say why the floor may be broken" in text(refused.text)
    asked = mei.post(action, data={"reason": WHY})
    assert asked.headers["location"] == f"/incidents/{flood.incident.public_id}"
    again = tx.exec(select(PlanRun).order_by(col(PlanRun.id).desc())).first()
    assert again is not None
    assert (again.broken_floors, again.floors_reason) == ([floor.id], WHY)
    assert works.work_one(RUNNING) is True
    broken = text(mei.get(f"/plans/{again.public_id}").text)
    assert f"Broken because: {WHY}" in broken
    assert "Broken by this plan: 0 of 2 are left." in broken


def test_whom_the_floor_counts_on_is_told_so(
    tx: Tx, flood: World, floor: ReserveFloor, works: Planner
) -> None:
    run = planned(flood, works)
    assert run.result is not None
    gone = {pair["volunteer"] for pair in run.result["pairs"]}
    medics = [flood.bo, flood.crowd[2], flood.crowd[7]]
    stays = next(one for one in medics if one.id not in gone)
    with db.read(flood.mei) as as_mei:
        assert breaking.holding(as_mei, run, stays)
        assert not breaking.holding(as_mei, run, flood.crowd[0])
        told = plan_why.read(as_mei, run.public_id, stays.public_id, "en").person
    assert {"has to stay as part of a reserve"} <= set(told.slots[0].obstacles)
    free = planned(flood, works, breaking=[floor.public_id], reason=WHY)
    with db.read(flood.mei) as as_mei:
        assert not breaking.holding(as_mei, free, stays)


def test_a_machine_reads_the_price(flood: World, floor: ReserveFloor, works: Planner) -> None:
    run = planned(flood, works)
    (told,) = client(flood.mei).get(f"/api/v1/plans/{run.public_id}").json()["result"]["floors"]
    assert (told["floor"], told["heads"], told["binds"], told["broken"]) == (
        str(floor.public_id),
        1,
        True,
        False,
    )
    assert told["what"] == "Sartu keeps 2 people with First aid"


def changed(tx: Tx, w: World, works: Planner, run: PlanRun) -> PlanRun:
    """The plan is sent, its first-aiders say yes, the first of them withdraws, and it is planned anew."""
    approved(w, run)
    with db.transaction(w.mei, "callout.send") as as_mei:
        mobilize.send(as_mei, as_mei.get_one(PlanRun, run.id))
    medics = [one.id for one in (w.bo, w.crowd[2], w.crowd[7], w.lin)]
    theirs = select(Offer).where(col(Offer.volunteer_id).in_(medics)).order_by(col(Offer.id))
    offers_made = tx.exec(theirs).all()
    for offer in offers_made:
        answer(respond.accept, offers.link_token(offer.public_id))
    answer(respond.withdraw, offers.link_token(offers_made[0].public_id))
    with db.transaction(w.mei, "plan.request") as as_mei:
        again = replan.request(as_mei, as_mei.get_one(Incident, w.incident.id))
    assert works.work_one(RUNNING) is True
    with db.read(SYSTEM) as reading:
        done = reading.get_one(PlanRun, again.id)
    assert done.result is not None, done.failure
    return done


def test_a_re_plan_keeps_within_the_floor_too(
    tx: Tx, flood: World, floor: ReserveFloor, works: Planner
) -> None:
    again = changed(tx, flood, works, planned(flood, works))
    assert again.result is not None
    (told,) = again.result["floors"]
    assert (told["binds"], told["broken"]) == (True, False)
    assert (told["there"], told["sent"]) == (3, 1)  # who withdrew is free again


def test_a_re_plan_may_break_what_the_plan_before_was_allowed_to(
    tx: Tx, flood: World, floor: ReserveFloor, works: Planner
) -> None:
    again = changed(tx, flood, works, planned(flood, works, breaking=[floor.public_id], reason=WHY))
    assert again.result is not None
    (told,) = again.result["floors"]
    assert (told["broken"], again.broken_floors, again.floors_reason) == (True, [floor.id], WHY)
