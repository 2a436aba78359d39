"""People and communities of the month: by the share given of what was asked, named only if they like."""

from collections.abc import Iterator
from datetime import date

import pytest

from tests import people
from tests.doors import client
from tests.flows import callouts as made
from tests.flows.callouts import minutes_later
from tests.flows.test_duty import come, go
from tests.web.test_duty_pages import text
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Malformed
from volunteer_hub.flows import take_along
from volunteer_hub.incentives import recognition_rules as rules
from volunteer_hub.incentives.recognition_policy import Recognition
from volunteer_hub.incentives.recognition_rules import Given

API = "/api/v1/recognition?area=DQ-ST&month=2031-01"
NEXT_MONTH = 31 * 24 * 60


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from made.at_ten(monkeypatch)


def test_who_was_asked_little_and_gave_it_all_stands_before_who_gave_much_of_more() -> None:
    stated = Recognition(people=2, communities=1, least_hours=2, least_offers=1)
    found = {
        1: Given(180, 180, 1),
        2: Given(2000, 4000, 20),
        3: Given(600, 240, 2),  # stayed longer than asked: all of it, and no more
        4: Given(60, 60, 1),  # too little to be ranked
        5: Given(180, 180, 3),
    }
    assert [one.who for one in rules.people(found, stated)] == [3, 1, 5]  # level with the last is in
    homes = {"/1/": Given(90, 100, 2), "/2/": Given(500, 1000, 9), "/3/": Given(0, 60, 1)}
    assert [one.who for one in rules.communities(homes, stated)] == ["/1/"]
    assert Given(0, 0, 0).per_mille == 0
    teams = {1: Given(300, 300, 4), 2: Given(900, 900, 2), 3: Given(60, 60, 3), 4: Given(400, 800, 8)}
    chosen = rules.teams(teams, {1: 4, 2: 2, 3: 3, 4: 8}, Recognition())
    assert [one.who for one in chosen] == [1, 4]  # two are no team, an hour is too little


def test_months_are_those_that_have_ended() -> None:
    today = date(2031, 1, 20)
    assert rules.month("", today) == rules.month("2030-12", today) == date(2030, 12, 1)
    assert rules.following(date(2030, 12, 1)) == date(2031, 1, 1)
    for wrong in ("2031-01", "2031-13", "soon", "0001-01"):
        with pytest.raises(Malformed):
            rules.month(wrong, today)


def test_bo_is_recognised_with_the_rule_beside_it_until_he_does_not_want_to_be_named(tx: Tx) -> None:
    sent = made.coming(tx, helpers=3, crowd=3)
    bo, lin = sent.world.bo, sent.world.lin
    for person, until in ((bo, 300), (lin, 200)):
        come(tx, sent, person)
        go(tx, sent, person, until)
    with minutes_later(NEXT_MONTH):
        desk, phone = client(sent.world.mei), client(Actor("volunteer", bo.id))
        found = desk.get(API).json()
        told = [(one["name"], one["given"], one["asked"], one["share"]) for one in found["people"]]
        assert told == [("Bo", 240, 240, 1.0), ("Lin", 140, 240, 0.583)]
        [team] = found["teams"]
        assert (team["people"], team["given"], team["asked"], team["area"]) == (4, 380, 960, "Sartu")
        [home] = found["communities"]
        assert (home["area"], home["given"], home["asked"]) == ("Dongfeng", 380, 240 * 4)
        page = phone.get("/me/recognition?month=2031-01").text
        assert "<script" not in page
        assert f"{team['task']} · {team['incident']}" in text(page)
        assert "First duty Given for your first duty, on" in text(page)
        assert "month in a row" not in text(page)  # one is no row
        assert "Bo" in text(page)
        assert "not by how many hours somebody has free" in text(page)
        assert phone.post("/me/recognition/named", data={}).status_code == 303
        for seen in (
            desk.get("/recognition?area=DQ-ST&month=2031-01").text,
            phone.get("/me/recognition").text,
        ):
            assert "Somebody who does not want to be named" in text(seen)
            assert "Bo ·" not in text(seen)
        assert desk.get(API).json()["people"][0]["name"] is None
        assert phone.put("/api/v1/volunteers/me/named", json={"named": True}).status_code == 204
        assert desk.get(API).json()["people"][0]["name"] == "Bo"
        mine = phone.get("/api/v1/volunteers/me/badges").json()
        assert ([one["code"] for one in mine["badges"]], mine["months"]) == (["first_duty"], 1)
        assert mine["badges"][0]["why"] == "Given for your first duty, on 2031-01-20."
        assert [one["code"] for one in take_along.everything(tx, bo.id)["badges"]] == ["first_duty"]
        assert client(people.kai(tx)).get(API).status_code == 404
        assert desk.get(f"{API}9").status_code == 422
