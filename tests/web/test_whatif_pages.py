"""What if and readiness as Mei sees them: asked, followed, read, stopped; a map with words beside colours."""

import html
import re
from collections.abc import Iterator

import pytest

from tests import people
from tests.doors import client
from tests.flows.callouts import at_ten
from tests.flows.test_whatif import MONDAY, drain, grid
from tests.web.test_duty_pages import text
from tests.world import World, world
from volunteer_hub.core.db import Tx
from volunteer_hub.flows.whatif_desk import Desk


@pytest.fixture(autouse=True)
def ten_oclock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from at_ten(monkeypatch)


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with Desk() as one:
        yield one


@pytest.fixture
def w(tx: Tx) -> World:
    return world(tx, crowd=40)


def test_a_callout_is_asked_for_followed_and_read(w: World, tx: Tx, desk: Desk) -> None:
    mei = client(w.mei)
    assert "Nothing played yet" in mei.get("/what-if").text
    form = {"once": "a" * 32, "area": "DQ-ST-001", "hazard": "missing_person", "hour": str(MONDAY)}
    answer = mei.post("/what-if", data=form)
    assert answer.status_code == 303
    address = answer.headers["location"]
    waiting = mei.get(address).text
    assert "0% played" in text(waiting)
    assert 'hx-trigger="load delay:2s"' in waiting
    drain(desk)
    read = text(mei.get(address).text)
    assert "Missing person" in read
    assert "Everything covered within 60 minutes: 0%." in read
    assert "Search the ground: Search line: too few hold the skill" in read
    assert "Train" in read
    assert "Answer rates assumed, not measured here." in read
    assert "hx-trigger" not in mei.get(address).text
    assert "走失" in mei.get(address, params={"lang": "zh"}).text
    assert "Monday, by day" in text(mei.get("/what-if", params={"lang": "en"}).text)
    kai = client(people.kai(tx))
    assert kai.get(address).status_code == 404


def test_what_is_wrong_comes_back_with_what_was_typed(w: World) -> None:
    form = {"once": "b" * 32, "area": "DQ-ST-001", "hazard": "dragon", "hour": "3"}
    answer = client(w.mei).post("/what-if", data=form)
    assert answer.status_code == 422
    assert "dragon" in answer.text
    assert '<option value="3" selected>' in answer.text


def test_readiness_is_a_map_and_a_table_with_every_part(w: World, desk: Desk) -> None:
    mei = client(w.mei)
    assert "Nothing measured yet" in mei.get("/readiness").text
    grid(w, "heat")
    drain(desk)
    page = mei.get("/readiness", params={"skill": "general", "hour": MONDAY}).text
    assert 'class="step-5"' in page or 'class="step-4"' in page
    read = text(page)
    for part in ("42", "Dongfeng", "Within 60 min", "Heat"):
        assert part in read
    none = mei.get("/readiness", params={"skill": "boat", "hour": MONDAY}).text
    assert "Nobody" in text(none)
    assert mei.get("/readiness", params={"skill": "dragon"}).status_code == 404
    assert mei.get("/readiness", params={"area": "DQ-DT"}).status_code == 404


def test_the_situation_says_what_is_weakest_at_this_hour_and_where_things_happen(
    w: World, desk: Desk
) -> None:
    mei, place = client(w.mei), f"/incidents/{w.incident.public_id}"
    before = mei.get("/incidents").text
    assert "Weakest now" not in text(before)
    pin = rf'<a href="{place}" data-at="[^"]+" data-said="Flood"><title>[^<]+</title><circle'
    assert re.search(pin, before)
    grid(w, "heat")
    drain(desk)
    page = mei.get("/incidents").text
    found = re.search(r"Weakest now: (.+?) enough within 60 minutes in 0 of (\d+) communities", text(page))
    assert found is not None
    link = re.search(r'href="(/readiness\?[^"]+)"', page)
    assert link is not None
    table = mei.get(html.unescape(link[1])).text
    assert found[1] in text(table)
    assert table.count('<tr id="a') == int(found[2])
    assert 'class="step-' in page


def test_a_run_is_stopped(w: World) -> None:
    mei = client(w.mei)
    answer = mei.post("/what-if/grid", data={"once": "c" * 32, "area": "DQ-ST"})
    address = answer.headers["location"]
    assert mei.post(f"{address}/stop").status_code == 303
    assert "stopped" in text(mei.get(address).text)
