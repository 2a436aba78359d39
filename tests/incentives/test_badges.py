"""Badges and months in a row: by deeds on record, and nothing lost by resting."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from volunteer_hub.core.policy import Name
from volunteer_hub.incentives import badges_rules as rules
from volunteer_hub.incentives.badges_policy import Badge, Fact
from volunteer_hub.incentives.policy import NightHours

DAQING = ZoneInfo("Asia/Shanghai")
NIGHT = NightHours(starts=time(22), ends=time(6))
AT = datetime(2031, 1, 20, 2, 0, tzinfo=UTC)  # ten in the morning there


def badge(code: str, fact: Fact, count: int) -> Badge:
    return Badge(code=code, name=Name(en=code, zh=code), fact=fact, count=count)


def days(*after: int) -> list[datetime]:
    return [AT + timedelta(days=n) for n in after]


def month(number: int) -> date:
    return date(2031, number, 1)


def test_a_badge_is_dated_by_the_deed_that_completed_it() -> None:
    stated = [
        badge("first", Fact.DUTIES, 1),
        badge("third", Fact.DUTIES, 3),
        badge("drilled", Fact.DRILLS, 2),
    ]
    deeds = {Fact.DUTIES: days(9, 1, 5, 12), Fact.DRILLS: days(2)}
    found = rules.earned(stated, deeds)
    assert [(one.badge.code, one.at) for one in found] == [("third", days(9)[0]), ("first", days(1)[0])]
    assert rules.earned(stated, {}) == []


def test_a_hazard_counts_when_it_is_met_first() -> None:
    flood, snow = days(3, 1), days(2)
    met = [("flood", flood[0]), ("flood", flood[1]), ("snow", snow[0])]
    assert sorted(rules.firsts(met)) == [flood[1], snow[0]]


def test_an_hour_of_the_local_night_makes_a_duty_one_at_night() -> None:
    def of(begins: int, hours: float, night: NightHours = NIGHT) -> bool:
        start = datetime(2031, 1, 20, begins, tzinfo=DAQING).astimezone(UTC)
        return rules.at_night(start, start + timedelta(hours=hours), DAQING, night)

    assert [of(19, 3.9), of(19, 4), of(5, 1), of(5, 0.9), of(8, 8), of(8, 15), of(0, 2)] == [
        False,
        True,
        True,
        False,
        False,
        True,
        True,
    ]
    small_hours = NightHours(starts=time(0), ends=time(5))
    assert [of(22, 2.5, small_hours), of(22, 3, small_hours)] == [False, True]


def test_no_pause_ends_a_row_of_months_and_no_countdown_runs() -> None:
    this = month(6)
    assert rules.months([], [], this) == 0
    assert rules.months([month(3), month(4), month(6)], [], this) == 3  # nobody asked in May
    assert rules.months([month(3), month(4)], [this], this) == 2  # June is not over
    assert rules.months([month(3), month(5)], [month(4)], this) == 1  # April: opened, and nothing said
    assert rules.months([date(2030, 12, 1), month(1)], [], this) == 2
