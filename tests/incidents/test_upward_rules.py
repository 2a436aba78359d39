"""When reports upward are due, and what one may say."""

from datetime import UTC, datetime, timedelta

import pytest

from volunteer_hub.core.errors import Malformed
from volunteer_hub.incidents import upward_rules
from volunteer_hub.incidents.policy import Upward, UpwardTimes
from volunteer_hub.incidents.rules import IncidentClass
from volunteer_hub.incidents.upward_rules import FIGURES, Content, Standing, UpwardKind

NOW = datetime(2031, 1, 20, 2, 0, tzinfo=UTC)
TIMES = UpwardTimes(first=30, further=120, level_change=20, final=600)
FIRST, FURTHER, FINAL = UpwardKind


def after(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("it", "kind", "due"),
    [
        (Standing(NOW), FIRST, 30),
        (Standing(NOW, last=(FIRST, after(25))), FURTHER, 145),
        (Standing(NOW, last=(FURTHER, after(100))), FURTHER, 220),
        (Standing(NOW, level_set_at=after(20), last=(FIRST, after(25))), FURTHER, 145),
        (Standing(NOW, level_set_at=after(40), last=(FIRST, after(25))), FURTHER, 60),
        (Standing(NOW, level_set_at=after(140), last=(FIRST, after(25))), FURTHER, 145),
        (Standing(NOW, closed_at=after(50)), FINAL, 650),
        (Standing(NOW, closed_at=after(50), last=(FURTHER, after(45))), FINAL, 650),
        (Standing(NOW, closed_at=after(50), last=(FINAL, after(60))), None, None),
    ],
)
def test_the_next_report_and_when_it_is_due(it: Standing, kind: UpwardKind | None, due: int | None) -> None:
    assert upward_rules.next_kind(it) == kind
    assert upward_rules.due_at(it, TIMES) == (after(due) if due is not None else None)


def test_a_class_may_have_its_own_times_and_a_level_none() -> None:
    own = TIMES.model_copy(update={"first": 10})
    policy = Upward(times={"II": TIMES}, classes={"health": {"II": own}})
    assert upward_rules.times_for(policy, IncidentClass.HEALTH, 2) == own
    assert upward_rules.times_for(policy, IncidentClass.NATURAL, 2) == TIMES
    assert upward_rules.times_for(policy, IncidentClass.HEALTH, 3) is None


def test_every_wrong_field_is_named() -> None:
    good = dict.fromkeys(FIGURES, 0)
    upward_rules.check_content(Content(good, "Water rises", needs="pumps"))
    missing = {name: number for name, number in good.items() if name != "short"}
    with pytest.raises(Malformed) as wrong:
        upward_rules.check_content(Content(missing | {"asked": -1}, " ", measures="x" * 4001, needs="\0"))
    assert [(one.where, one.code) for one in wrong.value.fields] == [
        ("asked", "upward.figure"),
        ("short", "upward.figure"),
        ("situation", "incident.text.missing"),
        ("measures", "incident.text.too_long"),
        ("needs", "text.nul"),
    ]


def test_a_report_was_sent_after_the_one_before_it_and_not_in_the_future() -> None:
    upward_rules.check_sent_at(after(5), NOW, after(5))
    for moment in (-1, 6):
        with pytest.raises(Malformed):
            upward_rules.check_sent_at(after(moment), NOW, after(5))
