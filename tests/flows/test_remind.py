"""Bo's first-aid certificate ends: he hears of it once for each day configured."""

from collections.abc import Iterator
from datetime import date

import pytest

from tests.flows import callouts as made
from tests.flows.callouts import messages
from tests.world import World, world
from volunteer_hub.core import clock
from volunteer_hub.core.db import Tx
from volunteer_hub.flows import deliver, remind
from volunteer_hub.volunteers import skills

ENDS = date(2031, 3, 1)


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from made.at_ten(monkeypatch)


@pytest.fixture
def w(tx: Tx) -> World:
    w = world(tx, crowd=0)
    skills.certify(tx, w.bo, "first_aid", number="7", expires_on=ENDS)
    tx.flush()
    return w


def swept(day: str) -> int:
    with clock.fixed(made.NOW.replace(year=2031, month=int(day[:2]), day=int(day[3:]))):
        return remind.certifications()


def test_each_planned_day_reminds_once(tx: Tx, w: World) -> None:
    assert skills.taxonomy().remind_days == (90, 30, 7)
    days = ("01-20", "01-20", "01-30", "02-10", "02-22", "02-28")
    assert [swept(day) for day in days] == [1, 0, 1, 0, 1, 0]
    told = messages(tx, "certification")
    assert [(m.volunteer_id, m.params["expires_on"]) for m in told] == [(w.bo.id, "2031-03-01")] * 3


def test_the_letter_names_skill_and_day(tx: Tx, w: World) -> None:
    swept("01-20")
    letters, refused = deliver.compose(tx, messages(tx, "certification"))
    assert refused == []
    assert "First aid" in letters[0].subject
    assert "2031-03-01" in letters[0].subject
