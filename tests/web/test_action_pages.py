"""The coordinator's pages of improvement actions, and the page of those who raised them."""

import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from tests import people
from tests.doors import client
from tests.flows.callouts import at_ten, messages
from tests.flows.improving import Asked, asked, drill_plan
from volunteer_hub.core.db import Tx
from volunteer_hub.feedback import actions, actions_queries

EVIDENCE = {
    "evidence": "Twelve lamps bought.",
    "reference": "Receipt 114",
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


def proposed(mei: TestClient, w: Asked) -> str:
    found = {"source": "theme", "code": "equipment", "incident": str(w.world.incident.public_id)}
    form = mei.get("/actions/new", params=found).text
    assert "What people wrote" in form
    said = {"finding": "It was dark.", "title": "Lamps", "words": "A lamp at every gate."}
    answer = mei.post("/actions/new", data=found | said)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def version(mei: TestClient, page: str) -> str:
    found = re.search(r'name="version" value="(\d+)"', mei.get(page).text)
    assert found is not None
    return found[1]


def step(mei: TestClient, page: str, name: str, **fields: str) -> int:
    answer = mei.post(f"{page}/{name}", data={"version": version(mei, page)} | fields)
    return int(answer.status_code)


def test_an_action_goes_its_way_page_by_page_and_who_raised_it_reads_what_changed(
    tx: Tx, w: Asked, mei: TestClient
) -> None:
    page = proposed(mei, w)
    board = mei.get("/actions").text
    assert "Nobody yet" in board
    assert f'href="{page}"' in board
    assert step(mei, page, "take-up", due_on="2031-02-10", priority="high") == 303
    assert step(mei, page, "close", **EVIDENCE) == 303
    whole = mei.get(page).text
    assert "3, of whom 3 were told" in whole
    assert "Receipt 114" in whole
    assert "Lamps" not in mei.get("/actions").text
    assert "Lamps" in mei.get("/actions?show=done").text
    (action,) = actions_queries.listed(tx, actions_queries.Wanted())
    voice = actions_queries.voices(tx, action.id)[0]
    read = client(lang="zh").get(f"/h/{actions.token(voice)}")
    assert (read.status_code, EVIDENCE["changed"] in read.text, "已完成" in read.text) == (200, True, True)
    assert client().get("/h/unknown").status_code == 404
    assert len(messages(tx, "heard")) == 3


def test_a_count_opens_its_list_and_what_was_typed_wrongly_stays(tx: Tx, w: Asked, mei: TestClient) -> None:
    page = proposed(mei, w)
    assert "Lamps" in mei.get("/actions?owner=nobody&span=0").text
    assert "Lamps" not in mei.get("/actions?owner=nobody&span=1").text
    assert step(mei, page, "take-up", due_on="2031-01-01") == 422
    assert step(mei, page, "take-up") == 303
    answer = mei.post(f"{page}/close", data={"version": version(mei, page), "evidence": "Kept words"})
    assert (answer.status_code, "Kept words" in answer.text) == (422, True)
    plan = drill_plan(tx)
    bound = {"drill": str(plan.public_id), "figure": "within:15", "at_least": "60"}
    assert step(mei, page, "retest", **bound) == 303
    assert "Answered within 15 min: at least 60 %" in mei.get(page).text
    stale = mei.post(f"{page}/drop", data={"version": "1", "reason": "No."})
    assert stale.status_code == 412


def test_the_council_reads_and_cannot_write(tx: Tx, w: Asked, mei: TestClient) -> None:
    page = proposed(mei, w)
    party = client(people.staff(tx, "party", "Party", people.Role.PARTY_COMMITTEE, "sartu"))
    shown = party.get(page)
    assert (shown.status_code, '<form method="post" action="/actions' in shown.text) == (200, False)
    assert party.post(f"{page}/drop", data={"version": "1", "reason": "No."}).status_code == 403
    assert client(people.kai(tx)).get(page).status_code == 404
