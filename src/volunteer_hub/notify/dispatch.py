"""The send loop: letters in, outcomes out, no session inside.

Async for one reason: a gateway's answer takes a tenth of a second, and hundreds are waited for at once.
"""

import asyncio
from collections.abc import Mapping, Sequence

from volunteer_hub.core.settings import settings
from volunteer_hub.notify.channels.base import Channel, DeliveryError, Letter
from volunteer_hub.notify.channels.console import Console
from volunteer_hub.notify.channels.email import Email
from volunteer_hub.notify.channels.sms import Sms
from volunteer_hub.notify.channels.voice import Voice
from volunteer_hub.notify.outbox import Outcome
from volunteer_hub.notify.rules import Channel as Name

AT_ONCE = 32
BATCH_SECONDS = 45  # shorter than the outbox's lease: a gateway that hangs must not outlast it


def configured() -> frozenset[Name]:
    """The channels this installation can send by."""
    names = {Name.CONSOLE}
    if settings().smtp_url:
        names.add(Name.EMAIL)
    if settings().sms_url:
        names.add(Name.SMS)
    if settings().voice_url:
        names.add(Name.VOICE)
    return frozenset(names)


def channels() -> dict[Name, Channel]:
    """The configured channels, ready to send; a new channel is one file and one line here."""
    found: list[Channel] = [Console()]
    if settings().smtp_url is not None:
        found.append(Email(settings().smtp_url or "", settings().mail_from))
    if settings().sms_url is not None:
        found.append(Sms(settings().sms_url or ""))
    if settings().voice_url is not None:
        found.append(Voice(settings().voice_url or ""))
    return {channel.name: channel for channel in found}


async def send_all(letters: Sequence[Letter], by: Mapping[Name, Channel]) -> list[Outcome]:
    """Sends every letter, a few at once, and tells what became of each, in the same order."""
    room = asyncio.Semaphore(AT_ONCE)
    deadline = asyncio.get_running_loop().time() + BATCH_SECONDS

    async def one(letter: Letter) -> Outcome:
        channel = by.get(letter.channel)
        if channel is None:
            return Outcome(
                letter.message_id, error=f"channel {letter.channel} is not configured", permanent=True
            )
        try:
            async with asyncio.timeout_at(deadline), room:
                taken = await channel.send(letter)
                return Outcome(letter.message_id, taken.state, taken.provider_id)
        except DeliveryError as error:
            return Outcome(letter.message_id, error=str(error), permanent=error.permanent)
        except TimeoutError:
            return Outcome(letter.message_id, error="no answer in time")

    return list(await asyncio.gather(*(one(letter) for letter in letters)))


def send(letters: Sequence[Letter]) -> list[Outcome]:
    """`send_all` with channels opened and closed around it; for a sweep, which is synchronous."""

    async def whole() -> list[Outcome]:
        by = channels()
        try:
            return await send_all(letters, by)
        finally:
            await asyncio.gather(*(channel.close() for channel in by.values()))

    return asyncio.run(whole())
