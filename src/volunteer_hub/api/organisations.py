"""/organisations: units that pledge people, whom to ring and how soon they come."""

import uuid
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import Field

from volunteer_hub.access import jurisdictions
from volunteer_hub.api.guard import allow
from volunteer_hub.api.incidents import required
from volunteer_hub.api.jurisdictions import AreaOut, Code
from volunteer_hub.api.pages import Cursor, In, Limit, OnceOnly, Out, Page, Version, etag, page
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_cursor
from volunteer_hub.volunteers import organisations
from volunteer_hub.volunteers.models import Organisation
from volunteer_hub.volunteers.organisations import OrganisationIn
from volunteer_hub.volunteers.rules import OrganisationKind

router = APIRouter(prefix="/organisations", tags=["organisations"])


class OrganisationBody(In):
    """What is told of an organisation; ``pledges`` maps skills to heads."""

    model_config = {
        "json_schema_extra": {
            "examples": [
                {
                    "area": "230602",
                    "name": "Oil Production Plant No. 1",
                    "kind": "oil_field",
                    "contact_name": "Wang Jun",
                    "contact_phone": "13912340000",
                    "activation_minutes": 45,
                    "pledges": {"driver.truck": 12, "general": 60},
                }
            ]
        }
    }
    area: Code
    name: str = Field(min_length=1, max_length=100)
    kind: OrganisationKind = OrganisationKind.OTHER
    contact_name: str | None = Field(None, max_length=100)
    contact_phone: str | None = Field(None, max_length=40)
    contact_email: str | None = Field(None, max_length=254)
    activation_minutes: int = Field(60, ge=0, le=30 * 24 * 60)
    lat: float | None = Field(None, ge=-90, le=90)
    lon: float | None = Field(None, ge=-180, le=180)
    pledges: dict[str, int] = Field(default_factory=dict, max_length=200)


class OrganisationOut(Out):
    """An organisation. ``version`` is its ETag."""

    id: uuid.UUID
    version: int
    area: AreaOut
    name: str
    kind: OrganisationKind
    contact_name: str | None
    contact_phone: str | None
    contact_email: str | None
    activation_minutes: int
    lat: float | None
    lon: float | None
    pledges: dict[str, int]
    created_at: datetime


def _views(tx: db.Tx, rows: list[Organisation]) -> dict[int, OrganisationOut]:
    pledges = organisations.pledges_of(tx, [row.id for row in rows])
    paths = {row.area for row in rows}
    codes, named = jurisdictions.codes(tx, paths), jurisdictions.names(tx, paths)
    names = set(OrganisationOut.model_fields) - {"id", "area", "pledges"}
    return {
        row.id: OrganisationOut(
            id=row.public_id,
            area=AreaOut(code=codes[row.area], name=named[row.area]),
            pledges=pledges[row.id],
            **row.model_dump(include=names),
        )
        for row in rows
    }


def _shown(tx: db.Tx, row: Organisation) -> OrganisationOut:
    return _views(tx, [row])[row.id]


def _given(tx: db.Tx, body: OrganisationBody) -> OrganisationIn:
    path = jurisdictions.by_code(tx, body.area).path
    return OrganisationIn(area=path, **body.model_dump(exclude={"area"}))


@router.get("")
def listed(
    actor: Annotated[Actor, allow("organisation.read")], limit: Limit = 50, cursor: Cursor = None
) -> Page[OrganisationOut]:
    """The organisations of the actor's areas."""
    with db.read(actor) as tx:
        rows = organisations.organisations(tx, after=decode_cursor(cursor), limit=limit + 1)
        views = _views(tx, rows)
        return page(rows, limit, lambda row: views[row.id], lambda row: int(row.id))


@router.post("", status_code=201, response_model=OrganisationOut)
def create(
    actor: Annotated[Actor, allow("organisation.write")], body: OrganisationBody, once: OnceOnly
) -> JSONResponse:
    """A new organisation with its pledges."""
    with db.transaction(actor, "organisation.create") as tx:
        return once.run(tx, lambda: _shown(tx, organisations.create(tx, _given(tx, body))), 201)


@router.get("/{id}", response_model=OrganisationOut)
def one(actor: Annotated[Actor, allow("organisation.read")], id: uuid.UUID) -> JSONResponse:
    """One organisation, with its ETag."""
    with db.read(actor) as tx:
        return _tagged(_shown(tx, organisations.find(tx, "organisation.read", id)))


@router.put("/{id}", response_model=OrganisationOut)
def replace(
    actor: Annotated[Actor, allow("organisation.write")],
    id: uuid.UUID,
    body: OrganisationBody,
    version: Version,
) -> JSONResponse:
    """Replaces what is told of it, when If-Match names the version stored (else 412)."""
    seen = required(version)
    with db.transaction(actor, "organisation.change") as tx:
        organisations.find(tx, "organisation.write", id)
        return _tagged(_shown(tx, organisations.update(tx, id, seen, _given(tx, body))))


def _tagged(body: OrganisationOut) -> JSONResponse:
    return JSONResponse(body.model_dump(mode="json"), headers={"ETag": etag(body.version)})
