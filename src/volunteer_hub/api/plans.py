"""Plans of an incident: asked for, watched, read in words and figures, approved."""

import json
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import ConfigDict, Field

from volunteer_hub.api.guard import Language, allow
from volunteer_hub.api.pages import In, OnceOnly, Out
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.flows import plan, plan_why
from volunteer_hub.flows.floor_words import FloorView
from volunteer_hub.flows.insight_words import TomorrowView
from volunteer_hub.flows.plan import GapView, Report
from volunteer_hub.mobilization.plans import LONGEST_DEADLINE
from volunteer_hub.mobilization.rules import PlanState

router = APIRouter(tags=["plans"])


class PlanIn(In):
    """What is not given is as configured; without a pool, people of the incident's district may be chosen."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {},
                {"deadline_seconds": 30, "seed": 7},
                {
                    "break_floors": ["01980c3e-7a60-7a53-9f1b-3f1c5a0f7d11"],
                    "break_reason": "The dyke is giving way; Datong has been told.",
                },
            ]
        }
    )
    deadline_seconds: float | None = Field(None, gt=0, le=LONGEST_DEADLINE)
    seed: int | None = Field(None, ge=0, lt=2**63)
    pool: UUID | None = Field(None, description="the jurisdiction whose people may be chosen")
    break_floors: list[UUID] = Field([], max_length=100, description="floors that it may go below")
    break_reason: str | None = Field(None, max_length=500, description="needed to break a floor")


class ApprovalIn(In):
    """Above a configured number of people, or at night, a reason stands in for a second person."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "The water rises; nobody else is up."}]}
    )
    reason: str | None = Field(None, max_length=500, pattern=r"^[^\x00]*$")
    confidence: float | None = Field(
        None, gt=0, lt=1, description="how sure each minimum shall be; as configured when left out"
    )


class PairOut(Out):
    """Somebody chosen; ``stands`` tells by how much worse they could have it and still be."""

    slot: UUID
    volunteer: UUID
    km: float
    minutes: int = Field(description="of travel")
    why: str
    stands: str
    successor: UUID | None = Field(description="who would come in their stead")


class StepOut(Out):
    step: str
    people: int


class RemedyOut(Out):
    """A change that was tried out: the plan with it made again, and what that brought."""

    kind: str
    what: str
    effect: str
    closes: int = Field(description="places, over the whole plan")
    people: list[UUID] = Field(description="whom it is about; none for people of other areas")


class GapOut(Out):
    """Heads that stay open, and why; ``left`` is how many people each rule left, in order."""

    slot: UUID
    short: int
    below_minimum: bool
    what: str
    why: str
    left: list[StepOut]
    together: str = Field(description="of slots that cannot all be filled, whoever goes where; may be empty")
    group: list[UUID]
    remedies: list[RemedyOut] = Field(description="those that close most first")


class TomorrowOut(Out):
    """The next night: how many people fewer are rested, and of which skills fewest are left where."""

    starts: datetime
    ends: datetime
    lost: int
    what: str
    worst: list[str]


class FloorToldOut(Out):
    """A reserve floor that holds people back, with its price, or that was broken; ``floor`` is null when it
    has been removed since, the figures are null where nobody knows."""

    floor: UUID | None
    what: str
    said: str
    binds: bool
    broken: bool
    heads: int | None = Field(description="places more that would be filled without it")
    minutes: int | None = Field(description="of way and tiredness that would be saved without it")


class ResultOut(Out):
    proven: bool
    state: str
    figures: str
    compared: str = Field(description="what filling place by place would have done; may be empty")
    tomorrow: TomorrowOut | None
    funnel: list[StepOut]
    pairs: list[PairOut]
    gaps: list[GapOut]
    floors: list[FloorToldOut]
    seconds: float


class SlotWhyOut(Out):
    """``would``: what it would take for the person to be chosen, all of it together; may be empty."""

    slot: UUID
    chosen: bool
    why: str
    obstacles: list[str]
    would: str


class PersonOut(Out):
    """Why somebody is in a plan or not: their slots, those nearest to being theirs first."""

    volunteer: UUID
    said: str
    slots: list[SlotWhyOut]


class ProgressOut(Out):
    phase: str | None
    seconds: float


class PlanOut(Out):
    """``second_needed``: one person has approved, and a second is still to."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01980c3e-7a60-7a53-9f1b-3f1c5a0f7d11",
                    "incident": "01980c3e-7a4e-7c11-8d07-7d0a6f4a9b52",
                    "pool": "01980c3e-7a33-7b07-a9a6-0a4d1c7d3e90",
                    "state": "requested",
                    "requested_at": "2031-01-20T06:00:00Z",
                    "finished_at": None,
                    "deadline_seconds": 20,
                    "seed": 7,
                    "break_floors": [],
                    "break_reason": None,
                    "attempts": 0,
                    "progress": None,
                    "failure": None,
                    "second_needed": False,
                    "approved_at": None,
                    "result": None,
                }
            ]
        }
    )
    id: UUID
    incident: UUID
    pool: UUID
    state: PlanState
    requested_at: datetime
    finished_at: datetime | None
    deadline_seconds: float
    seed: int
    break_floors: list[UUID]
    break_reason: str | None
    attempts: int
    progress: ProgressOut | None
    failure: str | None
    second_needed: bool
    approved_at: datetime | None
    result: ResultOut | None


@router.post("/incidents/{incident_id}/plans", status_code=202, response_model=PlanOut)
def request(
    incident_id: UUID,
    body: PlanIn,
    actor: Annotated[Actor, allow("plan.request")],
    language: Language,
    once: OnceOnly,
) -> JSONResponse:
    """Asks for a plan; a worker makes it. Watch it at the address in Location."""
    with db.transaction(actor, "plan.request") as tx:

        def deed() -> PlanOut:
            run = plan.request_for(
                tx,
                incident_id,
                deadline_seconds=body.deadline_seconds,
                seed=body.seed,
                pool=body.pool,
                breaking=body.break_floors,
                reason=body.break_reason,
            )
            return _out(plan.report(tx, run, language))

        answer = once.run(tx, deed, 202)
    answer.headers["Location"] = f"/api/v1/plans/{json.loads(bytes(answer.body))['id']}"
    return answer


@router.get("/plans/{plan_id}")
def read(plan_id: UUID, actor: Annotated[Actor, allow("plan.read")], language: Language) -> PlanOut:
    """A plan: how far it is, then who goes where, why, and what stays open."""
    with db.read(actor) as tx:
        return _out(plan.read(tx, plan_id, language))


@router.get("/plans/{plan_id}/people/{volunteer_id}")
def person(
    plan_id: UUID, volunteer_id: UUID, actor: Annotated[Actor, allow("plan.read")], language: Language
) -> PersonOut:
    """Why somebody is in a plan or not, and what would have to be otherwise, as they stand now."""
    with db.read(actor) as tx:
        told = plan_why.read(tx, plan_id, volunteer_id, language)
        return PersonOut(
            volunteer=told.person.volunteer.public_id,
            said=told.person.said,
            slots=[
                SlotWhyOut(
                    slot=told.slots[one.slot],
                    chosen=one.chosen,
                    why=one.why,
                    obstacles=list(one.obstacles),
                    would=one.would,
                )
                for one in told.person.slots
            ],
        )


@router.post("/plans/{plan_id}/approve", response_model=PlanOut)
def approve(
    plan_id: UUID,
    body: ApprovalIn,
    actor: Annotated[Actor, allow("plan.approve")],
    language: Language,
    once: OnceOnly,
) -> JSONResponse:
    """Approves a plan that is ready. Nothing is sent by this."""
    with db.transaction(actor, "plan.approve") as tx:

        def deed() -> PlanOut:
            approved = plan.approve(tx, plan_id, body.reason, body.confidence)
            return _out(plan.report(tx, approved, language))

        return once.run(tx, deed)


def _out(report: Report) -> PlanOut:
    run = report.run
    return PlanOut(
        id=run.public_id,
        incident=report.incident,
        pool=report.pool,
        state=run.state,
        requested_at=run.requested_at,
        finished_at=run.finished_at,
        deadline_seconds=run.deadline_seconds,
        seed=run.seed,
        break_floors=[report.floor_ids[one] for one in run.broken_floors or () if one in report.floor_ids],
        break_reason=run.floors_reason,
        attempts=run.attempts,
        progress=ProgressOut(phase=report.phase, seconds=run.progress.get("seconds", 0.0))
        if report.phase is not None
        else None,
        failure=report.failure,
        second_needed=run.state is PlanState.READY and run.approved_by is not None,
        approved_at=run.approved_at,
        result=_result(report),
    )


def _result(report: Report) -> ResultOut | None:
    view = report.view
    if view is None:
        return None
    return ResultOut(
        proven=view.proven,
        state=view.state,
        figures=view.figures,
        compared=view.compared,
        tomorrow=_tomorrow(view.tomorrow),
        funnel=[StepOut(step=step, people=people) for step, people in view.funnel],
        pairs=[
            PairOut(
                slot=report.slots[pair.slot],
                volunteer=report.people[pair.volunteer],
                km=pair.km,
                minutes=pair.minutes,
                why=pair.why,
                stands=pair.stands,
                successor=report.people.get(pair.successor) if pair.successor is not None else None,
            )
            for pair in view.pairs
        ],
        gaps=[_gap(gap, report) for gap in view.gaps],
        floors=[_floor(floor, report) for floor in report.floors.floors],
        seconds=view.seconds,
    )


def _tomorrow(night: TomorrowView | None) -> TomorrowOut | None:
    if night is None:
        return None
    return TomorrowOut(
        starts=night.starts, ends=night.ends, lost=night.lost, what=night.what, worst=list(night.worst)
    )


def _floor(floor: FloorView, report: Report) -> FloorToldOut:
    return FloorToldOut(
        floor=report.floor_ids.get(floor.floor),
        what=floor.what,
        said=floor.said,
        binds=floor.binds,
        broken=floor.broken,
        heads=floor.heads,
        minutes=floor.minutes,
    )


def _gap(gap: GapView, report: Report) -> GapOut:
    return GapOut(
        slot=report.slots[gap.slot],
        short=gap.short,
        below_minimum=gap.below_minimum,
        what=gap.what,
        why=gap.why,
        left=[StepOut(step=step, people=people) for step, people in gap.left],
        together=gap.together,
        group=[report.slots[slot] for slot in gap.group],
        remedies=[
            RemedyOut(
                kind=one.kind,
                what=one.what,
                effect=one.effect,
                closes=one.closes,
                people=[report.people[who] for who in one.people if who in report.people],
            )
            for one in gap.remedies
        ],
    )
