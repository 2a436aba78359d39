"""How much the engine's tests draw at random: all of it with the compiler, a quarter where Python runs the
loops itself (NUMBA_DISABLE_JIT=1). What a test asserts is the same."""

import os

COMPILED = os.environ.get("NUMBA_DISABLE_JIT", "0") == "0"


def draws(count: int) -> int:
    """So many draws, or steps, of `count`."""
    return count if COMPILED else max(1, count // 4)
