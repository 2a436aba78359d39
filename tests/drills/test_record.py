"""The record of a drill: counts, the answers over time, and the same by group."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from volunteer_hub.drills import record
from volunteer_hub.drills.record import By, Called, Record
from volunteer_hub.drills.rules import Figures

TEN = datetime(2031, 1, 21, 2, tzinfo=UTC)
DAQING = ZoneInfo("Asia/Shanghai")


def called(community: str, minutes: float | None, channel: str | None = "sms", *skills: str) -> Called:
    """Somebody asked at ten in Daqing who says yes after so many minutes."""
    answered = None if minutes is None else TEN + timedelta(minutes=minutes)
    return Called(community, skills, channel, TEN, answered, answered is not None, assembled=False)


SIX = [
    called("/a/", 3.2, "sms", "driver"),
    called("/a/", 9, "sms", "driver", "first_aid"),
    called("/a/", None),
    called("/a/", None, None),
    called("/a/", 40, None),
    called("/b/", 9, "email"),
]


def test_a_record_counts_and_breaks_down_and_is_read_back_as_it_was_kept() -> None:
    shown = record.of(SIX, (5, 15, 60), DAQING)
    assert shown.figures == Figures(6, 4, 4, 4, 0, {5: 1, 15: 3, 60: 4})
    assert shown.curve == ((4, 1), (9, 3), (40, 4))
    assert shown.last_acknowledged == TEN + timedelta(minutes=40)
    counts = {by: {key: group.notified for key, group in shown.groups[by].items()} for by in By}
    assert counts == {
        By.COMMUNITY: {"/a/": 5, "/b/": 1},
        By.SKILL: {"driver": 2, "first_aid": 1},
        By.HOUR: {"10": 6},
        By.CHANNEL: {"sms": 3, "email": 1, "": 2},
    }
    assert Record.of(shown.stored()) == shown
    assert Record.of(shown.figures.stored()) == Record(shown.figures)


def test_a_team_of_few_is_told_the_share_of_all() -> None:
    shown = record.of(SIX, (5, 15, 60), DAQING)
    assert (shown.team_share("/a/", 15), shown.team_share("/b/", 15)) == (66, 75)


def test_a_long_curve_is_thinned_and_keeps_its_end() -> None:
    many = [called("/a/", minute) for minute in range(1, 1_000)]
    curve = record.of(many, (5,), DAQING).curve
    assert (len(curve) <= 120, curve[-1]) == (True, (999, 999))


def test_a_drill_without_anybody_has_a_record_too() -> None:
    assert record.of([], (5,), DAQING) == Record(Figures(0, 0, 0, 0, 0, {5: 0}), groups={by: {} for by in By})
