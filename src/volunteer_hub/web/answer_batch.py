"""Answers by link, gathered for a moment and recorded together: one transaction for many people.

A rush is thousands of answers within a minute; one transaction each would spend the processors on the ways to
the database and back. What this process receives waits 5 ms at most, or for the batch before to end, and is
recorded in the order of arrival; everybody is told once theirs is committed. Async, because hundreds wait at
a time and a thread each would be dearer than the work.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final
from weakref import WeakKeyDictionary

from sqlalchemy.exc import DBAPIError

from volunteer_hub.core import db, live
from volunteer_hub.core.actor import GUEST
from volunteer_hub.core.errors import TooMany
from volunteer_hub.core.log import logger
from volunteer_hub.flows import respond
from volunteer_hub.mobilization.desk import Answered, Reply

GATHER_SECONDS: Final = 0.005
LARGEST: Final = 200
MOST_WAITING: Final = 5_000
"""Answers of one process; more are asked to come again, so that nobody waits without end."""

ByLink = tuple[str, Reply]
Recorded = Answered | Exception


async def answer(token: str, reply: Reply) -> Answered:
    """What the answer came to, once it is committed.

    Raises what `respond.many` refuses it by, TooMany when far too many wait, and a fault of the database as
    it is: nothing was recorded then, or nobody knows, and the same answer again does no harm.
    """
    return await _gathering().answer(token, reply)


async def drain() -> None:
    """Waits until everything received is recorded; for the end of the process."""
    await _gathering().drain()


@dataclass
class Gathering:
    """What waits in one process. One batch is under way at a time: the next one gathers meanwhile."""

    record: Callable[[Sequence[ByLink]], list[Recorded]]
    _waiting: list[tuple[ByLink, asyncio.Future[Answered]]] = field(default_factory=list)
    _running: asyncio.Task[None] | None = None

    async def answer(self, token: str, reply: Reply) -> Answered:
        """As the function above."""
        if len(self._waiting) >= MOST_WAITING:
            raise TooMany("offer.rush", retry_after=5)
        told: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self._waiting.append(((token, reply), told))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await told

    async def drain(self) -> None:
        """As the function above."""
        while self._running is not None:
            await asyncio.shield(self._running)

    async def _run(self) -> None:
        try:
            await asyncio.sleep(GATHER_SECONDS)
            while self._waiting:
                batch, self._waiting = self._waiting[:LARGEST], self._waiting[LARGEST:]
                replies = [reply for reply, _ in batch]
                results = await asyncio.to_thread(self.record, replies)
                live.publish({one.offer.callout_id for one in results if isinstance(one, Answered)})
                for (_, told), result in zip(batch, results, strict=True):
                    if told.done():  # whoever asked has gone; the answer stands all the same
                        continue
                    if isinstance(result, Exception):
                        told.set_exception(result)
                    else:
                        told.set_result(result)
        finally:
            self._running = None


def record(replies: Sequence[ByLink]) -> list[Recorded]:
    """Records them in one transaction, or says for each why not.

    Where the transaction fails they are tried one by one, so that a single bad one fails alone; where the
    connection is lost, once more together: an answer that was committed before is then found to stand.
    """
    try:
        return _record(replies)
    except Exception as error:
        lost = isinstance(error, DBAPIError) and error.connection_invalidated
        logger("web").warning("answers again", count=len(replies), lost=lost, error=type(error).__name__)
        if lost:
            return _or_error(replies)
        return [result for one in replies for result in _or_error([one])]


def _record(replies: Sequence[ByLink]) -> list[Recorded]:
    with db.transaction(GUEST, "offer.answer") as tx:
        results = respond.many(tx, replies)
    return list(results)


def _or_error(replies: Sequence[ByLink]) -> list[Recorded]:
    try:
        return _record(replies)
    except Exception as error:
        return [error] * len(replies)


_OF_LOOP: WeakKeyDictionary[asyncio.AbstractEventLoop, Gathering] = WeakKeyDictionary()


def _gathering() -> Gathering:
    """That of the running event loop: a served process has one, tests have many."""
    loop = asyncio.get_running_loop()
    return _OF_LOOP.setdefault(loop, Gathering(record))
