"""Injuries, exposures and near misses of an incident: recorded and read by those in charge."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.boards import field as board
from volunteer_hub.boards.field import InjuryLine
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.flows import field as flow
from volunteer_hub.incidents import queries
from volunteer_hub.incidents.policy import Hazards
from volunteer_hub.incidents.templates import shown_title
from volunteer_hub.mobilization.field_rules import Severity
from volunteer_hub.web import forms, harm, nav
from volunteer_hub.web.console import field
from volunteer_hub.web.forms import Form, Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.render import Speech, language_of, page

router = APIRouter()

_TONES = {Severity.MINOR: "info", Severity.SERIOUS: "watch", Severity.CRITICAL: "short"}


@router.get("/incidents/{id:uuid}/injuries")
def show(request: Request, actor: Annotated[Actor, allow("duty.write")], id: uuid.UUID) -> Response:
    """What was recorded, and the form for more."""
    return _page(request, actor, id)


@router.post("/incidents/{id:uuid}/injuries")
def record(
    request: Request, actor: Annotated[Actor, allow("duty.write")], id: uuid.UUID, form: Sent
) -> Response:
    """Records one."""

    def deed(tx: Tx) -> str:
        view = board.people(tx, queries.find(tx, "duty.write", id))
        happened = form.moment("happened_at", view.zone) or tx.now
        what = harm.happened(form, happened)
        form.check()
        person = field.id_in(form, "person") if form.text("person") else None
        flow.injured(tx, view.incident, None, what, person)
        return f"/incidents/{id}/injuries"

    try:
        with db.transaction(actor, "field.injury") as tx:
            return see_other(form.once(tx, f"injury {id}", lambda: deed(tx)))
    except HubError as error:
        if error.bars:
            raise
        return _page(request, actor, id, error, form)


def _page(
    request: Request, actor: Actor, id: uuid.UUID, error: HubError | None = None, form: Form | None = None
) -> Response:
    lang = language_of(request)
    with db.read(actor) as tx:
        view = board.people(tx, queries.find(tx, "duty.write", id))
        speech = Speech(lang, view.zone)
        context = nav.console(
            request,
            actor,
            title=t(lang, "field.injuries.title"),
            kind=view.incident.kind.value,
            zone=view.zone,
            here=f"/incidents/{id}/injuries",
            back=f"/incidents/{id}/field",
            incident=id,
            may_act=actor.may("action.write"),
            lines=[_shown(line, speech) for line in board.harmed(tx, view.incident)],
            harm=harm.choices(lang),
            people=[("", t(lang, "field.injuries.nobody"))]
            + [(str(row["duty"]), f"{row['name']} · {row['role']}") for row in _known(view, speech)],
            typed=form.typed if form is not None else {},
            faults=forms.words(lang, error) if error else forms.Faults(),
            once=forms.new_key(),
            now=tx.now,
        )
    return page(request, "console/injuries.html", status=error.status if error else 200, **context)


def _known(view: board.FieldView, speech: Speech) -> list[dict[str, Any]]:
    rows = [field.shown(line, speech) for line in view.lines if line.name]
    return sorted(rows, key=lambda row: str(row["name"]))


def _shown(line: InjuryLine, speech: Speech) -> dict[str, Any]:
    injury, lang = line.injury, speech.lang
    hazards = policy.load("hazards", Hazards)
    who = line.person.name if line.person is not None else None
    return {
        "id": injury.public_id,
        "number": injury.id,
        "when": injury.happened_at,
        "kind": t(lang, f"field.harm.{injury.kind}"),
        "tone": _TONES[injury.severity],
        "severity": t(lang, f"field.severity.{injury.severity}"),
        "who": who
        or t(lang, "field.injuries.nobody" if injury.volunteer_id is None else "callouts.name_hidden"),
        "role": pick(line.person.facts.role, lang) if line.person is not None else "",
        "task": shown_title(hazards, line.task, lang) if line.task is not None else "",
        "words": injury.words or t(lang, "field.injuries.forgotten"),
        "place": injury.place or "",
        "treated": t(lang, f"field.treated.{injury.treated}"),
    }
