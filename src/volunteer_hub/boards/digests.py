"""What tells two problems apart: a hash over everything that was asked."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from volunteer_hub.engine.problem import Problem


def digest(problem: Problem) -> str:
    """A hash over everything that was asked: two problems of one digest have the same answer."""
    arrays: list[NDArray[Any]] = []
    words: list[str] = []

    def collect(part: Any, name: str) -> None:
        if is_dataclass(part):
            for one in fields(part):
                collect(getattr(part, one.name), f"{name}.{one.name}")
        elif isinstance(part, np.ndarray):
            words.append(f"{name} {part.shape} {part.dtype.str}")
            arrays.append(part)
        else:
            words.append(f"{name} {part!r}")

    collect(problem, "")
    # Hashing lets other threads run: two at once take half the time for millions of people.
    with ThreadPoolExecutor(2) as workers:
        parts = list(workers.map(_hashed, arrays))
    return hashlib.sha256(b"".join([repr(words).encode(), *parts])).hexdigest()


def _hashed(array: NDArray[Any]) -> bytes:
    # Matrices lie column by column; their transpose is the same memory without a copy.
    return hashlib.sha256(np.ascontiguousarray(array.T).data).digest()
