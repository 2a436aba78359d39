"""From the login page to the first text message handed to the gateway, with a browser: seconds and presses.

    python -m benchmarks.first_message            a city of 20,000 volunteers
    python -m benchmarks.first_message --quick    3,000

The real server and its worker run on an embedded PostgreSQL, text messages go to the made-up gateway, and a
real Chromium (CHROMIUM names its path) is led through the pages as a coordinator would go: sign in, declare a
flood from its template, look whom to call, approve, send. A hand waits two seconds before each press and
each choice, and types six letters a second. The clock starts with the opening of the login page and stops
when the gateway has taken the first question. Two walks: by day, for one task of it, where one press
approves and sends; at night, for all of it, by a coordinator who is alone and gives a reason for doing
without a second person.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from playwright.sync_api import Browser, Locator, sync_playwright

from benchmarks import ground, report
from volunteer_hub import bootstrap
from volunteer_hub.core import db, embedded
from volunteer_hub.migrations import runner as migrations
from volunteer_hub.simulation import installation
from volunteer_hub.simulation.gateway import Gateway
from volunteer_hub.simulation.installation import COMMUNITY, FIRST_NIGHT, Login

HAND: Final = 2.0
KEYS_A_SECOND: Final = 6
CHROMIUM: Final = os.environ.get("CHROMIUM", "/usr/bin/chromium")
ONE_TASK: Final = "shelter"
NIGHT: Final = FIRST_NIGHT + timedelta(hours=4, minutes=40)
MORNING: Final = FIRST_NIGHT + timedelta(hours=12)


class Post(Gateway):
    """The gateway; ``first`` is when it took the first question to a volunteer since that was forgotten."""

    first: float | None = None

    def take_text(self, form: Mapping[str, str], key: str, template: str = "") -> str:
        """As the gateway's."""
        if key.startswith("offer:") and self.first is None:
            self.first = time.perf_counter()
        return super().take_text(form, key, template)


@dataclass
class Hand:
    """A person at the pages: how often they pressed, chose and typed, and when each step was done."""

    started: float = field(default_factory=time.perf_counter)
    presses: int = 0
    choices: int = 0
    letters: int = 0
    steps: list[tuple[str, float]] = field(default_factory=list)

    def press(self, at: Locator) -> None:
        time.sleep(HAND)
        self.presses += 1
        at.click()

    def choose(self, at: Locator, value: str) -> None:
        time.sleep(HAND)
        self.choices += 1
        at.select_option(value)

    def type(self, at: Locator, text: str) -> None:
        self.letters += len(text)
        at.press_sequentially(text, delay=1000 / KEYS_A_SECOND)

    def done(self, step: str) -> None:
        self.steps.append((step, time.perf_counter() - self.started))


def walk(browser: Browser, address: str, login: Login, post: Post, *, night: bool) -> tuple[Hand, float]:
    """One walk; the hand that went, and the seconds until the first message was taken."""
    context = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 800})
    page, post.first, hand = context.new_page(), None, Hand()
    main = page.locator("main")
    page.goto(f"{address}/login")
    hand.type(page.locator("[name=email]"), login.email)
    hand.type(page.locator("[name=password]"), login.password)
    hand.press(main.locator("button"))
    page.wait_for_url("**/incidents")
    hand.done("signed in")
    hand.press(main.locator(".button-primary"))
    with page.expect_response(lambda answer: "/incidents/new/rest" in answer.url):
        hand.choose(page.locator("[name=hazard]"), "flood")
    with page.expect_response(lambda answer: "/incidents/new/rest" in answer.url):
        hand.choose(page.locator("[name=area]"), COMMUNITY)
    if not night:
        for task in main.locator(f"[name=only]:not([value={ONE_TASK}])").all():
            hand.press(task)
    hand.press(main.locator(".button-primary"))
    page.wait_for_url("**/incidents/0*")
    hand.done("declared")
    approve = main.locator("form[action$='/approve']")
    approve.wait_for(timeout=60_000)
    hand.done("plan on the screen")
    if night:
        hand.type(approve.locator("[name=reason]"), "Water is rising, nobody else is up")
    else:
        assert approve.locator("[formaction]").count() == 1, "a second person is needed"
    hand.press(approve.locator(".button-primary"))
    if night:
        send = main.locator("form[action$='/send'] .button-primary")
        send.wait_for(timeout=60_000)
        hand.press(send)
    hand.done("sent")
    ends = time.monotonic() + 60
    while post.first is None and time.monotonic() < ends:
        time.sleep(0.005)
    assert post.first is not None, "no message came"
    context.close()
    return hand, post.first - hand.started


def main() -> None:
    people = 3_000 if "--quick" in sys.argv[1:] else 20_000
    report.machine()
    with Post(receipts=False) as post, ground.installation(HUB_SMS_URL=post.sms_url) as folder:
        server = embedded.start(folder)
        with ground.database(server, "base"):
            migrations.upgrade(db.engine())
            bootstrap.start()
            db.move_clock(MORNING)
            installation.build(people, lambda *_: None)
            walks = [_walked(post, moment) for moment in (MORNING, NIGHT)]
    tell(people, walks)


def _walked(post: Post, moment: datetime) -> tuple[Hand, float]:
    db.move_clock(moment, 1.0)
    login = installation.staff("en").logins["coordinator"]
    with (
        ground.served("--processes", "1", "--workers", "1") as served,
        sync_playwright() as tools,
        tools.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"]) as browser,
    ):
        return walk(browser, f"http://127.0.0.1:{served.port}", login, post, night=moment is NIGHT)


def tell(people: int, walks: list[tuple[Hand, float]]) -> None:
    """The table of both walks, by day first, and the bar on the slower."""
    names = ("by day", "at night, alone")
    report.table(
        f"{people:,} volunteers, seconds since the login page was opened",
        ("", *(step for step, _ in walks[0][0].steps), "first message", "presses", "choices", "letters"),
        [
            (name, *(at for _, at in hand.steps), seconds, hand.presses, hand.choices, hand.letters)
            for name, (hand, seconds) in zip(names, walks, strict=True)
        ],
    )
    for name, (hand, seconds) in zip(("day", "night"), walks, strict=True):
        own = (hand.presses + hand.choices) * HAND + hand.letters / KEYS_A_SECOND
        report.info(f"first_message.{name}_seconds_without_the_hand", seconds - own)
        report.info(f"first_message.{name}_presses", hand.presses)
    report.bar("first_message.seconds", max(seconds for _, seconds in walks), "<=", 60)


if __name__ == "__main__":
    main()
