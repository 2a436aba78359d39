"""Drill plans as Mei keeps them: listed with their dates, made, changed, paused, held now."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import select

from tests import people
from tests.doors import client
from tests.flows import callouts
from tests.web.test_duty_pages import text
from tests.world import World, world
from volunteer_hub.core import clock, policy
from volunteer_hub.core.db import Tx
from volunteer_hub.drills import record as records
from volunteer_hub.drills import results
from volunteer_hub.drills.models import DrillRun
from volunteer_hub.drills.policy import Drills
from volunteer_hub.drills.record import Called
from volunteer_hub.flows import respond

NOW = datetime(2031, 9, 22, 2, 0, tzinfo=UTC)
PLAN = {
    "area": "DQ-ST",
    "title": "Wednesday check",
    "hazard": "flood",
    "rule": "0 10 * * 3",
    "kind": "reachability",
    "notice": "none",
    "misfire": "skip",
    "share_percent": "50",
    "answer_minutes": "30",
}


@pytest.fixture(autouse=True)
def _a_monday() -> Iterator[None]:
    with clock.fixed(NOW):
        yield


@pytest.fixture
def w(tx: Tx) -> World:
    return world(tx, crowd=3)


def test_an_empty_list_teaches_the_first_step(w: World) -> None:
    page = client(w.mei).get("/drills").text
    assert "No drill plans yet" in page
    assert 'href="/drills/new"' in page


def test_a_plan_is_made_from_a_template_and_listed_with_its_next_five_dates(w: World) -> None:
    mei = client(w.mei)
    form = mei.get("/drills/new", params={"template": "monthly_reachability"}).text
    assert 'value="FREQ=MONTHLY;BYDAY=2TU;BYHOUR=10;BYMINUTE=0"' in form
    made = mei.post("/drills/new", data=PLAN)
    assert made.status_code == 303, made.text
    listed = text(mei.get("/drills").text)
    assert re.findall(r"Wed \d+ \w+ 2031 10:00", listed) == [
        "Wed 24 Sept 2031 10:00",
        "Wed 1 Oct 2031 10:00",
        "Wed 8 Oct 2031 10:00",
        "Wed 15 Oct 2031 10:00",
        "Wed 22 Oct 2031 10:00",
    ]
    assert "(not held: National Day)" in listed
    assert text(mei.get(made.headers["location"]).text).count("Wednesday check") >= 1


def test_a_rule_that_cannot_be_stands_beside_its_field_with_all_that_was_typed(w: World) -> None:
    mei = client(w.mei)
    wrong = mei.post("/drills/new", data=PLAN | {"rule": "every <now> and then", "share_percent": "500"})
    assert wrong.status_code == 422
    assert "The share is a whole per cent from 1 to 100." in text(wrong.text)
    assert 'value="every &lt;now&gt; and then"' in wrong.text
    assert 'value="Wednesday check"' in wrong.text


def test_a_form_sent_twice_makes_one_plan(w: World) -> None:
    mei = client(w.mei)
    key = re.search(r'name="once" value="([^"]+)"', mei.get("/drills/new").text)
    assert key is not None
    first, second = (mei.post("/drills/new", data=PLAN | {"once": key[1]}) for _ in range(2))
    assert first.headers["location"] == second.headers["location"]


def test_a_plan_is_changed_paused_and_resumed_and_a_stale_editor_is_told(w: World) -> None:
    mei = client(w.mei)
    where = mei.post("/drills/new", data=PLAN).headers["location"]
    changed = PLAN | {"version": "1", "title": "Thursday check", "rule": "0 10 * * 4"}
    assert mei.post(f"{where}/edit", data=changed).status_code == 303
    stale = mei.post(f"{where}/edit", data=changed | {"title": "Friday check"})
    assert (stale.status_code, "Friday check" in stale.text) == (412, True)
    assert mei.post(f"{where}/pause", data={"version": "2"}).status_code == 303
    paused = text(mei.get(where).text)
    assert "Thursday check" in paused
    assert "None: the plan is paused" in paused
    mei.post(f"{where}/resume", data={"version": "3"})
    assert "Thu 25 Sept 2031 10:00" in text(mei.get(where).text)


def test_a_drill_held_now_stands_in_the_results_with_its_incident(w: World) -> None:
    mei = client(w.mei)
    where = mei.post("/drills/new", data=PLAN).headers["location"]
    assert mei.post(f"{where}/run", data={"once": "a"}).status_code == 303
    assert mei.post(f"{where}/run", data={"once": "a"}).status_code == 303
    page = mei.get(where).text
    assert text(page).count("Being held now") == 1
    record = re.search(r'href="(/drills/[0-9a-f-]{36}/runs/[0-9a-f-]{36})"', page)
    assert record is not None
    shown = mei.get(record[1]).text
    assert "The figures stand here when its time is over." in shown
    incident = re.search(r'href="(/incidents/[0-9a-f-]{36})"', shown)
    assert incident is not None
    assert 'class="band band-drill"' in mei.get(incident[1]).text


def test_the_record_of_a_drill_is_shown_by_group_and_taken_along_as_a_file(tx: Tx, w: World) -> None:
    mei = client(w.mei)
    where = mei.post("/drills/new", data=PLAN).headers["location"]
    mei.post(f"{where}/run", data={"once": "a"})
    run = tx.exec(select(DrillRun)).one()
    called = [
        Called(
            w.bo.area, ("driver",), "sms", NOW, NOW + timedelta(minutes=3), accepted=True, assembled=False
        ),
        Called(w.lin.area, (), None, NOW, None, accepted=False, assembled=False),
    ]
    shown = records.of(called, (5, 15, 30, 60), ZoneInfo("Asia/Shanghai"))
    results.record(tx, run, shown, policy.load("drills", Drills))
    record = f"{where}/runs/{run.public_id}"
    shown_page = mei.get(record).text
    assert re.search(r'href="/incidents/[0-9a-f-]{36}/report"', shown_page)
    page = text(shown_page)
    assert "100 % of those reached had answered within 60 minutes." in page
    assert "Nothing reached them" in page
    rows = mei.get(f"{record}/figures.csv").text.removeprefix("\ufeff").splitlines()
    assert rows[0].startswith("By,Which,Called,Reached,Answered")
    assert "By channel,SMS,1,1,1,1,0,1,1,1,1" in rows
    assert client(people.kai(tx)).get(record).status_code == 404


def test_a_drill_with_nobody_to_call_says_so(tx: Tx) -> None:
    mei = client(people.mei(tx))
    where = mei.post("/drills/new", data=PLAN).headers["location"]
    answer = mei.post(f"{where}/run", data={"once": "a"})
    assert answer.status_code == 409
    assert "Nobody can be called to this drill now" in text(answer.text)


def test_another_district_finds_no_plan(tx: Tx, w: World) -> None:
    where = client(w.mei).post("/drills/new", data=PLAN).headers["location"]
    kai = client(people.kai(tx))
    assert [kai.get(path).status_code for path in (where, f"{where}/edit")] == [404, 404]
    assert kai.post("/drills/new", data=PLAN).status_code == 404
    assert "Wednesday check" not in kai.get("/drills").text


def test_the_promise_is_measured_over_callouts_beside_the_phone_tree(tx: Tx) -> None:
    out = callouts.sent(tx)
    mei = client(out.world.mei)
    for person in (out.world.bo, out.world.lin):
        callouts.answer(respond.accept, out.token(tx, person))
    measured = mei.get("/api/v1/promise").json()
    assert (measured["everywhere"]["callouts"], [area["drills"] for area in measured["areas"]]) == (1, [0])
    page = text(mei.get("/promise").text)
    assert "The first message within 60 seconds of declaring" in page
    assert client(people.kai(tx)).get("/api/v1/promise").json()["areas"] == []
