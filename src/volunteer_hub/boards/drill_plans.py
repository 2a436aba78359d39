"""Drill plans and their occurrences with the names of their areas and the incidents they became."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlmodel import col, select

from volunteer_hub.access.models import Jurisdiction
from volunteer_hub.core.db import Tx
from volunteer_hub.drills import plans, results
from volunteer_hub.drills.models import DrillPlan
from volunteer_hub.drills.results import Result
from volunteer_hub.incidents.models import Incident


@dataclass(frozen=True)
class PlanLine:
    """A drill plan with its area."""

    plan: DrillPlan
    area: Jurisdiction


@dataclass(frozen=True)
class RunLine:
    """An occurrence with what it has shown; ``incident``: what it became, by the id seen outside."""

    result: Result
    incident: uuid.UUID | None


def listed(tx: Tx, *, after: int = 0, limit: int = 50) -> list[PlanLine]:
    """The plans of the actor's areas by id: one more than ``limit`` when there are more. Two queries."""
    return lines(tx, plans.listed(tx, after=after, limit=limit))


def lines(tx: Tx, rows: Sequence[DrillPlan]) -> list[PlanLine]:
    """These plans with their areas, in one query."""
    wanted = select(Jurisdiction).where(col(Jurisdiction.path).in_({row.area for row in rows}))
    areas = {node.path: node for node in tx.exec(wanted)}
    return [PlanLine(row, areas[row.area]) for row in rows]


def runs(tx: Tx, plan: DrillPlan, *, before: int | None = None, limit: int = 50) -> list[RunLine]:
    """The plan's occurrences, the newest first: one more than ``limit`` when there are more. Two queries."""
    return shown(tx, results.of_plan(tx, plan, before=before, limit=limit))


def shown(tx: Tx, found: Sequence[Result]) -> list[RunLine]:
    """These occurrences with their incidents, in one query."""
    ids = [one.run.incident_id for one in found if one.run.incident_id is not None]
    wanted = select(Incident.id, Incident.public_id).where(col(Incident.id).in_(ids))
    known = dict(tx.exec(wanted).all())
    return [RunLine(one, known.get(one.run.incident_id or 0)) for one in found]


def titles(tx: Tx, ids: Collection[int]) -> dict[int, str]:
    """The titles of these plans."""
    wanted = select(DrillPlan.id, DrillPlan.title).where(col(DrillPlan.id).in_(ids))
    return dict(tx.exec(wanted).all())
