"""Newcomers on their way in: the step each is at, interviews, mentors; and what they and mentors see."""

import uuid
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field

from volunteer_hub.api.guard import Volunteer, allow
from volunteer_hub.api.me import id_of
from volunteer_hub.api.pages import Cursor, In, Limit, Out, Page
from volunteer_hub.boards import newcomers as board
from volunteer_hub.boards.newcomers import Mentee, Newcomer
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_cursor, encode_cursor
from volunteer_hub.core.db import Tx
from volunteer_hub.flows import introduce
from volunteer_hub.training.introduction_rules import LONGEST_WORDS, Mark, MentorState, Outcome, Step
from volunteer_hub.volunteers import registry

router = APIRouter(tags=["newcomers"])
Reader = Annotated[Actor, allow("volunteer.read")]
Approver = Annotated[Actor, allow("volunteer.approve")]


class StageOut(Out):
    """One step of the way in, and where the newcomer is with it."""

    step: Step
    mark: Mark


class WayOut(Out):
    """A way in. ``step``: the one they are at since ``since``, null once all are done; ``outcome`` and
    ``words`` of the latest interview."""

    stages: list[StageOut]
    step: Step | None
    since: datetime | None
    interviewed_on: date | None
    outcome: Outcome | None
    words: str | None
    mentor: str | None
    mentor_state: MentorState | None
    first_duty_at: datetime | None


class NewcomerOut(WayOut):
    """A newcomer as the staff sees them; ``volunteer`` is their id."""

    volunteer: uuid.UUID
    name: str | None
    community: str
    mentor_id: uuid.UUID | None


class InterviewIn(In):
    """What came of an interview that you held. ``words``: the reason, which the person reads; needed for
    "not yet" and "declined"."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"on": "2031-01-19", "outcome": "taken_in", "words": ""}]}
    )
    on: date
    outcome: Outcome
    words: str = Field(default="", max_length=LONGEST_WORDS)


class MentorIn(In):
    """Who is asked to be the mentor."""

    volunteer: uuid.UUID


class MentorAnswerIn(In):
    """Whether I will be the mentor."""

    agree: bool


class MenteeOut(Out):
    """A newcomer whose mentor I am or am asked to be; their telephone once I have agreed."""

    id: uuid.UUID
    name: str | None
    phone: str | None
    state: MentorState


@router.get("/newcomers", response_model=Page[NewcomerOut])
def listed(actor: Reader, limit: Limit = 50, cursor: Cursor = None) -> Page[NewcomerOut]:
    """Everybody on their way in, who applied first before others."""
    with db.read(actor) as tx:
        skip = decode_cursor(cursor) or 0
        found = board.listed(tx, skip=skip, limit=limit)
        more = encode_cursor(skip + limit) if len(found) > limit else None
        return Page(items=[_newcomer(one) for one in found[:limit]], next=more)


@router.get("/newcomers/{id}", response_model=NewcomerOut)
def one(actor: Reader, id: uuid.UUID) -> NewcomerOut:
    """One newcomer, by the id of the volunteer."""
    with db.read(actor) as tx:
        return _one(tx, id)


@router.put("/newcomers/{id}/interview", response_model=WayOut)
def interview(actor: Approver, id: uuid.UUID, body: InterviewIn) -> WayOut:
    """Notes an interview: taken in and declined answer the application."""
    with db.transaction(actor, "introduction.interview") as tx:
        person = introduce.interview(tx, id, body.on, body.outcome, body.words)
        return _way(board.whole(tx, person))


@router.put("/newcomers/{id}/mentor", response_model=NewcomerOut)
def mentor(actor: Approver, id: uuid.UUID, body: MentorIn) -> NewcomerOut:
    """Asks somebody of the newcomer's community to be their mentor."""
    with db.transaction(actor, "introduction.mentor") as tx:
        introduce.name_mentor(tx, id, body.volunteer)
        return _one(tx, id)


@router.get("/volunteers/me/introduction", response_model=WayOut | None)
def own(actor: Volunteer) -> WayOut | None:
    """My own way in; null for who is no newcomer."""
    with db.read(actor) as tx:
        found = board.own(tx, registry.one(tx, id_of(actor)))
        return _way(found) if found is not None else None


@router.get("/volunteers/me/mentoring", response_model=Page[MenteeOut])
def mentees(actor: Volunteer) -> Page[MenteeOut]:
    """The newcomers whose mentor I am, or am asked to be."""
    with db.read(actor) as tx:
        return Page(items=[_mentee(each) for each in board.mentees(tx, id_of(actor))])


@router.put("/volunteers/me/mentoring/{id}", status_code=204, response_class=Response)
def answer(actor: Volunteer, id: uuid.UUID, body: MentorAnswerIn) -> None:
    """I will be their mentor, or will not."""
    with db.transaction(actor, "introduction.answer") as tx:
        introduce.answer(tx, id_of(actor), id, agrees=body.agree)


def _one(tx: Tx, id: uuid.UUID) -> NewcomerOut:
    return _newcomer(board.one(tx, "volunteer.read", id))


def _newcomer(one: Newcomer) -> NewcomerOut:
    row = one.person.row
    return NewcomerOut(
        **_way(one).model_dump(),
        volunteer=row.public_id,
        name=row.name,
        community=one.person.community,
        mentor_id=one.mentor.public_id if one.mentor is not None else None,
    )


def _way(one: Newcomer) -> WayOut:
    row = one.row
    return WayOut(
        stages=[StageOut(step=each.step, mark=each.mark) for each in one.stages],
        step=one.step,
        since=one.since,
        interviewed_on=row.interviewed_on if row is not None else None,
        outcome=row.outcome if row is not None else None,
        words=row.words if row is not None else None,
        mentor=one.mentor.name if one.mentor is not None else None,
        mentor_state=row.mentor if row is not None else None,
        first_duty_at=row.first_duty_at if row is not None else None,
    )


def _mentee(each: Mentee) -> MenteeOut:
    return MenteeOut(
        id=each.row.public_id,
        name=each.person.name,
        phone=None if each.asked else each.person.phone,
        state=each.row.mentor or MentorState.ASKED,
    )
