"""The weekly pattern and the free times it makes."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volunteer_hub.volunteers import week

DAQING = ZoneInfo("Asia/Shanghai")
NIGHT = (time(22), time(6))


def local(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of November 2026, local; the 23rd is a Monday."""
    return datetime(2026, 11, day, hour, minute, tzinfo=DAQING)


def free(
    mask: int, start: datetime, end: datetime, **more: list[week.Interval]
) -> list[tuple[datetime, datetime]]:
    return week.free(mask, (start, end), DAQING, *NIGHT, **more)


def test_monday_by_day_is_the_first_of_fourteen_signs() -> None:
    assert week.bit(0, night=False) == week.from_text("10000000000000")
    assert week.bit(6, night=True) == week.from_text("00000000000001")


@given(st.integers(0, week.ALWAYS))
def test_masks_are_read_back_from_their_text(mask: int) -> None:
    assert week.from_text(week.to_text(mask)) == mask


@pytest.mark.parametrize("cells", ["1" * 13, "1" * 15, "1" * 13 + "2", "１" * 14])
def test_anything_else_is_no_pattern(cells: str) -> None:
    with pytest.raises(ValueError, match=cells):
        week.from_text(cells)


def test_the_night_belongs_to_the_day_it_starts_on() -> None:
    monday_night = week.bit(0, night=True)
    assert free(monday_night, local(23, 0), local(25, 0)) == [(local(23, 22), local(24, 6))]
    assert free(week.bit(6, night=True), local(23, 0), local(24, 0)) == [(local(23, 0), local(23, 6))]


def test_day_and_night_together_are_one_time() -> None:
    both = week.bit(0, night=False) | week.bit(0, night=True)
    assert free(both, local(23, 0), local(25, 0)) == [(local(23, 6), local(24, 6))]


def test_a_window_cuts_what_is_free() -> None:
    assert free(week.ALWAYS, local(23, 9), local(23, 17)) == [(local(23, 9), local(23, 17))]
    assert free(0, local(23, 9), local(23, 17)) == []


def test_not_free_wins_over_free() -> None:
    more = [(local(23, 9), local(23, 15))]
    less = [(local(23, 12), local(23, 13))]
    assert free(0, local(23, 0), local(24, 0), more=more, less=less) == [
        (local(23, 9), local(23, 12)),
        (local(23, 13), local(23, 15)),
    ]


def test_on_call_duty_is_free_time() -> None:
    assert free(0, local(23, 0), local(24, 0), on_call=[(local(23, 1), local(23, 2))]) == [
        (local(23, 1), local(23, 2))
    ]


def test_a_night_after_midnight_belongs_to_its_own_day() -> None:
    found = week.free(week.bit(0, night=True), (local(22, 12), local(25, 0)), DAQING, time(0), time(5))
    assert found == [(local(23, 0), local(23, 5))]


def test_the_night_of_the_clock_change_is_as_long_as_it_is() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    window = (datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 3, 29, 12, tzinfo=UTC))
    ((start, end),) = week.free(week.bit(5, night=True), window, berlin, *NIGHT)
    assert end - start == timedelta(hours=7)


@given(
    mask=st.integers(0, week.ALWAYS),
    hours=st.integers(0, 24 * 14),
    length=st.integers(1, 80),
)
def test_who_has_every_cell_touched_is_free_throughout_and_nobody_else(
    mask: int, hours: int, length: int
) -> None:
    start = local(23, 0) + timedelta(hours=hours)
    end = start + timedelta(hours=length)
    cells = week.cells_between(start, end, DAQING, *NIGHT)
    whole = week.free(mask, (start, end), DAQING, *NIGHT) == [(start.astimezone(UTC), end.astimezone(UTC))]
    assert (mask & cells == cells) == whole
