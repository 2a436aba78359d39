"""People in the field through the machines' door."""

from collections.abc import Iterator

import pytest

from tests import people
from tests.doors import client
from tests.flows import callouts as made
from tests.flows.callouts import Sent, minutes_later
from tests.flows.test_field import check_in, coming, duty
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.incidents.models import Task

API = "/api/v1"


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from made.at_ten(monkeypatch)


@pytest.fixture
def sent(tx: Tx) -> Sent:
    return coming(tx)


def at(sent: Sent) -> str:
    return f"{API}/incidents/{sent.world.incident.public_id}"


def test_people_say_by_their_link_that_they_come_are_well_and_are_safe(tx: Tx, sent: Sent) -> None:
    guest, mei = client(), client(sent.world.mei)
    bo, lin = ({"link": sent.token(tx, person)} for person in (sent.world.bo, sent.world.lin))
    with minutes_later(30):
        came = guest.post(f"{API}/duties/on-my-way", json=bo | {"minutes": 30}).json()
        assert (came["state"], came["arrives_at"]) == ("expected", "2031-01-20T03:00:00Z")
        assert guest.post(f"{API}/duties/ok", json=bo).json()["code"] == "field.not_on_site"
        own = client(Actor("volunteer", sent.world.lin.id))
        mine = f"{API}/duties/mine/{duty(tx, sent, sent.world.lin).public_id}"
        assert own.post(f"{mine}/on-my-way", json={"minutes": 45}).status_code == 200
        assert guest.post(f"{API}/duties/on-my-way", json=bo | {"minutes": 1441}).status_code == 422
    task = f"{API}/tasks/{tx.get_one(Task, sent.task(tx)).public_id}/ok-timer"
    assert mei.put(task, json={"minutes": 20}).json()["minutes"] == 20
    assert mei.put(task, json={"minutes": 2}).status_code == 422
    check_in(tx, sent, sent.world.bo)
    with minutes_later(70):
        assert guest.post(f"{API}/duties/ok", json=bo).json()["ok_due_at"] == "2031-01-20T03:30:00Z"
    with minutes_later(95):
        figures = mei.get(f"{at(sent)}/field").json()
        assert {name: n for name, n in figures["counts"].items() if n} == {
            "overdue": 2,
            "on_site": 1,
            "en_route": 1,
        }
        late = mei.get(f"{at(sent)}/people?who=overdue&limit=1").json()
        assert [(one["name"], one["needs"], one["place"]) for one in late["items"]] == [
            ("Bo", ["ok_overdue"], "on_site")
        ]
        rest = mei.get(f"{at(sent)}/people?who=overdue&limit=1&cursor={late['next']}").json()
        assert [(one["name"], one["needs"], one["last_contact"]["how"]) for one in rest["items"]] == [
            ("Lin", ["arrival_overdue"], "set_out")
        ]
        assert rest["next"] is None
        assert mei.get(f"{at(sent)}/people?who=lost").json()["code"] == "field.who"
        bo_id = duty(tx, sent, sent.world.bo).public_id
        assert mei.post(f"{API}/duties/{bo_id}/ok").json()["ok_at"] == "2031-01-20T03:35:00Z"
        called = mei.post(f"{at(sent)}/roll-calls", json={})
        assert (called.status_code, called.json()["missing"]) == (201, 2)
        call = f"{API}/roll-calls/{called.json()['id']}"
        assert guest.post(f"{API}/duties/safe", json=lin).status_code == 200
        assert mei.post(f"{call}/safe", json={"duty": str(bo_id)}).json()["ended_at"] is not None
        assert [one["accounted"] for one in mei.get(call).json()["people"]] == ["leader", "self"]
        assert mei.post(f"{call}/safe", json={"duty": str(bo_id)}).status_code == 410
        assert client(people.kai(tx)).get(call).status_code == 404


def test_people_go_home_in_order_by_the_machines_door(tx: Tx, sent: Sent) -> None:
    mei = client(sent.world.mei)
    check_in(tx, sent, sent.world.bo, 60)
    check_in(tx, sent, sent.world.lin, 130)
    with minutes_later(430):
        order = mei.get(f"{at(sent)}/release-order").json()["items"]
        assert [(one["name"], one["why"], one["minutes_on"]) for one in order] == [
            ("Bo", "rest_due", 370),
            ("Lin", "longest", 300),
        ]
        body = {"duties": [order[0]["duty"]]}
        key = {"Idempotency-Key": "home"}
        for _ in range(2):
            assert mei.post(f"{at(sent)}/release-some", json=body, headers=key).json() == {"released": 1}
        assert mei.post(f"{at(sent)}/release-some", json=body).json() == {"released": 0}
        unknown = {"duties": [str(sent.world.bo.public_id)]}
        assert mei.post(f"{at(sent)}/release-some", json=unknown).status_code == 404


def test_injuries_are_recorded_by_both_and_read_by_those_in_charge(tx: Tx, sent: Sent) -> None:
    mei, guest = client(sent.world.mei), client()
    happened = {"kind": "near_miss", "severity": "serious", "words": "A wall fell"}
    own = guest.post(f"{API}/duties/injury", json=happened | {"link": sent.token(tx, sent.world.lin)})
    assert own.status_code == 201
    bo = str(duty(tx, sent, sent.world.bo).public_id)
    mei.post(f"{at(sent)}/injuries", json=happened | {"kind": "injury", "words": "Cut", "duty": bo})
    listed = mei.get(f"{at(sent)}/injuries").json()["items"]
    assert [(one["kind"], one["name"], one["words"]) for one in listed] == [
        ("injury", "Bo", "Cut"),
        ("near_miss", "Lin", "A wall fell"),
    ]
    future = happened | {"happened_at": "2031-01-20T02:01:00Z"}
    assert mei.post(f"{at(sent)}/injuries", json=future).json()["code"] == "field.future"
    council = client(people.council(tx))
    assert council.get(f"{at(sent)}/injuries").status_code == 403
    assert mei.get(f"{at(sent)}/field").json()["injuries"] == [
        {"kind": "injury", "severity": "serious", "count": 1},
        {"kind": "near_miss", "severity": "serious", "count": 1},
    ]
