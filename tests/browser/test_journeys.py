"""The journeys of a night in a real browser, one after the other as they follow from each other: an incident
brings people on site, more walk up, what they say is mended, a drill is held.

Each once per language: in English with the mouse, the console wide and light, telephones narrow and dark;
in Chinese with the keyboard alone, the console narrow and dark, telephones wide and light. The option
--every-combination walks all eight of language, width and theme, which takes four times as long: telephones
are always as the console is not, and where it is dark there is no mouse."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import product

import httpx2
import pytest
from playwright.sync_api import Browser

from tests import databases
from tests.browser.conftest import House, built
from tests.browser.reader import PRIMARY, Reader, Theme, until
from tests.flows.callouts import NOW
from tests.people import PASSWORD
from volunteer_hub.core import db
from volunteer_hub.core.i18n import t
from volunteer_hub.simulation.mailbox import Watch

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

LANGUAGES, WIDTHS, THEMES = ("en", "zh"), (1280, 390), ("light", "dark")
EVERY = tuple(product(LANGUAGES, WIDTHS, THEMES))
USUAL = (("en", 1280, "light"), ("zh", 390, "dark"))
COMING = 5
"""So many answers are needed before what people said is shown."""
COMPLETE = 3
COMPILED = 240_000
"""Milliseconds: the first plan of a new installation waits until its loops are compiled."""
_KEY = "[A-Za-z0-9_-]{22}"


@dataclass
class Night:
    """One reader's night. ``mei`` is at the console, which is so wide and of that theme; it ends ``hours``
    after ten; ``incident`` comes with the first journey."""

    chromium: Browser
    house: House
    lang: str
    width: int
    theme: Theme
    hours: int
    mei: Reader
    letters: Watch
    incident: str = ""
    place: str = ""

    def says(self, key: str, **params: object) -> str:
        return t(self.lang, key, **params)

    def phone(self, *, script: bool = False) -> Reader:
        """Somebody else's window, without JavaScript unless said otherwise."""
        (width,) = set(WIDTHS) - {self.width}
        theme: Theme = "light" if self.theme == "dark" else "dark"
        keys = self.theme == "dark"
        return Reader(self.chromium, self.house, self.lang, width, script=script, keys=keys, theme=theme)

    def get(self, address: str) -> str:
        """A page as a program sees it: of several people who do the same, one sits at a browser."""
        return httpx2.get(address, trust_env=False).text

    def post(self, address: str, **fields: str) -> None:
        """A form sent by such a program."""
        answer = httpx2.post(address, data=fields, headers={"origin": self.house.address}, trust_env=False)
        assert answer.status_code == 303, answer.text

    def letter_links(self, way: str, count: int, about: str = "") -> list[str]:
        """The links of ``count`` letters that come within half a minute."""
        link = re.compile(rf"https?://\S+/{way}/{_KEY}")

        def come() -> list[str]:
            told = (one.text for one in self.letters.new() if about in one.text)
            return [found[0] for text in told if (found := link.search(text))]

        return until(come, count)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The combinations to be walked."""
    every = metafunc.config.getoption("every_combination", default=False)
    ids = ["-".join(map(str, one)) for one in (EVERY if every else USUAL)]
    metafunc.parametrize("night", EVERY if every else USUAL, indirect=True, scope="module", ids=ids)


@pytest.fixture(scope="module")
def night(
    request: pytest.FixtureRequest,
    chromium: Browser,
    house: House,
    template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Night]:
    """The usual two share a house, the second beginning where the first has ended; others have their own."""
    if request.param in USUAL:
        hours = 2 if request.param == USUAL[0] else 5
        yield from _night(chromium, house, request.param, hours)
        return
    with built(template, tmp_path_factory.mktemp("night")) as own:
        yield from _night(chromium, own, request.param, 2)
    databases.use(house.database)


def _night(
    chromium: Browser, house: House, combination: tuple[str, int, Theme], hours: int
) -> Iterator[Night]:
    lang, width, theme = combination
    letters = Watch(house.mail)
    letters.new()
    mei = Reader(chromium, house, lang, width, keys=theme == "dark", theme=theme)
    mei.go("/login")
    mei.write("email", "mei@example.org")
    mei.write("password", PASSWORD)
    mei.press(t(lang, "login.submit"))
    yield Night(chromium, house, lang, width, theme, hours, mei, letters)
    mei.leave()


def test_declaring_brings_people_on_site(night: Night) -> None:
    mei, says = night.mei, night.says
    mei.press(says("board.declare"))
    mei.choose("hazard", "heat")
    mei.page.locator("[name=shown_hazard][value=heat]").wait_for(state="attached")
    for box in mei.page.locator("[name=only]").all()[1:]:
        mei.tick(f"[name=only][value='{box.get_attribute('value')}']")
    night.place = f"Gate {night.lang}"
    mei.write("place", night.place)
    mei.press(says("board.new.submit_plan"))
    night.incident = mei.page.url
    mei.page.locator(f"{PRIMARY}[formaction]").wait_for(timeout=COMPILED)
    send = mei.page.locator(PRIMARY).inner_text().strip()
    asked = int("".join(re.findall(r"\d", send)))
    assert send == says("board.approve_and_send", n=asked)
    mei.press(send)

    links = night.letter_links("c", COMING, night.place)
    assert len(links) == COMING
    bo = night.phone()
    bo.go(links[0])
    bo.press(says("ui.callout.accept"))
    bo.wait_for(says("callouts.accepted.title"))
    bo.press(says("duty.page.go"))
    if bo.page.locator(PRIMARY).inner_text().strip() == says("field.page.on_my_way"):
        bo.press(says("field.page.on_my_way"))
    bo.press(says("duty.page.check-in"))
    bo.wait_for(says("duty.page.check-out"))
    assert bo.leave() == []
    for link in links[1:]:
        night.post(f"{link}/accept")
        code = re.search(r'name="code"[^>]*value="(\d{6})"', night.get(f"{link}/duty"))
        assert code is not None
        night.post(f"{link}/duty/check-in", code=code[1])
    mei.wait_for(says("board.callout.line", n=asked, accepted=COMING))
    mei.follow(mei.page.get_by_role("link", name=says("field.open")).first)
    mei.wait_for(says("field.count.on_site", n=COMING))
    assert mei.trouble == []


def test_an_area_is_drawn_on_the_map_or_written_and_stands_in_the_situation(night: Night) -> None:
    mei, says = night.mei, night.says
    mei.go(night.incident)
    mei.follow(mei.page.get_by_role("link", name=says("incident_area.open")))
    if night.theme == "light":
        for x, y in ((80, 60), (240, 60), (160, 180)):
            mei.page.locator("[data-map]").click(position={"x": x, "y": y})
        assert len(mei.page.input_value("[name=corners]").splitlines()) == COMPLETE
    else:
        mei.write("corners", "46.58, 125.09\n46.6, 125.09\n46.6, 125.12")
    mei.press(says("incident_area.keep"))
    mei.go("/incidents")
    mei.page.locator("[data-map] polygon").first.wait_for(state="attached")
    assert mei.trouble == []


def test_who_walks_up_is_let_in(night: Night) -> None:
    mei, says = night.mei, night.says
    mei.go(night.incident + "/field")
    mei.follow(mei.page.get_by_role("link", name=says("gate.open")).first)
    mei.press(says("gate.open.button"))
    link = mei.page.locator("main a[href*='/g/']").inner_text().strip()

    zhou = night.phone()
    zhou.go(link)
    zhou.write("name", f"Zhou {night.lang}")
    zhou.write("phone", "13800001111" if night.lang == "en" else "13800002222")
    zhou.write("birthday", "1988")
    zhou.tick("[name=fit]")
    for purpose in [box.get_attribute("value") for box in zhou.page.locator("[name=consent]").all()]:
        zhou.tick(f"[name=consent][value='{purpose}']")
    zhou.press(says("gate.form.submit"))
    zhou.wait_for(says("gate.done"))
    assert zhou.leave() == []

    mei.follow(mei.page.get_by_role("link", name=says("gate.again")))
    mei.follow(mei.page.get_by_role("link", name=f"Zhou {night.lang}"))
    mei.unfold(says("pool.vouch"))
    mei.choose("skill", "general")
    mei.follow(mei.page.get_by_role("button", name=says("pool.vouch.do")))
    mei.go(night.incident + "/gates")
    mei.tick("[name=identity]")
    mei.press(says("gate.admit"))
    mei.wait_for(says("gate.decided", n=1))
    mei.go(night.incident + "/field")
    mei.wait_for(says("field.count.on_site", n=COMING + 1))
    assert mei.trouble == []


def test_what_people_say_becomes_an_action_that_is_closed(night: Night) -> None:
    mei, says = night.mei, night.says
    mei.go(night.incident)
    mei.unfold(says("board.state.change"))
    mei.follow("button[name=state][value=closed]")

    forms = night.letter_links("s", COMING)
    assert len(forms) == COMING
    lin = night.phone()
    lin.go(forms[0])
    lin.tick("[name=overall][value='2']")
    lin.tick("[name=safe][value=mostly]")
    lin.write("missing", "No lamps at the gate.")
    lin.press(says("survey.page.send"))
    lin.wait_for(says("survey.page.answered"))
    assert lin.leave() == []
    for link in forms[1:]:
        night.post(link, overall="2", safe="mostly")

    mei.go(night.incident)
    mei.follow(mei.page.get_by_role("link", name=says("report.open")).first)
    mei.follow(mei.page.get_by_role("link", name=says("report.raise")).first)
    mei.write("finding", "It was dark.")
    mei.write("title", f"Lamps {night.lang}")
    mei.write("words", "A lamp at every gate.")
    mei.press(says("actions.form.button"))
    mei.press(says("actions.take_up.button"))
    mei.write("evidence", "Twelve lamps stand in the store.")
    mei.write("reference", "Store book, page 7")
    mei.write("changed", "There is a lamp at every gate.")
    mei.press(says("actions.close.button"))
    mei.wait_for(says("action.state.done"))
    assert mei.trouble == []


def test_a_drill_is_planned_held_and_read(night: Night) -> None:
    mei, says = night.mei, night.says
    mei.menu("/drills")
    mei.press(says("drills.new"))
    mei.follow("main a[href*='template=monthly_reachability']")
    mei.write("title", f"Who answers {night.lang}")
    mei.write("share_percent", "30")
    mei.press(says("drills.create"))
    drill = mei.page.url
    mei.unfold(says("drills.now.open"))
    mei.follow(mei.page.get_by_role("button", name=says("drills.now.button", share=30)))

    links = night.letter_links("c", 2, f"Who answers {night.lang}")
    assert len(links) == 2
    bo = night.phone()
    bo.go(links[0])
    bo.press(says("ui.callout.accept"))
    bo.wait_for(says("callouts.accepted.title"))
    assert bo.leave() == []
    night.post(f"{links[1]}/accept")
    db.move_clock(NOW + timedelta(hours=night.hours))
    ends = time.monotonic() + 30
    result = mei.page.locator("main td.number").first
    while not result.is_visible() and time.monotonic() < ends:
        mei.go(drill)
    mei.follow("main tbody a")
    mei.wait_for(says("drills.by.community"))
    accepted = mei.page.locator("dt", has_text=says("drills.figure.accepted")).locator("+ dd").inner_text()
    assert accepted == "2"
    assert mei.trouble == []
