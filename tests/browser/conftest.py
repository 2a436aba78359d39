"""A real Chromium, a real server on a database of its own with people in it, and a real mail server."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, sync_playwright

from tests import databases, people
from tests.flows.callouts import NOW
from tests.server import Server, free_port
from tests.world import brought_in, person
from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.simulation import mailbox

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
HELPERS = 24


@dataclass(frozen=True)
class House:
    """Where the server answers, its database, the folder of letters, and the port of a push service that it
    may call."""

    address: str
    database: str
    mail: Path
    push: int


def pytest_addoption(parser: pytest.Parser) -> None:
    """Known where tests/browser is named on the command line."""
    parser.addoption(
        "--every-combination",
        action="store_true",
        help="the journeys in both languages, widths and themes, eight times in all",
    )


# Not for the session: while it is open, the thread counts as running an event loop, which others need.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """The browser; without one the tests are skipped, except where the build must have it."""
    with sync_playwright() as tools:
        try:
            browser = tools.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        except Error as error:
            if os.environ.get("CI"):
                raise
            pytest.skip(
                f"no Chromium at {CHROMIUM} (set CHROMIUM to its path): {error.message.splitlines()[0]}"
            )
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def house(template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The house that the tests of browsers share."""
    with built(template, tmp_path_factory.mktemp("browser")) as found:
        yield found


@contextmanager
def built(template: str, folder: Path) -> Iterator[House]:
    """Mei may sign in, twenty-four people may be called, it is ten in the morning, letters arrive."""
    mail = mailbox.server(free_port(), folder / "mail")
    mail.start()
    with databases.cloned(template) as database:
        databases.use(database)
        db.move_clock(NOW)
        with db.transaction(SYSTEM, "test.people") as tx:
            people.mei(tx)
            skills = "sandbagging:2;first_aid:2;general:2"
            brought_in(tx, [person(f"Helper {n}", n, skills=skills) for n in range(1, 1 + HELPERS)])
        push = free_port()
        post = {
            "HUB_SMTP_URL": f"smtp://127.0.0.1:{mail.port}",
            "HUB_PUSH": "true",
            "HUB_INTERNAL_HOSTS": f'["127.0.0.1:{push}"]',
        }
        with Server(database, folder, processes=1, **post) as server:
            server.wait_until_ready()
            yield House(server.address, database, folder / "mail", push)
    mail.stop()
