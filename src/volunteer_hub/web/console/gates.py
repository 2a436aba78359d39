"""The gates of an incident: opened for a task, printed, closed; who waits there is let in or sent home."""

import uuid
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.access import jurisdictions
from volunteer_hub.boards import gate as board
from volunteer_hub.boards import slots
from volunteer_hub.boards.gate import EntryLine, GateLine, Role
from volunteer_hub.core import db, policy
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import FieldError, HubError, Malformed
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.flows import gate as flow
from volunteer_hub.incidents import queries
from volunteer_hub.incidents.models import Incident
from volunteer_hub.incidents.policy import Hazards
from volunteer_hub.incidents.rules import OPEN
from volunteer_hub.incidents.templates import shown_title
from volunteer_hub.mobilization import gates
from volunteer_hub.mobilization.gate_models import Gate, GateEntry
from volunteer_hub.mobilization.gate_rules import EntryState
from volunteer_hub.volunteers import skills
from volunteer_hub.web import forms, nav, qr
from volunteer_hub.web.console.field import id_in
from volunteer_hub.web.forms import Form, Sent
from volunteer_hub.web.guard import allow, see_other
from volunteer_hub.web.render import Lang, Speech, language_of, page

router = APIRouter()
Leader = Annotated[Actor, allow("duty.write")]


@router.get("/incidents/{id:uuid}/gates")
def show(request: Request, actor: Leader, id: uuid.UUID) -> Response:
    """Every gate, whoever waits longest first."""
    return _page(request, actor, id)


@router.post("/incidents/{id:uuid}/gates")
def open_gate(request: Request, actor: Leader, id: uuid.UUID, form: Sent) -> Response:
    """Opens the gate of a task."""
    try:
        with db.transaction(actor, "gate.open") as tx:
            queries.find(tx, "duty.write", id)
            gate = flow.open_gate(tx, queries.find_task(tx, "duty.write", id_in(form, "task")))
            opened = gate.public_id
    except HubError as error:
        if error.bars:
            raise
        return _page(request, actor, id, error)
    return see_other(f"/incidents/{id}/gates#g-{opened}")


@router.post("/gates/{id:uuid}/close")
def close(actor: Leader, id: uuid.UUID) -> Response:
    """Takes nobody new."""
    with db.transaction(actor, "gate.close") as tx:
        gate = flow.close(tx, gates.find(tx, "duty.write", id))
        incident = _incident(tx, gate).public_id
    return see_other(f"/incidents/{incident}/gates")


@router.get("/gates/{id:uuid}/sheet")
def sheet(request: Request, actor: Leader, id: uuid.UUID) -> Response:
    """What hangs at the gate, to be printed."""
    with db.read(actor) as tx:
        gate = gates.find(tx, "duty.write", id)
        incident = _incident(tx, gate)
        facts = next(iter(slots.of_task(tx, gate.task_id).values()))
        context = nav.console(
            request,
            actor,
            title=t(language_of(request), "gate.sheet"),
            kind=incident.kind.value,
            zone=facts.zone,
            facts=facts,
            link=flow.address_of(gate),
            until=gate.expires_at,
            qr=f"/gates/{id}/qr.svg",
            back=f"/incidents/{incident.public_id}/gates",
        )
    return page(request, "console/gate_sheet.html", **context)


@router.get("/gates/{id:uuid}/qr.svg")
def code(actor: Leader, id: uuid.UUID) -> Response:
    """Its address as a QR code."""
    with db.read(actor) as tx:
        return qr.svg(flow.address_of(gates.find(tx, "duty.write", id)))


@router.post("/gate-entries/{id:uuid}/admit")
def admit(request: Request, actor: Leader, id: uuid.UUID, form: Sent) -> Response:
    """Identity seen, a place given, the duty begun."""

    def deed(tx: Tx) -> None:
        birthday = _day(form)
        form.check()
        flow.admit(tx, id, id_in(form, "slot"), identity=form.flag("identity"), birthday=birthday)

    return _decided(request, actor, id, "gate.admit", deed, form)


@router.post("/gate-entries/{id:uuid}/refuse")
def refuse(request: Request, actor: Leader, id: uuid.UUID, form: Sent) -> Response:
    """Sent home, with the reason."""
    return _decided(
        request, actor, id, "gate.refuse", lambda tx: flow.refuse(tx, id, form.text("reason", 300)), form
    )


def _day(form: Form) -> date | None:
    raw = form.text("birthday", 10)
    try:
        return date.fromisoformat(raw) if raw else None
    except ValueError:
        raise Malformed("form", fields=[FieldError("birthday", "form.moment")]) from None


def _incident(tx: Tx, gate: Gate) -> Incident:
    return tx.get_one(Incident, gate.incident_id)


def _of_entry(tx: Tx, id: uuid.UUID) -> uuid.UUID:
    entry = gates.find_entry(tx, "duty.write", id)
    return _incident(tx, tx.get_one(Gate, entry.gate_id)).public_id


def _decided(
    request: Request, actor: Actor, id: uuid.UUID, action: str, deed: Callable[[Tx], Any], form: Form
) -> Response:
    """Back to the gates, to whoever is next; what a rule refuses stands beside the person."""
    with db.transaction(actor, action) as tx:
        incident = _of_entry(tx, id)
    try:
        with db.transaction(actor, action) as tx:
            deed(tx)
    except HubError as error:
        if error.status in (401, 403):
            raise
        return _page(request, actor, incident, error, str(id), form)
    return see_other(f"/incidents/{incident}/gates")


def _page(
    request: Request,
    actor: Actor,
    id: uuid.UUID,
    error: HubError | None = None,
    failed: str = "",
    form: Form | None = None,
) -> Response:
    lang = language_of(request)
    with db.read(actor) as tx:
        incident = queries.find(tx, "duty.write", id)
        zone = jurisdictions.by_path(tx, incident.area).zone
        view = board.of_incident(tx, incident, zone)
        waiting = {str(line.entry.public_id) for gate in view.gates for line in gate.of(EntryState.WAITING)}
        speech, hazards = Speech(lang, zone), policy.load("hazards", Hazards)
        context = nav.console(
            request,
            actor,
            title=t(lang, "gate.title"),
            kind=incident.kind.value,
            zone=zone,
            incident=incident,
            at=f"/incidents/{id}",
            here=f"/incidents/{id}/gates",
            is_open=incident.state in OPEN,
            may=lambda right: actor.may(right, incident.area),
            tasks=[(str(task.public_id), shown_title(hazards, task, lang)) for task in view.tasks],
            gates=[
                _shown(gate, lang, speech) | {"task": shown_title(hazards, gate.task, lang)}
                for gate in view.gates
            ],
            error=" ".join(forms.words(lang, error).values()) if error else "",
            failed=failed if failed in waiting else "",
            typed=form.typed if form is not None else {},
            now=tx.now,
        )
    return page(request, "console/gates.html", status=error.status if error else 200, **context)


def _shown(line: GateLine, lang: Lang, speech: Speech) -> dict[str, Any]:
    gate = line.gate
    state = t(lang, "gate.until", time=speech.when(gate.expires_at)) if line.open else t(lang, "gate.shut")
    roles = [(role, pick(role.facts.role, lang)) for role in line.roles]
    return {
        "id": gate.public_id,
        "open": line.open,
        "state": state,
        "link": flow.address_of(gate),
        "roles": [f"{name}: {_free(role, lang)}" for role, name in roles],
        "choices": [
            (str(role.facts.slot.public_id), f"{name} · {_free(role, lang)}")
            for role, name in roles
            if role.free
        ],
        "waiting": [_person(one, lang) for one in line.of(EntryState.WAITING)],
        "decided": [
            {"name": one.person.name or "", "decision": _decision(one, lang, speech)}
            for one in line.of(EntryState.ADMITTED, EntryState.REFUSED)
        ],
    }


def _free(role: Role, lang: Lang) -> str:
    return t(lang, "gate.uncalled") if role.free is None else t(lang, "gate.free", n=role.free)


def _person(line: EntryLine, lang: Lang) -> dict[str, Any]:
    entry, person = line.entry, line.person
    names = skills.taxonomy().skills

    def said(codes: list[str] | tuple[str, ...]) -> str:
        return ", ".join(pick(names[code].name, lang) for code in codes if code in names)

    about = [
        person.phone or "",
        t(lang, "gate.age", n=line.age) if line.age is not None else t(lang, "gate.age.unknown"),
        t(lang, "gate.says_fit" if entry.fit else "gate.not_fit"),
        t(lang, f"volunteers.status.{person.status}"),
        t(lang, "gate.guardian", name=person.guardian_name) if person.guardian_name else "",
        t(lang, "gate.vouched", skills=said(line.vouched)) if line.vouched else "",
    ]
    other = entry.known and (entry.name or "") != (person.name or "")
    return {
        "id": entry.public_id,
        "name": person.name or "",
        "person": person.public_id,
        "came_at": entry.came_at,
        "about": [words for words in about if words],
        "known": t(lang, "gate.known") if entry.known else "",
        "typed_as": t(lang, "gate.typed_as", name=entry.name or "") if other else "",
        "claims": said(entry.skills),
    }


def _decision(line: EntryLine, lang: Lang, speech: Speech) -> str:
    entry: GateEntry = line.entry
    when = speech.when(entry.decided_at) if entry.decided_at is not None else ""
    return t(
        lang, f"gate.decision.{entry.state}", by=line.decided_by or "–", when=when, reason=entry.reason or "–"
    )
