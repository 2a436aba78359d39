"""The loop of calm times: a drill shows something, people say why, it is changed, the next drill proves it,
and they hear what was changed because of them."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from tests import people
from tests.api.grown import solve
from tests.doors import client
from tests.stories.test_drill import EVE, planned
from tests.world import brought_in, person
from volunteer_hub.core import clock, db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.settings import settings
from volunteer_hub.drills.models import DrillPlan
from volunteer_hub.drills.rules import Kind
from volunteer_hub.feedback import actions, surveys
from volunteer_hub.feedback.actions_models import Voice
from volunteer_hub.feedback.models import Survey
from volunteer_hub.flows import chase, debrief, drill
from volunteer_hub.incidents.models import Incident
from volunteer_hub.mobilization import offers
from volunteer_hub.mobilization.models import Callout, Offer
from volunteer_hub.notify.models import Message

API = "/api/v1"
WEEK = 7 * 24 * 60
EVIDENCE = {
    "evidence": "The gateway sends twelve a second now.",
    "reference": "https://files.example.org/gateway.pdf",
    "changed": "Messages leave within a minute.",
}


@pytest.fixture
def city(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Twenty people of Dongfeng who can be reached, on a moved clock."""
    monkeypatch.setenv("HUB_SMTP_URL", "smtp://127.0.0.1:9")
    settings.cache_clear()
    db.follow_clock()
    db.move_clock(EVE)
    with db.transaction(SYSTEM, "test.pool") as tx:
        people.mei(tx)
        brought_in(tx, [person(f"Helper {n}", n) for n in range(20)])
    yield
    settings.cache_clear()
    clock.follow(lambda: None)


def mei() -> TestClient:
    """Mei, signed in just now."""
    with db.transaction(SYSTEM, "test.mei") as tx:
        actor = people.mei(tx)
    return client(actor)


def at(minutes: float) -> None:
    db.move_clock(EVE + timedelta(minutes=5 + minutes))


def held(since: float, answers: int) -> Incident:
    """A drill from its hour to its figures, in which so many answer by their links within four minutes."""
    at(since + 0.05)
    assert drill.sweep() == 1
    solve()
    at(since + 0.1)  # the moved clock runs on while a slow machine solves
    assert drill.progress() == 1
    with db.read(SYSTEM) as tx:
        incident = tx.exec(select(Incident).order_by(col(Incident.id).desc())).first()
        assert incident is not None
        callout = select(Callout.id).where(col(Callout.incident_id) == incident.id)
        asked = tx.exec(select(Offer).where(col(Offer.callout_id).in_(callout)).order_by(col(Offer.id))).all()
    at(since + 4)
    for offer in asked[:answers]:
        link = offers.link_token(offer.public_id)
        assert client().post(f"{API}/offers/link/{link}/accept", json={}).status_code == 200
    at(since + 31)
    assert drill.progress() == 1
    return incident


def step(browser: TestClient, action: dict[str, Any], name: str, body: dict[str, Any]) -> dict[str, Any]:
    method = "PUT" if name == "retest" else "POST"
    answer = browser.request(
        method,
        f"{API}/actions/{action['id']}/{name}",
        json=body,
        headers={"if-match": f'"{action["version"]}"'},
    )
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def told() -> list[Message]:
    with db.read(SYSTEM) as tx:
        return list(tx.exec(select(Message).where(col(Message.purpose) == "heard")).all())


def test_what_a_drill_shows_is_changed_proven_by_the_next_and_told_to_who_said_so(city: None) -> None:
    plan_id = planned(Kind.REACHABILITY)
    first = held(0, answers=2)
    at(60)
    with db.read(SYSTEM) as tx:
        asked = tx.exec(select(Survey).order_by(col(Survey.id))).all()
        plan = tx.get_one(DrillPlan, plan_id).public_id
    said = {"clear": "yes", "reached": "later", "missing": "The text came far too late."}
    for survey in asked[:6]:
        link = surveys.token(survey.public_id)
        answered = client().post(f"{API}/surveys/link/{link}/answer", json={"answers": said})
        assert answered.status_code == 200
    browser, there = mei(), f"/incidents/{first.public_id}"
    kept = browser.post(
        f"{there}/debrief",
        data={"version": 1, "plan": "4", "answers": "1", "missing": "Nobody answered in time."},
    )
    assert kept.status_code == 303, kept.text
    report = browser.get(f"{there}/report").text
    assert "6 of 10 answered (60 %)" in report
    assert "The text came far too late." in report
    (raise_it,) = set(re.findall(r'href="(/actions/new\?source=theme[^"]*code=message)"', report))
    found = {"source": "theme", "code": "message", "incident": str(first.public_id)}
    assert browser.get(raise_it.replace("&amp;", "&")).status_code == 200
    words = {"finding": "Six were reached too late.", "title": "Faster texts", "words": "A wider line."}
    page = browser.post("/actions/new", data=found | words).headers["location"]
    action = browser.get(f"{API}{page}").json()
    measure = {"figure": "answered", "at_least": 80}
    action = step(browser, action, "take-up", {})
    action = step(browser, action, "retest", {"drill": str(plan), "measure": measure})
    action = step(browser, action, "close", EVIDENCE)
    assert (action["raised"], action["told"], chase.sweep(), told()) == (6, 0, 0, [])
    held(WEEK, answers=99)
    assert (chase.sweep(), chase.sweep(), debrief.remind()) == (1, 0, 0)
    proven = mei().get(f"{API}{page}").json()
    assert (proven["state"], proven["told"]) == ("proven", 6)
    assert sorted(m.volunteer_id or 0 for m in told()) == sorted(s.volunteer_id for s in asked[:6])
    with db.read(SYSTEM) as tx:
        voice = tx.exec(select(Voice)).first()
        assert voice is not None
    read = client().get(f"/h/{actions.token(voice)}").text
    assert EVIDENCE["changed"] in read
    assert "it held in a later test" in read
    assert mei().get("/actions?show=ended").text.count("Faster texts") == 1
