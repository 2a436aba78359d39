"""Numba, when it is there: the engine's inner loops compiled, the same loops in plain Python otherwise."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TypeVar, cast

try:
    from numba import config, njit
except ImportError:  # pragma: no cover - numba is a dependency; an unsupported Python still gets answers
    njit = None  # type: ignore[assignment]  # checked before use
else:
    # Numba looks only at the file a loop stands in, not at those of the loops it calls: after an upgrade it
    # would read what was kept of them before, or look for modules that are gone. So each state of the engine
    # has a folder of its own.
    _ENGINE, _SETTINGS = Path(__file__).parent, vars(config)  # numba makes its settings at run time
    _STATE = sha256(b"".join(file.read_bytes() for file in sorted(_ENGINE.rglob("*.py")))).hexdigest()[:12]
    _KEPT = Path(_SETTINGS["CACHE_DIR"] or _ENGINE / "__pycache__")
    _SETTINGS["CACHE_DIR"] = str(_KEPT / f"compiled-{_STATE}")

F = TypeVar("F", bound=Callable[..., object])


def compiled(function: F) -> F:
    """Compile on first call, keep the machine code on disk, release the interpreter lock while it runs.

    Each kind of argument makes another copy of the code, which takes as long again. So an array comes always
    in one layout and always writable or never; and as a constant handed from one compiled function to another
    is a kind of its own, such a one is written int(np.int64(0)), which is not.
    """
    if njit is None:  # pragma: no cover
        return function
    return cast("F", njit(cache=True, nogil=True)(function))
