"""The two pages that must never be slow, in a browser: the callout on a phone, and its board in the console.

    python -m benchmarks.pages            2,000 offers, 20 answers
    python -m benchmarks.pages --quick    200 offers, 5 answers

The real server, a real Chromium (CHROMIUM names its path), nothing in its cache. The phone is on a line of
400 kbit/s with 400 ms before each answer, and its size is what goes over that line. The board is on a fast
one; its update is the time in the browser from the arrival of an event to the frame that shows it, while
answers by link come in. The statements of a board are counted at 20 offers and at all of them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.request import Request, urlopen

from fastapi.testclient import TestClient
from playwright.sync_api import Browser, BrowserContext, ViewportSize, sync_playwright
from sqlalchemy import event

from benchmarks import ground, report
from benchmarks.answers import percentile
from benchmarks.callout_rows import callout_of, due
from benchmarks.first_message import CHROMIUM
from volunteer_hub import bootstrap
from volunteer_hub.access import sessions
from volunteer_hub.access.models import Account
from volunteer_hub.app import create_app
from volunteer_hub.core import db, embedded
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.incidents.models import Incident
from volunteer_hub.migrations import runner as migrations
from volunteer_hub.mobilization import offers
from volunteer_hub.mobilization.models import Callout

FEW: Final = 20
OPENED: Final = 5
PATIENCE: Final = 60_000
KILOBIT: Final = 1000 / 8
SLOW: Final = {
    "offline": False,
    "latency": 400,
    "downloadThroughput": 400 * KILOBIT,
    "uploadThroughput": 400 * KILOBIT,
}
_PAINTED: Final = """() => new Promise((told) => {
  new PerformanceObserver((list) => {
    const first = list.getEntries().find((one) => one.name === "first-contentful-paint");
    if (first) told(first.startTime / 1000);
  }).observe({ type: "paint", buffered: true });
})"""
_BLOCKING: Final = """() => performance.getEntriesByType("resource")
  .filter((one) => one.renderBlockingStatus === "blocking").length"""
_WATCH: Final = """
window.updates = [];
const listen = EventSource.prototype.addEventListener;
EventSource.prototype.addEventListener = function (name, hear, ...more) {
  const timed = name !== "parts" ? hear : (event) => {
    const arrived = performance.now(), before = document.querySelector("[data-mark]")?.dataset.mark;
    hear(event);
    if (document.querySelector("[data-mark]")?.dataset.mark === before) return;
    requestAnimationFrame(() => setTimeout(() => window.updates.push((performance.now() - arrived) / 1000)));
  };
  return listen.call(this, name, timed, ...more);
};
"""


@dataclass(frozen=True)
class Opened:
    """A page as it came: seconds to its first contentful paint, requests that this waited for beside the page
    itself, bytes over the line of the page and of everything."""

    painted: float
    blocking: int
    html: int
    all: int


@dataclass(frozen=True)
class Board:
    """A callout's board: its address, the session of its commander, the tokens of those asked."""

    path: str
    cookie: str
    tokens: list[str]


def board_of(count: int) -> Board:
    """A callout with that many offers out."""
    callout_id = callout_of(count)
    tokens = [offers.link_token(offer.public_id) for offer in due(callout_id)]
    with db.transaction(SYSTEM, "bench") as tx:
        callout = tx.get_one(Callout, callout_id)
        chief = tx.get_one(Account, tx.get_one(Incident, callout.incident_id).commander_id)
        cookie = sessions.open_for_account(tx, chief).token
        return Board(f"/callouts/{callout.public_id}", cookie, tokens)


def statements(board: Board) -> int:
    """How many statements the page takes, once it is warm."""
    browser = TestClient(create_app(), cookies={"hub_session": board.cookie})
    for _ in range(2):
        with counted() as seen:
            assert browser.get(board.path).status_code == 200
    return len(seen)


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements of this process while the block lasts."""
    seen = list[str]()

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(db.engine(), "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine(), "before_cursor_execute", note)


def opened(browser: Browser, address: str, *, cookie: str = "", slow: bool = False) -> Opened:
    """The page in a browser that has seen nothing yet."""
    viewport: ViewportSize = {"width": 390, "height": 844} if slow else {"width": 1280, "height": 800}
    context = browser.new_context(locale="zh-CN", viewport=viewport)
    _sign_in(context, address, cookie)
    page = context.new_page()
    line = context.new_cdp_session(page)
    sizes, html = dict[str, int](), list[str]()
    line.on("Network.loadingFinished", lambda end: sizes.update({end["requestId"]: end["encodedDataLength"]}))
    line.on("Network.requestWillBeSent", lambda sent: html.append(sent["requestId"]))
    line.send("Network.enable")
    if slow:
        line.send("Network.emulateNetworkConditions", SLOW)
    page.goto(address, wait_until="load")
    painted = float(page.evaluate(_PAINTED))
    page.wait_for_timeout(3000 if slow else 300)  # what a page asks for once it stands
    blocking = int(page.evaluate(_BLOCKING))
    context.close()
    return Opened(painted, blocking, sizes[html[0]], sum(sizes.values()))


def _sign_in(context: BrowserContext, address: str, cookie: str) -> None:
    if cookie:
        context.add_cookies([{"name": "hub_session", "value": cookie, "url": address}])


def updated(browser: Browser, address: str, board: Board, answers: int) -> list[float]:
    """Seconds in the browser from each event to the frame that shows it, while people say yes."""
    context = browser.new_context(locale="zh-CN", viewport={"width": 1280, "height": 800})
    _sign_in(context, address, board.cookie)
    context.add_init_script(_WATCH)
    page = context.new_page()
    with page.expect_request("**/stream"):
        page.goto(address + board.path)
    page.wait_for_timeout(2000)
    for token in board.tokens[:answers]:
        before = page.evaluate("updates.length")
        data = b"arrival=30"
        with urlopen(Request(f"{address}/c/{token}/accept", data, {"Origin": address})) as answer:
            assert answer.status == 200
        page.wait_for_function("(before) => updates.length > before", arg=before, timeout=PATIENCE)
    found = [float(seconds) for seconds in page.evaluate("updates")]
    context.close()
    return found


def main() -> None:
    quick = "--quick" in sys.argv[1:]
    count, answers = (200, 5) if quick else (2_000, 20)
    report.machine()
    with ground.installation(HUB_ENV="production", HUB_SMTP_URL="smtp://127.0.0.1:9") as folder:
        server = embedded.start(folder)
        few = _few(server)
        with ground.database(server, "many"):
            board = _filled(count)
            many = statements(board)
            cards, boards, updates = _seen(board, answers)
    tell(count, cards, boards, updates, (few, many))


def _few(server: str) -> int:
    with ground.database(server, "few"):
        return statements(_filled(FEW))


def _filled(count: int) -> Board:
    migrations.upgrade(db.engine())
    bootstrap.start()
    return board_of(count)


def _seen(board: Board, answers: int) -> tuple[list[Opened], list[Opened], list[float]]:
    with (
        ground.served("--processes", "1", "--workers", "0") as served,
        sync_playwright() as tools,
        tools.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"]) as browser,
    ):
        address = f"http://127.0.0.1:{served.port}"
        opened(browser, address + board.path, cookie=board.cookie)  # what the server makes once
        cards = [opened(browser, f"{address}/c/{token}", slow=True) for token in board.tokens[-OPENED:]]
        boards = [opened(browser, address + board.path, cookie=board.cookie) for _ in range(OPENED)]
        return cards, boards, updated(browser, address, board, answers)


def tell(
    count: int,
    cards: list[Opened],
    boards: list[Opened],
    updates: list[float],
    statements: tuple[int, int],
) -> None:
    """The table of both pages and the bars, each by its worst but the updates, which go by their p95."""
    report.table(
        f"cold cache, {OPENED} times each; a callout of {count:,}",
        ("", "first paint, s: p50", "worst", "requests it waits for", "page, bytes", "all, bytes"),
        [
            (
                name,
                percentile([one.painted for one in some], 0.5),
                max(one.painted for one in some),
                max(one.blocking for one in some),
                max(one.html for one in some),
                max(one.all for one in some),
            )
            for name, some in (("card, 400 kbit/s and 400 ms", cards), ("board", boards))
        ],
    )
    report.table(
        f"{len(updates)} updates of the board, seconds from the event to the frame",
        ("p50", "p95", "worst"),
        [tuple(percentile(updates, share) for share in (0.5, 0.95, 1.0))],
    )
    few, many = statements
    report.table("statements of the board", ("offers", "statements"), [(FEW, few), (count, many)])
    report.bar("pages.card_html_kb", max(one.html for one in cards) / 1024, "<=", 14)
    report.bar("pages.card_all_kb", max(one.all for one in cards) / 1024, "<=", 60)
    report.bar("pages.card_requests_before_paint", max(one.blocking for one in cards), "<=", 0)
    report.bar("pages.card_first_paint_seconds", max(one.painted for one in cards), "<=", 2)
    report.bar("pages.board_first_paint_seconds", max(one.painted for one in boards), "<=", 1)
    report.bar("pages.board_update_seconds", percentile(updates, 0.95), "<=", 0.1)
    report.bar("pages.board_statements_many_vs_few", many / few, "<=", 1)


if __name__ == "__main__":
    main()
