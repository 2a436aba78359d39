"""People in and out by file: upload, look at what is wrong, take in; and the way back out."""

import io
import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Request, UploadFile
from fastapi import Form as Field
from fastapi.responses import Response, StreamingResponse

from volunteer_hub.access import jurisdictions
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.errors import HubError
from volunteer_hub.core.i18n import t
from volunteer_hub.flows import exchange
from volunteer_hub.flows.exchange import Format, OnTwin
from volunteer_hub.volunteers.checking import DATUMS
from volunteer_hub.volunteers.exchange import waiting
from volunteer_hub.volunteers.exchange.layout import COLUMNS
from volunteer_hub.volunteers.models import ImportFile
from volunteer_hub.volunteers.queries import Wanted
from volunteer_hub.volunteers.rules import Status
from volunteer_hub.web import nav
from volunteer_hub.web.forms import Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.render import language_of, page

router = APIRouter()
Importer = Annotated[Actor, allow("volunteer.import")]
Exporter = Annotated[Actor, allow("volunteer.export")]


@router.get("/volunteers/import")
def ask_file(request: Request, actor: Importer) -> Response:
    """Which file, and in which datum its positions are."""
    return _upload(request, actor)


def _upload(request: Request, actor: Actor, errors: list[str] | None = None, status: int = 200) -> Response:
    lang = language_of(request)
    context = nav.console(request, actor, errors=errors or [], datums=DATUMS, columns=COLUMNS)
    title = t(lang, "pool.import.title")
    return page(request, "console/import.html", status=status, title=title, **context)


@router.post("/volunteers/import")
def upload(
    request: Request, actor: Importer, file: UploadFile, datum: Annotated[str, Field(max_length=10)] = "wgs84"
) -> Response:
    """Keeps the file and shows what it holds; nothing is taken in yet."""
    content = file.file.read()
    try:
        with db.transaction(actor, "volunteer.import.preview") as tx:
            exchange.preview(tx, io.BytesIO(content), datum=datum)
            row = waiting.keep(tx, file.filename or "", content, datum)
            target = f"/imports/{row.public_id}"
    except HubError as error:
        return _upload(request, actor, _lines(language_of(request), error), error.status)
    return see_other(target)


def _lines(lang: str, error: HubError) -> list[str]:
    """What is wrong with a file as a whole."""
    said = [t(lang, f"error.{fault.code}", **fault.params) for fault in error.fields]
    return [t(lang, f"error.{error.code}", **error.params), *said]


@router.get("/imports/{id:uuid}")
def preview(request: Request, actor: Importer, id: uuid.UUID) -> Response:
    """What the file holds: rows that can be taken, bad rows with line, column and reason, twins."""
    return _preview(request, actor, id)


def _preview(
    request: Request, actor: Actor, id: uuid.UUID, errors: list[str] | None = None, status: int = 200
) -> Response:
    lang = language_of(request)
    with db.transaction(actor, "volunteer.import.preview") as tx:
        kept = waiting.find(tx, id)
        found = exchange.preview(tx, io.BytesIO(kept.content), datum=kept.datum)
        name = kept.name
    bad = [
        {
            "line": fault.params.get("line", ""),
            "column": _column(lang, fault.params.get("column", "")),
            "reason": t(lang, f"error.{fault.code}", **fault.params),
        }
        for fault in found.errors
    ]
    context = nav.console(
        request,
        actor,
        file=name,
        id=id,
        found=found,
        bad=bad,
        choices=[
            (each.value, t(lang, f"pool.twin.{each.value}")) for each in OnTwin if each != OnTwin.REFUSE
        ],
        errors=errors or [],
    )
    title = t(lang, "pool.import.preview")
    return page(request, "console/import_preview.html", status=status, title=title, **context)


def _column(lang: str, name: str) -> str:
    return t(lang, f"volunteers.field.{name}") if name in COLUMNS else name


@router.post("/imports/{id:uuid}")
def take_in(request: Request, actor: Importer, id: uuid.UUID, form: Sent) -> Response:
    """Takes the file in, all of it or nothing, and tells what was done."""
    lang = language_of(request)
    choices: dict[str, Any] = {
        "leave_out_bad": form.flag("leave_out_bad"),
        "on_twin": OnTwin(form.text("on_twin", 10)) if form.text("on_twin", 10) in _TWINS else OnTwin.REFUSE,
    }
    try:
        with db.transaction(actor, "volunteer.import") as tx:
            kept: ImportFile = waiting.find(tx, id)
            done = exchange.take_in(tx, io.BytesIO(kept.content), datum=kept.datum, **choices)
            waiting.drop(tx, kept)
    except HubError as error:
        if error.status == 404:
            return _upload(request, actor, _lines(lang, error)[:1], error.status)
        return _preview(request, actor, id, _lines(lang, error)[:1], error.status)
    context = nav.console(request, actor, done=done)
    return page(request, "console/import_done.html", title=t(lang, "pool.import.done"), **context)


_TWINS = frozenset(each.value for each in OnTwin)


@router.get("/volunteers/export.csv")
def export_csv(
    actor: Exporter, search: str = "", status: str = "", skill: str = "", area: str = ""
) -> StreamingResponse:
    """The list as it is filtered, as CSV."""
    return _export(actor, "csv", search, status, skill, area)


@router.get("/volunteers/export.xlsx")
def export_xlsx(
    actor: Exporter, search: str = "", status: str = "", skill: str = "", area: str = ""
) -> StreamingResponse:
    """The list as it is filtered, as a workbook."""
    return _export(actor, "xlsx", search, status, skill, area)


def _export(actor: Actor, form: Format, search: str, status: str, skill: str, area: str) -> StreamingResponse:
    state = next((each for each in Status if each.value == status), None)
    with db.transaction(actor, "volunteer.export") as tx:
        within = jurisdictions.within(tx, "volunteer.export", area).path if area else None
        wanted = Wanted(area=within, status=state, skill=skill or None, search=search or None)
        blocks = exchange.export_blocks(tx, form, wanted)
    headers = {"Content-Disposition": f'attachment; filename="volunteers.{form}"'}
    return StreamingResponse(blocks, media_type=exchange.MEDIA_TYPES[form], headers=headers)
