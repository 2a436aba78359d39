"""What this machine takes, just now, for work of a known size: bounds on processor time are multiples of it.

A bound in seconds would fail in a slow hour of the machine, or while lines are counted; a multiple does not.
"""

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from xml.parsers import expat

MEGABYTE = b"<a>" + b"<a/>" * 250_000 + b"</a>"


def reading_s() -> float:
    """Processor seconds to read a megabyte of small elements, each given to Python."""
    seen: list[str] = []
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda name, _: seen.append(name)
    started = time.process_time()
    parser.Parse(MEGABYTE, True)
    return time.process_time() - started


@contextmanager
def at_most(readings: float) -> Iterator[None]:
    """What is done inside costs no more than so many readings of a plain megabyte, before or after."""
    gc.disable()  # a walk over what a thousand other tests left is not this work's
    try:
        before = reading_s()
        started = time.process_time()
        yield
        spent = time.process_time() - started
    finally:
        gc.enable()
    assert spent < readings * max(before, reading_s())
