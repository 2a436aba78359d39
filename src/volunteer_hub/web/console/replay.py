"""After the action: the frozen plan beside what happened, minute by minute, to read and to take along."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.boards.replay import RIGHT
from volunteer_hub.core import db, document_html, document_pdf
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.document import Document
from volunteer_hub.flows import replay as flow
from volunteer_hub.web import nav
from volunteer_hub.web.guard import allow
from volunteer_hub.web.render import language_of, page

router = APIRouter()
Reader = Annotated[Actor, allow(RIGHT)]
_NAMED: Final = 'attachment; filename="replay.{}"'


@router.get("/incidents/{id:uuid}/replay")
def show(request: Request, actor: Reader, id: uuid.UUID) -> Response:
    """The replay as a page."""
    with db.read(actor) as tx:
        told = flow.read(tx, id)
        found = flow.document(told, tx.now, language_of(request))
        context = nav.console(
            request,
            actor,
            title=found.title,
            kind="drill" if told.replay.incident.kind.value == "drill" else None,
            zone=told.replay.area.zone,
            at=f"/incidents/{id}",
            document=found,
            now=tx.now,
        )
    return page(request, "console/replay.html", **context)


@router.get("/incidents/{id:uuid}/replay/html")
def as_html(request: Request, actor: Reader, id: uuid.UUID) -> Response:
    """The same as one file that needs nothing beside itself."""
    body = document_html.page(_document(request, actor, id))
    return Response(
        body, media_type="text/html; charset=utf-8", headers={"Content-Disposition": _NAMED.format("html")}
    )


@router.get("/incidents/{id:uuid}/replay/pdf")
def as_pdf(request: Request, actor: Reader, id: uuid.UUID) -> Response:
    """The same to print."""
    body = document_pdf.pdf(_document(request, actor, id))
    return Response(body, media_type="application/pdf", headers={"Content-Disposition": _NAMED.format("pdf")})


def _document(request: Request, actor: Actor, id: uuid.UUID) -> Document:
    with db.read(actor) as tx:
        return flow.document(flow.read(tx, id), tx.now, language_of(request))
