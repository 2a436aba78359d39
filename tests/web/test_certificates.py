"""Bo's certificates: made on his phone, checked by who holds the paper, withdrawn, corrected behind it."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from tests.cli.test_commands import hub
from tests.doors import client
from tests.flows import callouts as made
from tests.flows.callouts import Sent, minutes_later
from tests.flows.test_duty import come, go
from tests.web.test_duty_pages import action, text
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.core.errors import Malformed
from volunteer_hub.flows import forget, take_along
from volunteer_hub.incentives import certificates_rules as rules
from volunteer_hub.incentives import ledger
from volunteer_hub.incentives.certificates_rules import Standing
from volunteer_hub.incentives.models import LedgerEntry
from volunteer_hub.volunteers import skills

LATER = 300
YEAR = {"begins": "2031-01-01", "ends": "2031-01-20", "named": "masked"}
MINE = "/api/v1/volunteers/me/certificates"


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from made.at_ten(monkeypatch)


@pytest.fixture
def sent(tx: Tx) -> Sent:
    """Bo, a certified first-aider, is called out and says yes."""
    out = made.coming(tx, helpers=1, crowd=0)
    with transaction(out.world.mei, "volunteer.certify") as mei:
        bo = out.world.bo
        skills.certify(mei, bo, "first_aid", number="FA-7", issuer="Red Cross", issued_on=date(2030, 5, 1))
    return out


@pytest.fixture
def served(tx: Tx, sent: Sent) -> Sent:
    """Bo was on duty from 11:00 to 13:10."""
    come(tx, sent, sent.world.bo)
    go(tx, sent, sent.world.bo, 190)
    return sent


def phone(sent: Sent, **more: Any) -> TestClient:
    return client(Actor("volunteer", sent.world.bo.id), **more)


def printed(pdf: bytes) -> str:
    """The path of the address that the paper's code leads to."""
    found = re.search(rb"/URI \(http[^/]+//[^/]+(/v/[\w-]{22})\)", pdf)
    assert found is not None
    return found[1].decode()


def test_bo_makes_a_certificate_that_shows_no_more_than_he_agreed_to(tx: Tx, served: Sent) -> None:
    with minutes_later(LATER):
        browser = phone(served)
        page = browser.get("/me/certificates").text
        assert "<script" not in page
        where = action(page, "certificates")
        assert browser.post(where, data=YEAR | {"shows": "hours"}).status_code == 303
        assert browser.post(where, data=YEAR | {"shows": ["hours"]}).status_code == 303
        page = browser.get("/me/certificates").text
        [link] = re.findall(r'href="([^"]+/pdf\?language=en)"', page)
        answer = browser.get(link)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
        paper = printed(answer.content)
        assert browser.get(link.replace("=en", "=zh")).content.startswith(b"%PDF")
        seen = text(client().get(paper).text)
    assert "Genuine, and as it was issued." in seen
    assert "B*" in seen
    assert "Bo " not in seen
    assert "Volunteer time: 2 h 10 min." in seen
    assert "Sandbags" not in seen
    with minutes_later(LATER):
        browser.post(where, data=YEAR | {"named": "full", "shows": ["hours", "duties"]})
        newest = browser.get(MINE).json()[0]
        seen = text(client(lang="zh").get(newest["address"].removeprefix("http://127.0.0.1:8000")).text)
    assert "真实有效" in seen
    assert "Bo" in seen
    assert "Sandbags at the east gate" in seen


def test_a_correction_behind_it_and_its_holder_both_show_on_the_page_at_once(tx: Tx, served: Sent) -> None:
    with minutes_later(LATER):
        api = phone(served)
        issued = api.post(MINE, json={"begins": "2031-01-01", "ends": "2031-01-20", "hours": True}).json()
        code = issued["address"].rsplit("/", maxsplit=1)[-1]
        check = f"/api/v1/certificates/{code}"
        first = client().get(check).json()
        assert (first["standing"], first["shown"]["hours"]["counted"]) == ("valid", 130)
        assert first["digest"] == issued["digest"]
        entry = tx.exec(select(LedgerEntry).where(LedgerEntry.kind == "duty")).first()
        assert entry is not None
        with transaction(served.world.mei, "points.reverse") as mei:
            ledger.reverse(mei, mei.merge(entry), "It was Lin.")
        changed = client().get(check).json()
        assert (changed["standing"], changed["shown"]["hours"]["counted"]) == ("changed", 130)
        assert "figures have changed since" in text(client().get(f"/v/{code}").text)
        assert api.delete(f"{MINE}/{issued['id']}").status_code == 204
        gone = client().get(check).json()
        assert (gone["standing"], gone["shown"]) == ("withdrawn", None)
        assert api.get(f"{MINE}/{issued['id']}/pdf").status_code == 409
        lin = client(Actor("volunteer", served.world.lin.id))
        assert lin.get(f"{MINE}/{issued['id']}/pdf").status_code == 404
        assert client().get("/api/v1/certificates/nonsense").status_code == 404
        assert "We have not issued this." in text(client().get("/v/nonsense").text)
        refused = api.post(MINE, json={"begins": "2031-01-01", "ends": "2031-01-21"})
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "certificate.future")


def test_the_letter_for_an_employer_takes_one_tap_before_and_after_the_duty(tx: Tx, sent: Sent) -> None:
    card = f"/c/{sent.token(tx, sent.world.bo)}"
    browser = client()
    letter = browser.post(action(browser.get(f"{card}/duty").text, "letter"))
    assert letter.headers["content-type"] == "application/pdf"
    before = printed(letter.content)
    assert printed(browser.post(f"{card}/duty/letter").content) == before
    seen = text(browser.get(before).text)
    assert "2031-01-20 11:00 – 15:00" in seen
    assert "Sandbags" not in seen
    come(tx, sent, sent.world.bo)
    go(tx, sent, sent.world.bo, 190)
    after = printed(browser.post(f"{card}/duty/letter").content)
    assert after != before
    assert "2031-01-20 11:00 – 13:10" in text(browser.get(after).text)
    assert "as it was issued" in text(browser.get(before).text)
    lin = f"/c/{sent.token(tx, sent.world.lin)}"
    client().post(f"{lin}/withdraw", data={"reason": "busy"})
    assert browser.post(f"{lin}/duty/letter").status_code == 409
    assert browser.post("/c/nonsense/duty/letter").status_code == 404
    own = phone(sent).post(f"{MINE}/absence", json={"offer": str(sent.offer(tx, sent.world.bo).public_id)})
    assert (own.status_code, own.json()["address"].endswith(after)) == (201, True)


def test_a_clerk_issues_it_for_who_asks_and_an_engineer_by_command(
    tx: Tx, served: Sent, tmp_path: Path
) -> None:
    body = {"begins": "2031-01-20", "ends": "2031-01-20", "duties": True}
    with minutes_later(LATER):
        path = f"/api/v1/volunteers/{served.world.bo.public_id}/certificates"
        issued = client(served.world.mei).post(path, json=body)
        assert issued.status_code == 201, issued.text
        out = tmp_path / "bo.pdf"
        named = ("--begins", "2031-01-20", "--ends", "2031-01-20", "--out", str(out), "--lang", "en")
        said = hub("certificate", "issue", str(served.world.bo.public_id), *named, "--duties")
        assert said.returncode == 0, said.stderr
        assert issued.json()["address"] in said.stdout
        assert printed(out.read_bytes()) in issued.json()["address"]
        assert "Genuine" in hub("certificate", "check", issued.json()["address"]).stdout
        assert "is withdrawn" in hub("certificate", "withdraw", issued.json()["address"]).stdout


def test_whoever_is_forgotten_takes_the_words_along_and_leaves_no_genuine_paper(tx: Tx, served: Sent) -> None:
    bo = served.world.bo
    with minutes_later(LATER):
        issued = phone(served).post(MINE, json={"begins": "2031-01-01", "ends": "2031-01-20"}).json()
        with transaction(Actor("volunteer", bo.id), "me.erase") as own:
            [kept] = take_along.everything(own, bo.id)["certificates"]
            assert kept["content"]["figures"]["counted"] == 130
            assert kept["content"]["training"][0]["issuer"] == "Red Cross"
            forget.own(own, bo.id)
        code = issued["address"].rsplit("/", maxsplit=1)[-1]
        assert client().get(f"/api/v1/certificates/{code}").json()["standing"] == "withdrawn"


def test_a_period_has_days_that_have_been_and_figures_decide_the_standing() -> None:
    day = date(2031, 1, 20)
    rules.check_period(day, day, day)
    with pytest.raises(Malformed, match=r"certificate\.period"):
        rules.check_period(day, date(2031, 1, 19), day)
    with pytest.raises(Malformed, match=r"certificate\.early"):
        rules.check_period(date(1, 1, 1), day, day)
    same = {"a": 1, "b": [2]}
    assert rules.standing(withdrawn=True, figures=same, today=same) is Standing.WITHDRAWN
    assert rules.standing(withdrawn=False, figures=same, today={"b": [2], "a": 1}) is Standing.VALID
    assert rules.standing(withdrawn=False, figures=same, today={"a": 2, "b": [2]}) is Standing.CHANGED
    assert len(rules.digest(rules.canonical(same))) == 32
