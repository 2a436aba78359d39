from datetime import date

import pytest

from tests.incentives.served import MORNING, REWARDS, service
from tests.mobilization.rows import raises
from volunteer_hub.core.errors import Malformed
from volunteer_hub.core.i18n import LANGUAGES, has
from volunteer_hub.incentives import rules
from volunteer_hub.incentives.policy import Rewards
from volunteer_hub.incentives.rules import Award, Basis, EntryKind, Grade, Kind, Line, Service

MONDAY, TUESDAY = date(2031, 1, 20), date(2031, 1, 21)


def points(served: Service, **earned: int) -> int:
    return rules.award(served, REWARDS, {}).points


def lines(served: Service, earned: dict[date, int] | None = None) -> list[tuple[str, int]]:
    return [(line.code, line.points) for line in rules.award(served, REWARDS, earned or {}).lines]


def policy(**changes: object) -> Rewards:
    return REWARDS.model_copy(update=changes)


def test_only_whole_hours_are_paid() -> None:
    assert points(service("2031-01-20T09:00", "2031-01-20T09:59")) == 0
    assert points(service("2031-01-20T09:00", "2031-01-20T10:00")) == 10
    assert points(service("2031-01-20T09:00", "2031-01-20T11:59")) == 20


def test_no_time_at_all_is_an_explained_nothing() -> None:
    assert lines(service("2031-01-20T09:00", "2031-01-20T09:00")) == [("hours", 0)]
    assert lines(service("2031-01-20T09:00", "2031-01-20T09:30", hazardous=True, leader=True)) == [
        ("hours", 0)
    ]


def test_a_duty_that_ends_before_it_begins_is_refused() -> None:
    with raises(Malformed, "points.times"):
        points(service("2031-01-20T09:00", "2031-01-20T08:59"))


def test_night_hours_run_over_midnight_and_belong_to_two_days() -> None:
    award = rules.award(service("2031-01-20T21:00", "2031-01-21T07:00"), REWARDS, {})
    assert [(line.code, line.points) for line in award.lines] == [("hours", 100), ("night", 40)]
    assert award.days == {MONDAY: 30 + 10, TUESDAY: 70 + 30}


def test_a_night_that_lies_within_one_day_is_read_too() -> None:
    early = policy(night=REWARDS.night.model_copy(update={"starts": REWARDS.night.ends.replace(hour=1)}))
    award = rules.award(service("2031-01-20T00:00", "2031-01-20T08:00"), early, {})
    assert [(line.code, line.points) for line in award.lines] == [("hours", 80), ("night", 25)]


def test_an_hour_over_midnight_is_paid_on_the_day_that_completes_it() -> None:
    award = rules.award(service("2031-01-20T23:30", "2031-01-21T00:30"), REWARDS, {})
    assert award.days == {MONDAY: 0, TUESDAY: 15}


def test_weekend_leader_and_hazard_add_to_the_hours() -> None:
    saturday = service("2031-01-25T09:00", "2031-01-25T12:00", leader=True, hazardous=True)
    assert lines(saturday) == [("hours", 30), ("weekend", 6), ("leader", 9), ("hazard", 15)]
    assert points(saturday) == 60


def test_weekend_is_that_of_the_place_and_not_of_greenwich() -> None:
    assert lines(service("2031-01-25T00:00", "2031-01-25T02:00")) == [
        ("hours", 20),
        ("night", 10),
        ("weekend", 4),
    ]
    assert lines(service("2031-01-26T23:00", "2031-01-27T01:00")) == [
        ("hours", 20),
        ("night", 10),
        ("weekend", 2),
    ]


@pytest.mark.parametrize(("day", "hours"), [("2031-03-30", 23), ("2031-10-26", 25), ("2031-06-01", 24)])
def test_a_day_with_a_clock_change_is_paid_by_its_true_hours(day: str, hours: int) -> None:
    following = date.fromisoformat(day).toordinal() + 1
    served = service(f"{day}T00:00", f"{date.fromordinal(following)}T00:00", zone="Europe/Berlin")
    assert served.minutes == hours * 60
    # 02:00 to 03:00 is left out in spring and comes twice in autumn: a night hour either way.
    assert rules.award(served, policy(caps=REWARDS.caps.model_copy(update={"day": 1000})), {}).points == (
        hours * (10 + 2) + (hours - 16) * 5
    )


def test_every_line_tells_its_numbers() -> None:
    served = service("2031-01-25T04:00", "2031-01-25T07:30", leader=True, hazardous=True)
    odd = policy(points=REWARDS.points.model_copy(update={"hour": 5, "hazard_percent": 115}))
    assert rules.award(served, odd, {}).lines == (
        Line("hours", 15, {"hours": 3, "rate": 5}),
        Line("night", 10, {"hours": 2, "rate": 5}),
        Line("weekend", 6, {"hours": 3, "rate": 2}),
        Line("leader", 9, {"hours": 3, "rate": 3}),
        Line("hazard", 2, {"percent": 15, "of": 15}),
    )


def test_the_minute_at_which_the_night_ends_is_day() -> None:
    dawn = service("2031-01-20T05:01", "2031-01-20T06:01")
    assert lines(dawn) == [("hours", 10)]
    assert lines(service("2031-01-20T05:00", "2031-01-20T06:00")) == [("hours", 10), ("night", 5)]
    early = policy(night=REWARDS.night.model_copy(update={"starts": REWARDS.night.ends.replace(hour=1)}))
    assert [line.code for line in rules.award(dawn, early, {}).lines] == ["hours"]
    assert lines(service("2031-01-20T22:00", "2031-01-20T23:00")) == [("hours", 10), ("night", 5)]


def test_a_night_that_ends_as_it_starts_is_none() -> None:
    none = policy(night=REWARDS.night.model_copy(update={"starts": REWARDS.night.ends}))
    served = service("2031-01-20T00:00", "2031-01-20T08:00")
    assert [line.code for line in rules.award(served, none, {}).lines] == ["hours"]


def test_only_well_evidenced_time_is_paid() -> None:
    typed = service("2031-01-20T09:00", "2031-01-20T12:00", grade=Grade.C)
    award = rules.award(typed, REWARDS, {})
    assert (award.points, award.days) == (0, {})
    assert [line.stored() for line in award.lines] == [
        {"code": "unproven", "points": 0, "params": {"grade": "C", "minutes": 180}}
    ]
    assert points(service("2031-01-20T09:00", "2031-01-20T12:00", grade=Grade.B)) == 30


def test_a_drill_is_paid_once_and_not_by_the_hour() -> None:
    drill = service("2031-01-20T09:00", "2031-01-20T18:00", kind=Kind.DRILL, leader=True)
    assert lines(drill) == [("drill", 15)]
    night = service("2031-01-20T23:00", "2031-01-21T01:00", kind=Kind.DRILL)
    assert rules.award(night, REWARDS, {}).days == {TUESDAY: 15}
    assert lines(service("2031-01-20T09:00", "2031-01-20T18:00", kind=Kind.DRILL, grade=Grade.C)) == [
        ("unproven", 0)
    ]


def test_standing_by_is_paid_by_whole_hours() -> None:
    paid = rules.standby(120, MONDAY, REWARDS, {})
    assert paid == Award(4, {MONDAY: 4}, (Line("standby", 4, {"hours": 2, "rate": 2}),))
    assert rules.standby(119, MONDAY, REWARDS, {}).points == 2
    assert rules.standby(-5, MONDAY, REWARDS, {}).points == 0


def test_the_day_is_capped_with_what_was_earned_before() -> None:
    assert lines(MORNING, {MONDAY: 220}) == [("hours", 30), ("cap_day", -10)]
    cut = rules.award(MORNING, REWARDS, {MONDAY: 220}).lines[-1]
    assert cut.params == {"day": "2031-01-20", "cap": 240}
    assert lines(MORNING, {MONDAY: 240}) == [("hours", 30), ("cap_day", -30)]
    assert lines(MORNING, {MONDAY: 500}) == [("hours", 30), ("cap_day", -30)]
    assert lines(MORNING, {TUESDAY: 240}) == [("hours", 30)]


def test_each_day_of_a_long_duty_has_its_own_cap() -> None:
    award = rules.award(service("2031-01-20T00:00", "2031-01-22T00:00"), REWARDS, {MONDAY: 200})
    assert award.days == {MONDAY: 40, TUESDAY: 240}
    assert [(line.code, line.points) for line in award.lines] == [
        ("hours", 480),
        ("night", 80),
        ("cap_day", -240),
        ("cap_day", -40),
    ]


def test_the_month_is_capped_over_all_its_days() -> None:
    before = {date(2031, 1, day): 240 for day in range(1, 11)}
    assert lines(MORNING, {**before, date(2031, 1, 10): 220}) == [("hours", 30), ("cap_month", -10)]
    assert lines(MORNING, before) == [("hours", 30), ("cap_month", -30)]
    assert lines(MORNING, {day.replace(month=2): n for day, n in before.items()}) == [("hours", 30)]


def test_a_duty_over_the_end_of_a_month_counts_in_both() -> None:
    award = rules.award(service("2031-01-31T22:00", "2031-02-01T02:00"), REWARDS, {date(2031, 1, 5): 2400})
    assert award.days == {date(2031, 1, 31): 0, date(2031, 2, 1): 34}
    assert award.lines[-1].params == {"month": "2031-01", "cap": 2400}


def test_the_lines_always_add_up_to_the_points() -> None:
    served = service("2031-01-24T20:15", "2031-01-27T08:40", leader=True, hazardous=True)
    award = rules.award(served, REWARDS, {date(2031, 1, 25): 100, date(2031, 1, 3): 2000})
    assert sum(line.points for line in award.lines) == award.points == sum(award.days.values()) == 300


def test_paid_and_compulsory_time_is_no_volunteer_time() -> None:
    counts = {basis: rules.counts_as_hours(Grade.A, basis, REWARDS) for basis in Basis}
    assert counts == {
        Basis.ELECTION: True,
        Basis.EMPLOYMENT: False,
        Basis.COORDINATION: True,
        Basis.COMPULSORY: False,
        Basis.VOLUNTARY: True,
    }
    assert not rules.counts_as_hours(Grade.C, Basis.VOLUNTARY, REWARDS)


def test_a_person_loses_points_only_by_kinds_that_need_a_reason() -> None:
    every = service("2031-01-24T20:15", "2031-01-27T08:40", leader=True, hazardous=True)
    drained = {date(2031, 1, day): 10_000 for day in range(1, 31)}
    paid = [
        rules.award(every, REWARDS, drained).points,
        rules.standby(-60, MONDAY, REWARDS, drained).points,
        rules.deed(EntryKind.SURVEY, 3, MONDAY, REWARDS, drained).points,
    ]
    assert paid == [0, 0, 0]
    assert set(EntryKind) - rules.WITH_REASON == {
        EntryKind.DUTY,
        EntryKind.STANDBY,
        EntryKind.DRILL,
        EntryKind.SURVEY,
        EntryKind.TRAINING,
        EntryKind.REPORT,
        EntryKind.EXPIRY,
        EntryKind.REDEMPTION,  # by the person's own hand
        EntryKind.GIFT,  # likewise
    }


@pytest.mark.parametrize("reason", ["", " \n", "x" * 501, "a\0b"])
def test_a_reason_has_words(reason: str) -> None:
    with raises(Malformed, "points.reason") as caught:
        rules.reason_of(reason)
    assert caught.value.params == {"longest": 500}


def test_a_reason_is_kept_trimmed() -> None:
    assert rules.reason_of("  wrong times \n") == "wrong times"
    assert rules.reason_of(" " + "x" * 500) == "x" * 500


@pytest.mark.parametrize("points", [0, 100_001, -100_001])
def test_an_adjustment_has_a_sane_size(points: int) -> None:
    with raises(Malformed, "points.adjustment") as caught:
        rules.adjustment(points)
    assert caught.value.params == {"most": 100_000}


def test_points_may_be_added_and_taken_by_hand() -> None:
    for points in (5, -5, 1, -1, 100_000, -100_000):
        assert rules.adjustment(points) == points


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_kind_has_its_word(lang: str) -> None:
    assert [kind for kind in EntryKind if not has(lang, f"points.kind.{kind}")] == []
