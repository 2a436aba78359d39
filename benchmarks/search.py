"""Search in the pool while somebody types: the list behind what stands in the field so far.

    python -m benchmarks.search                     200,000 people
    python -m benchmarks.search --quick             20,000
    python -m benchmarks.search --people 2200000 --folder DIR

Names and numbers are drawn from the pool. Each is typed letter by letter, and every state of the field is one
question to the program's own door: query, skills, papers and addresses of those found, and the page's part.
The bar is that of 2.2 million people, whatever the size.
"""

from __future__ import annotations

import argparse
import random
import time
from pathlib import Path
from typing import Final

import numpy as np
from fastapi.testclient import TestClient
from sqlalchemy import text

from benchmarks import report
from benchmarks.city_kept import city
from benchmarks.city_rows import commander
from volunteer_hub.access import accounts, sessions
from volunteer_hub.access.models import Account
from volunteer_hub.app import create_app
from volunteer_hub.core import db
from volunteer_hub.core.actor import SYSTEM

DRAWN: Final = 60
SEED: Final = 7


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--people", type=int, default=200_000)
    options.add_argument("--folder", type=Path, help="where the database is kept; without it, it goes")
    options.add_argument("--quick", action="store_true", help="20,000 people")
    given = options.parse_args()
    people = 20_000 if given.quick else given.people
    report.machine()
    with city(people, given.folder) as area:
        measure(area, people, DRAWN // 4 if given.quick else DRAWN)


def measure(area: str, people: int, drawn: int) -> None:
    browser, asked = _browser(area), _typed(drawn)
    for words in next(iter(asked.values()))[:3]:
        _ask(browser, words)  # what is read and made once
    took: dict[str, list[float]] = {
        kind: [_ask(browser, one) for one in words] for kind, words in asked.items()
    }
    every = [seconds for some in took.values() for seconds in some]
    report.table(
        f"{people:,} people, milliseconds from question to answer",
        ("what stands in the field", "questions", "p50", "p95", "longest"),
        [
            (kind, len(some), *(1000 * float(np.quantile(some, share)) for share in (0.5, 0.95, 1)))
            for kind, some in [*took.items(), ("all", every)]
        ],
    )
    whole = [_ask(browser, "", "/volunteers") for _ in range(3)]
    report.info("search.whole_page_seconds", min(whole))
    report.bar("search.p95_seconds", float(np.quantile(every, 0.95)), "<=", 0.2)


def _browser(area: str) -> TestClient:
    """Somebody who may see everybody."""
    actor = commander(area)
    browser = TestClient(create_app())
    with db.transaction(SYSTEM, "bench.session") as tx:
        account = tx.get_one(Account, actor.id)
        assert accounts.actor_for(tx, account).may("volunteer.read", area)
        browser.cookies.set("hub_session", sessions.open_for_account(tx, account).token)
    return browser


def _typed(drawn: int) -> dict[str, list[str]]:
    """What the field holds on the way to each name or number, by how much of it is typed."""
    chosen = random.Random(SEED)
    with db.read(SYSTEM) as tx:
        rows = tx.execute(text("SELECT name, phone FROM volunteers WHERE id <= 100000 ORDER BY id")).all()
    some = chosen.sample(rows, drawn)
    names = [name for name, _ in some if name]
    phones = [phone for _, phone in some if phone]
    return {
        "one letter of a name": [name[:1] for name in names],
        "two letters": [name[:2] for name in names],
        "a whole name": names,
        "the end of a name": [name[1:] for name in names if len(name) > 2],
        "four digits of a number": [phone[-4:] for phone in phones],
        "a whole number": phones,
        "a name nobody has": [f"{name[0]}鑫淼垚" for name in names],
    }


def _ask(browser: TestClient, words: str, where: str = "/volunteers/live") -> float:
    started = time.perf_counter()
    answer = browser.get(where, params={"search": words})
    took = time.perf_counter() - started
    assert answer.status_code == 200, answer.text
    return took


if __name__ == "__main__":
    main()
