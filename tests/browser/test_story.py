"""A newcomer's way in a real browser: a course, a test, a signature, a callout, hours, a level, a reward, and
a certificate whose code a stranger scans."""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import segno
from playwright.sync_api import Browser, expect

from tests import databases
from tests.browser.conftest import House
from tests.browser.reader import Reader
from tests.flows import callouts as made
from tests.flows.callouts import NOW
from tests.people import PASSWORD
from tests.server import Server
from tests.world import World, world
from volunteer_hub.access import sessions
from volunteer_hub.core import clock, db
from volunteer_hub.core.i18n import t
from volunteer_hub.core.policy import SHIPPED
from volunteer_hub.core.settings import settings
from volunteer_hub.training import courses

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
FIRST_AID = courses.shipped().courses["first_aid"]
Grid = set[tuple[int, int]]


@dataclass(frozen=True)
class Town:
    """Mei's flood at ten in the morning; ``cookie`` is Lin's session."""

    house: House
    world: World
    cookie: str


@pytest.fixture
def town(template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    """Lin has no skill yet, and the first star is reached with two hours here."""
    config = tmp_path / "config"
    config.mkdir()
    rewards = (SHIPPED / "rewards.toml").read_text(encoding="utf-8")
    (config / "rewards.toml").write_text(rewards.replace("hours = 100,", "hours = 2,"), encoding="utf-8")
    monkeypatch.setenv("HUB_SMTP_URL", "smtp://127.0.0.1:9")
    settings.cache_clear()
    with databases.cloned(template) as database:
        databases.use(database)
        db.follow_clock()
        db.move_clock(NOW)
        with clock.fixed(NOW), databases.building() as tx:
            made_up = world(tx, crowd=0)
            cookie = sessions.open_for_volunteer(tx, made_up.lin.id).token
            tx.flush()
            tx.expunge_all()
        with Server(database, tmp_path, processes=1, workers=0, HUB_CONFIG=str(config)) as server:
            server.wait_until_ready()
            yield Town(House(server.address, database, tmp_path, 0), made_up, cookie)
    clock.follow(lambda: None)
    monkeypatch.undo()
    settings.cache_clear()


def called_out(town: Town) -> str:
    """The link by which Lin is asked to give first aid, now."""
    with databases.building() as tx:
        sent = made.send(tx, town.world, [(town.world.slots[1], town.world.lin)])
        link = sent.token(tx, town.world.lin)
        tx.expunge_all()
    return link


def drawn(pdf: bytes) -> Grid:
    """The dark squares of the code on a certificate: which column and row each of them fills."""
    content = b""
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.S):
        try:
            content += zlib.decompress(stream)
        except zlib.error:
            continue
    number = rb"(-?[\d.]+)"
    found = re.findall(rb"%s %s %s %s re f" % ((number,) * 4), content)
    squares = [tuple(map(float, one)) for one in found if one[2] == one[3].lstrip(b"-")]
    left, top, size = min(x for x, *_ in squares), max(y for _, y, *_ in squares), squares[0][2]
    return {(round((x - left) / size), round((top - y) / size)) for x, y, *_ in squares}


def expected(address: str) -> Grid:
    """The dark squares of the code of an address."""
    rows = segno.make(address, error="q", micro=False).matrix
    return {(x, y) for y, row in enumerate(rows) for x, dark in enumerate(row) if dark}


def learns(mei: Reader, lin: Reader, public_id: str) -> None:
    """A course planned and attended, its test passed, its checklist signed."""
    mei.go("/training/sessions/new?course=first_aid")
    for name, value in (
        ("place", "Hall"),
        ("starts_at", "2031-01-20T10:20"),
        ("ends_at", "2031-01-20T12:00"),
        ("places", "9"),
    ):
        mei.page.fill(f"[name={name}]", value)
    mei.press(t("en", "training.create"))
    session = mei.page.url.rpartition("/")[2]
    lin.go("/learn/courses/first_aid")
    lin.page.click("form[action$='/enrol'] button")
    mei.go(f"/training/sessions/{session}/code")
    digits = mei.page.locator("#code .figure").inner_text().replace(" ", "")
    lin.go(f"/learn/sessions/{session}?code={digits}")
    lin.press(t("en", "learn.here"))
    lin.go("/learn/courses/first_aid/test")
    lin.press(t("en", "learn.test.begin"))
    assert FIRST_AID.test is not None
    for question in FIRST_AID.test.questions:
        if lin.page.locator(f"[name={question.code}]").count():
            lin.page.get_by_label(question.answers[question.right - 1].en, exact=True).check()
    lin.press(t("en", "learn.test.hand_in"))
    lin.wait_for("Passed with 100 % right")
    mei.go(f"/training/courses/first_aid/people/{public_id}")
    for box in mei.page.locator("[name=done]").all():
        box.check()
    mei.press(t("en", "training.sheet.sign"))
    lin.go("/me")
    lin.wait_for("First aid: valid until")


def serves(lin: Reader, link: str) -> None:
    """Asked, there at eleven, gone after two hours and ten minutes."""
    lin.go(f"/c/{link}")
    lin.press(t("en", "ui.callout.accept"))
    _move(lin, NOW + timedelta(minutes=60))
    lin.go(f"/c/{link}/duty")
    lin.press(t("en", "duty.page.check-in"))
    _move(lin, NOW + timedelta(minutes=191))
    lin.go(f"/c/{link}/duty")
    lin.press(t("en", "duty.page.check-out"))
    lin.wait_for("Whole hours on duty: 2 × 10 = 20")


def _move(lin: Reader, moment: datetime) -> None:
    """It is then for everybody: the program reads its clock anew within a second."""
    db.move_clock(moment)
    lin.page.wait_for_timeout(1_200)


def test_a_newcomer_learns_serves_rises_and_carries_the_proof_home(chromium: Browser, town: Town) -> None:
    mei, lin = (Reader(chromium, town.house, "en", width) for width in (1280, 390))
    lin.page.context.add_cookies([{"name": "hub_session", "value": town.cookie, "url": town.house.address}])
    mei.go("/login")
    mei.page.fill("[name=email]", "mei@example.org")
    mei.page.fill("[name=password]", PASSWORD)
    mei.press(t("en", "login.submit"))
    learns(mei, lin, str(town.world.lin.public_id))
    serves(lin, called_out(town))
    lin.go("/today")
    lin.wait_for("80 points")
    lin.wait_for("One star")

    mei.go("/rewards")
    for name, value in (("title", "Ten rides by bus"), ("cost", "50"), ("stock", "3")):
        mei.page.fill(f"[name={name}]", value)
    mei.press(t("en", "rewards.add"))
    lin.go("/me/rewards")
    lin.page.get_by_text("Ten rides by bus").first.wait_for()
    lin.page.locator("summary", has_text="Ten rides by bus").click()
    lin.press(t("en", "reward.take", n=50))
    lin.go("/today")
    lin.wait_for("30 points")

    lin.go("/me/certificates")
    lin.press(t("en", "certificate.page.issue"))
    paper = lin.page.request.get(
        town.house.address + (lin.page.locator("a[href$='language=en']").get_attribute("href") or "")
    )
    address = town.house.address + (lin.page.locator("a[href^='/v/']").get_attribute("href") or "")
    assert drawn(paper.body()) == expected(address)
    stranger = Reader(chromium, town.house, "zh", 390)
    stranger.go(address)
    expect(stranger.page.locator("main")).to_contain_text("2小时")
    assert [who.leave() for who in (mei, lin, stranger)] == [[], [], []]
