"""One event loop for all clients of a run: one for each request was two fifths of what a request took."""

from contextlib import ExitStack
from functools import cache

from anyio.from_thread import BlockingPortal, start_blocking_portal

_OPENED = ExitStack()


@cache
def portal() -> BlockingPortal:
    """The way into the loop, which is started when it is first asked for and runs until `close`."""
    return _OPENED.enter_context(start_blocking_portal())


def close() -> None:
    """Ends the loop and its threads, without which the process would not end."""
    _OPENED.close()
