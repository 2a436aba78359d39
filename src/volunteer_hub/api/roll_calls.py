"""Roll calls: everybody told to leave, whoever is missing first, each marked safe, the record kept."""

import uuid
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import ConfigDict

from volunteer_hub.api.guard import Language, allow
from volunteer_hub.api.pages import In, OnceOnly, Out
from volunteer_hub.boards import field as board
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.i18n import pick
from volunteer_hub.flows import roll_call as flow
from volunteer_hub.incidents import queries
from volunteer_hub.mobilization import attendance, roll_calls
from volunteer_hub.mobilization.field_rules import Accounted, Place
from volunteer_hub.mobilization.models import RollCall

router = APIRouter(tags=["field"])


class RollCallIn(In):
    """Of one task, or without it of the whole incident."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{}, {"task": "019b0d6e-6f00-7000-8000-000000000001"}]}
    )
    task: uuid.UUID | None = None


class SafeIn(In):
    """The duty of somebody who has been seen, safe."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"duty": "019b0d6e-6f00-7000-8000-000000000001"}]}
    )
    duty: uuid.UUID


class EntryOut(Out):
    """One person. ``accounted`` is null for whoever is missing; ``place``: where they were."""

    duty: uuid.UUID
    volunteer: uuid.UUID
    name: str | None
    phone: str | None
    role: str
    place: Place
    accounted: Accounted | None
    accounted_at: datetime | None
    by: str | None


class RollCallOut(Out):
    """A roll call, whoever is missing first. One that has ended stays as it is."""

    id: uuid.UUID
    incident: uuid.UUID
    started_at: datetime
    ended_at: datetime | None
    missing: int
    people: list[EntryOut]


def _shown(tx: Tx, call: RollCall, lang: str) -> RollCallOut:
    view = board.roll_call(tx, call)
    return RollCallOut(
        id=call.public_id,
        incident=view.incident.public_id,
        started_at=call.started_at,
        ended_at=call.ended_at,
        missing=len(view.missing),
        people=[
            EntryOut(
                duty=one.line.duty.public_id,
                volunteer=one.line.person,
                name=one.line.name,
                phone=one.line.phone,
                role=pick(one.line.facts.role, lang),
                place=one.entry.place,
                accounted=one.entry.accounted,
                accounted_at=one.entry.accounted_at,
                by=one.by.name if one.by is not None else None,
            )
            for one in view.lines
        ],
    )


@router.post("/incidents/{id}/roll-calls", status_code=201, response_model=RollCallOut)
def start(
    actor: Annotated[Actor, allow("duty.write")],
    id: uuid.UUID,
    body: RollCallIn,
    once: OnceOnly,
    lang: Language,
) -> Response:
    """Tells everybody on site or on the way to leave and to say that they are safe. One that runs already is
    answered as it stands."""

    def deed() -> RollCallOut:
        incident = queries.find(tx, "duty.write", id)
        task = queries.find_task(tx, "duty.write", body.task) if body.task is not None else None
        return _shown(tx, flow.start(tx, incident, task), lang)

    with db.transaction(actor, "roll_call.start") as tx:
        return once.run(tx, deed, 201)


@router.get("/roll-calls/{id}", response_model=RollCallOut)
def one(actor: Annotated[Actor, allow("duty.read")], id: uuid.UUID, lang: Language) -> RollCallOut:
    """Who is missing, who is safe."""
    with db.read(actor) as tx:
        return _shown(tx, roll_calls.find(tx, "duty.read", id), lang)


@router.post("/roll-calls/{id}/safe", response_model=RollCallOut)
def safe(
    actor: Annotated[Actor, allow("duty.write")],
    id: uuid.UUID,
    body: SafeIn,
    once: OnceOnly,
    lang: Language,
) -> Response:
    """Somebody has been seen, safe; once nobody is missing, it ends."""

    def deed() -> RollCallOut:
        call = roll_calls.find(tx, "duty.write", id)
        return _shown(tx, flow.mark(tx, call, attendance.find(tx, "duty.write", body.duty)), lang)

    with db.transaction(actor, "roll_call.mark") as tx:
        return once.run(tx, deed)


@router.post("/roll-calls/{id}/end", response_model=RollCallOut)
def end(
    actor: Annotated[Actor, allow("duty.write")], id: uuid.UUID, once: OnceOnly, lang: Language
) -> Response:
    """Ends it with whoever is missing."""
    with db.transaction(actor, "roll_call.end") as tx:
        return once.run(tx, lambda: _shown(tx, flow.end(tx, roll_calls.find(tx, "duty.write", id)), lang))
