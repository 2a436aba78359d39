"""/volunteers/{id}/...: where a person stands with the pool, and what the staff vouches for."""

import uuid
from collections.abc import Callable
from datetime import date
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import Field

from volunteer_hub.api.guard import allow
from volunteer_hub.api.pages import In, OnceOnly
from volunteer_hub.api.volunteers import VolunteerOut, shown
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.flows import join
from volunteer_hub.flows import merge as merge_flow
from volunteer_hub.volunteers import registry, skills, standing
from volunteer_hub.volunteers.models import Volunteer

router = APIRouter(prefix="/volunteers/{id}", tags=["volunteers"])
Writer = Annotated[Actor, allow("volunteer.write")]
Approver = Annotated[Actor, allow("volunteer.approve")]


class Reason(In):
    """Why; the person may read it."""

    model_config = {"json_schema_extra": {"examples": [{"reason": "moved away"}]}}
    reason: str = Field(min_length=1, max_length=300)


class Pause(In):
    """The last day of a pause; null until resumed."""

    model_config = {"json_schema_extra": {"examples": [{"until": "2027-03-01"}]}}
    until: date | None = None


class Level(In):
    """The level at which the staff vouches for a skill."""

    model_config = {"json_schema_extra": {"examples": [{"level": 2}]}}
    level: int = Field(ge=1, le=3)


class CertificationIn(In):
    """A paper that was shown."""

    model_config = {
        "json_schema_extra": {
            "examples": [{"skill": "first_aid", "number": "FA-17", "expires_on": "2027-06-30"}]
        }
    }
    skill: str
    number: str | None = Field(None, max_length=100)
    issuer: str | None = Field(None, max_length=100)
    issued_on: date | None = None
    expires_on: date | None = None


class MergeIn(In):
    """The other entry of the same person, which goes."""

    drop: uuid.UUID


def _step(actor: Actor, name: str, once: OnceOnly, deed: Callable[[db.Tx], Volunteer]) -> JSONResponse:
    with db.transaction(actor, f"volunteer.{name}") as tx:
        return once.run(tx, lambda: shown(tx, deed(tx)))


@router.post("/approve", response_model=VolunteerOut)
def approve(actor: Approver, id: uuid.UUID, once: OnceOnly) -> JSONResponse:
    """Takes an applicant into the pool; they are told."""
    return _step(actor, "approve", once, lambda tx: join.approve(tx, id))


@router.post("/decline", response_model=VolunteerOut)
def decline(actor: Approver, id: uuid.UUID, body: Reason, once: OnceOnly) -> JSONResponse:
    """Turns an application down; the applicant is told that, not the reason."""
    return _step(actor, "decline", once, lambda tx: join.decline(tx, id, body.reason))


@router.post("/suspend", response_model=VolunteerOut)
def suspend(actor: Approver, id: uuid.UUID, body: Reason, once: OnceOnly) -> JSONResponse:
    """Takes somebody out of the pool until resumed."""
    return _step(actor, "suspend", once, lambda tx: standing.suspend(tx, id, body.reason))


@router.post("/pause", response_model=VolunteerOut)
def pause(actor: Writer, id: uuid.UUID, body: Pause, once: OnceOnly) -> JSONResponse:
    """No callouts for a while."""
    return _step(actor, "pause", once, lambda tx: standing.pause(tx, _locked(tx, id), body.until))


@router.post("/resume", response_model=VolunteerOut)
def resume(actor: Writer, id: uuid.UUID, once: OnceOnly) -> JSONResponse:
    """Ends a pause or a suspension."""
    return _step(actor, "resume", once, lambda tx: standing.resume(tx, _locked(tx, id)))


@router.post("/leave", response_model=VolunteerOut)
def leave(actor: Writer, id: uuid.UUID, once: OnceOnly) -> JSONResponse:
    """The person leaves the pool; what they did stays theirs."""
    return _step(actor, "leave", once, lambda tx: standing.leave(tx, _locked(tx, id)))


@router.put("/skills/{skill}")
def vouch(actor: Writer, id: uuid.UUID, skill: str, body: Level) -> VolunteerOut:
    """The staff vouches for a skill at a level."""
    with db.transaction(actor, "volunteer.vouch") as tx:
        row = _locked(tx, id)
        skills.vouch(tx, row, skill, body.level)
        return shown(tx, row)


@router.post("/certifications", response_model=VolunteerOut, status_code=201)
def certify(actor: Writer, id: uuid.UUID, body: CertificationIn, once: OnceOnly) -> JSONResponse:
    """A certification was shown; the same skill and number again is a renewal."""

    def deed(tx: db.Tx) -> Volunteer:
        row = _locked(tx, id)
        skills.certify(tx, row, **body.model_dump())
        return row

    with db.transaction(actor, "volunteer.certify") as tx:
        return once.run(tx, lambda: shown(tx, deed(tx)), 201)


@router.post("/merge", response_model=VolunteerOut)
def merge(actor: Writer, id: uuid.UUID, body: MergeIn, once: OnceOnly) -> JSONResponse:
    """Makes two entries of one person one; this one stays."""
    return _step(actor, "merge", once, lambda tx: merge_flow.merge(tx, id, body.drop))


def _locked(tx: db.Tx, id: uuid.UUID) -> Volunteer:
    return registry.find(tx, "volunteer.write", id, lock=True)
