"""Breaking a reserve floor takes a right and a reason; what floors do to a plan is told in words."""

import uuid
from typing import Any

import pytest

from tests import people
from tests.flows.test_plan import RESULT
from tests.world import World, world
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Malformed, NotFound
from volunteer_hub.flows import floor_words, plan
from volunteer_hub.incidents.models import Incident
from volunteer_hub.mobilization.models import PlanRun
from volunteer_hub.volunteers import floors
from volunteer_hub.volunteers.floors import FloorIn
from volunteer_hub.volunteers.models import ReserveFloor

WHY = "The dyke is giving way."
NAMES = {"/1/2/": "Sartu", "/1/4/": "Datong"}


@pytest.fixture
def flood(tx: Tx) -> World:
    return world(tx, crowd=1)


def floor(tx: Tx, area: str = "/1/2/", skill: str = "first_aid", level: int = 1) -> ReserveFloor:
    return floors.create(tx, FloorIn(area=area, skill=skill, level=level, keep=2))


def request(w: World, who: Actor, *ids: uuid.UUID, reason: str | None = WHY) -> PlanRun:
    with db.transaction(who, "plan.request") as tx:
        return plan.request(tx, tx.get_one(Incident, w.incident.id), breaking=ids, reason=reason)


def test_a_plan_may_break_floors_for_a_reason(tx: Tx, flood: World) -> None:
    first, second = floor(tx), floor(tx, level=2)
    run = request(flood, flood.mei, second.public_id, first.public_id, second.public_id)
    assert (run.broken_floors, run.floors_reason) == ([first.id, second.id], WHY)
    plain = request(flood, flood.mei, reason=None)
    assert (plain.broken_floors, plain.floors_reason) == (None, None)


@pytest.mark.parametrize("reason", [None, "", "  "])
def test_a_floor_is_not_broken_without_a_reason(tx: Tx, flood: World, reason: str | None) -> None:
    with pytest.raises(Malformed) as caught:
        request(flood, flood.mei, floor(tx).public_id, reason=reason)
    assert [(one.where, one.code) for one in caught.value.fields] == [("reason", "floor.reason")]


def test_a_reason_that_breaks_nothing_is_a_mistake(flood: World) -> None:
    with pytest.raises(Malformed) as caught:
        request(flood, flood.mei)
    assert [(one.where, one.code) for one in caught.value.fields] == [("floors", "floor.none")]


def test_who_plans_for_an_area_breaks_its_floors_and_no_others(tx: Tx, flood: World) -> None:
    datong, city = floor(tx, "/1/4/"), floor(tx, "/1/")
    for foreign in (datong.public_id, city.public_id, uuid.uuid4()):
        with pytest.raises(NotFound):
            request(flood, flood.mei, foreign)
    run = request(flood, people.an(tx), datong.public_id, city.public_id)
    assert run.broken_floors == [datong.id, city.id]


def test_planning_again_keeps_what_was_broken_and_breaks_one_more(tx: Tx, flood: World) -> None:
    first, second = floor(tx), floor(tx, level=2)
    run = request(flood, flood.mei, first.public_id)
    with db.transaction(flood.mei, "plan.request") as as_mei:
        again = plan.again_without(as_mei, run.public_id, second.public_id, WHY)
        same = plan.again_without(as_mei, run.public_id, first.public_id, WHY)
    assert (again.broken_floors, again.pool_area, again.id != run.id) == (
        [first.id, second.id],
        run.pool_area,
        True,
    )
    assert same.broken_floors == [first.id]


def told(**changes: Any) -> dict[str, Any]:
    """A floor that holds people back, as a document has it."""
    usual = {
        "id": 3,
        "area": "/1/4/",
        "skill": "first_aid",
        "level": 1,
        "keep": 2,
        "there": 5,
        "sent": 3,
        "binds": True,
        "broken": False,
        "price": None,
    }
    return usual | changes


def price(heads: int = 0, tenths: int = 0) -> dict[str, Any]:
    return {"heads": heads, "tenths": tenths}


@pytest.mark.parametrize(
    ("one", "en", "zh"),
    [
        (
            told(price=price(tenths=140)),
            "Without this floor: 14 minutes less of way and tiredness in all.",
            "若突破此底线，路程与疲劳合计可少 14 分钟。",
        ),
        (
            told(price=price(heads=1)),
            "Without this floor 1 more place would be filled, at no further cost to anybody.",
            "若突破此底线，可多填补 1 个名额，大家的负担不变。",
        ),
        (
            told(price=price(heads=2, tenths=-200)),
            "Without this floor 2 more places would be filled; way and tiredness 20 min more in all.",
            "若突破此底线，可多填补 2 个名额；路程与疲劳合计多 20 分钟。",
        ),
        (
            told(price=price(heads=1, tenths=30)),
            "Without this floor 1 more place would be filled; way and tiredness 3 min less in all.",
            "若突破此底线，可多填补 1 个名额；路程与疲劳合计少 3 分钟。",
        ),
        (
            told(price=price(tenths=3)),
            "Without this floor: less than a minute less of way and tiredness in all.",
            "若突破此底线，路程与疲劳合计可少不足 1 分钟。",
        ),
        (
            told(),
            "It holds people back; what the plan would be without it is not known.",
            "此底线留住了部分人员；若无此底线方案会怎样，尚未算出。",
        ),
        (
            told(binds=False, broken=True, sent=4),
            "Broken by this plan: 1 of 2 is left.",
            "本方案突破了此底线：应留 2 人，只剩 1 人。",
        ),
        (
            told(binds=False, broken=True, there=1, sent=1),
            "Broken by this plan: 0 of 2 are left.",
            "本方案突破了此底线：应留 2 人，只剩 0 人。",
        ),
        (
            told(binds=False, broken=True, there=1, sent=0),
            "This plan might break it, and does not need to.",
            "本方案可以突破此底线，但并无必要。",
        ),
        (
            told(binds=False, broken=True, sent=3),
            "This plan might break it, and does not need to.",
            "本方案可以突破此底线，但并无必要。",
        ),
    ],
)
def test_what_a_floor_costs_is_told_in_both_languages(one: dict[str, Any], en: str, zh: str) -> None:
    said = {}
    for lang in ("en", "zh"):
        (view,) = floor_words.floors(RESULT | {"floors": [one]}, lang, NAMES).floors
        said[lang] = view.said
    assert said == {"en": en, "zh": zh}


def test_a_floor_is_named_by_area_number_and_skill(tx: Tx) -> None:
    result = RESULT | {"floors": [told(keep=1), told(level=2)]}
    views = floor_words.floors(result, "en", NAMES).floors
    assert [one.what for one in views] == [
        "Datong keeps 1 person with First aid",
        "Datong keeps 2 people with First aid (can work alone)",
    ]


def test_floors_that_hold_nobody_back_are_counted(tx: Tx) -> None:
    result = RESULT | {"floors": [told(binds=False), told(binds=False), told(price=price(heads=1))]}
    view = floor_words.floors(result, "en", NAMES)
    assert [(one.floor, one.heads, one.minutes) for one in view.floors] == [(3, 1, 0)]
    assert view.others == "2 further floors are kept and hold nobody back."
    assert floor_words.areas_named(result) == {"/1/4/"}


def test_a_plan_made_before_there_were_floors_has_none() -> None:
    assert floor_words.floors(RESULT, "en", {}) == floor_words.FloorsView((), "")
    assert floor_words.areas_named(RESULT) == set()
