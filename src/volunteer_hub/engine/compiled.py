"""Numba, when it is there: the engine's inner loops compiled, the same loops in plain Python otherwise."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast

try:
    from numba import config, njit
except ImportError:  # pragma: no cover - numba is a dependency; an unsupported Python still gets answers
    njit = None  # type: ignore[assignment]  # checked before use
    _FOLDER = None
else:
    # Numba looks only at the file a loop stands in, not at those of the loops it calls: after an upgrade it
    # would read what was kept of them before, or look for modules that are gone. So each state of the engine
    # has a folder of its own.
    _ENGINE, _SETTINGS = Path(__file__).parent, vars(config)  # numba makes its settings at run time
    _STATE = sha256(b"".join(file.read_bytes() for file in sorted(_ENGINE.rglob("*.py")))).hexdigest()[:12]
    _KEPT = Path(_SETTINGS["CACHE_DIR"] or _ENGINE / "__pycache__")
    _SETTINGS["CACHE_DIR"] = str(_KEPT / f"compiled-{_STATE}")
    _FOLDER = None if _SETTINGS["DISABLE_JIT"] else Path(_SETTINGS["CACHE_DIR"])

F = TypeVar("F", bound=Callable[..., object])
# On disk, and without the interpreter's lock. Nobody calls them from C.
ENTRY: dict[str, Any] = {"cache": True, "nogil": True, "no_cfunc_wrapper": True}
INNER = ENTRY | {"no_cpython_wrapper": True}


def compiled(function: F) -> F:
    """Compile on first call, keep the machine code on disk, release the interpreter lock while it runs.

    Each kind of argument makes another copy of the code, which takes as long again. So an array comes always
    in one layout and always writable or never; and as a constant handed from one compiled function to another
    is a kind of its own, such a one is written int(np.int64(0)), which is not.
    """
    if njit is None:  # pragma: no cover
        return function
    return cast("F", njit(**ENTRY)(function))


def inner(function: F) -> F:
    """The same for what compiled loops alone call. Python cannot: what would unpack its arguments (thirty
    arrays of an index, say) is left out. That is most of the machine code of a short loop, and is compiled
    again with each loop that calls it."""
    if njit is None:  # pragma: no cover
        return function
    return cast("F", njit(**INNER)(function))


@contextmanager
def first(loops: str) -> Iterator[None]:
    """Around the first use of some loops by a process. When they were never compiled here, one process does
    it and others that start meanwhile wait and read what it kept, instead of all doing the same at once. A
    process that dies lets the next one in; where nothing can be written nobody waits."""
    with ExitStack() as held:
        done = None if _FOLDER is None else _FOLDER / f"{loops}.done"
        if done is not None and not done.exists():
            try:
                done.parent.mkdir(parents=True, exist_ok=True)
                fcntl.flock(held.enter_context(done.with_suffix(".lock").open("w")), fcntl.LOCK_EX)
            except OSError:
                done = None
        yield
        if done is not None:
            done.touch()
