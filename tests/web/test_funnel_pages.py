"""Before anything is sent: the funnel with its lists, the size with its reason, by page and API."""

from collections.abc import Iterator

import pytest
from sqlmodel import col, select

from tests.doors import client
from tests.flows.callouts import at_ten, minutes_later, planned
from tests.people import kai
from tests.web.test_callout_console import statements
from tests.world import World, world
from volunteer_hub.boards import funnel
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.engine.solve import solve
from volunteer_hub.flows import plan as planning
from volunteer_hub.flows import plan_document, planner, solving
from volunteer_hub.flows.insight import Setting
from volunteer_hub.mobilization import plans
from volunteer_hub.mobilization.models import PlanRun
from volunteer_hub.mobilization.rules import PlanState
from volunteer_hub.volunteers import standing
from volunteer_hub.volunteers.models import Contact


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from at_ten(monkeypatch)


@pytest.fixture
def w(tx: Tx) -> World:
    """Of 32 people one has left, one is paused, one has no address, one no skill, one lives far away."""
    made = world(tx, crowd=30)
    paused, mute, far = made.crowd[0], made.crowd[1], made.crowd[2]
    with transaction(made.mei, "volunteer.write") as mei:
        standing.pause(mei, mei.get_one(type(paused), paused.id), None)
    tx.refresh(paused)
    for contact in tx.exec(select(Contact).where(col(Contact.volunteer_id) == mute.id)):
        contact.address = None
    far.lat = 47.9
    tx.flush()
    return made


def solved(tx: Tx, w: World) -> PlanRun:
    """A plan made as a worker makes it, but here and now."""
    with transaction(w.mei, "plan.request") as mei:
        run = planning.request_for(mei, w.incident.public_id)
    claimed = plans.claim(tx, 60)
    assert claimed is not None
    case, kept = planner.read_within(claimed)
    plan = solve(case.problem)
    answer = solving.explained(case.problem, plan, 0.0, Setting(reachable=case.reachable))
    document = plan_document.result(case, answer, lost=False, seconds={})
    document["floors"] = []
    finished = plans.finish(tx, run.id, document, objective={}, problem_digest=case.digest)
    del kept
    return finished


def test_the_pool_narrows_step_by_step_and_every_count_opens_its_people(tx: Tx, w: World) -> None:
    run = solved(tx, w)
    assert run.result is not None
    counted = {step: run.result["funnel"][step] for step in funnel.STEPS}
    assert counted == {
        "registered": 32,
        "callable": 31,
        "peace": 31,
        "reachable": 30,
        "fit": 30,
        "free": 30,
        "near": 29,
    }
    mei = client(w.mei)
    html = mei.get(f"/plans/{run.public_id}").text
    for words in (
        "in the pool",
        "near enough",
        "would be asked",
        "assumed, not measured here",
        "funnel/near",
    ):
        assert words in html
    listed = mei.get(f"/plans/{run.public_id}/funnel/registered").text
    for words in (
        "Paused",
        "No address that a message reaches",
        "Lives too far",
        "Nothing stands in the way",
    ):
        assert words in listed
    near = mei.get(f"/plans/{run.public_id}/funnel/near").text
    assert ("Paused" in near, near.count("Nothing stands in the way")) == (False, 29)


def test_the_api_tells_the_same_with_the_size_and_its_reason(tx: Tx, w: World) -> None:
    run = solved(tx, w)
    mei, at = client(w.mei), f"/api/v1/plans/{run.public_id}"
    answer = mei.get(f"{at}/ahead").json()
    told = answer["callout"]
    assert [step["people"] for step in answer["funnel"]][:7] == [32, 31, 31, 30, 30, 30, 29]
    assert answer["funnel"][-2:] == [
        {"step": "asked", "people": told["asked"]},
        {"step": "woken", "people": 0},
    ]
    asked = mei.get(f"{at}/funnel/asked").json()["items"]
    assert {one["reason"] for one in asked} == {"Would be asked by day", "No address that a message reaches"}
    assert (len(asked), mei.get(f"{at}/funnel/woken").json()["items"]) == (told["asked"], [])
    assert (told["confidence"], told["woken"], sorted(one["need"] for one in told["slots"])) == (
        0.95,
        0,
        [1, 6],
    )
    assert {one["need"]: one["why"].split()[0] for one in told["slots"]} == {6: "Ask", 1: "Nobody"}
    less = mei.get(f"{at}/ahead?confidence=0.5").json()["callout"]
    assert less["asked"] <= told["asked"]
    people = mei.get(f"{at}/funnel/callable").json()
    assert (people["looked_at"], people["next"], len(people["items"])) == (32, None, 31)
    assert {one["step"] for one in people["items"]} == {"could", "reachable", "near"}
    assert mei.get(f"{at}/funnel/nowhere").status_code == 404


def test_a_list_is_looked_through_page_by_page_with_as_many_statements_however_many(
    tx: Tx, w: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = solved(tx, w)
    mei, at = client(w.mei), f"/api/v1/plans/{run.public_id}/funnel/near"
    whole = mei.get(at).json()["items"]
    monkeypatch.setattr(funnel, "LOOKED_AT", 20)
    first = mei.get(at).json()
    rest = mei.get(f"{at}?cursor={first['next']}").json()
    assert first["items"] + rest["items"] == whole
    monkeypatch.setattr(funnel, "LOOKED_AT", 5)
    few = statements(lambda: mei.get(at))
    monkeypatch.setattr(funnel, "LOOKED_AT", 30)
    assert statements(lambda: mei.get(at)) == few


def test_another_district_sees_neither_counts_nor_people(tx: Tx, w: World) -> None:
    run = planned(tx, w, [(w.slots[0], w.lin)])
    foreign = client(kai(tx))
    assert foreign.get(f"/plans/{run.public_id}/funnel/near").status_code == 404
    assert foreign.get(f"/api/v1/plans/{run.public_id}/ahead").status_code == 404


def test_at_night_who_would_be_woken_and_who_is_left_in_peace_are_counts_of_their_own(tx: Tx) -> None:
    with minutes_later(14 * 60):  # midnight
        w = world(tx, crowd=8)
        sleeper = w.crowd[0]
        sleeper.quiet_from, sleeper.quiet_until, sleeper.wakes_for = 0, 6 * 60, 0
        tx.flush()
        run = solved(tx, w)
        mei = client(w.mei)
        at = f"/api/v1/plans/{run.public_id}"
        counted = {one["step"]: one["people"] for one in mei.get(f"{at}/ahead").json()["funnel"]}
        assert (counted["callable"], counted["peace"]) == (10, 9)
        assert counted["woken"] == counted["asked"] > 0
        listed = mei.get(f"{at}/funnel/callable").json()["items"]
        assert [one["step"] for one in listed if one["volunteer"] == str(sleeper.public_id)] == ["peace"]
        page = mei.get(f"/plans/{run.public_id}/funnel/woken").text
        assert page.count("Would be woken: it is night there") == counted["woken"]


def test_how_sure_the_minima_shall_be_is_chosen_with_the_approval(tx: Tx, w: World) -> None:
    run = solved(tx, w)
    mei, at = client(w.mei), f"/incidents/{w.incident.public_id}"
    assert 'name="confidence" type="number" value="95"' in mei.get(at).text
    whole = mei.get(f"/plans/{run.public_id}").text
    assert "From everybody registered to those chosen" not in whole  # told once, step by step
    for wild in ("49.9", "100", "x"):
        refused = mei.post(f"/plans/{run.public_id}/approve", data={"confidence": wild, "reason": ""})
        assert refused.status_code == 422
    mei.post(f"/plans/{run.public_id}/approve", data={"confidence": "80.5", "reason": "rising"})
    tx.refresh(run)
    assert (run.state, run.confidence) == (PlanState.APPROVED, 0.805)
