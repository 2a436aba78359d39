"""Incidents and tasks through the machines' door."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests import people
from tests.doors import client
from volunteer_hub.core.db import Tx

FLOOD: dict[str, Any] = {
    "area": "DQ-ST",
    "hazard": "flood",
    "title": "Flood at the east gate",
    "place": "East gate",
    "lat": 46.6,
    "lon": 125.11,
    "only": ["sandbagging"],
}


@pytest.fixture
def mei(tx: Tx) -> TestClient:
    return client(people.mei(tx))


@pytest.fixture
def kai(tx: Tx) -> TestClient:
    return client(people.kai(tx))


@pytest.fixture
def an(tx: Tx) -> TestClient:
    return client(people.an(tx))


def declared(mei: TestClient, **changes: Any) -> dict[str, Any]:
    answer = mei.post("/api/v1/incidents", json=FLOOD | changes)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def task(tx: Tx, **changes: Any) -> dict[str, Any]:
    starts = tx.now + timedelta(hours=1)
    return {
        "title": "Boats",
        "starts_at": starts.isoformat(),
        "ends_at": (starts + timedelta(hours=4)).isoformat(),
        "priority": 1,
        "slots": [{"skill": "boat", "minimum": 2, "target": 4, "maximum": 4}],
    } | changes


def test_an_incident_is_declared_from_its_template_at_the_place_named(mei: TestClient):
    made = declared(mei)
    assert (made["title"], made["level"], made["state"], made["commander"]) == (
        "Flood at the east gate",
        3,
        "declared",
        "Mei",
    )
    assert made["area"] == {"code": "DQ-ST", "name": {"en": "Sartu", "zh": "萨尔图区"}}
    tasks = mei.get(f"/api/v1/incidents/{made['id']}/tasks").json()["items"]
    assert [(row["title"], row["place"], len(row["slots"])) for row in tasks] == [
        ("Sandbag the dyke", "East gate", 2)
    ]
    assert tasks[0]["slots"][0]["minima"] == [
        {"skill": "first_aid", "level": 1, "heads": 2, "may_share": True},
        {"skill": "driver.truck", "level": 1, "heads": 1, "may_share": True},
    ]


def test_without_a_position_the_centre_of_the_area_is_taken(mei: TestClient):
    made = declared(mei, lat=None, lon=None)
    assert (made["lat"], made["lon"]) == (46.59, 125.10)


def test_a_graver_level_is_asked_of_the_city_and_granted_there(mei: TestClient, an: TestClient):
    made = declared(mei, level=2)
    assert made["level"] == 3
    asked = an.get("/api/v1/raises").json()["items"]
    assert [(row["title"], row["present"], row["level"]) for row in asked] == [(made["title"], 3, 2)]
    granted = an.post(f"/api/v1/raises/{asked[0]['id']}/grant")
    assert (granted.status_code, granted.json()["level"]) == (200, 2)
    again = an.post(f"/api/v1/raises/{asked[0]['id']}/refuse", json={"reason": "no"})
    assert (again.status_code, again.json()["code"]) == (409, "incident.raise_answered")


def test_a_repeat_under_one_key_declares_once(mei: TestClient):
    first = mei.post("/api/v1/incidents", json=FLOOD, headers={"Idempotency-Key": "night-1"})
    again = mei.post("/api/v1/incidents", json=FLOOD, headers={"Idempotency-Key": "night-1"})
    assert (again.status_code, again.json()) == (201, first.json())
    assert len(mei.get("/api/v1/incidents").json()["items"]) == 1
    other = mei.post("/api/v1/incidents", json=FLOOD | {"title": "x"}, headers={"Idempotency-Key": "night-1"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency.other_body")


def test_pages_follow_their_cursor_to_the_end(mei: TestClient):
    made = [declared(mei, title=f"Flood {n}")["id"] for n in range(3)]
    first = mei.get("/api/v1/incidents?limit=2").json()
    second = mei.get(f"/api/v1/incidents?limit=2&cursor={first['next']}").json()
    assert [row["id"] for row in first["items"] + second["items"]] == made[::-1]
    assert second["next"] is None
    assert mei.get("/api/v1/incidents?state=closed").json()["items"] == []


def test_two_editors_of_one_incident_do_not_overwrite_each_other(mei: TestClient):
    path = f"/api/v1/incidents/{declared(mei)['id']}"
    tag = mei.get(path).headers["etag"]
    first = mei.patch(path, json={"title": "Flood, both gates"}, headers={"If-Match": tag})
    assert (first.status_code, first.json()["title"]) == (200, "Flood, both gates")
    second = mei.patch(path, json={"title": "Flood, north"}, headers={"If-Match": tag})
    assert (second.status_code, second.json()["code"]) == (412, "version")
    assert mei.patch(path, json={"title": "x"}).json()["code"] == "if_match"
    newer = first.headers["etag"]
    assert mei.patch(path, json={"lat": 46.5, "lon": 125.0}, headers={"If-Match": newer}).status_code == 200
    seen = {"If-Match": mei.get(path).headers["etag"]}
    corners = [[46.6, 125.1], [46.62, 125.1], [46.61, 125.13]]
    assert mei.patch(path, json={"corners": [corners[:2]]}, headers=seen).status_code == 422
    covered = mei.patch(path, json={"corners": [corners]}, headers=seen)
    ring = [[lon, lat] for lat, lon in (*corners, corners[0])]
    assert covered.json()["shape"] == {"type": "MultiPolygon", "coordinates": [[ring]]}
    taken_away = mei.patch(path, json={"corners": []}, headers={"If-Match": covered.headers["etag"]})
    assert taken_away.json()["shape"] is None


def test_two_editors_of_one_task_do_not_overwrite_each_other(mei: TestClient, tx: Tx):
    incident = declared(mei)["id"]
    made = mei.post(f"/api/v1/incidents/{incident}/tasks", json=task(tx)).json()
    path, seen = f"/api/v1/tasks/{made['id']}", {"If-Match": f'"{made["version"]}"'}
    first = mei.patch(path, json={"place": "South gate", "priority": 2}, headers=seen)
    assert (first.status_code, first.json()["task"]["place"], first.json()["told"]) == (200, "South gate", 0)
    assert first.headers["etag"] == '"2"'
    assert mei.patch(path, json={"place": "North gate"}, headers=seen).status_code == 412
    slot = f"/api/v1/slots/{made['slots'][0]['id']}"
    body = {"minimum": 1, "target": 1, "maximum": 2, "minima": [{"skill": "first_aid", "heads": 1}]}
    assert mei.put(slot, json=body, headers=seen).status_code == 412
    put = mei.put(slot, json=body, headers={"If-Match": '"2"'})
    assert (put.status_code, put.json()["slots"][0]["maximum"], put.json()["version"]) == (200, 2, 3)
    added = mei.post(f"{path}/slots", json=body, headers={"If-Match": put.headers["etag"]})
    assert (added.status_code, len(added.json()["slots"])) == (201, 2)


def test_a_task_is_called_off_with_a_reason_or_done(mei: TestClient, tx: Tx):
    incident = declared(mei)["id"]
    path = f"/api/v1/incidents/{incident}/tasks"
    one, other = (mei.post(path, json=task(tx)).json()["id"] for _ in range(2))
    assert mei.post(f"/api/v1/tasks/{one}/cancel", json={"reason": " "}).status_code == 422
    assert mei.post(f"/api/v1/tasks/{one}/cancel", json={"reason": "dry"}).json()["state"] == "cancelled"
    assert mei.post(f"/api/v1/tasks/{other}/done").json()["state"] == "done"
    again = mei.post(f"/api/v1/tasks/{other}/done")
    assert (again.status_code, again.json()["code"]) == (409, "task.ended")


@pytest.mark.parametrize(
    ("changes", "code", "where"),
    [
        ({"slots": [{"minimum": 5, "target": 4, "maximum": 6}]}, "slot.order", "slots.0.minimum"),
        ({"slots": [{"minimum": 0, "target": 0, "maximum": 0}]}, "slot.heads", "slots.0.maximum"),
        ({"slots": [{"minimum": 1, "target": 1, "maximum": 2**63}]}, "slot.heads", "slots.0.maximum"),
        (
            {"slots": [{"skill": "magic", "minimum": 1, "target": 1, "maximum": 1}]},
            "slot.skill",
            "slots.0.skill",
        ),
        ({"ends_at": "2020-01-01T00:00:00Z"}, "task.window", "ends_at"),
        ({"lat": 91, "lon": 0}, "geo", "position"),
        ({"title": "  "}, "incident.text.missing", "title"),
        ({"priority": 6}, "task.priority", "priority"),
    ],
)
def test_a_wrong_task_is_refused_by_its_field(
    mei: TestClient, tx: Tx, changes: dict[str, Any], code: str, where: str
):
    incident = declared(mei)["id"]
    answer = mei.post(f"/api/v1/incidents/{incident}/tasks", json=task(tx, **changes))
    assert answer.status_code == 422
    found = answer.json()["errors"]
    assert [each["where"] for each in found] == [where]
    assert found[0]["code"].startswith(code)


def test_minima_that_need_more_people_than_the_target_are_refused(mei: TestClient, tx: Tx):
    incident = declared(mei)["id"]
    minima = [{"skill": "first_aid", "heads": 3}, {"skill": "boat", "heads": 2}]
    slots = [{"minimum": 1, "target": 4, "maximum": 4, "minima": minima}]
    answer = mei.post(f"/api/v1/incidents/{incident}/tasks", json=task(tx, slots=slots))
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "slot.minima")


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", "{{7*7}}", "\u202etxet", "🚒" * 20, "' OR 1=1 --"]
)
def test_hostile_text_comes_back_exactly(mei: TestClient, hostile: str):
    made = declared(mei, title=hostile, place=hostile)
    assert mei.get(f"/api/v1/incidents/{made['id']}").json()["title"] == hostile
    assert mei.get(f"/api/v1/incidents/{made['id']}/tasks").json()["items"][0]["place"] == hostile


@pytest.mark.parametrize(
    "body",
    [
        {"title": "a\0b"},
        {"title": "x" * 1_000_000},
        {"hazard": "meteor"},
        {"lat": 91},
        {"level": 5},
        {"level": 2**63},
        {"unknown": 1},
        {"only": ["a\0b"]},
        {"started_at": "2999-01-01T00:00:00Z"},
    ],
)
def test_what_cannot_be_is_refused_in_words(mei: TestClient, body: dict[str, Any]):
    answer = mei.post("/api/v1/incidents", json=FLOOD | body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "text",
    [
        '{"area":"DQ-ST","hazard":"flood","lat":NaN,"lon":1e999}',
        '{"area":"DQ-ST","hazard":"flood","title":"\\ud800"}',
        "{",
    ],
)
def test_json_that_is_none_is_refused(mei: TestClient, text: str):
    answer = mei.post("/api/v1/incidents", content=text, headers={"content-type": "application/json"})
    assert answer.status_code == 422


def test_a_foreign_incident_answers_as_one_that_never_was(mei: TestClient, kai: TestClient, tx: Tx):
    made = declared(mei)
    its_task = mei.get(f"/api/v1/incidents/{made['id']}/tasks").json()["items"][0]
    body = task(tx)
    for template, row in (("/incidents/{}", made), ("/tasks/{}", its_task)):
        for method, tail, content in (
            ("GET", "", None),
            ("PATCH", "", {"title": "mine"}),
            ("POST", "/tasks", body),
            ("POST", "/cancel", {"reason": "x"}),
        ):
            headers = {"If-Match": '"1"'}
            answers = [
                kai.request(method, f"/api/v1{template.format(each)}{tail}", json=content, headers=headers)
                for each in (row["id"], uuid.uuid4())
            ]
            assert answers[0].status_code in (404, 405)
            assert answers[0].status_code == answers[1].status_code
            assert answers[0].json() == answers[1].json()


def test_nobody_declares_in_a_foreign_area(kai: TestClient):
    foreign = kai.post("/api/v1/incidents", json=FLOOD)
    nowhere = kai.post("/api/v1/incidents", json=FLOOD | {"area": "NOWHERE"})
    assert (foreign.status_code, foreign.json()) == (404, nowhere.json())


def test_nothing_is_added_to_a_closed_incident(mei: TestClient, tx: Tx):
    made = declared(mei)
    path = f"/api/v1/incidents/{made['id']}"
    assert mei.post(f"{path}/state", json={"state": "closed"}).status_code == 422
    assert mei.post(f"{path}/close").json()["state"] == "closed"
    for tail, body in (("/tasks", task(tx)), ("/level", {"level": 4})):
        answer = mei.post(path + tail, json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "incident.closed")
    answer = mei.patch(path, json={"title": "x"}, headers={"If-Match": mei.get(path).headers["etag"]})
    assert (answer.status_code, answer.json()["code"]) == (409, "incident.closed")


def test_command_passes_when_it_is_acknowledged(mei: TestClient, an: TestClient):
    path = f"/api/v1/incidents/{declared(mei)['id']}"
    body = {"to": "an@example.org", "questions": "Is the pump on its way?"}
    assert mei.post(f"{path}/handover", json=body).status_code == 201
    assert mei.get(path).json()["commander"] == "Mei"
    refused = mei.post(f"{path}/handover/acknowledge")
    assert (refused.status_code, refused.json()["code"]) == (409, "handover.not_you")
    assert an.post(f"{path}/handover/acknowledge").json()["commander"] == "An"
    assert an.post(f"{path}/handover/acknowledge").status_code == 404
    taken = mei.post(f"{path}/command", json={"reason": "An does not answer the phone"})
    assert taken.json()["commander"] == "Mei"
    unable = mei.post(f"{path}/handover", json=body | {"to": "wen@example.org"})
    assert (unable.status_code, unable.json()["code"]) == (409, "handover.unable")


def test_the_log_tells_what_was_said_and_done(mei: TestClient):
    path = f"/api/v1/incidents/{declared(mei)['id']}"
    mei.post(f"{path}/log", json={"text": "The pump truck has arrived."})
    assert [line["text"] for line in mei.get(f"{path}/log").json()["items"]] == [
        "Declared at level III: Flood at the east gate.",
        "Task added: Sandbag the dyke.",
        "The pump truck has arrived.",
    ]


def test_jurisdictions_are_listed_in_the_order_of_the_tree(mei: TestClient, an: TestClient):
    own = mei.get("/api/v1/jurisdictions").json()["items"]
    assert [row["code"] for row in own] == ["DQ-ST", "DQ-ST-001"]
    first = an.get("/api/v1/jurisdictions?limit=3").json()
    second = an.get(f"/api/v1/jurisdictions?limit=3&cursor={first['next']}").json()
    codes = [row["code"] for row in first["items"] + second["items"]]
    assert codes == ["DQ", "DQ-ST", "DQ-ST-001", "DQ-DT", "DQ-DT-001"]
    new = {"code": "DQ-ST-002", "kind": "community", "name": {"en": "Xibin", "zh": "西宾"}, "parent": "DQ-ST"}
    made = an.post("/api/v1/jurisdictions", json=new | {"lat": 46.6, "lon": 125.1})
    assert (made.status_code, made.json()["level"]) == (201, 2)
    assert mei.get(f"/api/v1/jurisdictions/{made.json()['id']}").json()["code"] == "DQ-ST-002"
    assert mei.post("/api/v1/jurisdictions", json=new | {"lat": 1, "lon": 1}).status_code == 403


def test_times_come_back_with_their_zone(mei: TestClient):
    assert datetime.fromisoformat(declared(mei)["started_at"]).tzinfo is not None
