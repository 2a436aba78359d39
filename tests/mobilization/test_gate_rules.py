"""Who comes by themselves, without a database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.mobilization.rows import raises
from volunteer_hub.core.errors import Gone, Malformed, Refused
from volunteer_hub.mobilization import gate_rules
from volunteer_hub.mobilization.gate_rules import EntryState, Newcomer, Wanted

NOW = datetime(2031, 1, 20, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ABLE = Newcomer(adult=True, guarded=True, fit=True, insured=True, level=2)
HARD = Wanted(level=2, adult_only=True, insured_only=True, hazardous=True)


def test_a_gate_is_open_for_its_time_and_never_past_the_work() -> None:
    assert gate_rules.open_until(NOW, NOW + 12 * HOUR, NOW + 4 * HOUR) == NOW + 4 * HOUR
    assert gate_rules.open_until(NOW, NOW + 12 * HOUR, NOW + 20 * HOUR) == NOW + 12 * HOUR
    with raises(Refused, "gate.over"):
        gate_rules.open_until(NOW, NOW + HOUR, NOW)


def test_a_closed_gate_and_one_whose_time_is_over_take_nobody() -> None:
    gate_rules.must_be_open(None, NOW + HOUR, NOW)
    for closed_at, expires_at in ((NOW - HOUR, NOW + HOUR), (None, NOW)):
        with raises(Gone, "gate.closed"):
            gate_rules.must_be_open(closed_at, expires_at, NOW)


def test_one_is_decided_about_once() -> None:
    gate_rules.must_wait(EntryState.WAITING)
    for state in (EntryState.ADMITTED, EntryState.REFUSED):
        with raises(Refused, "gate.decided"):
            gate_rules.must_wait(state)


def test_sending_home_wants_a_reason() -> None:
    assert gate_rules.check_reason(" too tired ") == "too tired"
    with raises(Malformed, "gate.reason"):
        gate_rules.check_reason("  ")
    with raises(Malformed, "incident.text.too_long"):
        gate_rules.check_reason("x" * 301)


@pytest.mark.parametrize(
    ("who", "codes"),
    [
        (ABLE, []),
        (replace(ABLE, barred=True), ["gate.barred"]),
        (replace(ABLE, adult=False), ["gate.adult_only"]),
        (replace(ABLE, adult=False, guarded=False), ["volunteer.guardian", "gate.adult_only"]),
        (replace(ABLE, level=1), ["gate.unverified"]),
        (replace(ABLE, fit=False), ["gate.fit"]),
        (replace(ABLE, insured=False), ["gate.insured"]),
    ],
)
def test_what_stands_in_the_way_of_a_hard_role(who: Newcomer, codes: list[str]) -> None:
    assert gate_rules.hindrances(who, HARD) == codes


def test_an_easy_role_asks_nothing() -> None:
    easy = Wanted(level=0, adult_only=False, insured_only=False, hazardous=False)
    minor = Newcomer(adult=False, guarded=True, fit=False, insured=False, level=0)
    assert gate_rules.hindrances(minor, easy) == []
