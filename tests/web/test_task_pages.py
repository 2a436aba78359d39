"""A task and its roles by the form: added, changed, called off, done."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from tests import people
from tests.doors import client
from tests.flows.callouts import at_ten, sent
from tests.web.coordinator import TASK, declared, primary
from tests.web.markup import Tags
from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.incidents import queries
from volunteer_hub.incidents.models import Incident, Task


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from at_ten(monkeypatch)


@pytest.fixture
def mei(tx: Tx) -> TestClient:
    return client(people.mei(tx))


def test_a_task_with_nested_minima_is_added_by_the_form(mei: TestClient, tx: Tx):
    board = declared(mei, only=[])
    assert primary(mei.get(board).text) == ["Add a task"]
    assert mei.post(f"{board}/tasks/new", data=TASK).headers["location"] == board
    with db.read(SYSTEM) as reading:
        view = queries.whole(reading, reading.exec(select(Incident)).one()).tasks[0]
    assert (view.task.title, view.task.priority, view.task.starts_at.hour) == ("Boats", 1, 4)
    slot, minimum = view.slots[0].slot, view.slots[0].minima[0]
    assert (slot.skill, slot.minimum, slot.maximum) == ("boat", 2, 4)
    assert (minimum.skill, minimum.heads) == ("first_aid", 1)
    assert "1 of them: First aid" in mei.get(board).text


def test_more_rows_are_given_without_losing_what_was_typed(mei: TestClient):
    path = f"{declared(mei)}/tasks/new"
    more = mei.post(path, data=TASK | {"do": "role"})
    assert more.status_code == 200
    assert 'name="slots.1.target"' in more.text
    assert 'value="Boats"' in more.text
    nested = mei.post(path, data=TASK | {"do": "minimum.0"})
    assert 'name="slots.0.minima.1.heads"' in nested.text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ends_at": "2031-01-20T11:00"}, "The end must come after the start"),
        ({"slots.0.minimum": "5"}, "must not fall"),
        ({"slots.0.minima.0.heads": "9"}, "but the target is 4"),
        ({"starts_at": "soon"}, "Write a day and hour"),
        ({"starts_at": ""}, "write something here"),
        ({"slots.0.target": "many"}, "Write a number"),
        ({"lat": "91"}, "Latitude 91.0 does not exist"),
        ({"title": " "}, "write something here"),
    ],
)
def test_a_wrong_task_comes_back_with_the_words_beside_its_field(
    mei: TestClient, tx: Tx, changes: dict[str, str], words: str
):
    answer = mei.post(f"{declared(mei, only=[])}/tasks/new", data=TASK | changes)
    assert answer.status_code == 422
    assert words in answer.text
    assert 'value="Pier"' in answer.text
    assert tx.exec(select(Task)).all() == []


def form_of(html: str) -> dict[str, str]:
    """What a browser would send of a page's task form."""
    found: dict[str, str] = {"do": "save"}
    for tag, attributes in Tags(html).seen:
        name, value = attributes.get("name"), attributes.get("value") or ""
        if tag == "input" and name and (attributes.get("type") != "checkbox" or "checked" in attributes):
            found[name] = value
    for name, options in re.findall(
        r'<select class="input" id="f-[^"]*" name="([^"]+)"[^>]*>(.*?)</select>', html, re.S
    ):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else ""
    return found


def test_a_task_and_its_roles_are_changed_together_and_two_editors_do_not_collide(mei: TestClient, tx: Tx):
    board = declared(mei, only=[])
    mei.post(f"{board}/tasks/new", data=TASK)
    path = f"/tasks/{tx.exec(select(Task.public_id)).one()}"
    mine, theirs = form_of(mei.get(path).text), form_of(mei.get(path).text)
    assert mine["slots.0.minima.0.skill"] == "first_aid"
    new_role = {"slots.1.name": "Bank crew", "slots.1.target": "3"}
    assert (
        mei.post(path, data=mine | {"place": "South pier", "slots.0.target": "3"} | new_role).status_code
        == 303
    )
    late = mei.post(path, data=theirs | {"title": "Boats and ropes"})
    assert (late.status_code, "Someone else changed this" in late.text) == (412, True)
    assert 'value="Boats and ropes"' in late.text
    with db.read(SYSTEM) as reading:
        view = queries.views(reading, reading.exec(select(Task)).all())[0]
    assert (view.task.title, view.task.place) == ("Boats", "South pier")
    assert [(one.slot.target, one.slot.name) for one in view.slots] == [(3, None), (3, "Bank crew")]
    assert [one.skill for one in view.slots[0].minima] == ["first_aid"]
    wrong = form_of(mei.get(path).text) | {"slots.1.minimum": "9"}
    refused = mei.post(path, data=wrong)
    assert (refused.status_code, 'id="e-slots.1.minimum"' in refused.text) == (422, True)


def test_a_task_is_called_off_or_done_from_its_page(mei: TestClient, tx: Tx):
    board = declared(mei, only=["boats", "shelter"])
    one, other = tx.exec(select(Task.public_id).order_by(col(Task.id))).all()
    assert mei.post(f"/tasks/{one}/cancel", data={"reason": ""}).status_code == 422
    assert mei.post(f"/tasks/{one}/cancel", data={"reason": "Dry"}).headers["location"] == board
    assert mei.post(f"/tasks/{other}/done").headers["location"] == board
    states = tx.exec(
        select(Task.state).order_by(col(Task.id)).execution_options(populate_existing=True)
    ).all()
    assert [state.value for state in states] == ["cancelled", "done"]
    assert mei.post(f"/tasks/{one}", data=TASK).status_code == 412
    assert primary(mei.get(board).text) == ["Add a task"]


def test_moving_a_task_tells_who_accepted(tx: Tx):
    out = sent(tx, helpers=2)
    mei = client(out.world.mei)
    path = f"/tasks/{tx.exec(select(Task.public_id)).one()}"
    form = form_of(mei.get(path).text) | {"place": "West gate"}
    assert mei.post(path, data=form).status_code == 303
    assert tx.exec(select(Task.place).execution_options(populate_existing=True)).one() == "West gate"
    assert timedelta(hours=4) == tx.exec(select(Task)).one().ends_at - tx.exec(select(Task)).one().starts_at
