from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from tests.drills.planned import DAQING, POLICY, TUESDAYS, at
from tests.mobilization.rows import raises
from volunteer_hub.core.errors import FieldError, Malformed, Refused
from volunteer_hub.core.i18n import LANGUAGES, Text, has
from volunteer_hub.drills import rules
from volunteer_hub.drills.policy import Blackout
from volunteer_hub.drills.rules import (
    Decision,
    Disturbed,
    Figures,
    Kind,
    Misfire,
    Notice,
    PlanSpec,
    PlanState,
    RunState,
    Skipped,
)

NOW = at("2031-01-28T10:00")
FIGURES = Figures(
    notified=40,
    delivered=36,
    acknowledged=30,
    accepted=24,
    assembled=20,
    within={5: 9, 15: 18, 30: 27, 60: 30},
)


def outcome(misfire: Misfire, *ages: float) -> list[Skipped | None]:
    """What becomes of occurrences so many minutes old."""
    due = [NOW - timedelta(minutes=age) for age in ages]
    return [decision.reason for decision in rules.decide(due, NOW, misfire, DAQING, POLICY)]


@pytest.mark.parametrize("misfire", Misfire)
def test_what_comes_on_time_runs(misfire: Misfire) -> None:
    assert outcome(misfire, 0) == [None]
    assert outcome(misfire, 15) == [None]


def test_what_was_missed_follows_the_plans_policy() -> None:
    missed = Skipped.MISSED
    assert outcome(Misfire.SKIP, 600, 300, 16) == [missed, missed, missed]
    assert outcome(Misfire.SKIP, 600, 300, 5) == [missed, missed, None]
    assert outcome(Misfire.LATEST, 600, 300, 16) == [missed, missed, None]
    assert outcome(Misfire.LATEST, 600, 300, 5) == [missed, missed, None]
    assert outcome(Misfire.ALL, 600, 300, 16) == [None, None, None]


def test_no_drill_starts_on_a_day_without_drills_whatever_the_policy() -> None:
    holiday, eve = at("2031-10-01T00:30"), at("2031-09-30T23:30")
    for misfire in Misfire:
        decided = rules.decide([holiday], holiday, misfire, DAQING, POLICY)
        assert [(d.reason, d.state) for d in decided] == [(Skipped.BLACKOUT, RunState.SKIPPED)]
    late = rules.decide([eve, holiday], holiday + timedelta(hours=5), Misfire.LATEST, DAQING, POLICY)
    assert late == [Decision(eve, None), Decision(holiday, Skipped.BLACKOUT)]
    assert [d.state for d in late] == [RunState.RUN, RunState.SKIPPED]


def test_days_without_drills_are_those_of_the_place() -> None:
    assert rules.blacked_out(at("2031-12-31T00:30"), DAQING, POLICY)
    assert rules.blacked_out(at("2032-01-02T23:30"), DAQING, POLICY)
    assert not rules.blacked_out(at("2032-01-03T00:30"), DAQING, POLICY)


def test_a_plan_is_paused_and_resumed_and_not_twice() -> None:
    rules.check_move(PlanState.ACTIVE, PlanState.PAUSED)
    rules.check_move(PlanState.PAUSED, PlanState.ACTIVE)
    for state in PlanState:
        with raises(Refused, "drill.step") as caught:
            rules.check_move(state, state)
        assert caught.value.params == {"state": Text(f"drill.plan_state.{state}")}


TITLE = FieldError("title", "drill.title", {"longest": 200})
SHARE = FieldError("share_percent", "drill.share")
ANSWER = FieldError("answer_minutes", "drill.answer_minutes", {"most": 10_080})


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"title": " "}, [TITLE]),
        ({"title": "x" * 201}, [TITLE]),
        ({"title": "a\0"}, [TITLE]),
        ({"share_percent": 0}, [SHARE]),
        ({"share_percent": 101}, [SHARE]),
        ({"answer_minutes": 0}, [ANSWER]),
        ({"answer_minutes": 10_081}, [ANSWER]),
        ({"jitter_minutes": 721}, [FieldError("jitter_minutes", "drill.jitter", {"most": 720})]),
        ({"hazard": "dragon" * 20}, [FieldError("hazard", "drill.hazard", {"hazard": "dragon" * 10})]),
        (
            {"skills": ("first_aid", "magic" * 20)},
            [FieldError("skills", "drill.skill", {"skill": "magic" * 12})],
        ),
        (
            {"title": "", "share_percent": 0, "hazard": ""},
            [TITLE, SHARE, FieldError("hazard", "drill.hazard", {"hazard": ""})],
        ),
    ],
)
def test_every_wrong_field_is_named(changes: dict[str, object], wrong: list[FieldError]) -> None:
    spec: PlanSpec = replace(TUESDAYS, **changes)
    with raises(Malformed, "form") as caught:
        rules.check_spec(spec, {"flood"}, {"first_aid"})
    assert list(caught.value.fields) == wrong
    assert caught.value.params == {"places": ", ".join(error.where for error in wrong)}
    assert all(has(lang, f"error.{error.code}") for error in wrong for lang in LANGUAGES)


@pytest.mark.parametrize(
    "changes",
    [
        {"skills": ("first_aid",)},
        {"title": "x" * 200, "share_percent": 1, "answer_minutes": 1},
        {"share_percent": 100, "answer_minutes": 10_080},
    ],
)
def test_a_plan_that_is_right_passes(changes: dict[str, object]) -> None:
    rules.check_spec(replace(TUESDAYS, **changes), {"flood"}, {"first_aid"})


def days_ago(*days: int, night: bool = False) -> list[Disturbed]:
    return [Disturbed(NOW - timedelta(days=day), night) for day in days]


def test_nobody_is_disturbed_again_too_soon() -> None:
    assert rules.may_disturb([], NOW, False, POLICY.limits)
    assert not rules.may_disturb(days_ago(20), NOW, False, POLICY.limits)
    assert not rules.may_disturb(days_ago(0), NOW, False, POLICY.limits)
    assert rules.may_disturb(days_ago(21), NOW, False, POLICY.limits)


def test_nobody_is_asked_more_than_the_burden_cap_in_90_days() -> None:
    assert rules.may_disturb(days_ago(22, 45, 90), NOW, False, POLICY.limits)
    assert not rules.may_disturb(days_ago(22, 45, 89), NOW, False, POLICY.limits)


def test_nobody_is_disturbed_too_often_in_a_year() -> None:
    seven = [30 * n for n in range(1, 8)]
    assert rules.may_disturb(days_ago(*seven), NOW, False, POLICY.limits)
    assert not rules.may_disturb(days_ago(*seven, 364), NOW, False, POLICY.limits)
    assert rules.may_disturb(days_ago(*seven, 365), NOW, False, POLICY.limits)


def test_nobody_is_woken_too_often_in_a_year() -> None:
    assert rules.may_disturb(days_ago(60, night=True), NOW, True, POLICY.limits)
    twice = days_ago(60, 120, night=True)
    assert not rules.may_disturb(twice, NOW, True, POLICY.limits)
    assert rules.may_disturb(twice, NOW, False, POLICY.limits)


def test_a_share_is_rounded_up_and_the_same_for_the_same_seed() -> None:
    people = list(range(100, 125))
    drawn = rules.share_of(people, 10, seed=7)
    assert len(drawn) == 3
    assert set(drawn) <= set(people)
    assert rules.share_of(people[::-1], 10, seed=7) == drawn
    assert {tuple(rules.share_of(people, 10, seed=n)) for n in range(20)} != {tuple(drawn)}
    assert rules.share_of(people, 100, seed=1) == people
    assert rules.share_of([], 50, seed=1) == []
    assert len(rules.share_of(range(300), 50, seed=1)) == 150


@pytest.mark.parametrize(
    "changes",
    [
        {"delivered": 41},
        {"acknowledged": -1},
        {"accepted": 31},
        {"assembled": 41},
        {"within": {5: 9, 15: 18, 30: 27}},
        {"within": {5: 9, 15: 18, 30: 27, 60: 30, 90: 30}},
        {"within": {5: 9, 15: 8, 30: 27, 60: 30}},
        {"within": {5: -1, 15: 18, 30: 27, 60: 30}},
        {"within": {5: 9, 15: 18, 30: 27, 60: 31}},
    ],
)
def test_figures_that_cannot_be_are_refused(changes: dict[str, object]) -> None:
    with raises(Malformed, "drill.figures"):
        rules.check_figures(replace(FIGURES, **changes), POLICY.report_minutes)


@pytest.mark.parametrize("everybody", [0, 1, 10])
def test_figures_of_nobody_and_of_everybody_can_be(everybody: int) -> None:
    within = dict.fromkeys(POLICY.report_minutes, everybody)
    figures = Figures(everybody, everybody, everybody, everybody, everybody, within)
    rules.check_figures(figures, POLICY.report_minutes)
    assert figures.shares() == dict.fromkeys(within, 100 if everybody else None)


def test_figures_are_stored_and_read_the_same() -> None:
    rules.check_figures(FIGURES, POLICY.report_minutes)
    assert Figures.of(FIGURES.stored()) == FIGURES


def test_shares_are_of_those_reached_and_never_flatter() -> None:
    assert FIGURES.shares() == {5: 25, 15: 50, 30: 75, 60: 83}
    unreported = replace(FIGURES, delivered=0)
    assert unreported.shares() == {5: 30, 15: 60, 30: 90, 60: 100}
    assert Figures(0, 0, 0, 0, 0, {5: 0}).shares() == {5: None}


def test_answers_are_counted_by_the_minutes_they_took() -> None:
    assert rules.answered_within([0, 5, 5.1, 14, 60, 61], (5, 15, 30, 60)) == {5: 2, 15: 4, 30: 4, 60: 5}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_word_of_a_drill_is_in_the_catalogue(lang: str) -> None:
    groups = {
        "kind": Kind,
        "notice": Notice,
        "misfire": Misfire,
        "plan_state": PlanState,
        "run_state": RunState,
        "skipped": Skipped,
    }
    keys = [f"drill.{group}.{code}" for group, codes in groups.items() for code in codes]
    assert [key for key in keys if not has(lang, key)] == []


def test_now_is_told_and_not_asked() -> None:
    assert datetime.fromisoformat("2031-01-28T02:00+00:00") == NOW


def test_a_holiday_that_moves_is_left_out_in_its_year_alone() -> None:
    spring = [POLICY.blackout(date(year, 2, 6)) for year in (2027, 2028, 2029)]
    assert [row and row.name.en for row in spring] == ["Spring Festival", None, None]
    for first, last in (("02-30", "03-01"), ("2027-02-05", "02-12"), ("2027-02-12", "2027-02-05")):
        with pytest.raises(ValueError, match="day"):
            Blackout(name=POLICY.blackouts[0].name, first=first, last=last)


def test_a_cell_asks_people_of_an_area_that_holds_its_own() -> None:
    cell = rules.CellSpec("/1/2/3/", "/1/2/", "flood", min(rules.HOURS))
    assert rules.check_cell(cell, ["flood"]) == cell
    for wrong in (replace(cell, hour=-1), replace(cell, hazard="dragon"), replace(cell, pool_area="/1/9/")):
        with pytest.raises(Malformed):
            rules.check_cell(wrong, ["flood"])
