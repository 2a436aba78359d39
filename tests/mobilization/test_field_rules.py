"""Who is where, who needs attention first, who goes home first, from what is stored and the hour."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from volunteer_hub.core.errors import Malformed, Refused
from volunteer_hub.mobilization import field_rules as rules
from volunteer_hub.mobilization.field_rules import Contact, First, Leaving, Need, Place, Sighting
from volunteer_hub.mobilization.policy import FieldRules
from volunteer_hub.mobilization.rules import DutyState

START = datetime(2031, 1, 20, 3, 0, tzinfo=UTC)
POLICY = FieldRules(
    ok_remind_share=0.5, arrival_grace_minutes=10, end_grace_minutes=30, rest_after_minutes=480
)
EXPECTED = Sighting(DutyState.EXPECTED, START, START + timedelta(hours=4), rest_after=240)
HERE = replace(EXPECTED, duty=DutyState.ON_SITE, checked_in_at=START)


def at(minutes: float) -> datetime:
    """So many minutes after the start."""
    return START + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("duty", "place"),
    [
        (DutyState.EXPECTED, Place.EXPECTED),
        (DutyState.ON_SITE, Place.ON_SITE),
        (DutyState.DONE, Place.LEFT),
        (DutyState.NO_SHOW, Place.NO_SHOW),
        (DutyState.CANCELLED, Place.RELEASED),
    ],
)
def test_where_somebody_is_follows_from_their_duty(duty: DutyState, place: Place) -> None:
    assert replace(EXPECTED, duty=duty).place is place


def test_whoever_set_out_is_on_the_way_until_they_are_there() -> None:
    gone = replace(EXPECTED, en_route_at=at(-30), arrives_at=at(-5))
    assert gone.place is Place.EN_ROUTE
    assert replace(gone, duty=DutyState.ON_SITE).place is Place.ON_SITE


def test_they_are_expected_at_the_hour_they_stated_last_and_else_at_the_start() -> None:
    with_yes = replace(EXPECTED, held_since=at(-10), minutes_there=30)
    assert [
        EXPECTED.expected_at,
        with_yes.expected_at,
        replace(with_yes, held_since=at(-90)).expected_at,
        replace(with_yes, minutes_there=None).expected_at,
        replace(with_yes, en_route_at=at(0), arrives_at=at(45)).expected_at,
    ] == [at(0), at(20), at(0), at(0), at(45)]


def test_minutes_on_duty_count_for_those_on_site_only() -> None:
    assert [HERE.minutes_on(at(61.9)), EXPECTED.minutes_on(at(61)), HERE.minutes_on(at(-1))] == [61, 0, 0]
    assert replace(HERE, checked_in_at=None).minutes_on(at(61)) == 0


def test_somebody_is_late_once_the_grace_after_their_hour_is_over() -> None:
    coming = replace(EXPECTED, en_route_at=at(-20), arrives_at=at(5))
    assert rules.needs(coming, at(14.9), POLICY) == ()
    assert rules.needs(coming, at(15), POLICY) == (Need.ARRIVAL_OVERDUE,)
    assert rules.needs(EXPECTED, at(9.9), POLICY) == ()
    assert rules.needs(EXPECTED, at(10), POLICY) == (Need.ARRIVAL_OVERDUE,)


def test_on_site_the_ok_the_end_and_the_rest_count_in_that_order() -> None:
    timed = replace(HERE, ok_due_at=at(280))
    assert rules.needs(timed, at(239), POLICY) == ()
    assert rules.needs(timed, at(240), POLICY) == (Need.REST_DUE,)
    assert rules.needs(timed, at(270), POLICY) == (Need.END_OVERDUE, Need.REST_DUE)
    assert rules.needs(timed, at(280), POLICY) == (Need.OK_OVERDUE, Need.END_OVERDUE, Need.REST_DUE)


def test_whoever_has_left_or_did_not_come_needs_nothing() -> None:
    for duty in (DutyState.DONE, DutyState.NO_SHOW, DutyState.CANCELLED):
        assert rules.needs(replace(HERE, duty=duty, ok_due_at=at(1)), at(999), POLICY) == ()


def test_the_last_contact_is_the_newest_and_at_one_moment_the_later_deed() -> None:
    assert rules.last_contact(EXPECTED) is None
    seen = replace(EXPECTED, seen_at=at(-60), answered_at=at(-60))
    assert rules.last_contact(seen) == (Contact.ANSWERED, at(-60))
    assert rules.last_contact(replace(seen, en_route_at=at(-20))) == (Contact.SET_OUT, at(-20))
    here = replace(HERE, answered_at=at(-60), ok_at=at(30))
    assert rules.last_contact(here) == (Contact.OK, at(30))
    assert rules.last_contact(replace(here, checked_out_at=at(90))) == (Contact.LEFT, at(90))
    assert rules.last_contact(HERE) == (Contact.ARRIVED, at(0))


def test_whoever_needs_attention_comes_first_then_those_on_site_and_the_longest_unheard_of() -> None:
    people = {
        "gone": (replace(HERE, duty=DutyState.DONE, checked_out_at=at(60)), ()),
        "expected": (EXPECTED, ()),
        "coming": (replace(EXPECTED, en_route_at=at(-9)), ()),
        "well": (HERE, ()),
        "tired": (HERE, (Need.REST_DUE,)),
        "silent": (replace(HERE, ok_at=at(10)), (Need.OK_OVERDUE, Need.REST_DUE)),
        "silent longer": (replace(HERE, ok_at=at(5)), (Need.OK_OVERDUE,)),
    }
    ordered = sorted(people, key=lambda name: rules.urgency(*people[name]))
    assert ordered == ["silent longer", "silent", "tired", "well", "coming", "expected", "gone"]


def test_only_the_expected_set_out_and_only_those_on_site_are_ok() -> None:
    for duty in DutyState:
        if duty is DutyState.EXPECTED:
            rules.may_set_out(duty)
        else:
            with pytest.raises(Refused, match=r"field\.not_expected"):
                rules.may_set_out(duty)
        if duty is DutyState.ON_SITE:
            rules.may_be_ok(duty)
        else:
            with pytest.raises(Refused, match=r"field\.not_on_site"):
                rules.may_be_ok(duty)


def test_the_time_to_be_ok_is_five_minutes_to_a_day_or_none() -> None:
    for minutes in (None, 5, 1440):
        rules.check_ok_minutes(minutes)
    for minutes in (4, 1441, 0, -5):
        with pytest.raises(Malformed, match=r"field\.ok_minutes") as refused:
            rules.check_ok_minutes(minutes)
        assert refused.value.params == {"shortest": 5, "longest": 1440}
        assert [fault.where for fault in refused.value.fields] == ["minutes"]


def test_the_reminder_comes_after_its_share_of_the_time() -> None:
    assert rules.ok_times(at(0), 40, POLICY) == (at(40), at(20))


def test_what_happened_is_said_in_words_that_are_not_endless_and_not_before_it_happens() -> None:
    rules.check_injury("Cut", "Gate", at(0), at(0))
    rules.check_injury("x" * 2000, "y" * 200, at(0), at(0))
    with pytest.raises(Malformed) as refused:
        rules.check_injury("x" * 2001, "y" * 201, at(1), at(0))
    assert [(fault.where, fault.code, fault.params) for fault in refused.value.fields] == [
        ("words", "field.too_long", {"longest": 2000}),
        ("place", "field.too_long", {"longest": 200}),
        ("happened_at", "field.future", {}),
    ]
    assert (refused.value.code, refused.value.params) == ("field.too_long", {"longest": 2000})
    with pytest.raises(Malformed, match=r"field\.words_missing"):
        rules.check_injury("", "", at(0), at(0))


def leaving(key: int, minutes: int, km: float | None = 1.0, *, minor: bool = False) -> Leaving:
    return Leaving(key, minutes, 240, minor, km)


def test_home_go_first_the_tired_then_minors_then_the_longest_then_the_farthest() -> None:
    people = [
        leaving(1, 10),
        leaving(2, 125, 3.0),
        leaving(3, 179, 2.0),
        leaving(4, 185),
        leaving(5, 30, minor=True),
        leaving(6, 240),
        leaving(7, 130, None),
        leaving(8, 300, minor=True),
    ]
    ordered = [(one.key, why) for one, why in rules.release_order(people)]
    assert ordered == [
        (8, First.REST_DUE),
        (6, First.REST_DUE),
        (5, First.MINOR),
        (4, First.LONGEST),
        (2, First.FARTHEST),
        (3, First.FARTHEST),
        (7, First.LONGEST),
        (1, First.LONGEST),
    ]


def test_of_two_alike_whoever_came_first_goes_first() -> None:
    people = [leaving(2, 61), leaving(1, 61), leaving(3, 65)]
    assert [one.key for one, _ in rules.release_order(people)] == [3, 1, 2]
    assert rules.release_order([]) == []
