"""Drills on a calendar: the plans with the dates to come, a plan's form, and what each drill has shown."""

import uuid
from collections.abc import Callable
from dataclasses import fields
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.access import jurisdictions
from volunteer_hub.boards import drill_plans as board
from volunteer_hub.boards.drill_plans import PlanLine
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_cursor, encode_cursor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.drills import plans
from volunteer_hub.drills.models import DrillPlan
from volunteer_hub.drills.plans import Ahead
from volunteer_hub.drills.policy import Drills
from volunteer_hub.drills.rules import Kind, Misfire, Notice, PlanSpec
from volunteer_hub.flows import drill as drills
from volunteer_hub.flows import drill_plans as flow
from volunteer_hub.flows import next_drill
from volunteer_hub.incidents.policy import Hazards
from volunteer_hub.mobilization.policy import When
from volunteer_hub.volunteers.policy import Skills
from volunteer_hub.web import forms, nav
from volunteer_hub.web.forms import Faults, Form, Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.render import language_of, page

router = APIRouter()

ROWS: Final = 50
_RUNS: Final = 25
_FIELDS: Final = tuple(field.name for field in fields(PlanSpec))

Reader = Annotated[Actor, allow("drill.read")]
Writer = Annotated[Actor, allow("drill.write")]


@router.get("/drills")
def listed(request: Request, actor: Reader, cursor: str = "") -> Response:
    """The plans of the actor's areas, each with its next five dates; before them, which drill next."""
    return _list(request, actor, cursor)


def _list(request: Request, actor: Actor, cursor: str, error: HubError | None = None) -> Response:
    lang = language_of(request)
    with db.read(actor) as tx:
        rows = board.listed(tx, after=decode_cursor(cursor or None) or 0, limit=ROWS)
        proposed = [] if cursor else next_drill.proposals(tx)
        shown = rows[:ROWS]
        context = nav.console(
            request,
            actor,
            title=t(lang, "drills.title"),
            zone=next(iter([*(one.area.zone for one in proposed), *(row.plan.zone for row in shown)]), "UTC"),
            proposed=[(one, next_drill.reason(one, lang)) for one in proposed],
            lines=[(line, flow.ahead(line.plan, tx.now)) for line in shown],
            error=t(lang, f"error.{error.code}", **error.params) if error else "",
            next=encode_cursor(shown[-1].plan.id) if len(rows) > ROWS else None,
            may=actor.may,
            key=forms.new_key(),
            now=tx.now,
        )
    return page(request, "console/drills.html", status=error.status if error else 200, **context)


@router.post("/drills/next")
def accept(request: Request, actor: Writer, form: Sent) -> Response:
    """Makes the drill plan that was proposed, and goes to it."""
    try:
        with db.transaction(actor, "drill.accept") as tx:
            path = form.once(tx, "/drills/next", lambda: _accepted(tx, form))
    except HubError as error:
        if error.status in (403, 404):
            raise
        return _list(request, actor, "", error)
    return see_other(path)


def _accepted(tx: Tx, form: Form) -> str:
    when: When = "night" if form.text("when", 5) == "night" else "day"
    return f"/drills/{next_drill.accept(tx, form.text('area', 100), when).public_id}"


@router.get("/drills/new")
def new(request: Request, actor: Writer) -> Response:
    """The form of a new plan; the address may name a template, or hold what was typed so far."""
    return _form(request, actor, None, _proposed(_given(request), language_of(request)))


@router.post("/drills/new")
def create(request: Request, actor: Writer, form: Sent) -> Response:
    """Makes the plan and goes to it."""
    try:
        with db.transaction(actor, "drill.create") as tx:
            path = form.once(tx, "/drills/new", lambda: _created(tx, form))
    except HubError as error:
        if error.status in (403, 404):
            raise
        return _form(request, actor, None, _typed(form), error)
    return see_other(path)


def _created(tx: Tx, form: Form) -> str:
    area = form.text("area", 100)
    spec = _spec(form, flow.zone_of(tx, area))
    return f"/drills/{flow.create(tx, area, spec).public_id}"


@router.get("/drills/{id:uuid}")
def show(request: Request, actor: Reader, id: uuid.UUID, cursor: str = "") -> Response:
    """One plan: the dates to come, and what the drills so far have shown."""
    return _show(request, actor, id, cursor)


@router.get("/drills/{id:uuid}/edit")
def edit(request: Request, actor: Writer, id: uuid.UUID) -> Response:
    """The form of a plan that is there."""
    with db.read(actor) as tx:
        line = board.lines(tx, [plans.find(tx, "drill.write", id)])[0]
    typed = {name: str(getattr(line.plan, name)) for name in _FIELDS if name != "skills"}
    for name in ("kind", "notice", "misfire"):
        typed[name] = getattr(line.plan, name).value
    typed["on_paper"] = "yes" if line.plan.on_paper else ""
    typed |= {"area": line.area.code, "skills": " ".join(line.plan.skills), "version": str(line.plan.version)}
    given = _given(request)
    if given:  # a box that is not ticked is not sent
        typed["on_paper"] = ""
    return _form(request, actor, line, typed | given)


@router.post("/drills/{id:uuid}/edit")
def change(request: Request, actor: Writer, id: uuid.UUID, form: Sent) -> Response:
    """Changes the plan, unless somebody else was faster."""
    try:
        with db.transaction(actor, "drill.change") as tx:
            plan = plans.find(tx, "drill.write", id)
            spec = _spec(form, form.text("zone", 64) or plan.zone)
            flow.change(tx, plan, form.whole("version"), **{name: getattr(spec, name) for name in _FIELDS})
    except HubError as error:
        if error.status in (403, 404):
            raise
        with db.read(actor) as tx:
            line = board.lines(tx, [plans.find(tx, "drill.write", id)])[0]
        return _form(request, actor, line, _typed(form), error)
    return see_other(f"/drills/{id}")


@router.post("/drills/{id:uuid}/pause")
def pause(request: Request, actor: Writer, id: uuid.UUID, form: Sent) -> Response:
    """No drill is due until it is resumed."""
    return _deed(request, actor, id, "pause", lambda tx, plan: plans.pause(tx, plan, form.whole("version")))


@router.post("/drills/{id:uuid}/resume")
def resume(request: Request, actor: Writer, id: uuid.UUID, form: Sent) -> Response:
    """Due again from now on."""
    return _deed(request, actor, id, "resume", lambda tx, plan: plans.resume(tx, plan, form.whole("version")))


@router.post("/drills/{id:uuid}/run")
def run_now(request: Request, actor: Writer, id: uuid.UUID, form: Sent) -> Response:
    """Holds it now, outside its rule."""

    def deed(tx: Tx, plan: DrillPlan) -> None:
        form.once(tx, f"/drills/{id}/run", lambda: drills.run_now(tx, plan).public_id)

    return _deed(request, actor, id, "run_now", deed)


def _deed(
    request: Request, actor: Actor, id: uuid.UUID, name: str, deed: Callable[[Tx, DrillPlan], Any]
) -> Response:
    try:
        with db.transaction(actor, f"drill.{name}") as tx:
            deed(tx, plans.find(tx, "drill.write", id))
    except HubError as error:
        if error.status in (403, 404):
            raise
        return _show(request, actor, id, "", error)
    return see_other(f"/drills/{id}")


def _show(
    request: Request, actor: Actor, id: uuid.UUID, cursor: str, error: HubError | None = None
) -> Response:
    lang = language_of(request)
    with db.read(actor) as tx:
        plan = plans.find(tx, "drill.read", id)
        rows = board.runs(tx, plan, before=decode_cursor(cursor or None), limit=_RUNS)
        shown = rows[:_RUNS]
        context = nav.console(
            request,
            actor,
            title=plan.title,
            zone=plan.zone,
            line=board.lines(tx, [plan])[0],
            hazard=_hazards().get(plan.hazard),
            skills=[pick(_skills()[code].name, lang) for code in plan.skills if code in _skills()],
            ahead=flow.ahead(plan, tx.now),
            runs=shown,
            minutes=policy.load("drills", Drills).report_minutes,
            paper_hours=policy.load("drills", Drills).paper_hours,
            next=encode_cursor(shown[-1].result.run.id) if len(rows) > _RUNS else None,
            may=lambda right: actor.may(right, plan.area),
            key=forms.new_key(),
            error=t(lang, f"error.{error.code}", **error.params) if error else "",
            now=tx.now,
        )
    return page(request, "console/drill.html", status=error.status if error else 200, **context)


def _form(
    request: Request,
    actor: Actor,
    line: PlanLine | None,
    typed: dict[str, str],
    error: HubError | None = None,
) -> Response:
    lang = language_of(request)
    errors = forms.words(lang, error) if error is not None else Faults()
    with db.read(actor) as tx:
        areas = jurisdictions.listed(tx, "drill.write")
        chosen = next((node for node in areas if node.code == typed.get("area")), areas[0])
        zone = typed.get("zone") or chosen.zone
        ahead = _preview(typed, zone, tx, lang, errors)
        context = nav.console(
            request,
            actor,
            title=t(lang, "drills.edit" if line else "drills.new"),
            zone=zone if ahead else chosen.zone,
            line=line,
            typed=typed,
            errors=errors,
            ahead=ahead,
            templates=policy.load("drills", Drills).templates,
            areas=[(node.code, "　" * (node.path.count("/") - 2) + pick(node.name, lang)) for node in areas],
            hazards=[(code, pick(hazard.name, lang)) for code, hazard in _hazards().items()],
            words=_words(lang),
            key=forms.new_key(),
            now=tx.now,
        )
    return page(request, "console/drill_form.html", status=error.status if error else 200, **context)


def _preview(typed: dict[str, str], zone: str, tx: Tx, lang: str, errors: Faults) -> list[Ahead]:
    """The next dates of the rule as typed; what is wrong with it stands beside the field."""
    if not typed.get("rule"):
        return []
    try:
        return flow.preview(typed["rule"], zone, tx.now)
    except HubError as error:
        errors["zone" if error.code == "drill.zone" else "rule"] = t(
            lang, f"error.{error.code}", **error.params
        )
        errors.pop("", None)
        return []


def _proposed(given: dict[str, str], lang: str) -> dict[str, str]:
    """What the form of a new plan starts with: a template's values under what was typed."""
    templates = policy.load("drills", Drills).templates
    template = templates.get(given.get("template", ""), next(iter(templates.values())))
    proposed = plans.from_template(template, pick(template.name, lang), "")
    left_out = ("skills", "zone", "on_paper")
    values = {name: str(getattr(proposed, name)) for name in _FIELDS if name not in left_out}
    return values | {name: value for name, value in given.items() if name != "template"}


def _typed(form: Form) -> dict[str, str]:
    typed = {name: values[0] for name, values in form.values.items() if values}
    return typed | {"skills": " ".join(form.many("skills"))}


def _given(request: Request) -> dict[str, str]:
    """What the address holds of a form, as `_typed`."""
    given = {name: value for name, value in request.query_params.items() if "\0" not in value}
    skills = request.query_params.getlist("skills")
    return given | ({"skills": " ".join(skills)} if skills else {})


def _spec(form: Form, zone: str) -> PlanSpec:
    """The plan as typed. Raises Malformed naming every field that cannot be read."""
    spec = PlanSpec(
        title=form.text("title", 200),
        hazard=form.text("hazard", 100),
        rule=form.text("rule", 300),
        zone=zone,
        kind=_one_of(Kind, form.text("kind", 20), Kind.REACHABILITY),
        notice=_one_of(Notice, form.text("notice", 20), Notice.PARTIAL),
        share_percent=form.whole("share_percent"),
        answer_minutes=form.whole("answer_minutes"),
        misfire=_one_of(Misfire, form.text("misfire", 20), Misfire.LATEST),
        skills=tuple(form.many("skills")),
        jitter_minutes=form.whole("jitter_minutes") if form.text("jitter_minutes", 10) else 0,
        on_paper=form.flag("on_paper"),
    )
    form.check()
    return spec


def _one_of(kind: Any, typed: str, usual: Any) -> Any:
    """A value of an enumeration; the usual one for what no form of ours sends."""
    return kind(typed) if typed in {each.value for each in kind} else usual


def _words(lang: str) -> dict[str, list[tuple[str, str]]]:
    """The choices of the form, by field."""
    return {
        "kind": [(each.value, t(lang, f"drill.kind.{each}")) for each in Kind],
        "notice": [(each.value, t(lang, f"drill.notice.{each}")) for each in Notice],
        "misfire": [(each.value, t(lang, f"drill.misfire.{each}")) for each in Misfire],
        "skills": [(code, pick(skill.name, lang)) for code, skill in _skills().items()],
    }


def _hazards() -> Any:
    return policy.load("hazards", Hazards).hazards


def _skills() -> Any:
    return policy.load("skills", Skills).skills
