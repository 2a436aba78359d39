"""Somebody at a window of their own, and what must not happen in it."""

from playwright.sync_api import Browser, BrowserContext, Page, Route

from tests.browser.conftest import House

LOCALES = {"en": "en-GB", "zh": "zh-CN"}
PRIMARY = "main .button-primary"


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
