"""Re-plans: a plan in force changed as little as pays. Approved and sent like any other plan."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from volunteer_hub.api.guard import Language, allow
from volunteer_hub.api.pages import In, OnceOnly, Out
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.flows import proposing, replan
from volunteer_hub.incidents import queries
from volunteer_hub.mobilization import proposals
from volunteer_hub.mobilization.rules import PlanState

router = APIRouter(tags=["plans"])

_EXAMPLE: JsonDict = {
    "plan": "01980c3e-7a60-7a53-9f1b-3f1c5a0f7d11",
    "state": "ready",
    "said": "1 person changes, 1 gap closes",
    "because": "Proposed by itself, because since the last plan: 1 person withdrew.",
    "kept": 9,
    "gaps_closed": 1,
    "changes": [
        {
            "volunteer": "01980c3e-7a60-7a53-9f1b-3f1c5a0f7d12",
            "before": None,
            "after": "01980c3e-7a60-7a53-9f1b-3f1c5a0f7d13",
            "why": "Fills an open place.",
        }
    ],
}


class ChangeOut(Out):
    """One person whose order changes; ``before`` and ``after`` are slots, null for none."""

    volunteer: UUID
    before: UUID | None
    after: UUID | None
    why: str


class ReplanOut(Out):
    """A re-plan and what it changes, null and empty until it is made. ``because``: why the program proposes
    it; empty where somebody asked for it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})
    plan: UUID
    state: PlanState
    said: str | None
    because: str
    kept: int | None = Field(description="people whose orders stay")
    gaps_closed: int | None
    changes: list[ChangeOut]


class RuleIn(In):
    """``most_changes``: 1 to 1000, null switches the rule off. ``reason`` stands in for a second person,
    where one is needed: without it such a re-plan waits for approval."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"most_changes": 3, "reason": "flood night"}]})
    most_changes: int | None = None
    reason: str | None = Field(None, max_length=500)


class RuleOut(Out):
    """The rule in force; off until somebody has set it."""

    model_config = ConfigDict(from_attributes=True)
    most_changes: int | None = None
    reason: str | None = None
    set_at: datetime | None = None


@router.post("/incidents/{incident_id}/replans", status_code=202, response_model=ReplanOut)
def request(
    incident_id: UUID, actor: Annotated[Actor, allow("plan.request")], language: Language, once: OnceOnly
) -> JSONResponse:
    """Asks for a re-plan of the plan approved last; a worker makes it. Nobody is told anything by this."""
    with db.transaction(actor, "plan.request") as tx:
        return once.run(tx, lambda: _out(replan.request_for(tx, incident_id, language)), 202)


@router.get("/incidents/{incident_id}/replan-rule")
def rule(incident_id: UUID, actor: Annotated[Actor, allow("plan.read")]) -> RuleOut:
    """Whether re-plans of the incident are applied by themselves, and up to how many orders."""
    with db.read(actor) as tx:
        found = proposals.rule(tx, queries.find(tx, "plan.read", incident_id).id)
        return RuleOut.model_validate(found) if found is not None else RuleOut()


@router.put("/incidents/{incident_id}/replan-rule")
def set_rule(incident_id: UUID, body: RuleIn, actor: Annotated[Actor, allow("plan.approve")]) -> RuleOut:
    """Lets re-plans that the program proposes be applied by themselves, while they change at most so many
    orders and move nobody who has said yes; null: never. It stays in force until it is changed."""
    with db.transaction(actor, "plan.rule") as tx:
        incident = queries.find(tx, "plan.approve", incident_id)
        return RuleOut.model_validate(proposing.set_rule(tx, incident, body.most_changes, body.reason))


@router.get("/plans/{plan_id}/difference")
def difference(plan_id: UUID, actor: Annotated[Actor, allow("plan.read")], language: Language) -> ReplanOut:
    """What a re-plan changes: who is asked to another place, who is new, whose place is lost, and why."""
    with db.read(actor) as tx:
        return _out(replan.read(tx, plan_id, language))


def _out(report: replan.Report) -> ReplanOut:
    told = report.difference
    return ReplanOut(
        plan=report.plan.public_id,
        state=report.plan.state,
        said=told.said if told is not None else None,
        because=report.because,
        kept=told.kept if told is not None else None,
        gaps_closed=told.closed if told is not None else None,
        changes=[
            ChangeOut(
                volunteer=report.people[one.volunteer],
                before=report.slots.get(one.before or 0),
                after=report.slots.get(one.after or 0),
                why=one.why,
            )
            for one in (told.changes if told is not None else ())
        ],
    )
