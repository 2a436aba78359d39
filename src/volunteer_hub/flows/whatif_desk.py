"""Imagined callouts are worked here: cells claimed under a lease, played in a process of their own, written.

1. Claim cells that share people, hazard and hour (one transaction). 2. Read people and beliefs once for all
of them, of the pool no more than what is new. 3. Send them to the process, and write each answer in a
transaction of its own as it comes. A worker that dies leaves the rest to the next when its lease runs out.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from volunteer_hub.access import jurisdictions
from volunteer_hub.access.models import Jurisdiction
from volunteer_hub.boards import at_home
from volunteer_hub.boards import problem as board
from volunteer_hub.boards.at_home import Homes
from volunteer_hub.boards.slots import SlotFacts
from volunteer_hub.boards.wanted import Need
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError
from volunteer_hub.core.log import logger
from volunteer_hub.core.site import Site
from volunteer_hub.drills import whatifs
from volunteer_hub.drills.rules import EVERYBODY, WhatIfKind
from volunteer_hub.drills.whatif_models import WhatIfCell, WhatIfRun
from volunteer_hub.engine.changes import some
from volunteer_hub.engine.play import Answering, Rules
from volunteer_hub.engine.problem import Ints, ProblemError
from volunteer_hub.engine.readiness import Crowd, Parts
from volunteer_hub.engine.waves import Curve
from volunteer_hub.flows import beliefs as believing
from volunteer_hub.flows import letters, whatif, whatif_solving
from volunteer_hub.flows.beliefs import Basis, Belief, Beliefs
from volunteer_hub.flows.planner import Lost, Process, Unwanted
from volunteer_hub.flows.whatif_solving import Crowds, Scenes
from volunteer_hub.incidents import templates
from volunteer_hub.incidents.models import Incident, RoleSlot, Task
from volunteer_hub.incidents.policy import Hazards
from volunteer_hub.incidents.rules import Kind, TaskSpec
from volunteer_hub.mobilization.policy import Callouts
from volunteer_hub.volunteers import week
from volunteer_hub.volunteers.pool.loading import Warm

AT_ONCE: Final = 32  # cells claimed together
CELL_SECONDS: Final = 120.0  # after that the process is taken for dead
IDLE_SECONDS: Final = 60.0  # without work so long, its memory is given back
READY_MINUTES: Final = 120  # who is free at an hour is free so long
FAR_MINUTES: Final = 120.0  # of a grid, figures are kept for this too
_PAUSE_SECONDS: Final = 0.5
_WEEK: Final = timedelta(days=8)


class Desk:
    """Works cells until there are none: ``with Desk() as desk: desk.work_some(stopped)``. It keeps the pools
    it asked of in memory."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._pools = Warm()

    def __enter__(self) -> "Desk":
        return self

    def __exit__(self, *_: object) -> None:
        self.rest()

    def rest(self) -> None:
        """Ends the process and forgets the pools, until there is work again."""
        if self._process is not None:
            self._process.end()
        self._process, self._pools = None, Warm()

    def work_some(self, stopped: threading.Event) -> int:
        """Takes cells that belong together and brings them to an end; how many were written. A worker that is
        stopping gives them back."""
        lease = 60 * whatif.rules_of().lease_minutes
        with db.transaction(SYSTEM, "whatif.claim") as tx:
            cells = whatifs.claim(tx, lease_seconds=lease, limit=AT_ONCE)
            if not cells:
                whatifs.close(tx)
                return 0
            run = tx.get_one(WhatIfRun, cells[0].run_id)
        left = [cell.id for cell in cells]
        try:
            return self._work(run, cells, left, stopped, lease)
        except (HubError, ProblemError) as error:
            logger("whatif").error("cells cannot be played", run=str(run.public_id), fault=str(error))
            with db.transaction(SYSTEM, "whatif.fail") as tx:
                whatifs.fail(tx, left)
        except (Unwanted, Lost) as why:
            self.rest()
            if isinstance(why, Unwanted):  # a process that died may die of these cells again: they count
                with db.transaction(SYSTEM, "whatif.give_back") as tx:
                    whatifs.give_back(tx, left)
        return 0

    def _work(
        self,
        run: WhatIfRun,
        cells: Sequence[WhatIfCell],
        left: list[int],
        stopped: threading.Event,
        lease: int,
    ) -> int:
        def tick(_phase: str) -> None:
            if stopped.is_set():
                raise Unwanted

        reading = Reading(self._pools, run, cells[0])
        if self._process is None:
            self._process = Process(whatif_solving.serve)
        done, kept = 0, time.monotonic()
        answers = self._process.each(reading.task(cells), len(cells), CELL_SECONDS, tick)
        for cell, answer in zip(cells, answers, strict=True):
            with db.transaction(SYSTEM, "whatif.finish") as tx:
                left.remove(cell.id)
                done += reading.write(tx, cell, answer)
                if time.monotonic() - kept > lease / 4:
                    whatifs.keep(tx, left, lease)
                    kept = time.monotonic()
        return done


class Reading:
    """What cells that belong together share, read in one transaction, and how an answer is written."""

    def __init__(self, pools: Warm, run: WhatIfRun, cell: WhatIfCell) -> None:
        self._run, self._cell, self._policy = run, cell, whatif.rules_of()
        with db.read(SYSTEM) as tx:
            node = jurisdictions.by_path(tx, cell.pool_area)
            self._moment = moment_of(cell.hour, node.zone, run.requested_at)
            self._node = node
            self._pool = pools.pool(tx, cell.pool_area)
            self._tasks: tuple[TaskSpec, ...] = ()
            self._needs: tuple[Need, ...] = ()
            if cell.hazard == EVERYBODY:
                self._crowd(tx)
            else:
                self._scene(tx)

    def _scene(self, tx: Tx) -> None:
        hazards: Hazards = policy.load("hazards", Hazards)
        self._tasks = templates.task_specs(
            hazards,
            self._cell.hazard,
            lat=self._node.lat,
            lon=self._node.lon,
            starts_at=self._moment,
            lang="en",
        )
        facts = imagined(self._node, self._cell.hazard, self._moment)
        case = board.imagined(tx, facts.incident, self._tasks, self._pool, self._node.zone)
        self._needs = case.needs
        answering, self._basis = believed(tx, self._pool.ids, facts, self._moment)
        rows = np.flatnonzero(answering.chance > 0)
        self._everybody, self._ids = len(self._pool), case.volunteers[rows]
        self._problem = replace(case.problem, people=some(case.problem.people, rows))
        self._answering = answering.some(rows)

    def _crowd(self, tx: Tx) -> None:
        end = self._moment + timedelta(minutes=READY_MINUTES)
        self._homes = at_home.homes(tx, self._cell.pool_area, self._pool, self._moment, end)
        facts = imagined(self._node, EVERYBODY, self._moment)
        self._answering, self._basis = believed(tx, self._homes.volunteers, facts, self._moment)

    def task(self, cells: Sequence[WhatIfCell]) -> Scenes | Crowds:
        """What is sent to the process for these cells."""
        prepare, spread = self._policy.prepare_minutes, self._policy.travel_spread
        if self._cell.hazard == EVERYBODY:
            homes = self._homes
            crowd = Crowd(homes.area, homes.holds, homes.free, homes.ways, self._answering)
            minutes = tuple(float(minute) for minute in self._policy.ready_minutes)
            return Crowds(crowd, len(homes.paths), minutes, prepare, spread)
        with db.read(SYSTEM) as tx:
            places = [jurisdictions.by_path(tx, cell.area) for cell in cells]
        asking: Callouts = policy.load("callouts", Callouts)
        rules = Rules(
            confidence=asking.callout.confidence,
            answer_minutes=asking.callout.answer_minutes,
            prepare=prepare,
            spread=spread,
            draws=self._run.draws,
            seed=self._run.seed,
            horizon=float(self._policy.horizon_minutes),
        )
        few = {*map(float, self._policy.ready_minutes), rules.horizon, FAR_MINUTES}
        return Scenes(
            problem=self._problem,
            volunteers=self._ids,
            places=tuple((node.lat, node.lon) for node in places),
            answering=self._answering,
            rules=rules,
            hours={str(kind): hours for kind, hours in self._policy.hours.items()},
            told=rules.minutes
            if self._run.kind is WhatIfKind.SINGLE
            else tuple(sorted(few & {*rules.minutes})),
        )

    def write(self, tx: Tx, cell: WhatIfCell, answer: Any) -> bool:
        """Stores what came back, unless the cell is written already."""
        basis = {
            "asks": self._basis.asks,
            "measured": self._basis.measured,
            "low": round(self._basis.low, 3),
            "high": round(self._basis.high, 3),
        }
        if isinstance(answer, Parts):
            written = whatifs.finish(tx, cell.id, {"basis": basis}, None)
            if written:
                whatifs.ready(tx, cell.run_id, list(_ready_rows(self._homes, answer, cell.hour)))
            return written
        told = {**answer, "basis": basis, "people": self._everybody, "at": self._moment.isoformat()}
        return whatifs.finish(tx, cell.id, _named(told, self._tasks, self._needs), answer["sure"])


def moment_of(hour: int, zone: str, after: datetime) -> datetime:
    """The middle of the next such day or night that begins after a moment."""
    site: Site = policy.load("hub", Site)
    clocks = ZoneInfo(zone), site.night.starts, site.night.ends
    found = week.free(1 << hour, (after, after + _WEEK), *clocks)
    start, end = next(one for one in found if one[0] > after)
    middle = start + (end - start) / 2
    return middle.replace(second=0, microsecond=0)


def imagined(node: Jurisdiction, hazard: str, moment: datetime) -> SlotFacts:
    """A callout for something that has not happened, as beliefs ask about it; never stored."""
    place: dict[str, Any] = {"area": node.path, "lat": node.lat, "lon": node.lon}
    incident = Incident(**place, kind=Kind.REAL, hazard=hazard, level=1, started_at=moment)
    task = Task(**place, priority=1, starts_at=moment)
    return SlotFacts(RoleSlot(minimum=1, target=1, maximum=1), task, incident, node)


def believed(tx: Tx, ids: Ints, facts: SlotFacts, moment: datetime) -> tuple[Answering, Basis]:
    """How each of these people would answer, asked at that moment by what reaches them now."""
    people = ids.tolist()
    beliefs, ways = Beliefs(tx, people, moment), letters.reach(tx, people)
    channels = [way.channel if (way := ways.get(key)) is not None else None for key in people]
    known: list[Belief] = [
        beliefs.of(channel, facts, key) for channel, key in zip(channels, people, strict=True)
    ]
    numbers: dict[Curve, int] = {}
    curve = [
        numbers.setdefault(beliefs.curve(channel, facts, moment), len(numbers)) if channel is not None else 0
        for channel in channels
    ]
    answering = Answering(
        chance=np.array([belief.chance for belief in known], dtype=np.float64),
        curve=np.array(curve, dtype=np.int64),
        curves=tuple(numbers),
        law=beliefs.law(facts, known),
    )
    return answering, believing.basis(known)


def _named(told: dict[str, Any], tasks: Sequence[TaskSpec], needs: Sequence[Need]) -> dict[str, Any]:
    """With the templates' codes in place of numbers."""
    roles = [(task, number) for task in tasks for number in range(len(task.slots))]
    slots = []
    for (task, number), slot in zip(roles, told["slots"], strict=True):
        spec = task.slots[number]
        name = (task.template or "").partition(".")[2]
        slots.append({"task": name, "role": number, "skill": spec.skill, "level": spec.level, **slot})
    fixes = []
    for fix in told["fixes"]:
        need = needs[fix["skill"]] if fix["skill"] >= 0 else ()
        skill, level = need[0] if need else (None, 1)
        fixes.append({**fix, "skill": skill, "level": level})
    return {**told, "slots": slots, "fixes": fixes}


def _ready_rows(homes: Homes, found: Parts, hour: int) -> list[dict[str, Any]]:
    rows = []
    for area, path in enumerate(homes.paths):
        skills = {
            code: {
                "certified": int(found.certified[area, k]),
                "free": int(found.free[area, k]),
                "answer": round(float(found.answer[area, k]), 3),
                "ways": round(float(found.ways[area, k]), 1),
                "bands": found.bands[area, k].tolist(),
            }
            for k, code in enumerate(homes.skills)
        }
        people, reachable = int(found.people[area, 0]), int(found.reachable[area, 0])
        rows.append({"area": path, "hour": hour, "people": people, "reachable": reachable, "skills": skills})
    return rows


def work(stopped: threading.Event) -> None:
    """The life of a worker's thread: until stopped."""
    with Desk() as desk:
        idle = time.monotonic()
        while not stopped.is_set():
            try:
                done = desk.work_some(stopped)
            except Exception as error:
                logger("whatif").error("imagined callouts failed", exc_info=error)
                done = 0
            if done:
                idle = time.monotonic()
                continue
            if time.monotonic() - idle > IDLE_SECONDS:
                desk.rest()
            stopped.wait(_PAUSE_SECONDS)
