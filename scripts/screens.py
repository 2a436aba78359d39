"""Pictures of every page with real data: `python scripts/screens.py [--lang en] [--only board ...]`.

Builds a made-up city of its own, brings incidents to every stage, signs in and photographs each page with
Chromium in both languages at phone and desktop width, into docs/screens/PAGE-LANG-WIDTH.png. Exits with 1
when a page overflows sideways, says something on the browser's console or asks another host for anything.
`--dark FOLDER` puts the same pages in the dark theme there, to be looked at and not kept.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, Route, sync_playwright
from screens_list import SHOTS
from screens_paint import squeezed
from screens_stage import Stage, stage

SCREENS: Final = Path(__file__).parent.parent / "docs/screens"
CHROMIUM: Final = os.environ.get("CHROMIUM", "/usr/bin/chromium")
WIDTHS: Final = (390, 1280)
HEIGHT: Final = 800
TALLEST: Final = 1800  # what is kept of a long list
LOCALES: Final = {"en": "en-GB", "zh": "zh-CN"}


@dataclass(frozen=True)
class Shot:
    """One page: who looks ("guest", "coordinator", "clerk", "volunteer"), where."""

    name: str
    who: str
    path: str


def shots(made: Stage, detail: dict[str, str]) -> Iterator[Shot]:
    """Every page of `screens_list` that this city has an address for. ``detail``: those only a page knows."""
    known = made.paths | made.links | {"survey": made.survey} | detail
    for name, who, path in SHOTS:
        try:
            address = path.format_map(known)
        except KeyError as unknown:
            print(f"{name}: nothing here is {unknown}, no picture")
            continue
        if address:
            yield Shot(name, who, address)


class Studio:
    """A browser with one context for each reader, that notes what would embarrass us."""

    def __init__(self, browser: Browser, made: Stage, lang: str) -> None:
        self.problems: list[str] = []
        self._browser, self._made, self._lang = browser, made, lang
        self._readers = {who: self._reader(who) for who in ("guest", "coordinator", "clerk", "volunteer")}

    def _reader(self, who: str) -> BrowserContext:
        context = self._browser.new_context(locale=LOCALES[self._lang])
        context.add_cookies(
            [{"name": "hub_lang", "value": self._lang, "url": self._made.address}]
            + (
                [{"name": "hub_session", "value": self._made.me, "url": self._made.address}]
                if who == "volunteer"
                else []
            )
        )
        context.route("**/*", self._serve)
        if login := self._made.staff.logins.get(who):
            page = context.new_page()
            page.goto(f"{self._made.address}/login")
            page.fill("[name=email]", login.email)
            page.fill("[name=password]", login.password)
            page.click("main button")
            page.wait_for_url("**/incidents")
            page.close()
        return context

    def _serve(self, route: Route) -> None:
        if urlsplit(route.request.url).netloc == urlsplit(self._made.address).netloc:
            route.continue_()
        else:
            self.problems.append(f"asks for {route.request.url}")
            route.abort()

    def look(self, who: str, path: str) -> Page:
        """The page as that reader sees it."""
        page = self._readers[who].new_page()
        page.goto(self._made.address + path)
        return page

    def take(self, shot: Shot, width: int, folder: Path, theme: str) -> Path:
        """One picture."""
        page = self._readers[shot.who].new_page()
        page.on("console", lambda said: self._said(shot, said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self._said(shot, str(error)))
        page.set_viewport_size({"width": width, "height": HEIGHT})
        answer = page.goto(f"{self._made.address}{shot.path}{'&' if '?' in shot.path else '?'}theme={theme}")
        if answer is None or (answer.status != 200 and shot.name != "unknown"):
            self._said(shot, f"answers {answer.status if answer else 'nothing'}")
        wide, high = page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
        )
        if wide > width:
            self._said(shot, f"is {wide} px wide at {width}")
        page.set_viewport_size({"width": width, "height": high})  # or a sticky bar hides what lies under it
        path = folder / f"{shot.name}-{self._lang}-{width}.png"
        shown = {"x": 0, "y": 0, "width": width, "height": min(high, TALLEST)}
        path.write_bytes(squeezed(page.screenshot(full_page=True, clip=shown)))
        page.close()
        return path

    def _said(self, shot: Shot, words: str) -> None:
        if shot.name != "unknown" or "404" not in words:
            self.problems.append(f"{shot.name}-{self._lang}: {words}")


def details(studio: Studio, made: Stage) -> dict[str, str]:
    """Addresses of one task and one person, as links say."""
    board = studio.look("coordinator", made.paths["planned"])
    task = board.locator("a[href^='/tasks/']").first.get_attribute("href")
    pool = studio.look("clerk", "/volunteers")
    person = pool.locator("tbody a[href^='/volunteers/']").first.get_attribute("href")
    board.close()
    pool.close()
    assert task is not None
    assert person is not None
    return {"task": task, "volunteer": person}


def photograph(lang: str, only: Sequence[str], dark: Path | None) -> list[str]:
    """All pictures in one language; what is wrong with the pages."""
    with tempfile.TemporaryDirectory(prefix="hub-screens-") as temporary, sync_playwright() as tools:
        folder = Path(temporary) / "hub"
        folder.mkdir()
        Path(temporary).chmod(0o755)  # the database may run as a user of its own
        browser = tools.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--headless"])
        with stage(folder, lang) as made:
            studio = Studio(browser, made, lang)
            for shot in shots(made, details(studio, made)):
                if only and shot.name not in only:
                    continue
                for width in WIDTHS:
                    studio.take(shot, width, SCREENS, "light")
                    if dark is not None:
                        studio.take(shot, width, dark, "dark")
        browser.close()
        return studio.problems


def main() -> int:
    """Each language in a process of its own: the settings of a process are read once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lang", choices=("en", "zh"))
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--dark", type=Path)
    chosen = parser.parse_args()
    if chosen.lang is None:
        mine = [sys.executable, *sys.argv]
        return max(subprocess.run([*mine, "--lang", each], check=False).returncode for each in ("en", "zh"))
    for folder in (SCREENS, chosen.dark):
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
    problems = photograph(chosen.lang, chosen.only, chosen.dark)
    print("\n".join(problems) or f"{chosen.lang}: nothing overflows, complains or leaves the host")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
