"""A line that is down is left in peace, and a sender number keeps its pace."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from volunteer_hub.notify import dispatch, lines
from volunteer_hub.notify.channels.base import DeliveryError, Letter, Taken
from volunteer_hub.notify.lines import LINE_DOWN, Line, Pace
from volunteer_hub.notify.outbox import Outcome
from volunteer_hub.notify.rules import Channel

NOW = datetime(2031, 1, 20, 2, 40, tzinfo=UTC)
REST = timedelta(seconds=15)


def test_so_many_failures_in_a_row_hold_the_line_and_one_message_tries_it_after_the_rest() -> None:
    line = Line(3, REST)
    for down in (True, True, False, True, True):
        line.note(NOW, down=down)
    assert line.room(NOW, 500) == 500
    line.note(NOW, down=True)
    assert [line.room(NOW + timedelta(seconds=s), 500) for s in (0, 14.9, 15)] == [0, 0, 1]
    later = NOW + REST
    line.note(later, down=True)
    assert (line.room(later, 500), line.room(later + REST, 500)) == (0, 1)
    line.note(later + REST, down=False)
    assert line.room(later + REST, 500) == 500


def test_a_pace_spreads_the_messages_of_each_sender() -> None:
    pace = Pace(10.0)
    assert [pytest.approx(pace.wait("a", 100.0)) for _ in range(3)] == [0.0, 0.1, 0.2]
    assert pace.wait("b", 100.0) == 0.0
    assert pace.wait("a", 200.0) == 0.0
    assert (pace.within(15, 2), Pace(0.01).within(15, 1)) == (300, 1)
    assert (Pace(None).wait("a", 1.0), Pace(None).within(15, 1)) == (0.0, None)


class Broken:
    """A channel that fails as told, and counts how often it was asked."""

    name = Channel.SMS
    senders = 2

    def __init__(self, error: DeliveryError | None) -> None:
        self.error, self.asked = error, 0

    def sender(self, address: str) -> str:
        """By the last digit."""
        return address[-1]

    async def send(self, letter: Letter) -> Taken:
        """Fails as told."""
        self.asked += 1
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        return Taken()

    async def close(self) -> None:
        """Nothing is open."""


def sent(channel: Broken, count: int, pace: Pace | None = None) -> list[Outcome]:
    letters = [
        Letter(n, uuid4(), f"k{n}", Channel.SMS, f"+861391234567{n % 2}", "", "") for n in range(count)
    ]
    paces = {Channel.SMS: pace} if pace else {}
    return asyncio.run(dispatch.send_all(letters, {Channel.SMS: channel}, now=NOW, paces=paces))


def test_what_is_left_of_a_batch_is_held_back_once_the_line_is_down() -> None:
    channel = Broken(DeliveryError("ConnectError", line=True))
    outcomes = sent(channel, 200)
    assert channel.asked <= dispatch.AT_ONCE + 5
    assert {(o.error, o.held) for o in outcomes} == {("ConnectError", False), (LINE_DOWN, True)}
    assert sum(not o.held for o in outcomes) == channel.asked


@pytest.mark.parametrize("error", [DeliveryError("smtp 451"), DeliveryError("gateway 400", permanent=True)])
def test_addresses_that_are_wrong_do_not_hold_the_line(error: DeliveryError) -> None:
    channel = Broken(error)
    sent(channel, 50)
    assert channel.asked == 50
    assert lines.of(Channel.SMS, 5, REST).held_until is None


def test_a_batch_keeps_the_pace_of_each_sender_number() -> None:
    started = time.monotonic()
    assert [o.error for o in sent(Broken(None), 10, Pace(50.0))] == [None] * 10
    assert time.monotonic() - started >= 4 / 50
