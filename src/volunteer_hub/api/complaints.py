"""/complaints: about a body of a community, put before the node above it."""

import uuid
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from volunteer_hub.access import bodies, jurisdictions
from volunteer_hub.access.models import Complaint
from volunteer_hub.access.rules import Body, ComplaintState
from volunteer_hub.api.guard import PUBLIC, actor_or_guest, allow
from volunteer_hub.api.jurisdictions import Code
from volunteer_hub.api.pages import In, OnceOnly, Out, Page
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor

router = APIRouter(prefix="/complaints", tags=["complaints"])


class ComplaintIn(In):
    """A complaint about a body of the community ``about``."""

    model_config = {
        "json_schema_extra": {
            "examples": [
                {"about": "230602001", "body": "workstation", "text": "My hours of March are missing."}
            ]
        }
    }
    about: Code
    body: Body
    text: str = Field(min_length=1, max_length=bodies.LONGEST_TEXT)


class AnswerIn(In):
    """The answer, given once."""

    model_config = {"json_schema_extra": {"examples": [{"text": "They were added on 4 April."}]}}
    text: str = Field(min_length=1, max_length=bodies.LONGEST_TEXT)


class ComplaintOut(Out):
    """A complaint and what came of it."""

    id: uuid.UUID
    about: str = Field(description="code of the community")
    body: Body
    text: str
    state: ComplaintState
    created_at: datetime
    answer: str | None
    answered_at: datetime | None


class Received(Out):
    """It was taken; the id is for asking after it."""

    id: uuid.UUID
    state: ComplaintState


def _views(tx: db.Tx, rows: list[Complaint]) -> list[ComplaintOut]:
    codes = jurisdictions.codes(tx, {row.area_about for row in rows})
    same = set(ComplaintOut.model_fields) - {"id", "about"}
    return [
        ComplaintOut(id=row.public_id, about=codes[row.area_about], **row.model_dump(include=same))
        for row in rows
    ]


@router.post("", status_code=201, response_model=Received, dependencies=[PUBLIC])
def complain(request: Request, body: ComplaintIn, once: OnceOnly) -> JSONResponse:
    """Anybody may complain: a guest, a volunteer, or staff with that right."""

    def deed(tx: db.Tx) -> Received:
        about = jurisdictions.by_code(tx, body.about)
        row = bodies.complain(tx, about, body.body, body.text)
        return Received(id=row.public_id, state=row.state)

    with db.transaction(actor_or_guest(request), "complaint.write") as tx:
        return once.run(tx, lambda: deed(tx), 201)


@router.get("")
def listed(
    actor: Annotated[Actor, allow("complaint.read")], state: ComplaintState | None = None
) -> Page[ComplaintOut]:
    """The newest hundred complaints that the actor's areas answer."""
    with db.read(actor) as tx:
        return Page(items=_views(tx, list(bodies.listed(tx, state))))


@router.get("/{id}")
def one(actor: Annotated[Actor, allow("complaint.read")], id: uuid.UUID) -> ComplaintOut:
    """One complaint."""
    with db.read(actor) as tx:
        return _views(tx, [bodies.find(tx, "complaint.read", id)])[0]


@router.post("/{id}/answer", response_model=ComplaintOut)
def answer(
    actor: Annotated[Actor, allow("complaint.write")], id: uuid.UUID, body: AnswerIn, once: OnceOnly
) -> JSONResponse:
    """Answers a complaint, once."""

    def deed(tx: db.Tx) -> ComplaintOut:
        row = bodies.answer(tx, bodies.find(tx, "complaint.write", id), body.text)
        return _views(tx, [row])[0]

    with db.transaction(actor, "complaint.answer") as tx:
        return once.run(tx, lambda: deed(tx))
