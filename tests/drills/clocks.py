"""Three clock processes killed, paused, stopped for ten hours and started anew, over two hundred schedules:
``python -m tests.drills.clocks`` (some ten minutes on two cores); its report goes to docs/quality/clocks.md.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlmodel import col, func, select, text

from tests import conftest, databases
from tests.drills import reports
from tests.drills.schedules import BEGINS, ZONES, Schedule
from tests.invariants import broken
from tests.server import free_port
from tests.world import brought_in, person
from volunteer_hub.access import jurisdictions
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.settings import settings
from volunteer_hub.drills import plans
from volunteer_hub.drills.models import DrillRun
from volunteer_hub.drills.rules import RunState, Skipped
from volunteer_hub.incidents.policy import Hazards
from volunteer_hub.jobs.runner import Runner
from volunteer_hub.jobs.table import JOBS
from volunteer_hub.simulation import installation, mailbox
from volunteer_hub.simulation.city import City, build_city
from volunteer_hub.volunteers.policy import Skills

CLOCKS, PEOPLE = 3, 3
DOWN = timedelta(hours=10, minutes=20)
BACK = timedelta(hours=3)
PATIENCE_SECONDS = 240.0
Moments = dict[tuple[int, datetime], bool]
"""(schedule, occurrence) -> whether its hour was missed for good."""


@dataclass
class Clocks:
    """Processes that each do ``work`` until they are killed, and what was done to them."""

    work: Callable[[], None]
    log: Path
    drawn: random.Random
    did: Counter[str] = field(default_factory=Counter)
    alive: list[int] = field(default_factory=list)

    def start(self) -> None:
        """As many as there are to be."""
        while len(self.alive) < CLOCKS:
            self.alive.append(self._one())

    def _one(self) -> int:
        child = os.fork()
        if child:
            return child
        try:
            os.setsid()  # its own children are killed with it
            log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(log, 1)
            os.dup2(log, 2)
            self.work()
        finally:
            os._exit(1)

    def kill(self) -> None:
        """kill -9 of one, and another in its place."""
        self._end(self.drawn.choice(self.alive))
        self.did["kill -9"] += 1
        self.start()

    def pause(self) -> None:
        """One stands still for a while and goes on as if nothing had been."""
        one = self.drawn.choice(self.alive)
        os.killpg(one, signal.SIGSTOP)
        time.sleep(self.drawn.uniform(0.1, 0.6))
        os.killpg(one, signal.SIGCONT)
        self.did["paused"] += 1

    def stop(self) -> None:
        """All of them at once, without a word."""
        for one in list(self.alive):
            self._end(one)

    def _end(self, one: int) -> None:
        os.killpg(one, signal.SIGKILL)
        os.waitpid(one, 0)
        self.alive.remove(one)


def worker() -> None:
    """The program's own process."""
    os.execv(sys.executable, [sys.executable, "-m", "volunteer_hub.worker"])


def bare_clock() -> None:
    """The pulse alone, quick and without a leader, so that all of them are after the same rows."""
    db.engine().dispose(close=False)  # the parent's connections are not ours
    jobs = [replace(job, seconds=0.1, leader_only=False) for job in JOBS if job.name == "drills"]
    Runner(jobs).start()
    threading.Event().wait()


@dataclass
class Trial:
    """``schedules`` of a city, and clocks that keep them until an hour. ``called``: whether a drill is over
    with only when its people were asked, which takes a planner. ``rate``: how fast time runs, so that what a
    killed clock had leased is free again soon. ``down``: meanwhile nothing runs."""

    clocks: Clocks
    schedules: int
    until: datetime
    kills: int
    pauses: int
    called: bool = True
    rate: float = 5.0
    down: tuple[datetime, datetime] = (BEGINS, BEGINS)

    def __post_init__(self) -> None:
        self.plans = [Schedule(number) for number in range(self.schedules)]
        self.ids: list[int] = []

    def build(self) -> None:
        """The city, a few people in a community for each schedule, and the schedules."""
        db.follow_clock()
        db.move_clock(BEGINS)
        with db.transaction(SYSTEM, "test.city") as tx:
            city = build_city()
            homes = [node.code for node in city.communities][: self.schedules]
            nodes = [node for node in city.nodes if node.kind != "community" or node.code in set(homes)]
            paths = jurisdictions.load_tree(tx, installation.tree(City(tuple(nodes))))
            everybody = [home for home in homes for _ in range(PEOPLE if self.called else 1)]
            brought_in(tx, [person(f"P {n}", n, community=home) for n, home in enumerate(everybody)])
            codes = policy.load("hazards", Hazards).hazards, policy.load("skills", Skills).skills
            tx.now = BEGINS
            for one, home in zip(self.plans, homes, strict=True):
                made = plans.create(tx, paths[home], one.spec, hazards=codes[0], skills=codes[1])
                self.ids.append(made.id)

    def run(self) -> None:
        """Hour by hour: whatever is due then is waited for, while clocks are killed and paused."""
        everything = sorted({moment for one in self.plans for moment in one.due(self.until)})
        halfway = everything[len(everything) // 2]
        self.down = (halfway, halfway + DOWN)
        hours = [hour for hour in everything if not halfway < hour <= halfway + DOWN]
        upset = self._upsets(hours)
        self.clocks.start()
        for hour in hours:
            self._at(hour + timedelta(seconds=1), upset[hour])
            if hour == halfway:
                self._long_stop()
        self.clocks.did["hours"] = len(hours)
        if self.called:
            db.move_clock(self.until)
            _wait(lambda: not _count("state = 'run' AND figures IS NULL"), "figures of every drill")

    def _upsets(self, hours: Sequence[datetime]) -> dict[datetime, list[Callable[[], None]]]:
        found: dict[datetime, list[Callable[[], None]]] = {hour: [] for hour in hours}
        for deed in [self.clocks.kill] * self.kills + [self.clocks.pause] * self.pauses:
            found[self.clocks.drawn.choice(hours)].append(deed)
        return found

    def _at(self, moment: datetime, upset: Sequence[Callable[[], None]]) -> None:
        db.move_clock(moment, self.rate)
        for deed in upset:
            time.sleep(self.clocks.drawn.uniform(0, 0.5))
            deed()
        wanted = len(self.expected(moment))
        _wait(lambda: _count("true") >= wanted, f"{wanted} occurrences by {moment}")
        if self.called:
            _wait(lambda: not _count(_UNCALLED), f"everybody called by {moment}")

    def _long_stop(self) -> None:
        """Ten hours in which nothing runs; before that, the clock is set back and forward again."""
        began, ends = self.down
        before = _count("true")
        db.move_clock(began - BACK)
        time.sleep(0.5)
        assert _count("true") == before
        self.clocks.stop()
        db.move_clock(ends)
        self.clocks.start()
        self._at(ends, [])

    def expected(self, until: datetime) -> Moments:
        """Every occurrence by then, and whether it was missed for good while nothing ran."""
        found: Moments = {}
        for one, key in zip(self.plans, self.ids, strict=True):
            missed = one.missed(until, *self.down)
            found |= {(key, moment): moment in missed for moment in one.due(until)}
        return found

    def faults(self) -> dict[str, int]:
        """What is not as it should be, and how often."""
        expected = self.expected(self.until)
        often = {key for key, one in zip(self.ids, self.plans, strict=True) if one.often}
        with db.read(SYSTEM) as tx:
            runs = list(tx.exec(select(DrillRun)))
            found = Counter((run.plan_id, run.occurrence) for run in runs)
            counted = {
                "not recorded": len(expected.keys() - found.keys()),
                "recorded and not due": len(found.keys() - expected.keys()),
                "recorded twice": sum(count > 1 for count in found.values()),
                "otherwise than its policy says": sum(
                    (run.reason is Skipped.MISSED) is not expected.get((run.plan_id, run.occurrence))
                    for run in runs
                ),
                "nobody called though they were rested": sum(
                    run.reason is Skipped.NOBODY and run.plan_id not in often for run in runs
                ),
                "skipped for no reason": sum(
                    run.state is RunState.SKIPPED and run.reason is None for run in runs
                ),
            }
            queries = _FAULTS | (_CALLED if self.called else {})
            counted |= {name: int(tx.execute(text(query)).scalar_one()) for name, query in queries.items()}
            counted |= broken(tx)
        return {name: count for name, count in counted.items() if count}


_UNCALLED = (
    "incident_id IS NOT NULL AND figures IS NULL AND NOT EXISTS "
    "(SELECT FROM callouts c WHERE c.incident_id = drill_runs.incident_id)"
)
_FAULTS = {
    "drills without an incident": """
        SELECT count(*) FROM drill_runs WHERE state = 'run' AND incident_id IS NULL""",
    "incidents of no drill": """
        SELECT count(*) FROM incidents i
        WHERE NOT EXISTS (SELECT FROM drill_runs r WHERE r.incident_id = i.id)""",
    "drills planned other than once": """
        SELECT count(*) FROM incidents i
        WHERE 1 <> (SELECT count(*) FROM plan_runs p WHERE p.incident_id = i.id)""",
}
_CALLED = {
    "drills called out other than once": """
        SELECT count(*) FROM incidents i
        WHERE 1 <> (SELECT count(*) FROM callouts c WHERE c.incident_id = i.id)""",
    "people asked other than once": f"""
        SELECT count(*) FROM (SELECT c.id FROM callouts c LEFT JOIN offers o ON o.callout_id = c.id
          GROUP BY c.id HAVING count(*) <> {PEOPLE} OR count(DISTINCT o.volunteer_id) <> {PEOPLE}) odd""",
    "people written to other than once": """
        SELECT count(*) FROM offers o WHERE 1 <> (SELECT count(*) FROM messages m
          WHERE m.subject_kind = 'offer' AND m.subject_id = o.id AND m.purpose = 'offer')""",
    "people not asked how it was": """
        SELECT count(*) FROM offers o JOIN callouts c ON c.id = o.callout_id WHERE NOT EXISTS
          (SELECT FROM surveys s WHERE (s.incident_id, s.volunteer_id) = (c.incident_id, o.volunteer_id))""",
    "drills without figures": "SELECT count(*) FROM drill_runs WHERE state = 'run' AND figures IS NULL",
}


def _count(which: str) -> int:
    with db.read(SYSTEM) as tx:
        counted = select(func.count()).select_from(DrillRun).where(text(which))
        return int(tx.exec(counted).one())


def _wait(done: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + PATIENCE_SECONDS
    while not done():
        if time.monotonic() > ends:
            raise TimeoutError(what)
        time.sleep(0.05)


@contextmanager
def restless(folder: Path) -> Iterator[None]:
    """People may be called to a drill every day, so that every schedule finds its own."""
    own = folder / "config"
    own.mkdir()
    words = policy.path_of("drills").read_text(encoding="utf-8")
    for name in ("days_between", "most_in_a_year", "most_at_night_in_a_year"):
        before = next(line for line in words.splitlines() if line.startswith(f"{name} ="))
        words = words.replace(before, f"{name} = {1 if name == 'days_between' else 99}")
    (own / "drills.toml").write_text(words, encoding="utf-8")
    os.environ["HUB_CONFIG"] = str(own)
    settings.cache_clear()
    policy.load.cache_clear()
    try:
        yield
    finally:
        del os.environ["HUB_CONFIG"]
        settings.cache_clear()
        policy.load.cache_clear()


def main() -> None:
    """Runs it once; the exit code says whether every promise held."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--schedules", type=int, default=200)
    arguments.add_argument("--kills", type=int, default=20)
    arguments.add_argument("--days", type=int, default=2)
    given = arguments.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="hub-clocks-"))
    port = free_port()
    letters = mailbox.server(port, folder / "mail")
    letters.start()
    os.environ["HUB_SMTP_URL"] = f"smtp://127.0.0.1:{port}"
    settings.cache_clear()
    seed = random.SystemRandom().randrange(10**6)
    clocks = Clocks(worker, folder / "clocks.log", random.Random(seed))
    until = BEGINS + timedelta(days=given.days)
    trial = Trial(clocks, given.schedules, until, kills=given.kills, pauses=given.kills // 2)
    try:
        with databases.cloned(databases.template("drill")) as address, restless(folder):
            databases.use(address)
            began = time.monotonic()
            trial.build()
            try:
                trial.run()
            finally:
                clocks.stop()
            faults = trial.faults()
            _write(trial, seed, time.monotonic() - began, faults)
    finally:
        letters.stop()
        databases.stop(Path(os.environ["HUB_TEST_DIR"]))
    shutil.rmtree(folder)
    sys.exit(1 if faults else 0)


def _write(trial: Trial, seed: int, seconds: float, faults: dict[str, int]) -> None:
    expected, did = trial.expected(trial.until), trial.clocks.did
    days = (trial.until - BEGINS).days
    with db.read(SYSTEM) as tx:
        counted = select(DrillRun.state, DrillRun.reason, func.count()).group_by(
            col(DrillRun.state), col(DrillRun.reason)
        )
        states = {str(reason or state): count for state, reason, count in tx.exec(counted)}
        asked = tx.execute(text("SELECT count(*) FROM offers")).scalar_one()
    lines = [
        "# Clocks killed again and again",
        "",
        f"Written by `python -m tests.drills.clocks`. {CLOCKS} workers on one database keep schedules in",
        f"{len(ZONES)} zones. Time is moved from one due hour to the next; workers are killed and paused at",
        "random meanwhile, and started anew.",
        "Halfway the clock is set back by three hours, then nothing runs for ten. What is due is reckoned",
        "once more, by other code, from the schedules alone.",
        "",
        "| | |",
        "|---|---|",
        f"| schedules | {trial.schedules}, over {days} days, {did['hours']} due hours |",
        f"| seed | {seed} |",
        f"| kill -9; paused; all stopped | {did['kill -9']}; {did['paused']}; once, for 10 hours |",
        f"| due | {len(expected):,} |",
        f"| held | {states.get('run', 0):,}, asking {asked:,} people once each |",
        f"| skipped: nobody had rested a day (every three hours) | {states.get('nobody', 0):,} |",
        f"| skipped: missed in the ten hours, as the plan's policy says | {states.get('missed', 0):,} |",
        f"| promises broken | {len(faults)} {faults or ''} |",
        f"| minutes | {seconds / 60:.1f} |",
        "",
    ]
    reports.keep("clocks.md", lines)


if __name__ == "__main__":
    assert conftest  # it has set the environment before settings were read
    main()
