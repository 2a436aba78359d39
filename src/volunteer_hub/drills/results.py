"""What drills have shown: figures recorded once, and read as they were."""

import uuid
from dataclasses import dataclass

from sqlmodel import col, select

from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound, Refused
from volunteer_hub.drills import rules
from volunteer_hub.drills.models import DrillPlan, DrillRun
from volunteer_hub.drills.policy import Drills
from volunteer_hub.drills.record import Record
from volunteer_hub.drills.rules import Figures, RunState


@dataclass(frozen=True)
class Result:
    """One occurrence with its record, once there is one."""

    run: DrillRun
    record: Record | None

    @property
    def figures(self) -> Figures | None:
        """The counts of the record."""
        return None if self.record is None else self.record.figures

    @property
    def shares(self) -> dict[int, int | None]:
        """`Figures.shares` of them, none without a record."""
        return {} if self.record is None else self.record.figures.shares()


def record(tx: Tx, run: DrillRun, shown: Record, policy: Drills) -> DrillRun:
    """Freezes the record of a drill that was held; the same one again changes nothing.

    Raises Malformed for figures that cannot be, Refused for a drill not held and for other figures than those
    recorded.
    """
    rules.check_figures(shown.figures, policy.report_minutes)
    tx.refresh(run, with_for_update=True)
    if run.state is not RunState.RUN or run.incident_id is None:
        raise Refused("drill.not_held")
    if run.figures is not None and run.figures != shown.stored():
        raise Refused("drill.recorded")
    if run.figures is None:
        run.figures, run.recorded_at = shown.stored(), tx.now
        tx.flush()
    return run


def of_incident(tx: Tx, incident_id: int) -> DrillRun | None:
    """The occurrence that an incident came from, if it is a drill."""
    return tx.exec(select(DrillRun).where(col(DrillRun.incident_id) == incident_id)).first()


def find(tx: Tx, permission: str, public_id: uuid.UUID) -> DrillRun:
    """The occurrence by the id seen outside. Raises NotFound, for a foreign area too."""
    tx.actor.must(permission)
    wanted = select(DrillRun).where(
        col(DrillRun.public_id) == public_id, tx.actor.scope(permission, DrillRun.area)
    )
    run = tx.exec(wanted).first()
    if run is None:
        raise NotFound("not_found")
    return run


def of_plan(tx: Tx, plan: DrillPlan, *, before: int | None = None, limit: int = 50) -> list[Result]:
    """The plan's occurrences with an id below ``before``, the newest first: one more than ``limit`` when
    there are more."""
    wanted = (
        select(DrillRun)
        .where(col(DrillRun.plan_id) == plan.id, tx.actor.scope("drill.read", DrillRun.area))
        .order_by(col(DrillRun.id).desc())
        .limit(limit + 1)
    )
    if before is not None:
        wanted = wanted.where(col(DrillRun.id) < before)
    return [result(run) for run in tx.exec(wanted)]


def result(run: DrillRun) -> Result:
    """An occurrence with its record as it was frozen."""
    return Result(run, None if run.figures is None else Record.of(run.figures))
