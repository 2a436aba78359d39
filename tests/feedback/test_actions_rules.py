from datetime import timedelta

import pytest

from tests.mobilization.rows import NOW, raises
from volunteer_hub.core.errors import Malformed, Refused
from volunteer_hub.core.i18n import LANGUAGES, has
from volunteer_hub.core.policy import SHIPPED, read
from volunteer_hub.feedback import actions_rules as rules
from volunteer_hub.feedback import themes
from volunteer_hub.feedback.actions_policy import Actions
from volunteer_hub.feedback.actions_rules import (
    ActionState,
    Evidence,
    Figure,
    Measure,
    Nudge,
    Priority,
    Source,
)
from volunteer_hub.feedback.policy import Surveys

POLICY = read(SHIPPED / "actions.toml", Actions)
THEMES = {theme.code: theme for theme in read(SHIPPED / "surveys.toml", Surveys).themes}
DAY = timedelta(days=1)
FIGURES = {
    "notified": 20,
    "delivered": 16,
    "acknowledged": 12,
    "accepted": 8,
    "assembled": 6,
    "within": {"5": 4, "15": 11},
}


def test_nothing_goes_a_way_that_the_table_does_not_hold() -> None:
    ways = {(a, b) for a in ActionState for b in ActionState if b in rules.ALLOWED[a]}
    assert len(ways) == 9
    for before in ActionState:
        for after in ActionState:
            if (before, after) in ways:
                assert rules.step(before, after) is after
            else:
                with raises(Refused, "action.step"):
                    rules.step(before, after)


@pytest.mark.parametrize(
    ("measure", "shown"),
    [
        (Measure(Figure.DELIVERED, 80), 80),
        (Measure(Figure.ANSWERED, 80), 75),
        (Measure(Figure.ACCEPTED, 50), 50),
        (Measure(Figure.ASSEMBLED, 76), 75),
        (Measure(Figure.WITHIN, 68, 15), 68),
        (Measure(Figure.WITHIN, 1, 60), 0),
    ],
)
def test_a_drill_proves_what_it_shows_and_no_more(measure: Measure, shown: int) -> None:
    assert rules.share(measure, FIGURES) == shown
    expected = ActionState.PROVEN if shown >= measure.at_least else ActionState.REOPENED
    assert rules.verdict(measure, FIGURES) is expected


def test_a_drill_without_anybody_to_count_shows_nothing() -> None:
    nobody = dict.fromkeys(("notified", "delivered", "acknowledged", "accepted", "assembled"), 0)
    for figure in Figure:
        assert rules.verdict(Measure(figure, 1, 15), nobody | {"within": {}}) is None


def test_the_clock_speaks_before_the_due_date_and_after_it_and_then_one_level_up() -> None:
    due = NOW + 30 * DAY
    plan = rules.nudges(ActionState.OPEN, NOW, due, POLICY)
    assert [((moment - due).days, nudge.value) for moment, nudge in plan] == [
        (-7, "due"),
        (-1, "due"),
        (1, "overdue"),
        (7, "escalated"),
        (7, "overdue"),
        (21, "overdue"),
        (30, "escalated"),
    ]
    assert rules.next_moment(plan, NOW) == due - 7 * DAY
    assert rules.next_moment(plan, due + 30 * DAY) is None
    for ended in (ActionState.DONE, ActionState.PROVEN, ActionState.DROPPED):
        assert rules.nudges(ended, NOW, due, POLICY) == []


def test_after_a_long_stop_each_is_said_once_and_not_in_a_heap() -> None:
    due = NOW + 30 * DAY
    plan = rules.nudges(ActionState.REOPENED, NOW, due, POLICY)
    assert rules.said_now(plan, NOW, due - DAY) == [(due - DAY, Nudge.DUE)]
    assert rules.said_now(plan, NOW, due + 8 * DAY) == [
        (due + 7 * DAY, Nudge.ESCALATED),
        (due + 7 * DAY, Nudge.OVERDUE),
    ]
    assert rules.said_now(plan, due + 8 * DAY, due + 9 * DAY) == []


def test_what_nobody_has_taken_up_is_said_twice() -> None:
    plan = rules.nudges(ActionState.PROPOSED, NOW, None, POLICY)
    assert plan == [(NOW + 7 * DAY, Nudge.UNOWNED), (NOW + 21 * DAY, Nudge.UNOWNED)]


@pytest.mark.parametrize("reference", ["https://a.example/x", "Receipt 114, folder 3", "HTTP://a.example"])
def test_evidence_is_a_link_or_a_file_with_words(reference: str) -> None:
    rules.check_evidence(Evidence("Bought.", reference, "There are lamps now."))


def test_nothing_is_closed_without_evidence_that_can_be_looked_at() -> None:
    with raises(Malformed, "action.missing") as caught:
        rules.check_evidence(Evidence(" ", "", ""))
    assert [fault.where for fault in caught.value.fields] == ["evidence", "reference", "changed"]
    with raises(Malformed, "action.reference"):
        rules.check_evidence(Evidence("Bought.", "javascript://x", "Lamps."))
    with raises(Malformed, "action.too_long"):
        rules.check_evidence(Evidence("x" * 100_000, "Receipt 114", "Lamps."))


def test_a_measure_is_one_that_drills_report() -> None:
    for measure in (
        Measure(Figure.ANSWERED, 0),
        Measure(Figure.WITHIN, 50, 7),
        Measure(Figure.ANSWERED, 5, 15),
    ):
        with pytest.raises(Malformed):
            rules.check_measure(measure, [5, 15])
    rules.check_measure(Measure(Figure.WITHIN, 100, 15), [5, 15])


@pytest.mark.parametrize(
    ("code", "said", "about"),
    [
        ("equipment", "More LAMPS please", True),
        ("equipment", "clamped down", False),
        ("equipment", "门口没有灯", True),
        ("message", "短信来得太晚", True),
        ("message", "All was well", False),
        ("people", "we were understaffed", True),
    ],
)
def test_a_theme_is_found_by_its_keywords_in_both_languages(code: str, said: str, *, about: bool) -> None:
    assert themes.touches(THEMES[code], "nothing", said) is about


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_word_of_an_action_is_in_the_catalogue(lang: str) -> None:
    kinds = {"state": ActionState, "priority": Priority, "source": Source, "figure": Figure}
    keys = [f"action.{name}.{value}" for name, kind in kinds.items() for value in kind]
    assert [key for key in keys if not has(lang, key)] == []
