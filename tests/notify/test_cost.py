"""What messages cost."""

import pytest

from volunteer_hub.notify import cost
from volunteer_hub.notify.policy import Prices
from volunteer_hub.notify.rules import Channel


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("a" * 158 + "€", 1),
        ("a" * 159 + "€", 2),
        ("实" * 70, 1),
        ("实" * 71, 2),
        ("实" * 134, 2),
        ("实" * 135, 3),
        ("a" * 69 + "实", 1),
        ("a" * 70 + "–", 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
    ],
)
def test_a_text_message_holds_160_latin_or_70_other_characters_and_less_when_joined(
    text: str, parts: int
) -> None:
    assert cost.parts(text) == parts


def test_text_messages_cost_by_part_calls_by_call_and_letters_nothing() -> None:
    prices = Prices(currency="CNY", sms_part=45, voice_call=150)
    assert cost.total(prices, {Channel.SMS: 63, Channel.VOICE: 4, Channel.EMAIL: 9}, parts=2) == 6270
    assert cost.total(prices, {Channel.SMS: 10}) == 450
    assert cost.total(prices, {}) == 0
