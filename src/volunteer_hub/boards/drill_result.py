"""One drill that was held, with its record by community, skill, hour and channel; and a person's own part."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func
from sqlmodel import col, select

from volunteer_hub.access.models import Jurisdiction
from volunteer_hub.boards import drill_plans
from volunteer_hub.boards.drill_plans import PlanLine, RunLine
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound
from volunteer_hub.drills import plans, results
from volunteer_hub.drills.models import DrillRun
from volunteer_hub.drills.record import By, Record
from volunteer_hub.drills.rules import Figures
from volunteer_hub.mobilization.models import Callout, Offer
from volunteer_hub.volunteers.models import Volunteer

TEAM_MINUTES: Final = 15


@dataclass(frozen=True)
class DrillResult:
    """``communities``: the path of an area -> the area, for the record's groups. ``callout``: whom it asked,
    by the id seen outside; None where nobody was asked."""

    plan: PlanLine
    line: RunLine
    communities: dict[str, Jurisdiction]
    callout: uuid.UUID | None

    def groups(self, by: By) -> list[tuple[str, Figures]]:
        """The record's groups, whoever answers least first; hours by the clock."""
        rows = list(self.line.result.record.groups.get(by, {}).items()) if self.line.result.record else []
        if by is By.HOUR:
            return sorted(rows)
        return sorted(rows, key=lambda row: (row[1].acknowledged / row[1].notified, -row[1].notified, row[0]))


@dataclass(frozen=True)
class OwnResult:
    """A person's part in a drill. ``seconds``: until their answer, None without one; ``team``: per cent of
    those reached in their community who had answered within `TEAM_MINUTES`, None of nobody."""

    title: str
    at: datetime
    seconds: int | None
    team: int | None


def result(tx: Tx, plan_id: uuid.UUID, run_id: uuid.UUID) -> DrillResult:
    """An occurrence of a plan that the actor may read, in five queries. Raises NotFound."""
    plan = plans.find(tx, "drill.read", plan_id)
    run = results.find(tx, "drill.read", run_id)
    if run.plan_id != plan.id:
        raise NotFound("not_found")
    line = drill_plans.shown(tx, [results.result(run)])[0]
    record = line.result.record
    paths = record.groups.get(By.COMMUNITY, {}) if record else {}
    nodes = tx.exec(select(Jurisdiction).where(col(Jurisdiction.path).in_(paths)))
    sent = select(Callout.public_id).where(col(Callout.incident_id) == run.incident_id)
    callout = tx.exec(sent.order_by(col(Callout.id))).first()
    return DrillResult(drill_plans.lines(tx, [plan])[0], line, {node.path: node for node in nodes}, callout)


def own(tx: Tx, volunteer: Volunteer, *, incident_id: int | None = None, limit: int = 5) -> list[OwnResult]:
    """The latest drills that this person was called to and that are over, or that of one incident. The caller
    has shown to be this person."""
    asked = func.min(col(Offer.asked_at))
    wanted = (
        select(DrillRun, asked, func.min(col(Offer.answered_at)))
        .join(Callout, col(Callout.incident_id) == col(DrillRun.incident_id))
        .join(Offer, col(Offer.callout_id) == col(Callout.id))
        .where(
            col(Offer.volunteer_id) == volunteer.id,
            col(Offer.asked_at).is_not(None),
            col(DrillRun.figures).is_not(None),
        )
        .group_by(col(DrillRun.id))
        .order_by(col(DrillRun.id).desc())
        .limit(limit)
    )
    if incident_id is not None:
        wanted = wanted.where(col(DrillRun.incident_id) == incident_id)
    rows = tx.exec(wanted).all()
    titles = drill_plans.titles(tx, {run.plan_id for run, _, _ in rows})
    return [
        OwnResult(titles[run.plan_id], first, _seconds(first, answered), _team(run, volunteer.area))
        for run, first, answered in rows
        if first is not None
    ]


def _seconds(asked: datetime, answered: datetime | None) -> int | None:
    return None if answered is None else max(0, round((answered - asked).total_seconds()))


def _team(run: DrillRun, community: str) -> int | None:
    return Record.of(run.figures or {}).team_share(community, TEAM_MINUTES)
