"""A callout in a browser: answers appear without reloading, a broken connection is said and heals."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import databases
from tests.watched import Watched, watched
from volunteer_hub.core.settings import settings

PATIENCE = 60_000
pytestmark = pytest.mark.xdist_group("browser")  # what is set up once, one worker sets up


@pytest.fixture
def callout(template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    monkeypatch.setenv("HUB_SMTP_URL", "smtp://127.0.0.1:9")
    settings.cache_clear()
    with databases.cloned(template) as database:
        databases.use(database)
        with watched(database, tmp_path, processes=1) as callout:
            yield callout
    monkeypatch.undo()
    settings.cache_clear()


def open_page(chromium: Browser, callout: Watched) -> tuple[Page, list[str]]:
    """The callout as Mei sees it, and every address that the page asks for."""
    context = chromium.new_context(locale="en")
    cookie = callout.cookie(callout.out.world.mei)["hub_session"]
    context.add_cookies([{"name": "hub_session", "value": cookie, "url": callout.server.address}])
    page, asked = context.new_page(), list[str]()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(callout.server.address + callout.page)
    return page, asked


def test_answers_are_pushed_and_a_lost_connection_is_said_and_heals(
    chromium: Browser, callout: Watched
) -> None:
    page, asked = open_page(chromium, callout)
    people, lost = page.locator("#people"), page.get_by_text("The connection is broken")
    with page.expect_request("**/stream"):
        page.reload()
    page.wait_for_timeout(1_000)
    asked.clear()
    callout.says_yes(0)
    expect(people).to_contain_text("accepted 1", timeout=PATIENCE)
    expect(lost).to_be_hidden()
    assert [address for address in asked if "/live" in address] == []  # it was pushed

    callout.server.stop()
    expect(lost).to_be_visible(timeout=PATIENCE)
    callout.server.start()
    callout.server.wait_until_ready()
    expect(lost).to_be_hidden(timeout=PATIENCE)
    callout.says_yes(1)
    expect(people).to_contain_text("accepted 2", timeout=PATIENCE)


def test_where_a_stream_does_not_pass_the_page_asks_for_itself(chromium: Browser, callout: Watched) -> None:
    page, _ = open_page(chromium, callout)
    page.route("**/stream", lambda route: route.abort())
    page.reload()
    callout.says_yes(0)
    expect(page.locator("#people")).to_contain_text("accepted 1", timeout=PATIENCE)
    expect(page.get_by_text("The connection is broken")).to_be_hidden()
