"""The time a solve may take and has taken."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class DeadlinePassed(Exception):
    """The exact method cannot finish in the time left."""


class Clock:
    def __init__(self, deadline_s: float) -> None:
        self._deadline = time.monotonic() + deadline_s
        self.seconds: dict[str, float] = {}  # by phase

    @property
    def left(self) -> float:
        return self._deadline - time.monotonic()

    def check(self, needed: float = 0.0) -> None:
        """Raise DeadlinePassed unless `needed` more seconds fit."""
        if self.left <= needed:
            raise DeadlinePassed

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started
