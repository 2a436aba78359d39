"""The time a solve may take and has taken."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from volunteer_hub.engine.problem import Bools


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


@contextmanager
def stop_after(seconds: float) -> Iterator[Bools]:
    """A flag [1] for compiled code, which sees no clock: it turns true when the time is up."""
    stop = np.zeros(1, np.bool_)
    timer = threading.Timer(max(seconds, 0.0), stop.fill, (True,))
    timer.start()
    try:
        yield stop
    finally:
        timer.cancel()
