"""My certificates: made, taken along as a PDF, withdrawn. Plain forms, no script."""

import uuid
from datetime import date
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from volunteer_hub.access import jurisdictions
from volunteer_hub.core import db, document_pdf
from volunteer_hub.core.actor import GUEST, Actor
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import FieldError, HubError, NotFound
from volunteer_hub.core.i18n import t
from volunteer_hub.flows import certify
from volunteer_hub.incentives import certificates
from volunteer_hub.incentives.certificates_models import Certificate
from volunteer_hub.incentives.certificates_rules import Named, Shows
from volunteer_hub.volunteers import registry
from volunteer_hub.web import forms
from volunteer_hub.web.forms import Form, Sent
from volunteer_hub.web.guard import LINK, Volunteer, see_other
from volunteer_hub.web.render import Lang, language_of, page

router = APIRouter()
_HERE: Final = "/me/certificates"


@router.get("/me/certificates")
def show(request: Request, actor: Volunteer) -> Response:
    """What I have, and the form for one more."""
    return _show(request, actor, Form({"shows": ["hours"]}))


@router.post("/me/certificates")
def issue(request: Request, actor: Volunteer, form: Sent) -> Response:
    """Makes one."""
    assert actor.id is not None
    begins, ends = (_day(form, name) for name in ("begins", "ends"))
    ticked = form.many("shows")
    named = Named.FULL if form.text("named", 10) == Named.FULL else Named.MASKED
    try:
        form.check()
        assert begins is not None
        assert ends is not None
        with db.transaction(actor, "certificate.issue") as tx:
            shows = Shows(named, hours="hours" in ticked, duties="duties" in ticked)
            made = certify.hours(tx, actor.id, begins, ends, shows)
    except HubError as error:
        return _show(request, actor, form, forms.words(language_of(request), error), error.status)
    return see_other(f"{_HERE}#c-{made.public_id}")


@router.get("/me/certificates/{id:uuid}/pdf")
def as_pdf(
    request: Request, actor: Volunteer, id: uuid.UUID, language: Annotated[str, Query(max_length=2)] = ""
) -> Response:
    """One of them on paper, in either language."""
    assert actor.id is not None
    lang = language if language in ("en", "zh") else language_of(request)
    with db.read(actor) as tx:
        return _pdf(tx, certificates.own(tx, actor.id, id), lang)


@router.post("/me/certificates/{id:uuid}/withdraw")
def withdraw(actor: Volunteer, id: uuid.UUID) -> Response:
    """Takes it back."""
    assert actor.id is not None
    with db.transaction(actor, "certificate.withdraw") as tx:
        certificates.withdraw(tx, certificates.own(tx, actor.id, id))
    return see_other(_HERE)


@router.post("/c/{token}/duty/letter", dependencies=[LINK])
def letter(request: Request, token: str) -> Response:
    """The letter for my employer, in one tap: posted, because it is issued by it."""
    lang = language_of(request)
    try:
        with db.transaction(GUEST, "certificate.absence") as tx:
            return _pdf(tx, certify.absence(tx, token), lang)
    except NotFound as unknown:
        words = t(lang, f"error.{unknown.code}")
        title = t(lang, "callouts.unknown.title")
        return page(request, "phone/callout_unknown.html", status=404, title=title, words=words)


def _pdf(tx: Tx, certificate: Certificate, lang: str) -> Response:
    file = document_pdf.pdf(certify.document(tx, certificate, lang))
    name = f'attachment; filename="{certificate.paper.value}-{certificates.number(certificate)}-{lang}.pdf"'
    return Response(file, media_type="application/pdf", headers={"Content-Disposition": name})


def _day(form: Form, name: str) -> date | None:
    form.require(name)
    try:
        return date.fromisoformat(form.text(name, 10)) if form.text(name, 10) else None
    except ValueError:
        form.faults.append(FieldError(name, "form.moment"))
        return None


def _show(
    request: Request, actor: Actor, form: Form, errors: forms.Faults | None = None, status: int = 200
) -> Response:
    assert actor.id is not None
    lang: Lang = language_of(request)
    with db.read(actor) as tx:
        row = registry.one(tx, actor.id)
        zone = jurisdictions.by_path(tx, row.area).zone
        today = tx.now.astimezone(ZoneInfo(zone)).date()
        return page(
            request,
            "phone/certificates.html",
            zone=zone,
            status=status,
            title=t(lang, "certificate.page.title"),
            mine=[(one, certificates.number(one)) for one in certificates.of(tx, row.id)],
            form=form,
            errors=errors or forms.Faults(),
            usual=(today.replace(month=1, day=1).isoformat(), today.isoformat()),
            token=certificates.token,
        )
