"""Improvement actions with the names they go by: areas, owners, incidents, drills; how old they are."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import col, select

from volunteer_hub.access.models import Account, Jurisdiction
from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.drills.models import DrillPlan, DrillRun
from volunteer_hub.feedback import actions_queries as queries
from volunteer_hub.feedback.actions_models import ActionStep, Finding, ImprovementAction, Voice
from volunteer_hub.feedback.actions_policy import Actions
from volunteer_hub.feedback.actions_rules import WORKED_ON
from volunteer_hub.incidents.models import Incident


@dataclass(frozen=True)
class Line:
    """An action as it is read. ``raised``: how many raised it, ``told`` how many of them know; ``incidents``:
    inner id -> outer id of those its findings come from."""

    action: ImprovementAction
    area: Jurisdiction
    owner: Account | None
    overdue: bool
    retest: DrillPlan | None
    findings: tuple[Finding, ...]
    incidents: Mapping[int, uuid.UUID]
    raised: int
    told: int


@dataclass(frozen=True)
class Stage:
    """One step of an action's way, with who took it and, where a drill judged it, its incident."""

    step: ActionStep
    by: str | None
    incident: uuid.UUID | None


@dataclass(frozen=True)
class Span:
    """Ages of at least ``least`` and less than ``below`` days."""

    least: int
    below: int | None


@dataclass(frozen=True)
class Cell:
    """How many actions, how many of them overdue."""

    actions: int = 0
    overdue: int = 0


@dataclass(frozen=True)
class Row:
    """The actions of one owner by age; nobody's where ``owner`` is None."""

    owner: Account | None
    cells: tuple[Cell, ...]

    @property
    def whole(self) -> Cell:
        """All ages together."""
        return Cell(sum(cell.actions for cell in self.cells), sum(cell.overdue for cell in self.cells))


@dataclass(frozen=True)
class Ages:
    """What is not done yet, by owner and age; nobody's first, then who has most overdue."""

    spans: tuple[Span, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Heard:
    """What the page behind somebody's link shows: what they had raised, and what was changed."""

    voice: Voice
    action: ImprovementAction
    finding: Finding
    zone: str


def lines(tx: Tx, rows: Sequence[ImprovementAction]) -> list[Line]:
    """These actions with their names; the number of queries does not grow with them."""
    ids = [row.id for row in rows]
    here = select(Jurisdiction).where(col(Jurisdiction.path).in_({row.area for row in rows}))
    areas = {node.path: node for node in tx.exec(here)}
    owners = _accounts(tx, {row.owner_id for row in rows})
    bound = select(DrillPlan).where(col(DrillPlan.id).in_({row.retest_plan_id for row in rows} - {None}))
    plans = {plan.id: plan for plan in tx.exec(bound)}
    found, heard = queries.findings(tx, ids), queries.heard(tx, ids)
    about = {one.incident_id for some in found.values() for one in some} - {None}
    known = dict(tx.exec(select(Incident.id, Incident.public_id).where(col(Incident.id).in_(about))).all())
    return [
        Line(
            action=row,
            area=areas[row.area],
            owner=owners.get(row.owner_id or 0),
            overdue=row.due_at is not None and row.due_at <= tx.now and row.state in WORKED_ON,
            retest=plans.get(row.retest_plan_id or 0),
            findings=tuple(found[row.id]),
            incidents=known,
            raised=heard[row.id][0],
            told=heard[row.id][1],
        )
        for row in rows
    ]


def way(tx: Tx, action: ImprovementAction) -> list[Stage]:
    """Every step of an action, the newest first, in three queries."""
    steps = queries.steps(tx, action)
    names = _accounts(tx, {step.account_id for step in steps})
    run_ids = {step.run_id for step in steps} - {None}
    held = (
        select(DrillRun.id, Incident.public_id)
        .join(Incident, col(Incident.id) == col(DrillRun.incident_id))
        .where(col(DrillRun.id).in_(run_ids))
    )
    incidents = dict(tx.exec(held).all())
    return [
        Stage(
            step,
            names[step.account_id].name if step.account_id in names else None,
            incidents.get(step.run_id or 0),
        )
        for step in reversed(steps)
    ]


def ages(tx: Tx) -> Ages:
    """The ageing board of the actor's areas."""
    rules: Actions = policy.load("actions", Actions)
    bounds = (0, *rules.age_days)
    spans = tuple(Span(least, below) for least, below in zip(bounds, (*rules.age_days, None), strict=True))
    cells: dict[int | None, list[Cell]] = {}
    for one in queries.ages(tx, rules.age_days):
        row = cells.setdefault(one.owner_id, [Cell()] * len(spans))
        row[one.span] = Cell(one.actions, one.overdue)
    owners = _accounts(tx, cells.keys())
    rows = [Row(owners.get(key or 0), tuple(some)) for key, some in cells.items()]
    rows.sort(key=lambda row: (row.owner is not None, -row.whole.overdue, -row.whole.actions, _name(row)))
    return Ages(spans, tuple(rows))


def heard(tx: Tx, token: str) -> Heard:
    """What a link shows; reads only. Raises NotFound for an unknown token."""
    voice = queries.by_token(tx, token)
    action = tx.get_one(ImprovementAction, voice.action_id)
    zone = tx.exec(select(Jurisdiction.zone).where(col(Jurisdiction.path) == voice.area)).one()
    return Heard(voice, action, tx.get_one(Finding, voice.finding_id), zone)


def _name(row: Row) -> str:
    return row.owner.name if row.owner is not None else ""


def _accounts(tx: Tx, ids: Collection[int | None]) -> dict[int | None, Account]:
    wanted = select(Account).where(col(Account.id).in_(set(ids) - {None}))
    return {one.id: one for one in tx.exec(wanted)}
