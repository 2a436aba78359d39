"""The send loop: letters in, outcomes out, no session inside.

Async for one reason: a gateway's answer takes a tenth of a second, and hundreds are waited for at once.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from volunteer_hub.core import policy
from volunteer_hub.core.settings import settings
from volunteer_hub.notify import lines
from volunteer_hub.notify.channels.base import Channel, DeliveryError, Letter
from volunteer_hub.notify.channels.console import Console
from volunteer_hub.notify.channels.email import Email
from volunteer_hub.notify.channels.robot import Robot
from volunteer_hub.notify.channels.sms import Sms
from volunteer_hub.notify.channels.sms_template import SmsTemplate
from volunteer_hub.notify.channels.voice import Voice
from volunteer_hub.notify.channels.webpush import WebPush
from volunteer_hub.notify.lines import LINE_DOWN, Line, Pace
from volunteer_hub.notify.outbox import Outcome
from volunteer_hub.notify.policy import Messages
from volunteer_hub.notify.rules import Channel as Name
from volunteer_hub.notify.templates import Templates

AT_ONCE: Final = 32
BATCH_SECONDS = 45  # shorter than the outbox's lease: a gateway that hangs must not outlast it
_PACED_SECONDS: Final = 15  # of sending in one batch, where a sender number has a pace


def configured() -> frozenset[Name]:
    """The channels by which this installation can reach somebody; a robot reaches nobody in particular."""
    names = {Name.CONSOLE}
    if settings().smtp_url:
        names.add(Name.EMAIL)
    if settings().sms_url:
        names.add(Name.SMS)
    if settings().voice_url:
        names.add(Name.VOICE)
    if settings().push:
        names.add(Name.WEBPUSH)
    return frozenset(names)


def channels() -> dict[Name, Channel]:
    """The configured channels, ready to send; a new channel is one file and one line here."""
    found: list[Channel] = [Console(), Robot()]
    if settings().smtp_url is not None:
        found.append(Email(settings().smtp_url or "", settings().mail_from))
    if settings().sms_url is not None:
        found.append(_texting(settings().sms_url or ""))
    if settings().voice_url is not None:
        found.append(Voice(settings().voice_url or ""))
    if settings().push:
        found.append(WebPush(settings().mail_from))
    return {channel.name: channel for channel in found}


def _texting(url: str) -> Channel:
    own = approved()
    return Sms(url) if own is None else SmsTemplate(url, own.signature)


def approved() -> Templates | None:
    """The templates that text messages are put into; None where their gateway takes free text."""
    by_template = (settings().sms_url or "").startswith("template+")
    return policy.load("sms_templates", Templates) if by_template else None


def _line(name: Name) -> Line:
    rules = policy.load("messages", Messages).line
    return lines.of(name, rules.failures, timedelta(seconds=rules.rest_seconds))


class Post:
    """Channels kept open over batch after batch.

    One batch is sent after the other: to read the next from the database meanwhile, in a thread, was tried
    and gained between nothing and a fifth (docs/benchmarks/dispatch.md).
    """

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._by = self._runner.run(_ready())
        pace = policy.load("messages", Messages).pace
        self._paces = {name: Pace(getattr(pace, name.value, None)) for name in self._by}

    def room(self, now: datetime, limit: int) -> dict[Name, int]:
        """How many messages of each channel may be taken up: none of a line that is down, but for the one
        that tries it; of a channel that is not set up as many as wanted, so that they fail in words."""
        most = dict.fromkeys(Name, limit)
        for name, channel in self._by.items():
            paced = self._paces[name].within(_PACED_SECONDS, channel.senders)
            most[name] = limit if paced is None else min(limit, paced)
        return {name: _line(name).room(now, count) for name, count in most.items()}

    def send(self, letters: Sequence[Letter], now: datetime) -> list[Outcome]:
        """Hands letters over; what became of each, in the same order."""
        return self._runner.run(send_all(letters, self._by, now=now, paces=self._paces))

    def close(self) -> None:
        """Ends what the channels keep open."""
        self._runner.run(_closed(self._by.values()))
        self._runner.close()


async def _ready() -> dict[Name, Channel]:
    return channels()


async def _closed(opened: Iterable[Channel]) -> None:
    await asyncio.gather(*(channel.close() for channel in opened))


async def send_all(
    letters: Sequence[Letter],
    by: Mapping[Name, Channel],
    *,
    now: datetime,
    paces: Mapping[Name, Pace] = {},
) -> list[Outcome]:
    """Sends every letter, a few at once, and tells what became of each, in the same order.

    Once a line is found to be down, what is left for it is held back instead of tried in vain.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + BATCH_SECONDS
    outcomes: list[Outcome] = [Outcome(letter.message_id) for letter in letters]
    left = iter(enumerate(letters))

    async def one(letter: Letter) -> Outcome:
        channel = by.get(letter.channel)
        if channel is None:
            error = f"channel {letter.channel} is not configured"
            return Outcome(letter.message_id, error=error, permanent=True)
        line = _line(letter.channel)
        if line.held_until is not None and now < line.held_until:
            return Outcome(letter.message_id, error=LINE_DOWN, held=True)
        if loop.time() >= deadline:
            return Outcome(letter.message_id, error="the batch took too long", held=True)
        if letter.channel in paces:
            pause = paces[letter.channel].wait(channel.sender(letter.address), loop.time())
            if pause:
                await asyncio.sleep(pause)
        try:
            async with asyncio.timeout_at(deadline):
                taken = await channel.send(letter)
        except DeliveryError as error:
            line.note(now, down=error.line)
            return Outcome(letter.message_id, error=str(error), permanent=error.permanent)
        except TimeoutError:
            line.note(now, down=True)
            return Outcome(letter.message_id, error="no answer in time")
        line.note(now, down=False)
        return Outcome(letter.message_id, taken.state, taken.provider_id)

    async def hand() -> None:
        for place, letter in left:
            outcomes[place] = await one(letter)

    await asyncio.gather(*(hand() for _ in range(min(AT_ONCE, len(letters)))))
    return outcomes
