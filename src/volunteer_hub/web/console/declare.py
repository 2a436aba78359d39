"""A new incident in under a minute: kind, hazard, area; the rest is filled in and can be changed."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.access import jurisdictions
from volunteer_hub.access.models import Jurisdiction
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.flows import declare as flow
from volunteer_hub.incidents.policy import Hazards
from volunteer_hub.incidents.rules import IncidentSpec, Kind, Source, gravest, level_name, level_number
from volunteer_hub.web import forms, nav
from volunteer_hub.web.forms import Form, Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.render import environment, language_of, page

router = APIRouter()

_KEPT: Final = frozenset({"hazard", "area", "kind", "title", "place"})


@router.get("/incidents/new")
def new(request: Request, actor: Annotated[Actor, allow("incident.declare")]) -> Response:
    """The form; the address may name hazard, area and kind."""
    given = {name: value for name, value in request.query_params.items() if "\0" not in value}
    return _form(request, actor, given)


@router.get("/incidents/new/rest")
def rest(request: Request, actor: Annotated[Actor, allow("incident.declare")]) -> Response:
    """The part of the form that follows from hazard and area."""
    given = {name: value for name, value in request.query_params.items() if "\0" not in value}
    with db.read(actor) as tx:
        context = _context(request, tx, given)
    text = environment(language_of(request)).get_template("console/declare_rest.html").render(**context)
    return Response(text, media_type="text/html")


@router.post("/incidents/new")
def declare(request: Request, actor: Annotated[Actor, allow("incident.declare")], form: Sent) -> Response:
    """Declares it and goes to its board. Whoever changed hazard or area without seeing what follows from it
    is shown that first."""
    typed = {name: values[0] for name, values in form.values.items() if values}
    if (typed.get("hazard"), typed.get("area")) != (typed.get("shown_hazard"), typed.get("shown_area")):
        kept = {name: value for name, value in typed.items() if name in _KEPT}
        return _form(request, actor, kept, look=True)
    try:
        with db.transaction(actor, "incident.declare") as tx:
            path = form.once(tx, "/incidents/new", lambda: _declared(tx, form))
    except HubError as error:
        if error.status in (403, 404):
            raise
        errors = forms.words(language_of(request), error)
        chosen = form.many("only")
        return _form(request, actor, typed, only=chosen, errors=errors, status=error.status)
    return see_other(path)


def _declared(tx: Tx, form: Form) -> str:
    area = jurisdictions.by_code(tx, form.text("area", 100))
    lat, lon = form.decimal("lat"), form.decimal("lon")
    level = form.whole("level")
    spec = IncidentSpec(
        area=area.path,
        hazard=form.text("hazard", 100),
        lat=area.lat if lat is None else lat,
        lon=area.lon if lon is None else lon,
        title=form.text("title") or None,
        kind=Kind.DRILL if form.text("kind", 20) == "drill" else Kind.REAL,
        level=level or None,
        source=Source.PAGE,
    )
    place, only = form.text("place"), form.many("only")
    deed = flow.declare_and_plan if form.text("then", 20) == "plan" else flow.declare
    form.check()
    return f"/incidents/{deed(tx, spec, only=only, place=place).public_id}"


def _form(
    request: Request,
    actor: Actor,
    typed: dict[str, str],
    *,
    only: list[str] | None = None,
    errors: forms.Faults | None = None,
    look: bool = False,
    status: int = 200,
) -> Response:
    with db.read(actor) as tx:
        context = _context(request, tx, typed, only)
        may_plan = actor.may("plan.request", context["area"].path)
    faults = errors or forms.Faults()
    context |= nav.console(request, actor, errors=faults, look=look, key=forms.new_key(), may_plan=may_plan)
    title = t(language_of(request), "board.new.title")
    return page(request, "console/declare.html", status=status, title=title, **context)


def _context(
    request: Request, tx: Tx, typed: dict[str, str], only: list[str] | None = None
) -> dict[str, Any]:
    lang = language_of(request)
    hazards = policy.load("hazards", Hazards)
    areas = jurisdictions.listed(tx, "incident.declare")
    area = next((node for node in areas if node.code == typed.get("area")), areas[0])
    code = typed.get("hazard") if typed.get("hazard") in hazards.hazards else next(iter(hazards.hazards))
    assert code is not None
    hazard = hazards.hazards[code]
    node = flow.node_of(tx, tx.actor, "incident.declare", area.path)
    own = gravest(hazards, node.kind)
    return {
        "typed": typed,
        "errors": forms.Faults(),
        "hazards": [(each, pick(row.name, lang)) for each, row in hazards.hazards.items()],
        "areas": [(each.code, _indented(each, areas[0], lang)) for each in areas],
        "hazard_code": code,
        "hazard": hazard,
        "area": area,
        "levels": [(str(n), t(lang, f"incidents.level.{n}")) for n in (1, 2, 3, 4)],
        "level": typed.get("level") or str(level_number(hazard.level)),
        "own_level": level_name(own) if own is not None and level_name(own) != "I" else None,
        "tasks": hazard.tasks,
        "only": list(hazard.tasks) if only is None else only,
    }


def _indented(node: Jurisdiction, top: Jurisdiction, lang: str) -> str:
    """A node's name, moved in by its depth below the first one listed."""
    depth = max(0, node.path.count("/") - top.path.count("/"))
    return "　" * depth + pick(node.name, lang)
