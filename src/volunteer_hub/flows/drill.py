"""Drills by the calendar: what is due becomes a drill's incident and walks the road of a real callout.

Four deeds, each in one transaction, so that any worker goes on where another was killed:
1. `sweep`: an occurrence is recorded and its incident declared, with a plan asked for, or neither.
2. A worker solves the plan, as any other.
3. `progress`: the plan that is ready is approved by policy and sent, or neither.
4. `progress`: when its time is over, the figures are recorded and people are paid, released and asked how
   it was.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import col, select

from volunteer_hub.access import jurisdictions
from volunteer_hub.access.models import Jurisdiction
from volunteer_hub.boards import drilled
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import SYSTEM
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Refused
from volunteer_hub.core.i18n import LANGUAGES, t
from volunteer_hub.core.log import logger
from volunteer_hub.drills import due, results
from volunteer_hub.drills.models import DrillPlan, DrillRun
from volunteer_hub.drills.policy import Drills
from volunteer_hub.drills.rules import Kind, RunState
from volunteer_hub.flows import close, declare, mobilize, plan, settle
from volunteer_hub.incidents import logbook, templates
from volunteer_hub.incidents.models import Incident, Task
from volunteer_hub.incidents.policy import Hazards
from volunteer_hub.incidents.rules import (
    MOST_HEADS,
    OPEN,
    IncidentSpec,
    LogKind,
    SlotSpec,
    Source,
    TaskSpec,
)
from volunteer_hub.incidents.rules import Kind as IncidentKind
from volunteer_hub.mobilization import callouts, plans
from volunteer_hub.mobilization.models import Callout, PlanRun
from volunteer_hub.mobilization.rules import PlanState

REASON: Final = "drill plan"
_LOWEST_LEVEL: Final = 4
_PLAN_TRIES: Final = 2
_BATCH: Final = 50
_TITLE: Final = 120
_log = logger("drill")


def sweep() -> int:
    """The sweep over drill plans that are due; how many occurrences were recorded."""
    with db.transaction(SYSTEM, "drill.claim") as tx:
        ids = due.claim(tx)
    return sum(_safely(plan_id, _take, "drill.start") for plan_id in ids)


def progress() -> int:
    """The sweep over all drills that are being held: one that waits a day for its paper keeps no other
    waiting. How many went a step further."""
    further, last = 0, 0
    while ids := _held(last):
        further += sum(_safely(run_id, _go_on, "drill.progress") for run_id in ids)
        last = ids[-1]
    return further


def _held(after: int) -> Sequence[int]:
    """The next of the drills that are being held, by id."""
    held = (col(DrillRun.incident_id).is_not(None)) & (col(DrillRun.figures).is_(None))
    wanted = select(DrillRun.id).where(held, col(DrillRun.id) > after).order_by(col(DrillRun.id))
    with db.read(SYSTEM) as tx:
        return tx.exec(wanted.limit(_BATCH)).all()


def run_now(tx: Tx, drill: DrillPlan) -> DrillRun:
    """Holds a drill on demand, outside its rule. Raises as `due.run_now`, and Refused with nobody to call."""
    run = due.run_now(tx, drill)
    _start(tx, drill, run)
    if run.state is RunState.SKIPPED:
        raise Refused("drill.nobody")
    return run


def _safely(key: int, deed: Callable[[Tx, int], int], action: str) -> int:
    """One row in a transaction of its own: a drill that fails must not keep the others waiting."""
    try:
        with db.transaction(SYSTEM, action) as tx:
            return deed(tx, key)
    except Exception as error:
        _log.error("drill failed", action=action, row=key, exc_info=error)
        return 0


def _take(tx: Tx, plan_id: int) -> int:
    runs = due.take(tx, plan_id, policy.load("drills", Drills))
    drill = tx.get_one(DrillPlan, plan_id)
    for run in runs:
        if run.state is RunState.RUN:
            _start(tx, drill, run)
    return len(runs)


def _start(tx: Tx, drill: DrillPlan, run: DrillRun) -> None:
    """Declares the incident of an occurrence and asks for its plan; without anybody to call, says so."""
    people = len(drilled.called(tx, drill, run.occurrence))
    if not people:
        due.nobody(tx, run)
        return
    node = jurisdictions.by_path(tx, drill.area)
    spec = IncidentSpec(
        area=drill.area,
        hazard=drill.hazard,
        lat=node.lat,
        lon=node.lon,
        title=drill.title,
        kind=IncidentKind.DRILL,
        source=Source.DRILL,
        level=_LOWEST_LEVEL,  # a drill claims no graver level than anybody may start
        drill_plan_id=drill.id,
        occurrence=run.occurrence,
    )
    incident = declare.declare(tx, spec, tasks=_tasks(tx, drill, node, people))
    due.held(tx, run, incident.id)
    plan.request(tx, incident, pool_area=drill.area)


def _tasks(tx: Tx, drill: DrillPlan, node: Jurisdiction, people: int) -> tuple[TaskSpec, ...]:
    """What people are asked to: in a muster the hazard's own tasks, else one that is only to be answered.

    They begin when the time to answer is over, so that nobody is missed before.
    """
    starts_at = tx.now + timedelta(minutes=drill.answer_minutes)
    if drill.kind is Kind.ASSEMBLY:
        hazards = policy.load("hazards", Hazards)
        return templates.task_specs(
            hazards, drill.hazard, lat=node.lat, lon=node.lon, starts_at=starts_at, lang=tx.actor.lang
        )
    heads = min(people, MOST_HEADS)
    only_answer = " / ".join(t(lang, "drill.answer_only") for lang in reversed(LANGUAGES))
    return (
        TaskSpec(
            title=f"{drill.title[:_TITLE]} – {only_answer}",
            place=" / ".join(node.name[lang] for lang in reversed(LANGUAGES)),
            lat=node.lat,
            lon=node.lon,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(hours=1),
            outdoor=False,
            # Nobody has to come: a page left open for some minutes must not make a yes into "too late".
            slots=(SlotSpec(minimum=0, target=heads, maximum=heads, useful_minutes=0),),
        ),
    )


def _go_on(tx: Tx, run_id: int) -> int:
    """The next step of one drill, if its time has come; 0 where there is none, or another worker is at it."""
    wanted = select(DrillRun).where(col(DrillRun.id) == run_id, col(DrillRun.figures).is_(None))
    run = tx.exec(wanted.with_for_update(skip_locked=True, key_share=True)).first()
    if run is None or run.incident_id is None:
        return 0
    incident = tx.get_one(Incident, run.incident_id)
    if incident.state not in OPEN:
        return _finish(tx, run, incident)
    called = callouts.of_incident(tx, incident.id)
    if not called:
        return _send(tx, run, incident)
    if tx.now < _end(tx, run, called[-1]):
        return 0
    return _finish(tx, run, incident)


def _send(tx: Tx, run: DrillRun, incident: Incident) -> int:
    """Approves the plan by policy and sends its callout; with nobody to ask, the drill is over."""
    latest = plans.latest(tx, incident.id)
    if latest is None or latest.state in (PlanState.FAILED, PlanState.SUPERSEDED):
        return _plan_again(tx, run, incident)
    if latest.state not in (PlanState.READY, PlanState.APPROVED):
        return 0
    if latest.state is PlanState.READY:
        latest = plan.approve(tx, latest.public_id, REASON)
    drill = tx.get_one(DrillPlan, run.plan_id)
    try:
        with tx.begin_nested():
            mobilize.send(tx, latest, answer_minutes=drill.answer_minutes, on_paper=drill.on_paper)
    except Refused as error:
        _log.info("drill not sent", run=run.id, why=error.code)
        return _finish(tx, run, incident)
    logbook.record(tx, incident, LogKind.CALLOUT, "drill_called")
    tx.flush()
    return 1


def _plan_again(tx: Tx, run: DrillRun, incident: Incident) -> int:
    tries = select(PlanRun.id).where(col(PlanRun.incident_id) == incident.id)
    if len(tx.exec(tries).all()) >= _PLAN_TRIES:
        return _finish(tx, run, incident)
    plan.request(tx, incident, pool_area=incident.area)
    return 1


def _end(tx: Tx, run: DrillRun, callout: Callout) -> datetime:
    """When it is over: the time to answer, or the last of the work where people come; on paper, once there
    was time to key it in."""
    hours = policy.load("drills", Drills).paper_hours if callout.on_paper else 0
    drill = tx.get_one(DrillPlan, run.plan_id)
    if drill.kind is Kind.REACHABILITY:
        return callout.answer_by + timedelta(hours=hours)
    ends = select(Task.ends_at).where(col(Task.incident_id) == callout.incident_id)
    return max(tx.exec(ends).all()) + timedelta(hours=hours)


def _finish(tx: Tx, run: DrillRun, incident: Incident) -> int:
    """Records the figures for good, pays who only had to answer, and closes what is still open."""
    drills = policy.load("drills", Drills)
    record = drilled.record(tx, incident, drills.report_minutes)
    results.record(tx, run, record, drills)
    if tx.get_one(DrillPlan, run.plan_id).kind is Kind.REACHABILITY:
        settle.drill(tx, incident, drilled.answered(tx, incident.id))
    asked, answered = record.figures.notified, record.figures.acknowledged
    logbook.record(tx, incident, LogKind.CALLOUT, "drill_ended", asked=asked, answered=answered)
    if incident.state in OPEN:
        close.close(tx, incident)
    tx.flush()
    return 1
