"""From declaring to people accepted, in a real browser: each screen's one primary action leads on."""

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route

from tests.browser.conftest import House
from tests.people import PASSWORD
from volunteer_hub.core.i18n import t
from volunteer_hub.simulation.mailbox import Watch

pytestmark = pytest.mark.browser

LOCALES = {"en": "en-GB", "zh": "zh-CN"}
YES = 3
PRIMARY = "main .button-primary"
_LINK = re.compile(r"https?://\S+/c/[A-Za-z0-9_-]{22}")


class Reader:
    """Somebody at a window of their own; ``trouble`` is what must not happen in it."""

    def __init__(self, browser: Browser, house: House, lang: str, width: int, *, script: bool = True) -> None:
        self.trouble: list[str] = []
        self.lang, self._house, self._width = lang, house, width
        self._context: BrowserContext = browser.new_context(
            viewport={"width": width, "height": 800}, locale=LOCALES[lang], java_script_enabled=script
        )
        self._context.route("**/*", self._stay)
        self.page: Page = self._context.new_page()
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.page.on("console", lambda said: self.trouble.append(said.text) if said.type == "error" else None)

    def _stay(self, route: Route) -> None:
        if route.request.url.startswith(self._house.address):
            route.continue_()
        else:
            self.trouble.append(f"asked for {route.request.url}")
            route.abort()

    def go(self, path: str) -> None:
        """Opens one of our addresses."""
        self.page.goto(path if path.startswith("http") else self._house.address + path)
        self.look()

    def press(self, words: str) -> None:
        """The screen's only primary action, which says these words, and what it leads to."""
        assert [each.strip() for each in self.page.locator(PRIMARY).all_inner_texts()] == [words]
        with self.page.expect_navigation():
            self.page.click(PRIMARY)
        self.look()

    def look(self) -> None:
        """Notes whatever is wider than the window."""
        wide = self.page.evaluate("document.documentElement.scrollWidth")
        if wide > self._width:
            self.trouble.append(f"{self.page.url} is {wide} px wide at {self._width}")

    def wait_for(self, words: str, where: str = "main", seconds: float = 45) -> None:
        """Until the page says so by itself."""
        self.page.locator(where, has_text=words).first.wait_for(timeout=seconds * 1000)

    def leave(self) -> list[str]:
        """Closes the window; what went wrong in it."""
        self._context.close()
        return self.trouble


def until(found: Callable[[], list[str]], count: int) -> list[str]:
    """The first ``count`` of what comes within half a minute."""
    got: list[str] = []
    ends = time.monotonic() + 30
    while len(got) < count and time.monotonic() < ends:
        got += found()
        time.sleep(0.2)
    return got[:count]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_from_declaring_to_people_accepted(chromium: Browser, house: House, lang: str) -> None:
    letters = Watch(house.mail)
    mei = Reader(chromium, house, lang, 1280)
    mei.go("/login")
    mei.page.fill("[name=email]", "mei@example.org")
    mei.page.fill("[name=password]", PASSWORD)
    mei.press(t(lang, "login.submit"))
    mei.press(t(lang, "board.declare"))
    with mei.page.expect_response(re.compile("/incidents/new/rest")):
        mei.page.select_option("[name=hazard]", "heat" if lang == "zh" else "flood")
    for box in mei.page.locator("[name=only]").all()[1:]:
        box.uncheck()
    place = f"Gate {lang}"
    mei.page.fill("[name=place]", place)
    mei.press(t(lang, "board.new.submit"))
    mei.press(t(lang, "board.plan.ask"))
    mei.wait_for(t(lang, "board.approve"), PRIMARY)
    mei.press(t(lang, "board.approve"))
    send = mei.page.locator(PRIMARY).inner_text().strip()
    asked = int("".join(re.findall(r"\d", send)))
    assert send == t(lang, "board.send", n=asked)
    mei.press(send)

    links = until(lambda: [_LINK.findall(one.text)[0] for one in letters.new() if place in one.text], YES)
    assert len(links) == YES
    for link in links:
        bo = Reader(chromium, house, lang, 390, script=False)
        bo.go(link)
        bo.press(t(lang, "ui.callout.accept"))
        bo.wait_for(t(lang, "callouts.accepted.title"))
        assert bo.leave() == []
    mei.wait_for(t(lang, "board.callout.line", n=asked, accepted=YES))
    mei.look()
    assert mei.leave() == []
