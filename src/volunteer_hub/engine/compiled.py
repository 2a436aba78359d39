"""Numba, when it is there: the engine's inner loops compiled, the same loops in plain Python otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

try:
    from numba import njit
except ImportError:  # pragma: no cover - numba is a dependency; an unsupported Python still gets answers
    njit = None  # type: ignore[assignment]  # checked before use

F = TypeVar("F", bound=Callable[..., object])


def compiled(function: F) -> F:
    """Compile on first call, keep the machine code on disk, release the interpreter lock while it runs."""
    if njit is None:  # pragma: no cover
        return function
    return cast("F", njit(cache=True, nogil=True)(function))
