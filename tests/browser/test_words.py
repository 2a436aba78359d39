"""No page shows words that no translator was given, nor cuts off those that are longer than ours."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route

from tests.browser import pseudo
from tests.browser.clipped import cut_off
from tests.browser.pages import half_way, listed, planted
from tests.doors import ORIGIN
from tests.flows.callouts import NOW
from volunteer_hub.core import clock, db, i18n
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.settings import settings
from volunteer_hub.volunteers.checking import DATUMS
from volunteer_hub.volunteers.exchange.layout import COLUMNS
from volunteer_hub.web.render import LANGUAGE_NAMES, STATIC

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
CONFIG = Path(__file__).resolve().parents[2] / "config"
AS_STORED = {"/audit", "/settings"}
"""Pages that show rows and values under the names that they have in the database and the environment."""
BESIDES = frozenset(
    ("which gate?", "dyke.pdf", "people.csv", "Look", "clear", *LANGUAGE_NAMES.values(), *DATUMS, *COLUMNS)
)
"""What the made-up world holds sealed or in parts, and a file's own columns."""


@pytest.fixture(scope="module")
def said(template: str) -> Iterator[tuple[dict[str, str], dict[str, set[str]]]]:
    """Path -> the page in the made-up language; path -> its words that are not in it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUB_SMTP_URL", "smtp://127.0.0.1:9")
        settings.cache_clear()
        with planted(template) as (_, grown, ids), clock.fixed(NOW):
            with db.read(SYSTEM) as tx:
                known = pseudo.written(tx, CONFIG)
            made = pseudo.pseudo()
            grown.who["guest"].cookies.update(half_way())
            patch.setattr(i18n, "catalogue", lambda lang: made)
            found = {
                path: grown.who[who].get(path) for who, paths in listed(grown, ids).items() for path in paths
            }
            assert {
                path: answer.status_code for path, answer in found.items() if answer.status_code != 200
            } == {}
            shown = {path: answer.text for path, answer in found.items()}
            yield shown, {path: pseudo.unsaid(html, known) - BESIDES for path, html in shown.items()}
    settings.cache_clear()


def test_every_word_of_every_page_comes_from_the_catalogue(
    said: tuple[dict[str, str], dict[str, set[str]]],
) -> None:
    shown, left = said
    assert min(html.count(pseudo.OPEN) for html in shown.values()) > 3
    assert {path: words for path, words in left.items() if words and path not in AS_STORED} == {}


def test_words_a_third_longer_are_not_cut_off(
    said: tuple[dict[str, str], dict[str, set[str]]], chromium: Browser
) -> None:
    shown, _ = said

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(ORIGIN).partition("?")[0]
        if path in shown:
            route.fulfill(body=shown[path], content_type="text/html; charset=utf-8")
        elif path.startswith("/static/"):
            route.fulfill(path=STATIC / path.removeprefix("/static/"))
        else:
            route.abort()

    context = chromium.new_context(java_script_enabled=True, service_workers="block")
    context.route("**/*", answer)
    page, found = context.new_page(), dict[str, list[str]]()
    for path in shown:
        page.goto(ORIGIN + path)
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 800})
            found[f"{path} at {width}"] = cut_off(page)
    context.close()
    assert {where: faults for where, faults in found.items() if faults} == {}
