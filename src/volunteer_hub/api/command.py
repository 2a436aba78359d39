"""Who is in command of an incident, and at which response level it runs."""

import uuid
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from volunteer_hub.api.guard import allow
from volunteer_hub.api.incidents import IncidentOut, Level, shown
from volunteer_hub.api.pages import In, OnceOnly, Out, Page
from volunteer_hub.api.tasks import ReasonIn
from volunteer_hub.boards import situation
from volunteer_hub.boards.situation import RaiseLine
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound
from volunteer_hub.flows import declare as flow
from volunteer_hub.incidents import command, queries
from volunteer_hub.incidents.models import Handover, Incident
from volunteer_hub.incidents.rules import RaiseState

router = APIRouter(tags=["command"])


class LevelIn(In):
    """The level wanted."""

    model_config = {"json_schema_extra": {"examples": [{"level": 2, "reason": "The dyke is giving way."}]}}
    level: Level
    reason: str = Field(default="", max_length=4000)


class LevelOut(Out):
    """The incident as it stands; ``asked`` is the level now asked of the node above, if it had to be."""

    incident: IncidentOut
    asked: int | None


class HandoverIn(In):
    """To whom command is offered, with the questions still open ("none" is an answer)."""

    model_config = {
        "json_schema_extra": {"examples": [{"to": "an@example.org", "questions": "Is the pump on its way?"}]}
    }
    to: str = Field(max_length=320, description="e-mail address of an account that may command here")
    questions: str = Field(max_length=4000)


class HandoverOut(Out):
    """An offer of command."""

    id: uuid.UUID
    questions: str
    offered_at: datetime


class RaiseOut(Out):
    """A level asked of the node above."""

    id: uuid.UUID
    incident: uuid.UUID
    title: str
    level: int
    present: int
    reason: str
    asked_at: datetime
    state: RaiseState


class AnswerIn(In):
    """Why not; needed for a no."""

    reason: str = Field(default="", max_length=4000)


def _raise(line: RaiseLine) -> RaiseOut:
    row = line.request
    return RaiseOut(
        id=row.public_id,
        incident=line.incident.public_id,
        title=line.incident.title,
        level=row.level,
        present=line.incident.level,
        reason=row.reason,
        asked_at=row.asked_at,
        state=row.state,
    )


def _open_offer(tx: Tx, incident: Incident) -> Handover:
    handover = command.offered(tx, incident)
    if handover is None:
        raise NotFound("not_found")
    return handover


@router.post("/incidents/{id}/level", response_model=LevelOut)
def set_level(
    actor: Annotated[Actor, allow("incident.write")], id: uuid.UUID, body: LevelIn, once: OnceOnly
) -> Response:
    """Sets the level, or asks the node above where it is too grave for this one."""

    def deed() -> LevelOut:
        incident = queries.find(tx, "incident.write", id)
        request = flow.set_level(tx, incident, body.level, body.reason)
        return LevelOut(incident=shown(tx, incident), asked=request.level if request is not None else None)

    with db.transaction(actor, "incident.level") as tx:
        return once.run(tx, deed)


@router.get("/raises", response_model=Page[RaiseOut])
def raises(actor: Annotated[Actor, allow("incident.raise")]) -> Page[RaiseOut]:
    """Levels asked of the actor's nodes and not yet answered, the oldest first."""
    with db.read(actor) as tx:
        return Page(items=[_raise(line) for line in situation.raises(tx)])


@router.post("/raises/{id}/grant", response_model=IncidentOut)
def grant(actor: Annotated[Actor, allow("incident.raise")], id: uuid.UUID, once: OnceOnly) -> Response:
    """The node above says yes."""
    return _answer(actor, id, once, grant=True, reason="")


@router.post("/raises/{id}/refuse", response_model=IncidentOut)
def refuse(
    actor: Annotated[Actor, allow("incident.raise")], id: uuid.UUID, body: AnswerIn, once: OnceOnly
) -> Response:
    """The node above says no, with the reason."""
    return _answer(actor, id, once, grant=False, reason=body.reason)


def _answer(actor: Actor, id: uuid.UUID, once: OnceOnly, *, grant: bool, reason: str) -> Response:
    with db.transaction(actor, "incident.level_answer") as tx:
        request = queries.find_raise(tx, "incident.raise", id)
        return once.run(tx, lambda: shown(tx, flow.answer_level(tx, request, grant=grant, reason=reason)))


@router.post("/incidents/{id}/handover", status_code=201, response_model=HandoverOut)
def offer(
    actor: Annotated[Actor, allow("incident.command")], id: uuid.UUID, body: HandoverIn, once: OnceOnly
) -> Response:
    """Offers command to somebody; it passes when they acknowledge it."""

    def deed() -> HandoverOut:
        incident = queries.find(tx, "incident.command", id)
        row = flow.offer_command(tx, incident, body.to, body.questions)
        return HandoverOut(id=row.public_id, questions=row.questions, offered_at=row.offered_at)

    with db.transaction(actor, "incident.handover") as tx:
        return once.run(tx, deed, 201)


@router.post("/incidents/{id}/handover/acknowledge", response_model=IncidentOut)
def acknowledge(
    actor: Annotated[Actor, allow("incident.command")], id: uuid.UUID, once: OnceOnly
) -> Response:
    """Takes the command that was offered to the actor."""

    def deed() -> IncidentOut:
        incident = queries.find(tx, "incident.command", id)
        return shown(tx, command.acknowledge(tx, _open_offer(tx, incident)))

    with db.transaction(actor, "incident.acknowledge") as tx:
        return once.run(tx, deed)


@router.post("/incidents/{id}/handover/withdraw", response_model=IncidentOut)
def withdraw(actor: Annotated[Actor, allow("incident.command")], id: uuid.UUID, once: OnceOnly) -> Response:
    """Takes an offer of command back, or declines it."""

    def deed() -> IncidentOut:
        incident = queries.find(tx, "incident.command", id)
        return shown(tx, command.withdraw(tx, _open_offer(tx, incident)))

    with db.transaction(actor, "incident.handover_withdraw") as tx:
        return once.run(tx, deed)


@router.post("/incidents/{id}/command", response_model=IncidentOut)
def take(
    actor: Annotated[Actor, allow("incident.command")], id: uuid.UUID, body: ReasonIn, once: OnceOnly
) -> Response:
    """Takes command without an offer, when whoever holds it cannot be reached; the log keeps the reason."""

    def deed() -> IncidentOut:
        incident = queries.find(tx, "incident.command", id)
        return shown(tx, command.take(tx, incident, body.reason))

    with db.transaction(actor, "incident.take_command") as tx:
        return once.run(tx, deed)
