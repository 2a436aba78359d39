"""Compiled loops over named tuples of arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from volunteer_hub.engine import compiled

njit = getattr(compiled, "njit", None)

F = TypeVar("F", bound=Callable[..., object])


def bare(function: F) -> F:
    """Compile as engine.compiled does, but without counting references: every access to an array of a named
    tuple counts up and down, which takes ten times as long as judging an insertion. So nothing may be
    allocated inside; the compiler refuses it."""
    if njit is None:  # pragma: no cover
        return function
    return cast("F", njit(**compiled.ENTRY, _nrt=False)(function))


def inner(function: F) -> F:
    """The same for what compiled loops alone call: see engine.compiled."""
    if njit is None:  # pragma: no cover
        return function
    return cast("F", njit(**compiled.INNER, _nrt=False)(function))


def plain(function: F) -> F:
    """The same function as Python runs it, without waiting for the compiler."""
    return cast("F", getattr(function, "py_func", function))
