"""Surveys by link and their results, and the runs of jobs, through the machines' door."""

import pytest

from tests import people
from tests.doors import client
from tests.world import World, world
from volunteer_hub.audit import runs
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.feedback import surveys
from volunteer_hub.feedback.policy import Surveys
from volunteer_hub.feedback.rules import Kind

API = "/api/v1"


@pytest.fixture
def w(tx: Tx) -> World:
    return world(tx, crowd=1)


@pytest.fixture
def link(tx: Tx, w: World) -> str:
    """Bo's link."""
    asked = policy.load("surveys", Surveys)
    opened = surveys.open_for(tx, w.incident.id, w.incident.area, [w.bo.id], asked, kind=Kind.REAL)
    return surveys.token(opened[0].public_id)


def test_questions_are_read_and_answered_once_in_the_readers_language(link: str) -> None:
    guest = client()
    shown = guest.get(f"{API}/surveys/link/{link}", headers={"accept-language": "zh"}).json()
    assert (shown["name"], shown["state"]) == ("任务结束后反馈", "open")
    assert [question["code"] for question in shown["questions"]] == ["overall", "safe", "suited", "missing"]
    body = {"answers": {"overall": 4, "safe": "yes", "missing": "Gloves, <b>please</b>."}}
    first = guest.post(f"{API}/surveys/link/{link}/answer", json=body)
    again = guest.post(f"{API}/surveys/link/{link}/answer", json=body)
    other = guest.post(f"{API}/surveys/link/{link}/answer", json={"answers": {"overall": 1, "safe": "no"}})
    assert (first.json()["points"], again.json(), other.status_code) == (3, first.json(), 409)


def test_wrong_answers_are_named(link: str) -> None:
    answer = client().post(f"{API}/surveys/link/{link}/answer", json={"answers": {"overall": 9}})
    assert {one["where"]: one["code"] for one in answer.json()["errors"]} == {
        "overall": "survey.scale",
        "safe": "survey.required",
    }


def test_whoever_stops_is_asked_no_more(link: str) -> None:
    guest = client()
    assert guest.post(f"{API}/surveys/link/{link}/stop").json()["state"] == "stopped"
    body = {"answers": {"overall": 4, "safe": "yes"}}
    assert guest.post(f"{API}/surveys/link/{link}/answer", json=body).status_code == 410


def test_an_unknown_link_is_nobodys() -> None:
    assert client().get(f"{API}/surveys/link/nobodys").status_code == 404


def test_results_are_for_the_staff_of_the_area(tx: Tx, w: World, link: str) -> None:
    client().post(
        f"{API}/surveys/link/{link}/answer",
        json={"answers": {"overall": 2, "safe": "no", "missing": "Light."}},
    )
    where = f"{API}/incidents/{w.incident.public_id}/surveys/volunteer"
    mei = client(w.mei)
    whole = mei.get(where).json()
    assert (whole["asked"], whole["answered"], whole["rate"]) == (1, 1, 100)
    assert (whole["shown"], whole["tallies"]) == (False, [])  # one alone could be guessed
    assert mei.get(f"{where}/words").json()["items"] == []
    assert client(people.kai(tx)).get(where).status_code == 404
    assert client(people.council(tx)).get(where).status_code == 403


def test_runs_of_jobs_are_for_whoever_may_read_them(tx: Tx) -> None:
    runs.record(tx, "seal", tx.now, ok=True, done=7)
    mei = client(people.mei(tx))
    assert [(run["job"], run["done"], run["ok"]) for run in mei.get(f"{API}/jobs").json()["items"]] == [
        ("seal", 7, True)
    ]
    assert len(mei.get(f"{API}/jobs/seal/runs").json()["items"]) == 1
    assert client(people.wen(tx)).get(f"{API}/jobs").status_code == 403
