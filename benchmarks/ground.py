"""What a benchmark stands on: a folder, a PostgreSQL server and settings of its own, gone at the end."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from volunteer_hub.core import db, embedded
from volunteer_hub.core.settings import settings

PROGRAM = Path(sys.executable).with_name("volunteer-hub")
_PATIENCE = 300.0  # seconds; a machine busy with other work starts slowly


@contextmanager
def installation(**more: str) -> Iterator[Path]:
    """Settings of their own for this process and those it starts; whatever the caller had set is put back.

    Processes keep their compiled code in the folder, so that each but the first starts as an installed one.
    """
    folder = Path(tempfile.mkdtemp(prefix="hub-bench-"))
    before = {name: value for name, value in os.environ.items() if _ours(name)}
    own = {
        "HUB_ENV": "test",
        "HUB_DATA_DIR": str(folder),
        "HUB_SECRET_KEY": "a key only for this benchmark",
        "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
    }
    _replace(own | more)
    try:
        yield folder
    finally:
        _let_go()
        with suppress(Exception):
            embedded.stop(folder)
        _replace(before)
        shutil.rmtree(folder, ignore_errors=True)


def _ours(name: str) -> bool:
    return name.startswith("HUB_") or name in ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")


def _replace(environment: dict[str, str]) -> None:
    for name in filter(_ours, list(os.environ)):
        del os.environ[name]
    os.environ.update(environment)
    settings.cache_clear()
    db.engine.cache_clear()


def _let_go() -> None:
    if db.engine.cache_info().currsize:
        db.engine().dispose()


def point(address: str) -> None:
    """Points settings and engine of this process at a database."""
    _let_go()
    os.environ["HUB_DATABASE_URL"] = address
    settings.cache_clear()
    db.engine.cache_clear()


@contextmanager
def database(server: str, name: str, template: str | None = None) -> Iterator[str]:
    """A database of this name, which this process is pointed at; dropped at the end."""
    own = urlsplit(server)._replace(path=f"/{name}").geturl()
    before = os.environ.get("HUB_DATABASE_URL")
    _let_go()
    with psycopg.connect(server, autocommit=True) as admin:
        like = sql.SQL(" TEMPLATE {}").format(sql.Identifier(template)) if template else sql.SQL("")
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)) + like)
        admin.execute("CHECKPOINT")
    point(own)
    try:
        yield own
    finally:
        _let_go()
        if before is not None:
            point(before)
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@dataclass(frozen=True)
class Served:
    """A server that answers, its first process, and the seconds from its start until it said so."""

    port: int
    process: int
    seconds: float


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextmanager
def served(*options: str, port: int | None = None) -> Iterator[Served]:
    """`volunteer-hub serve` with these options under the present settings, ended with the block."""
    port = port or free_port()
    with tempfile.TemporaryFile() as log:
        started = time.perf_counter()
        process = subprocess.Popen(
            [PROGRAM, "serve", "--port", str(port), *options], stdout=log, stderr=log, start_new_session=True
        )
        try:
            _wait(process, port)
            yield Served(port, process.pid, time.perf_counter() - started)
        except _Died:
            log.seek(0)
            raise RuntimeError("the server did not start:\n" + log.read().decode()[-4000:]) from None
        finally:
            process.terminate()
            process.wait(60)


class _Died(Exception):
    pass


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    ends = time.monotonic() + _PATIENCE
    while time.monotonic() < ends and process.poll() is None:
        with (
            suppress(urllib.error.URLError, OSError),
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer,
        ):
            if answer.status == 200:
                return
        time.sleep(0.02)
    raise _Died
