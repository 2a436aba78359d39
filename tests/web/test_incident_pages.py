"""The coordinator's list, a new incident, what waits for an answer, and who commands."""

import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from tests import people
from tests.doors import client
from tests.flows.callouts import at_ten
from tests.incidents.cap_documents import SENT, document, info
from tests.web.coordinator import NEW, TASK, declared, one_incident, primary
from tests.web.markup import Tags
from tests.world import World, world
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.flows import declare as flow
from volunteer_hub.incidents.models import Incident
from volunteer_hub.mobilization.models import PlanRun


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from at_ten(monkeypatch)


@pytest.fixture
def mei(tx: Tx) -> TestClient:
    return client(people.mei(tx))


# ---- ways in


def test_everybody_is_led_to_the_page_they_work_with(tx: Tx):
    w = world(tx, crowd=0)
    assert client(w.mei).get("/").headers["location"] == "/incidents"
    assert client().get("/").headers["location"] == "/login"
    assert client().get("/incidents").headers["location"] == "/login?next=/incidents"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_page_is_whole_in_both_languages(mei: TestClient, lang: str):
    board = declared(mei)
    task = re.search(r'href="(/tasks/[^"]+)"', mei.get(board).text)
    assert task is not None
    for path in ("/incidents", "/incidents?closed=1", "/incidents/new", board, f"{board}/tasks/new", task[1]):
        page = mei.get(path, params={"lang": lang})
        assert page.status_code == 200
        Tags(page.text)


def test_an_empty_list_teaches_the_first_step(mei: TestClient):
    page = mei.get("/incidents").text
    assert "No incident is open" in page
    assert primary(page) == ["Declare an incident"]


# ---- declaring


def test_an_incident_is_declared_and_its_board_says_what_is_next(mei: TestClient, tx: Tx):
    page = mei.get(declared(mei)).text
    assert primary(page) == ["Make a plan"]
    assert "REAL CALLOUT" in page
    assert "21 places are to be filled" in page
    incident = one_incident(tx)
    assert (incident.title, incident.source, incident.lat) == ("Flood at the gate", "page", 46.59)


def test_declaring_and_asking_for_a_plan_is_one_press(mei: TestClient, tx: Tx):
    assert primary(mei.get("/incidents/new").text) == ["Declare and see whom to call"]
    board = declared(mei, then="plan")
    assert tx.exec(select(PlanRun.state)).all() == ["requested"]
    assert "Make a plan" not in mei.get(board).text
    assert "Next: say what is to be done" in mei.get(declared(mei, then="plan", only=[])).text


def test_sending_the_form_twice_declares_once(mei: TestClient, tx: Tx):
    once = {"once": str(uuid.uuid4())}
    assert declared(mei, **once) == declared(mei, **once)
    one_incident(tx)


def test_a_changed_hazard_is_shown_before_it_is_declared(mei: TestClient, tx: Tx):
    answer = mei.post("/incidents/new", data=NEW | {"hazard": "blizzard"})
    assert answer.status_code == 200
    assert "Clear paths and entrances" in answer.text
    assert "Flood at the gate" in answer.text
    assert tx.exec(select(Incident)).all() == []


def test_the_rest_of_the_form_follows_hazard_and_area(mei: TestClient):
    rest = mei.get("/incidents/new/rest", params={"hazard": "heat", "area": "DQ-ST-001"}).text
    assert 'name="shown_hazard" value="heat"' in rest
    assert 'name="shown_area" value="DQ-ST-001"' in rest
    assert mei.get("/incidents/new/rest", params={"hazard": "?", "area": "DQ-DT"}).status_code == 200


@pytest.mark.parametrize("wrong", [{"lat": "91"}, {"lat": "north"}, {"level": "x"}, {"title": "x" * 300}])
def test_what_was_typed_survives_a_mistake(mei: TestClient, tx: Tx, wrong: dict[str, str]):
    answer = mei.post("/incidents/new", data=NEW | {"lon": "125"} | wrong)
    assert answer.status_code == 422
    assert 'value="East gate"' in answer.text
    assert 'class="error"' in answer.text
    assert tx.exec(select(Incident)).all() == []


def test_nobody_declares_in_a_foreign_area(mei: TestClient):
    foreign = mei.post("/incidents/new", data=NEW | {"area": "DQ-DT", "shown_area": "DQ-DT"})
    nowhere = mei.post("/incidents/new", data=NEW | {"area": "NO", "shown_area": "NO"})
    assert (foreign.status_code, nowhere.status_code) == (404, 404)


def test_hostile_text_is_shown_and_never_run(mei: TestClient):
    page = mei.get(declared(mei, title="<script>alert(1)</script>{{7*7}}", place='"><img src=x>')).text
    assert "<script>alert(1)" not in page
    assert "<img src=x>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{7*7}}" in page
    nul = mei.post("/incidents/new", data=NEW | {"title": "a\0b"})
    assert (nul.status_code, "cannot be stored" in nul.text) == (422, True)


# ---- what waits for an answer


def receive(tx: Tx, w: World, *infos: str, **more: Any) -> uuid.UUID:
    with transaction(w.mei, "alert.receive") as as_mei:
        alert = flow.receive_alert(as_mei, document(*infos, **more), "/1/2/", as_of=SENT).alert
    assert alert is not None
    return alert.public_id


def test_an_alert_is_answered_from_the_list(tx: Tx):
    w = world(tx, crowd=0)
    mei = client(w.mei)
    yes, no = receive(tx, w, info()), receive(tx, w, info(), identifier="snow-2", status="Exercise")
    page = mei.get("/incidents").text
    assert "Declare the incident" in page
    assert "Declare the drill" in page
    assert "暴雪橙色预警" in page
    board = mei.post(f"/alerts/{yes}/accept", data={}).headers["location"]
    assert mei.get(board).status_code == 200
    assert mei.post(f"/alerts/{no}/dismiss").headers["location"] == "/incidents"
    assert "Alerts that propose" not in mei.get("/incidents").text
    again = mei.post(f"/alerts/{yes}/accept", data={})
    assert (again.status_code, "incident declared" in again.text) == (409, False)


def test_an_alert_that_says_too_little_is_completed_in_the_form(tx: Tx):
    w = world(tx, crowd=0)
    mei = client(w.mei)
    alert = receive(tx, w, info(event="Something odd", area=""))
    page = mei.get("/incidents").text
    assert 'name="hazard"' in page
    assert 'name="lat"' in page
    missing = mei.post(f"/alerts/{alert}/accept", data={})
    assert (missing.status_code, "does not say which kind" in missing.text) == (422, True)
    answer = {"hazard": "flood", "lat": "46.6", "lon": "125.1", "area": "DQ-ST-001"}
    assert mei.post(f"/alerts/{alert}/accept", data=answer).status_code == 303


def test_a_level_is_asked_on_the_board_and_granted_in_the_list(mei: TestClient, tx: Tx):
    an, board = client(people.an(tx)), declared(mei)
    assert mei.post(f"{board}/level", data={"level": "1", "reason": "The dyke"}).status_code == 303
    assert "Level I is asked of the" in mei.get(board).text
    page = an.get("/incidents").text
    request = re.search(r'action="(/raises/[^"]+)"', page)
    assert request is not None
    assert "The dyke" in page
    missing = an.post(request[1], data={"answer": "refuse", "reason": ""})
    assert (missing.status_code, "write something" in missing.text) == (422, True)
    assert an.post(request[1], data={"answer": "grant"}).status_code == 303
    assert one_incident(tx).level == 1


# ---- steering


def test_command_is_offered_read_and_taken(mei: TestClient, tx: Tx):
    an, board = client(people.an(tx)), declared(mei)
    wrong = mei.post(f"{board}/handover", data={"to": "wen@example.org", "questions": "Pump?"})
    assert (wrong.status_code, "cannot take command" in wrong.text, "Pump?" in wrong.text) == (
        409,
        True,
        True,
    )
    mei.post(f"{board}/handover", data={"to": "an@example.org", "questions": "Is the pump coming?"})
    assert "Command of “Flood at the gate” is offered to you" in an.get("/incidents").text
    page = an.get(board).text
    assert "Is the pump coming?" in page
    assert an.post(f"{board}/handover/answer", data={"answer": "take"}).status_code == 303
    assert "in command: An" in mei.get(board).text
    assert mei.post(f"{board}/command", data={"reason": "No answer"}).status_code == 303
    assert "in command: Mei" in mei.get(board).text
    assert an.post(f"{board}/handover/answer", data={"answer": "take"}).status_code == 303  # nothing to take


def test_an_offer_of_command_can_be_let_go(mei: TestClient, tx: Tx):
    people.an(tx)
    board = declared(mei)
    mei.post(f"{board}/handover", data={"to": "an@example.org", "questions": "none"})
    assert "Offered to An" in mei.get(board).text
    mei.post(f"{board}/handover/answer", data={"answer": "withdraw"})
    assert "Offered to An" not in mei.get(board).text


def test_a_note_stands_in_the_log_and_a_closed_incident_takes_no_more(mei: TestClient, tx: Tx):
    board = declared(mei)
    assert mei.post(f"{board}/note", data={"text": ""}).status_code == 422
    assert mei.post(f"{board}/note", data={"text": "Pump <b>here</b>"}).status_code == 303
    assert "Pump &lt;b&gt;here&lt;/b&gt;" in mei.get(board).text
    assert mei.post(f"{board}/state", data={"state": "active"}).status_code == 409
    assert mei.post(f"{board}/state", data={"state": "closed"}).status_code == 303
    assert one_incident(tx).state == "closed"
    page = mei.get(board).text
    assert "hx-get" not in page
    assert primary(page) == []
    for tail, data in (("/level", {"level": "4"}), ("/tasks/new", TASK), ("/plan", {})):
        answer = mei.post(board + tail, data=data)
        assert (answer.status_code, "is closed" in answer.text) == (409, True)
    assert mei.post(f"{board}/state", data={"state": "reviewed"}).status_code == 303
    assert "Flood at the gate" in mei.get("/incidents?closed=1").text
    assert "Flood at the gate" not in mei.get("/incidents").text
