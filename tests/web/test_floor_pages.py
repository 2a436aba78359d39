"""Reserve floors as Mei keeps them: listed with who could come today, set, changed, removed."""

import re

import pytest

from tests import people
from tests.doors import client
from tests.web.test_duty_pages import text
from tests.world import person
from volunteer_hub.core.db import Tx
from volunteer_hub.volunteers import floors, registry

FORM = {"area": "DQ-ST", "skill": "first_aid", "level": "1", "keep": "2"}
PAPER = "first_aid|F-1|Red Cross|2025-01-01|2099-01-01"


def hidden(html: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found is not None
    return found[1]


def action(html: str) -> str:
    found = re.search(r'action="(/floors/[^"]+)"', html)
    assert found is not None
    return found[1]


def test_an_empty_list_teaches_the_first_step(tx: Tx) -> None:
    page = text(client(people.mei(tx)).get("/floors").text)
    assert "No floors yet" in page
    assert "New floor" in page


@pytest.mark.parametrize(("keep", "said"), [("2", "Already 1 too few"), ("1", "Nobody")])
def test_a_floor_is_set_and_listed_with_who_could_come_today(tx: Tx, keep: str, said: str) -> None:
    mei = client(people.mei(tx))
    registry.register(tx, person("Bo", 1, skills="first_aid:2", certifications=PAPER))
    assert mei.post("/floors", data=FORM | {"keep": keep}).headers["location"] == "/floors"
    listed = text(mei.get("/floors").text)
    assert "First aid" in listed
    assert said in listed


def test_who_is_above_the_floor_may_be_sent(tx: Tx) -> None:
    mei = client(people.mei(tx))
    for number in range(3):
        registry.register(tx, person(f"P{number}", number))
    mei.post("/floors", data=FORM | {"skill": "general"})
    assert "Up to 1" in text(mei.get("/floors").text)


def test_a_floor_is_changed_and_removed_in_its_row(tx: Tx) -> None:
    mei = client(people.mei(tx))
    mei.post("/floors", data=FORM)
    page = mei.get("/floors").text
    sent = {"version": hidden(page, "version"), "keep": "3"}
    assert mei.post(action(page), data=sent).headers["location"] == "/floors"
    assert [row.keep for row in floors.floors(tx)] == [3]
    late = mei.post(action(page), data=sent)
    assert late.status_code == 412
    assert "Someone else changed this" in text(late.text)
    page = mei.get("/floors").text
    assert mei.post(action(page) + "/remove", data={"version": hidden(page, "version")}).status_code == 303
    assert floors.floors(tx) == []


def test_what_is_wrong_stands_beside_its_field_with_all_that_was_typed(tx: Tx) -> None:
    mei = client(people.mei(tx))
    wrong = mei.post("/floors", data=FORM | {"keep": "0"})
    assert wrong.status_code == 422
    assert "A floor keeps from 1 to 100000 people." in text(wrong.text)
    assert '<option value="first_aid" selected>' in wrong.text
    mei.post("/floors", data=FORM)
    twice = mei.post("/floors", data=FORM)
    assert twice.status_code == 409
    assert "already has a floor" in text(twice.text)


def test_a_form_sent_twice_sets_one_floor(tx: Tx) -> None:
    mei = client(people.mei(tx))
    key = hidden(mei.get("/floors").text, "once")
    answers = [mei.post("/floors", data=FORM | {"once": key}).status_code for _ in range(2)]
    assert answers == [303, 303]
    assert len(floors.floors(tx)) == 1


def test_a_clerk_reads_the_floors_and_has_no_form(tx: Tx) -> None:
    mei, wen = client(people.mei(tx)), client(people.wen(tx))
    mei.post("/floors", data=FORM | {"area": "DQ-ST-001"})
    page = wen.get("/floors").text
    assert "First aid" in text(page)
    assert '<form method="post" action="/floors' not in page
    assert wen.post("/floors", data=FORM).status_code == 403
    assert client(people.kai(tx)).post(action(mei.get("/floors").text), data={}).status_code == 404
