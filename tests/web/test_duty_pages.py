"""Coming, going, the day and the questions afterwards, by plain forms."""

import re
from collections.abc import Iterator
from html import unescape

import pytest

from tests import people
from tests.doors import client
from tests.flows import callouts as made
from tests.flows.callouts import Sent, minutes_later
from volunteer_hub.core import policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.feedback import surveys
from volunteer_hub.feedback.policy import Surveys
from volunteer_hub.feedback.rules import Form, Kind
from volunteer_hub.flows import close, respond
from volunteer_hub.incidents import rules as incidents
from volunteer_hub.incidents.models import Incident
from volunteer_hub.mobilization import places


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from made.at_ten(monkeypatch)


@pytest.fixture
def sent(tx: Tx) -> Sent:
    sent = made.sent(tx)
    for person in (sent.world.bo, sent.world.lin):
        made.answer(respond.accept, sent.token(tx, person))
    return sent


def text(page: str) -> str:
    """What a reader sees of a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def action(page: str) -> str:
    """Where the page's one form goes."""
    found = re.findall(r'<form[^>]* action="([^"]+)"', page)
    assert len(found) == 1
    return str(found[0])


def test_bo_comes_and_goes_from_his_card_without_account_or_script(tx: Tx, sent: Sent) -> None:
    browser, card = client(), f"/c/{sent.token(tx, sent.world.bo)}"
    code = places.duty_code(sent.offer(tx, sent.world.bo))
    assert f'href="{card}/duty"' in browser.get(card).text
    with minutes_later(60):
        page = browser.get(f"{card}/duty").text
        assert "<script" not in page
        assert "I'm here: check in" in text(page)
        where = action(page)
        assert browser.post(where, data={"code": code}).headers["location"] == f"{card}/duty"
    with minutes_later(190):
        page = browser.get(f"{card}/duty").text
        assert "On site since 11:00." in text(page)
        assert "I'm leaving: check out" in text(page)
        browser.post(action(page), data={"code": code})
        ended = text(browser.get(f"{card}/duty").text)
    assert "2 h 10 min" in ended
    assert "20 points" in ended
    assert "Whole hours on duty: 2 × 10 = 20" in ended


def test_a_wrong_code_keeps_what_was_typed_and_says_what_to_do(tx: Tx, sent: Sent) -> None:
    card = f"/c/{sent.token(tx, sent.world.bo)}"
    answer = client().post(f"{card}/duty/check-in", data={"code": "12345<b>"})
    assert answer.status_code == 409
    assert "That code does not belong to this duty." in text(answer.text)
    assert 'value="12345&lt;b&gt;"' in answer.text


def test_a_link_that_was_never_given_out_and_one_without_a_yes_say_so(tx: Tx, sent: Sent) -> None:
    assert client().get("/c/nobodys/duty").status_code == 404
    silent = client().get(f"/c/{sent.token(tx, sent.world.crowd[0])}/duty")
    assert "There is nothing to check in to." in text(silent.text)


def test_the_day_shows_what_waits_what_is_promised_and_what_was_earned(tx: Tx, sent: Sent) -> None:
    other = client(Actor("volunteer", sent.world.crowd[0].id))
    asked = text(other.get("/today").text)
    assert "Can you come?" in asked
    bo = client(Actor("volunteer", sent.world.bo.id))
    page = bo.get("/today").text
    assert "You are expected" in text(page)
    assert f"/c/{sent.token(tx, sent.world.bo)}/duty" in page
    assert "0 points" in text(page)
    assert client(people.mei(tx)).get("/today").status_code == 403
    assert client().get("/today").headers["location"].startswith("/login")


def test_questions_are_answered_once_and_what_is_missing_is_named(tx: Tx, sent: Sent) -> None:
    bo = sent.world.bo
    asked = policy.load("surveys", Surveys)
    incident = sent.world.incident
    [survey] = surveys.open_for(tx, incident.id, incident.area, [bo.id], asked, kind=Kind.REAL)
    browser, path = client(), f"/s/{surveys.token(survey.public_id)}"
    missing = browser.post(path, data={"overall": "4", "missing": "Light & gloves"})
    assert missing.status_code == 422
    assert "Please answer this question." in text(missing.text)
    assert "Light &amp; gloves</textarea>" in missing.text
    assert re.search(r'name="overall" value="4" checked', missing.text)
    sent_off = browser.post(path, data={"overall": "4", "safe": "yes", "missing": "Light & gloves"})
    assert (sent_off.status_code, sent_off.headers["location"]) == (303, path)
    assert "3 points for answering; you now have 3." in text(browser.get(path).text)


def test_a_survey_after_a_drill_says_drill_first_and_one_after_a_real_duty_alarms_nobody(
    tx: Tx, sent: Sent
) -> None:
    incident, asked = sent.world.incident, policy.load("surveys", Surveys)
    ids = [sent.world.bo.id]
    [real] = surveys.open_for(tx, incident.id, incident.area, ids, asked, kind=Kind.REAL)
    [drill] = surveys.open_for(tx, incident.id, incident.area, ids, asked, kind=Kind.DRILL, form=Form.DRILL)
    pages = [client().get(f"/s/{surveys.token(one.public_id)}").text for one in (real, drill)]
    assert ['class="band band-drill"' in page for page in pages] == [False, True]
    assert ['class="band band-real"' in page for page in pages] == [False, False]


def test_whoever_wants_no_more_of_it_is_reminded_no_more(tx: Tx, sent: Sent) -> None:
    incident, asked = sent.world.incident, policy.load("surveys", Surveys)
    [survey] = surveys.open_for(tx, incident.id, incident.area, [sent.world.bo.id], asked, kind=Kind.REAL)
    browser, path = client(), f"/s/{surveys.token(survey.public_id)}"
    browser.post(f"{path}/stop")
    assert "You are asked no more about this." in text(browser.get(path).text)
    assert browser.post(path, data={"overall": "4", "safe": "yes"}).status_code == 410
    assert client().get("/s/nobodys").status_code == 404


def test_after_the_close_the_day_asks_how_it_was(tx: Tx, sent: Sent) -> None:
    card = f"/c/{sent.token(tx, sent.world.bo)}"
    code = places.duty_code(sent.offer(tx, sent.world.bo))
    with minutes_later(60):
        client().post(f"{card}/duty/check-in", data={"code": code})
    with minutes_later(200), transaction(sent.world.mei, "incident.close") as mei:
        incident = mei.get_one(Incident, sent.world.incident.id)
        close.close(mei, incident)
        assert incident.state is incidents.State.CLOSED
    with minutes_later(201):
        page = text(client(Actor("volunteer", sent.world.bo.id)).get("/today").text)
    assert "How was it?" in page
    assert "20 points" in page
