"""The time. Real everywhere but under HUB_ENV=test|demo, where every process reads the same moved clock.

Moved time is a row: at real time ``real_anchor`` it was ``moved_anchor``, and it runs ``rate`` times as fast.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlmodel import Field, SQLModel

from volunteer_hub.core.columns import ts
from volunteer_hub.core.settings import settings

_REREAD_SECONDS: Final = 0.25
_fixed: ContextVar[datetime | None] = ContextVar("fixed", default=None)


class ClockState(SQLModel, table=True):
    """The one row that moves the clock of a test or demo installation."""

    __tablename__ = "clock_state"
    id: int = Field(default=1, primary_key=True)
    real_anchor: datetime = ts()
    moved_anchor: datetime = ts()
    rate: float = 1.0


class _Moved:
    """The state last read, so that a process asks the database at most four times a second."""

    reader: Callable[[], ClockState | None] | None = None
    state: ClockState | None = None
    read_at: float = float("-inf")


def movable() -> bool:
    """Whether this installation's clock may be moved at all."""
    return settings().env in ("test", "demo")


def now() -> datetime:
    """The present moment, aware, UTC. Doors, jobs and transactions ask; decisions are told."""
    real = datetime.now(UTC)
    if not movable():
        return real
    fixed = _fixed.get()
    if fixed is not None:
        return fixed
    state = _state()
    if state is None:
        return real
    return state.moved_anchor + (real - state.real_anchor) * state.rate


def _state() -> ClockState | None:
    if _Moved.reader is None:
        return None
    if time.monotonic() - _Moved.read_at > _REREAD_SECONDS:
        _Moved.state = _Moved.reader()
        _Moved.read_at = time.monotonic()
    return _Moved.state


def follow(reader: Callable[[], ClockState | None]) -> None:
    """Names where the moved time is read from; bootstrap does so once a process."""
    _Moved.reader, _Moved.read_at = reader, float("-inf")


def reread() -> None:
    """Forgets the state last read; whoever moved the clock calls it."""
    _Moved.read_at = float("-inf")


def moved_to(moment: datetime, rate: float = 1.0) -> ClockState:
    """The row that makes it ``moment`` now. Raises RuntimeError where time is real."""
    if not movable():
        raise RuntimeError("the clock of a production installation cannot be moved")
    return ClockState(id=1, real_anchor=datetime.now(UTC), moved_anchor=moment, rate=rate)


@contextmanager
def fixed(moment: datetime) -> Iterator[None]:
    """Within the block, in this context, it is ``moment``. Raises RuntimeError where time is real."""
    if not movable():
        raise RuntimeError("the clock of a production installation cannot be stopped")
    token = _fixed.set(moment)
    try:
        yield
    finally:
        _fixed.reset(token)


def minutes(count: float) -> timedelta:
    """A duration in the unit that the whole program counts in."""
    return timedelta(minutes=count)
