"""A year of monthly drills in a city whose true chances are known: does a callout get better by them?

    python -m benchmarks.year            twelve drills of 1,000 people, a willing city and a reluctant one
    python -m benchmarks.year --quick    three drills of 300 people, a willing city

The plan of the drills is made once, through the API. Time is moved from one month to the next; the program's
own clock process fires each drill, plans it, sends the text messages through a made-up gateway with receipts,
and ends it; people answer by their links (year_people). Then what is over teaches the answer model, and the
same need is planned once more, as a drill and as a real callout, without sending: how many would be woken at
the stated confidence, and how likely they are enough by the true chances.

The full run writes docs/benchmarks/year.svg, and its table into docs/benchmarks/year.md.
"""

from __future__ import annotations

import contextlib
import io
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import numpy as np
from sqlalchemy import func
from sqlalchemy import select as columns
from sqlmodel import col, select

from benchmarks import ground, report, year_plot
from benchmarks.year_people import Answering, People
from benchmarks.year_plot import COLOURS, Line, Panel
from volunteer_hub import bootstrap
from volunteer_hub.access import jurisdictions
from volunteer_hub.core import clock, db, embedded, policy
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.drills.models import DrillPlan, DrillRun
from volunteer_hub.engine.answer_model.calibration import Calibration, calibration
from volunteer_hub.engine.arrays import Floats, Ints
from volunteer_hub.engine.least_burden import least_burden
from volunteer_hub.engine.shock import shock
from volunteer_hub.flows import asking, calibrate, close, declare, learning, plan
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.rules import IncidentSpec, Kind, SlotSpec, TaskSpec
from volunteer_hub.migrations import runner as migrations
from volunteer_hub.mobilization import answers
from volunteer_hub.mobilization.answer_rules import cell
from volunteer_hub.mobilization.models import Callout, Offer, PlanRun
from volunteer_hub.mobilization.policy import Answers, CalloutKind, Callouts
from volunteer_hub.mobilization.rules import PlanState
from volunteer_hub.notify.models import Message
from volunteer_hub.notify.rules import WAITING, State, Subject
from volunteer_hub.simulation import installation
from volunteer_hub.simulation.desk import Desk
from volunteer_hub.simulation.gateway import Gateway
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.rules import Status

BEGINS = datetime(2027, 1, 4, 9, 0, tzinfo=installation.ZONE)
RULE = "FREQ=MONTHLY;BYDAY=3WE;BYHOUR=10;BYMINUTE=0"
ANSWER_MINUTES, HEARD_MINUTES = 60, 55  # the first minutes go by while text messages go out
WEEK = timedelta(days=7)
SHARE = 60  # of those who may be disturbed again: most of them are asked seven times in the year
BY_DAY = 1 << 2 * 2  # free on Wednesdays by day, in the mask of a week
KINDS: tuple[CalloutKind, ...] = ("drill", "real")
CITIES = (("willing", 0.5), ("reluctant", -0.5))  # how far from what is assumed, in log-odds
TRUE_TOGETHER = 0.01  # how alike the answers to one callout are in truth, as an intraclass correlation
ALL_KNOW, LOOK, PATIENCE = 1.0, 0.2, 300.0  # seconds
REPORT = Path(__file__).parent.parent / "docs" / "benchmarks" / "year.md"
T = TypeVar("T")
COLUMNS = ("drill", "day", "asked", "answered", "said: off", "error", "Brier", "best", "all: off", *(
    f"{kind}: {what}" for kind in KINDS for what in ("woken", "known", "stated", "true")
))  # fmt: skip


@dataclass(frozen=True)
class Need:
    """Whom the same need would wake. ``known``: whom it would, were every chance known; ``stated`` and
    ``true``: how likely they are enough."""

    woken: int
    known: int
    stated: float
    true: float


@dataclass(frozen=True)
class Held:
    """One drill: people asked and reached, answers in time. ``off``: how far the chances said of them lay
    from the true ones in the mean; ``said``: by tenths, against the truth. ``brier`` of what was said against
    what came, ``best`` that of the true chances."""

    day: datetime
    asked: int
    answered: int
    off: float
    said: Calibration
    brier: float
    best: float


@dataclass(frozen=True)
class Known:
    """What is believed after so many drills. ``off``: of everybody free then, as of those asked in `Held`."""

    off: float
    needs: dict[CalloutKind, Need]


class Year:
    """One installation with its city, from the first drill to the last."""

    def __init__(self, size: int, shift: float, gateway: Gateway, address: str) -> None:
        self.answers: Answers = policy.load("answers", Answers)
        self.people = People(size, shift, self.answers, clock.now().astimezone(installation.ZONE).date())
        self.need = max(2, size // 160)
        self.address = address
        self.phones = Answering(self.people, gateway, self.address)
        installation.build(size, lambda *_: None)
        with db.read(SYSTEM) as tx:
            rows = tx.exec(select(Volunteer.id, Volunteer.external_id)).all()
            free = col(Volunteer.availability).op("&")(BY_DAY) > 0
            active = col(Volunteer.status) == Status.ACTIVE
            self.pool = sorted(tx.exec(select(Volunteer.id).where(free, active)))
            self.root = jurisdictions.by_code(tx, installation.CITY)
            self.place = jurisdictions.by_code(tx, installation.COMMUNITY)
        self.number = {key: self.people.number[name] for key, name in rows if name is not None}

    def planned(self) -> datetime:
        """Makes the plan of all drills, as a coordinator does; when the first is."""
        desk = Desk(self.address, "en").sign_in(installation.staff("en").logins["coordinator"])
        spec = {"area": installation.CITY, "title": "Monthly check", "hazard": "flood", "rule": RULE}
        more = {"kind": "reachability", "share_percent": SHARE, "answer_minutes": ANSWER_MINUTES}
        made = desk.post("/drills", spec | more)
        desk.close()
        return datetime.fromisoformat(made["next_at"])

    def drill(self, number: int, at: datetime) -> tuple[int, DrillRun]:
        """Lets the clock process hold the drill of that hour, while people answer; how many did."""
        self.phones.questions()  # what was said since the last drill leads to its questions, which are over
        db.move_clock(at - timedelta(seconds=2))
        run = _until("the drill is begun", lambda: _run(at))
        assert run.incident_id is not None, f"skipped: {run.reason}"
        callout = _until("it is sent", lambda: _callout(run))
        _until("all is delivered", lambda: _delivered(callout))
        answered = self.phones.answer(self.phones.questions(), number, HEARD_MINUTES)
        db.move_clock(clock.now() + timedelta(minutes=ANSWER_MINUTES - HEARD_MINUTES))
        return answered, _until("it is ended", lambda: _run(at, ended=True))

    def said(self, run: DrillRun) -> tuple[Ints, Floats, Floats]:
        """Who was asked in a drill and it arrived, the chance that was said of each, and whether a yes came
        before the end."""
        wanted = (
            columns(
                col(Offer.volunteer_id), col(Offer.chance), col(Offer.answered_at), col(Offer.decline_reason)
            )
            .join(Callout, col(Callout.id) == col(Offer.callout_id))
            .where(col(Callout.incident_id) == run.incident_id)
        )
        with db.read(SYSTEM) as tx:
            rows = tx.execute(wanted).all()
        who = np.array([self.number[row[0]] for row in rows])
        alive = ~self.people.dead[who]
        yes = np.array([row[2] is not None and row[3] is None for row in rows], dtype=np.float64)
        return who[alive], np.array([row[1] for row in rows])[alive], yes[alive]

    def off(self) -> float:
        """How far what is believed of everybody who is free at the hour lies from the truth, in the mean."""
        ids = self.pool
        with db.read(SYSTEM) as tx:
            circle = learning.circle(tx, ids, learning.model_of(answers.latest(tx), tx.now))
            believed = circle.chance(cell("sms", "day", "drill"))
        truth = self.people.chance(np.array([self.number[key] for key in ids]), "drill")
        return float(np.abs(believed - truth).mean())

    def asks(self, kind: CalloutKind) -> Need:
        """The same need at the same place and hour, planned and sized as a callout would be, not sent."""
        with db.transaction(SYSTEM, "incident.declare") as tx:
            spec = IncidentSpec(
                self.place.path,
                "flood",
                self.place.lat,
                self.place.lon,
                title="The same need",
                kind=Kind(kind),
            )
            starts = tx.now + timedelta(hours=1)
            slot = SlotSpec(self.need, self.need, self.need)
            where = (self.place.lat, self.place.lon)
            task = TaskSpec("Sandbags", *where, starts, starts + timedelta(hours=3), (slot,))
            incident = declare.declare(tx, spec, tasks=[task])
            run_id = plan.request(tx, incident, pool_area=self.root.path, seed=1).id
        ready = _until("the need is planned", lambda: _ready(run_id))
        with db.read(SYSTEM) as tx:
            size = asking.sized(tx, ready)
            (one,) = size.slots
            everybody = [*asking.chosen(ready)[one.slot.slot_id], *asking.reserves(ready)[one.slot.slot_id]]
            minutes = policy.load("callouts", Callouts).callout.answer_minutes
            burden = 10 * policy.load("callouts", Callouts).goal.asking
        with db.transaction(SYSTEM, "incident.close") as tx:
            close.close(tx, tx.get_one(Incident, incident.id))
        able = np.array([self.number[ask.volunteer_id] for ask in everybody])
        costs = np.array([burden + ask.cost for ask in everybody], dtype=np.float64)
        truth = self.people.chance(able, kind) * self.people.in_time(minutes)
        known = least_burden(
            np.array([0, len(able)]),
            truth,
            costs,
            np.array([self.need]),
            size.confidence,
            shock(TRUE_TOGETHER),
        )
        woken = np.array([self.number[ask.volunteer_id] for ask in one.asks])
        return Need(len(woken), int(known.sum()), one.sure, self.people.met(woken, kind, self.need, minutes))

    def known(self, at: datetime) -> Known:
        """What is over by that moment has taught: what is believed then, and whom it would wake."""
        db.move_clock(at)
        time.sleep(ALL_KNOW)
        calibrate.sweep()  # the clock process does so every minute; this does not wait for it
        return Known(self.off(), {kind: self.asks(kind) for kind in KINDS})

    def held(self, number: int, at: datetime) -> Held:
        """One drill and what was said of its people."""
        answered, run = self.drill(number, at)
        who, said, yes = self.said(run)
        truth = self.people.chance(who, "drill")
        in_time = truth * self.people.in_time(HEARD_MINUTES)
        return Held(
            day=at,
            asked=len(who),
            answered=answered,
            off=float(np.abs(said - truth).mean()),
            said=against(said, truth),
            brier=float(np.mean((said - yes) ** 2)),
            best=float(np.mean((in_time - yes) ** 2)),
        )

    def next(self) -> datetime:
        """When the next drill is due."""
        with db.read(SYSTEM) as tx:
            found = tx.exec(select(DrillPlan.next_at)).one()
        assert found is not None
        return found


def against(said: Floats, truth: Floats) -> Calibration:
    """What was said of people against their true chances, by tenths: as if each had been asked for ever."""
    both, worth = np.concatenate([said, said]), np.concatenate([truth, 1 - truth])
    yes = np.repeat([True, False], len(said))
    return calibration(both, yes, worth)


def year(drills: int, size: int, shift: float) -> tuple[list[Held], list[Known]]:
    """All of it, in an installation of its own: as many drills, and one belief more."""
    port = ground.free_port()
    address = f"http://127.0.0.1:{port}"
    with (
        Gateway(address) as gateway,
        ground.installation(HUB_ENV="demo", HUB_SMS_URL=gateway.sms_url, HUB_BASE_URL=address) as folder,
        ground.database(embedded.start(folder), "year"),
    ):
        migrations.upgrade(db.engine())
        bootstrap.start()
        db.follow_clock()
        db.move_clock(BEGINS)
        city = Year(size, shift, gateway, address)
        held, known = [], []
        with ground.served("--processes", "1", "--workers", "1", port=port):
            first = city.planned()
            known.append(city.known(first - WEEK))
            for number in range(drills):
                at = city.next()
                held.append(city.held(number, at))
                known.append(city.known(at + WEEK))
                print(_line(number + 1, held[-1], known[-1]), file=sys.stderr, flush=True)
        city.phones.close()
    return held, known


def _until(what: str, found: Callable[[], T | None]) -> T:
    """What there is once it is there, looked for again and again."""
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        there = found()
        if there:
            return there
        time.sleep(0.2)
    raise TimeoutError(f"{what}: not within {PATIENCE:.0f} s")


def _run(at: datetime, *, ended: bool = False) -> DrillRun | None:
    wanted = select(DrillRun).where(col(DrillRun.occurrence) == at)
    with db.read(SYSTEM) as tx:
        return tx.exec(wanted.where(col(DrillRun.figures).is_not(None)) if ended else wanted).first()


def _callout(run: DrillRun) -> Callout | None:
    with db.read(SYSTEM) as tx:
        return tx.exec(select(Callout).where(col(Callout.incident_id) == run.incident_id)).first()


def _delivered(callout: Callout) -> bool:
    """Whether every question has its receipt."""
    about = select(Offer.id).where(col(Offer.callout_id) == callout.id)
    waiting = columns(func.count()).where(
        col(Message.subject_kind) == Subject.OFFER,
        col(Message.subject_id).in_(about),
        col(Message.state).in_((*WAITING, State.SENT)),
    )
    with db.read(SYSTEM) as tx:
        return int(tx.execute(waiting).scalar_one()) == 0


def _ready(run_id: int) -> PlanRun | None:
    with db.read(SYSTEM) as tx:
        run = tx.get_one(PlanRun, run_id)
    assert run.state is not PlanState.FAILED
    return run if run.state is PlanState.READY else None


def _line(number: int, held: Held | None, known: Known) -> list[object]:
    drill: list[object] = ["-"] * 7
    if held is not None:
        error = held.said.error or 0.0
        drill = [f"{held.day:%d %b}", held.asked, held.answered, held.off, error, held.brier, held.best]
    needs = [known.needs[kind] for kind in KINDS]
    return [number, *drill, known.off, *(x for n in needs for x in (n.woken, n.known, n.stated, n.true))]


def tell(name: str, drills: int, size: int, held: Sequence[Held], known: Sequence[Known]) -> bool:
    """The tables of one city, in which so many drills were to be held, and its bars."""
    title = f"a {name} city of {size:,}: {len(held)} drills, the same need after each"
    rows = [_line(number, one, known[number]) for number, one in enumerate((None, *held))]
    report.table(title, COLUMNS, rows)
    for one, when in ((held[0], "first"), (held[-1], "last")):
        tenths = [[f"{t.number * 10}-{t.number * 10 + 10} %", t.asks, t.predicted / t.asks, t.yes / t.asks]
                  for t in one.said.tenths]  # fmt: skip
        report.table(f"{when} drill: chances said, by tenths", ("tenth", "people", "said", "true"), tenths)
    met = report.bar(f"year.{name}.drills_held", len(held), ">=", drills)
    met &= report.bar(f"year.{name}.off_last_vs_first", known[-1].off / known[0].off, "<=", 0.75)
    rises = sum(after.off > before.off for before, after in pairwise(known))
    met &= report.bar(f"year.{name}.drills_that_made_it_worse", rises, "<=", len(held) // 4)
    for kind in KINDS:
        first, last = known[0].needs[kind], known[-1].needs[kind]
        later = [one.needs[kind] for one in known[-(len(known) // 2) :]]
        true = 100 * float(np.mean([need.true for need in later]))
        report.info(f"year.{name}.{kind}.woken_last_vs_first", last.woken / first.woken)
        met &= report.bar(f"year.{name}.{kind}.met_percent", true, ">=", 94)
    return met


def _panels(cities: Sequence[tuple[str, Sequence[Known]]]) -> list[Panel]:
    """What is drawn of a year: how far beliefs lie off, and whom the need of a real callout wakes."""
    off, woken = [], []
    for (name, known), colour in zip(cities, COLOURS, strict=False):
        needs = [one.needs["real"] for one in known]
        off.append(Line(name, [one.off for one in known], colour))
        woken.append(Line(name, [need.woken for need in needs], colour))
        woken.append(Line("were all known", [need.known for need in needs], colour, dashed=True))
    return [
        Panel("mean distance from the true chances, by drills", off, 0.24),
        Panel("people woken for the same need, by drills", woken, 100),
    ]


def main() -> int:
    quick = "--quick" in sys.argv[1:]
    drills, size = (3, 300) if quick else (12, 1_000)
    said, met, drawn = io.StringIO(), True, []
    with contextlib.redirect_stdout(said):
        report.machine()
        for name, shift in CITIES[: 1 if quick else None]:
            held, known = year(drills, size, shift)
            met &= tell(name, drills, size, held, known)
            drawn.append((name, known))
    print(said.getvalue())
    if not quick:
        year_plot.write(REPORT.with_suffix(".svg"), _panels(drawn))
        report.put_into(REPORT, said.getvalue())
    return 0 if met or quick else 1  # bars are set for the full size


if __name__ == "__main__":
    sys.exit(main())
