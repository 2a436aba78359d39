"""What is decided about people, without a database."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.mobilization.rows import raises
from volunteer_hub.core import policy
from volunteer_hub.core.errors import Refused
from volunteer_hub.core.i18n import Text
from volunteer_hub.volunteers import rules
from volunteer_hub.volunteers.policy import Skills
from volunteer_hub.volunteers.rules import ALLOWED, ContactKind, Purpose, Quiet, Status

SKILLS: Skills = policy.load("skills", Skills)
TODAY = date(2026, 11, 22)


@pytest.mark.parametrize("before", Status)
@pytest.mark.parametrize("after", Status)
def test_only_steps_of_the_table_are_allowed(before: Status, after: Status) -> None:
    if after in ALLOWED[before]:
        rules.must_allow(before, after)
    else:
        with pytest.raises(Refused) as caught:
            rules.must_allow(before, after)
        assert caught.value.code == "volunteer.state"
        assert caught.value.params == {
            "state": Text(f"volunteers.status.{before}"),
            "wanted": Text(f"volunteers.status.{after}"),
        }


def test_every_state_has_its_steps_and_nobody_comes_back_from_oblivion() -> None:
    assert {before: " ".join(sorted(after)) for before, after in ALLOWED.items()} == {
        "applied": "active forgotten left pledged",
        "pledged": "active applied forgotten left paused suspended",
        "active": "forgotten left paused suspended",
        "paused": "active forgotten left pledged suspended",
        "suspended": "active forgotten left pledged",
        "left": "applied forgotten",
        "forgotten": "",
    }
    assert set(ALLOWED) == set(Status)
    assert all(Status.FORGOTTEN in ALLOWED[state] for state in Status if state != Status.FORGOTTEN)


@pytest.mark.parametrize(
    ("birthday", "day", "age"),
    [
        (date(2000, 2, 29), date(2018, 2, 28), 17),
        (date(2000, 2, 29), date(2018, 3, 1), 18),
        (date(2000, 2, 29), date(2020, 2, 29), 20),
        (date(2008, 11, 22), TODAY, 18),
        (date(2008, 11, 23), TODAY, 17),
    ],
)
def test_years_are_completed_on_the_birthday(birthday: date, day: date, age: int) -> None:
    assert rules.age_on(birthday, day) == age
    assert rules.is_adult(birthday, day) == (age >= 18)


def test_an_unknown_birthday_is_not_of_age() -> None:
    assert not rules.is_adult(None, TODAY)


def test_a_minor_needs_a_guardian_and_an_adult_none() -> None:
    minor, adult = date(2010, 1, 1), date(1990, 1, 1)
    with raises(Refused, "volunteer.guardian"):
        rules.must_have_guardian(minor, None, TODAY)
    rules.must_have_guardian(minor, datetime(2026, 1, 1, tzinfo=UTC), TODAY)
    rules.must_have_guardian(adult, None, TODAY)
    rules.must_have_guardian(None, None, TODAY)


@pytest.mark.parametrize(
    ("status", "until", "called"),
    [
        (Status.ACTIVE, None, True),
        (Status.PLEDGED, None, True),
        (Status.APPLIED, None, False),
        (Status.PAUSED, None, False),
        (Status.PAUSED, date(2026, 11, 22), False),
        (Status.PAUSED, date(2026, 11, 21), True),
        (Status.SUSPENDED, date(2026, 11, 21), False),
        (Status.LEFT, None, False),
        (Status.FORGOTTEN, None, False),
    ],
)
def test_who_may_be_called(status: Status, until: date | None, called: bool) -> None:
    assert rules.may_be_called(status, until, TODAY) == called


def test_a_pause_leads_back_to_what_was() -> None:
    assert rules.back_from_pause([]) == Status.ACTIVE
    assert rules.back_from_pause(["crowd"]) == Status.PLEDGED


def test_a_light_pledge_is_called_for_its_skills_only() -> None:
    first_aid = SKILLS.stands_in("first_aid")
    assert rules.may_be_wanted_for([], first_aid)
    assert rules.may_be_wanted_for(["nursing"], first_aid)
    assert not rules.may_be_wanted_for(["cooking"], first_aid)


NIGHT = Quiet(1320, 360, rules.MILDEST)


@pytest.mark.parametrize(
    ("start", "end", "minute", "left"),
    [
        (600, 600, 600, 0),
        (600, 700, 599, 0),
        (600, 700, 600, 100),
        (600, 700, 700, 0),
        (1320, 360, 1320, 480),
        (1320, 360, 0, 360),
        (1320, 360, 359, 1),
        (1320, 360, 360, 0),
        (1320, 360, 720, 0),
        (None, None, 0, 360),
        (600, None, 600, 0),  # half an answer is none: the usual hours
    ],
)
def test_quiet_hours_may_run_over_midnight(
    start: int | None, end: int | None, minute: int, left: int
) -> None:
    assert rules.left_in_peace(Quiet(start, end, None), NIGHT, minute, None) == left


@pytest.mark.parametrize(
    ("own", "usual", "woken"),
    [(None, 4, [1, 2, 3, 4]), (None, 2, [1, 2]), (3, 1, [1, 2, 3]), (0, 4, []), (1, 0, [1]), (None, 0, [])],
)
def test_quiet_hours_are_broken_for_the_levels_a_person_agreed_to_and_never_for_a_drill(
    own: int | None, usual: int, woken: list[int]
) -> None:
    mine, here = Quiet(None, None, own), Quiet(1320, 360, usual)
    assert [level for level in (1, 2, 3, 4) if not rules.left_in_peace(mine, here, 0, level)] == woken
    assert rules.left_in_peace(mine, here, 0, None) == 360
    assert not rules.left_in_peace(mine, here, 720, 4)


def test_a_device_counts_while_it_was_seen_to_show_something_lately() -> None:
    now, later = datetime(2031, 1, 20, 2, tzinfo=UTC), datetime(2031, 1, 20, 3, tzinfo=UTC)
    assert [rules.counts(ContactKind.WEBPUSH, until, now) for until in (None, now, later)] == [
        False,
        False,
        True,
    ]
    assert rules.counts(ContactKind.SMS, None, now)


def test_a_week_holds_so_much_and_no_more() -> None:
    assert [rules.asked_enough(spent, 2, 10) for spent in (0, 8, 9, 10)] == [False, False, True, True]


def test_a_nurse_gives_first_aid_while_her_certification_lasts() -> None:
    claims, papers = {"nursing": 3}, {"nursing": date(2026, 12, 31)}
    assert rules.level_on(SKILLS, claims, papers, "first_aid", date(2026, 12, 31)) == 3
    assert rules.level_on(SKILLS, claims, papers, "first_aid", date(2027, 1, 1)) == 0
    assert rules.level_on(SKILLS, claims, {}, "first_aid", date(2026, 12, 31)) == 0
    assert rules.level_on(SKILLS, claims, {"nursing": None}, "first_aid", date(2099, 1, 1)) == 3


def test_first_aid_does_not_make_a_nurse() -> None:
    assert rules.level_on(SKILLS, {"first_aid": 3}, {"first_aid": None}, "nursing", TODAY) == 0


def test_a_certification_of_another_skill_does_not_help() -> None:
    assert rules.level_on(SKILLS, {"nursing": 3}, {"first_aid": None}, "first_aid", TODAY) == 0


def test_what_needs_no_paper_counts_as_claimed_and_what_everybody_can_as_one() -> None:
    assert rules.level_on(SKILLS, {"cooking": 2}, {}, "cooking", TODAY) == 2
    assert rules.level_on(SKILLS, {}, {}, "general", TODAY) == 1
    assert rules.level_on(SKILLS, {}, {}, "cooking", TODAY) == 0


def test_a_wider_skill_that_needs_no_paper_counts_for_one_that_does_only_with_its_paper() -> None:
    text = {"en": "x", "zh": "x"}
    skills = Skills.model_validate(
        {
            "levels": [text] * 3,
            "remind_days": [7],
            "groups": {"g": text},
            "skills": {
                "wide": {"name": text, "group": "g"},
                "narrow": {"name": text, "group": "g", "parent": "wide", "certified": True},
            },
        }
    )
    assert rules.counts_until(skills, "wide", "narrow", {}) is None
    assert rules.counts_until(skills, "wide", "narrow", {"narrow": date(2027, 1, 1)}) == date(2027, 1, 1)


@pytest.mark.parametrize(
    ("left", "reminded", "due"),
    [
        (91, None, False),
        (90, None, True),
        (90, 0, False),
        (40, 45, False),
        (30, 1, True),
        (30, 0, False),
        (7, 10, True),
        (3, 3, False),
        (0, 20, True),
        (-1, None, False),
    ],
)
def test_holders_are_reminded_once_for_each_planned_day(left: int, reminded: int | None, due: bool) -> None:
    expires = date.fromordinal(TODAY.toordinal() + left)
    at = None
    if reminded is not None:
        day = date.fromordinal(TODAY.toordinal() - reminded)
        at = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
    assert rules.reminder_due(expires, at, TODAY, (90, 30, 7)) == due


@given(st.sets(st.sampled_from(list(Purpose))))
def test_two_consents_are_needed(given_purposes: set[Purpose]) -> None:
    missing = rules.missing_purposes(given_purposes)
    assert missing == sorted({Purpose.MOBILIZATION, Purpose.MESSAGES} - given_purposes)
