"""Pictures of the pages that `screens.py` does not list: `python scripts/screens_rest.py [--lang en]`.

They are taken in the world in which the tests open every page of the router, so that none can be forgotten; a
page is named by its address. Exits with 1 when a page overflows sideways or does not answer.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, sync_playwright
from screens import CHROMIUM, HEIGHT, LOCALES, SCREENS, TALLEST, WIDTHS
from screens_list import SHOTS, named, pattern
from screens_paint import squeezed

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import tests.conftest  # noqa: E402, F401  (gives the run its folder and its settings before any is read)
from tests import databases, loop  # noqa: E402  (likewise)
from tests.browser.pages import Pages, served  # noqa: E402  (likewise)
from tests.house.test_screens import pages  # noqa: E402  (likewise)


def taken(page: Page, width: int) -> bytes:
    """The page at that width, so far as is kept of it."""
    page.set_viewport_size({"width": width, "height": HEIGHT})
    high = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": width, "height": high})  # or a sticky bar hides what lies under it
    shown = {"x": 0, "y": 0, "width": width, "height": min(high, TALLEST)}
    return squeezed(page.screenshot(full_page=True, clip=shown))


def photograph(world: Pages, lang: str) -> Iterator[str]:
    """Every page without an entry in the list, at each width; yields what is wrong with them."""
    routes = [path for path, _ in pages()]
    listed = {pattern(where, routes) for _, _, where in SHOTS}
    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--headless"])
        context = browser.new_context(locale=LOCALES[lang])
        page = context.new_page()
        for who, addresses in world.at.items():
            context.clear_cookies()
            held = {**world.cookies[who], "hub_lang": lang}
            context.add_cookies([{"name": n, "value": v, "url": world.address} for n, v in held.items()])
            for address in addresses:
                route = pattern(address, routes)
                if route in listed:
                    continue
                answer = page.goto(world.address + address)
                if answer is None or answer.status != 200:
                    yield f"{address}: answers {answer and answer.status}"
                for width in WIDTHS:
                    picture = taken(page, width)
                    (SCREENS / f"{named(route)}-{lang}-{width}.png").write_bytes(picture)
                    if page.evaluate("document.documentElement.scrollWidth") > width:
                        yield f"{address}: wider than {width} px"
        browser.close()


def main() -> int:
    """Each language in a process of its own: the settings of a process are read once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lang", choices=tuple(LOCALES))
    lang = parser.parse_args().lang
    if lang is None:
        mine = [sys.executable, *sys.argv]
        return max(subprocess.run([*mine, "--lang", each], check=False).returncode for each in LOCALES)
    os.environ["HUB_SMTP_URL"] = "smtp://127.0.0.1:9"
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            served(databases.template("main"), Path(folder)) as world,
        ):
            problems = list(photograph(world, lang))
    finally:
        loop.close()
        databases.stop(Path(os.environ["HUB_TEST_DIR"]))
    print("\n".join(problems) or f"{lang}: every page answers and none overflows")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
