"""/what-if and /readiness: imagined callouts asked for and read, and how ready communities are."""

import uuid
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import ConfigDict, Field

from volunteer_hub.access import jurisdictions
from volunteer_hub.api.guard import allow
from volunteer_hub.api.jurisdictions import AreaOut, Code, area_out
from volunteer_hub.api.pages import Cursor, In, Limit, OnceOnly, Out, Page, page
from volunteer_hub.boards import readiness as ready
from volunteer_hub.boards import whatif as board
from volunteer_hub.boards.readiness import Line
from volunteer_hub.boards.whatif import CellLine, RunLine
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_cursor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound
from volunteer_hub.drills import whatifs
from volunteer_hub.drills.rules import WhatIfKind, WhatIfState
from volunteer_hub.drills.whatif_models import WhatIfRun
from volunteer_hub.drills.whatifs import MOST_DRAWS
from volunteer_hub.flows import whatif as flow
from volunteer_hub.flows.whatif import Progress
from volunteer_hub.volunteers.skills import taxonomy

router = APIRouter(tags=["what-if"])
Reader = Annotated[Actor, allow("drill.read")]
Writer = Annotated[Actor, allow("drill.write")]
Hour = Annotated[
    int, Field(ge=0, le=13, description="2 x weekday + night: 0 is Monday's day, 1 Monday's night")
]


class WhatIfIn(In):
    """What happens, where and at which hour of the week; without a hazard all of them, in every community of
    the area, at every hour."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"area": "230602", "hazard": "flood", "hour": 1}]}
    )
    area: Code
    hazard: str | None = Field(default=None, max_length=100)
    hour: Hour = 0
    draws: int | None = Field(default=None, ge=1, le=MOST_DRAWS)


class RunOut(Out):
    """A run; ``done`` and ``failed`` of its ``cells``. ``hazard``, ``hour``, ``sure`` (that everything is
    covered at the horizon) and ``result`` are of a single callout."""

    id: uuid.UUID
    area: AreaOut
    kind: WhatIfKind
    state: WhatIfState
    requested_at: datetime
    finished_at: datetime | None
    draws: int
    cells: int
    done: int
    failed: int
    hazard: str | None
    hour: int | None
    sure: float | None
    result: dict[str, Any] | None = None


class CellOut(Out):
    """A cell of a grid."""

    area: AreaOut
    hazard: str
    hour: int
    sure: float | None
    result: dict[str, Any] | None


class ReadyOut(Out):
    """A community and its parts for a skill; ``step`` 1 to 5, 0 where nothing is known. ``bands``: P10, P50
    and P90 of the people who come by each of ``minutes``."""

    area: AreaOut
    step: int
    people: int
    reachable: int
    certified: int
    free: int
    answer: float
    ways: float
    bands: list[tuple[int, int, int]]
    before: int | None


class ReadinessOut(Out):
    """``need``: the most people with the skill that any one hazard wants at least."""

    skill: str
    hour: int
    need: int
    minutes: list[int]
    played_at: datetime | None
    communities: list[ReadyOut]
    trend: list[tuple[datetime, int]]


def _run(line: RunLine, far: Progress, *, whole: bool = False) -> RunOut:
    cell = line.cell
    names = ("kind", "state", "requested_at", "finished_at", "draws", "cells")
    return RunOut(
        id=line.run.public_id,
        area=area_out(line.area),
        **{name: getattr(line.run, name) for name in names},
        done=far.done,
        failed=far.failed,
        hazard=cell.hazard if cell is not None else None,
        hour=cell.hour if cell is not None else None,
        sure=cell.sure if cell is not None else None,
        result=cell.result if cell is not None and whole else None,
    )


def _shown(tx: Tx, run: WhatIfRun) -> RunOut:
    return _run(board.lines(tx, [run])[0], flow.progress(tx, [run])[run.id], whole=True)


def _cell(line: CellLine) -> CellOut:
    names = ("hazard", "hour", "sure", "result")
    return CellOut(area=area_out(line.area), **{name: getattr(line.cell, name) for name in names})


def _ready(line: Line) -> ReadyOut:
    names = ("step", "people", "reachable", "certified", "free", "answer", "ways", "before")
    values = {name: getattr(line, name) for name in names}
    return ReadyOut(area=area_out(line.area), bands=list(line.bands), **values)


@router.get("/what-if", response_model=Page[RunOut])
def listed(actor: Reader, limit: Limit = 50, cursor: Cursor = None) -> Page[RunOut]:
    """What was played in the actor's areas, the newest first."""
    with db.read(actor) as tx:
        rows = whatifs.listed(tx, before=decode_cursor(cursor), limit=limit)
        lines = {line.run.id: line for line in board.lines(tx, rows)}
        far = flow.progress(tx, rows)
        return page(rows, limit, lambda run: _run(lines[run.id], far[run.id]), lambda run: int(run.id))


@router.post("/what-if", status_code=201, response_model=RunOut)
def ask(actor: Writer, body: WhatIfIn, once: OnceOnly) -> JSONResponse:
    """Asks for an imagined callout, or for a whole area and week; a worker plays it."""

    def deed() -> RunOut:
        if body.hazard is None:
            return _shown(tx, flow.request_grid(tx, body.area))
        return _shown(tx, flow.request(tx, body.area, body.hazard, body.hour, body.draws))

    with db.transaction(actor, "whatif.request") as tx:
        return once.run(tx, deed, 201)


@router.get("/what-if/{id}", response_model=RunOut)
def one(actor: Reader, id: uuid.UUID) -> RunOut:
    """How far a run is, and what a single callout came to."""
    with db.read(actor) as tx:
        return _shown(tx, whatifs.find(tx, "drill.read", id))


@router.get("/what-if/{id}/weakest", response_model=Page[CellOut])
def weakest(actor: Reader, id: uuid.UUID, limit: Limit = 50) -> Page[CellOut]:
    """The cells of a grid that are least likely to be covered, the least first."""
    with db.read(actor) as tx:
        run = whatifs.find(tx, "drill.read", id)
        return Page(items=[_cell(line) for line in board.weakest(tx, run, limit)])


@router.post("/what-if/{id}/stop", response_model=RunOut)
def stop(actor: Writer, id: uuid.UUID) -> RunOut:
    """No further cell is played; what is written stays."""
    with db.transaction(actor, "whatif.stop") as tx:
        return _shown(tx, whatifs.stop(tx, whatifs.find(tx, "drill.write", id)))


@router.get("/readiness", response_model=ReadinessOut)
def readiness(
    actor: Reader,
    area: Code,
    hour: Annotated[int, Query(ge=0, le=13, description="2 x weekday + night, Monday's day is 0")],
    skill: Annotated[str, Query(max_length=100)],
) -> ReadinessOut:
    """The communities of an area for a skill at an hour of the week, each with every part."""
    if skill not in taxonomy().skills:
        raise NotFound("not_found")
    with db.read(actor) as tx:
        found = ready.view(tx, jurisdictions.by_code(tx, area), skill, hour)
    return ReadinessOut(
        skill=found.skill,
        hour=found.hour,
        need=found.need,
        minutes=list(found.minutes),
        played_at=found.played_at,
        communities=[_ready(line) for line in found.lines],
        trend=list(found.trend),
    )
