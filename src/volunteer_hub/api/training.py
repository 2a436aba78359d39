"""Courses, the sessions in which they are held, and who comes."""

import uuid
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, ConfigDict, Field

from volunteer_hub.access import jurisdictions
from volunteer_hub.api.guard import allow
from volunteer_hub.api.incidents import required
from volunteer_hub.api.jurisdictions import AreaOut, Code, area_out
from volunteer_hub.api.pages import Cursor, In, Limit, OnceOnly, Out, Page, Version
from volunteer_hub.boards import training as board
from volunteer_hub.boards.training import SessionLine
from volunteer_hub.boards.training_results import By, groups
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_cursor, encode_cursor
from volunteer_hub.core.db import Tx
from volunteer_hub.flows import assess, train
from volunteer_hub.training import courses, enrolments, sessions
from volunteer_hub.training.courses import Offered
from volunteer_hub.training.models import TrainingSession
from volunteer_hub.training.rules import (
    LONGEST_PLACE,
    LONGEST_WORDS,
    MOST_PLACES,
    EnrolmentState,
    Evidence,
    SessionSpec,
    SessionState,
)

router = APIRouter(prefix="/training", tags=["training"])
Reader = Annotated[Actor, allow("training.read")]
Writer = Annotated[Actor, allow("training.write")]


class CourseOut(Out):
    """A course and what passing it gives; ``own``: added by the staff of an area."""

    code: str
    name: dict[str, str]
    outline: list[dict[str, str]]
    requires: list[str]
    skill: str | None
    level: int
    valid_months: int
    points: int
    mandatory: bool
    own: bool


class SessionIn(In):
    """A session of a course, for the people of an area and below."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "area": "230602",
                    "course": "first_aid",
                    "place": "Dongfeng community hall, room 2",
                    "starts_at": "2031-03-01T09:00:00+08:00",
                    "ends_at": "2031-03-01T12:00:00+08:00",
                    "places": 20,
                }
            ]
        }
    )
    area: Code
    course: str = Field(min_length=1, max_length=100)
    place: str = Field(min_length=1, max_length=LONGEST_PLACE)
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    places: int = Field(ge=1, le=MOST_PLACES)
    trainer: str = Field(default="", max_length=LONGEST_PLACE)
    words: str = Field(default="", max_length=LONGEST_WORDS)


class SessionOut(Out):
    """A session; ``taken`` places are given away, ``waiting`` people wait for one."""

    id: uuid.UUID
    area: AreaOut
    course: str
    place: str
    starts_at: datetime
    ends_at: datetime
    places: int
    taken: int
    waiting: int
    trainer: str
    words: str
    state: SessionState
    version: int


class EnrolmentIn(In):
    """Who is put down."""

    volunteer: uuid.UUID


class MarkIn(In):
    """Whether somebody is there."""

    there: bool


class EnrolmentOut(Out):
    """Somebody on the list; ``volunteer`` is null for whom the reader may not see."""

    id: uuid.UUID
    volunteer: uuid.UUID | None
    state: EnrolmentState
    evidence: Evidence | None
    attended_at: datetime | None


@router.get("/courses", response_model=Page[CourseOut])
def listed_courses(actor: Reader) -> Page[CourseOut]:
    """The courses there are: those that ship, and the staff's own."""
    with db.read(actor) as tx:
        return Page(items=[_course(one) for one in courses.for_staff(tx).values()])


@router.get("/sessions", response_model=Page[SessionOut])
def listed(
    actor: Reader,
    limit: Limit = 50,
    cursor: Cursor = None,
    past: bool = False,
    course: Annotated[str | None, Query(max_length=100)] = None,
) -> Page[SessionOut]:
    """The sessions of the actor's areas that are not over, the next first; or with ``past`` the others."""
    with db.read(actor) as tx:
        skip = decode_cursor(cursor) or 0
        rows = sessions.listed(tx, course=course, past=past, skip=skip, limit=limit)
        more = encode_cursor(skip + limit) if len(rows) > limit else None
        return Page(items=[_session(line) for line in board.lines(tx, rows[:limit])], next=more)


@router.post("/sessions", status_code=201, response_model=SessionOut)
def plan(actor: Writer, body: SessionIn, once: OnceOnly) -> Response:
    """Plans a session."""

    def deed() -> SessionOut:
        area = jurisdictions.by_code(tx, body.area).path
        spec = SessionSpec(**body.model_dump(exclude={"area"}))
        return _out(tx, train.plan(tx, area, spec))

    with db.transaction(actor, "training.plan") as tx:
        return once.run(tx, deed, 201)


@router.get("/sessions/{id}", response_model=SessionOut)
def one(actor: Reader, id: uuid.UUID) -> SessionOut:
    """One session."""
    with db.read(actor) as tx:
        return _out(tx, sessions.find(tx, "training.read", id))


@router.post("/sessions/{id}/cancel", response_model=SessionOut)
def cancel(actor: Writer, id: uuid.UUID, version: Version) -> SessionOut:
    """Calls it off and tells everybody on the list. Needs If-Match with its version."""
    seen = required(version)
    with db.transaction(actor, "training.cancel") as tx:
        row = sessions.find(tx, "training.write", id)
        train.cancel(tx, row, seen)
        return _out(tx, row)


@router.post("/sessions/{id}/close", response_model=SessionOut)
def close(actor: Writer, id: uuid.UUID, version: Version) -> SessionOut:
    """The list is right: whoever is not marked as there has missed it. Needs If-Match with its version."""
    seen = required(version)
    with db.transaction(actor, "training.close") as tx:
        row = sessions.find(tx, "training.write", id)
        assess.close(tx, row, seen)
        return _out(tx, row)


@router.get("/sessions/{id}/enrolments", response_model=Page[EnrolmentOut])
def enrolled(actor: Reader, id: uuid.UUID) -> Page[EnrolmentOut]:
    """The list of a session, in the order people came."""
    with db.read(actor) as tx:
        rows = board.listed(tx, sessions.find(tx, "training.read", id))
        return Page(items=[_enrolment(row) for row in rows])


@router.post("/sessions/{id}/enrolments", status_code=201, response_model=EnrolmentOut)
def enrol(actor: Writer, id: uuid.UUID, body: EnrolmentIn, once: OnceOnly) -> Response:
    """Puts somebody down: a place while there is one, else the end of the waiting list."""

    def deed() -> EnrolmentOut:
        session = sessions.find(tx, "training.write", id)
        row = train.enrol_by_staff(tx, session, body.volunteer)
        return _enrolment(next(each for each in board.listed(tx, session) if each.row.id == row.id))

    with db.transaction(actor, "training.enrol") as tx:
        return once.run(tx, deed, 201)


@router.put("/sessions/{id}/enrolments/{enrolment}", response_model=EnrolmentOut)
def mark(actor: Writer, id: uuid.UUID, enrolment: uuid.UUID, body: MarkIn) -> EnrolmentOut:
    """The trainer's list: there, or not."""
    with db.transaction(actor, "training.mark") as tx:
        session = sessions.find(tx, "training.write", id)
        row = enrolments.find(tx, session, enrolment)
        enrolments.mark(tx, session, row.volunteer_id, there=body.there)
        return _enrolment(next(each for each in board.listed(tx, session) if each.row.id == row.id))


class PracticalIn(In):
    """What somebody has shown an assessor: codes of the items of the course's checklist."""

    volunteer: uuid.UUID
    done: list[str] = Field(max_length=30)
    words: str = Field(default="", max_length=LONGEST_WORDS)


class PracticalOut(Out):
    """A checklist signed; ``passed``: every item was shown."""

    id: uuid.UUID
    done: list[str]
    passed: bool
    signed_at: datetime


@router.post("/courses/{code}/practicals", status_code=201, response_model=PracticalOut)
def sign(actor: Writer, code: str, body: PracticalIn, once: OnceOnly) -> Response:
    """Signs what somebody has shown; with the other parts of the course it is passed."""

    def deed() -> PracticalOut:
        row = assess.sign(tx, body.volunteer, code, body.done, body.words)
        return PracticalOut(id=row.public_id, done=row.done, passed=row.passed, signed_at=row.signed_at)

    with db.transaction(actor, "training.sign") as tx:
        return once.run(tx, deed, 201)


class GroupOut(Out):
    """People at courses in one group: ``taken`` of them, of whom ``passed``."""

    by: By
    key: str
    name: dict[str, str]
    taken: int
    passed: int
    percent: int


@router.get("/results", response_model=Page[GroupOut])
def results(actor: Reader, since: date | None = None, until: date | None = None) -> Page[GroupOut]:
    """Results by course, community, level and age, from ``since`` to ``until``; else of the last year."""
    with db.read(actor) as tx:
        last = until or tx.now.date()
        first = since or date(max(1, last.year - 1), last.month, min(last.day, 28))
        return Page(items=[GroupOut.model_validate(one) for one in groups(tx, first, last)])


def _course(one: Offered) -> CourseOut:
    kept: dict[str, Any] = one.course.model_dump(mode="json", include=set(CourseOut.model_fields))
    return CourseOut(code=one.code, own=one.own is not None, **kept)


def _session(line: SessionLine) -> SessionOut:
    made = ("id", "area", "waiting")
    fields = {name: getattr(line.session, name) for name in SessionOut.model_fields if name not in made}
    return SessionOut(id=line.session.public_id, area=area_out(line.area), waiting=line.waiting, **fields)


def _out(tx: Tx, row: TrainingSession) -> SessionOut:
    return _session(board.line(tx, row))


def _enrolment(entry: board.Listed) -> EnrolmentOut:
    row = entry.row
    return EnrolmentOut(
        id=row.public_id,
        volunteer=entry.person.row.public_id if entry.person is not None else None,
        state=row.state,
        evidence=row.evidence,
        attended_at=row.attended_at,
    )
