"""Drills on a calendar rule: plans, the next occurrences, what each has shown."""

import uuid
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse
from pydantic import ConfigDict, Field

from volunteer_hub.api.guard import allow
from volunteer_hub.api.incidents import required
from volunteer_hub.api.jurisdictions import AreaOut, Code, area_out
from volunteer_hub.api.pages import Cursor, In, Limit, OnceOnly, Out, Page, Version, etag, page
from volunteer_hub.boards import drill_plans as board
from volunteer_hub.boards import drill_result
from volunteer_hub.boards.drill_plans import PlanLine, RunLine
from volunteer_hub.boards.drill_result import DrillResult
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_cursor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Refused
from volunteer_hub.drills import plans, results
from volunteer_hub.drills.models import DrillPlan
from volunteer_hub.drills.plans import Ahead
from volunteer_hub.drills.record import By
from volunteer_hub.drills.rules import (
    LONGEST_ANSWER_MINUTES,
    LONGEST_JITTER_MINUTES,
    LONGEST_TITLE,
    PARTS,
    Figures,
    Kind,
    Misfire,
    Notice,
    PlanSpec,
    PlanState,
    RunState,
    Skipped,
)
from volunteer_hub.flows import drill, drill_plans

router = APIRouter(tags=["drills"])

Rule = Annotated[
    str, Field(min_length=1, max_length=300, description="cron of five fields, or iCalendar RRULE")
]
Zone = Annotated[str, Field(min_length=1, max_length=64, description="name of the IANA database")]
_PLAN: dict[str, Any] = {
    "area": "230602",
    "title": "Monthly reachability check",
    "hazard": "flood",
    "rule": "FREQ=MONTHLY;BYDAY=2TU;BYHOUR=10;BYMINUTE=0",
    "kind": "reachability",
    "notice": "partial",
    "share_percent": 10,
    "answer_minutes": 60,
}


class DrillIn(In):
    """A drill plan. Without a zone: that of its area."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PLAN]})
    area: Code
    title: str = Field(min_length=1, max_length=LONGEST_TITLE)
    hazard: str = Field(max_length=100)
    rule: Rule
    zone: Zone | None = None
    kind: Kind
    notice: Notice = Notice.PARTIAL
    share_percent: int = Field(ge=1, le=100)
    answer_minutes: int = Field(ge=1, le=LONGEST_ANSWER_MINUTES)
    misfire: Misfire = Misfire.LATEST
    skills: list[str] = Field(default_factory=list, max_length=50)
    jitter_minutes: int = Field(default=0, ge=0, le=LONGEST_JITTER_MINUTES)
    on_paper: bool = Field(False, description="as if the network were down: nothing is sent")


class DrillChange(In):
    """What is to be different; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"share_percent": 20}]})
    title: str | None = Field(default=None, min_length=1, max_length=LONGEST_TITLE)
    hazard: str | None = Field(default=None, max_length=100)
    rule: Rule | None = None
    zone: Zone | None = None
    kind: Kind | None = None
    notice: Notice | None = None
    share_percent: int | None = Field(default=None, ge=1, le=100)
    answer_minutes: int | None = Field(default=None, ge=1, le=LONGEST_ANSWER_MINUTES)
    misfire: Misfire | None = None
    skills: list[str] | None = Field(default=None, max_length=50)
    jitter_minutes: int | None = Field(default=None, ge=0, le=LONGEST_JITTER_MINUTES)
    on_paper: bool | None = None


class DrillOut(Out):
    """A drill plan. ``version`` is its ETag; ``next_at``, by its rule, null while it is paused. It starts up
    to ``jitter_minutes`` later, at a time that is told to nobody."""

    id: uuid.UUID
    area: AreaOut
    title: str
    hazard: str
    rule: str
    zone: str
    kind: Kind
    notice: Notice
    share_percent: int
    answer_minutes: int
    misfire: Misfire
    skills: list[str]
    jitter_minutes: int
    on_paper: bool
    state: PlanState
    next_at: datetime | None
    version: int


class AheadOut(Out):
    """An occurrence to come; ``blackout`` names the days without drills that it falls into."""

    at: datetime
    blackout: dict[str, str] | None


class FiguresOut(Out):
    """What a drill has shown, in people; ``shares``: minutes -> per cent of those reached who answered, in a
    drill on paper of all who were to be knocked at."""

    notified: int
    delivered: int
    acknowledged: int
    accepted: int
    assembled: int
    on_paper: bool
    shares: dict[int, int | None]


class GroupOut(FiguresOut):
    """The people of one community (its code), skill, hour of the call ("07") or channel. An empty channel:
    nothing reached them."""

    key: str


class RecordOut(Out):
    """What a drill has shown. ``curve``: (minute after being called, how many had answered by then)."""

    id: uuid.UUID
    notice: Notice
    first_notified: datetime | None
    last_notified: datetime | None
    last_acknowledged: datetime | None
    figures: FiguresOut
    curve: list[tuple[int, int]]
    groups: dict[By, list[GroupOut]]


class RunOut(Out):
    """One occurrence: held, with the incident it became, or left out for a reason."""

    id: uuid.UUID
    occurrence: datetime
    state: RunState
    reason: Skipped | None
    incident: uuid.UUID | None
    figures: FiguresOut | None


def _plan(line: PlanLine) -> DrillOut:
    fields = {name: getattr(line.plan, name) for name in DrillOut.model_fields if name not in ("id", "area")}
    return DrillOut(id=line.plan.public_id, area=area_out(line.area), **fields)


def drill_out(tx: Tx, plan: DrillPlan) -> DrillOut:
    """A plan as it is shown."""
    return _plan(board.lines(tx, [plan])[0])


def _tagged(body: DrillOut) -> JSONResponse:
    return JSONResponse(body.model_dump(mode="json"), headers={"ETag": etag(body.version)})


def _ahead(one: Ahead) -> AheadOut:
    name = {"en": one.blackout.en, "zh": one.blackout.zh} if one.blackout is not None else None
    return AheadOut(at=one.at, blackout=name)


def _figures(figures: Figures) -> FiguresOut:
    counts = {part: getattr(figures, part) for part in PARTS}
    return FiguresOut(**counts, on_paper=figures.on_paper, shares=figures.shares())


def _group(shown: DrillResult, by: By, key: str, figures: Figures) -> GroupOut:
    name = shown.communities[key].code if by is By.COMMUNITY else key
    return GroupOut(key=name, **_figures(figures).model_dump())


def _record(shown: DrillResult) -> RecordOut:
    record = shown.line.result.record
    if record is None:
        raise Refused("drill.no_record")
    return RecordOut(
        id=shown.line.result.run.public_id,
        notice=shown.plan.plan.notice,
        first_notified=record.first_notified,
        last_notified=record.last_notified,
        last_acknowledged=record.last_acknowledged,
        figures=_figures(record.figures),
        curve=list(record.curve),
        groups={by: [_group(shown, by, *row) for row in shown.groups(by)] for by in By},
    )


def _run(line: RunLine) -> RunOut:
    run, figures = line.result.run, line.result.figures
    shown = _figures(figures) if figures is not None else None
    return RunOut(
        id=run.public_id,
        occurrence=run.occurrence,
        state=run.state,
        reason=run.reason,
        incident=line.incident,
        figures=shown,
    )


@router.get("/drills", response_model=Page[DrillOut])
def listed(
    actor: Annotated[Actor, allow("drill.read")], limit: Limit = 50, cursor: Cursor = None
) -> Page[DrillOut]:
    """The drill plans of the actor's areas."""
    with db.read(actor) as tx:
        rows = board.listed(tx, after=decode_cursor(cursor) or 0, limit=limit)
        return page(rows, limit, _plan, lambda line: line.plan.id)


@router.post("/drills", status_code=201, response_model=DrillOut)
def create(actor: Annotated[Actor, allow("drill.write")], body: DrillIn, once: OnceOnly) -> Response:
    """Makes a drill plan, due by its rule from now on."""

    def deed() -> DrillOut:
        values = body.model_dump(exclude={"area", "zone", "skills"})
        zone = body.zone or drill_plans.zone_of(tx, body.area)
        spec = PlanSpec(**values, zone=zone, skills=tuple(body.skills))
        return drill_out(tx, drill_plans.create(tx, body.area, spec))

    with db.transaction(actor, "drill.create") as tx:
        return once.run(tx, deed, 201)


@router.get("/drills/preview", response_model=Page[AheadOut])
def preview(
    actor: Annotated[Actor, allow("drill.read")],
    rule: Annotated[str, Query(min_length=1, max_length=300)],
    zone: Annotated[str, Query(min_length=1, max_length=64)] = "Asia/Shanghai",
) -> Page[AheadOut]:
    """The next five occurrences of a rule that is being written."""
    with db.read(actor) as tx:
        return Page(items=[_ahead(one) for one in drill_plans.preview(rule, zone, tx.now)])


@router.get("/drills/{id}", response_model=DrillOut)
def one(actor: Annotated[Actor, allow("drill.read")], id: uuid.UUID) -> JSONResponse:
    """One drill plan, with its ETag."""
    with db.read(actor) as tx:
        return _tagged(drill_out(tx, plans.find(tx, "drill.read", id)))


@router.patch("/drills/{id}", response_model=DrillOut)
def change(
    actor: Annotated[Actor, allow("drill.write")], id: uuid.UUID, body: DrillChange, version: Version
) -> JSONResponse:
    """Changes what is given, when If-Match names the version stored (else 412)."""
    seen = required(version)
    with db.transaction(actor, "drill.change") as tx:
        changes = body.model_dump(exclude_unset=True, exclude_none=True)
        if "skills" in changes:
            changes["skills"] = tuple(changes["skills"])
        plan = drill_plans.change(tx, plans.find(tx, "drill.write", id), seen, **changes)
        return _tagged(drill_out(tx, plan))


@router.post("/drills/{id}/pause", response_model=DrillOut)
def pause(actor: Annotated[Actor, allow("drill.write")], id: uuid.UUID, version: Version) -> JSONResponse:
    """No drill is due until it is resumed. Needs If-Match."""
    seen = required(version)
    with db.transaction(actor, "drill.pause") as tx:
        return _tagged(drill_out(tx, plans.pause(tx, plans.find(tx, "drill.write", id), seen)))


@router.post("/drills/{id}/resume", response_model=DrillOut)
def resume(actor: Annotated[Actor, allow("drill.write")], id: uuid.UUID, version: Version) -> JSONResponse:
    """Due again from now on. Needs If-Match."""
    seen = required(version)
    with db.transaction(actor, "drill.resume") as tx:
        return _tagged(drill_out(tx, plans.resume(tx, plans.find(tx, "drill.write", id), seen)))


@router.get("/drills/{id}/next", response_model=Page[AheadOut])
def following(actor: Annotated[Actor, allow("drill.read")], id: uuid.UUID) -> Page[AheadOut]:
    """The next five occurrences; none while the plan is paused."""
    with db.read(actor) as tx:
        plan = plans.find(tx, "drill.read", id)
        return Page(items=[_ahead(one) for one in drill_plans.ahead(plan, tx.now)])


@router.get("/drills/{id}/runs", response_model=Page[RunOut])
def runs(
    actor: Annotated[Actor, allow("drill.read")], id: uuid.UUID, limit: Limit = 50, cursor: Cursor = None
) -> Page[RunOut]:
    """What became of every hour at which the plan fell due, the newest first."""
    with db.read(actor) as tx:
        plan = plans.find(tx, "drill.read", id)
        rows = board.runs(tx, plan, before=decode_cursor(cursor), limit=limit)
        return page(rows, limit, _run, lambda line: line.result.run.id)


@router.get("/drills/{id}/runs/{run}", response_model=RecordOut)
def record(actor: Annotated[Actor, allow("drill.read")], id: uuid.UUID, run: uuid.UUID) -> RecordOut:
    """The record of one drill: by community, skill, hour and channel. 409 while there is none."""
    with db.read(actor) as tx:
        return _record(drill_result.result(tx, id, run))


@router.post("/drills/{id}/runs", status_code=201, response_model=RunOut)
def run_now(actor: Annotated[Actor, allow("drill.write")], id: uuid.UUID, once: OnceOnly) -> Response:
    """Holds the drill now, outside its rule."""

    def deed() -> RunOut:
        run = drill.run_now(tx, plans.find(tx, "drill.write", id))
        return _run(board.shown(tx, [results.result(run)])[0])

    with db.transaction(actor, "drill.run_now") as tx:
        return once.run(tx, deed, 201)
