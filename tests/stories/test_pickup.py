"""A bus waits at the school gate: by form and API, on the page behind the link, and in the letters."""

from collections.abc import Iterator

import pytest
from sqlmodel import select

from tests import people
from tests.doors import client
from tests.flows.callouts import at_ten, messages, sent
from tests.web.coordinator import TASK, declared
from tests.world import GATE
from volunteer_hub.boards import slots
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.flows import change, deliver
from volunteer_hub.incidents.models import Task

SCHOOL = {"pickup": "School gate", "pickup_lat": 46.59, "pickup_lon": 125.09}
POSITION = (46.59, 125.09)


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from at_ten(monkeypatch)


def stored(tx: Tx) -> Task:
    return tx.exec(select(Task).execution_options(populate_existing=True)).one()


def test_the_form_takes_the_position_of_a_pick_up_point_and_gives_it_back(tx: Tx) -> None:
    mei = client(people.mei(tx))
    typed = {name: str(value) for name, value in SCHOOL.items()}
    board = declared(mei, only=[])
    assert mei.post(f"{board}/tasks/new", data=TASK | typed).headers["location"] == board
    task = stored(tx)
    assert (task.pickup, task.pickup_lat, task.pickup_lon) == ("School gate", *POSITION)
    html = mei.get(f"/tasks/{task.public_id}").text
    assert 'name="pickup_lat"' in html
    assert 'value="125.09"' in html
    cleared = {"version": "1", "pickup_lat": "", "pickup_lon": ""}
    assert mei.post(f"/tasks/{task.public_id}", data=TASK | typed | cleared).status_code == 303
    assert (stored(tx).pickup_lat, stored(tx).pickup_lon) == (None, None)


@pytest.mark.parametrize(
    ("changes", "en", "zh"),
    [
        ({"pickup_lon": ""}, "latitude and longitude together", "须同时填写"),
        ({"pickup_lat": "91"}, "Latitude 91.0 does not exist", "纬度 91.0 不存在"),
        ({"pickup_lat": "there"}, "Write a number", "请填写数字"),
        ({"pickup": " "}, "write something here", "请填写"),
    ],
)
def test_a_wrong_pick_up_point_comes_back_with_words_in_the_readers_language(
    tx: Tx, changes: dict[str, str], en: str, zh: str
) -> None:
    actor = people.mei(tx)
    typed = {name: str(value) for name, value in SCHOOL.items()} | changes
    board = declared(client(actor), only=[])
    for lang, words in (("en", en), ("zh", zh)):
        answer = client(actor, lang=lang).post(f"{board}/tasks/new", data=TASK | typed)
        assert answer.status_code == 422
        assert words in answer.text
    assert tx.exec(select(Task)).all() == []


def test_the_api_takes_moves_and_removes_it(tx: Tx) -> None:
    sent(tx, helpers=1)
    task, mei = stored(tx), client(people.mei(tx))
    path = f"/api/v1/tasks/{task.public_id}"
    first = mei.patch(path, json=SCHOOL, headers={"If-Match": f'"{task.version}"'})
    assert first.status_code == 200
    assert {name: first.json()["task"][name] for name in SCHOOL} == SCHOOL
    half = mei.patch(path, json={"pickup_lat": None}, headers={"If-Match": first.headers["etag"]})
    assert (half.status_code, half.json()["code"]) == (422, "task.pickup")
    none = {"pickup_lat": None, "pickup_lon": None}
    second = mei.patch(path, json=none, headers={"If-Match": first.headers["etag"]})
    assert second.json()["task"] | none == second.json()["task"]
    assert second.json()["task"]["pickup"] == "School gate"


def test_people_are_told_where_to_meet_and_how_far_that_is(tx: Tx) -> None:
    out = sent(tx, helpers=2)
    with transaction(out.world.mei, "task.change") as as_mei:
        task = as_mei.exec(select(Task)).one()
        change.change_task(as_mei, task, task.version, **SCHOOL)
    tx.expire_all()
    facts = next(iter(slots.of(tx, [out.helpers]).values()))
    assert facts.position == POSITION
    assert facts.meeting == {
        "en": "School gate (meeting point), then together to East gate",
        "zh": "School gate集合，再一同前往East gate",
    }
    letters, refused = deliver.compose(tx, messages(tx, "offer"))
    assert refused == []
    assert all(
        "Where: School gate (meeting point), then together to East gate" in one.body for one in letters
    )
    token = out.token(tx, out.world.lin)
    html = client().get(f"/c/{token}").text
    assert "School gate · " in html  # the way is the way there
    assert "East gate · " not in html
    assert "geo:46.59000,125.09000" in html
    seen = client().get(f"/api/v1/offers/link/{token}").json()
    assert {name: seen[name] for name in SCHOOL} == SCHOOL
    assert (seen["lat"], seen["lon"]) == GATE


def test_a_pick_up_point_in_words_alone_leaves_the_way_to_the_work(tx: Tx) -> None:
    out = sent(tx, helpers=2)
    with transaction(out.world.mei, "task.change") as as_mei:
        task = as_mei.exec(select(Task)).one()
        change.change_task(as_mei, task, task.version, pickup="School gate")
    tx.expire_all()
    assert next(iter(slots.of(tx, [out.helpers]).values())).position == GATE
    html = client().get(f"/c/{out.token(tx, out.world.lin)}").text
    assert "School gate" in html
    assert "East gate · " in html
