"""The tree of jurisdictions. Everywhere in this API an area is named by its official code."""

import uuid
from typing import Annotated, Any, Final

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from volunteer_hub.access import jurisdictions
from volunteer_hub.access.models import Jurisdiction
from volunteer_hub.access.rules import NodeKind
from volunteer_hub.api.guard import allow
from volunteer_hub.api.pages import Cursor, In, Limit, OnceOnly, Out, Page, page
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_cursor

router = APIRouter(tags=["jurisdictions"])

Code = Annotated[
    str,
    Field(min_length=1, max_length=100, description="official code of an area", examples=["230602"]),
]
_NODE: Final[dict[str, Any]] = {
    "code": "230602001",
    "kind": "community",
    "name": {"en": "Dongfeng", "zh": "东风社区"},
    "parent": "230602",
    "street": "Sartu Street",
    "zone": "Asia/Shanghai",
    "lat": 46.6,
    "lon": 125.11,
    "residents": 8200,
}


class Name(In):
    """A name in both languages."""

    en: str = Field(min_length=1, max_length=200)
    zh: str = Field(min_length=1, max_length=200)


class AreaOut(Out):
    """An area as other resources name it."""

    code: str
    name: dict[str, str]


class JurisdictionOut(Out):
    """One node of the tree; ``level`` counts from 0 at the root."""

    id: uuid.UUID
    code: str
    kind: NodeKind
    name: dict[str, str]
    level: int
    street: str | None
    zone: str
    lat: float
    lon: float
    residents: int


class JurisdictionIn(In):
    """A node to be added below ``parent``; a street is only a label."""

    model_config = {"json_schema_extra": {"examples": [_NODE]}}
    code: Code
    kind: NodeKind
    name: Name
    parent: Code
    lat: float
    lon: float
    street: str | None = Field(default=None, max_length=200)
    zone: str = Field(default="Asia/Shanghai", max_length=64)
    residents: int = Field(default=0, ge=0, le=2**31 - 1)


def area_out(node: Jurisdiction) -> AreaOut:
    """A node as other resources name it."""
    return AreaOut(code=node.code, name=dict(node.name))


def _view(node: Jurisdiction) -> JurisdictionOut:
    return JurisdictionOut(
        id=node.public_id,
        code=node.code,
        kind=node.kind,
        name=dict(node.name),
        level=node.path.count("/") - 2,
        street=node.street,
        zone=node.zone,
        lat=node.lat,
        lon=node.lon,
        residents=node.residents,
    )


@router.get("/jurisdictions", response_model=Page[JurisdictionOut])
def listed(
    actor: Annotated[Actor, allow("jurisdiction.read")],
    limit: Limit = 50,
    cursor: Cursor = None,
    kind: NodeKind | None = None,
) -> Page[JurisdictionOut]:
    """The nodes of the actor's areas in the order of the tree, parents before children."""
    start = decode_cursor(cursor) or 0
    with db.read(actor) as tx:
        nodes = list(enumerate(jurisdictions.listed(tx, "jurisdiction.read", kind), 1))
        rows = nodes[start : start + limit + 1]
        return page(rows, limit, lambda row: _view(row[1]), lambda row: int(row[0]))


@router.get("/jurisdictions/{id}", response_model=JurisdictionOut)
def one(actor: Annotated[Actor, allow("jurisdiction.read")], id: uuid.UUID) -> JurisdictionOut:
    """One node."""
    with db.read(actor) as tx:
        return _view(jurisdictions.find(tx, "jurisdiction.read", id))


@router.post("/jurisdictions", status_code=201, response_model=JurisdictionOut)
def add(
    actor: Annotated[Actor, allow("jurisdiction.write")], body: JurisdictionIn, once: OnceOnly
) -> JSONResponse | Response:
    """Adds a node below another one."""
    values: dict[str, Any] = {**body.model_dump(exclude={"name"}), "name": body.name.model_dump()}
    with db.transaction(actor, "jurisdiction.add") as tx:
        return once.run(tx, lambda: _view(jurisdictions.add(tx, jurisdictions.Node(**values))), 201)
