"""Learning from five million asks to a million people, and from one drill of ten thousand more.

    python -m benchmarks.answer_model            5,000,000 asks, 1,000,000 people
    python -m benchmarks.answer_model --quick    200,000 asks, 40,000 people

The floor is the same rows copied out of the table; the peer what a user would write: the rows read and
grouped by pandas, each person's share pulled to their community's. Both are also judged by the true chances
of the made-up city.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import numpy as np
import pandas as pd  # type: ignore[import-untyped]  # stubs would be a dependency for one peer
from sqlalchemy import text

from benchmarks import ground, report
from volunteer_hub.boards import homes
from volunteer_hub.core import db, packed
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.engine.answer_model.fit import fold
from volunteer_hub.flows import calibrate, learning
from volunteer_hub.migrations import runner
from volunteer_hub.mobilization import answer_rules, answers
from volunteer_hub.mobilization.answer_rules import cell

DRILL, COMMUNITIES, CALLOUTS = 10_000, 258, 500
CELLS = (cell("sms", "day", "drill"), cell("sms", "night", "drill"), cell("voice", "day", "real"))
COLUMNS = ("way", "seconds", "of the floor", "off the truth")
T = TypeVar("T")


def main() -> int:
    asks, people = (200_000, 40_000) if "--quick" in sys.argv else (5_000_000, 1_000_000)
    report.machine()
    with ground.installation(HUB_ENV="demo"):
        runner.upgrade(db.engine())
        city = City(people)
        city.store()
        city.ask(asks)
        floor = _timed(_copied_out)[1]
        grouped, peer = _timed(city.peer)
        version, anew = _timed(calibrate.anew)
        assert version is not None
        ours = city.off(city.believed())
        added = _timed(lambda: city.drill(asks + 1))[1]
        rows = [
            ["COPY of the rows (the floor)", floor, 1.0, "-"],
            ["pandas: read, group, pull to the community", peer, peer / floor, city.off(grouped)],
            ["everything anew, stored", anew, anew / floor, ours],
            [f"one drill of {DRILL:,} added, stored", added, added / floor, "-"],
        ]
        report.table(f"{asks:,} asks, {people:,} people", COLUMNS, rows)
    met = report.bar("answer_model.anew_seconds", anew, "<=", 60)
    met &= report.bar("answer_model.drill_seconds", added, "<=", 3)
    report.info("answer_model.anew_vs_copy", anew / floor)
    report.info("answer_model.off_vs_grouping", ours / city.off(grouped))
    return 0 if met else 1


class City:
    """People of true chances, in communities that differ, asked in callouts that have something in common."""

    def __init__(self, people: int) -> None:
        self.rng = np.random.default_rng(1)
        self.people = np.arange(1, people + 1)
        self.area = self.rng.integers(0, COMMUNITIES, people)
        moved = self.rng.normal(0, 0.3, COMMUNITIES)[self.area] + self.rng.normal(0, 1, people)
        self.odds = np.array([-0.5, -1.5, -0.2])[:, None] + moved[None, :]
        self.now = answer_rules.day(datetime.now(UTC))

    def store(self) -> None:
        """The tree and the people, as few of their columns as may be."""
        with db.transaction(SYSTEM, "benchmark") as tx:
            tx.execute(text(_TREE), {"last": COMMUNITIES + 1})
            tx.execute(text("CREATE TEMP TABLE homes (id int8, node int8) ON COMMIT DROP"))
            packed.write(tx, "homes", {"id": self.people, "node": self.area + 2})
            tx.execute(text(_PEOPLE))

    def ask(self, asks: int) -> None:
        """Settled asks of the last two years."""
        who = self.rng.integers(0, len(self.people), asks)
        callout = np.sort(self.rng.integers(0, CALLOUTS, asks))
        with db.transaction(SYSTEM, "benchmark") as tx:
            packed.write(tx, "answer_asks", self._asks(who, callout, 1))
        with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE answer_asks"))

    def _asks(self, who: Any, callout: Any, first: int) -> dict[str, Any]:
        kind = callout % 3
        common = self.rng.normal(0, 0.25, CALLOUTS + 1)[callout]
        yes = self.rng.random(len(who)) < 1 / (1 + np.exp(-(self.odds[kind, who] + common)))
        no = ~yes & (self.rng.random(len(who)) < 0.3)
        delay = np.where(yes, self.rng.exponential(12, len(who)), -1)
        return {
            "offer_id": np.arange(first, first + len(who)),
            "volunteer_id": self.people[who],
            "callout_id": callout + 1,
            "day": self.now - 730 * (1 - callout / CALLOUTS),
            "cell": np.array(CELLS, np.int16)[kind],
            "outcome": np.where(yes, 2, np.where(no, 1, 0)).astype(np.int16),
            "weight": np.ones(len(who), np.float32),
            "delay": delay.astype(np.float32),
            "chance": np.full(len(who), 0.3, np.float32),
        }

    def drill(self, first: int) -> None:
        """One more callout taught, as `calibrate.add` does once it has its examples."""
        who = self.rng.choice(len(self.people), DRILL, replace=False)
        told = self._asks(who, np.full(DRILL, CALLOUTS), first)
        with db.transaction(SYSTEM, "answers.add") as tx:
            answers.lock(tx)
            model = learning.model_of(answers.latest(tx), tx.now)
            answers.settle(tx, {}, told)
            asks = learning.asks_of(told, homes.of(tx, told["volunteer_id"].tolist()))
            fitted, people, areas = fold(model.fitted, asks, model.settings, self.now)
            answers.merge(tx, learning.people_columns(people), learning.area_columns(areas))
            calibrate.record(tx, fitted, anew=False, rows=len(people.key))

    def believed(self) -> Any:
        """[V] of a yes to a drill by day, as the newest version says."""
        with db.read(SYSTEM) as tx:
            model = learning.model_of(answers.latest(tx), tx.now)
            return learning.circle(tx, self.people.tolist(), model).chance(CELLS[0])

    def peer(self) -> Any:
        """[V] the same by grouping: a person's share of drills by day, pulled to their community's as if it
        were worth ten asks."""
        with db.read(SYSTEM) as tx:
            rows = pd.DataFrame(answers.settled_asks(tx))
        rows = rows[rows["cell"] == CELLS[0]].assign(yes=lambda frame: frame["outcome"] == 2)
        own = rows.groupby("volunteer_id")["yes"].agg(["sum", "count"]).reindex(self.people, fill_value=0)
        area = pd.Series(self.area, self.people)
        share = rows.groupby(rows["volunteer_id"].map(area))["yes"].mean()
        return ((own["sum"] + 10 * area.map(share)) / (own["count"] + 10)).to_numpy()

    def off(self, chance: Any) -> float:
        """The mean absolute difference from the true chances."""
        return float(np.abs(chance - 1 / (1 + np.exp(-self.odds[0]))).mean())


_TREE = """
INSERT INTO jurisdictions (id, public_id, parent_id, path, code, kind, name, zone, lat, lon, residents)
SELECT n, gen_random_uuid(), nullif(1, n), CASE WHEN n = 1 THEN '/1/' ELSE '/1/' || n || '/' END, 'C' || n,
       CASE WHEN n = 1 THEN 'city' ELSE 'community' END, '{"en": "x", "zh": "x"}', 'Asia/Shanghai', 46, 125, 0
FROM generate_series(1, :last) AS n
"""
_PEOPLE = """
INSERT INTO volunteers (id, public_id, area, name, lang, precision, status, availability, travel_mode, basis,
  fit, pledge_for, asked_count, served_minutes, search, version, revision, created_at, updated_at)
SELECT h.id, gen_random_uuid(), '/1/' || h.node || '/', 'x', 'zh', 'community', 'active', 16383, 'foot',
  'voluntary', true, '[]', 0, 0, '{}', 1, 0, '2030-01-01', '2030-01-01'
FROM homes h
"""


def _copied_out() -> None:
    with db.read(SYSTEM) as tx:
        connection: Any = tx.connection().connection.driver_connection
        with connection.cursor() as cursor, cursor.copy(_COPY) as rows:
            for _ in rows:
                pass


_COPY = (
    "COPY (SELECT volunteer_id, callout_id, day, cell, outcome, weight, delay FROM answer_asks) "
    "TO STDOUT (FORMAT BINARY)"
)


def _timed(step: Callable[[], T]) -> tuple[T, float]:
    started = time.perf_counter()
    result = step()
    return result, time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
