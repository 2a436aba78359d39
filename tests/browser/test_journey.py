"""From declaring to people accepted, in a real browser: each screen's one primary action leads on."""

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import House
from tests.browser.reader import PRIMARY, Reader
from tests.people import PASSWORD
from volunteer_hub.core.i18n import t
from volunteer_hub.simulation.mailbox import Watch

pytestmark = pytest.mark.browser

YES = 3
_LINK = re.compile(r"https?://\S+/c/[A-Za-z0-9_-]{22}")


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
    mei.press(t(lang, "board.new.submit_plan"))
    mei.page.locator(f"{PRIMARY}[formaction]").wait_for(timeout=45_000)
    send = mei.page.locator(PRIMARY).inner_text().strip()
    asked = int("".join(re.findall(r"\d", send)))
    assert send == t(lang, "board.approve_and_send", n=asked)
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
