"""A plan from the board: asked for, read whole, approved, sent."""

import uuid
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from volunteer_hub.boards import command as boards
from volunteer_hub.boards.command import Board
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError, Malformed
from volunteer_hub.core.i18n import t
from volunteer_hub.flows import ahead, mobilize, plan_why, preview, replan
from volunteer_hub.flows import floors as breaking
from volunteer_hub.flows import plan as planning
from volunteer_hub.flows.insight_words import people_named
from volunteer_hub.flows.plan import PairView, PlanView
from volunteer_hub.flows.plan_why import PersonWhy
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.policy import Hazards
from volunteer_hub.incidents.rules import OPEN, TaskState
from volunteer_hub.incidents.templates import shown_title
from volunteer_hub.mobilization import plans
from volunteer_hub.mobilization.models import PlanRun
from volunteer_hub.volunteers import queries, registry
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.queries import Wanted
from volunteer_hub.web import forms, nav
from volunteer_hub.web.console.board import by_slot, came_back, slot_words
from volunteer_hub.web.forms import Form, Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.render import language_of, page

router = APIRouter()

_LONGEST_ANSWER: Final = 24 * 60
_LEAST_SURE: Final = 50  # per cent
_MOST_SURE: Final = 99.9
_MOST_FOUND: Final = 8


@router.post("/incidents/{id:uuid}/plan")
def request_plan(
    request: Request, actor: Annotated[Actor, allow("plan.request")], id: uuid.UUID, form: Sent
) -> Response:
    """Asks for a plan; the board follows it. Pressing twice asks once."""
    try:
        with db.transaction(actor, "plan.request") as tx:
            address = form.once(tx, f"/incidents/{id}/plan", lambda: _requested(tx, id))
    except HubError as error:
        return came_back(request, actor, id, form, "plan", error)
    return see_other(address)


def _requested(tx: Tx, id: uuid.UUID) -> str:
    planning.request_for(tx, id)
    return f"/incidents/{id}"


@router.post("/incidents/{id:uuid}/replan")
def request_replan(
    request: Request, actor: Annotated[Actor, allow("plan.request")], id: uuid.UUID, form: Sent
) -> Response:
    """Asks for a re-plan of the plan in force; the board follows it. Pressing twice asks once."""
    try:
        with db.transaction(actor, "plan.request") as tx:
            address = form.once(tx, f"/incidents/{id}/replan", lambda: _replanned(tx, id, request))
    except HubError as error:
        return came_back(request, actor, id, form, "plan", error)
    return see_other(address)


def _replanned(tx: Tx, id: uuid.UUID, request: Request) -> str:
    replan.request_for(tx, id, language_of(request))
    return f"/incidents/{id}"


@router.get("/plans/{id:uuid}")
def whole(
    request: Request,
    actor: Annotated[Actor, allow("plan.read")],
    id: uuid.UUID,
    who: Annotated[str, Query(max_length=100)] = "",
    person: uuid.UUID | None = None,
) -> Response:
    """The whole plan: everybody chosen and why, every gap and what would close it, how the pool was narrowed;
    and why one person, searched for by ``who`` or named by ``person``, is in it or not."""
    lang, hazards = language_of(request), policy.load("hazards", Hazards)
    with db.read(actor) as tx:
        plan = plans.find(tx, "plan.read", id)
        incident = tx.get_one(Incident, plan.incident_id)
        found = boards.board(tx, incident)
        view, floors = planning.told(tx, plan, lang), planning.floors_told(tx, plan, lang)
        changed = replan.difference(plan, lang)
        moved = [one.volunteer for one in changed.changes] if changed is not None else []
        slots = {slot.slot.id: (line.task, slot.slot) for line in found.tasks for slot in line.slots}
        context = nav.console(
            request,
            actor,
            title=t(lang, "board.plan.whole", title=incident.title),
            kind=incident.kind.value,
            zone=found.area.zone,
            incident=incident,
            plan=plan,
            view=view,
            people=boards.people_of(tx, plan, [*people_named(plan.result), *moved] if plan.result else ()),
            difference=changed,
            because=replan.because(tx, plan, lang),
            by_slot=_everywhere(found, view) if view else {},
            slot_of=lambda key: slots[key][1] if key in slots else None,
            slot_name=lambda key: slot_words(lang, *slots[key]) if key in slots else "–",
            task_of=lambda key: shown_title(hazards, slots[key][0], lang) if key in slots else "–",
            may_ask=view is not None and actor.may("volunteer.read"),
            asked=_asked(tx, plan, who.strip(), person, lang),
            **_ahead(tx, plan, lang),
            floors=floors,
            floor_ids=breaking.outside(tx, [one.floor for one in floors.floors]),
            may_break=lambda area: incident.state in OPEN and actor.may("plan.request", area),
            key=forms.new_key(),
        )
        return page(request, "console/plan.html", **context)


def _everywhere(found: Board, view: PlanView) -> dict[int, list[PairView]]:
    """The plan's people by slot id, the slots of open tasks that have nobody among them."""
    asked = (slot.slot.id for line in found.tasks if line.task.state is TaskState.OPEN for slot in line.slots)
    return {slot: [] for slot in asked} | by_slot(view)


def _ahead(tx: Tx, plan: PlanRun, lang: str) -> dict[str, Any]:
    """What the plan's callout would do; only how the pool narrowed, once it is sent."""
    unsent = plan.result is not None and plan.state in preview.UNSENT
    found = preview.before_sending(tx, plan) if unsent else None
    return {
        "ahead": found,
        "steps": ahead.steps(plan.result, found, lang),
        "sizes": ahead.sizes(found, lang) if found else (),
        "cost": ahead.cost(found, lang) if found else "",
    }


@dataclass(frozen=True)
class _Asked:
    """Somebody asked about: the answer, or those it may have been, or in words why there is none."""

    who: str
    answer: PersonWhy | None = None
    choice: tuple[Volunteer, ...] = ()
    refused: str = ""


def _asked(tx: Tx, plan: PlanRun, who: str, person: uuid.UUID | None, lang: str) -> _Asked:
    try:
        if person is not None:
            row = registry.find(tx, "volunteer.read", person)
            return _Asked(row.name or who, plan_why.why(tx, plan, row, lang))
        if not who or plan.result is None:
            return _Asked(who)
        found = [one.row for one in queries.people(tx, Wanted(search=who), limit=_MOST_FOUND)]
        if len(found) == 1:
            return _Asked(who, plan_why.why(tx, plan, found[0], lang))
        return _Asked(who, choice=tuple(found), refused="" if found else t(lang, "plan.person.unknown"))
    except HubError as error:
        return _Asked(who, refused=t(lang, f"error.{error.code}", **error.params))


@router.post("/plans/{id:uuid}/approve")
def approve(
    request: Request, actor: Annotated[Actor, allow("plan.approve")], id: uuid.UUID, form: Sent
) -> Response:
    """Approves; a reason stands in for the second person where one is needed."""
    incident = _incident_of(actor, id)
    try:
        with db.transaction(actor, "plan.approve") as tx:
            planning.approve(tx, id, *_approval(form))
    except HubError as error:
        return came_back(request, actor, incident, form, "approve", error)
    return see_other(f"/incidents/{incident}")


def _approval(form: Form) -> tuple[str | None, float | None]:
    """The reason and the confidence typed."""
    reason, percent = form.text("reason", 500), form.decimal("confidence")
    form.check()
    if percent is not None and not _LEAST_SURE <= percent <= _MOST_SURE:
        raise Malformed("plan.confidence.percent", least=_LEAST_SURE, most=_MOST_SURE)
    return reason or None, None if percent is None else percent / 100


@router.post("/plans/{id:uuid}/send")
def send(
    request: Request, actor: Annotated[Actor, allow("callout.send")], id: uuid.UUID, form: Sent
) -> Response:
    """Sends the callout of an approved plan, or approves it and sends to the ``asked`` of the button."""
    incident = _incident_of(actor, id)
    try:
        with db.transaction(actor, "callout.send") as tx:
            minutes, asked = form.whole("answer_minutes"), form.whole("asked")
            form.check()
            if not 0 <= minutes <= _LONGEST_ANSWER:
                raise Malformed("callout.times")
            if asked:
                mobilize.approve_and_send(tx, id, asked, *_approval(form))
            else:
                mobilize.send(tx, plans.find(tx, "callout.send", id), answer_minutes=minutes or None)
    except HubError as error:
        return came_back(request, actor, incident, form, "send", error)
    return see_other(f"/incidents/{incident}")


def _incident_of(actor: Actor, id: uuid.UUID) -> uuid.UUID:
    with db.read(actor) as tx:
        return tx.get_one(Incident, plans.find(tx, "plan.read", id).incident_id).public_id
