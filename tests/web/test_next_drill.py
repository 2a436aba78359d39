"""Which drill next: proposed where it teaches most, accepted with one click, nobody disturbed too often."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from tests import people
from tests.doors import client
from tests.flows import callouts
from tests.flows.callouts import NOW
from tests.web.test_duty_pages import text
from tests.world import brought_in, declare, person
from volunteer_hub.core import db
from volunteer_hub.core.db import Tx
from volunteer_hub.incidents.rules import Kind
from volunteer_hub.mobilization import answer_rules, answers

API = "/api/v1/drill-proposals"


@pytest.fixture(autouse=True)
def ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from callouts.at_ten(monkeypatch)


@pytest.fixture
def crowd(tx: Tx) -> None:
    """Twenty people in Dongfeng and in Kaifa each."""
    people.an(tx)
    rows = [person(f"Helper {n}", n, community=f"DQ-{('ST', 'DT')[n % 2]}-001") for n in range(40)]
    brought_in(tx, rows)


def proposed(tx: Tx) -> list[dict[str, Any]]:
    answer = client(people.an(tx)).get(API)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


def answered(tx: Tx, area: int, asks: float) -> None:
    """Two callouts asked so many people of a community by mail, by day, in a drill; half said yes."""
    grown = asks * 2 ** (answer_rules.day(NOW) / 365)
    row = {"area_id": [area], "cell": [answer_rules.cell("email", "day", "drill")]}
    sums = {"asks": [grown], "yes": [grown / 2], "squares": [grown**2 / 2]}
    kinds = {"area_id": "i8", "cell": "i2"}
    nobody = {"volunteer_id": np.zeros(0, "i8"), "cell": np.zeros(0, "i2"), "asks": np.zeros(0, "f4")}
    answers.merge(
        tx,
        nobody | {"yes": np.zeros(0, "f4")},
        {name: np.array(values, kinds.get(name, "f8")) for name, values in (row | sums).items()},
    )


def test_a_community_of_which_less_is_known_is_proposed_first_and_says_why(tx: Tx, crowd: None) -> None:
    assert {one["area"]["code"] for one in proposed(tx)} == {"DQ-ST-001", "DQ-DT-001"}
    answered(tx, 3, 400)
    first, second = proposed(tx)
    assert (first["area"]["code"], second["area"]["code"]) == ("DQ-DT-001", "DQ-ST-001")
    assert first["value"] > second["value"]
    low, high = first["after"]
    assert first["before"][0] < low < first["stated"] < high < first["before"][1]
    assert (first["resting"], first["asks"], first["share_percent"]) == (20, 20, 100)
    assert first["stated"] == pytest.approx(first["need"] / first["chance"])
    said = f"and between {round(low)} and {round(high)} once 20 have been asked in a drill"
    assert said in first["why"]
    assert "no callout for it has been imagined here yet" in first["why"]


def test_what_happens_at_night_is_drilled_at_night(tx: Tx, crowd: None) -> None:
    with db.transaction(people.an(tx), "incident.declare") as mine:
        for _ in range(12):
            declare(mine).started_at = NOW - timedelta(hours=12)  # 22:00 in Daqing
    by_night = proposed(tx)[0]
    assert (by_night["hazard"], by_night["when"], by_night["incidents_a_year"]) == ("flood", "night", 3.25)


def test_a_proposal_becomes_a_drill_plan_with_one_click_and_is_gone(tx: Tx, crowd: None) -> None:
    mei = client(people.mei(tx))
    page = mei.get("/drills").text
    [form] = re.findall(r'action="/drills/next">(.*?)</form>', page, re.S)  # Kaifa is not Mei's
    sent = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
    made = mei.post("/drills/next", data=sent)
    assert made.status_code == 303, made.text
    assert mei.post("/drills/next", data=sent).headers["location"] == made.headers["location"]
    plan = text(mei.get(made.headers["location"]).text)
    assert "Dongfeng" in plan
    assert re.findall(r"\d+ \w+ 2031 \d\d:\d\d", plan)[0] in text(page)
    assert len(re.findall(r"\w+ \d+ \w+ 2031 \d\d:\d\d", plan)) == 1  # held once
    assert "Which drill next" not in mei.get("/drills").text
    late = mei.post("/drills/next", data=sent | {"once": ""})
    assert (late.status_code, "not proposed any more" in late.text) == (409, True)
    assert mei.post(API, json={"area": "DQ-DT-001", "when": "day"}).status_code == 409


def test_nobody_whom_a_drill_disturbed_lately_is_counted(tx: Tx) -> None:
    callouts.sent(tx, kind=Kind.DRILL, crowd=23)  # asks Bo, Lin and nine helpers of twenty-five
    [proposal] = proposed(tx)
    assert (proposal["resting"], proposal["asks"]) == (14, 14)
