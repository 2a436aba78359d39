"""Whom the areas next door could lend."""

from datetime import date

import pytest

from tests.boards.cases import SARTU, build, held
from tests.world import World, person, world
from volunteer_hub.boards import neighbours
from volunteer_hub.core.db import Tx
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.rules import Kind
from volunteer_hub.mobilization.rules import OfferState
from volunteer_hub.volunteers import registry, skills
from volunteer_hub.volunteers.rules import Status


@pytest.fixture
def flood(tx: Tx) -> World:
    w = world(tx, crowd=3)
    kai = registry.register(tx, person("Kai", 800, community="DQ-DT-001", skills="first_aid:2;general:1"))
    registry.register(tx, person("Hui", 801, community="DQ-DT-001"))
    tx.flush()
    skills.certify(tx, kai, "first_aid", number="1", expires_on=date(2099, 1, 1))
    tx.flush()
    return w


def test_next_door_are_those_who_hold_a_skill_that_is_asked_for(tx: Tx, flood: World) -> None:
    case = build(tx, flood)
    found = neighbours.groups(tx, flood.incident, SARTU, case)
    assert list(found) == ["/1/4/"]
    (people,) = found.values()
    assert len(people) == 1
    medic = case.needs.index((("first_aid", 1),))
    assert people.levels[0, medic] == 1
    assert people.key[0] not in case.volunteers.tolist()


def test_a_place_held_does_not_need_anybody_next_door(tx: Tx, flood: World) -> None:
    held(tx, flood, flood.slots[0], flood.lin, OfferState.ACCEPTED)
    assert len(neighbours.groups(tx, flood.incident, "/1/4/", build(tx, flood, SARTU))) == 1
    flood.bo.status = Status.PAUSED
    for who in flood.crowd:
        who.status = Status.PAUSED
    tx.flush()
    assert neighbours.groups(tx, flood.incident, "/1/4/", build(tx, flood, SARTU)) == {}


def test_a_pool_that_is_everything_has_no_neighbours(tx: Tx, flood: World) -> None:
    assert neighbours.groups(tx, flood.incident, "/1/", build(tx, flood, "/1/")) == {}


def test_more_than_can_be_weighed_are_left_out(tx: Tx, flood: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "MOST", 0)
    assert neighbours.groups(tx, flood.incident, SARTU, build(tx, flood)) == {}


def test_a_drill_borrows_from_nobody(tx: Tx, flood: World) -> None:
    drill = tx.get_one(Incident, flood.incident.id)
    case = build(tx, flood)
    drill.kind = Kind.DRILL
    assert neighbours.groups(tx, drill, SARTU, case) == {}
