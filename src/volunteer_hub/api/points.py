"""Points and hours: a person's own, those the staff reads, corrections by hand."""

import uuid
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field

from volunteer_hub.api.guard import Language, Volunteer, allow
from volunteer_hub.api.pages import Cursor, In, Limit, OnceOnly, Out, Page, page
from volunteer_hub.boards import level as board
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_cursor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.i18n import pick, say
from volunteer_hub.flows import deduct
from volunteer_hub.incentives import queries
from volunteer_hub.incentives.levels_rules import Reached
from volunteer_hub.incentives.models import LedgerEntry
from volunteer_hub.incentives.queries import StatementLine, explain
from volunteer_hub.incentives.rules import LONGEST_REASON, MOST_ADJUSTED, EntryKind, Grade
from volunteer_hub.volunteers import registry

router = APIRouter(tags=["points"])
Reason = Annotated[str, Field(min_length=1, max_length=LONGEST_REASON, description="the person reads it")]

TakenFor = Annotated[
    str, Field(max_length=40, description="deductions.kinds of config/rewards.toml; where points are taken")
]


class AdjustIn(In):
    """Points added, or taken when negative."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "volunteer": "019535d9-3df7-79fb-b466-fa907fa17f9e",
                    "points": 20,
                    "reason": "Two hours on 3 May that were not checked in.",
                }
            ]
        }
    )
    volunteer: uuid.UUID
    points: int = Field(ge=-MOST_ADJUSTED, le=MOST_ADJUSTED)
    reason: Reason
    kind: TakenFor = ""


class ReverseIn(In):
    """Why an entry is taken back."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"reason": "Checked in for somebody else.", "kind": "not_their_duty"}]
        }
    )
    reason: Reason
    kind: TakenFor = ""


class EntryOut(Out):
    """One entry; ``why`` explains its points, a sentence for each part of the sum."""

    id: uuid.UUID
    at: datetime
    kind: EntryKind
    points: int
    why: list[str]
    reason: str | None
    grade: Grade | None
    rule_version: int


class HoursOut(Out):
    """Whole minutes on duty: volunteer time, and other time (paid, compulsory, ill evidenced)."""

    counted: int
    other: int
    duties: int


class LevelOut(Out):
    """``number`` counts from 1, 0 before the first; ``missing`` minutes of volunteer time to ``next``, null
    at the top. ``percent`` multiplies what the hours of a duty pay."""

    number: int
    name: str | None
    percent: int
    next: str | None
    missing: int | None


class PointsOut(Page[EntryOut]):
    """A person's points and hours, and their entries, the newest first."""

    balance: int
    hours: HoursOut
    level: LevelOut


class TotalOut(Out):
    """What the people of the actor's areas have earned."""

    people: int
    points: int


def _entry(entry: LedgerEntry, lang: str) -> EntryOut:
    return EntryOut(
        id=entry.public_id,
        at=entry.at,
        kind=entry.kind,
        points=entry.points,
        why=[say(lang, text) for text in explain(entry)],
        reason=entry.reason,
        grade=entry.grade,
        rule_version=entry.rule_version,
    )


def _level(found: Reached, lang: str) -> LevelOut:
    return LevelOut(
        number=found.number,
        name=pick(found.level.name, lang) if found.level is not None else None,
        percent=found.percent,
        next=pick(found.next.name, lang) if found.next is not None else None,
        missing=found.missing,
    )


def _points(tx: Tx, volunteer_id: int, lang: str, limit: int, cursor: str | None) -> PointsOut:
    lines = queries.statement(tx, volunteer_id, before=decode_cursor(cursor), limit=limit)

    def view(line: StatementLine) -> EntryOut:
        return _entry(line.entry, lang)

    entries = page(lines, limit, view, lambda line: line.entry.id)
    hours = queries.hours(tx, volunteer_id)
    return PointsOut(
        balance=queries.balance(tx, volunteer_id),
        hours=HoursOut(counted=hours.counted, other=hours.other, duties=hours.duties),
        level=_level(board.of(tx, volunteer_id, registry.one(tx, volunteer_id).area), lang),
        items=entries.items,
        next=entries.next,
    )


@router.get("/volunteers/me/points", response_model=PointsOut)
def mine(actor: Volunteer, lang: Language, limit: Limit = 50, cursor: Cursor = None) -> PointsOut:
    """The volunteer's own points and hours."""
    with db.read(actor) as tx:
        assert actor.id is not None
        return _points(tx, actor.id, lang, limit, cursor)


@router.get("/volunteers/{id}/points", response_model=PointsOut)
def of_person(
    actor: Annotated[Actor, allow("points.read")],
    id: uuid.UUID,
    lang: Language,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> PointsOut:
    """Somebody's points and hours, for the staff of their area."""
    with db.read(actor) as tx:
        return _points(tx, registry.find(tx, "points.read", id).id, lang, limit, cursor)


@router.get("/points", response_model=TotalOut)
def total(actor: Annotated[Actor, allow("points.read")]) -> TotalOut:
    """The points of everybody in the actor's areas, in one sum."""
    with db.read(actor) as tx:
        whole = queries.total(tx)
        return TotalOut(people=whole.people, points=whole.points)


@router.post("/points", status_code=201, response_model=EntryOut)
def adjust(
    actor: Annotated[Actor, allow("points.write")], body: AdjustIn, once: OnceOnly, lang: Language
) -> Response:
    """Adds or takes points by hand, with a reason; where they are taken the person is told and may appeal."""

    def deed() -> EntryOut:
        return _entry(deduct.adjust(tx, body.volunteer, body.points, body.reason, body.kind), lang)

    with db.transaction(actor, "points.adjust") as tx:
        return once.run(tx, deed, 201)


@router.post("/points/{id}/reverse", status_code=201, response_model=EntryOut)
def reverse(
    actor: Annotated[Actor, allow("points.write")],
    id: uuid.UUID,
    body: ReverseIn,
    once: OnceOnly,
    lang: Language,
) -> Response:
    """Takes back an entry with everything it paid; again, it is the same reversal. The person is told and
    may appeal."""

    def deed() -> EntryOut:
        return _entry(deduct.reverse(tx, id, body.reason, body.kind), lang)

    with db.transaction(actor, "points.reverse") as tx:
        return once.run(tx, deed, 201)
