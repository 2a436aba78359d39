"""Plans are solved here: claimed under a lease, solved in a warm process of its own, checked, frozen.

1. Claim the oldest request (one transaction). 2. Read the rows into a Problem (one read, of one moment); of
the pool no more than what is new since this worker read it last. 3. Send it to the planning process, keeping
lease and progress alive. 4. Freeze the answer, or say why there is none.
A process that passes the deadline or dies is replaced, and the new one solves greedily, which the plan says.
"""

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Final, Self

from sqlalchemy import text

from volunteer_hub.boards import again, floors, funnel, neighbours
from volunteer_hub.boards import problem as board
from volunteer_hub.boards.floors import Kept
from volunteer_hub.boards.problem import Case
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError, Refused
from volunteer_hub.core.log import logger
from volunteer_hub.engine.problem import ProblemError
from volunteer_hub.flows import (
    floor_document,
    plan_document,
    replan_document,
    road_service,
    road_times,
    solving,
)
from volunteer_hub.flows.handover import Handed
from volunteer_hub.flows.insight import Setting
from volunteer_hub.flows.solving import Answer, Task
from volunteer_hub.incidents.models import Incident
from volunteer_hub.mobilization import plans, waves
from volunteer_hub.mobilization.models import PlanRun
from volunteer_hub.mobilization.policy import Callouts
from volunteer_hub.volunteers.pool import Pool
from volunteer_hub.volunteers.pool.loading import Warm

MOST_ATTEMPTS: Final = 3
GRACE_SECONDS: Final = 2.0  # past the deadline the process is killed
GREEDY_SECONDS: Final = 60.0  # what the greedy method may take in its stead
EXPLAIN_SECONDS: Final = 60.0  # a solved plan may take this long to be explained,
EXPLAINED: Final = 1e9  # and a second more for so many pairs of a person and a head
START_SECONDS: Final = 180.0  # a cold machine compiles the engine's loops once, half a minute of processor
HEARTBEAT_SECONDS: Final = 2.0
_POLL_SECONDS: Final = 0.1
READING: Final = "reading"
MEASURING: Final = "measuring"
_SPAWN: Final = multiprocessing.get_context("spawn")


class Lost(Exception):
    """The planning process died, or was killed for passing its time."""


class Unwanted(Exception):
    """Nobody waits for this answer any more: superseded, or this worker is stopping."""


class Process:
    """One warm planning process at the other end of a pipe."""

    def __init__(self, serve: Callable[[Connection], None] = solving.serve) -> None:
        self._line, far = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=serve, args=(far,), name="planner", daemon=True)
        self._process.start()
        far.close()  # or the pipe would not break when the process dies
        self._ready = False

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process.pid is not None
        return self._process.pid

    def ask(self, task: Task, limit: float, tick: Callable[[str], None]) -> Answer:
        """The answer to a problem; ``tick`` is called with the phase ten times a second and may raise.

        Raises Lost when the process dies, or does not solve it in ``limit`` seconds.
        """
        self._wait_until_ready(tick)
        phase, ends = solving.SOLVING, time.monotonic() + limit
        try:
            self._line.send(Handed(task))
            while True:
                while not self._line.poll(_POLL_SECONDS):
                    if time.monotonic() > ends:
                        raise Lost
                    tick(phase)
                message = self._line.recv()
                if isinstance(message, Answer):
                    return message
                if message == solving.EXPLAINING:
                    ends = time.monotonic() + EXPLAIN_SECONDS + _pairs(task) / EXPLAINED
                phase = message
        except (EOFError, OSError):
            raise Lost from None

    def each(self, task: object, count: int, limit: float, tick: Callable[[str], None]) -> Iterator[Any]:
        """So many answers to a task, of a process that serves it so, each within ``limit`` seconds of the one
        before. ``tick`` and Lost as `ask`."""
        self._wait_until_ready(tick)
        try:
            self._line.send(Handed(task))
            for _ in range(count):
                ends = time.monotonic() + limit
                while not self._line.poll(_POLL_SECONDS):
                    if time.monotonic() > ends:
                        raise Lost
                    tick(solving.SOLVING)
                yield self._line.recv()
        except (EOFError, OSError):
            raise Lost from None

    def _wait_until_ready(self, tick: Callable[[str], None]) -> None:
        ends = time.monotonic() + START_SECONDS
        try:
            while not self._ready:
                if self._line.poll(_POLL_SECONDS):
                    self._ready = self._line.recv() == solving.READY
                elif time.monotonic() > ends:
                    raise Lost
                else:
                    tick("starting")
        except (EOFError, OSError):
            raise Lost from None

    def end(self) -> None:
        """Kills it and waits until it is gone."""
        self._process.kill()
        self._process.join()
        self._line.close()


def _pairs(task: Task) -> float:
    """People times heads wanted."""
    return len(task.problem.people) * float(task.problem.slots.target.sum())


class Planner:
    """Solves plan requests one after another; ``with Planner() as planner: planner.work_one(stopped)``.

    It keeps the pools of the areas it planned for in memory, within the limit of volunteers.pool.
    """

    def __init__(self) -> None:
        self._process: Process | None = None
        self._pools = Warm()

    def __enter__(self) -> Self:
        self._process = Process()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.end()
            self._process = None

    @property
    def process(self) -> Process:
        """The warm process; a new one when there is none."""
        if self._process is None:
            self._process = Process()
        return self._process

    def _renew(self) -> None:
        if self._process is not None:
            self._process.end()
        self._process = Process()

    def work_one(self, stopped: threading.Event) -> bool:
        """Takes one request and brings it to an end; False when there is none.

        A worker that is stopping gives the request back, for another to take up.
        """
        lease = policy.load("callouts", Callouts).callout.lease_minutes * 60
        with db.transaction(SYSTEM, "plan.claim") as tx:
            run = plans.claim(tx, lease)
            if run is None:
                return False
            if run.attempts > MOST_ATTEMPTS:
                plans.fail(tx, run.id, "plan.attempts")
                return True
        tick = _Pulse(run.id, lease, stopped)
        try:
            self._bring_to_end(run, tick)
        except Unwanted:
            if tick.phase not in (READING, MEASURING):
                self._renew()  # it may still be busy with what nobody wants
            _give_back(run.id)
        except Lost:
            _give_back(run.id)
        return True

    def _bring_to_end(self, run: PlanRun, tick: "_Pulse") -> None:
        started = time.perf_counter()
        try:
            case, kept = read_within(run, self._pools, tick)
        except ProblemError as error:
            logger("planner").error("rows contradict each other", plan=str(run.public_id), fault=str(error))
            return _fail(run.id, "plan.rows")
        except HubError as error:
            return _fail(run.id, error.code)
        reading = time.perf_counter() - started
        asked = time.perf_counter()
        tick(MEASURING)
        case = by_road(case, run.deadline_seconds)
        measuring, asked = time.perf_counter() - asked, time.perf_counter()
        answer, lost = self._answer(run, case, _setting(case, kept), tick)
        seconds = {"read": reading, "roads": measuring, "answer": time.perf_counter() - asked}
        store(run.id, case, answer, lost=lost, seconds=seconds, kept=kept)
        return None

    def _answer(self, run: PlanRun, case: Case, setting: Setting, tick: "_Pulse") -> tuple[Answer, bool]:
        """The process's answer, else that of a fresh one solving greedily. Raises Lost when that one fails
        too, Unwanted."""
        try:
            task = Task(case.problem, run.seed, run.deadline_seconds, setting, case.orders, _keep())
            return self.process.ask(task, run.deadline_seconds + GRACE_SECONDS, tick), False
        except Lost:
            logger("planner").warning("planning process lost", plan=str(run.public_id))
        self._renew()
        try:
            least = Setting(floors=setting.floors)
            task = Task(case.problem, run.seed, 0.0, least, case.orders, _keep())
            return self.process.ask(task, GREEDY_SECONDS, tick), True
        except Lost:
            self._renew()
            raise


class _Pulse:
    """Keeps the lease and tells how far the work is, now and then; raises Unwanted when it is in vain."""

    def __init__(self, plan_id: int, lease_seconds: int, stopped: threading.Event) -> None:
        self._plan_id, self._lease, self._stopped = plan_id, lease_seconds, stopped
        self._began = self._last = time.monotonic()
        self.phase = READING

    def __call__(self, phase: str) -> None:
        self.phase = phase
        if self._stopped.is_set():
            raise Unwanted
        now = time.monotonic()
        if now - self._last < HEARTBEAT_SECONDS:
            return
        self._last = now
        said = {"phase": phase, "seconds": round(now - self._began, 1)}
        with db.transaction(SYSTEM, "plan.progress") as tx:
            if not plans.progress(tx, self._plan_id, said, self._lease):
                raise Unwanted


def read(run: PlanRun) -> Case:
    """The rows of a request as a Problem, without reserve floors. Raises as boards.problem.build."""
    return read_within(run)[0]


def read_within(
    run: PlanRun, pools: Warm | None = None, tick: Callable[[str], None] = lambda _: None
) -> tuple[Case, tuple[Kept, ...]]:
    """The rows of a request as a Problem, with whom neighbours could lend, and the reserve floors that it
    meets. ``pools`` are what is in memory already; ``tick`` is called with the phase now and then, and may
    raise. Raises as `read`."""
    memory = pools if pools is not None else Warm()

    def pool(tx: Tx, area: str) -> Pool:
        return memory.pool(tx, area, tick=lambda: tick(READING))

    with db.read(SYSTEM) as tx:
        if not tx.connection().in_nested_transaction():  # as a test's is, whose moment is its own
            tx.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        incident = tx.get_one(Incident, run.incident_id)
        if run.predecessor_id is not None:
            case = again.build(tx, incident, run.pool_area, pool)
        else:
            case = board.build(tx, incident, run.pool_area, pool, waves.reach_of(tx, run.id))
        kept = floors.of_case(tx, incident, run.pool_area, case, pool, run.broken_floors or ())
        lenders = neighbours.groups(tx, incident, run.pool_area, case)
        reachable = funnel.reachable(tx, case.volunteers)
        digest = floors.digest(case.digest, kept)
        return replace(case, digest=digest, lenders=lenders, reachable=reachable), kept


def store(
    plan_id: int,
    case: Case,
    answer: Answer,
    *,
    lost: bool,
    seconds: dict[str, float],
    kept: Sequence[Kept] = (),
) -> None:
    """Freezes an answer made within the floors ``kept``; one in which the checker found a fault ends the
    request instead."""
    if answer.findings:
        faults = sorted({finding.code for finding in answer.findings})
        logger("planner").error("a plan broke a rule and was not kept", plan_id=plan_id, faults=faults)
        return _fail(plan_id, "plan.check")
    document = plan_document.result(case, answer, lost=lost, seconds=seconds)
    document["floors"] = floor_document.document(kept, answer.plan, answer.floors)
    if answer.again is not None:
        changed = replan_document.document(case, answer.again)
        asked = {(one["volunteer"], one["after"]) for one in changed["changes"]}
        pairs = [one for one in document["pairs"] if (one["volunteer"], one["slot"]) in asked]
        document |= {"difference": changed, "pairs": pairs, "reserves": [], "tomorrow": None}
    goal = plan_document.objective(answer.plan)
    with suppress(Refused), db.transaction(SYSTEM, "plan.finish") as tx:  # refused: superseded meanwhile
        plans.finish(tx, plan_id, document, objective=goal, problem_digest=case.digest)
    return None


def _keep() -> int:
    """What keeping an order is worth, in 0.1 minutes."""
    policies: Callouts = policy.load("callouts", Callouts)
    return round(10 * policies.goal.keep)


def _setting(case: Case, kept: Sequence[Kept]) -> Setting:
    seconds = policy.load("callouts", Callouts).goal.remedy_seconds
    return Setting(
        areas=case.areas,
        reachable=case.reachable,
        night=case.night,
        groups=case.lenders or {},
        floors=floors.for_engine(kept),
        remedy_seconds=seconds,
    )


def by_road(case: Case, deadline: float) -> Case:
    """With travel times by road, where a service is configured and answers; the case says which."""
    if case.modes is None:
        return case
    most = min(road_service.SECONDS, deadline)
    found = road_times.for_plan(case, case.modes, seconds=most)
    return replace(found.case, roads=found.ways.value)


def _fail(plan_id: int, code: str) -> None:
    with suppress(Refused), db.transaction(SYSTEM, "plan.fail") as tx:
        plans.fail(tx, plan_id, code)


def _give_back(plan_id: int) -> None:
    """Ends the lease at once, so that the next worker need not wait for it to run out."""
    with db.transaction(SYSTEM, "plan.give_back") as tx:
        plans.progress(tx, plan_id, {}, lease_seconds=-1)
