"""The coordinator's pages: the list, a new incident, the board, its tasks."""

import pytest
from fastapi.testclient import TestClient

from tests import people
from tests.doors import client
from volunteer_hub.core.db import Tx


@pytest.fixture
def mei(tx: Tx) -> TestClient:
    return client(people.mei(tx))


def test_everybody_is_led_to_the_page_they_work_with(mei: TestClient):
    assert mei.get("/").headers["location"] == "/incidents"
    assert client().get("/").headers["location"] == "/login"


NEW = {"hazard": "flood", "shown_hazard": "flood", "area": "DQ-ST", "shown_area": "DQ-ST", "kind": "real",
       "only": ["sandbagging"], "title": "Flood at the gate", "place": "East gate", "level": "3"}


def test_walk(mei: TestClient):
    assert mei.get("/incidents").status_code == 200
    assert mei.get("/incidents/new").status_code == 200
    assert mei.get("/incidents/new/rest?hazard=blizzard&area=DQ-ST-001").status_code == 200
    made = mei.post("/incidents/new", data=NEW)
    assert made.status_code == 303, made.text
    path = made.headers["location"]
    board = mei.get(path)
    assert board.status_code == 200
    assert mei.get(path + "/parts/plan").status_code == 200
    assert mei.get(path + "/tasks/new").status_code == 200
    asked = mei.post(path + "/plan", data={})
    assert asked.status_code == 303
    assert mei.get(path).status_code == 200
    for url in ("/incidents", path, path+"/tasks/new", "/incidents/new"):
        assert mei.get(url + "?lang=zh").status_code == 200
