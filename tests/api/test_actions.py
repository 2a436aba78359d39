"""Improvement actions through the machines' door: from what people wrote to their being told."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests import people
from tests.doors import client
from tests.flows.callouts import NOW, at_ten, messages, minutes_later
from tests.flows.improving import Asked, asked, drill_plan, held
from volunteer_hub.core.db import Tx
from volunteer_hub.flows import chase
from volunteer_hub.mobilization import injuries
from volunteer_hub.mobilization.field_rules import Harm, Severity
from volunteer_hub.mobilization.injuries import Happened

API = "/api/v1/actions"
DAY = 24 * 60
EVIDENCE = {
    "evidence": "Twelve lamps bought.",
    "reference": "https://files.example.org/lamps.pdf",
    "changed": "A lamp hangs at every gate.",
}


@pytest.fixture(autouse=True)
def ten_oclock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from at_ten(monkeypatch)


@pytest.fixture
def w(tx: Tx) -> Asked:
    return asked(tx)


@pytest.fixture
def mei(w: Asked) -> TestClient:
    return client(w.world.mei)


def lamps(w: Asked, **finding: Any) -> dict[str, Any]:
    about = {
        "source": "theme",
        "code": "equipment",
        "incident": str(w.world.incident.public_id),
        "words": "Three wrote that it was dark.",
    }
    return {"title": "Lamps", "words": "A lamp at every gate.", "finding": about | finding}


def step(browser: TestClient, action: dict[str, Any], name: str, **body: Any) -> dict[str, Any]:
    method = "PUT" if name == "retest" else "POST"
    tag = {"if-match": f'"{action["version"]}"'}
    answer = browser.request(method, f"{API}/{action['id']}/{name}", json=body, headers=tag)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_what_several_wrote_becomes_an_action_and_each_hears_of_it_once(
    tx: Tx, w: Asked, mei: TestClient
) -> None:
    made = mei.post(API, json=lamps(w)).json()
    assert (made["state"], made["raised"], made["told"], made["owner"]) == ("proposed", 3, 0, None)
    open_ = step(mei, made, "take-up", due_on="2031-02-10", priority="high")
    assert (open_["state"], open_["owner_name"], open_["overdue"]) == ("open", "Mei", False)
    done = step(mei, open_, "close", **EVIDENCE)
    assert (done["state"], done["told"]) == ("done", 3)
    told = messages(tx, "heard")
    assert sorted(message.volunteer_id or 0 for message in told) == sorted(w.dark)
    again = step(mei, done, "judge", proven=True, words="Seen on site.")
    assert (again["state"], again["told"], len(messages(tx, "heard"))) == ("proven", 3, 3)
    assert [one["state"] for one in mei.get(API).json()["items"]] == ["proven"]


def test_nothing_is_raised_twice_and_what_nobody_said_is_no_finding(w: Asked, mei: TestClient) -> None:
    made = mei.post(API, json=lamps(w)).json()
    again = mei.post(API, json=lamps(w))
    assert (again.status_code, again.json()["title"]) == (
        409,
        "There is an action because of this already: Lamps",
    )
    assert mei.post(API, json=lamps(w, code="care")).status_code == 409
    marks = lamps(w, source="answer", form="volunteer", code="overall")["finding"]
    added = mei.post(f"{API}/{made['id']}/findings", json=marks).json()
    assert ([one["source"] for one in added["findings"]], added["raised"]) == (["theme", "answer"], 3)
    dropped = step(mei, added, "drop", reason="The new hall has light.")
    assert (dropped["state"], dropped["dropped"]) == ("dropped", "The new hall has light.")
    assert mei.post(API, json=lamps(w)).status_code == 201


def test_who_reported_a_near_miss_hears_what_came_of_it(tx: Tx, w: Asked, mei: TestClient) -> None:
    what = Happened(Harm.NEAR_MISS, Severity.MINOR, "Slipped in the dark.", NOW - timedelta(hours=1))
    near = injuries.record(tx, w.world.incident.id, w.world.incident.area, None, what)
    near.reporter_id, near.account_id = w.world.bo.id, None
    tx.flush()
    finding = {"source": "injury", "subject": str(near.public_id), "words": "A fall in the dark."}
    made = mei.post(API, json={"title": "Rails", "words": "A rail.", "finding": finding}).json()
    step(mei, step(mei, made, "take-up"), "close", **EVIDENCE)
    assert [message.volunteer_id for message in messages(tx, "heard")] == [w.world.bo.id]


def test_closing_needs_evidence_and_the_newest_version(w: Asked, mei: TestClient) -> None:
    made = mei.post(API, json=lamps(w)).json()
    tag = {"if-match": f'"{made["version"]}"'}
    early = mei.post(f"{API}/{made['id']}/close", json=EVIDENCE, headers=tag)
    assert early.status_code == 409
    open_ = step(mei, made, "take-up")
    bare = EVIDENCE | {"evidence": " ", "reference": "ftp://old.example/x"}
    answer = mei.post(f"{API}/{made['id']}/close", json=bare, headers={"if-match": f'"{open_["version"]}"'})
    assert {fault["where"] for fault in answer.json()["errors"]} == {"evidence", "reference"}
    stale = mei.post(f"{API}/{made['id']}/close", json=EVIDENCE, headers=tag)
    assert stale.status_code == 412


def test_a_later_drill_proves_it_and_only_then_those_who_raised_it_are_told(
    tx: Tx, w: Asked, mei: TestClient
) -> None:
    plan = drill_plan(tx)
    held(tx, plan, -1, acknowledged=20)
    measure = {"figure": "answered", "at_least": 60}
    made = step(
        mei, mei.post(API, json=lamps(w)).json(), "retest", drill=str(plan.public_id), measure=measure
    )
    done = step(mei, step(mei, made, "take-up"), "close", **EVIDENCE)
    assert (chase.sweep(), done["told"]) == (0, 0)
    held(tx, plan, 1, acknowledged=11)
    assert (chase.sweep(), chase.sweep()) == (1, 0)
    failed = mei.get(f"{API}/{made['id']}").json()
    assert (failed["state"], failed["told"]) == ("reopened", 0)
    with minutes_later(2 * DAY):
        later = client(w.world.mei)
        again = step(later, failed, "close", **EVIDENCE)
        held(tx, plan, 49, acknowledged=12)
        assert (chase.sweep(), chase.sweep()) == (1, 0)
        proven = later.get(f"{API}/{again['id']}").json()
        assert (proven["state"], proven["told"]) == ("proven", 3)
    assert [m.params["state"]["en"] for m in messages(tx, "action_tested")][::2] == ["Reopened", "Proven"]


def test_without_a_measure_the_owner_is_asked_once_to_decide(tx: Tx, w: Asked, mei: TestClient) -> None:
    plan = drill_plan(tx)
    made = step(mei, mei.post(API, json=lamps(w)).json(), "retest", drill=str(plan.public_id))
    step(mei, step(mei, made, "take-up"), "close", **EVIDENCE)
    held(tx, plan, 1)
    assert (chase.sweep(), chase.sweep()) == (1, 0)
    assert len({message.account_id for message in messages(tx, "action_decide")}) == 1
    assert messages(tx, "heard") == []


def test_the_clock_reminds_the_owner_and_tells_those_above(tx: Tx, w: Asked, mei: TestClient) -> None:
    an, wen = people.an(tx), people.wen(tx)
    mei.post(API, json=lamps(w))
    with minutes_later(8 * DAY):
        assert (chase.sweep(), chase.sweep()) == (1, 0)
        assert {m.account_id for m in messages(tx, "action_unowned")} == {w.world.mei.id, an.id}
        later = client(w.world.mei)
        step(later, later.get(API).json()["items"][0], "take-up", due_on="2031-02-20")
    with minutes_later(31 * DAY):
        assert chase.sweep() == 1
        assert {m.account_id for m in messages(tx, "action_due")} == {w.world.mei.id}
    with minutes_later(40 * DAY):
        assert (chase.sweep(), chase.sweep()) == (1, 0)
        assert {m.account_id for m in messages(tx, "action_overdue")} == {w.world.mei.id}
        assert {m.account_id for m in messages(tx, "action_escalated")} == {an.id}
        later = client(w.world.mei)
        (cell,) = later.get(f"{API}/ages").json()["items"]
        assert (cell["owner_name"], cell["from_days"], cell["to_days"], cell["overdue"]) == ("Mei", 30, 90, 1)
        assert later.get(API, params={"overdue": True}).json()["items"][0]["overdue"] is True
    assert wen.id is not None


def test_actions_are_of_their_area_and_owned_by_who_may(tx: Tx, w: Asked, mei: TestClient) -> None:
    made = mei.post(API, json=lamps(w)).json()
    kai, council = people.kai(tx), client(people.council(tx))
    assert client(kai).get(API).json()["items"] == []
    assert client(kai).get(f"{API}/{made['id']}").status_code == 404
    assert client(kai).post(API, json=lamps(w)).status_code == 404
    assert council.get(API).json()["items"] == []  # Mei's flood lies above their community
    assert council.post(API, json=lamps(w)).status_code == 403
    plan = drill_plan(tx, "/1/4/")
    tag = {"if-match": f'"{made["version"]}"'}
    body = {"drill": str(plan.public_id)}
    assert mei.put(f"{API}/{made['id']}/retest", json=body, headers=tag).status_code == 404


def test_somebody_forgotten_has_raised_nothing_any_more(tx: Tx, w: Asked, mei: TestClient) -> None:
    made = mei.post(API, json=lamps(w)).json()
    person = next(one for one in w.world.crowd if one.id == w.dark[0])
    assert client(people.an(tx)).delete(f"/api/v1/volunteers/{person.public_id}").is_success
    done = step(mei, step(mei, made, "take-up"), "close", **EVIDENCE)
    assert (done["raised"], done["told"]) == (2, 2)
    assert sorted(m.volunteer_id or 0 for m in messages(tx, "heard")) == sorted(w.dark[1:])
