"""CAP alerts through the machines' door, from the message to the incident."""

import os
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlmodel import col, select

from tests import people, yardstick
from tests.doors import client
from tests.incidents.cap_documents import SENT, document, info, reference, stamp
from volunteer_hub.core.db import Tx
from volunteer_hub.incidents.cap import parse
from volunteer_hub.notify.models import Message

DATA = Path(os.environ.get("HUB_DATA", "")) / "cap"
with_samples = pytest.mark.skipif(
    not os.environ.get("HUB_DATA") or not DATA.is_dir(), reason="HUB_DATA names no folder with cap/ samples"
)
THEN = stamp(SENT)


@pytest.fixture
def mei(tx: Tx) -> TestClient:
    return client(people.mei(tx))


@pytest.fixture
def kai(tx: Tx) -> TestClient:
    return client(people.kai(tx))


def post(browser: TestClient, body: bytes, *, area: str = "DQ-ST", as_of: str | None = THEN) -> Response:
    params = {"area": area} | ({"as_of": as_of} if as_of else {})
    headers = {"content-type": "application/cap+xml"}
    return browser.post("/api/v1/alerts", params=params, content=body, headers=headers)


def test_an_actual_alert_proposes_and_a_yes_declares(mei: TestClient, tx: Tx):
    answer = post(mei, document(info()))
    assert (answer.status_code, answer.json()["decision"]) == (201, "propose")
    alert = answer.json()["alert"]
    assert (alert["hazard"], alert["colour"], alert["proposal"]) == ("blizzard", "orange", "waiting")
    assert (alert["area"]["code"], alert["incident"]) == ("DQ-ST", None)
    waiting = mei.get("/api/v1/alerts?proposal=waiting").json()["items"]
    assert [each["id"] for each in waiting] == [alert["id"]]
    made = mei.post(f"/api/v1/alerts/{alert['id']}/accept", json={})
    assert made.status_code == 201
    assert (made.json()["kind"], made.json()["source"], made.json()["level"]) == ("real", "cap", 3)
    assert mei.get(f"/api/v1/alerts/{alert['id']}").json()["incident"] == made.json()["id"]
    twice = mei.post(f"/api/v1/alerts/{alert['id']}/accept", json={})
    assert (twice.status_code, twice.json()["code"]) == (409, "alert.answered")
    told = tx.exec(select(Message.purpose).where(col(Message.purpose) == "alert_received")).all()
    assert told[0] == "alert_received"


def test_the_document_is_given_back_as_it_came(mei: TestClient):
    body = document(info())
    alert = post(mei, body).json()["alert"]
    stored = mei.get(f"/api/v1/alerts/{alert['id']}/document")
    assert (stored.content, stored.headers["content-type"]) == (body, "application/cap+xml")


def test_an_exercise_starts_only_a_drill_and_a_test_nothing(mei: TestClient):
    exercise = post(mei, document(info(), identifier="x", status="Exercise")).json()
    assert exercise["decision"] == "propose_drill"
    made = mei.post(f"/api/v1/alerts/{exercise['alert']['id']}/accept", json={}).json()
    assert made["kind"] == "drill"
    test = post(mei, document(info(), identifier="t", status="Test")).json()
    assert (test["decision"], test["alert"]["proposal"]) == ("ignore_test", "none")


def test_a_repeat_changes_nothing_and_a_cancellation_closes(mei: TestClient):
    alert = post(mei, document(info())).json()["alert"]
    incident = mei.post(f"/api/v1/alerts/{alert['id']}/accept", json={}).json()["id"]
    assert post(mei, document(info())).json()["decision"] == "repeat"
    later = SENT + timedelta(minutes=5)
    end = document(info(), identifier="end", sent=later, msg_type="Cancel", references=reference())
    ended = post(mei, end, as_of=stamp(later)).json()
    assert (ended["decision"], ended["changed"]) == ("cancel", [incident])
    assert mei.get(f"/api/v1/incidents/{incident}").json()["state"] == "closed"


def test_a_no_is_kept(mei: TestClient):
    alert = post(mei, document(info())).json()["alert"]["id"]
    assert mei.post(f"/api/v1/alerts/{alert}/dismiss").json()["proposal"] == "dismissed"
    assert mei.post(f"/api/v1/alerts/{alert}/dismiss").status_code == 409
    assert mei.get("/api/v1/alerts?proposal=waiting").json()["items"] == []


def test_what_the_alert_leaves_open_is_asked_for(mei: TestClient):
    plain = info(event="Something odd", area="")
    alert = post(mei, document(plain)).json()["alert"]["id"]
    path = f"/api/v1/alerts/{alert}/accept"
    assert mei.post(path, json={}).json()["code"] == "alert.hazard"
    assert mei.post(path, json={"hazard": "flood"}).json()["code"] == "alert.place"
    body = {"hazard": "flood", "lat": 46.6, "lon": 125.1, "area": "DQ-ST-001"}
    made = mei.post(path, json=body)
    assert (made.status_code, made.json()["area"]["code"]) == (201, "DQ-ST-001")


def test_a_foreign_alert_answers_as_one_that_never_was(mei: TestClient, kai: TestClient):
    alert = post(mei, document(info())).json()["alert"]["id"]
    for method, tail in (("GET", ""), ("GET", "/document"), ("POST", "/accept"), ("POST", "/dismiss")):
        body: dict[str, Any] | None = {} if tail == "/accept" else None
        answers = [
            kai.request(method, f"/api/v1/alerts/{each}{tail}", json=body) for each in (alert, uuid.uuid4())
        ]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].json() == answers[1].json()
    assert kai.get("/api/v1/alerts").json()["items"] == []
    assert post(kai, document(info(), identifier="other")).status_code == 404
    assert post(kai, document(info()), area="DQ-DT").json() == {
        "alert": None,
        "decision": "repeat",
        "why": None,
        "changed": [],
        "to_decide": [],
    }


BOMB = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">&c;</alert>"""
LARGE = document(info()) + b"<!--" + b"x" * 2**20


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"\xff\xfe<",
        BOMB,
        b"<alert/>",
        b"<alert>" * 50_000,
        document(info()) + b"<!--" + b"x" * 2**20,
    ],
    ids=["empty", "json", "bytes", "bomb", "bare", "deep", "large"],
)
def test_hostile_documents_are_refused_at_once(mei: TestClient, body: bytes):
    with yardstick.at_most(6):
        answer = post(mei, body)
    assert answer.status_code == 422
    assert mei.get("/api/v1/alerts").json()["items"] == []


def test_a_json_label_does_not_change_what_is_read(mei: TestClient):
    headers = {"content-type": "application/json"}
    answer = mei.post("/api/v1/alerts?area=DQ-ST", content=document(info()), headers=headers)
    assert answer.status_code == 422


@with_samples
@pytest.mark.parametrize(
    ("name", "now", "then", "why"),
    [
        ("earthquake", "expired", "propose", None),
        ("weather", "expired", "propose", None),
        ("taiwan", "expired", "propose", None),
        ("canada", "keep", "keep", "reference_unseen"),
        ("no_info_tag", "keep", "keep", "reference_unseen"),
    ],
)
def test_the_samples_are_answered_as_their_notes_say(
    mei: TestClient, name: str, now: str, then: str, why: str | None
):
    body = (DATA / f"{name}.cap").read_bytes()
    today = post(mei, body, as_of=None)
    assert (today.status_code, today.json()["decision"], today.json()["why"]) == (201, now, why)
    assert today.json()["alert"]["proposal"] == "none"
    assert mei.get("/api/v1/incidents").json()["items"] == []


@with_samples
@pytest.mark.parametrize("name", ["earthquake", "weather", "taiwan"])
def test_replayed_as_of_its_time_a_sample_becomes_an_incident(mei: TestClient, name: str):
    body = (DATA / f"{name}.cap").read_bytes()
    replayed = post(mei, body, as_of=parse(body).sent.isoformat()).json()
    assert (replayed["decision"], replayed["alert"]["proposal"]) == ("propose", "waiting")
    answers = {"hazard": "flood", "lat": 46.6, "lon": 125.1}
    made = mei.post(f"/api/v1/alerts/{replayed['alert']['id']}/accept", json=answers)
    assert (made.status_code, made.json()["source"]) == (201, "cap")


@with_samples
def test_the_invalid_sample_is_refused_naming_its_field(mei: TestClient):
    answer = post(mei, (DATA / "invalid.cap").read_bytes())
    assert (answer.status_code, answer.json()["code"]) == (422, "cap.missing")
    assert "scope" in answer.json()["title"]
