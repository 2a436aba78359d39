"""/floors: how many people with a skill an area keeps, whatever a plan would do with them."""

import uuid
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from pydantic import ConfigDict, Field

from volunteer_hub.access import jurisdictions
from volunteer_hub.api.guard import allow
from volunteer_hub.api.incidents import required
from volunteer_hub.api.jurisdictions import AreaOut, Code
from volunteer_hub.api.pages import Cursor, In, Limit, OnceOnly, Out, Page, Version, etag, page
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_cursor
from volunteer_hub.volunteers import floors
from volunteer_hub.volunteers.floors import MOST_KEPT, FloorIn
from volunteer_hub.volunteers.models import ReserveFloor

router = APIRouter(prefix="/floors", tags=["floors"])
Reader = Annotated[Actor, allow("floor.read")]
Writer = Annotated[Actor, allow("floor.write")]
Keep = Annotated[int, Field(ge=1, le=MOST_KEPT, description="people whom no plan sends away")]


class KeepBody(In):
    """How many stay from now on."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"keep": 3}]})
    keep: Keep


class FloorBody(KeepBody):
    """Of the people of an area who hold a skill at a level, or better, so many stay."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"area": "230606", "skill": "nursing", "level": 1, "keep": 2}]}
    )
    area: Code
    skill: str = Field(max_length=100)
    level: int = Field(1, ge=1, le=3)


class FloorOut(Out):
    """A floor. ``present`` counts who could be called today; ``version`` is its ETag."""

    id: uuid.UUID
    version: int
    area: AreaOut
    skill: str
    level: int
    keep: int
    present: int
    set_at: datetime


def _views(tx: db.Tx, rows: list[ReserveFloor]) -> dict[int, FloorOut]:
    paths = {row.area for row in rows}
    codes, names = jurisdictions.codes(tx, paths), jurisdictions.names(tx, paths)
    present = floors.present(tx, rows)
    return {
        row.id: FloorOut(
            id=row.public_id,
            area=AreaOut(code=codes[row.area], name=names[row.area]),
            present=present[row.id],
            **row.model_dump(include={"version", "skill", "level", "keep", "set_at"}),
        )
        for row in rows
    }


def _shown(tx: db.Tx, row: ReserveFloor) -> FloorOut:
    return _views(tx, [row])[row.id]


def _created(tx: db.Tx, body: FloorBody) -> FloorOut:
    area = jurisdictions.by_code(tx, body.area).path
    return _shown(tx, floors.create(tx, FloorIn(area=area, **body.model_dump(exclude={"area"}))))


@router.get("")
def listed(actor: Reader, limit: Limit = 50, cursor: Cursor = None) -> Page[FloorOut]:
    """The floors of the actor's areas, with how many people meet each of them today."""
    with db.read(actor) as tx:
        rows = floors.floors(tx, after=decode_cursor(cursor), limit=limit + 1)
        views = _views(tx, rows)
        return page(rows, limit, lambda row: views[row.id], lambda row: int(row.id))


@router.post("", status_code=201, response_model=FloorOut)
def create(actor: Writer, body: FloorBody, once: OnceOnly) -> JSONResponse:
    """A new floor; an area has one for a skill at a level."""
    with db.transaction(actor, "floor.create") as tx:
        return once.run(tx, lambda: _created(tx, body), 201)


@router.get("/{id}", response_model=FloorOut)
def one(actor: Reader, id: uuid.UUID) -> JSONResponse:
    """One floor, with its ETag."""
    with db.read(actor) as tx:
        return _tagged(_shown(tx, floors.find(tx, "floor.read", id)))


@router.put("/{id}", response_model=FloorOut)
def change(actor: Writer, id: uuid.UUID, body: KeepBody, version: Version) -> JSONResponse:
    """Keeps more or fewer, when If-Match names the version stored (else 412)."""
    seen = required(version)
    with db.transaction(actor, "floor.change") as tx:
        return _tagged(_shown(tx, floors.change(tx, id, seen, body.keep)))


@router.delete("/{id}", status_code=204, response_class=Response)
def remove(actor: Writer, id: uuid.UUID, version: Version) -> None:
    """Keeps nobody any more, when If-Match names the version stored (else 412)."""
    seen = required(version)
    with db.transaction(actor, "floor.remove") as tx:
        floors.remove(tx, id, seen)


def _tagged(body: FloorOut) -> JSONResponse:
    return JSONResponse(body.model_dump(mode="json"), headers={"ETag": etag(body.version)})
