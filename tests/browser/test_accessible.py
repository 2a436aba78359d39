"""Every page holds WCAG 2.2 AA as axe-core judges it, and cuts no word off: both languages, telephone and
laptop, no other host."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page

from tests.browser.clipped import cut_off
from tests.browser.pages import Pages, served
from tests.browser.reader import LOCALES
from volunteer_hub.core.settings import settings

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
WIDTHS = (1280, 390)
PATIENCE = 120_000
_JUDGE = """async () => (await axe.run(document, {
  runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'],
  resultTypes: ['violations'], preload: false,
})).violations.flatMap(rule => rule.nodes.map(node => rule.id + ' ' + node.target + ' ' + node.html))"""


@pytest.fixture(scope="module")
def pages(template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUB_SMTP_URL", "smtp://127.0.0.1:9")
        settings.cache_clear()
        with served(template, tmp_path_factory.mktemp("pages")) as found:
            yield found
    settings.cache_clear()


def faults(page: Page) -> Iterator[str]:
    """What is wrong with an open page, at each width."""
    page.evaluate(AXE_SCRIPT)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        for fault in page.evaluate(_JUDGE):
            yield f"{width}: {fault}"
        for fault in cut_off(page):
            yield f"{width}: {fault}"


@pytest.mark.parametrize("lang", LOCALES)
def test_every_page_can_be_used_by_everybody_and_asks_no_other_host(
    chromium: Browser, pages: Pages, lang: str
) -> None:
    context = chromium.new_context(locale=LOCALES[lang])
    context.set_default_timeout(PATIENCE)
    page, asked, found = context.new_page(), list[str](), dict[str, Any]()
    page.on("request", lambda request: asked.append(request.url))
    for who, paths in pages.at.items():
        context.clear_cookies()
        held = pages.cookies[who].items()
        context.add_cookies([{"name": name, "value": value, "url": pages.address} for name, value in held])
        for path in paths:
            answer = page.goto(pages.address + path)
            if answer is None or answer.status != 200 or page.url != pages.address + path:
                found[path] = f"{who} is answered {answer and answer.status} at {page.url}"
            elif wrong := list(faults(page)):
                found[path] = wrong
            asked.append(page.url)
    context.close()
    assert found == {}
    assert sum(map(len, pages.at.values())) > 40
    assert [url for url in asked if not url.startswith((pages.address, "data:"))] == []
