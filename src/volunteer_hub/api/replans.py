"""Re-plans: a plan in force changed as little as pays. Approved and sent like any other plan."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from volunteer_hub.api.guard import Language, allow
from volunteer_hub.api.pages import OnceOnly, Out
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.flows import replan
from volunteer_hub.mobilization.rules import PlanState

router = APIRouter(tags=["plans"])

_EXAMPLE: JsonDict = {
    "plan": "01980c3e-7a60-7a53-9f1b-3f1c5a0f7d11",
    "state": "ready",
    "said": "1 person changes, 1 gap closes",
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
    """A re-plan and what it changes, null and empty until it is made."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})
    plan: UUID
    state: PlanState
    said: str | None
    kept: int | None = Field(description="people whose orders stay")
    gaps_closed: int | None
    changes: list[ChangeOut]


@router.post("/incidents/{incident_id}/replans", status_code=202, response_model=ReplanOut)
def request(
    incident_id: UUID, actor: Annotated[Actor, allow("plan.request")], language: Language, once: OnceOnly
) -> JSONResponse:
    """Asks for a re-plan of the plan approved last; a worker makes it. Nobody is told anything by this."""
    with db.transaction(actor, "plan.request") as tx:
        return once.run(tx, lambda: _out(replan.request_for(tx, incident_id, language)), 202)


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
