"""How long somebody must be there to be of use."""

from datetime import UTC, datetime, timedelta

import pytest

from volunteer_hub.mobilization.standby_rules import of_use

START = datetime(2031, 1, 20, 3, 0, tzinfo=UTC)
END = START + timedelta(hours=4)


@pytest.mark.parametrize(
    ("minutes", "least", "useful"),
    [
        (-60, 240, True),  # before the start the whole of it is left
        (180, 60, True),
        (181, 60, False),
        (0, 600, True),  # all of the work, which is shorter
        (0.9, 600, True),  # "on time" of a clock in whole minutes
        (1, 600, False),
        (239, 0, True),
        (240, 0, False),  # nothing is left
    ],
)
def test_enough_of_the_work_must_be_left(minutes: float, least: int, useful: bool) -> None:
    assert of_use(START + timedelta(minutes=minutes), START, END, least) is useful
