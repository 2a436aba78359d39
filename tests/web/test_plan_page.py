"""The whole plan: gaps with what would close them, the next night, and why one person is in it or not."""

import re

import pytest
from sqlmodel import col, select

from tests import people
from tests.api.test_plans import solve
from tests.doors import client
from tests.world import World, world
from volunteer_hub.core.db import Tx
from volunteer_hub.incidents import states
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.rules import State
from volunteer_hub.mobilization.models import PlanRun
from volunteer_hub.volunteers.models import Volunteer


@pytest.fixture
def flood(tx: Tx) -> World:
    return world(tx)


def planned(tx: Tx, w: World, remedy_seconds: float = 0.0) -> str:
    """The address of a plan made for Mei's flood."""
    client(w.mei).post(f"/incidents/{w.incident.public_id}/plan", data={})
    solve(remedy_seconds)
    return f"/plans/{tx.exec(select(PlanRun.public_id)).one()}"


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def left_out(tx: Tx) -> Volunteer:
    result = tx.exec(select(PlanRun.result)).one()
    assert result is not None
    chosen = [pair["volunteer"] for pair in result["pairs"]]
    return tx.exec(
        select(Volunteer).where(col(Volunteer.id).not_in(chosen)).order_by(col(Volunteer.id))
    ).first()  # type: ignore[return-value]  # there are more


def test_a_gap_opens_to_what_would_close_it_and_names_who(tx: Tx, flood: World) -> None:
    address = planned(tx, flood, remedy_seconds=20.0)
    page = text_of(client(flood.mei).get(address).text)
    assert "What would close it Train 1 person in First aid: 22 meet everything else. Fills 1 " in page
    assert "Best: " in page
    assert "The next night" in page
    chinese = text_of(client(flood.mei, lang="zh").get(address).text)
    assert "怎样补上缺口 培训 1 人掌握急救：其他条件都符合的有 22 人。 可补上" in chinese


def test_who_was_chosen_stands_beside_who_would_follow(tx: Tx, flood: World) -> None:
    page = client(flood.mei).get(planned(tx, flood)).text
    assert len(re.findall(r"In their stead: <a href=\"/volunteers/", page)) == 7


def test_a_person_is_asked_about_by_name_and_answered(tx: Tx, flood: World) -> None:
    address = planned(tx, flood)
    who = left_out(tx)
    page = text_of(client(flood.mei).get(address, params={"who": (who.phone or "")[-6:]}).text)
    assert f"{who.name} : Could come, and is not in this plan." in page
    assert "Sandbags at the east gate · First aid In the way: lacks First aid. Would be chosen" in page
    named = client(flood.mei).get(address, params={"person": str(who.public_id)}).text
    assert "In the way: lacks First aid." in named


def test_several_of_one_name_are_offered_and_nobody_is_said_to_be_nobody(tx: Tx, flood: World) -> None:
    address = planned(tx, flood)
    page = client(flood.mei).get(address, params={"who": "Helper"}).text
    assert "Several people are called that:" in page
    assert len(re.findall(rf'href="{address}\?person=[^"]+#person"', page)) == 8
    assert "Nobody in your areas is called that." in client(flood.mei).get(f"{address}?who=Zzz").text


def test_somebody_of_another_area_is_not_found(tx: Tx, flood: World) -> None:
    address = planned(tx, flood)
    who = left_out(tx)
    who.area = "/1/4/"
    tx.flush()
    page = client(flood.mei).get(address, params={"person": str(who.public_id)})
    assert page.status_code == 200
    assert who.name not in page.text.split("Why is somebody")[1].split("Who would be asked")[0]


def test_a_closed_incident_says_so_instead_of_answering(tx: Tx, flood: World) -> None:
    address = planned(tx, flood)
    who = left_out(tx)
    states.move(tx, tx.get_one(Incident, flood.incident.id), State.CLOSED)
    page = client(flood.mei).get(address, params={"person": str(who.public_id)})
    assert (page.status_code, "closed" in text_of(page.text)) == (200, True)


def test_whoever_reads_no_people_is_not_offered_the_question(tx: Tx, flood: World) -> None:
    address = planned(tx, flood)
    assert 'id="person"' in client(flood.mei).get(address).text
    assert client(people.council(tx)).get(address).status_code == 403
