"""The console without a mouse: the skip link first, everything reached in the order it stands, focus seen."""

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import House
from tests.browser.reader import Reader
from tests.people import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
PAGES = (
    "/incidents",
    "/incidents/new",
    "/volunteers",
    "/volunteers/import",
    "/drills",
    "/drills/new",
    "/audit",
)

# What a reader can act on and see, one of each group of radio buttons, in the order of the document.
_WANTED = """() => {
  const groups = new Set(), rows = [];
  const stops = 'a[href], button, input, select, textarea, summary, [tabindex="0"]';
  for (const one of document.querySelectorAll(stops)) {
    if (one.disabled || one.type === 'hidden' || !one.checkVisibility()) continue;
    if (one.type === 'radio') { if (groups.has(one.name)) continue; groups.add(one.name); }
    one.dataset.stop = rows.length; rows.push(rows.length);
  }
  return rows;
}"""
_HERE = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const stop = one.type === 'radio' ? document.querySelector(`[name="${one.name}"]`) : one;
  const style = getComputedStyle(one), box = one.getBoundingClientRect();
  const seen = style.outlineStyle !== 'none' || style.boxShadow !== 'none';
  const inside = box.bottom > 0 && box.top < innerHeight;
  return {stop: Number(stop.dataset.stop ?? -1), seen: seen && inside, skip: one.className === 'skip'};
}"""


@pytest.fixture(scope="module")
def mei(chromium: Browser, house: House) -> Reader:
    reader = Reader(chromium, house, "en", 1280)
    reader.go("/login")
    reader.page.fill("[name=email]", "mei@example.org")
    reader.page.fill("[name=password]", PASSWORD)
    reader.press("Sign in")
    return reader


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_walked_by_tab(mei: Reader, path: str) -> None:
    mei.go(path)
    wanted = mei.page.evaluate(_WANTED)
    found = []
    for _ in range(len(wanted) * 6):  # a date holds several stops
        mei.page.keyboard.press("Tab")
        here = mei.page.evaluate(_HERE)
        if here is None or (found and here["skip"]):
            break  # round again
        if not found or found[-1]["stop"] != here["stop"]:
            found.append(here)
    assert [one["stop"] for one in found] == wanted
    assert [one["stop"] for one in found if not one["seen"]] == []
    assert [one["stop"] for one in found if one["skip"]] == [0]
