"""The board from a plan to people coming: asked for, looked at, approved, sent, watched."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from tests import people
from tests.doors import client
from tests.flows.callouts import NOW, answer, at_ten, sent
from tests.web.coordinator import declared, primary, seen_of
from tests.world import World, world
from volunteer_hub.core import clock
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.flows import declare as flow
from volunteer_hub.flows import plan as planning
from volunteer_hub.flows import respond
from volunteer_hub.flows.plan_words import FUNNEL
from volunteer_hub.incidents import logbook
from volunteer_hub.incidents.models import Incident, Task
from volunteer_hub.incidents.rules import Kind, LogKind
from volunteer_hub.mobilization import plans
from volunteer_hub.mobilization.models import PlanRun
from volunteer_hub.volunteers.models import Volunteer


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from at_ten(monkeypatch)


@pytest.fixture
def mei(tx: Tx) -> TestClient:
    return client(people.mei(tx))


def test_a_plan_is_asked_for_once_and_followed(mei: TestClient, tx: Tx):
    board = declared(mei)
    once = {"once": str(uuid.uuid4())}
    for _ in range(2):
        assert mei.post(f"{board}/plan", data=once).headers["location"] == board
    assert len(tx.exec(select(PlanRun)).all()) == 1
    page = mei.get(board).text
    assert "Requested" in page
    assert primary(page) == []
    seen = seen_of(page)
    assert mei.get(f"{board}/parts/plan?seen={seen}").status_code == 204
    assert plans.claim(tx, 60) is not None
    newer = mei.get(f"{board}/parts/plan?seen={seen}")
    assert (newer.status_code, "Being worked out" in newer.text) == (200, True)
    assert mei.get(f"{board}/parts/nothing").status_code == 404


def test_a_callout_that_is_out_shows_who_is_coming_and_lists_behind_counts(tx: Tx):
    out = sent(tx)
    mei = client(out.world.mei)
    page = mei.get(f"/incidents/{out.world.incident.public_id}").text
    assert "The callout is out" in page
    assert "0 yes of 11 asked" in page
    assert f'href="/callouts/{out.callout.public_id}?who=accepted"' in page
    assert "6 short of the minimum" in page
    assert primary(page) == []


def test_the_board_says_when_too_few_come_and_nobody_is_left_to_ask_until_enough_do(tx: Tx):
    out = sent(tx, helpers=8)
    page = f"/incidents/{out.world.incident.public_id}"
    mei = client(out.world.mei)
    with transaction(out.world.mei, "test.gap") as as_mei:
        incident = as_mei.get_one(Incident, out.world.incident.id)
        logbook.record(as_mei, incident, LogKind.CALLOUT, "callout_gap", n=6, title="Sandbags")
    assert "Too few, and nobody left to ask" in mei.get(page).text
    assert primary(mei.get(page).text) == ["Plan again"]
    for person in (out.world.bo, out.world.lin, *out.world.crowd[:7]):
        answer(respond.accept, out.token(tx, person))
    assert "Too few, and nobody left to ask" not in mei.get(page).text
    assert primary(mei.get(page).text) == []


def test_kai_and_a_stranger_see_the_same_nothing(tx: Tx):
    out = sent(tx, helpers=2)
    kai = client(people.kai(tx))
    task = tx.exec(select(Task.public_id)).first()
    for path, known in (
        ("/incidents/{}", out.world.incident.public_id),
        ("/incidents/{}/parts/live", out.world.incident.public_id),
        ("/incidents/{}/tasks/new", out.world.incident.public_id),
        ("/plans/{}", out.plan.public_id),
        ("/tasks/{}", task),
    ):
        answers = [kai.get(path.format(each)) for each in (known, uuid.uuid4())]
        assert [answer.status_code for answer in answers] == [404, 404]
    for path, known in (
        ("/incidents/{}/note", out.world.incident.public_id),
        ("/incidents/{}/plan", out.world.incident.public_id),
        ("/plans/{}/approve", out.plan.public_id),
        ("/plans/{}/send", out.plan.public_id),
        ("/tasks/{}", task),
        ("/tasks/{}/cancel", task),
    ):
        answers = [
            kai.post(path.format(each), data={"do": "save", "text": "x", "reason": "x"})
            for each in (known, uuid.uuid4())
        ]
        assert [answer.status_code for answer in answers] == [404, 404]


def test_the_council_reads_the_board_and_steers_nothing(tx: Tx):
    council = people.council(tx)
    with transaction(people.mei(tx), "incident.declare") as as_mei:
        spec = flow.IncidentSpec(area="/1/2/3/", hazard="flood", lat=46.6, lon=125.1)
        incident = flow.declare(as_mei, spec, only=["boats"])
    page = client(council).get(f"/incidents/{incident.public_id}").text
    assert "Fetch people by boat" in page
    assert "<form" not in page.replace('<form method="post" action="/logout">', "")
    assert (
        client(council).post(f"/incidents/{incident.public_id}/note", data={"text": "x"}).status_code == 403
    )


def pair(slot: int, person: Volunteer) -> dict[str, Any]:
    """A pair of a plan's document, as a planner writes it."""
    facts = {"wave": 1, "km": 1.2, "travel": 60, "fatigue": 0, "night": 0, "why": "nearest", "rank": 1}
    return {"slot": slot, "volunteer": person.id, "of": 12, "served": 0, "better": 0, **facts}


def written(tx: Tx, w: World, *, people_of: int = 4) -> PlanRun:
    """A plan that is ready, with the document of a planner: some helpers and Bo, two helpers short."""
    chosen = [(w.slots[0], person) for person in (w.lin, *w.crowd)[:people_of]] + [(w.slots[1], w.bo)]
    with transaction(w.mei, "plan.request") as as_mei:
        plan = planning.request(as_mei, as_mei.get_one(Incident, w.incident.id), seed=1)
    assert plans.claim(tx, 60) is not None
    gap = {"slot": w.slots[0], "tier": "minimum", "short": 2, "skills": [], "why": "distance"}
    gap |= {"left": [["pool", 20], ["distance", people_of]], "elsewhere": 0, "group": None}
    document = {
        "format": 1,
        "state": "proven",
        "pairs": [pair(*each) for each in chosen],
        "reserves": [],
        "held": [],
        "gaps": [gap],
        "groups": [],
        "figures": {
            "minimum": 7,
            "target": 10,
            "held": 0,
            "short_minimum": 2,
            "short_target": 3,
            "travel": 60,
        },
        "within_percent": 0.0,
        "seconds": {"read": 0.1, "answer": 0.1},
        "funnel": dict.fromkeys(FUNNEL, 20),
    }
    finished = plans.finish(tx, plan.id, document, objective={}, problem_digest="d")
    tx.expunge(finished)
    return finished


def test_the_board_says_who_why_and_what_stays_open_then_approves_and_sends(tx: Tx):
    w = world(tx)
    plan = written(tx, w)
    mei, board = client(w.mei), f"/incidents/{w.incident.public_id}"
    page = mei.get(board).text
    assert primary(page) == ["Approve and send to 5 people"]
    assert "Approve the plan" in page  # the same in two steps
    assert "5 people will be asked." in page
    assert "Proven best" in page
    assert ">Lin</a>" in page
    assert "6 min away. Of the 12 who can come, nobody left out is nearer." in page
    assert "2 short of the minimum" in page
    assert "4 of them live near enough to come" in page
    assert 'name="reason"' not in page.split("Steer the incident")[0]
    assert ">Bo</a>" in mei.get(f"/plans/{plan.public_id}").text
    assert mei.post(f"/plans/{plan.public_id}/send", data={}).status_code == 409
    assert mei.post(f"/plans/{plan.public_id}/approve", data={}).headers["location"] == board
    page = mei.get(board).text
    assert primary(page) == ["Send to 5 people"]
    assert "Approved by Mei" in page
    late = mei.post(f"/plans/{plan.public_id}/send", data={"answer_minutes": "99999"})
    assert (late.status_code, primary(late.text)) == (422, ["Send to 5 people"])
    assert mei.post(f"/plans/{plan.public_id}/send", data={}).headers["location"] == board
    assert "0 yes of 5 asked" in mei.get(board).text
    again = mei.post(f"/plans/{plan.public_id}/send", data={})
    assert (again.status_code, "sent out already" in again.text) == (409, True)


def test_by_day_one_press_approves_and_sends_and_at_night_it_is_refused(tx: Tx):
    w = world(tx)
    mei, board, both = client(w.mei), f"/incidents/{w.incident.public_id}", {"asked": "5"}
    with clock.fixed(NOW - timedelta(hours=8)):
        plan = written(tx, w)
        assert f"{plan.public_id}/send" not in mei.get(board).text
        refused = mei.post(f"/plans/{plan.public_id}/send", data=both)
        assert (refused.status_code, "A second person approves this" in refused.text) == (409, True)
        assert "A second person is still needed" not in mei.get(board).text  # nothing was noted
    page = mei.get(board).text
    assert f'formaction="/plans/{plan.public_id}/send"' in page
    assert client(people.kai(tx)).post(f"/plans/{plan.public_id}/send", data=both).status_code == 404
    assert mei.post(f"/plans/{plan.public_id}/send", data={"asked": "4"}).headers["location"] == board
    assert primary(mei.get(board).text) == ["Send to 5 people"]  # approved alone: four were told of
    other = written(tx, w)
    assert mei.post(f"/plans/{other.public_id}/send", data=both).headers["location"] == board
    assert "0 yes of 5 asked" in mei.get(board).text


def test_at_night_a_second_person_approves_or_the_first_gives_a_reason(tx: Tx):
    w = world(tx)
    an, mei, board = client(people.an(tx)), client(w.mei), f"/incidents/{w.incident.public_id}"
    with clock.fixed(NOW - timedelta(hours=8)):
        plan = written(tx, w)
        page = mei.get(board).text
        assert "It is night: 5 people will be woken." in page
        mei.post(f"/plans/{plan.public_id}/approve", data={"reason": ""})
        assert "A second person is still needed" in mei.get(board).text
        page = an.get(board).text
        assert "Mei approved. You would be the second person" in page
        assert primary(page) == ["Approve as the second person"]
        an.post(f"/plans/{plan.public_id}/approve", data={})
        assert "Approved by Mei and An" in an.get(board).text
        alone = written(tx, w)
        mei.post(f"/plans/{alone.public_id}/approve", data={"reason": "Nobody else is up"})
        page = mei.get(board).text
    assert "Nobody else is up" in page
    assert primary(page) == ["Send to 5 people"]


def test_a_drill_is_a_drill_on_every_page(tx: Tx):
    w = world(tx, kind=Kind.DRILL)
    plan = written(tx, w)
    mei = client(w.mei)
    for path in (f"/incidents/{w.incident.public_id}", f"/plans/{plan.public_id}"):
        page = mei.get(path).text
        assert ("band-drill" in page, "band-real" in page) == (True, False)
        assert "<title>DRILL" in page
