"""What messages cost: parts of text messages, and `total` of so many messages by channel. Pure.

``total(policy.load("messages", Messages).prices, {Channel.SMS: 63, Channel.VOICE: 4}, parts=2)`` is in
thousandths of ``prices.currency``; flows/price tells it for the people about to be asked.
"""

from collections.abc import Mapping
from typing import Final

from volunteer_hub.notify.policy import Prices
from volunteer_hub.notify.rules import Channel

_LATIN: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The alphabet of which 160 characters make a part (GSM 03.38); anything else, and a part holds 70."""
_TWICE: Final = frozenset("\f^{}\\[~]|€")
_LATIN_ALONE, _LATIN_EACH = 160, 153
_ALONE, _EACH = 70, 67


def parts(text: str) -> int:
    """How many parts a text message is sent and paid as; joined parts hold less, for what joins them."""
    if all(character in _LATIN or character in _TWICE for character in text):
        length = len(text) + sum(character in _TWICE for character in text)
        alone, each = _LATIN_ALONE, _LATIN_EACH
    else:
        length = len(text.encode("utf-16-le")) // 2
        alone, each = _ALONE, _EACH
    return 1 if length <= alone else -(-length // each)


def total(prices: Prices, messages: Mapping[Channel, int], parts: int = 1) -> int:
    """The price of so many messages by channel, text messages of so many ``parts`` each."""
    by_sms, by_voice = messages.get(Channel.SMS, 0), messages.get(Channel.VOICE, 0)
    return by_sms * parts * prices.sms_part + by_voice * prices.voice_call
