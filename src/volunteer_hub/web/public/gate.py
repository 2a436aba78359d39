"""The form behind a gate's QR code: who I am, what I can do, on my own phone, without account or script."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from volunteer_hub.boards import gate as board
from volunteer_hub.boards import slots
from volunteer_hub.core import db
from volunteer_hub.core.actor import GUEST
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import HubError
from volunteer_hub.core.i18n import pick, t
from volunteer_hub.flows import gate as flow
from volunteer_hub.incidents.models import Incident
from volunteer_hub.mobilization import gates
from volunteer_hub.volunteers import skills
from volunteer_hub.volunteers.rules import REQUIRED_PURPOSES, Purpose
from volunteer_hub.web import forms
from volunteer_hub.web.forms import Form, Sent
from volunteer_hub.web.guard import LINK, see_other
from volunteer_hub.web.public.join import network_address
from volunteer_hub.web.render import Lang, language_of, page

router = APIRouter(dependencies=[LINK])


@router.get("/g/{token}")
def show(request: Request, token: str) -> Response:
    """The form."""
    return _form(request, token, Form({}))


@router.post("/g/{token}")
def arrive(request: Request, token: str, form: Sent) -> Response:
    """I am here. What comes back is the same whoever has this number."""
    lang = language_of(request)
    typed = flow.Form(
        name=form.text("name", 100),
        phone=form.text("phone", 40),
        born=form.text("birthday", 10),
        skills=tuple(form.many("skills")[:50]),
        fit=form.flag("fit"),
        purposes=tuple(one for one in Purpose if one.value in form.many("consent")),
        guardian_name=form.text("guardian_name", 100),
        guardian_phone=form.text("guardian_phone", 40),
        guardian_consents=form.flag("guardian_consent"),
        language=lang,
    )
    try:
        form.check()
        with db.transaction(GUEST, "gate.arrive") as tx:
            flow.arrive(tx, token, typed, network_address(request))
    except HubError as error:
        return _form(request, token, form, forms.words(lang, error), error.status)
    return see_other(f"/g/{token}/here")


@router.get("/g/{token}/here")
def here(request: Request, token: str) -> Response:
    """What happens next."""
    try:
        with db.read(GUEST) as tx:
            context = _about(tx, token, language_of(request))
    except HubError as error:
        return _closed(request, error)
    return page(request, "public/gate_done.html", **context)


def _form(
    request: Request, token: str, form: Form, errors: dict[str, str] | None = None, status: int = 200
) -> Response:
    lang = language_of(request)
    try:
        with db.read(GUEST) as tx:
            context = _about(tx, token, lang)
            gate = gates.by_token(tx, token)
            codes = board.wanted_skills(tx, gate.incident_id)
    except HubError as error:
        return _closed(request, error)
    known, needed = skills.taxonomy().skills, sorted(REQUIRED_PURPOSES)
    return page(
        request,
        "public/gate.html",
        status=status,
        here=f"/g/{token}",
        form=form,
        errors=errors or {},
        skills=[(code, pick(known[code].name, lang)) for code in codes],
        purposes=[(one.value, t(lang, f"volunteers.purpose.{one.value}")) for one in needed],
        **context,
    )


def _about(tx: Tx, token: str, lang: Lang) -> dict[str, Any]:
    gate = gates.by_token(tx, token)
    facts = next(iter(slots.of_task(tx, gate.task_id).values()))
    incident = tx.get_one(Incident, gate.incident_id)
    return {
        "title": t(lang, "gate.form.title"),
        "kind": incident.kind.value,
        "task": pick(facts.title, lang),
        "place": pick(facts.place, lang),
        "zone": facts.zone,
    }


def _closed(request: Request, error: HubError) -> Response:
    lang = language_of(request)
    words = t(lang, f"error.{error.code}", **error.params)
    return page(
        request, "public/gate_closed.html", status=error.status, title=t(lang, "gate.form.title"), words=words
    )
