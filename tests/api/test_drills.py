"""Drill plans through the machines' door."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests import people
from tests.doors import client
from tests.world import world
from volunteer_hub.core import clock
from volunteer_hub.core.db import Tx

API = "/api/v1/drills"
NOW = datetime(2031, 9, 22, 2, 0, tzinfo=UTC)
PLAN: dict[str, Any] = {
    "area": "DQ-ST",
    "title": "Wednesday check",
    "hazard": "flood",
    "rule": "0 10 * * 3",
    "kind": "reachability",
    "share_percent": 100,
    "answer_minutes": 30,
}


@pytest.fixture(autouse=True)
def _a_monday() -> Iterator[None]:
    with clock.fixed(NOW):
        yield


@pytest.fixture
def mei(tx: Tx) -> TestClient:
    return client(people.mei(tx))


def made(mei: TestClient, **changes: Any) -> dict[str, Any]:
    answer = mei.post(API, json=PLAN | changes)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_a_plan_takes_the_clocks_of_its_area_and_says_when_it_is_next(mei: TestClient) -> None:
    plan = made(mei)
    assert (plan["zone"], plan["state"], plan["next_at"]) == (
        "Asia/Shanghai",
        "active",
        "2031-09-24T02:00:00Z",
    )
    assert plan["area"]["code"] == "DQ-ST"
    assert mei.get(API).json()["items"] == [plan]


def test_the_next_five_say_which_fall_on_days_without_drills(mei: TestClient) -> None:
    plan = made(mei)
    ahead = mei.get(f"{API}/{plan['id']}/next").json()["items"]
    written = mei.get(f"{API}/preview", params={"rule": PLAN["rule"]}).json()["items"]
    assert [one["at"][:10] for one in ahead] == [
        "2031-09-24",
        "2031-10-01",
        "2031-10-08",
        "2031-10-15",
        "2031-10-22",
    ]
    assert [one["blackout"] and one["blackout"]["en"] for one in ahead][:3] == [None, "National Day", None]
    assert written == ahead


def test_a_change_needs_the_version_that_was_seen(mei: TestClient) -> None:
    plan = made(mei)
    where = f"{API}/{plan['id']}"
    tag = mei.get(where).headers["etag"]
    changed = mei.patch(where, json={"share_percent": 20}, headers={"If-Match": tag})
    stale = mei.patch(where, json={"share_percent": 30}, headers={"If-Match": tag})
    blind = mei.patch(where, json={"share_percent": 30})
    assert (changed.json()["share_percent"], stale.status_code, blind.status_code) == (20, 412, 422)


def test_a_paused_plan_is_never_due_and_goes_on_from_now(mei: TestClient) -> None:
    plan = made(mei)
    where = f"{API}/{plan['id']}"
    paused = mei.post(f"{where}/pause", headers={"If-Match": '"1"'}).json()
    assert (paused["state"], paused["next_at"]) == ("paused", None)
    assert mei.get(f"{where}/next").json()["items"] == []
    resumed = mei.post(f"{where}/resume", headers={"If-Match": '"2"'}).json()
    assert resumed["next_at"] == plan["next_at"]


def test_what_cannot_be_is_refused_by_name(mei: TestClient) -> None:
    never = mei.post(API, json=PLAN | {"rule": "0 10 30 2 *"})
    assert (never.status_code, never.json()["code"]) == (422, "drill.rule_never")
    hazard = mei.post(API, json=PLAN | {"hazard": "dragon"})
    assert [one["where"] for one in hazard.json()["errors"]] == ["hazard"]


def test_another_district_has_neither_the_plan_nor_a_way_to_make_one(mei: TestClient, tx: Tx) -> None:
    kai, plan = client(people.kai(tx)), made(mei)
    assert kai.get(API).json()["items"] == []
    foreign, nobody = (kai.get(f"{API}/{key}") for key in (plan["id"], uuid.uuid4()))
    assert (foreign.status_code, foreign.json()) == (nobody.status_code, nobody.json())
    assert kai.post(API, json=PLAN).status_code == 404


def test_a_drill_on_demand_becomes_an_incident_at_once(tx: Tx) -> None:
    mei = client(world(tx).mei)
    plan = made(mei)
    run = mei.post(f"{API}/{plan['id']}/runs", headers={"Idempotency-Key": "now"})
    again = mei.post(f"{API}/{plan['id']}/runs", headers={"Idempotency-Key": "now"})
    assert (run.status_code, run.json()) == (201, again.json())
    assert (run.json()["state"], run.json()["figures"]) == ("run", None)
    incident = mei.get(f"/api/v1/incidents/{run.json()['incident']}").json()
    assert (incident["kind"], incident["source"], incident["state"]) == ("drill", "drill", "declared")
    assert mei.get(f"{API}/{plan['id']}/runs").json()["items"] == [run.json()]


def test_a_drill_without_anybody_to_call_is_refused(mei: TestClient) -> None:
    answer = mei.post(f"{API}/{made(mei)['id']}/runs")
    assert (answer.status_code, answer.json()["code"]) == (409, "drill.nobody")
