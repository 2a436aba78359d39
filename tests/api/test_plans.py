"""Plans by machines: asked for, watched, read in the reader's language, approved."""

import uuid
from typing import Any

import pytest
from sqlmodel import col, select

from tests import people
from tests.doors import client
from tests.world import World, world
from volunteer_hub.access.models import Jurisdiction
from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.flows import planner, solving
from volunteer_hub.flows.insight import Setting
from volunteer_hub.incidents import states
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.rules import State
from volunteer_hub.mobilization import plans
from volunteer_hub.volunteers import floors
from volunteer_hub.volunteers.floors import FloorIn


@pytest.fixture
def flood(tx: Tx) -> World:
    return world(tx)


def ask(w: World, body: dict[str, Any] | None = None, **headers: str) -> Any:
    address = f"/api/v1/incidents/{w.incident.public_id}/plans"
    return client(w.mei).post(address, json=body or {}, headers=headers)


def solve(remedy_seconds: float = 0.0) -> None:
    """What a worker does with the oldest request, in this process."""
    with db.transaction(SYSTEM, "plan.claim") as tx:
        run = plans.claim(tx, 60)
        assert run is not None
    solving.warm()  # as a planning process at its start: compiling may take longer than the deadline
    case = planner.read(run)
    setting = Setting(case.areas, case.night, remedy_seconds=remedy_seconds)
    answer = solving.explained(case.problem, solving.solve(case.problem), 0.0, setting)
    planner.store(run.id, case, answer, lost=False, seconds={"read": 0.1, "answer": 0.2})


def test_a_request_is_accepted_and_says_where_to_watch_it(flood: World) -> None:
    answer = ask(flood, {"seed": 7, "deadline_seconds": 5})
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/api/v1/plans/{answer.json()['id']}"
    seen = client(flood.mei).get(answer.headers["location"]).json()
    assert (seen["state"], seen["seed"], seen["deadline_seconds"]) == ("requested", 7, 5)
    assert (seen["result"], seen["failure"], seen["progress"]) == (None, None, None)


def test_a_request_repeated_under_one_key_is_one_plan(flood: World) -> None:
    first, second = (ask(flood, **{"Idempotency-Key": "k1"}) for _ in range(2))
    assert second.headers["location"] == first.headers["location"]


def test_a_request_may_break_floors_for_a_reason_that_is_shown(tx: Tx, flood: World) -> None:
    kept = floors.create(tx, FloorIn(area="/1/2/", skill="first_aid", keep=2))
    foreign = floors.create(tx, FloorIn(area="/1/4/", skill="first_aid", keep=2))
    body = {"break_floors": [str(kept.public_id)], "break_reason": "The dyke is giving way."}
    seen = client(flood.mei).get(ask(flood, body).headers["location"]).json()
    assert {name: seen[name] for name in body} == body
    silent = ask(flood, {"break_floors": [str(kept.public_id)]})
    assert (silent.status_code, silent.json()["errors"][0]["code"]) == (422, "floor.reason")
    assert ask(flood, body | {"break_floors": [str(foreign.public_id)]}).status_code == 404
    floors.remove(tx, kept.public_id, 1)
    gone = client(flood.mei).get(f"/api/v1/plans/{seen['id']}").json()
    assert (gone["break_floors"], gone["break_reason"]) == ([], "The dyke is giving way.")


def test_progress_is_shown_while_it_is_solved(flood: World) -> None:
    address = ask(flood).headers["location"]
    with db.transaction(SYSTEM, "test") as tx:
        run = plans.claim(tx, 60)
        assert run is not None
        plans.progress(tx, run.id, {"phase": "solving", "seconds": 2.1}, 60)
    seen = client(flood.mei).get(address).json()
    assert seen["progress"] == {"phase": "Looking for the best plan", "seconds": 2.1}
    assert client(flood.mei, lang="zh").get(address).json()["progress"]["phase"] == "正在寻找最优方案"


def test_a_plan_is_told_in_the_reader_s_language(flood: World) -> None:
    address = ask(flood).headers["location"]
    solve()
    seen = client(flood.mei).get(address).json()["result"]
    assert seen["proven"] is True
    assert seen["state"] == "Proven best: no other plan covers more or asks less of people."
    assert seen["figures"].startswith(
        "7 people chosen, 0 already there, for 10 places. Open: 2 below the minimum"
    )
    assert len(seen["pairs"]) == 7
    assert {pair["volunteer"] for pair in seen["pairs"]} <= {
        str(one.public_id) for one in (flood.bo, flood.lin, *flood.crowd)
    }
    gap = seen["gaps"][0]
    assert gap["what"] == "1 short of the minimum: people with First aid"
    assert gap["why"] == "Of 22 people, 0 have the skill at the level asked for."
    assert gap["left"] == [
        {"step": "can be called", "people": 22},
        {"step": "have the skill", "people": 0},
    ]
    chinese = client(flood.mei, lang="zh").get(address).json()["result"]
    assert chinese["state"].startswith("已证明为最优")
    assert chinese["gaps"][0]["what"] == "距最低人数差 1 人：具备急救技能的人员"


def test_a_plan_says_how_firmly_people_stand_and_what_the_next_night_loses(flood: World) -> None:
    address = ask(flood).headers["location"]
    solve()
    seen = client(flood.mei).get(address).json()["result"]
    assert seen["compared"] == ""
    night = seen["tomorrow"]
    assert (
        night["what"]
        == {  # by what hour it is now, there is time to rest or not
            0: "Nobody who is ready for the next night will be missing then.",
            7: "7 people who are rested now will not be for the next night.",
        }[night["lost"]]
    )
    stands = {pair["stands"].split(" with ")[0] for pair in seen["pairs"]}
    assert stands <= {"Still chosen", "Somebody else would do exactly as well."}
    chosen = {pair["volunteer"] for pair in seen["pairs"]}
    assert {pair["successor"] in chosen for pair in seen["pairs"]} == {False}


def test_remedies_that_were_tried_stand_beside_their_gap(flood: World) -> None:
    address = ask(flood).headers["location"]
    solve(remedy_seconds=20.0)
    seen = client(flood.mei).get(address).json()["result"]
    training = seen["gaps"][0]["remedies"][0]
    assert (training["kind"], training["closes"]) == ("train", 1)
    assert training["what"] == "Train 1 person in First aid: 22 meet everything else."
    assert training["effect"].startswith("Fills 1 ")
    assert len(training["people"]) == 1


def test_one_person_is_told_why_and_what_it_would_take(tx: Tx, flood: World) -> None:
    address = ask(flood).headers["location"]
    early = client(flood.mei).get(f"{address}/people/{flood.bo.public_id}")
    assert (early.status_code, early.json()["code"]) == (409, "plan.unfinished")
    solve()
    seen = {}
    for who in (flood.bo, flood.lin, *flood.crowd):
        answer = client(flood.mei).get(f"{address}/people/{who.public_id}")
        assert answer.status_code == 200
        seen[who.id] = answer.json()
    assert len([one for one in seen.values() if one["slots"][0]["chosen"]]) == 7
    left = next(one for one in seen.values() if not one["slots"][0]["chosen"])
    assert left["said"] == "Could come, and is not in this plan."
    assert [slot["obstacles"] for slot in left["slots"]] == [[], ["lacks First aid"]]
    absent = client(flood.mei).get(f"{address}/people/{uuid.uuid4()}")
    kai = client(people.kai(tx)).get(f"{address}/people/{flood.bo.public_id}")
    assert (absent.status_code, kai.status_code) == (404, 404)


def test_a_plan_is_approved_once_it_is_ready(flood: World) -> None:
    address = ask(flood).headers["location"]
    early = client(flood.mei).post(f"{address}/approve", json={})
    assert (early.status_code, early.json()["code"]) == (409, "plan.step")
    solve()
    answer = client(flood.mei).post(f"{address}/approve", json={"reason": "The water rises."})
    assert answer.status_code == 200
    assert (answer.json()["state"], answer.json()["second_needed"]) == ("approved", False)


def test_people_of_a_wider_area_may_be_chosen_by_whoever_covers_it(tx: Tx, flood: World) -> None:
    city = tx.exec(select(Jurisdiction.public_id).where(col(Jurisdiction.path) == "/1/")).one()
    foreign = ask(flood, {"pool": str(city)})
    assert (foreign.status_code, foreign.json()["code"]) == (404, "not_found")
    address = f"/api/v1/incidents/{flood.incident.public_id}/plans"
    answer = client(people.an(tx)).post(address, json={"pool": str(city)})
    assert (answer.status_code, answer.json()["pool"]) == (202, str(city))


def test_a_pool_beside_the_incident_is_refused(tx: Tx, flood: World) -> None:
    beside = tx.exec(select(Jurisdiction.public_id).where(col(Jurisdiction.path) == "/1/4/")).one()
    address = f"/api/v1/incidents/{flood.incident.public_id}/plans"
    answer = client(people.an(tx)).post(address, json={"pool": str(beside)})
    assert (answer.status_code, answer.json()["code"]) == (422, "plan.pool")


@pytest.mark.parametrize(
    "body",
    [
        {"deadline_seconds": 0},
        {"deadline_seconds": 1e9},
        {"seed": -1},
        {"seed": 2**63},
        {"pool": "x"},
        {"x": 1},
    ],
)
def test_a_request_that_cannot_be_is_malformed(flood: World, body: dict[str, Any]) -> None:
    assert ask(flood, body).status_code == 422


def test_a_closed_incident_takes_no_plan(tx: Tx, flood: World) -> None:
    states.move(tx, tx.get_one(Incident, flood.incident.id), State.CLOSED)
    answer = ask(flood)
    assert (answer.status_code, answer.json()["code"]) == (409, "incident.closed")


def test_a_failed_plan_says_why(tx: Tx, flood: World) -> None:
    address = ask(flood).headers["location"]
    with db.transaction(SYSTEM, "test") as later:
        run = plans.claim(later, 60)
        assert run is not None
        plans.fail(later, run.id, "plan.attempts")
    seen = client(flood.mei).get(address).json()
    assert seen["state"] == "failed"
    assert seen["failure"].startswith("Planning broke off three times.")


def test_a_foreign_plan_looks_like_none(tx: Tx, flood: World) -> None:
    address = ask(flood).headers["location"]
    kai = client(people.kai(tx))
    foreign, absent = kai.get(address), kai.get(f"/api/v1/plans/{uuid.uuid4()}")
    assert (
        (foreign.status_code, foreign.json()) == (absent.status_code, absent.json()) == (404, foreign.json())
    )
    assert kai.post(f"{address}/approve", json={}).status_code == 404
    incident = f"/api/v1/incidents/{flood.incident.public_id}/plans"
    assert kai.post(incident, json={}).status_code == 404


def test_whoever_has_not_the_right_is_refused(tx: Tx, flood: World) -> None:
    address = ask(flood).headers["location"]
    council = client(people.council(tx))
    assert council.get(address).status_code == 403
    assert client().get(address).status_code == 401
    assert client(people.wen(tx)).post(f"{address}/approve", json={}).status_code == 403
