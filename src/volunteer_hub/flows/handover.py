"""Large arrays handed to another process of this machine without passing through a pipe.

Pickling leaves the arrays' bytes out (PEP 574). They are written once into memory without a name, which the
other process maps as it stands: a problem of a city is a gigabyte, and a pipe holds it twice on either side.
"""

import mmap
import os
import pickle
import tempfile
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import Any, Final

import numpy as np

_ALIGNED: Final = 64
_SMALL: Final = 1 << 20  # bytes: up to there the pipe is as quick


class Handed:
    """An object on its way: sent over a pipe, it arrives as what was given. For one receiver."""

    def __init__(self, given: Any) -> None:
        self._given = given

    def __reduce__(self) -> tuple[Any, ...]:
        arrays: list[pickle.PickleBuffer] = []
        rest = pickle.dumps(self._given, protocol=5, buffer_callback=arrays.append)
        views = [array.raw() for array in arrays]
        spans, end = [], 0
        for view in views:
            spans.append((end, view.nbytes))
            end += -(-view.nbytes // _ALIGNED) * _ALIGNED
        if end <= _SMALL:
            return pickle.loads, (pickle.dumps(self._given, protocol=5),)
        file = _nameless()
        try:
            os.ftruncate(file, end)
            with mmap.mmap(file, end) as memory:
                for view, (start, size) in zip(views, spans, strict=True):
                    memory[start : start + size] = view
            return _received, (DupFd(file), end, spans, rest)
        finally:
            os.close(file)


def _received(file: Any, end: int, spans: list[tuple[int, int]], rest: bytes) -> Any:
    """What was given. Writing into an array that may be written to copies a page, and nobody else sees it."""
    descriptor = file.detach()
    try:
        memory = mmap.mmap(descriptor, end, access=mmap.ACCESS_COPY)
    finally:
        os.close(descriptor)
    whole = np.frombuffer(memory, np.uint8)  # keeps the memory for as long as one of the arrays lives
    buffers = [whole[start : start + size] for start, size in spans]
    return pickle.loads(rest, buffers=buffers)  # noqa: S301  (from our own parent)


def _nameless() -> int:
    """Memory as a file that nobody else can open."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("handed")
    file, path = tempfile.mkstemp()
    Path(path).unlink()
    return file
