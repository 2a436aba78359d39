"""When a re-plan may be proposed, and applied by itself."""

from datetime import UTC, datetime, timedelta

import pytest

from volunteer_hub.core.errors import Malformed
from volunteer_hub.mobilization.replan_rules import MOST_CHANGES, by_itself, check_rule, rested

NOW = datetime(2031, 1, 20, 2, 0, tzinfo=UTC)
NEW = {"before": None, "after": 7}
MOVED = {"before": 3, "after": 7}
RELEASED = {"before": 3, "after": None}


@pytest.mark.parametrize(
    ("changes", "most", "applied"),
    [
        ([NEW, NEW], 2, True),
        ([NEW, NEW], 1, False),
        ([NEW], None, False),
        ([NEW, MOVED], 9, False),
        ([RELEASED], 9, False),
    ],
)
def test_few_changes_that_move_nobody_are_applied(
    changes: list[dict[str, int | None]], most: int | None, applied: bool
) -> None:
    assert by_itself(changes, most) is applied


def test_a_rule_names_one_order_at_least_and_keeps_its_reason() -> None:
    assert [check_rule(most, reason) for most, reason in ((None, None), (3, " x "), (MOST_CHANGES, ""))] == [
        None,
        "x",
        None,
    ]
    for wild in (0, MOST_CHANGES + 1):
        with pytest.raises(Malformed):
            check_rule(wild, None)


def test_some_minutes_pass_between_two_plans() -> None:
    assert rested(NOW + timedelta(minutes=5), NOW, 5) is True
    assert rested(NOW + timedelta(minutes=5) - timedelta(seconds=1), NOW, 5) is False
