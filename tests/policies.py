"""Policy files of a test's own."""

from collections.abc import Iterator
from contextlib import contextmanager

from volunteer_hub.core import policy
from volunteer_hub.core.settings import settings


@contextmanager
def read_anew() -> Iterator[None]:
    """Inside, what HUB_CONFIG names by now is in force; afterwards what it then names."""
    settings.cache_clear()
    policy.load.cache_clear()
    yield
    settings.cache_clear()
    policy.load.cache_clear()
