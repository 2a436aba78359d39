"""/volunteer-files: people in and out by CSV and XLSX."""

import io
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse

from volunteer_hub.api.errors import words
from volunteer_hub.api.guard import Language, allow
from volunteer_hub.api.jurisdictions import Code
from volunteer_hub.api.pages import Out
from volunteer_hub.api.volunteers import area_of
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.errors import FieldError
from volunteer_hub.flows import exchange
from volunteer_hub.flows.exchange import OnTwin
from volunteer_hub.volunteers.queries import Wanted
from volunteer_hub.volunteers.rules import Status

router = APIRouter(prefix="/volunteer-files", tags=["volunteers"])
Importer = Annotated[Actor, allow("volunteer.import")]
_FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {"schema": {"type": "string"}, "example": "name,community\nBo Li,230602001\n"},
            exchange.MEDIA_TYPES["xlsx"]: {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


class RowFault(Out):
    """One thing wrong with a row."""

    line: int | None
    column: str
    code: str
    detail: str


class TwinOut(Out):
    """A row and the person in the pool it seems to be."""

    line: int
    by: str
    id: str
    name: str | None


class PreviewOut(Out):
    """What a file holds; the first hundred faults and twins."""

    total: int
    good: int
    bad: int
    errors: list[RowFault]
    twins_total: int
    twins: list[TwinOut]


class AppliedOut(Out):
    """What an import did."""

    added: int
    merged: int
    skipped: int
    left_out: int


def fault(lang: str, error: FieldError) -> RowFault:
    """A row's fault in words."""
    params = error.params
    return RowFault(
        line=params.get("line"), column=params.get("column", ""), code=error.code, detail=words(lang, error)
    )


async def _body(request: Request) -> bytes:
    return await request.body()


Content = Annotated[bytes, Depends(_body)]
Datum = Annotated[Literal["wgs84", "gcj02", "bd09"], Query(description="for rows that name none")]


@router.post("/preview", openapi_extra=_FILE)
def preview(actor: Importer, content: Content, lang: Language, datum: Datum = "wgs84") -> PreviewOut:
    """Reads a CSV or XLSX file sent as the body, and stores nothing."""
    with db.transaction(actor, "volunteer.import.preview") as tx:
        found = exchange.preview(tx, io.BytesIO(content), datum=datum)
        return PreviewOut(
            total=found.total,
            good=found.good,
            bad=found.bad,
            errors=[fault(lang, error) for error in found.errors],
            twins_total=found.twins_total,
            twins=[TwinOut(line=t.line, by=t.by, id=str(t.public_id), name=t.name) for t in found.twins],
        )


@router.post("/import", openapi_extra=_FILE)
def take_in(
    actor: Importer,
    content: Content,
    datum: Datum = "wgs84",
    leave_out_bad: bool = False,
    on_twin: OnTwin = OnTwin.REFUSE,
) -> AppliedOut:
    """Takes a file in: all of it, or nothing. Sent again, its people are twins and none is added twice."""
    with db.transaction(actor, "volunteer.import") as tx:
        done = exchange.take_in(
            tx, io.BytesIO(content), datum=datum, leave_out_bad=leave_out_bad, on_twin=on_twin
        )
        return AppliedOut.model_validate(done)


@router.get("/export", response_class=StreamingResponse)
def export(
    actor: Annotated[Actor, allow("volunteer.export")],
    form: exchange.Format = "csv",
    status: Status | None = None,
    area: Code | None = None,
) -> StreamingResponse:
    """The people of the actor's areas as a file that the import reads back to the same people."""
    with db.transaction(actor, "volunteer.export") as tx:
        blocks = exchange.export_blocks(tx, form, Wanted(area=area_of(tx, area), status=status))
    headers = {"Content-Disposition": f'attachment; filename="volunteers.{form}"'}
    return StreamingResponse(blocks, media_type=exchange.MEDIA_TYPES[form], headers=headers)
