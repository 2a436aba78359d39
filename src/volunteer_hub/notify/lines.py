"""The line to each gateway as this process knows it: whether it works, and how fast it may be used.

In the memory of a process, and not in a row: whoever sends learns within a few messages what a row would have
told, while a row would be written by every batch of every worker; only that a line went down or works again
is a row (`notify/outages`). What is true stands in the outbox: a line thought down holds messages back, loses
none, and is tried again by one message at a time. Sending is a job of the leader alone, so that the pace of
one process is the pace of the installation.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from volunteer_hub.notify.rules import Channel

LINE_DOWN: Final = "line down"


@dataclass
class Line:
    """A circuit breaker: ``most`` failures of the line in a row hold it for ``rest``; then one message tries
    it, and its outcome closes or holds it again."""

    most: int
    rest: timedelta
    failures: int = 0
    failing_since: datetime | None = None
    held_until: datetime | None = None

    def room(self, now: datetime, limit: int) -> int:
        """How many messages may be handed over now, of ``limit`` wanted."""
        if self.held_until is None:
            return limit
        return min(limit, 1) if now >= self.held_until else 0

    def note(self, now: datetime, *, down: bool) -> None:
        """The outcome of one message: whether the line was to blame."""
        self.failures = self.failures + 1 if down else 0
        self.failing_since = (self.failing_since or now) if down else None
        self.held_until = now + self.rest if self.failures >= self.most else None


@dataclass
class Pace:
    """Messages a second by one sender number, spread evenly. ``rate`` None: without a limit."""

    rate: float | None
    next_at: dict[str, float] = field(default_factory=dict)

    def wait(self, sender: str, moment: float) -> float:
        """Seconds from ``moment`` until this sender may send once more; the turn is taken."""
        if self.rate is None:
            return 0.0
        turn = max(moment, self.next_at.get(sender, 0.0))
        self.next_at[sender] = turn + 1 / self.rate
        return turn - moment

    def within(self, seconds: float, senders: int) -> int | None:
        """How many messages go out in so many seconds; None: any number."""
        return None if self.rate is None else max(1, int(self.rate * seconds * senders))


_LINES: Final[dict[Channel, Line]] = {}


def of(channel: Channel, most: int, rest: timedelta) -> Line:
    """The line of a channel in this process."""
    return _LINES.setdefault(channel, Line(most, rest))


def down() -> dict[Channel, datetime]:
    """The lines that do not work, each since its first failure."""
    return {
        channel: line.failing_since
        for channel, line in _LINES.items()
        if line.held_until is not None and line.failing_since is not None
    }


def forget(channels: Iterable[Channel] = tuple(Channel)) -> None:
    """Takes every line for one that works, as a process newly started does."""
    for channel in channels:
        _LINES.pop(channel, None)
