"""For a night without network: where people muster, and the call-downs that were written beforehand."""

import uuid
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from volunteer_hub.access import jurisdictions, muster
from volunteer_hub.access.models import Jurisdiction
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.flows import call_down as flow
from volunteer_hub.volunteers.rules import HOME_KINDS
from volunteer_hub.web import forms, nav
from volunteer_hub.web.forms import Form, Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.render import language_of, page

router = APIRouter()
Keeper = Annotated[Actor, allow("volunteer.export")]
_SHEET_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


@router.get("/call-downs")
def listed(request: Request, actor: Keeper) -> Response:
    """Every node: where its people muster, and when its call-down was last written."""
    lang = language_of(request)
    with db.read(actor) as tx:
        nodes = [_line(tx, node, lang) for node in jurisdictions.listed(tx, muster.RIGHT)]
        context = nav.console(request, actor, title=t(lang, "calldown.title"), nodes=nodes)
    return page(request, "console/call_downs.html", **context)


def _line(tx: Tx, node: Jurisdiction, lang: str) -> dict[str, Any]:
    point, home = muster.point_for(tx, node.path), node.kind in HOME_KINDS
    written = flow.files(node) if home else []
    return {
        "id": node.public_id,
        "name": pick(node.name, lang),
        "point": point.name if point is not None else "",
        "sealed": muster.key_for(tx, node.path) is not None,
        "home": home,
        "latest": written[0] if written else "",
    }


@router.get("/call-downs/{id:uuid}")
def show(request: Request, actor: Keeper, id: uuid.UUID) -> Response:
    """One node: its muster point, its passphrase, its files."""
    return _page(request, actor, id)


@router.post("/call-downs/{id:uuid}/muster")
def set_point(request: Request, actor: Keeper, id: uuid.UUID, form: Sent) -> Response:
    """Where people gather."""

    def deed(tx: Tx, node: Jurisdiction) -> None:
        lat, lon = form.decimal("lat"), form.decimal("lon")
        name, words = form.text("name", 200), form.text("words", 1000)
        form.check()
        here = (node.lat, node.lon) if lat is None or lon is None else (lat, lon)
        muster.set_point(tx, node, name=name, lat=here[0], lon=here[1], words=words)

    return _deed(request, actor, id, "calldown.muster", deed, form)


@router.post("/call-downs/{id:uuid}/passphrase")
def set_passphrase(request: Request, actor: Keeper, id: uuid.UUID, form: Sent) -> Response:
    """What opens the files from the next one on."""
    given = next(iter(form.values.get("passphrase", ())), "")
    return _deed(
        request,
        actor,
        id,
        "calldown.passphrase",
        lambda tx, node: muster.set_passphrase(tx, node, given[:1000]),
        form,
    )


@router.post("/call-downs/{id:uuid}/write")
def write(request: Request, actor: Keeper, id: uuid.UUID, form: Sent) -> Response:
    """Writes it anew, with everybody as they are now."""
    return _deed(request, actor, id, "calldown.write", flow.write, form)


@router.get("/call-downs/{id:uuid}/{day}.calldown")
def download(actor: Keeper, id: uuid.UUID, day: str) -> Response:
    """The file, sealed as it lies there; the trail says who took it."""
    with db.transaction(actor, "calldown.download") as tx:
        node = jurisdictions.find(tx, muster.RIGHT, id)
        content = flow.taken_out(tx, node, day)
    headers = {"Content-Disposition": f'attachment; filename="{id}-{day}{flow.SUFFIX}"'}
    return Response(content, media_type="application/octet-stream", headers=headers)


@router.post("/call-downs/{id:uuid}/open")
def open_(request: Request, actor: Keeper, id: uuid.UUID, form: Sent) -> Response:
    """The page itself, to be printed, for whoever knows the passphrase."""
    given = next(iter(form.values.get("passphrase", ())), "")
    try:
        with db.transaction(actor, "calldown.open") as tx:
            sealed = flow.taken_out(tx, jurisdictions.find(tx, muster.RIGHT, id), form.text("day", 10))
        sheet = flow.opened(sealed, given[:1000], language_of(request))
    except HubError as error:
        return _came_back(request, actor, id, error, form)
    return HTMLResponse(sheet, headers={"Content-Security-Policy": _SHEET_POLICY})


def _deed(request: Request, actor: Actor, id: uuid.UUID, action: str, deed: Any, form: Form) -> Response:
    try:
        with db.transaction(actor, action) as tx:
            deed(tx, jurisdictions.find(tx, muster.RIGHT, id))
    except HubError as error:
        return _came_back(request, actor, id, error, form)
    return see_other(f"/call-downs/{id}")


def _came_back(request: Request, actor: Actor, id: uuid.UUID, error: HubError, form: Form) -> Response:
    if error.bars:
        raise error
    return _page(request, actor, id, error, form)


def _page(
    request: Request, actor: Actor, id: uuid.UUID, error: HubError | None = None, form: Form | None = None
) -> Response:
    lang = language_of(request)
    with db.read(actor) as tx:
        node = jurisdictions.find(tx, muster.RIGHT, id)
        point = muster.point_for(tx, node.path)
        days = flow.files(node) if node.kind in HOME_KINDS else []
        own = {"name": point.name, "lat": point.lat, "lon": point.lon, "words": point.words} if point else {}
        context = nav.console(
            request,
            actor,
            title=pick(node.name, lang),
            here=f"/call-downs/{id}",
            point=(form.typed if form is not None and "lat" in form.values else own),
            inherited=point is not None and point.area != node.path,
            sealed=muster.key_for(tx, node.path) is not None,
            home=node.kind in HOME_KINDS,
            days=days,
            choices=[(day, day) for day in days],
            error=" ".join(forms.words(lang, error).values()) if error else "",
        )
    return page(request, "console/call_down.html", status=error.status if error else 200, **context)
