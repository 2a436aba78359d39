"""Without signal: "my duty" opens as it was; what is done waits on the telephone and keeps its own time."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from sqlmodel import col, select

from tests import databases
from tests.flows import callouts as made
from tests.flows.callouts import NOW, Sent
from tests.server import Server
from volunteer_hub.core import clock, db
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.settings import settings
from volunteer_hub.mobilization import places
from volunteer_hub.mobilization.check_models import DutyCheck

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
PATIENCE = 60_000
SECOND = timedelta(seconds=2)
WAITED = 4_000  # milliseconds without signal that must be seen between a deed and its arrival


_UNTIL_KEPT = """async (path) => {
  while (!(await caches.match(path))) await new Promise((wake) => setTimeout(wake, 50));
}"""


@pytest.fixture
def coming(
    template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Server, Sent, str, str]]:
    """The program, Bo who has said that he comes, his link and his code."""
    monkeypatch.setenv("HUB_SMTP_URL", "smtp://127.0.0.1:9")
    settings.cache_clear()
    with databases.cloned(template) as database:
        databases.use(database)
        db.follow_clock()
        db.move_clock(NOW)
        with clock.fixed(NOW), databases.building() as tx:
            out = made.coming(tx)
            link, code = out.token(tx, out.world.bo), places.duty_code(out.offer(tx, out.world.bo))
            tx.expunge_all()
        with Server(database, tmp_path, processes=1, workers=0) as server:
            server.wait_until_ready()
            yield server, out, link, code
    clock.follow(lambda: None)
    monkeypatch.undo()
    settings.cache_clear()


def now() -> datetime:
    """The moment in which all processes live."""
    with db.read(SYSTEM) as tx:
        return tx.now


def checks() -> list[DutyCheck]:
    """What is known of coming and going, in that order."""
    with db.read(SYSTEM) as tx:
        return list(tx.exec(select(DutyCheck).order_by(col(DutyCheck.id))))


def test_bo_comes_and_goes_without_signal_and_both_arrive_once_with_their_true_times(
    chromium: Browser, coming: tuple[Server, Sent, str, str]
) -> None:
    server, _, link, code = coming
    card = f"{server.address}/c/{link}"
    context = chromium.new_context(viewport={"width": 390, "height": 800}, locale="en-GB")
    context.set_default_timeout(PATIENCE)
    asked = list[str]()
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.goto(card)  # the card alone: the page of the duty is kept along with it
    page.evaluate(_UNTIL_KEPT, f"/c/{link}/duty")

    context.set_offline(True)
    page.goto(f"{card}/duty")
    expect(page.get_by_text("No signal: this page is an old one.")).to_be_visible()
    before = now()
    for way in ("I'm here: check in", "I'm leaving: check out"):
        page.fill("[name=code]", code)
        page.get_by_role("button", name=way).click()
        expect(page.get_by_text("Not sent yet")).to_be_visible()
    expect(page.locator("[data-unsent] li")).to_have_count(2)
    after = now()
    assert checks() == []
    page.goto(f"{server.address}/today")
    expect(page.get_by_text("There is no signal, and this page was not opened")).to_be_visible()
    page.goto(f"{card}/duty")
    page.wait_for_timeout(WAITED)

    context.set_offline(False)
    expect(page.get_by_text("Earned")).to_be_visible(timeout=PATIENCE)  # what the duty came to
    expect(page.get_by_text("Not sent yet")).to_be_hidden()
    came, went = checks()
    assert [came.way.value, went.way.value] == ["in", "out"]
    assert before - SECOND <= came.at <= went.at <= after + SECOND  # a telephone knows the hour to a second
    assert (came.noted_at - came.at).total_seconds() * 1000 >= WAITED / 2
    assert [url for url in asked if not url.startswith((server.address, "data:"))] == []
    context.close()
