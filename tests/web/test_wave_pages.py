"""Waves on the callout's page and by the API: seen with their reasons, held, hurried, widened."""

from collections.abc import Iterator

import pytest

from tests.doors import client
from tests.flows.callouts import Sent, at_ten, sent
from tests.people import kai
from volunteer_hub.core.db import Tx
from volunteer_hub.mobilization import waves
from volunteer_hub.mobilization.models import Callout


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from at_ten(monkeypatch)


@pytest.fixture
def out(tx: Tx) -> Sent:
    return sent(tx, helpers=10, reserves=100, crowd=120)


def address(out: Sent, rest: str = "") -> str:
    return f"/callouts/{out.callout.public_id}{rest}"


def test_the_page_tells_the_forecast_what_it_rests_on_and_why_every_wave_went(tx: Tx, out: Sent) -> None:
    html = client(out.world.mei).get(address(out)).text
    for words in (
        "sure that at least 6 come in time",
        "assumed, not measured here",
        "Wave 1:",
        "As the plan was sent",
        "Hold",
        "Send wave 2 now",
        "Look farther",
    ):
        assert words in html


def test_the_buttons_hold_hurry_widen_and_let_go_on(tx: Tx, out: Sent) -> None:
    mei = client(out.world.mei)
    assert mei.post(address(out, "/hold")).status_code == 303
    assert "Held by Mei" in mei.get(address(out)).text
    assert mei.post(address(out, "/wave"), data={"people": "3"}).status_code == 303
    html = mei.get(address(out)).text
    assert "Wave 2: 3 people asked." in html
    assert "Sent by Mei" in html
    assert mei.post(address(out, "/widen"), data={"km": "60"}).status_code == 303
    assert "People up to 60 km away are being looked for." in mei.get(address(out)).text
    assert mei.post(address(out, "/resume")).status_code == 303
    assert tx.get_one(Callout, out.callout.id, populate_existing=True).held_at is None


def test_what_is_refused_stands_above_the_page(tx: Tx, out: Sent) -> None:
    mei = client(out.world.mei)
    answer = mei.post(address(out, "/widen"), data={"km": "9000"})
    assert (answer.status_code, "Look for people up to 500 km away at most." in answer.text) == (422, True)
    assert waves.widenings(tx, out.callout.id) == []


def test_another_district_finds_no_buttons_to_press(tx: Tx, out: Sent) -> None:
    foreign = client(kai(tx))
    for deed in ("/hold", "/resume", "/wave", "/widen"):
        assert foreign.post(address(out, deed), data={"km": "40"}).status_code == 404


def test_the_api_tells_the_course_and_takes_the_same_deeds(tx: Tx, out: Sent) -> None:
    mei, at = client(out.world.mei), f"/api/v1/callouts/{out.callout.public_id}"
    course = mei.get(f"{at}/course").json()
    assert (course["confidence"], course["held_at"], course["widening"]) == (0.95, None, "")
    assert sorted(one["need"] for one in course["forecast"]) == [1, 6]
    assert [(one["number"], one["source"]) for one in course["waves"]] == [(1, "plan")]
    assert mei.post(f"{at}/hold").json()["held_at"] is not None
    assert mei.post(f"{at}/waves", json={"people": 2}).json()["waves"][-1]["source"] == "person"
    assert mei.post(f"{at}/resume").json()["held_at"] is None
    assert mei.post(f"{at}/widen", json={"km": 40}).status_code == 202
    again = mei.post(f"{at}/widen", json={"km": 40})
    assert (again.status_code, again.json()["code"]) == (409, "callout.widening")
