"""Levels: reached by hours that count, other in an area, paid as a line that says so."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from pydantic import ValidationError

from tests import world as worlds
from tests.doors import client
from tests.flows import callouts as made
from tests.flows.callouts import minutes_later
from tests.flows.test_duty import come, go
from tests.incentives.served import MORNING, REWARDS
from tests.web.test_duty_pages import text
from volunteer_hub.core import policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx, transaction
from volunteer_hub.core.policy import Name
from volunteer_hub.flows import respond
from volunteer_hub.incentives import levels_rules, rules
from volunteer_hub.incentives.levels_policy import Ladder, Level, Levels
from volunteer_hub.incentives.policy import Rewards
from volunteer_hub.incidents import queries


def step(hours: int, percent: int = 100) -> Level:
    return Level(name=Name(en=f"After {hours} h", zh=f"{hours}小时"), hours=hours, percent=percent)


@pytest.fixture
def after_an_hour(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """In Dongfeng one hour reaches a level that pays half as much again; elsewhere it takes fifty."""
    own = Levels(steps=(step(50),), areas={"DQ-ST-001": Ladder(steps=(step(1, 150), step(20, 200)))})
    changed = REWARDS.model_copy(update={"levels": own})
    load = policy.load
    monkeypatch.setattr(policy, "load", lambda name, kind: changed if kind is Rewards else load(name, kind))
    yield from made.at_ten(monkeypatch)


def test_the_stars_are_reached_to_the_minute_and_say_what_is_missing() -> None:
    below, one, top = (levels_rules.reached(60 * hours, REWARDS.levels) for hours in (99, 100, 1500))
    assert (below.number, below.level, below.missing, below.percent) == (0, None, 60, 100)
    assert (one.number, one.stored()["zh"], one.missing) == (1, "一星志愿者", 200 * 60)
    assert (top.number, top.next, top.missing) == (5, None, None)


def test_the_nearest_area_with_levels_of_its_own_decides() -> None:
    levels = Levels(steps=(step(9),), areas={"A": Ladder(steps=(step(1),)), "B": Ladder(steps=(step(2),))})
    found = [
        levels_rules.ladder(levels, codes).steps[0].hours for codes in ([], ["Z"], ["A"], ["A", "B", "C"])
    ]
    assert found == [9, 9, 1, 2]
    assert (levels.multiply, Levels().multiply) == (False, False)
    with pytest.raises(ValidationError, match="put the lower level first"):
        Ladder(steps=(step(2), step(2)))


def test_a_level_multiplies_all_the_hours_of_a_duty_before_the_caps_and_no_drill() -> None:
    paid = rules.award(replace(MORNING, leader=True, level_percent=150), REWARDS, {})
    assert [(line.code, line.points) for line in paid.lines] == [("hours", 30), ("leader", 9), ("level", 19)]
    assert (paid.points, sum(paid.days.values())) == (58, 58)
    drill = replace(MORNING, kind=rules.Kind.DRILL, level_percent=150)
    assert rules.award(drill, REWARDS, {}).points == REWARDS.points.drill


def test_bo_reaches_a_level_and_his_next_duty_pays_more_and_says_why(tx: Tx, after_an_hour: None) -> None:
    sent = made.coming(tx, helpers=1, crowd=0)
    bo = sent.world.bo
    phone, api = client(Actor("volunteer", bo.id)), "/api/v1/volunteers"
    assert "1 h to After 1 h" in text(phone.get("/today").text)
    come(tx, sent, bo)
    assert go(tx, sent, bo, 190).points == 20  # paid by the level that he had
    told = phone.get(f"{api}/me/points").json()["level"]
    assert told == {"number": 1, "name": "After 1 h", "percent": 150, "next": "After 20 h", "missing": 1070}
    assert client(sent.world.mei).get(f"{api}/{bo.public_id}/points").json()["level"]["number"] == 1
    assert "After 1 h" in text(client(sent.world.mei).get(f"/volunteers/{bo.public_id}").text)
    with minutes_later(300) as now:
        with transaction(sent.world.mei, "incident.declare") as mei:
            incident = worlds.declare(mei, starts=now)
            [task] = queries.whole(mei, incident).tasks
        slots = tuple(slot.slot.id for slot in task.slots)
        again = made.send(tx, replace(sent.world, incident=incident, slots=slots), [(slots[1], bo)])
        made.answer(respond.accept, again.token(tx, bo))
    come(tx, again, bo, 310)
    assert go(tx, again, bo, 430).points == 30
    assert "By your level: 50 % on 20 = 10" in text(phone.get("/today").text)
