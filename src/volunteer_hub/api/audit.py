"""/audit: the trail of changes, the proof that it is whole, and figures to hold against those published."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, Field

from volunteer_hub.access import jurisdictions
from volunteer_hub.api.guard import allow
from volunteer_hub.api.jurisdictions import Code
from volunteer_hub.api.pages import Cursor, Limit, Out, Page, page
from volunteer_hub.audit import trail
from volunteer_hub.audit.models import AuditLine
from volunteer_hub.audit.rules import Finding, Operation
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_cursor

router = APIRouter(prefix="/audit", tags=["audit"])
Reader = Annotated[Actor, allow("audit.read")]
Name = Annotated[str | None, Query(max_length=100)]


class LineOut(Out):
    """One change: who did what to which row, column -> [before, after].

    Personal values are readable for those who may read the pool there; else "[personal]" stands for them,
    and null for those of a person who was erased.
    """

    id: int
    at: datetime
    actor_kind: str
    actor_id: int | None
    action: str
    table: str
    row_id: str | None
    op: Operation
    changes: dict[str, Any]


class VerdictOut(Out):
    """What checking the trail found. ``head``: note it down elsewhere, and ask for it later as ``noted``."""

    finding: Finding
    sound: bool
    head: str
    lines: int
    seal_id: int | None
    line_id: int | None


class FigureOut(Out):
    """How many lines an action left on a local day."""

    day: str
    action: str
    lines: int


class Figures(Out):
    """Figures of an area, by day and action."""

    items: list[FigureOut]


def line_out(tx: db.Tx, line: AuditLine) -> LineOut:
    """A line as this reader may see it."""
    return LineOut(
        id=line.id,
        at=line.at,
        actor_kind=line.actor_kind,
        actor_id=line.actor_id,
        action=line.action,
        table=line.table_name,
        row_id=line.row_id,
        op=line.op,
        changes=trail.shown(tx, line),
    )


@router.get("")
def listed(
    actor: Reader,
    table: Name = None,
    row_id: Name = None,
    action: Name = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[LineOut]:
    """Lines of the actor's areas, the newest first."""
    with db.read(actor) as tx:
        rows = trail.lines(
            tx,
            before=decode_cursor(cursor),
            table=table,
            row_id=row_id,
            action=action,
            limit=limit + 1,
        )
        return page(rows, limit, lambda line: line_out(tx, line), lambda line: int(line.id))


@router.get("/verify")
def verify(actor: Reader, noted: Annotated[str | None, Query(pattern="^[0-9a-f]{64}$")] = None) -> VerdictOut:
    """Recomputes the whole chain; ``noted`` is a head written down earlier."""
    with db.read(actor) as tx:
        return VerdictOut.model_validate(trail.verify(tx, noted))


@router.get("/figures")
def figures(
    actor: Reader,
    area: Code,
    since: Annotated[AwareDatetime, Field(examples=["2026-03-01T00:00:00+08:00"])],
    until: Annotated[AwareDatetime, Field(examples=["2026-04-01T00:00:00+08:00"])],
) -> Figures:
    """Lines by local day and action: what a council holds against the figures that are published."""
    with db.read(actor) as tx:
        node = jurisdictions.by_code(tx, area)
        rows = trail.figures(tx, node.path, since, until, node.zone)
        return Figures(items=[FigureOut.model_validate(row) for row in rows])
