"""What it costs to ask people: the channel that reaches each, and how many parts their text message has."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from volunteer_hub.boards.slots import SlotFacts
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.settings import settings
from volunteer_hub.flows import letters
from volunteer_hub.flows.asking import SlotAsk
from volunteer_hub.notify import cost, dispatch, templates, texts
from volunteer_hub.notify.policy import Messages
from volunteer_hub.notify.rules import Channel, Kind

_TOKEN_LENGTH: Final = 22


@dataclass(frozen=True)
class Price:
    """``thousandths`` of ``currency``; ``messages`` by channel, and the most ``parts`` of a text message."""

    thousandths: int
    currency: str
    messages: Mapping[Channel, int]
    parts: int


def of(tx: Tx, asks: Sequence[SlotAsk]) -> Price:
    """What the questions of a callout cost, before any is sent. Fall-backs and reminders come on top."""
    prices = policy.load("messages", Messages).prices
    ways = letters.reach(tx, {ask.volunteer_id for slot in asks for ask in slot.asks})
    messages: Counter[Channel] = Counter()
    thousandths, most = 0, 1
    for slot in asks:
        reached = Counter(
            (way.channel, way.lang)
            for ask in slot.asks
            if (way := ways[ask.volunteer_id]).channel is not None
        )
        for (channel, lang), count in reached.items():
            parts = _parts(slot.facts, lang) if channel is Channel.SMS else 1
            thousandths += cost.total(prices, {channel: count}, parts)
            messages[channel] += count
            most = max(most, parts)
    return Price(thousandths, prices.currency, dict(messages), most)


def _parts(facts: SlotFacts, lang: str) -> int:
    link = f"{settings().base_url.rstrip('/')}/c/{'x' * _TOKEN_LENGTH}"
    kind = Kind(facts.incident.kind.value)
    approved, params = dispatch.approved(), letters.facts_of(facts)
    if approved is not None:
        read = texts.facts_of(params, lang) | {"letter": "A"}
        return cost.parts(templates.fill(approved, "offer", kind, lang, read, link).text)
    return cost.parts(
        texts.render("offer", Channel.SMS, lang, kind, params, {"link": link, "letter": "A"}).body
    )
