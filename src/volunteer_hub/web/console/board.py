"""The board of one incident: what to do next, how much is covered, what happened; refreshed as it happens."""

import uuid
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from markupsafe import Markup

from volunteer_hub.boards import command as boards
from volunteer_hub.boards import upward as reports
from volunteer_hub.boards.command import Board
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.flows import close as closing
from volunteer_hub.flows import declare as flow
from volunteer_hub.flows import plan as planning
from volunteer_hub.flows import preview, replan
from volunteer_hub.incidents import command, logbook, queries, states
from volunteer_hub.incidents.models import Incident, RoleSlot, Task
from volunteer_hub.incidents.policy import Hazards
from volunteer_hub.incidents.rules import ALLOWED, OPEN, LogKind, State, TaskState, level_name
from volunteer_hub.incidents.templates import shown_role, shown_title
from volunteer_hub.mobilization.rules import PlanState
from volunteer_hub.volunteers.policy import Skills
from volunteer_hub.web import forms, nav, parts
from volunteer_hub.web.console import upward
from volunteer_hub.web.console.incidents import TONES
from volunteer_hub.web.forms import Form, Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.render import Lang, Speech, language_of, page
from volunteer_hub.web.streams import Shown, follow

router = APIRouter()

_MAJOR: Final = frozenset(
    {LogKind.DECLARED, LogKind.LEVEL, LogKind.COMMAND, LogKind.CALLOUT, LogKind.STATE, LogKind.SAFETY}
)
_MOVES: Final = (State.ACTIVE, State.DEMOBILIZING, State.CLOSED, State.REVIEWED)
_BUSY: Final = frozenset({PlanState.REQUESTED, PlanState.RUNNING})
_UNTAKEN_SECONDS: Final = 20


@router.get("/incidents/{id:uuid}")
def board(request: Request, actor: Annotated[Actor, allow("incident.read")], id: uuid.UUID) -> Response:
    """The board."""
    return show(request, actor, id)


@router.get("/incidents/{id:uuid}/parts/{name}")
def refreshed(
    request: Request,
    actor: Annotated[Actor, allow("incident.read")],
    id: uuid.UUID,
    name: str,
    seen: str = "",
) -> Response:
    """One part of the board, or 204 when it is still as ``seen``."""
    lang = language_of(request)
    with db.read(actor) as tx:
        found = boards.board(tx, queries.find(tx, "incident.read", id))
        made = {"plan": _plan_part, "live": _live_part}.get(name)
        if made is None:
            return Response(status_code=404)
        return parts.answer(made(tx, found, lang), seen)


@router.get("/incidents/{id:uuid}/stream")
def stream(request: Request, actor: Annotated[Actor, allow("incident.read")], id: uuid.UUID) -> Response:
    """Both parts of the board, pushed. Who has approved a plan reads another part than who still may."""

    def both(tx: Tx, lang: Lang) -> Shown:
        found = boards.board(tx, queries.find(tx, "incident.read", id))
        shown = _plan_part(tx, found, lang) + _live_part(tx, found, lang)
        return shown, [line.callout.id for line in found.callouts]

    alone = actor.may("plan.approve")
    return follow(request, actor, lambda tx: queries.find(tx, "incident.read", id), both, alone=alone)


def show(
    request: Request,
    actor: Actor,
    id: uuid.UUID,
    *,
    failed: str = "",
    errors: forms.Faults | None = None,
    typed: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    """The board; ``failed`` names the form that came back, with what was typed and what is wrong."""
    lang = language_of(request)
    with db.read(actor) as tx:
        found = boards.board(tx, queries.find(tx, "incident.read", id))
        incident, hazards = found.incident, policy.load("hazards", Hazards)
        hazard = hazards.hazards.get(incident.hazard)
        context = nav.console(
            request,
            actor,
            title=incident.title,
            kind=incident.kind.value,
            zone=found.area.zone,
            board=found,
            incident=incident,
            hazard_name=pick(hazard.name, lang) if hazard else incident.hazard,
            area_name=_way_words(found, lang),
            tone=TONES[incident.state],
            level_name=level_name,
            now=tx.now,
            may=lambda right: actor.may(right, incident.area),
            me=actor.id if actor.kind == "account" else None,
            is_open=incident.state in OPEN,
            upward_due=upward.due_words(reports.owed(tx, incident), Speech(lang, found.area.zone), tx)
            if actor.may("incident.write", incident.area)
            else None,
            moves=[each for each in _MOVES if _may_follow(each, incident, actor)],
            plan_part=_plan_part(tx, found, lang),
            live_part=_live_part(tx, found, lang),
            failed=failed,
            errors=errors or forms.Faults(),
            typed=typed or {},
        )
        return page(request, "console/board.html", status=status, **context)


def _may_follow(wanted: State, incident: Incident, actor: Actor) -> bool:
    """Whether the reader may bring the incident there now; closing releases whoever is left by itself."""
    right = "incident.close" if wanted in (State.CLOSED, State.REVIEWED) else "incident.write"
    may = wanted in ALLOWED[incident.state] or (wanted is State.CLOSED and incident.state in OPEN)
    return may and actor.may(right, incident.area)


def _way_words(found: Board, lang: Lang) -> str:
    return " › ".join(pick(node.name, lang) for node in found.way[-2:])


def skill_name(lang: str, code: str | None, level: int) -> str:
    """What a slot or minimum wants, in words: "First aid, level 2"; "anybody" without a skill."""
    if code is None:
        return t(lang, "board.anybody")
    known = policy.load("skills", Skills).skills.get(code)
    name = pick(known.name, lang) if known is not None else code
    return name if level == 1 else t(lang, "board.skill_level", skill=name, level=level)


def slot_words(lang: str, task: Task, slot: RoleSlot) -> str:
    """A role's name: a template's own in the reader's language, else as written, else the skill."""
    return shown_role(policy.load("hazards", Hazards), task, slot.name, lang) or skill_name(
        lang, slot.skill, slot.level
    )


def _shared(found: Board, actor: Actor, lang: Lang) -> dict[str, Any]:
    """What both parts of the board are made from."""
    hazards = policy.load("hazards", Hazards)
    open_tasks = [line for line in found.tasks if line.task.state is TaskState.OPEN]
    slots = {slot.slot.id: (line, slot) for line in found.tasks for slot in line.slots}

    def slot_name(slot_id: int) -> str:
        if slot_id not in slots:
            return "–"
        line, slot = slots[slot_id]
        return slot_words(lang, line.task, slot.slot)

    def task_of(slot_id: int) -> str:
        return shown_title(hazards, slots[slot_id][0].task, lang) if slot_id in slots else "–"

    return {
        "board": found,
        "incident": found.incident,
        "open_tasks": open_tasks,
        "places": sum(slot.slot.target for line in open_tasks for slot in line.slots),
        "is_open": found.incident.state in OPEN,
        "may": lambda right: actor.may(right, found.incident.area),
        "me": actor.id if actor.kind == "account" else None,
        "slot_name": slot_name,
        "task_of": task_of,
        "title_of": lambda task: shown_title(hazards, task, lang),
        "skill": lambda code, level: skill_name(lang, code, level),
    }


def _plan_part(tx: Tx, found: Board, lang: Lang) -> Markup:
    """What to do next: the road from tasks to people asked, and the plan on it."""
    plan, incident = found.plan, found.incident
    unsent = plan is not None and plan.state in preview.UNSENT and not found.sent
    view = planning.view(plan.result, lang) if plan is not None and plan.result and unsent else None
    return parts.part(
        "plan",
        "console/board_plan.html",
        f"/incidents/{incident.public_id}/parts/plan",
        lang=lang,
        zone=found.area.zone,
        live=incident.state in OPEN,
        **_shared(found, tx.actor, lang),
        plan=plan,
        view=view,
        ahead=preview.before_sending(tx, plan) if plan is not None and unsent else None,
        busy=plan is not None and plan.state in _BUSY,
        phase=t(lang, f"plan.phase.{plan.progress['phase']}") if plan and plan.progress.get("phase") else "",
        untaken=plan is not None
        and plan.state is PlanState.REQUESTED
        and (tx.now - plan.requested_at).total_seconds() > _UNTAKEN_SECONDS,
        failure=t(lang, f"error.{plan.failure}") if plan is not None and plan.failure else "",
        by_slot=by_slot(view) if view else {},
        difference=replan.difference(plan, lang) if plan is not None and unsent else None,
        because=replan.because(tx, plan, lang) if unsent else "",
        dry=_dry(found),
    )


def _dry(found: Board) -> bool:
    """Whether a role is short of its minimum and the callout had nobody left to ask."""
    short = any(
        one.placed < one.slot.minimum
        for line in found.tasks
        if line.task.state is TaskState.OPEN
        for one in line.slots
    )
    told = any(line.entry.event == "callout_gap" for line in found.log)
    return found.live is not None and short and told


def by_slot(view: planning.PlanView) -> dict[int, list[planning.PairView]]:
    """A plan's people by slot id."""
    found: dict[int, list[planning.PairView]] = {}
    for pair in view.pairs:
        found.setdefault(pair.slot, []).append(pair)
    return found


def _live_part(tx: Tx, found: Board, lang: Lang) -> Markup:
    """How much of the work is covered, what became of the people asked, and what happened."""
    incident = found.incident
    said = [
        {
            "at": line.entry.at,
            "what": logbook.words(lang, line.entry),
            "by": line.account.name if line.account is not None else "",
            "major": line.entry.kind in _MAJOR,
        }
        for line in found.log
    ]
    return parts.part(
        "live",
        "console/board_live.html",
        f"/incidents/{incident.public_id}/parts/live",
        lang=lang,
        zone=found.area.zone,
        live=incident.state in OPEN,
        **_shared(found, tx.actor, lang),
        said=said,
        callout=found.live or (found.callouts[0] if found.callouts else None),
        now=tx.now,
    )


# ---- what is done from the board: plain forms, each one deed


@router.post("/incidents/{id:uuid}/note")
def note(
    request: Request, actor: Annotated[Actor, allow("incident.write")], id: uuid.UUID, form: Sent
) -> Response:
    """A line for the log."""
    return _deed(
        request, actor, id, form, "note", lambda tx, incident: logbook.note(tx, incident, form.text("text"))
    )


@router.post("/incidents/{id:uuid}/level")
def level(
    request: Request, actor: Annotated[Actor, allow("incident.write")], id: uuid.UUID, form: Sent
) -> Response:
    """Another response level, or the question to the node above."""
    return _deed(
        request,
        actor,
        id,
        form,
        "level",
        lambda tx, incident: flow.set_level(tx, incident, form.whole("level"), form.text("reason")),
    )


@router.post("/incidents/{id:uuid}/state")
def move(
    request: Request, actor: Annotated[Actor, allow("incident.write")], id: uuid.UUID, form: Sent
) -> Response:
    """The next state: at work, people released, closed, reviewed."""

    def deed(tx: Tx, incident: Incident) -> None:
        wanted = form.text("state", 20)
        if wanted == State.DEMOBILIZING:
            closing.demobilise(tx, incident)
        elif wanted == State.CLOSED:
            closing.close(tx, incident)
        elif wanted in (State.ACTIVE, State.REVIEWED):
            states.move(tx, incident, State(wanted))

    return _deed(request, actor, id, form, "state", deed)


@router.post("/incidents/{id:uuid}/handover")
def handover(
    request: Request, actor: Annotated[Actor, allow("incident.command")], id: uuid.UUID, form: Sent
) -> Response:
    """Offers command to somebody, with the open questions."""
    return _deed(
        request,
        actor,
        id,
        form,
        "handover",
        lambda tx, incident: flow.offer_command(tx, incident, form.text("to", 320), form.text("questions")),
    )


@router.post("/incidents/{id:uuid}/handover/answer")
def answer(
    request: Request, actor: Annotated[Actor, allow("incident.command")], id: uuid.UUID, form: Sent
) -> Response:
    """Takes the command that was offered, or lets the offer go."""

    def deed(tx: Tx, incident: Incident) -> None:
        offered = command.offered(tx, incident)
        if offered is None:
            return
        if form.text("answer", 20) == "take":
            command.acknowledge(tx, offered)
        else:
            command.withdraw(tx, offered)

    return _deed(request, actor, id, form, "answer", deed)


@router.post("/incidents/{id:uuid}/command")
def take(
    request: Request, actor: Annotated[Actor, allow("incident.command")], id: uuid.UUID, form: Sent
) -> Response:
    """Takes command without an offer, with the reason."""
    return _deed(
        request, actor, id, form, "take", lambda tx, incident: command.take(tx, incident, form.text("reason"))
    )


def _deed(
    request: Request, actor: Actor, id: uuid.UUID, form: Form, name: str, deed: Any, action: str = ""
) -> Response:
    """Does it and goes back to the board; what a rule refuses stands beside the form, as typed."""
    try:
        with db.transaction(actor, action or f"incident.{name}") as tx:
            incident = queries.find(tx, "incident.read", id)
            deed(tx, incident)
            form.check()
    except HubError as error:
        return came_back(request, actor, id, form, name, error)
    return see_other(f"/incidents/{id}")


def came_back(
    request: Request, actor: Actor, id: uuid.UUID, form: Form, name: str, error: HubError
) -> Response:
    """The board with a form that was refused. A foreign incident stays one that is not there."""
    if error.bars:
        raise error
    errors = forms.words(language_of(request), error)
    typed = {key: values[0] for key, values in form.values.items() if values}
    return show(request, actor, id, failed=name, errors=errors, typed=typed, status=error.status)
