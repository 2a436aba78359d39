from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.mobilization.rows import raises
from volunteer_hub.core.errors import Malformed
from volunteer_hub.core.policy import SHIPPED, read
from volunteer_hub.drills import recurrence
from volunteer_hub.drills.policy import Drills

DAQING = "Asia/Shanghai"
POLICY = read(SHIPPED / "drills.toml", Drills)


def at(local: str, zone: str = DAQING) -> datetime:
    """A local time as a moment."""
    return datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def local(rule: str, after: str, n: int = 3, zone: str = DAQING, since: str | None = None) -> list[str]:
    """The next times on the wall clock, with their distance from UTC."""
    timezone = ZoneInfo(zone)
    moments = recurrence.next_occurrences(
        rule, timezone, at(after, zone), n, since=None if since is None else at(since, zone)
    )
    return [moment.astimezone(timezone).isoformat(timespec="minutes") for moment in moments]


def dates(rule: str, after: str, n: int = 3, zone: str = DAQING, since: str | None = None) -> list[str]:
    return [moment[:16].replace("T", " ") for moment in local(rule, after, n, zone, since)]


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("0 10 * * 2", ["2031-01-07 10:00", "2031-01-14 10:00", "2031-01-21 10:00"]),
        ("30 9 1,15 * *", ["2031-01-01 09:30", "2031-01-15 09:30", "2031-02-01 09:30"]),
        ("0 9-11 5 1 *", ["2031-01-05 09:00", "2031-01-05 10:00", "2031-01-05 11:00"]),
        ("0 8 */10 * *", ["2031-01-01 08:00", "2031-01-11 08:00", "2031-01-21 08:00"]),
        ("0 8 5/10 * *", ["2031-01-05 08:00", "2031-01-15 08:00", "2031-01-25 08:00"]),
        ("0 8 * JAN,mar sun", ["2031-01-05 08:00", "2031-01-12 08:00", "2031-01-19 08:00"]),
        ("0 8 * * 7", ["2031-01-05 08:00", "2031-01-12 08:00", "2031-01-19 08:00"]),
        ("0 8 * * 0", ["2031-01-05 08:00", "2031-01-12 08:00", "2031-01-19 08:00"]),
        ("0 8 * * MON-FRI/2", ["2031-01-01 08:00", "2031-01-03 08:00", "2031-01-06 08:00"]),
        ("0 8 31 * *", ["2031-01-31 08:00", "2031-03-31 08:00", "2031-05-31 08:00"]),
        ("0 8 * * *", ["2031-01-01 08:00", "2031-01-02 08:00", "2031-01-03 08:00"]),
    ],
)
def test_cron_is_read_on_the_wall_clock(cron: str, expected: list[str]) -> None:
    assert dates(cron, "2031-01-01T00:00") == expected


def test_a_cron_with_day_and_weekday_fires_on_either() -> None:
    assert dates("0 8 13 * FRI", "2031-06-01T00:00", 4) == [
        "2031-06-06 08:00",
        "2031-06-13 08:00",
        "2031-06-20 08:00",
        "2031-06-27 08:00",
    ]
    assert dates("0 8 13 * FRI", "2031-07-04T12:00", 2) == ["2031-07-11 08:00", "2031-07-13 08:00"]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("FREQ=MONTHLY;BYDAY=2TU;BYHOUR=10;BYMINUTE=0", ["2031-01-14 10:00", "2031-02-11 10:00"]),
        ("RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=2SA;BYHOUR=9", ["2031-11-08 09:00", "2032-11-13 09:00"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-1;BYHOUR=9;", ["2031-01-31 09:00", "2031-02-28 09:00"]),
        ("FREQ=DAILY;INTERVAL=10;BYHOUR=9", ["2031-01-01 09:00", "2031-01-11 09:00"]),
        ("FREQ=WEEKLY", ["2031-01-08 00:00", "2031-01-15 00:00"]),
    ],
)
def test_an_rrule_is_read_on_the_wall_clock(rule: str, expected: list[str]) -> None:
    assert dates(rule, "2031-01-01T00:00", 2) == expected


def test_intervals_are_counted_from_the_day_the_plan_was_made() -> None:
    rule = "FREQ=MONTHLY;INTERVAL=6;BYDAY=3TH;BYHOUR=22"
    assert dates(rule, "2031-04-01T12:00", 2, since="2031-01-20T15:00") == [
        "2031-07-17 22:00",
        "2032-01-15 22:00",
    ]
    assert dates(rule, "2031-04-01T12:00", 2, since="2031-02-20T15:00") == [
        "2031-08-21 22:00",
        "2032-02-19 22:00",
    ]


def test_a_count_is_reckoned_from_the_first_day() -> None:
    rule = "FREQ=DAILY;COUNT=3;BYHOUR=9"
    assert dates(rule, "2031-01-01T00:00", 9) == ["2031-01-01 09:00", "2031-01-02 09:00", "2031-01-03 09:00"]
    assert dates(rule, "2031-01-02T12:00", 9, since="2031-01-01T00:00") == ["2031-01-03 09:00"]
    assert dates(rule, "2031-01-09T12:00", 9, since="2031-01-01T00:00") == []


@pytest.mark.parametrize("until", ["20310103", "20310103T090000", "20310103T010000Z"])
def test_an_end_may_be_a_day_a_local_time_or_one_in_utc(until: str) -> None:
    rule = f"FREQ=DAILY;BYHOUR=9;UNTIL={until}"
    assert dates(rule, "2031-01-01T12:00", 9) == ["2031-01-02 09:00", "2031-01-03 09:00"]


@pytest.mark.parametrize("rule", ["0 9 29 2 *", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYHOUR=9"])
def test_the_29th_of_february_comes_in_leap_years_only(rule: str) -> None:
    assert dates(rule, "2031-01-01T00:00", 5) == [
        f"{year}-02-29 09:00" for year in (2032, 2036, 2040, 2044, 2048)
    ]
    assert dates(rule, "2095-01-01T00:00", 2) == ["2096-02-29 09:00", "2104-02-29 09:00"]


GAPS = [
    (
        "America/New_York",
        "2031-03-08",
        ["2031-03-08T02:30-05:00", "2031-03-09T03:30-04:00", "2031-03-10T02:30-04:00"],
    ),
    (
        "Europe/Berlin",
        "2031-03-29",
        ["2031-03-29T02:30+01:00", "2031-03-30T03:30+02:00", "2031-03-31T02:30+02:00"],
    ),
    (
        "Australia/Sydney",
        "2031-10-04",
        ["2031-10-04T02:30+10:00", "2031-10-05T03:30+11:00", "2031-10-06T02:30+11:00"],
    ),
    (
        "America/Santiago",
        "2031-09-06",
        ["2031-09-06T00:30-04:00", "2031-09-07T01:30-03:00", "2031-09-08T00:30-03:00"],
    ),
]


@pytest.mark.parametrize("form", ["{minute} {hour} * * *", "FREQ=DAILY;BYHOUR={hour};BYMINUTE={minute}"])
@pytest.mark.parametrize(("zone", "day", "expected"), GAPS)
def test_a_time_left_out_in_spring_moves_forward_one_hour(
    zone: str, day: str, expected: list[str], form: str
) -> None:
    hour = 0 if zone == "America/Santiago" else 2
    assert local(form.format(hour=hour, minute=30), f"{day}T00:00", zone=zone) == expected


FOLDS = [
    (
        "America/New_York",
        "2031-11-01",
        1,
        ["2031-11-01T01:30-04:00", "2031-11-02T01:30-04:00", "2031-11-03T01:30-05:00"],
    ),
    (
        "Europe/Berlin",
        "2031-10-25",
        2,
        ["2031-10-25T02:30+02:00", "2031-10-26T02:30+02:00", "2031-10-27T02:30+01:00"],
    ),
    (
        "Australia/Sydney",
        "2031-04-05",
        2,
        ["2031-04-05T02:30+11:00", "2031-04-06T02:30+11:00", "2031-04-07T02:30+10:00"],
    ),
    (
        "America/Santiago",
        "2031-04-04",
        23,
        ["2031-04-04T23:30-03:00", "2031-04-05T23:30-03:00", "2031-04-06T23:30-04:00"],
    ),
]


@pytest.mark.parametrize("form", ["{minute} {hour} * * *", "FREQ=DAILY;BYHOUR={hour};BYMINUTE={minute}"])
@pytest.mark.parametrize(("zone", "day", "hour", "expected"), FOLDS)
def test_a_time_repeated_in_autumn_fires_once(
    zone: str, day: str, hour: int, expected: list[str], form: str
) -> None:
    assert local(form.format(hour=hour, minute=30), f"{day}T00:00", zone=zone) == expected


@pytest.mark.parametrize(("zone", "day", "hour", "expected"), FOLDS)
def test_after_its_first_passing_a_repeated_time_does_not_come_again(
    zone: str, day: str, hour: int, expected: list[str]
) -> None:
    first = datetime.fromisoformat(expected[1])
    following = recurrence.next_occurrences(f"30 {hour} * * *", ZoneInfo(zone), first.astimezone(UTC), 1)
    assert following == [datetime.fromisoformat(expected[2])]


def test_two_times_that_a_gap_makes_one_fire_once() -> None:
    assert local("30 2,3 * * *", "2031-03-09T00:00", 3, "America/New_York") == [
        "2031-03-09T03:30-04:00",
        "2031-03-10T02:30-04:00",
        "2031-03-10T03:30-04:00",
    ]


def test_a_gap_of_half_an_hour_moves_by_half_an_hour() -> None:
    assert local("15 2 * * *", "2031-10-05T00:00", 1, "Australia/Lord_Howe") == ["2031-10-05T02:45+11:00"]


@pytest.mark.parametrize("rule", ["0 */6 * * *", "FREQ=HOURLY;INTERVAL=6"])
def test_a_rule_by_the_hour_goes_by_utc_through_both_changes(rule: str) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    for day in (datetime(2031, 3, 29, 23, tzinfo=UTC), datetime(2031, 10, 25, 23, tzinfo=UTC)):
        moments = recurrence.next_occurrences(rule, berlin, day, 9)
        assert {right - left for left, right in pairwise(moments)} == {timedelta(hours=6)}
        assert {moment.hour for moment in moments} == {0, 6, 12, 18}


def test_a_plan_of_ten_years_ago_is_as_quick_as_a_new_one() -> None:
    assert dates("FREQ=HOURLY", "2031-01-01T00:30", 1, since="2001-01-01T00:00") == ["2031-01-01 01:00"]
    assert dates("FREQ=DAILY;BYHOUR=9", "2031-01-01T12:30", 1, since="2001-01-01T00:00") == [
        "2031-01-02 09:00"
    ]


UNREADABLE = [
    "", "tomorrow", "* * * *", "* * * * * *", "60 9 * * *", "0 24 * * *", "0 9 0 * *", "0 9 32 * *",
    "0 9 * 13 *", "0 9 * * 8", "0 9 5-3 * *", "0 9 */0 * *", "0 9 1- * *", "0 9 ,1 * *", "0 9 -1 * *",
    "0 9 L * *", "a b c d e", "FREQ=SECONDLY", "FREQ=MINUTELY", "FREQ=NEVER", "BYHOUR=9",
    "FREQ=DAILY;FREQ=WEEKLY", "FREQ=DAILY;;BYHOUR=9", "FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;INTERVAL=-1",
    "FREQ=DAILY;COUNT=0", "FREQ=DAILY;COUNT=-3", "FREQ=DAILY;BYHOUR=25", "FREQ=DAILY;BYHOUR=",
    "FREQ=DAILY;BYHOUR=x", "FREQ=DAILY;BYMONTH=13", "FREQ=MONTHLY;BYDAY=99MO", "FREQ=MONTHLY;BYDAY=XX",
    "FREQ=WEEKLY;WKST=XX", "FREQ=HOURLY;INTERVAL=24;BYHOUR=3", "FREQ=DAILY;UNTIL=SOON",
    "FREQ=DAILY;UNTIL=20310230", "FREQ=DAILY;NONSENSE=1", "FREQ=DAILY;DTSTART=20310101",
    "DTSTART:20310101\nRRULE:FREQ=DAILY", "FREQ=DAILY\nEXDATE:20310101",
    "FREQ=MONTHLY;BYSETPOS=0;BYDAY=MO", "FREQ=DAILY;BYHOUR=" + ",".join(["9"] * 200), "FREQ=DAILY\0",
    "０ ９ * * *",
]  # fmt: skip


@pytest.mark.parametrize("rule", UNREADABLE)
def test_what_is_not_a_rule_is_refused_in_words(rule: str) -> None:
    with raises(Malformed, "drill.rule"):
        recurrence.check(rule, DAQING, at("2031-01-01T00:00"))


@pytest.mark.parametrize(
    "rule", ["0 9 30 2 *", "0 9 31 4,6 *", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;UNTIL=20301231"]
)
def test_a_rule_that_never_fires_is_refused(rule: str) -> None:
    with raises(Malformed, "drill.rule_never"):
        recurrence.check(rule, DAQING, at("2031-01-01T00:00"))


@pytest.mark.parametrize(
    "rule", ["* 9 * * *", "*/30 * * * *", "0,30 9 * * *", "FREQ=DAILY;BYHOUR=9;BYMINUTE=0,59"]
)
def test_a_rule_that_fires_more_than_once_an_hour_is_refused(rule: str) -> None:
    with raises(Malformed, "drill.rule_often"):
        recurrence.check(rule, DAQING, at("2031-01-01T00:00"))


@pytest.mark.parametrize("zone", ["", "Mars/Base", "../../etc/passwd", "/etc/localtime", "a\0b", "Asia"])
def test_what_is_not_a_zone_is_refused(zone: str) -> None:
    with raises(Malformed, "drill.zone"):
        recurrence.check("0 9 * * *", zone, at("2031-01-01T00:00"))


def test_the_rules_that_ship_are_readable() -> None:
    now = at("2031-01-01T00:00")
    assert [recurrence.check(t.rule, DAQING, now) for t in POLICY.templates.values()] == [
        t.rule for t in POLICY.templates.values()
    ]


FIELD = st.text("0123456789*,-/ ", min_size=1, max_size=8)
PART = st.builds(
    "{}={}".format,
    st.sampled_from(
        ["FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYHOUR", "BYMONTHDAY", "BYSETPOS", "WKST"]
    ),
    st.sampled_from(
        ["DAILY", "WEEKLY", "YEARLY", "1", "-1", "2MO", "SU", "0", "99", "20311231T000000Z", "9,10", "+3"]
    ),
)
ANYTHING = st.one_of(
    st.text(max_size=20),
    st.lists(FIELD, min_size=5, max_size=5).map(" ".join),
    st.lists(PART, min_size=1, max_size=4).map(";".join),
    st.lists(PART, max_size=3).map(lambda parts: ";".join(["FREQ=WEEKLY", *parts])),
)


@given(rule=ANYTHING)
@settings(max_examples=300, deadline=None)
def test_whatever_is_typed_is_a_rule_or_refused(rule: str) -> None:
    now = at("2031-01-01T00:00")
    try:
        kept = recurrence.check(rule, "Europe/Berlin", now)
    except Malformed:
        return
    moments = list(islice(recurrence.occurrences(kept, ZoneInfo("Europe/Berlin"), now, since=now), 20))
    assert moments == sorted(set(moments))
    assert moments[0] > now
