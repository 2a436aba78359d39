"""Certificates: a volunteer's own, those the staff issues for somebody who asked, and checking one."""

import uuid
from datetime import date, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Response
from pydantic import ConfigDict, Field

from volunteer_hub.api.guard import LINK, Language, Volunteer, allow
from volunteer_hub.api.me import id_of
from volunteer_hub.api.pages import In, OnceOnly, Out
from volunteer_hub.core import db, document_pdf
from volunteer_hub.core.actor import GUEST, Actor
from volunteer_hub.flows import certificate_document as words
from volunteer_hub.flows import certify
from volunteer_hub.incentives import certificates
from volunteer_hub.incentives.certificates_models import Certificate
from volunteer_hub.incentives.certificates_rules import Named, Paper, Shows, Standing

router = APIRouter(tags=["certificates"])
_PDF: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"application/pdf": {}}}}
_MINE: Final = "/volunteers/me/certificates"


class CertificateIn(In):
    """The period, both local days included, and what whoever has the code may read: the name covered or in
    full, the hours in sum, the duties one by one."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"begins": "2031-01-01", "ends": "2031-01-19", "named": "masked", "hours": True}]
        }
    )
    begins: date
    ends: date
    named: Named = Named.MASKED
    hours: bool = False
    duties: bool = False

    def shows(self) -> Shows:
        """What the holder agrees to."""
        return Shows(self.named, self.hours, self.duties)


class AbsenceIn(In):
    """The offer that I have said yes to."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"offer": "019535d9-3df7-79fb-b466-fa907fa17f9e"}]}
    )
    offer: uuid.UUID


class CertificateOut(Out):
    """One paper as it was issued; ``address`` is where anybody can check it, and is printed on it."""

    id: uuid.UUID
    number: str
    paper: Paper
    begins: date
    ends: date
    named: Named
    hours: bool
    duties: bool
    issued_at: datetime
    withdrawn_at: datetime | None
    digest: Annotated[str, Field(description="SHA-256 of what was issued, in hex")]
    address: str


class CheckedOut(Out):
    """What its holder lets anybody read. ``standing``: ``changed`` when the records say something else today
    than when it was issued. ``shown`` is null once it is withdrawn."""

    number: str
    paper: Paper
    standing: Standing
    digest: str
    issued_at: datetime
    shown: dict[str, Any] | None


def _out(one: Certificate) -> CertificateOut:
    return CertificateOut(
        id=one.public_id,
        number=certificates.number(one),
        paper=one.paper,
        begins=one.begins,
        ends=one.ends,
        named=one.named,
        hours=one.shows_hours,
        duties=one.shows_duties,
        issued_at=one.issued_at,
        withdrawn_at=one.withdrawn_at,
        digest=one.digest.hex(),
        address=words.address(one),
    )


@router.get(_MINE, response_model=list[CertificateOut])
def mine(actor: Volunteer) -> list[CertificateOut]:
    """My certificates, the newest first; at most a hundred."""
    with db.read(actor) as tx:
        return [_out(one) for one in certificates.of(tx, id_of(actor))]


@router.post(_MINE, status_code=201, response_model=CertificateOut)
def issue(actor: Volunteer, body: CertificateIn, once: OnceOnly) -> Response:
    """The record of my service; asked for again with nothing changed, it is the same one."""
    with db.transaction(actor, "certificate.issue") as tx:
        return once.run(
            tx, lambda: _out(certify.hours(tx, id_of(actor), body.begins, body.ends, body.shows())), 201
        )


@router.post(f"{_MINE}/absence", status_code=201, response_model=CertificateOut)
def absence(actor: Volunteer, body: AbsenceIn, once: OnceOnly) -> Response:
    """The letter for my employer about a callout I have said yes to."""
    with db.transaction(actor, "certificate.absence") as tx:
        return once.run(tx, lambda: _out(certify.own_absence(tx, id_of(actor), body.offer)), 201)


@router.get(_MINE + "/{id}/pdf", response_class=Response, responses=_PDF)
def as_pdf(actor: Volunteer, id: uuid.UUID, lang: Language) -> Response:
    """One of mine on paper."""
    with db.read(actor) as tx:
        file = document_pdf.pdf(certify.document(tx, certificates.own(tx, id_of(actor), id), lang))
    return Response(file, media_type="application/pdf")


@router.delete(_MINE + "/{id}", status_code=204, response_class=Response)
def withdraw(actor: Volunteer, id: uuid.UUID) -> None:
    """Takes one of mine back, for good: its code then says only that."""
    with db.transaction(actor, "certificate.withdraw") as tx:
        certificates.withdraw(tx, certificates.own(tx, id_of(actor), id))


@router.post("/volunteers/{id}/certificates", status_code=201, response_model=CertificateOut)
def issue_for(
    actor: Annotated[Actor, allow("volunteer.write")], id: uuid.UUID, body: CertificateIn, once: OnceOnly
) -> Response:
    """The record of somebody's service, who asked for it at the desk and said what others may read."""
    with db.transaction(actor, "certificate.issue") as tx:
        return once.run(
            tx, lambda: _out(certify.for_volunteer(tx, id, body.begins, body.ends, body.shows())), 201
        )


@router.get("/certificates/{code}", response_model=CheckedOut, dependencies=[LINK])
def check(code: Annotated[str, Path(max_length=100)]) -> CheckedOut:
    """Whether a certificate is genuine, by the code at the end of its printed address."""
    with db.read(GUEST) as tx:
        found = certify.check(tx, code)
    return CheckedOut(
        number=certificates.number(found.certificate),
        paper=found.certificate.paper,
        standing=found.standing,
        digest=found.digest,
        issued_at=found.certificate.issued_at,
        shown=found.content,
    )
