"""Injuries, exposures and near misses: recorded by those in charge or by the people themselves."""

import uuid
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, ConfigDict, Field

from volunteer_hub.api.duties import Token
from volunteer_hub.api.guard import LINK, allow
from volunteer_hub.api.pages import In, OnceOnly, Out, Page
from volunteer_hub.boards import field as board
from volunteer_hub.boards.field import InjuryLine
from volunteer_hub.core import db
from volunteer_hub.core.actor import GUEST, Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.flows import duty as duties
from volunteer_hub.flows import field as flow
from volunteer_hub.incidents import queries
from volunteer_hub.mobilization.field_rules import LONGEST_PLACE, LONGEST_WORDS, Harm, Severity, Treated
from volunteer_hub.mobilization.injuries import Happened

router = APIRouter(tags=["field"])

_EXAMPLE: Final[dict[str, Any]] = {
    "kind": "injury",
    "severity": "minor",
    "words": "Cut a finger on a spade",
    "treated": "on_site",
}


class _HappenedIn(In):
    kind: Harm
    severity: Severity
    words: str = Field(min_length=1, max_length=LONGEST_WORDS, description="what happened")
    place: str = Field(default="", max_length=LONGEST_PLACE)
    treated: Treated = Treated.NOT_NEEDED
    happened_at: AwareDatetime | None = Field(default=None, description="just now, if not given")

    def what(self, tx: Tx) -> Happened:
        """What was sent, as it is recorded."""
        return Happened(
            kind=self.kind,
            severity=self.severity,
            words=self.words,
            place=self.place,
            treated=self.treated,
            happened_at=self.happened_at or tx.now,
        )


class InjuryIn(_HappenedIn):
    """Of the person of a duty, or without it of nobody of ours."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})
    duty: uuid.UUID | None = None
    task: uuid.UUID | None = None


class InjuryByLinkIn(_HappenedIn):
    """By the link of the person's offer; ``to_me``: it happened to themselves."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [_EXAMPLE | {"link": "q2fC0uT1l3yQd0r9mGkWvA", "to_me": True}]}
    )
    link: Token
    to_me: bool = True


class RecordedOut(Out):
    """That it was recorded."""

    id: uuid.UUID
    kind: Harm
    severity: Severity


class InjuryOut(RecordedOut):
    """What happened. ``words`` are null once the person was forgotten, ``name`` for who may not know it."""

    number: int
    volunteer: uuid.UUID | None
    name: str | None
    words: str | None
    place: str | None
    treated: Treated
    happened_at: datetime


def _shown(line: InjuryLine) -> InjuryOut:
    row, person = line.injury, line.person
    return InjuryOut(
        id=row.public_id,
        number=row.id,
        kind=row.kind,
        severity=row.severity,
        volunteer=person.person if person is not None else None,
        name=person.name if person is not None else None,
        words=row.words,
        place=row.place,
        treated=row.treated,
        happened_at=row.happened_at,
    )


@router.get("/incidents/{id}/injuries", response_model=Page[InjuryOut])
def listed(actor: Annotated[Actor, allow("duty.write")], id: uuid.UUID) -> Page[InjuryOut]:
    """Everything recorded in an incident, the newest first."""
    with db.read(actor) as tx:
        incident = queries.find(tx, "duty.write", id)
        return Page(items=[_shown(line) for line in board.harmed(tx, incident)])


@router.post("/incidents/{id}/injuries", status_code=201, response_model=RecordedOut)
def record(
    actor: Annotated[Actor, allow("duty.write")], id: uuid.UUID, body: InjuryIn, once: OnceOnly
) -> Response:
    """Records one."""

    def deed() -> RecordedOut:
        incident = queries.find(tx, "duty.write", id)
        task = queries.find_task(tx, "duty.write", body.task) if body.task is not None else None
        made = flow.injured(tx, incident, task, body.what(tx), body.duty)
        return RecordedOut(id=made.public_id, kind=made.kind, severity=made.severity)

    with db.transaction(actor, "field.injury") as tx:
        return once.run(tx, deed, 201)


@router.post("/duties/injury", status_code=201, response_model=RecordedOut, dependencies=[LINK])
def record_by_link(body: InjuryByLinkIn, once: OnceOnly) -> Response:
    """Records one by the person behind a link; whoever commands hears of it at once."""

    def deed() -> RecordedOut:
        made = flow.injured_by_own(tx, duty, body.what(tx), to_me=body.to_me)
        return RecordedOut(id=made.public_id, kind=made.kind, severity=made.severity)

    with db.transaction(GUEST, "duty.injury") as tx:
        duty = duties.by_link(tx, body.link)  # whose idempotency key it is
        return once.run(tx, deed, 201)
