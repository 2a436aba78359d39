"""The tree of areas: what there is, and a new one below another."""

from typing import Annotated, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.access import jurisdictions
from volunteer_hub.access.models import Jurisdiction
from volunteer_hub.access.rules import NodeKind
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.core.site import Site
from volunteer_hub.web import forms, nav
from volunteer_hub.web.forms import Faults, Form, Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.render import Lang, language_of, page

router = APIRouter()
ROWS: Final = 200
_LIST: Final = "/areas"
_TEXT: Final = 200


@router.get(_LIST)
def listed(request: Request, actor: Annotated[Actor, allow("jurisdiction.read")], start: int = 0) -> Response:
    """The actor's areas in the order of the tree. ``start``: how many stand before."""
    return _page(request, actor, start=max(0, start))


@router.post(_LIST)
def add(request: Request, actor: Annotated[Actor, allow("jurisdiction.write")], form: Sent) -> Response:
    """A new area below another one."""
    try:
        with db.transaction(actor, "jurisdiction.add") as tx:
            _add(tx, form)
    except HubError as error:
        if error.bars:
            raise
        return _page(request, actor, error, form)
    return see_other(_LIST)


def options(nodes: list[Jurisdiction], lang: Lang) -> list[tuple[str, str]]:
    """Areas to choose from, each set in by its depth below the first."""
    top = nodes[0].path.count("/") if nodes else 0
    return [(node.code, "\u3000" * (node.path.count("/") - top) + pick(node.name, lang)) for node in nodes]


def _add(tx: Tx, form: Form) -> None:
    for name in ("code", "en", "zh", "lat", "lon"):
        form.require(name)
    kind, zone = form.text("kind", 20), form.text("zone", 64)
    node = jurisdictions.Node(
        code=form.text("code", 100),
        kind=NodeKind(kind) if kind in set(NodeKind) else NodeKind.COMMUNITY,
        name={"en": form.text("en", _TEXT), "zh": form.text("zh", _TEXT)},
        parent=form.text("parent", 100),
        lat=form.decimal("lat") or 0.0,
        lon=form.decimal("lon") or 0.0,
        street=form.text("street", _TEXT) or None,
        zone=zone or policy.load("hub", Site).zone,
        residents=form.whole("residents"),
    )
    form.check()
    jurisdictions.add(tx, node)


def _page(
    request: Request, actor: Actor, error: HubError | None = None, form: Form | None = None, start: int = 0
) -> Response:
    lang = language_of(request)
    with db.read(actor) as tx:
        nodes = list(jurisdictions.listed(tx, "jurisdiction.read"))
        mine = list(jurisdictions.listed(tx, "jurisdiction.write")) if actor.may("jurisdiction.write") else []
        context = nav.console(
            request,
            actor,
            title=t(lang, "areas.title"),
            zone=policy.load("hub", Site).zone,
            rows=list(zip(nodes, options(nodes, lang), strict=True))[start : start + ROWS],
            count=len(nodes),
            next=f"{_LIST}?start={start + ROWS}" if len(nodes) > start + ROWS else None,
            parents=options(mine, lang),
            kinds=[(kind.value, t(lang, f"areas.kind.{kind.value}")) for kind in NodeKind],
            typed=form.typed if form else {},
            errors=forms.words(lang, error) if error else Faults(),
        )
    return page(request, "console/areas.html", status=error.status if error else 200, **context)
