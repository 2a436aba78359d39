from datetime import UTC, datetime, timedelta

import pytest

from tests.mobilization.rows import raises
from volunteer_hub.core.errors import Malformed, Refused
from volunteer_hub.mobilization.check_rules import must_be_here, off_by, true_time
from volunteer_hub.mobilization.policy import PresenceRules

LIMITS = PresenceRules(geofence_metres=300, accuracy_metres=150, late_minutes=60)
NOW = datetime(2031, 1, 20, 3, tzinfo=UTC)


@pytest.mark.parametrize(("metres", "accuracy", "off"), [(0, 10, 0), (310, 10, 300), (450, 150, 300)])
def test_a_position_counts_as_far_as_it_may_be_from_the_place_at_least(
    metres: float, accuracy: float, off: int
) -> None:
    assert must_be_here(metres, accuracy, LIMITS) == off_by(metres, accuracy) == off


def test_a_position_too_far_or_too_vague_proves_nothing() -> None:
    with raises(Refused, "duty.far"):
        must_be_here(311, 10, LIMITS)
    with raises(Refused, "duty.vague"):
        must_be_here(0, 151, LIMITS)


def test_a_check_sent_later_keeps_its_true_time_for_an_hour() -> None:
    assert true_time(None, NOW, LIMITS) == NOW
    assert true_time(NOW - timedelta(minutes=60), NOW, LIMITS) == NOW - timedelta(minutes=60)
    with raises(Refused, "duty.too_late"):
        true_time(NOW - timedelta(minutes=61), NOW, LIMITS)
    with raises(Malformed, "duty.future"):
        true_time(NOW + timedelta(seconds=1), NOW, LIMITS)
