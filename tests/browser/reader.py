"""Somebody at a window of their own, by mouse or by keyboard alone, and what must not happen in it."""

import time
from collections.abc import Callable
from typing import Literal

from playwright.sync_api import Browser, BrowserContext, Error, Locator, Page, Route

from tests.browser.conftest import House

Theme = Literal["light", "dark"]
LOCALES = {"en": "en-GB", "zh": "zh-CN"}
PRIMARY = "main .button-primary"
_STOPS = 200
_PATIENCE = 45_000
_WIDE = "document.documentElement.scrollWidth"
_AHEAD = """one => {
  const stops = document.querySelectorAll('a[href], button, input, select, textarea, summary');
  const here = document.activeElement;
  return [...stops].filter(each => !each.disabled && each.type !== 'hidden' && each.type !== 'radio'
    && each.checkVisibility() && here.compareDocumentPosition(each) & 4
    && each.compareDocumentPosition(one) & 4).length;
}"""
"""About so many stops lie before it: what is asked after each is half the time."""
_HERE = "one => one === document.activeElement"


class Reader:
    """Somebody at a window of their own; ``trouble`` is what must not happen in it. With ``keys`` everything
    is reached by Tab and done by Enter, Space, arrows and letters."""

    def __init__(
        self,
        browser: Browser,
        house: House,
        lang: str,
        width: int,
        *,
        script: bool = True,
        keys: bool = False,
        theme: Theme = "light",
    ) -> None:
        self.trouble: list[str] = []
        self.lang, self._house, self._width, self._keys = lang, house, width, keys
        self._context: BrowserContext = browser.new_context(
            viewport={"width": width, "height": 800},
            locale=LOCALES[lang],
            java_script_enabled=script,
            color_scheme=theme,
        )
        self._context.set_default_timeout(_PATIENCE)
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
        self.follow(PRIMARY)

    def follow(self, target: str | Locator) -> None:
        """A link or button that leads to another page."""
        with self.page.expect_navigation():
            self.use(target)
        self.look()

    def menu(self, href: str) -> None:
        """An entry of the console's menu, which a narrow window keeps behind a link."""
        opener = self.page.locator(".menu-link")
        if opener.is_visible():
            self.use(opener)
        self.follow(f".nav a[href='{href}']")

    def use(self, target: str | Locator) -> None:
        """Presses what stands there."""
        if self._keys:
            self._reach(target)
            self.page.keyboard.press("Enter")
        else:
            self._one(target).click()

    def unfold(self, words: str) -> None:
        """Opens what is folded up under these words."""
        self.use(self.page.locator("summary", has_text=words).first)

    def write(self, name: str, text: str) -> None:
        """Puts text into a field instead of what it holds."""
        if self._keys:
            self._reach(f"main [name={name}]")
            self.page.keyboard.press("ControlOrMeta+a")
            self.page.keyboard.insert_text(text)
        else:
            self.page.fill(f"main [name={name}]", text)

    def choose(self, name: str, value: str) -> None:
        """One of a list."""
        if self._keys:
            box = self._reach(f"main select[name={name}]")
            self.page.keyboard.press("Home")
            while box.input_value() != value:
                before = box.input_value()
                self.page.keyboard.press("ArrowDown")
                assert box.input_value() != before, f"{name} has no {value}"
        else:
            self.page.select_option(f"main [name={name}]", value)

    def tick(self, css: str) -> None:
        """A box or a dot, on or off."""
        dot = self.page.locator(css).first
        if not self._keys:
            dot.click()
        elif dot.get_attribute("type") == "checkbox":
            self._reach(dot)
            self.page.keyboard.press("Space")
        else:
            self._turn(dot)

    def _turn(self, dot: Locator) -> None:
        """Tab comes to the first of a group of dots, arrows to the others."""
        group = self.page.locator(f"[name='{dot.get_attribute('name')}']")
        self._reach(group.first)
        self.page.keyboard.press("Space")
        for _ in range(group.count()):
            if dot.is_checked():
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError("no arrow comes to the dot")

    def _one(self, target: str | Locator) -> Locator:
        return self.page.locator(target).first if isinstance(target, str) else target

    def _reach(self, target: str | Locator) -> Locator:
        one = self._one(target)
        one.wait_for()
        for _ in range(one.evaluate(_AHEAD) - 1):
            self.page.keyboard.press("Tab")
        for _ in range(_STOPS):
            if one.evaluate(_HERE):
                return one
            self.page.keyboard.press("Tab")
        raise AssertionError(f"no Tab comes to {target} of {self.page.url}")

    def look(self) -> None:
        """Notes whatever is wider than the window."""
        try:
            wide = self.page.evaluate(_WIDE)
        except Error:  # a page that led on at once is looked at where it led
            self.page.wait_for_load_state()
            wide = self.page.evaluate(_WIDE)
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
