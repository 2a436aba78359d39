"""What a channel is: something that takes one letter and either accepts it or says why not."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from volunteer_hub.notify.rules import Channel as Name
from volunteer_hub.notify.rules import State
from volunteer_hub.notify.templates import Filled


@dataclass(frozen=True)
class Letter:
    """One rendered message on its way; lives in memory only."""

    message_id: int
    public_id: UUID
    dedupe_key: str
    channel: Name
    address: str
    subject: str
    body: str
    template: Filled | None = None
    link: str = ""


@dataclass(frozen=True)
class Taken:
    """A letter was taken: SENT, or DELIVERED where that is known at once. ``provider_id`` is the gateway's
    name of it, where it gave one."""

    state: State = State.SENT
    provider_id: str | None = None


class DeliveryError(Exception):
    """Not taken. ``permanent``: trying again is useless, the address is wrong. ``line``: the line to the
    gateway is to blame and fails other messages too. Neither: this address cannot be served now."""

    def __init__(self, reason: str, *, permanent: bool = False, line: bool = False) -> None:
        super().__init__(reason)
        self.permanent, self.line = permanent, line


class Channel(Protocol):
    """A way to reach people. One file each, named in `channels()` of notify/dispatch."""

    name: Name

    @property
    def senders(self) -> int:
        """How many sender numbers it spreads messages over."""
        ...

    def sender(self, address: str) -> str:
        """The sender number that an address is written to by, always the same."""
        ...

    async def send(self, letter: Letter) -> Taken:
        """Hands the letter over. Raises DeliveryError."""
        ...

    async def close(self) -> None:
        """Ends what the channel keeps open."""
        ...
