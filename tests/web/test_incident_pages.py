"""The coordinator's pages: the list, a new incident, the board from tasks to people coming, its tasks."""

import re
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from tests import people
from tests.doors import client
from tests.flows.callouts import NOW, at_ten, sent
from tests.incidents.cap_documents import SENT, document, info
from tests.web.markup import Tags
from tests.world import World, world
from volunteer_hub.core import clock, db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.flows import declare as flow
from volunteer_hub.flows import plan as planning
from volunteer_hub.flows.plan_words import FUNNEL
from volunteer_hub.incidents import queries
from volunteer_hub.incidents.models import Incident, Task
from volunteer_hub.incidents.rules import Kind
from volunteer_hub.mobilization import plans
from volunteer_hub.mobilization.models import PlanRun
from volunteer_hub.volunteers.models import Volunteer

NEW: dict[str, Any] = {
    "hazard": "flood",
    "shown_hazard": "flood",
    "area": "DQ-ST",
    "shown_area": "DQ-ST",
    "kind": "real",
    "only": ["sandbagging"],
    "title": "Flood at the gate",
    "place": "East gate",
    "level": "3",
}
TASK = {
    "do": "save",
    "title": "Boats",
    "place": "Pier",
    "lat": "46.6",
    "lon": "125.11",
    "starts_at": "2031-01-20T12:00",
    "ends_at": "2031-01-20T16:00",
    "priority": "1",
    "outdoor": "yes",
    "slots.0.skill": "boat",
    "slots.0.level": "1",
    "slots.0.minimum": "2",
    "slots.0.target": "4",
    "slots.0.maximum": "4",
    "slots.0.minima.0.heads": "1",
    "slots.0.minima.0.skill": "first_aid",
}


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from at_ten(monkeypatch)


@pytest.fixture
def mei(tx: Tx) -> TestClient:
    return client(people.mei(tx))


def declared(browser: TestClient, **changes: Any) -> str:
    answer = browser.post("/incidents/new", data=NEW | changes)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def one_incident(tx: Tx) -> Incident:
    return tx.exec(select(Incident).execution_options(populate_existing=True)).one()


def primary(html: str) -> list[str]:
    """The words of the primary actions of a page."""
    found = re.findall(r'class="button button-primary[^>]*>(.*?)</(?:button|a)>', html, re.S)
    return [re.sub(r"<svg.*?</svg>", "", each, flags=re.S).strip() for each in found]


def seen_of(html: str) -> str:
    found = re.search(r"parts/plan\?seen=(\w+)", html)
    assert found is not None
    return found[1]


# ---- ways in


def test_everybody_is_led_to_the_page_they_work_with(tx: Tx):
    w = world(tx, crowd=0)
    assert client(w.mei).get("/").headers["location"] == "/incidents"
    assert client().get("/").headers["location"] == "/login"
    assert client().get("/incidents").headers["location"] == "/login?next=/incidents"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_page_is_whole_in_both_languages(mei: TestClient, lang: str):
    board = declared(mei)
    task = re.search(r'href="(/tasks/[^"]+)"', mei.get(board).text)
    assert task is not None
    for path in ("/incidents", "/incidents?closed=1", "/incidents/new", board, f"{board}/tasks/new", task[1]):
        page = mei.get(path, params={"lang": lang})
        assert page.status_code == 200
        Tags(page.text)


def test_an_empty_list_teaches_the_first_step(mei: TestClient):
    page = mei.get("/incidents").text
    assert "No incident is open" in page
    assert primary(page) == ["Declare an incident"]


# ---- declaring


def test_an_incident_is_declared_and_its_board_says_what_is_next(mei: TestClient, tx: Tx):
    page = mei.get(declared(mei)).text
    assert primary(page) == ["Make a plan"]
    assert "REAL CALLOUT" in page
    assert "21 places are to be filled" in page
    incident = one_incident(tx)
    assert (incident.title, incident.source, incident.lat) == ("Flood at the gate", "page", 46.59)


def test_sending_the_form_twice_declares_once(mei: TestClient, tx: Tx):
    once = {"once": str(uuid.uuid4())}
    assert declared(mei, **once) == declared(mei, **once)
    one_incident(tx)


def test_a_changed_hazard_is_shown_before_it_is_declared(mei: TestClient, tx: Tx):
    answer = mei.post("/incidents/new", data=NEW | {"hazard": "blizzard"})
    assert answer.status_code == 200
    assert "Clear paths and entrances" in answer.text
    assert "Flood at the gate" in answer.text
    assert tx.exec(select(Incident)).all() == []


def test_the_rest_of_the_form_follows_hazard_and_area(mei: TestClient):
    rest = mei.get("/incidents/new/rest", params={"hazard": "heat", "area": "DQ-ST-001"}).text
    assert 'name="shown_hazard" value="heat"' in rest
    assert 'name="shown_area" value="DQ-ST-001"' in rest
    assert mei.get("/incidents/new/rest", params={"hazard": "?", "area": "DQ-DT"}).status_code == 200


@pytest.mark.parametrize("wrong", [{"lat": "91"}, {"lat": "north"}, {"level": "x"}, {"title": "x" * 300}])
def test_what_was_typed_survives_a_mistake(mei: TestClient, tx: Tx, wrong: dict[str, str]):
    answer = mei.post("/incidents/new", data=NEW | {"lon": "125"} | wrong)
    assert answer.status_code == 422
    assert 'value="East gate"' in answer.text
    assert 'class="error"' in answer.text
    assert tx.exec(select(Incident)).all() == []


def test_nobody_declares_in_a_foreign_area(mei: TestClient):
    foreign = mei.post("/incidents/new", data=NEW | {"area": "DQ-DT", "shown_area": "DQ-DT"})
    nowhere = mei.post("/incidents/new", data=NEW | {"area": "NO", "shown_area": "NO"})
    assert (foreign.status_code, nowhere.status_code) == (404, 404)


def test_hostile_text_is_shown_and_never_run(mei: TestClient):
    page = mei.get(declared(mei, title="<script>alert(1)</script>{{7*7}}", place='"><img src=x>')).text
    assert "<script>alert(1)" not in page
    assert "<img src=x>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{7*7}}" in page
    nul = mei.post("/incidents/new", data=NEW | {"title": "a\0b"})
    assert (nul.status_code, "cannot be stored" in nul.text) == (422, True)


# ---- what waits for an answer


def receive(tx: Tx, w: World, *infos: str, **more: Any) -> uuid.UUID:
    with transaction(w.mei, "alert.receive") as as_mei:
        alert = flow.receive_alert(as_mei, document(*infos, **more), "/1/2/", as_of=SENT).alert
    assert alert is not None
    return alert.public_id


def test_an_alert_is_answered_from_the_list(tx: Tx):
    w = world(tx, crowd=0)
    mei = client(w.mei)
    yes, no = receive(tx, w, info()), receive(tx, w, info(), identifier="snow-2", status="Exercise")
    page = mei.get("/incidents").text
    assert "Declare the incident" in page
    assert "Declare the drill" in page
    assert "暴雪橙色预警" in page
    board = mei.post(f"/alerts/{yes}/accept", data={}).headers["location"]
    assert mei.get(board).status_code == 200
    assert mei.post(f"/alerts/{no}/dismiss").headers["location"] == "/incidents"
    assert "Alerts that propose" not in mei.get("/incidents").text
    again = mei.post(f"/alerts/{yes}/accept", data={})
    assert (again.status_code, "incident declared" in again.text) == (409, False)


def test_an_alert_that_says_too_little_is_completed_in_the_form(tx: Tx):
    w = world(tx, crowd=0)
    mei = client(w.mei)
    alert = receive(tx, w, info(event="Something odd", area=""))
    page = mei.get("/incidents").text
    assert 'name="hazard"' in page
    assert 'name="lat"' in page
    missing = mei.post(f"/alerts/{alert}/accept", data={})
    assert (missing.status_code, "does not say which kind" in missing.text) == (422, True)
    answer = {"hazard": "flood", "lat": "46.6", "lon": "125.1", "area": "DQ-ST-001"}
    assert mei.post(f"/alerts/{alert}/accept", data=answer).status_code == 303


def test_a_level_is_asked_on_the_board_and_granted_in_the_list(mei: TestClient, tx: Tx):
    an, board = client(people.an(tx)), declared(mei)
    assert mei.post(f"{board}/level", data={"level": "1", "reason": "The dyke"}).status_code == 303
    assert "Level I is asked of the node above" in mei.get(board).text
    page = an.get("/incidents").text
    request = re.search(r'action="(/raises/[^"]+)"', page)
    assert request is not None
    assert "The dyke" in page
    missing = an.post(request[1], data={"answer": "refuse", "reason": ""})
    assert (missing.status_code, "write something" in missing.text) == (422, True)
    assert an.post(request[1], data={"answer": "grant"}).status_code == 303
    assert one_incident(tx).level == 1


# ---- steering


def test_command_is_offered_read_and_taken(mei: TestClient, tx: Tx):
    an, board = client(people.an(tx)), declared(mei)
    wrong = mei.post(f"{board}/handover", data={"to": "wen@example.org", "questions": "Pump?"})
    assert (wrong.status_code, "cannot take command" in wrong.text, "Pump?" in wrong.text) == (
        409,
        True,
        True,
    )
    mei.post(f"{board}/handover", data={"to": "an@example.org", "questions": "Is the pump coming?"})
    assert "Command of “Flood at the gate” is offered to you" in an.get("/incidents").text
    page = an.get(board).text
    assert "Is the pump coming?" in page
    assert an.post(f"{board}/handover/answer", data={"answer": "take"}).status_code == 303
    assert "in command: An" in mei.get(board).text
    assert mei.post(f"{board}/command", data={"reason": "No answer"}).status_code == 303
    assert "in command: Mei" in mei.get(board).text
    assert an.post(f"{board}/handover/answer", data={"answer": "take"}).status_code == 303  # nothing to take


def test_an_offer_of_command_can_be_let_go(mei: TestClient, tx: Tx):
    people.an(tx)
    board = declared(mei)
    mei.post(f"{board}/handover", data={"to": "an@example.org", "questions": "none"})
    assert "Offered to An" in mei.get(board).text
    mei.post(f"{board}/handover/answer", data={"answer": "withdraw"})
    assert "Offered to An" not in mei.get(board).text


def test_a_note_stands_in_the_log_and_a_closed_incident_takes_no_more(mei: TestClient, tx: Tx):
    board = declared(mei)
    assert mei.post(f"{board}/note", data={"text": ""}).status_code == 422
    assert mei.post(f"{board}/note", data={"text": "Pump <b>here</b>"}).status_code == 303
    assert "Pump &lt;b&gt;here&lt;/b&gt;" in mei.get(board).text
    assert mei.post(f"{board}/state", data={"state": "active"}).status_code == 409
    assert mei.post(f"{board}/state", data={"state": "closed"}).status_code == 303
    assert one_incident(tx).state == "closed"
    page = mei.get(board).text
    assert "hx-get" not in page
    assert primary(page) == []
    for tail, data in (("/level", {"level": "4"}), ("/tasks/new", TASK), ("/plan", {})):
        answer = mei.post(board + tail, data=data)
        assert (answer.status_code, "is closed" in answer.text) == (409, True)
    assert mei.post(f"{board}/state", data={"state": "reviewed"}).status_code == 303
    assert "Flood at the gate" in mei.get("/incidents?closed=1").text
    assert "Flood at the gate" not in mei.get("/incidents").text


# ---- from a plan to people coming


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
    assert primary(page) == ["Approve the plan"]
    assert "5 people will be asked." in page
    assert "Proven best" in page
    assert ">Lin</a>" in page
    assert "Nearest of 12 who can: 6 min away." in page
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


# ---- tasks


def test_a_task_with_nested_minima_is_added_by_the_form(mei: TestClient, tx: Tx):
    board = declared(mei, only=[])
    assert primary(mei.get(board).text) == ["Add a task"]
    assert mei.post(f"{board}/tasks/new", data=TASK).headers["location"] == board
    with db.read(SYSTEM) as reading:
        view = queries.whole(reading, reading.exec(select(Incident)).one()).tasks[0]
    assert (view.task.title, view.task.priority, view.task.starts_at.hour) == ("Boats", 1, 4)
    slot, minimum = view.slots[0].slot, view.slots[0].minima[0]
    assert (slot.skill, slot.minimum, slot.maximum) == ("boat", 2, 4)
    assert (minimum.skill, minimum.heads) == ("first_aid", 1)
    assert "1 of them: First aid" in mei.get(board).text


def test_more_rows_are_given_without_losing_what_was_typed(mei: TestClient):
    path = f"{declared(mei)}/tasks/new"
    more = mei.post(path, data=TASK | {"do": "role"})
    assert more.status_code == 200
    assert 'name="slots.1.target"' in more.text
    assert 'value="Boats"' in more.text
    nested = mei.post(path, data=TASK | {"do": "minimum.0"})
    assert 'name="slots.0.minima.1.heads"' in nested.text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ends_at": "2031-01-20T11:00"}, "The end must come after the start"),
        ({"slots.0.minimum": "5"}, "must not fall"),
        ({"slots.0.minima.0.heads": "9"}, "but the target is 4"),
        ({"starts_at": "soon"}, "Write a day and hour"),
        ({"starts_at": ""}, "write something here"),
        ({"slots.0.target": "many"}, "Write a number"),
        ({"lat": "91"}, "Latitude 91.0 does not exist"),
        ({"title": " "}, "write something here"),
    ],
)
def test_a_wrong_task_comes_back_with_the_words_beside_its_field(
    mei: TestClient, tx: Tx, changes: dict[str, str], words: str
):
    answer = mei.post(f"{declared(mei, only=[])}/tasks/new", data=TASK | changes)
    assert answer.status_code == 422
    assert words in answer.text
    assert 'value="Pier"' in answer.text
    assert tx.exec(select(Task)).all() == []


def form_of(html: str) -> dict[str, str]:
    """What a browser would send of a page's task form."""
    found: dict[str, str] = {"do": "save"}
    for tag, attributes in Tags(html).seen:
        name, value = attributes.get("name"), attributes.get("value") or ""
        if tag == "input" and name and (attributes.get("type") != "checkbox" or "checked" in attributes):
            found[name] = value
    for name, options in re.findall(
        r'<select class="input" id="f-[^"]*" name="([^"]+)"[^>]*>(.*?)</select>', html, re.S
    ):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else ""
    return found


def test_a_task_and_its_roles_are_changed_together_and_two_editors_do_not_collide(mei: TestClient, tx: Tx):
    board = declared(mei, only=[])
    mei.post(f"{board}/tasks/new", data=TASK)
    path = f"/tasks/{tx.exec(select(Task.public_id)).one()}"
    mine, theirs = form_of(mei.get(path).text), form_of(mei.get(path).text)
    assert mine["slots.0.minima.0.skill"] == "first_aid"
    new_role = {"slots.1.name": "Bank crew", "slots.1.target": "3"}
    assert (
        mei.post(path, data=mine | {"place": "South pier", "slots.0.target": "3"} | new_role).status_code
        == 303
    )
    late = mei.post(path, data=theirs | {"title": "Boats and ropes"})
    assert (late.status_code, "Someone else changed this" in late.text) == (412, True)
    assert 'value="Boats and ropes"' in late.text
    with db.read(SYSTEM) as reading:
        view = queries.views(reading, reading.exec(select(Task)).all())[0]
    assert (view.task.title, view.task.place) == ("Boats", "South pier")
    assert [(one.slot.target, one.slot.name) for one in view.slots] == [(3, None), (3, "Bank crew")]
    assert [one.skill for one in view.slots[0].minima] == ["first_aid"]
    wrong = form_of(mei.get(path).text) | {"slots.1.minimum": "9"}
    refused = mei.post(path, data=wrong)
    assert (refused.status_code, 'id="e-slots.1.minimum"' in refused.text) == (422, True)


def test_a_task_is_called_off_or_done_from_its_page(mei: TestClient, tx: Tx):
    board = declared(mei, only=["boats", "shelter"])
    one, other = tx.exec(select(Task.public_id).order_by(col(Task.id))).all()
    assert mei.post(f"/tasks/{one}/cancel", data={"reason": ""}).status_code == 422
    assert mei.post(f"/tasks/{one}/cancel", data={"reason": "Dry"}).headers["location"] == board
    assert mei.post(f"/tasks/{other}/done").headers["location"] == board
    states = tx.exec(
        select(Task.state).order_by(col(Task.id)).execution_options(populate_existing=True)
    ).all()
    assert [state.value for state in states] == ["cancelled", "done"]
    assert mei.post(f"/tasks/{one}", data=TASK).status_code == 412
    assert primary(mei.get(board).text) == ["Add a task"]


def test_moving_a_task_tells_who_accepted(tx: Tx):
    out = sent(tx, helpers=2)
    mei = client(out.world.mei)
    path = f"/tasks/{tx.exec(select(Task.public_id)).one()}"
    form = form_of(mei.get(path).text) | {"place": "West gate"}
    assert mei.post(path, data=form).status_code == 303
    assert tx.exec(select(Task.place).execution_options(populate_existing=True)).one() == "West gate"
    assert timedelta(hours=4) == tx.exec(select(Task)).one().ends_at - tx.exec(select(Task)).one().starts_at
