"""/actions: what is to be changed because of what was found, by whom, until when, and whether it holds."""

import uuid
from datetime import date, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse
from pydantic import ConfigDict, Field

from volunteer_hub.access import jurisdictions
from volunteer_hub.api.guard import allow
from volunteer_hub.api.incidents import required
from volunteer_hub.api.jurisdictions import AreaOut, Code, area_out
from volunteer_hub.api.pages import Cursor, In, Limit, OnceOnly, Out, Page, Version, etag
from volunteer_hub.boards import actions as board
from volunteer_hub.boards.actions import Line
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_cursor, encode_cursor
from volunteer_hub.core.db import Tx
from volunteer_hub.feedback import actions_queries as queries
from volunteer_hub.feedback.actions_models import ImprovementAction
from volunteer_hub.feedback.actions_queries import Wanted
from volunteer_hub.feedback.actions_rules import (
    LONGEST_REFERENCE,
    LONGEST_TEXT,
    LONGEST_TITLE,
    ActionState,
    Evidence,
    Figure,
    Measure,
    Priority,
    Source,
)
from volunteer_hub.feedback.rules import Form
from volunteer_hub.flows import improve
from volunteer_hub.flows.findings import Found
from volunteer_hub.incidents import queries as incidents

router = APIRouter(prefix="/actions", tags=["actions"])
Reader = Annotated[Actor, allow("action.read")]
Writer = Annotated[Actor, allow("action.write")]
Words = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]

_FINDING: Final[dict[str, Any]] = {
    "source": "after_action",
    "words": "It was too dark at the gate.",
    "area": "230602",
}


class FindingIn(In):
    """Why something is to be changed. A ``theme`` or ``answer`` names its incident, an ``injury``, ``drill``
    or ``debrief`` its subject; ``code`` is the theme, the question, or the figure."""

    model_config = ConfigDict(json_schema_extra={"examples": [_FINDING]})
    source: Source
    words: Words
    incident: uuid.UUID | None = None
    subject: uuid.UUID | None = None
    form: Form | None = None
    code: str | None = Field(default=None, max_length=100)
    area: Code | None = None

    def found(self, tx: Tx) -> Found:
        """As the story takes it."""
        area = jurisdictions.by_code(tx, self.area).path if self.area is not None else None
        return Found(**self.model_dump(exclude={"area"}), area=area)


class ActionIn(In):
    """A proposal, from one finding."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"title": "Lamps", "words": "A lamp at every gate.", "finding": _FINDING}]
        }
    )
    title: str = Field(min_length=1, max_length=LONGEST_TITLE)
    words: Words
    priority: Priority = Priority.NORMAL
    finding: FindingIn


class TakeUpIn(In):
    """Who sees to it, oneself if not said, and by the end of which day; else as the policy proposes."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"due_on": "2032-03-01", "priority": "high"}]})
    owner: uuid.UUID | None = None
    due_on: date | None = Field(default=None, ge=date(2000, 1, 1), le=date(2200, 1, 1))
    priority: Priority | None = None


class CloseIn(In):
    """Evidence that it is done: in words, with a link or the name of a file; ``changed`` is told to whoever
    raised it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "evidence": "Twelve lamps bought and hung.",
                    "reference": "https://files.example.org/lamps.pdf",
                    "changed": "There is a lamp at every gate now.",
                }
            ]
        }
    )
    evidence: Words
    reference: str = Field(min_length=1, max_length=LONGEST_REFERENCE)
    changed: Words


class MeasureBody(In):
    """What the drill must show: a share of at least so many per cent; ``minutes`` of ``within`` alone."""

    figure: Figure
    at_least: int = Field(ge=1, le=100)
    minutes: int | None = Field(default=None, ge=1, le=10_080)


class RetestIn(In):
    """The drill plan whose next drill tests it. Without a measure somebody decides, having seen the drill."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "drill": "0198a2de-7c1f-7aaa-8000-000000000001",
                    "measure": {"figure": "within", "minutes": 15, "at_least": 60},
                }
            ]
        }
    )
    drill: uuid.UUID
    measure: MeasureBody | None = None


class JudgeIn(In):
    """Whether it holds, and why."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"proven": True, "words": "Seen on site."}]})
    proven: bool
    words: Words


class DropIn(In):
    """Why nothing will be done."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "Solved by the new hall."}]})
    reason: Words


class FindingOut(Out):
    """A finding behind an action."""

    id: uuid.UUID
    source: Source
    words: str
    code: str | None
    found_at: datetime
    incident: uuid.UUID | None


class MeasureOut(Out):
    """What the drill must show."""

    figure: Figure
    at_least: int
    minutes: int | None


class ActionOut(Out):
    """An improvement action; ``version`` is its ETag. ``raised``: how many people raised it, ``told`` how
    many of them know what was changed."""

    id: uuid.UUID
    version: int
    area: AreaOut
    title: str
    words: str
    priority: Priority
    state: ActionState
    proposed_at: datetime
    owner: uuid.UUID | None
    owner_name: str | None
    due_at: datetime | None
    overdue: bool
    done_at: datetime | None
    evidence: str | None
    reference: str | None
    changed: str | None
    dropped: str | None
    retest: uuid.UUID | None
    measure: MeasureOut | None
    raised: int
    told: int
    findings: list[FindingOut]


class AgedOut(Out):
    """So many pending actions of one owner (null: nobody's yet), so many days old at least."""

    owner: uuid.UUID | None
    owner_name: str | None
    from_days: int
    to_days: int | None
    actions: int
    overdue: int


def _view(line: Line) -> ActionOut:
    row = line.action
    same = {name: getattr(row, name) for name in ActionOut.model_fields if hasattr(row, name)}
    return ActionOut(
        **same
        | {
            "id": row.public_id,
            "area": area_out(line.area),
            "owner": line.owner.public_id if line.owner is not None else None,
            "owner_name": line.owner.name if line.owner is not None else None,
            "overdue": line.overdue,
            "retest": line.retest.public_id if line.retest is not None else None,
            "measure": _measure(row),
            "raised": line.raised,
            "told": line.told,
            "findings": [
                FindingOut(
                    id=one.public_id,
                    source=one.source,
                    words=one.words,
                    code=one.code,
                    found_at=one.found_at,
                    incident=line.incidents.get(one.incident_id or 0),
                )
                for one in line.findings
            ],
        }
    )


def _measure(row: ImprovementAction) -> MeasureOut | None:
    measure = improve.measure_of(row)
    return MeasureOut.model_validate(measure) if measure is not None else None


def _shown(tx: Tx, row: ImprovementAction) -> ActionOut:
    return _view(board.lines(tx, [row])[0])


def _tagged(body: ActionOut) -> JSONResponse:
    return JSONResponse(body.model_dump(mode="json"), headers={"ETag": etag(body.version)})


@router.get("", response_model=Page[ActionOut])
def listed(
    actor: Reader,
    limit: Limit = 50,
    cursor: Cursor = None,
    state: Annotated[list[ActionState] | None, Query()] = None,
    incident: uuid.UUID | None = None,
    mine: bool = False,
    overdue: bool = False,
) -> Page[ActionOut]:
    """The actions of the actor's areas, the overdue first."""
    with db.read(actor) as tx:
        about = incidents.find(tx, "incident.read", incident).id if incident is not None else None
        owner = actor.id if mine and actor.kind == "account" else None
        wanted = Wanted(states=state or (), owner_id=owner, overdue=overdue, incident_id=about)
        skip = decode_cursor(cursor) or 0
        lines = board.lines(tx, queries.listed(tx, wanted, skip=skip, limit=limit))
        more = encode_cursor(skip + limit) if len(lines) > limit else None
        return Page(items=[_view(line) for line in lines[:limit]], next=more)


@router.get("/ages", response_model=Page[AgedOut])
def ages(actor: Reader) -> Page[AgedOut]:
    """How old what is not done yet is, by owner."""
    with db.read(actor) as tx:
        table = board.ages(tx)
        items = [
            AgedOut(
                owner=row.owner.public_id if row.owner is not None else None,
                owner_name=row.owner.name if row.owner is not None else None,
                from_days=span.least,
                to_days=span.below,
                actions=cell.actions,
                overdue=cell.overdue,
            )
            for row in table.rows
            for span, cell in zip(table.spans, row.cells, strict=True)
            if cell.actions
        ]
        return Page(items=items)


@router.post("", status_code=201, response_model=ActionOut)
def propose(actor: Writer, body: ActionIn, once: OnceOnly) -> Response:
    """Proposes one."""

    def deed() -> ActionOut:
        made = improve.propose(tx, body.finding.found(tx), body.title, body.words, body.priority)
        return _shown(tx, made)

    with db.transaction(actor, "action.propose") as tx:
        return once.run(tx, deed, 201)


@router.get("/{id}", response_model=ActionOut)
def one(actor: Reader, id: uuid.UUID) -> JSONResponse:
    """One action, with its ETag."""
    with db.read(actor) as tx:
        return _tagged(_shown(tx, queries.find(tx, "action.read", id)))


@router.post("/{id}/findings", response_model=ActionOut)
def add_finding(actor: Writer, id: uuid.UUID, body: FindingIn, once: OnceOnly) -> Response:
    """One more reason for it."""

    def deed() -> ActionOut:
        action = queries.find(tx, "action.write", id)
        return _shown(tx, improve.add_finding(tx, action, body.found(tx)))

    with db.transaction(actor, "action.find") as tx:
        return once.run(tx, deed)


@router.post("/{id}/take-up", response_model=ActionOut)
def take_up(actor: Writer, id: uuid.UUID, body: TakeUpIn, version: Version) -> JSONResponse:
    """Gives it an owner and a due date, or others, when If-Match names the version stored (else 412)."""
    seen = required(version)
    with db.transaction(actor, "action.take_up") as tx:
        action = queries.find(tx, "action.write", id)
        done = improve.take_up(tx, action, seen, owner=body.owner, due_on=body.due_on, priority=body.priority)
        return _tagged(_shown(tx, done))


@router.post("/{id}/close", response_model=ActionOut)
def close(actor: Writer, id: uuid.UUID, body: CloseIn, version: Version) -> JSONResponse:
    """Done, with evidence, when If-Match names the version stored (else 412)."""
    seen = required(version)
    with db.transaction(actor, "action.close") as tx:
        action = queries.find(tx, "action.write", id)
        done = improve.close(tx, action, seen, Evidence(body.evidence, body.reference, body.changed))
        return _tagged(_shown(tx, done))


@router.put("/{id}/retest", response_model=ActionOut)
def bind(actor: Writer, id: uuid.UUID, body: RetestIn, version: Version) -> JSONResponse:
    """Binds the re-test to a drill plan, when If-Match names the version stored (else 412)."""
    seen = required(version)
    with db.transaction(actor, "action.bind") as tx:
        action = queries.find(tx, "action.write", id)
        wanted = body.measure
        measure = Measure(wanted.figure, wanted.at_least, wanted.minutes) if wanted is not None else None
        return _tagged(_shown(tx, improve.bind(tx, action, seen, body.drill, measure)))


@router.post("/{id}/judge", response_model=ActionOut)
def judge(actor: Writer, id: uuid.UUID, body: JudgeIn, version: Version) -> JSONResponse:
    """Proven, or reopened, when If-Match names the version stored (else 412)."""
    seen = required(version)
    with db.transaction(actor, "action.judge") as tx:
        action = queries.find(tx, "action.write", id)
        return _tagged(_shown(tx, improve.judge(tx, action, seen, body.words, proven=body.proven)))


@router.post("/{id}/drop", response_model=ActionOut)
def drop(actor: Writer, id: uuid.UUID, body: DropIn, version: Version) -> JSONResponse:
    """Nothing will be done, when If-Match names the version stored (else 412)."""
    seen = required(version)
    with db.transaction(actor, "action.drop") as tx:
        action = queries.find(tx, "action.write", id)
        return _tagged(_shown(tx, improve.drop(tx, action, seen, body.reason)))
