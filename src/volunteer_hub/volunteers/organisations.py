"""Organisations that pledge people: how many of which skill, whom to ring, how soon they come."""

import uuid
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import col, delete, select

from volunteer_hub.core import policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import FieldError, Malformed, NotFound
from volunteer_hub.core.geo import check_position
from volunteer_hub.core.site import Site
from volunteer_hub.volunteers import fields
from volunteer_hub.volunteers.fields import Wrong
from volunteer_hub.volunteers.models import Organisation, Pledge
from volunteer_hub.volunteers.registry import must_be_version
from volunteer_hub.volunteers.rules import OrganisationKind
from volunteer_hub.volunteers.skills import taxonomy

_MOST_HEADS: Final = 100_000


class OrganisationIn(BaseModel):
    """What is told of an organisation; ``pledges`` maps skills to heads."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    area: str
    name: str = Field(min_length=1)
    kind: OrganisationKind = OrganisationKind.OTHER
    contact_name: str | None = None
    contact_phone: str | None = None
    contact_email: str | None = None
    activation_minutes: int = Field(default=60, ge=0, le=30 * 24 * 60)
    lat: float | None = None
    lon: float | None = None
    pledges: dict[str, int] = {}


def create(tx: Tx, given: OrganisationIn) -> Organisation:
    """A new organisation with its pledges. Raises Malformed."""
    values = _checked(given)
    tx.actor.must_cover("organisation.write", given.area)
    row = Organisation(**values, created_at=tx.now)
    tx.add(row)
    tx.flush()
    _pledge(tx, row.id, given.pledges)
    return row


def update(tx: Tx, public_id: uuid.UUID, version: int, given: OrganisationIn) -> Organisation:
    """Replaces what is told of it. Raises PreconditionFailed when somebody else was first."""
    row = find(tx, "organisation.write", public_id, lock=True)
    must_be_version(row, version)
    tx.actor.must_cover("organisation.write", given.area)
    row.sqlmodel_update(_checked(given))
    row.version += 1
    _pledge(tx, row.id, given.pledges)
    return row


def find(tx: Tx, permission: str, public_id: uuid.UUID, *, lock: bool = False) -> Organisation:
    """The organisation inside the actor's areas. Raises NotFound."""
    tx.actor.must(permission)
    query = select(Organisation).where(
        col(Organisation.public_id) == public_id, tx.actor.scope(permission, Organisation.area)
    )
    row = tx.exec(query.with_for_update() if lock else query).first()
    if row is None:
        raise NotFound("not_found")
    return row


def organisations(tx: Tx, *, after: int | None = None, limit: int = 50) -> list[Organisation]:
    """The actor's organisations behind an id, by id."""
    query = select(Organisation).where(tx.actor.scope("organisation.read", Organisation.area))
    if after is not None:
        query = query.where(col(Organisation.id) > after)
    return list(tx.exec(query.order_by(col(Organisation.id)).limit(limit)))


def pledges_of(tx: Tx, organisation_ids: list[int]) -> dict[int, dict[str, int]]:
    """Heads by skill for each organisation."""
    found: dict[int, dict[str, int]] = {key: {} for key in organisation_ids}
    query = select(Pledge).where(col(Pledge.organisation_id).in_(organisation_ids)).order_by(Pledge.skill)
    for pledge in tx.exec(query):
        found[pledge.organisation_id][pledge.skill] = pledge.heads
    return found


def _pledge(tx: Tx, organisation_id: int, pledges: Mapping[str, int]) -> None:
    tx.exec(delete(Pledge).where(col(Pledge.organisation_id) == organisation_id))
    tx.add_all(Pledge(organisation_id=organisation_id, skill=s, heads=n) for s, n in pledges.items())
    tx.flush()


def _checked(given: OrganisationIn) -> dict[str, Any]:
    values = given.model_dump(exclude={"pledges"})
    region = policy.load("hub", Site).phone_region
    wrong: list[FieldError] = []
    readers = {
        "name": fields.line,
        "contact_name": fields.line,
        "contact_phone": lambda raw: fields.phone(raw, region),
        "contact_email": fields.email,
    }
    for name, read in readers.items():
        raw = (values[name] or "").strip()
        try:
            values[name] = read(raw) if raw else None
            if name == "name" and not raw:
                raise Wrong("required")
        except Wrong as error:
            wrong.append(FieldError(name, error.code, error.params))
    skills = taxonomy().skills
    for skill, heads in given.pledges.items():
        if skill not in skills:
            wrong.append(FieldError("pledges", "volunteer.skill", {"value": skill[:40]}))
        elif not 0 < heads <= _MOST_HEADS:
            wrong.append(FieldError("pledges", "volunteer.heads", {"skill": skill, "most": _MOST_HEADS}))
    if (given.lat is None) != (given.lon is None):
        wrong.append(
            FieldError("lon" if given.lon is None else "lat", "volunteer.both", {"other": "lat, lon"})
        )
    if wrong:
        raise Malformed("form", fields=wrong)
    if given.lat is not None and given.lon is not None:
        values["lat"], values["lon"] = check_position(given.lat, given.lon)
    return values
