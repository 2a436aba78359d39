"""One real PostgreSQL a run; a test either runs in a transaction rolled back, or on a database of its own."""

import gc
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

_RUN = Path(os.environ.get("HUB_TEST_DIR") or tempfile.mkdtemp(prefix="hub-test-"))
os.environ["HUB_TEST_DIR"] = str(_RUN)  # xdist's workers inherit it and share the one server
os.environ["HUB_ENV"] = "test"
os.environ["HUB_DATA_DIR"] = str(_RUN / "data")
os.environ["HUB_SECRET_KEY"] = "a long enough secret for tests only, never used elsewhere"
os.environ.pop("HUB_DATABASE_URL", None)
os.environ.pop("HUB_CONFIG", None)

from tests import databases, kept, loop  # noqa: E402  (settings read the environment above)
from volunteer_hub.audit import listener  # noqa: E402  (likewise)
from volunteer_hub.core import db  # noqa: E402  (likewise)
from volunteer_hub.core.actor import SYSTEM  # noqa: E402  (likewise)
from volunteer_hub.notify import lines  # noqa: E402  (likewise)

listener.install()
gc.set_threshold(50_000, 20, 20)  # thousands of tests are held, and were walked again and again


def pytest_collection_finish() -> None:
    """What was imported and collected stays: the collector need not look at it."""
    gc.freeze()


def pytest_unconfigure(config: pytest.Config) -> None:
    """The run's own process stops the server; xdist's workers leave it running."""
    loop.close()
    if not hasattr(config, "workerinput"):
        databases.stop(_RUN)


@pytest.fixture(autouse=True)
def lines_up() -> None:
    """No gateway that was down in another test is thought to be down in this one."""
    lines.forget()


@pytest.fixture(scope="session")
def template() -> str:
    """The name of this worker's migrated, empty database, from which others are cloned."""
    return databases.template(os.environ.get("PYTEST_XDIST_WORKER", "main"))


@pytest.fixture(scope="session")
def database(template: str) -> Iterator[str]:
    """The database that rolled-back tests share; settings and engine point at it."""
    with databases.cloned(template) as address:
        yield address


@pytest.fixture
def rollback(database: str) -> Iterator[None]:
    """Every transaction of this test is a savepoint on one connection, undone at the end."""
    databases.use(database)
    with db.engine().connect() as connection, connection.begin() as outer:
        with db.bound(connection), kept.shared():
            yield
        outer.rollback()


@pytest.fixture
def tx(rollback: None) -> Iterator[db.Tx]:
    """A transaction by the system, undone at the end."""
    with db.transaction(SYSTEM, "test") as transaction:
        yield transaction


@pytest.fixture
def fresh_database(template: str) -> Iterator[str]:
    """A database of this test's own, for several connections or processes; settings point at it."""
    with databases.cloned(template) as address:
        databases.use(address)
        yield address
