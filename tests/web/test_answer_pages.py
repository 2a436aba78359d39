"""What was learned of how people answer, through every door: page, file, API, command."""

from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from tests.doors import client
from tests.flows.callouts import Sent, answer, at_ten, minutes_later, sent
from tests.flows.test_calibrate import handed_over, swept
from tests.people import kai
from tests.web.test_duty_pages import text
from volunteer_hub.cli.answers import answers as commands
from volunteer_hub.core.db import Tx
from volunteer_hub.flows import respond


@pytest.fixture(autouse=True)
def ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    yield from at_ten(monkeypatch)


@pytest.fixture
def taught(tx: Tx) -> Iterator[Sent]:
    """Of ten asked three said yes; it is the next day."""
    out = sent(tx, helpers=9)
    handed_over(tx)
    with minutes_later(4):
        for person in (out.world.lin, *out.world.crowd[:2]):
            answer(respond.accept, out.token(tx, person))
    swept(13 * 60)
    with minutes_later(24 * 60):
        yield out


def test_before_anything_is_learned_the_page_says_so(tx: Tx) -> None:
    out = sent(tx, helpers=2)
    mei = client(out.world.mei)
    assert "assumed, not measured here" in text(mei.get("/drills/answers").text)
    file = text(mei.get(f"/volunteers/{out.world.lin.public_id}").text)
    assert "Never asked yet; in Dongfeng" in file
    assert "Assumed, not measured here." in file


def test_the_page_tells_what_was_said_before_against_what_came(tx: Tx, taught: Sent) -> None:
    mei = client(taught.world.mei)
    page = text(mei.get("/drills/answers").text)
    assert "learned from 10 questions (callouts: 1)" in page
    lines = " ".join(page.split())
    assert "E-mail · by day · Real 24% 25% 8 Mostly assumed still" in lines
    assert "20% – 30% 10 24% 30%" in lines
    assert "应答模型" in client(taught.world.mei, lang="zh").get("/drills/answers").text
    rows = mei.get("/drills/answers.csv").text.splitlines()
    assert rows[1] == "0.2,0.3,As believed when asked,10.0,0.24,0.3"


def test_machines_read_versions_scores_and_a_person_in_their_areas_only(tx: Tx, taught: Sent) -> None:
    mei, at = client(taught.world.mei), "/api/v1"
    listed = mei.get(f"{at}/answer-model").json()["items"]
    assert [(one["anew"], one["asks"]) for one in listed] == [(True, 10), (False, 10)]
    scores = mei.get(f"{at}/answer-model/calibration").json()
    assert scores["said"]["brier"] == pytest.approx((3 * 0.76**2 + 7 * 0.24**2) / 10, abs=1e-4)
    assert scores["said"]["error"] == pytest.approx(0.06, abs=1e-4)
    assert [one["observed"] for one in scores["callouts"]] == [pytest.approx(0.3)]
    lin = f"{at}/volunteers/{taught.world.lin.public_id}/answers"
    told = mei.get(lin).json()
    assert (told["asked"], told["yes"], told["channel"]) == (1, 1, "email")
    assert told["sentence"].startswith("Asked 1 time since 2031-01, 1 yes; in Dongfeng")
    assert told["sentence"].endswith("than on what was measured here.")
    day = told["ways"][0]
    assert day["low"] < day["area"] < day["chance"] < day["high"]
    other = client(kai(tx))
    assert other.get(lin).status_code == 404
    assert other.get(f"{at}/answer-model/calibration").json()["said"]["asks"] == 0


def test_the_command_refreshes_and_shows(tx: Tx) -> None:
    out = sent(tx, helpers=3)
    handed_over(tx)
    with minutes_later(13 * 60):
        for offer_of in (out.world.lin, out.world.bo):
            out.offer(tx, offer_of)
        swept(13 * 60)
        told = CliRunner().invoke(commands, ["refresh", "--anew"]).output
        assert "learned from 4 questions (callouts: 1)" in told
        shown = CliRunner().invoke(commands, ["show", "--as", "mei@example.org"]).output
    assert "As believed when asked: 4 questions, Brier 0.058" in shown
