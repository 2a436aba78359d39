"""The dead-man switch: called after the promises were checked, silent when the checking fails."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.core.http_server import HELLO, Server, serving
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Unavailable
from volunteer_hub.core.settings import settings
from volunteer_hub.flows import dead_man


@contextmanager
def watched_by(monkeypatch: pytest.MonkeyPatch, answer: bytes = HELLO) -> Iterator[Server]:
    with serving(answer) as watcher, monkeypatch.context() as patch:
        patch.setenv("HUB_DEAD_MAN", f"http://{watcher.name}/ping/secret-4711")
        patch.setenv("HUB_INTERNAL_HOSTS", f'["{watcher.name}"]')
        settings.cache_clear()
        yield watcher
    settings.cache_clear()


def test_the_watcher_hears_from_a_clock_that_checks_its_promises(
    tx: Tx, monkeypatch: pytest.MonkeyPatch
) -> None:
    with watched_by(monkeypatch) as watcher:
        assert dead_man.sweep() == 0
        assert watcher.heard[0].startswith(b"GET /ping/secret-4711 ")


def test_a_watcher_that_does_not_take_it_is_a_failed_job_that_does_not_tell_the_secret(
    tx: Tx, monkeypatch: pytest.MonkeyPatch
) -> None:
    with watched_by(monkeypatch, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"):
        with pytest.raises(Unavailable) as refused:
            dead_man.sweep()
        assert refused.value.params == {"host": "127.0.0.1", "status": 404}
