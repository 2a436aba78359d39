"""Joining, signing in by code and one's own data, as pages without a script."""

import re
from collections.abc import Iterator

import pytest
from httpx2 import Response
from sqlmodel import col, select

from tests import people
from tests.doors import client
from tests.world import person
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.settings import settings
from volunteer_hub.flows import codes
from volunteer_hub.notify.models import Message
from volunteer_hub.volunteers import registry
from volunteer_hub.volunteers.models import Consent, Volunteer
from volunteer_hub.volunteers.rules import Status

PHONE = "13912345678"


@pytest.fixture
def sms(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("HUB_SMS_URL", "https://a:b@sms.example/Messages.json?From=1")
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


def code(tx: Tx) -> str:
    message = tx.exec(select(Message).order_by(col(Message.id).desc())).first()
    assert message is not None
    return str(codes.opened(tx, message)["code"])


def words(answer: Response) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", answer.text).split())


DETAILS = {
    "name": "Lin <script>alert(1)</script>",
    "birthday": "2000-02-29",
    "community": "DQ-ST-001",
    "skills": ["first_aid", "driver.car"],
    "how": "member",
    "consent": ["mobilization", "messages", "position"],
}


def test_lin_joins_in_three_steps_and_a_clerk_approves_her(tx: Tx, sms: None) -> None:
    wen = people.wen(tx)
    lin = client()
    first = lin.get("/join", params={"community": "DQ-ST-001"})
    assert "You are joining in Dongfeng." in words(first)
    assert "E-mail" not in words(first)
    assert (
        lin.post("/join", data={"phone": PHONE, "community": "DQ-ST-001"}).headers["location"]
        == "/join/check"
    )
    assert "+8613912345678" in lin.get("/join/check").text
    wrong = lin.post("/join/check", data={"code": "abc"})
    assert (wrong.status_code, "This code is not right" in wrong.text) == (422, True)
    assert lin.post("/join/check", data={"code": code(tx)}).headers["location"] == "/join/details"
    page = lin.get("/join/details").text
    assert '<option value="DQ-ST-001" selected>Dongfeng</option>' in page
    again = lin.post("/join/details", data=DETAILS | {"consent": ["messages"], "birthday": ""})
    assert again.status_code == 422
    assert "Lin &lt;script&gt;" in again.text
    assert "Without this consent nobody can be in the pool." in words(again)
    done = lin.post("/join/details", data=DETAILS)
    assert done.headers["location"] == "/join/done?state=applied"
    row = tx.exec(select(Volunteer)).one()
    assert (row.status, row.name, row.lang) == (Status.APPLIED, DETAILS["name"], "en")
    given = tx.exec(select(Consent.purpose).where(col(Consent.volunteer_id) == row.id)).all()
    assert sorted(given) == ["messages", "mobilization", "position"]
    clerk = client(wen)
    waiting = clerk.get("/volunteers", params={"status": "applied"})
    assert f"/volunteers/{row.public_id}" in waiting.text
    assert "<script>alert" not in waiting.text
    assert clerk.post(f"/volunteers/{row.public_id}/approve").status_code == 303
    tx.refresh(row)
    assert row.status is Status.ACTIVE


def test_a_light_pledge_needs_something_to_be_called_for(tx: Tx, sms: None) -> None:
    people.mei(tx)
    lin = client()
    lin.post("/join", data={"phone": PHONE})
    lin.post("/join/check", data={"code": code(tx)})
    nothing = lin.post("/join/details", data=DETAILS | {"how": "pledge", "skills": []})
    assert (nothing.status_code, "Tick at least one thing" in nothing.text) == (422, True)
    done = lin.post("/join/details", data=DETAILS | {"how": "pledge", "skills": ["first_aid"]})
    assert done.headers["location"] == "/join/done?state=pledged"
    assert tx.exec(select(Volunteer.pledge_for)).one() == ["first_aid"]


def test_steps_cannot_be_skipped_and_a_guessed_proof_is_worth_nothing(tx: Tx, sms: None) -> None:
    people.mei(tx)
    guest = client()
    assert guest.get("/join/check").headers["location"] == "/join"
    assert guest.get("/join/details").headers["location"] == "/join"
    guest.cookies.set("hub_join", "eyJwaG9uZSI6IisiLCJwcm9vZiI6Imd1ZXNzZWQifQ==", path="/join")
    answer = guest.post("/join/details", data=DETAILS)
    assert answer.status_code == 422
    assert tx.exec(select(Volunteer)).all() == []


def test_without_any_channel_the_page_says_so(rollback: None, tx: Tx) -> None:
    people.mei(tx)
    guest = client(lang="zh")
    refused = guest.post("/join", data={"phone": PHONE})
    assert (refused.status_code, "请同时填写电子邮箱" in refused.text) == (503, True)
    refused = guest.post("/join", data={"phone": PHONE, "email": "lin@example.org"})
    assert "请到社区当面办理" in refused.text


def test_the_poster_leads_to_the_community(tx: Tx) -> None:
    people.mei(tx)
    picture = client().get("/join/qr.svg", params={"community": "DQ-ST-001"})
    assert picture.headers["content-type"] == "image/svg+xml"
    assert picture.text.startswith("<svg")
    assert client().get("/join/qr.svg", params={"community": "nowhere"}).status_code == 404


def bo(tx: Tx) -> Volunteer:
    people.mei(tx)
    return registry.register(tx, person("Bo", 1) | {"phone": PHONE})


def test_bo_signs_in_by_code_and_five_wrong_codes_spend_it(tx: Tx, sms: None) -> None:
    bo(tx)
    browser = client()
    sent = browser.post("/login/code", data={"phone": PHONE, "next": "/me"})
    assert sent.headers["location"] == "/login/code/check?next=%2Fme"
    right = code(tx)
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    answers = [
        browser.post("/login/code/check", data={"code": wrong, "next": "/me"}).status_code for _ in range(5)
    ]
    assert answers == [401] * 5
    assert browser.post("/login/code/check", data={"code": right}).status_code == 401
    browser.post("/login/code", data={"phone": PHONE})
    opened = browser.post("/login/code/check", data={"code": code(tx), "next": "//evil.example"})
    assert opened.headers["location"] == "/"
    assert "Bo" in browser.get("/me").text


def test_a_number_nobody_has_looks_the_same(tx: Tx, sms: None) -> None:
    people.mei(tx)
    browser = client()
    sent = browser.post("/login/code", data={"phone": "13800000009"})
    assert (sent.status_code, sent.headers["location"]) == (303, "/login/code/check?next=%2F")
    assert browser.post("/login/code/check", data={"code": "123456"}).status_code == 401
    assert tx.exec(select(Message)).all() == []


def test_bo_sees_changes_and_takes_along_his_data(tx: Tx) -> None:
    row = bo(tx)
    mine = client(Actor("volunteer", row.id))
    assert "Dongfeng" in mine.get("/me").text
    taken = mine.get("/me/download")
    assert taken.headers["content-disposition"] == 'attachment; filename="my-data.json"'
    assert taken.json()["volunteer"]["phone"] == "+8613912345678"
    assert "As is usual here: every real callout" in mine.get("/me/availability").text
    week = {"cell": ["0", "3"], "quiet_from": "22:00", "quiet_until": "06:30", "wakes_for": "1"}
    assert mine.post("/me/availability", data=week).headers["location"] == "/me"
    tx.refresh(row)
    assert (row.availability, row.quiet_from, row.quiet_until, row.wakes_for) == (0b1001, 1320, 390, 1)
    assert "real callouts of level I only" in mine.get("/me").text
    assert mine.post("/me/availability", data=week | {"wakes_for": "9"}).status_code == 422
    half = mine.post("/me/availability", data=week | {"quiet_until": ""})
    assert half.status_code == 422
    form = {"version": str(row.version), "name": "Bo Li", "language": "zh", "travel_mode": "bicycle"}
    form |= {"email": "bo@new.example", "address": "", "max_km": "5", "skills": ["first_aid"]}
    assert mine.post("/me/correct", data=form).headers["location"] == "/me"
    stale = mine.post("/me/correct", data=form | {"name": "Old tab"})
    assert (stale.status_code, "Someone else changed this" in stale.text) == (412, True)
    tx.refresh(row)
    assert (row.name, row.travel_mode.value, row.fit) == ("Bo Li", "bicycle", False)


def test_bo_pauses_resumes_and_takes_a_consent_back(tx: Tx) -> None:
    row = bo(tx)
    mine = client(Actor("volunteer", row.id))
    assert mine.post("/me/pause", data={"until": "2999-01-01"}).status_code == 303
    assert "Paused until" in mine.get("/me").text
    assert mine.post("/me/resume").status_code == 303
    assert mine.post("/me/pause", data={"until": "2001-01-01"}).status_code == 422
    assert mine.post("/me/consents/messages", data={"give": "yes"}).status_code == 303
    assert mine.post("/me/consents/messages").status_code == 303
    tx.refresh(row)
    assert row.status is Status.PAUSED


def test_bo_erases_himself_after_ticking_the_box(tx: Tx) -> None:
    row = bo(tx)
    mine = client(Actor("volunteer", row.id))
    assert mine.post("/me/erase").status_code == 422
    assert "Your data is gone" in mine.post("/me/erase", data={"sure": "yes"}).text
    tx.refresh(row)
    assert (row.status, row.name, row.phone) == (Status.FORGOTTEN, None, None)
    assert mine.get("/me").status_code == 303
