"""Coming, going, the day and the questions afterwards, by plain forms."""

import re
from collections.abc import Iterator
from html import unescape

import pytest
from sqlmodel import select

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
from volunteer_hub.flows import close, field
from volunteer_hub.incidents import rules as incidents
from volunteer_hub.incidents.models import Incident, Task
from volunteer_hub.mobilization import places
from volunteer_hub.mobilization.field_rules import Harm, Severity
from volunteer_hub.mobilization.models import Injury


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from made.at_ten(monkeypatch)


@pytest.fixture
def sent(tx: Tx) -> Sent:
    return made.coming(tx)


def text(page: str) -> str:
    """What a reader sees of a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def action(page: str, deed: str) -> str:
    """Where the page's form for a deed goes."""
    found = [each for each in re.findall(r'<form[^>]* action="([^"]+)"', page) if each.endswith(f"/{deed}")]
    assert len(found) == 1
    return str(found[0])


def primary(page: str) -> list[str]:
    """The words of the page's primary buttons; what a template holds back is not on the page."""
    shown = re.sub(r"<template.*?</template>", "", page, flags=re.S)
    found = re.findall(r'class="button button-primary[^>]*>(.*?)</(?:button|a)>', shown, re.S)
    return [text(re.sub(r"<svg.*?</svg>", "", each, flags=re.S)) for each in found]


def test_bo_comes_and_goes_from_his_card_without_account_or_script(tx: Tx, sent: Sent) -> None:
    browser, card = client(), f"/c/{sent.token(tx, sent.world.bo)}"
    code = places.duty_code(sent.offer(tx, sent.world.bo))
    assert f'href="{card}/duty"' in browser.get(card).text
    with minutes_later(60):
        page = browser.get(f"{card}/duty").text
        assert re.search(r"<script(?! src=)", page) is None
        assert "I'm here: check in" in text(page)
        where = action(page, "check-in")
        assert browser.post(where, data={"code": code}).headers["location"] == f"{card}/duty"
    with minutes_later(190):
        page = browser.get(f"{card}/duty").text
        assert "On site since 11:00." in text(page)
        assert "I'm leaving: check out" in text(page)
        browser.post(action(page, "check-out"), data={"code": code})
        ended = text(browser.get(f"{card}/duty").text)
    assert "2 h 10 min" in ended
    assert "20 points" in ended
    assert "Whole hours on duty: 2 × 10 = 20" in ended


def test_bo_sets_out_with_one_tap_and_can_say_again_when_he_is_there(tx: Tx, sent: Sent) -> None:
    browser, card = client(), f"/c/{sent.token(tx, sent.world.bo)}"
    with minutes_later(20):
        page = browser.get(f"{card}/duty").text
        assert primary(page) == ["I'm on my way"]
        assert browser.post(action(page, "on-my-way"), data={"minutes": "30"}).status_code == 303
        page = browser.get(f"{card}/duty").text
        assert "On the way, there at 10:50." in text(page)
        assert primary(page) == ["I'm here: check in"]
        browser.post(action(page, "on-my-way"), data={"minutes": "45"})
        assert "On the way, there at 11:05." in text(browser.get(f"{card}/duty").text)
        refused = browser.post(f"{card}/duty/on-my-way", data={"minutes": "soon"})
        assert (refused.status_code, "1440" in text(refused.text)) == (422, True)


def test_on_site_the_link_opens_the_button_i_am_ok_with_the_time_left(tx: Tx, sent: Sent) -> None:
    browser, card = client(), f"/c/{sent.token(tx, sent.world.bo)}"
    with transaction(sent.world.mei, "field.timer") as mei:
        field.set_timer(mei, mei.get_one(Task, sent.task(mei)), 20)
    with minutes_later(60):
        browser.post(f"{card}/duty/check-in", data={"code": places.duty_code(sent.offer(tx, sent.world.bo))})
    with minutes_later(65):
        assert browser.get(card).headers["location"] == f"{card}/duty"
        assert browser.get(f"{card}?stay=1").status_code == 200
        page = browser.get(f"{card}/duty").text
        assert "Say that you are OK by 11:20. 15 minutes left." in text(page)
        assert primary(page) == ["I'm OK"]
        browser.post(action(page, "ok"))
        assert "Say that you are OK by 11:25." in text(browser.get(f"{card}/duty").text)
    with minutes_later(90):
        assert "You were to say by 11:25" in text(browser.get(f"{card}/duty").text)


def test_somebody_on_site_reports_an_injury_and_what_they_typed_is_kept(tx: Tx, sent: Sent) -> None:
    browser, card = client(), f"/c/{sent.token(tx, sent.world.bo)}"
    with minutes_later(60):
        browser.post(f"{card}/duty/check-in", data={"code": places.duty_code(sent.offer(tx, sent.world.bo))})
        where = action(browser.get(f"{card}/duty").text, "injury")
        typed = {"kind": "exposure", "severity": "serious", "words": "", "place": "By the <pump>"}
        missing = browser.post(where, data=typed)
        assert missing.status_code == 422
        assert "Say in a few words what happened." in text(missing.text)
        assert 'value="By the &lt;pump&gt;"' in missing.text
        assert 'value="exposure" selected' in missing.text
        done = browser.post(where, data=typed | {"words": "Smelt gas", "to_me": "yes"})
        assert "Your leader has been told." in text(browser.get(done.headers["location"]).text)
    row = tx.exec(select(Injury)).one()
    assert (row.kind, row.severity, row.volunteer_id, row.words) == (
        Harm.EXPOSURE,
        Severity.SERIOUS,
        sent.world.bo.id,
        "Smelt gas",
    )


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
