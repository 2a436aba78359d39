"""/volunteers/me: a person and their own data."""

from datetime import date
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from volunteer_hub.api.guard import Volunteer
from volunteer_hub.api.incidents import required
from volunteer_hub.api.pages import In, OnceOnly, Version, etag
from volunteer_hub.api.volunteers import Fields, VolunteerOut, shown, tagged
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.flows import forget, take_along
from volunteer_hub.volunteers import availability, consents, own, registry, skills, standing
from volunteer_hub.volunteers import models as rows
from volunteer_hub.volunteers.fields import cells, minute_of_day
from volunteer_hub.volunteers.rules import MILDEST, Purpose

router = APIRouter(prefix="/volunteers/me", tags=["me"])


class Week(In):
    """When I can be called: 14 cells, my quiet hours, and the mildest response level whose real callouts may
    break them (1 is I, the gravest; 4: every one; 0: none; null: as is usual here)."""

    model_config = {
        "json_schema_extra": {
            "examples": [
                {
                    "availability": "11101010101111",
                    "quiet_from": "22:30",
                    "quiet_until": "06:00",
                    "wakes_for": 2,
                }
            ]
        }
    }
    availability: str = Field(
        pattern="^[01]{14}$", description="Monday's day, Monday's night, Tuesday's day ..."
    )
    quiet_from: str | None = Field(None, pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    quiet_until: str | None = Field(None, pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    wakes_for: int | None = Field(None, ge=0, le=MILDEST)


class OwnPause(In):
    """The last day of my pause; null until I resume."""

    model_config = {"json_schema_extra": {"examples": [{"until": "2027-03-01"}]}}
    until: date | None = None


class OwnSkill(In):
    """The level at which I say I can do it."""

    model_config = {"json_schema_extra": {"examples": [{"level": 1}]}}
    level: int = Field(ge=1, le=3)


def id_of(actor: Actor) -> int:
    """The inner id of the volunteer who acts."""
    assert actor.id is not None
    return actor.id


def _locked(tx: db.Tx, actor: Actor) -> rows.Volunteer:
    return registry.one(tx, id_of(actor), lock=True)


@router.get("", response_model=VolunteerOut)
def me(actor: Volunteer) -> JSONResponse:
    """What is known of me, with its ETag."""
    with db.read(actor) as tx:
        return tagged(shown(tx, registry.one(tx, id_of(actor))))


@router.get("/everything")
def everything(actor: Volunteer) -> dict[str, Any]:
    """All that is held about me here, to take along."""
    with db.read(actor) as tx:
        return take_along.everything(tx, id_of(actor))


@router.patch("", response_model=VolunteerOut)
def correct(actor: Volunteer, body: Fields, version: Version) -> JSONResponse:
    """Corrects the fields that are sent, when If-Match names the version stored (else 412)."""
    seen = required(version)
    with db.transaction(actor, "me.correct") as tx:
        return tagged(shown(tx, own.correct(tx, id_of(actor), seen, body.given())))


@router.delete("", status_code=204, response_class=Response)
def erase(actor: Volunteer) -> None:
    """Erases me for good; nobody can bring it back."""
    with db.transaction(actor, "me.erase") as tx:
        forget.own(tx, id_of(actor))


@router.put("/availability", response_model=VolunteerOut)
def set_week(actor: Volunteer, body: Week, response: Response) -> VolunteerOut:
    """Sets my week and my quiet hours."""
    with db.transaction(actor, "me.availability") as tx:
        row = availability.set_week(
            tx,
            _locked(tx, actor),
            cells(body.availability),
            quiet_from=minute_of_day(body.quiet_from) if body.quiet_from else None,
            quiet_until=minute_of_day(body.quiet_until) if body.quiet_until else None,
            wakes_for=body.wakes_for,
        )
        response.headers["ETag"] = etag(row.version)
        return shown(tx, row)


@router.post("/pause", response_model=VolunteerOut)
def pause(actor: Volunteer, body: OwnPause, once: OnceOnly) -> JSONResponse:
    """No callouts for a while."""
    with db.transaction(actor, "me.pause") as tx:
        return once.run(tx, lambda: shown(tx, standing.pause(tx, _locked(tx, actor), body.until)))


@router.post("/resume", response_model=VolunteerOut)
def resume(actor: Volunteer, once: OnceOnly) -> JSONResponse:
    """Ends my pause. A suspension only the staff can end."""
    with db.transaction(actor, "me.resume") as tx:
        return once.run(tx, lambda: shown(tx, own.resume(tx, id_of(actor))))


@router.put("/skills/{skill}", response_model=VolunteerOut)
def claim(actor: Volunteer, skill: str, body: OwnSkill) -> VolunteerOut:
    """I can do this."""
    with db.transaction(actor, "me.claim") as tx:
        row = _locked(tx, actor)
        skills.claim(tx, row, skill, body.level)
        return shown(tx, row)


@router.delete("/skills/{skill}", status_code=204, response_class=Response)
def unclaim(actor: Volunteer, skill: str) -> None:
    """I no longer say that I can do this."""
    with db.transaction(actor, "me.unclaim") as tx:
        skills.unclaim(tx, _locked(tx, actor), skill)


@router.put("/consents/{purpose}", status_code=204, response_class=Response)
def give(actor: Volunteer, purpose: Purpose) -> None:
    """I agree to this use of my data."""
    with db.transaction(actor, "me.consent") as tx:
        consents.give(tx, id_of(actor), [purpose])


@router.delete("/consents/{purpose}", status_code=204, response_class=Response)
def withdraw(actor: Volunteer, purpose: Purpose) -> None:
    """I take my consent back."""
    with db.transaction(actor, "me.withdraw_consent") as tx:
        consents.withdraw(tx, _locked(tx, actor), purpose)
