"""A measurement in a child process, with limits on time and memory of its own: a peer that needs more is
stopped, and what others left in memory does not count against it."""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def peak_gib() -> float:
    """The most memory this process has had resident since reset_peak() (Linux), GiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 2**20
    return float("nan")


def reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def run(work: Callable[[], T], limit_s: float, limit_gib: float) -> tuple[T | None, float, str]:
    """What `work` returns (None if it was stopped or failed), seconds, and why there is nothing. The child
    may take limit_gib beyond what it inherits."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=_work, args=(work, sender, limit_gib))
    started = time.perf_counter()
    child.start()
    sender.close()
    answer: tuple[T | None, str] = (None, f"stopped after {limit_s:.0f} s")
    if receiver.poll(limit_s):
        try:
            answer = receiver.recv()
        except EOFError:
            answer = None, f"ended, more than {limit_gib:.0f} GiB wanted"
    else:
        child.kill()
    child.join()
    return answer[0], time.perf_counter() - started, answer[1]


def _work(work: Callable[[], object], sender: Connection, limit_gib: float) -> None:
    inherited = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    most = inherited + int(limit_gib * 2**30)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    try:
        sender.send((work(), ""))
    except MemoryError:
        sender.send((None, f"more than {limit_gib:.0f} GiB wanted"))
