"""What happens, pushed to those who watch: one hub a process, one reading for all who may see the same.

Nobody who watches holds a session of the database. What is watched is read again every few seconds, and at
once when it is said to have changed, as answers and duties do, by link, text message, paper or hand: a lost
notification costs seconds, never an update. What a sweep of the worker does says nothing and is on the screen
with the next reading, and no busy transaction has to notify. What was read goes to everybody who watches it,
and a slow watcher gets the newest alone, so nothing piles up.

Async, because hundreds wait at a time and a thread each would be dearer than the work.
"""

import asyncio
import hashlib
import signal
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Hashable, Iterable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Final
from weakref import WeakKeyDictionary

import psycopg
from anyio import from_thread
from anyio.to_thread import run_sync
from sqlalchemy import text

from volunteer_hub.core import db
from volunteer_hub.core.actor import GUEST
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError
from volunteer_hub.core.log import logger

REREAD_SECONDS: Final = 4.0
LEAST_SECONDS: Final = 0.25
"""Between two readings; four times what the last one took, where that is more."""
MOST_BYTES_A_SECOND: Final = 20_000_000
"""Of one reading to all its watchers: a long page goes less often to hundreds."""
BEAT_SECONDS: Final = 4.0
CHECK_SECONDS: Final = 5.0
UNBUFFERED: Final = {"X-Accel-Buffering": "no"}
"""Headers of a stream: a proxy that gathers what passes would keep every event back."""
_GATHER_SECONDS: Final = 0.1
_LISTEN_AGAIN_SECONDS: Final = 1.0
_CHANNEL: Final = "hub_live"
_MOST_NAMED: Final = 400  # a notification holds 8,000 bytes
_BEAT: Final = b"event: beat\ndata:\n\n"
_log = logger("live")


@dataclass(frozen=True)
class Seen:
    """What was read: an event's name and data, and the callouts (ids) whose change makes it old."""

    event: str
    data: str
    callouts: frozenset[int]


@dataclass(frozen=True)
class Look:
    """What somebody watches. ``key`` is the same for all who see the same: it must name the rights, too.

    ``read`` runs in a thread and raises HubError when there is nothing to see any more; ``still`` says
    whether the watcher has the rights that ``key`` names.
    """

    key: Hashable
    read: Callable[[], Seen]
    still: Callable[[Tx], bool]


async def stream(look: Look, seen: str = "") -> AsyncIterator[bytes]:
    """Events for one watcher, as they go over the wire, a beat where nothing happens; ``seen`` is the id of
    the last one they have. It ends when the rights change, when reading fails and when the process stops."""
    async with aclosing(_hub().stream(look, seen)) as events:
        async for event in events:
            yield event


def publish(callouts: Iterable[int]) -> None:
    """Says, a moment later and to every process, that these callouts have changed. Call it after the commit,
    within the event loop: the notification goes over a connection of its own."""
    _hub().publish(callouts)


def changed(tx: Tx, callouts: Iterable[int]) -> None:
    """The same of what this transaction changes in them, once it is committed. Without an event loop to say
    it, as in a sweep, the next reading shows it."""
    named = frozenset(callouts)

    def told() -> None:
        with suppress(RuntimeError):
            from_thread.run_sync(publish, named)

    tx.afterwards.append(told)


@dataclass(eq=False)
class _Watcher:
    """``after``: readings up to this number began before the watcher came: their page may be newer."""

    still: Callable[[Tx], bool]
    after: int
    poke: asyncio.Event = field(default_factory=asyncio.Event)
    over: bool = False

    def end(self) -> None:
        self.over = True
        self.poke.set()

    async def poked(self) -> bool:
        try:
            async with asyncio.timeout(BEAT_SECONDS):
                await self.poke.wait()
        except TimeoutError:
            return False
        self.poke.clear()
        return True


@dataclass(eq=False)
class _Sight:
    key: Hashable
    read: Callable[[], Seen]
    watchers: set[_Watcher] = field(default_factory=set)
    told: asyncio.Event = field(default_factory=asyncio.Event)
    callouts: frozenset[int] = frozenset()
    begun: int = 0
    number: int = 0
    mark: str = ""
    wire: bytes = b""

    def take(self, seen: Seen, number: int) -> None:
        """Keeps the reading of this number, and tells the watchers to whom it is new."""
        before, self.number, self.callouts = self.number, number, seen.callouts
        mark = hashlib.sha256(seen.data.encode()).hexdigest()[:16]
        if mark != self.mark:
            lines = "".join(f"data: {line}\n" for line in seen.data.splitlines())
            self.mark, self.wire = mark, f"event: {seen.event}\nid: {mark}\n{lines}\n".encode()
            before = -1
        for watcher in self.watchers:
            if watcher.after >= before:
                watcher.poke.set()


@dataclass
class Hub:
    """Whatever is watched in one process."""

    _sights: dict[Hashable, _Sight] = field(default_factory=dict)
    _changed: set[int] = field(default_factory=set)
    _tasks: dict[object, asyncio.Task[None]] = field(default_factory=dict)
    _stopped: bool = False

    async def stream(self, look: Look, seen: str) -> AsyncGenerator[bytes]:
        """As the function above."""
        self._keep("listen", self._listen)
        self._keep("check", self._check)
        sight = self._sights.setdefault(look.key, _Sight(look.key, look.read))
        watcher = _Watcher(look.still, sight.begun)
        sight.watchers.add(watcher)
        sight.told.set()
        self._keep(sight, lambda: self._follow(sight))
        try:
            yield b"retry: 3000\n\n"
            while not (watcher.over or self._stopped):
                if sight.number > watcher.after and sight.mark != seen:
                    seen = sight.mark
                    yield sight.wire
                elif not await watcher.poked():
                    yield _BEAT
        finally:
            sight.watchers.discard(watcher)

    def publish(self, callouts: Iterable[int]) -> None:
        """As the function above."""
        self._changed.update(callouts)
        if self._changed:
            self._keep("tell", self._tell)

    def stop(self) -> None:
        """Ends every stream, so that the process need not wait for them."""
        self._stopped = True
        for sight in self._sights.values():
            for watcher in sight.watchers:
                watcher.end()

    def _keep(self, name: object, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Begins the work unless it is under way."""
        before = self._tasks.get(name)
        if before is None or before.done():
            self._tasks[name] = asyncio.get_running_loop().create_task(work())

    async def _follow(self, sight: _Sight) -> None:
        clock = asyncio.get_running_loop().time
        try:
            while sight.watchers and not self._stopped:
                sight.told.clear()
                began = clock()
                sight.begun += 1
                number = sight.begun
                sight.take(await run_sync(sight.read), number)
                took = clock() - began
                sent = len(sight.wire) * len(sight.watchers) / MOST_BYTES_A_SECOND
                await asyncio.sleep(max(LEAST_SECONDS, 4 * took, sent))
                with suppress(TimeoutError):
                    async with asyncio.timeout(REREAD_SECONDS):
                        await sight.told.wait()
        except HubError:
            pass  # gone, or theirs no more: whoever asks again is told so
        except Exception as error:
            _log.warning("not read", error=type(error).__name__)
        finally:
            self._sights.pop(sight.key, None)
            self._tasks.pop(sight, None)
            for watcher in sight.watchers:
                watcher.end()

    async def _check(self) -> None:
        """Ends the streams of those whose rights have changed: one transaction for all who watch."""
        while self._sights and not self._stopped:
            await asyncio.sleep(CHECK_SECONDS)
            watchers = [one for sight in self._sights.values() for one in sight.watchers]
            try:
                for watcher in await run_sync(_without_rights, watchers):
                    watcher.end()
            except Exception as error:
                _log.warning("rights not checked", error=type(error).__name__)
                for watcher in watchers:
                    watcher.end()

    async def _listen(self) -> None:
        while not self._stopped:
            with suppress(psycopg.Error, OSError):
                await self._hear()
            await asyncio.sleep(_LISTEN_AGAIN_SECONDS)

    async def _hear(self) -> None:
        address = db.engine().url.set(drivername="postgresql").render_as_string(hide_password=False)
        async with await psycopg.AsyncConnection.connect(
            address, autocommit=True, connect_timeout=5, keepalives_idle=10, keepalives_interval=5
        ) as connection:
            await connection.execute(f"LISTEN {_CHANNEL}")
            async for notice in connection.notifies():
                changed = frozenset(map(int, notice.payload.split()))
                for sight in self._sights.values():
                    if sight.callouts & changed:
                        sight.told.set()

    async def _tell(self) -> None:
        while self._changed:
            await asyncio.sleep(_GATHER_SECONDS)
            named = [self._changed.pop() for _ in range(min(len(self._changed), _MOST_NAMED))]
            try:
                await run_sync(_notify, " ".join(map(str, named)))
            except Exception as error:
                _log.warning("not told", error=type(error).__name__)


def _notify(payload: str) -> None:
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(
            text("SELECT pg_notify(:channel, :payload)"), {"channel": _CHANNEL, "payload": payload}
        )


def _without_rights(watchers: list[_Watcher]) -> list[_Watcher]:
    with db.transaction(GUEST, "session.read") as tx:
        return [watcher for watcher in watchers if not watcher.still(tx)]


_OF_LOOP: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def _hub() -> Hub:
    """That of the running event loop: a served process has one, tests have many."""
    return _OF_LOOP.setdefault(asyncio.get_running_loop(), Hub())


def end_with_the_process() -> None:
    """Ends the streams of this event loop when the process is asked to stop, whatever else then happens.

    A server lets every answer end before it tells the application, and a stream is an answer without an end.
    The loop's own handlers stay: they hear the same signal by another way.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    loop, hub = asyncio.get_running_loop(), _hub()
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)

        def ending(number: int, frame: FrameType | None, before: Any = before) -> None:
            loop.call_soon_threadsafe(hub.stop)
            if callable(before):
                before(number, frame)

        signal.signal(number, ending)
