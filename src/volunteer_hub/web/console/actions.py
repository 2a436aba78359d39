"""Improvement actions: the ageing board with the list behind each count, one with its way, a new one."""

import uuid
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from volunteer_hub.access import jurisdictions
from volunteer_hub.access.models import Account
from volunteer_hub.boards import actions as board
from volunteer_hub.boards.actions import Line, Stage
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_cursor, encode_cursor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import FieldError, HubError
from volunteer_hub.core.i18n import t
from volunteer_hub.core.site import Site
from volunteer_hub.drills import plans
from volunteer_hub.drills.policy import Drills
from volunteer_hub.feedback import actions_queries as queries
from volunteer_hub.feedback import actions_rules as rules
from volunteer_hub.feedback.actions_models import ImprovementAction
from volunteer_hub.feedback.actions_queries import Wanted
from volunteer_hub.feedback.actions_rules import ActionState, Evidence, Figure, Measure, Priority, Source
from volunteer_hub.feedback.rules import Form as SurveyForm
from volunteer_hub.flows import improve, settle, telling
from volunteer_hub.flows.findings import Found
from volunteer_hub.web import forms, nav
from volunteer_hub.web.forms import Faults, Form, Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.render import Lang, Speech, language_of, page

router = APIRouter()
Reader = Annotated[Actor, allow("action.read")]
Writer = Annotated[Actor, allow("action.write")]

ROWS: Final = 50
_PLANS: Final = 100
TONES: Final = {
    ActionState.PROPOSED: "watch",
    ActionState.OPEN: "info",
    ActionState.DONE: "info",
    ActionState.PROVEN: "ok",
    ActionState.REOPENED: "watch",
    ActionState.DROPPED: "quiet",
}
_SHOWN: Final[dict[str, tuple[ActionState, ...]]] = {
    "pending": rules.PENDING,
    "done": (ActionState.DONE,),
    "ended": (ActionState.PROVEN, ActionState.DROPPED),
    "all": (),
}


@router.get("/actions")
def listed(
    request: Request,
    actor: Reader,
    cursor: str = "",
    show: str = "pending",
    owner: str = "",
    span: Annotated[int | None, Query(ge=0, le=9)] = None,
    late: bool = False,
) -> Response:
    """The ageing board, and the actions behind it."""
    lang = language_of(request)
    with db.read(actor) as tx:
        table = board.ages(tx)
        wanted = _wanted(table, show, owner, span, late=late)
        skip = decode_cursor(cursor or None) or 0
        lines = board.lines(tx, queries.listed(tx, wanted, skip=skip, limit=ROWS))
        context = nav.console(
            request,
            actor,
            title=t(lang, "actions.title"),
            zone=policy.load("hub", Site).zone,
            table=table,
            lines=lines[:ROWS],
            tones=TONES,
            shown=[(code, t(lang, f"actions.show.{code}")) for code in _SHOWN],
            show=show if show in _SHOWN else "pending",
            filtered=bool(owner or late or span is not None),
            next=encode_cursor(skip + ROWS) if len(lines) > ROWS else None,
            may=actor.may("action.write"),
            now=tx.now,
        )
    return page(request, "console/actions.html", **context)


def _wanted(table: board.Ages, show: str, owner: str, span: int | None, *, late: bool) -> Wanted:
    """What the address names; an owner who has nothing pending has no row, and finds nothing."""
    row = next((one for one in table.rows if one.owner and str(one.owner.public_id) == owner), None)
    ages = table.spans[span] if span is not None and span < len(table.spans) else None
    return Wanted(
        states=_SHOWN.get(show, rules.PENDING),
        owner_id=row.owner.id if row is not None and row.owner is not None else None,
        unowned=owner == "nobody",
        overdue=late,
        aged=(ages.least, ages.below) if ages is not None else None,
    )


@router.get("/actions/new")
def new(request: Request, actor: Writer) -> Response:
    """The form of a proposal; the address may hold the finding it comes from."""
    given = {name: value for name, value in request.query_params.items() if "\0" not in value}
    return _form(request, actor, given)


@router.post("/actions/new")
def create(request: Request, actor: Writer, form: Sent) -> Response:
    """Makes the proposal and goes to it."""
    try:
        with db.transaction(actor, "action.propose") as tx:
            path = form.once(tx, "/actions/new", lambda: _created(tx, form))
    except HubError as error:
        if error.status in (403, 404):
            raise
        return _form(request, actor, form.typed, error)
    return see_other(path)


def _created(tx: Tx, form: Form) -> str:
    source = _one_of(Source, form.text("source", 20), Source.AFTER_ACTION)
    code = form.text("area", 100)
    found = Found(
        source=source,
        words=form.text("finding"),
        incident=_id(form, "incident"),
        subject=_id(form, "subject"),
        form=_one_of(SurveyForm, form.text("form", 20), None),
        code=form.text("code", 100) or None,
        area=jurisdictions.by_code(tx, code).path if code else None,
    )
    priority = _one_of(Priority, form.text("priority", 20), Priority.NORMAL)
    form.check()
    made = improve.propose(tx, found, form.text("title"), form.text("words"), priority)
    return f"/actions/{made.public_id}"


@router.get("/actions/{id:uuid}")
def show(request: Request, actor: Reader, id: uuid.UUID) -> Response:
    """One action: why, by whom, until when, what was done, whether it holds."""
    return _show(request, actor, id)


@router.post("/actions/{id:uuid}/take-up")
def take_up(request: Request, actor: Writer, id: uuid.UUID, form: Sent) -> Response:
    """An owner and a due date."""

    def deed(tx: Tx, action: ImprovementAction, version: int) -> None:
        due = form.text("due_on", 10)
        priority = _one_of(Priority, form.text("priority", 20), None)
        owner, day = _id(form, "owner"), _day(form, due)
        form.check()
        improve.take_up(tx, action, version, owner=owner, due_on=day, priority=priority)

    return _deed(request, actor, id, "take_up", form, deed)


@router.post("/actions/{id:uuid}/close")
def close(request: Request, actor: Writer, id: uuid.UUID, form: Sent) -> Response:
    """Done, with evidence."""

    def deed(tx: Tx, action: ImprovementAction, version: int) -> None:
        it = Evidence(form.text("evidence"), form.text("reference"), form.text("changed"))
        improve.close(tx, action, version, it)

    return _deed(request, actor, id, "close", form, deed)


@router.post("/actions/{id:uuid}/retest")
def bind(request: Request, actor: Writer, id: uuid.UUID, form: Sent) -> Response:
    """Binds the re-test to a drill plan."""

    def deed(tx: Tx, action: ImprovementAction, version: int) -> None:
        figure, _, minutes = form.text("figure", 30).partition(":")
        wanted = _one_of(Figure, figure, None)
        at_least, drill = form.whole("at_least"), _id(form, "drill")
        form.check()
        measure = Measure(wanted, at_least, int(minutes) if minutes.isdecimal() else None) if wanted else None
        improve.bind(tx, action, version, drill or uuid.UUID(int=0), measure)

    return _deed(request, actor, id, "bind", form, deed)


@router.post("/actions/{id:uuid}/judge")
def judge(request: Request, actor: Writer, id: uuid.UUID, form: Sent) -> Response:
    """Whether it holds, and why."""

    def deed(tx: Tx, action: ImprovementAction, version: int) -> None:
        improve.judge(tx, action, version, form.text("words"), proven=form.text("proven", 5) == "yes")

    return _deed(request, actor, id, "judge", form, deed)


@router.post("/actions/{id:uuid}/drop")
def drop(request: Request, actor: Writer, id: uuid.UUID, form: Sent) -> Response:
    """Nothing will be done, for a reason."""

    def deed(tx: Tx, action: ImprovementAction, version: int) -> None:
        improve.drop(tx, action, version, form.text("reason"))

    return _deed(request, actor, id, "drop", form, deed)


def _deed(
    request: Request,
    actor: Actor,
    id: uuid.UUID,
    name: str,
    form: Form,
    deed: Callable[[Tx, ImprovementAction, int], None],
) -> Response:
    try:
        with db.transaction(actor, f"action.{name}") as tx:
            action = queries.find(tx, "action.write", id)
            version = form.whole("version")
            deed(tx, action, version)
    except HubError as error:
        if error.status in (401, 403, 404):
            raise
        return _show(request, actor, id, form, error)
    return see_other(f"/actions/{id}")


def _show(
    request: Request, actor: Actor, id: uuid.UUID, form: Form | None = None, error: HubError | None = None
) -> Response:
    lang = language_of(request)
    with db.read(actor) as tx:
        action = queries.find(tx, "action.read", id)
        line = board.lines(tx, [action])[0]
        speech = Speech(lang, settle.zone_of(tx, action.area).key)
        owners = _owners(tx, action)
        told = forms.words(lang, error) if error is not None else Faults()
        context = nav.console(
            request,
            actor,
            title=action.title,
            zone=speech.zone,
            line=line,
            tone=TONES[action.state],
            is_link=rules.is_link(action.reference or ""),
            measure=_measured(line, lang),
            way=[_stage(stage, speech) for stage in board.way(tx, action)],
            may=bool(owners),
            owners=[(str(account.public_id), account.name) for account in owners],
            chosen=str(line.owner.public_id) if line.owner is not None else "",
            priorities=[(each.value, t(lang, f"action.priority.{each}")) for each in Priority],
            drills=_drills(tx),
            figures=_figures(lang),
            typed=form.typed if form is not None else {},
            errors=told,
            problem=told[""],
            now=tx.now,
        )
    return page(request, "console/action.html", status=error.status if error else 200, **context)


def _owners(tx: Tx, action: ImprovementAction) -> list[Account]:
    """Who may own it, the one who looks first; nobody for who may not write."""
    if not tx.actor.may("action.write", action.area):
        return []
    found = telling.holders(tx, "action.write", action.area)
    return sorted(found, key=lambda account: account.id != tx.actor.id)


def _drills(tx: Tx) -> list[tuple[str, str]]:
    if not tx.actor.may("drill.read"):
        return []
    return [(str(plan.public_id), plan.title) for plan in plans.listed(tx, after=0, limit=_PLANS)]


def _figures(lang: Lang) -> list[tuple[str, str]]:
    """The shares a re-test may look at; first that somebody decides."""
    minutes = policy.load("drills", Drills).report_minutes
    plain = [(each.value, t(lang, f"action.figure.{each}")) for each in Figure if each is not Figure.WITHIN]
    within = [(f"within:{n}", t(lang, "action.figure.within", minutes=n)) for n in minutes]
    return [("", t(lang, "actions.figure.decide")), *within, *plain]


def _measured(line: Line, lang: Lang) -> str:
    measure = improve.measure_of(line.action)
    if measure is None:
        return t(lang, "actions.figure.decide")
    figure = t(lang, f"action.figure.{measure.figure}", minutes=measure.minutes)
    return t(lang, "actions.measure", figure=figure, share=measure.at_least)


def _stage(stage: Stage, speech: Speech) -> dict[str, Any]:
    """One step as the timeline takes it."""
    step, lang = stage.step, speech.lang
    facts = step.facts
    words = step.words
    by = stage.by or t(lang, "actions.by_drill" if facts else "actions.by_itself")
    if facts:
        figure = t(lang, f"action.figure.{facts['figure']}", minutes=facts["minutes"])
        words = t(
            lang,
            "actions.shown",
            figure=figure,
            shown=facts["shown"],
            share=facts["at_least"],
            people=facts["people"],
        )
    return {
        "at": step.at,
        "what": " – ".join(filter(None, (t(lang, f"action.state.{step.state}"), words))),
        "by": f"{by} · {speech.day(step.at, year=True)}",
        "major": step.state in (ActionState.PROVEN, ActionState.REOPENED),
    }


def _form(request: Request, actor: Actor, typed: dict[str, str], error: HubError | None = None) -> Response:
    lang = language_of(request)
    source = _one_of(Source, typed.get("source", ""), Source.AFTER_ACTION)
    with db.read(actor) as tx:
        areas = jurisdictions.listed(tx, "action.write")
        context = nav.console(
            request,
            actor,
            title=t(lang, "actions.new"),
            zone=policy.load("hub", Site).zone,
            typed=typed,
            source=source,
            errors=forms.words(lang, error) if error is not None else Faults(),
            areas=[(node.code, node.name[lang]) for node in areas],
            priorities=[(each.value, t(lang, f"action.priority.{each}")) for each in Priority],
            key=forms.new_key(),
            now=tx.now,
        )
    return page(request, "console/action_form.html", status=error.status if error else 200, **context)


def _one_of(kind: Any, typed: str, usual: Any) -> Any:
    """A value of an enumeration; the usual one for what no form of ours sends."""
    return kind(typed) if typed in {each.value for each in kind} else usual


def _id(form: Form, name: str) -> uuid.UUID | None:
    value = form.text(name, 40)
    try:
        return uuid.UUID(value) if value else None
    except ValueError:
        form.faults.append(FieldError(name, "action.unknown"))
        return None


def _day(form: Form, typed: str) -> date | None:
    try:
        return date.fromisoformat(typed) if typed else None
    except ValueError:
        form.faults.append(FieldError("due_on", "form.moment"))
        return None
