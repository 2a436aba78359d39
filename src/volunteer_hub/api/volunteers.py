"""/volunteers: the pool, for those who keep it."""

import uuid
from datetime import date, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse
from pydantic import Field, ValidationInfo, field_validator

from volunteer_hub.access import jurisdictions
from volunteer_hub.api.guard import allow
from volunteer_hub.api.incidents import required
from volunteer_hub.api.jurisdictions import Code
from volunteer_hub.api.pages import Cursor, In, Limit, OnceOnly, Out, Page, Version, etag, page
from volunteer_hub.core import db
from volunteer_hub.core.actor import Actor
from volunteer_hub.core.cursor import decode_cursor
from volunteer_hub.flows import forget
from volunteer_hub.volunteers import queries, registry, week
from volunteer_hub.volunteers.fields import hour_text
from volunteer_hub.volunteers.models import Certification, Volunteer
from volunteer_hub.volunteers.queries import Person, Wanted
from volunteer_hub.volunteers.rules import (
    Basis,
    ClaimState,
    ContactKind,
    Delivers,
    InsuredBy,
    Precision,
    Status,
    TravelMode,
)

router = APIRouter(prefix="/volunteers", tags=["volunteers"])


class SkillOut(Out):
    """A skill that somebody claims, or that the staff vouches for."""

    skill: str
    level: int
    state: ClaimState


class CertificationOut(Out):
    """A paper that says so."""

    id: uuid.UUID
    skill: str
    number: str | None
    issuer: str | None
    issued_on: date | None
    expires_on: date | None


_PAPER: Final = {"skill", "number", "issuer", "issued_on", "expires_on"}


class ContactOut(Out):
    """An address of one channel, in the order to be tried; that of a device is nobody's business."""

    kind: ContactKind
    address: str | None
    preference: int
    delivers: Delivers

    @field_validator("address")
    @classmethod
    def _no_device(cls, address: str | None, info: ValidationInfo) -> str | None:
        return None if info.data.get("kind") is ContactKind.WEBPUSH else address


class VolunteerOut(Out):
    """A volunteer as those see them who may read the pool."""

    id: uuid.UUID
    version: int
    status: Status
    paused_until: date | None
    reason: str | None
    external_id: str | None
    name: str | None
    birthday: date | None
    phone: str | None
    email: str | None
    language: str
    community: str = Field(description="code of the home community")
    street: str | None
    address: str | None
    lat: float | None
    lon: float | None
    precision: Precision
    availability: str = Field(description="14 signs 0 or 1: Monday's day, Monday's night, Tuesday's day ...")
    quiet_from: str
    quiet_until: str
    wakes_for: int | None = Field(description="mildest level that may break quiet hours; null: as usual")
    travel_mode: TravelMode
    max_km: float | None
    basis: Basis
    fit: bool
    insured_by: InsuredBy | None
    insured_until: date | None
    pledge_for: list[str]
    asked_count: int
    served_minutes: int
    skills: list[SkillOut]
    certifications: list[CertificationOut]
    contacts: list[ContactOut]
    created_at: datetime
    updated_at: datetime


_OTHERWISE: Final = frozenset(
    {
        "id",
        "language",
        "community",
        "availability",
        "quiet_from",
        "quiet_until",
        "skills",
        "certifications",
        "contacts",
    }
)
_SAME: Final = tuple(name for name in VolunteerOut.model_fields if name not in _OTHERWISE)


def view(person: Person) -> VolunteerOut:
    """A person as the API shows them."""
    row = person.row
    values: dict[str, Any] = {name: getattr(row, name) for name in _SAME}
    return VolunteerOut(
        **values,
        id=row.public_id,
        language=row.lang,
        community=person.community,
        availability=week.to_text(row.availability),
        quiet_from=hour_text(row.quiet_from),
        quiet_until=hour_text(row.quiet_until),
        skills=[SkillOut.model_validate(claim) for claim in person.skills],
        certifications=[_paper(paper) for paper in person.certifications],
        contacts=[ContactOut.model_validate(contact) for contact in person.contacts],
    )


def _paper(paper: Certification) -> CertificationOut:
    return CertificationOut(id=paper.public_id, **paper.model_dump(include=_PAPER))


class Fields(In):
    """A person's own fields; what is not given is not touched, or takes its default in a new person."""

    model_config = {
        "json_schema_extra": {
            "examples": [
                {
                    "name": "Bo Li",
                    "birthday": "1990-04-01",
                    "phone": "13912345678",
                    "community": "DQ-ST-001",
                    "skills": "first_aid:2;general:1",
                    "availability": "11111111111111",
                    "quiet_from": "22:30",
                    "quiet_until": "06:00",
                }
            ]
        }
    }
    name: str | None = None
    birthday: date | None = None
    email: str | None = None
    language: str | None = None
    community: str | None = Field(None, description="code of the home community")
    street: str | None = None
    address: str | None = None
    lat: float | None = None
    lon: float | None = None
    precision: Precision | None = None
    datum: str | None = Field(None, description="wgs84 (default), gcj02 or bd09")
    availability: str | None = Field(None, description="14 signs 0 or 1, Monday's day first")
    quiet_from: str | None = Field(None, description="local time, 22:30")
    quiet_until: str | None = None
    travel_mode: TravelMode | None = None
    max_km: float | None = None
    fit: bool | None = None
    insured_until: date | None = None
    insurer: str | None = None
    policy_no: str | None = None
    education: str | None = None
    emergency_contact: str | None = None
    guardian_name: str | None = None
    guardian_phone: str | None = None

    def given(self) -> dict[str, Any]:
        """The fields that were sent, null for one to be emptied."""
        return self.model_dump(exclude_unset=True)


class StaffFields(Fields):
    """What only the staff may set besides."""

    external_id: str | None = None
    phone: str | None = None
    basis: Basis | None = None
    insured_by: InsuredBy | None = None
    guardian_consent: date | None = None
    skills: str | None = Field(None, description="skill:level or skill:level:verified, with ; between")
    certifications: str | None = Field(
        None, description="skill|number|issuer|issued|expires, several with ; between them"
    )


class Counts(Out):
    """How many people there are, by state and by skill."""

    by_status: dict[Status, int]
    by_skill: dict[str, int]


def shown(tx: db.Tx, row: Volunteer) -> VolunteerOut:
    """A person as they stand now."""
    return view(queries.person(tx, row))


def tagged(body: VolunteerOut) -> JSONResponse:
    """A person with their ETag."""
    return JSONResponse(body.model_dump(mode="json"), headers={"ETag": etag(body.version)})


def area_of(tx: db.Tx, code: str | None) -> str | None:
    """The path of an area's code. Raises NotFound."""
    return jurisdictions.by_code(tx, code).path if code is not None else None


@router.get("")
def listed(
    actor: Annotated[Actor, allow("volunteer.read")],
    search: Annotated[
        str | None,
        Query(max_length=100, description="part of a name, or a number's last digits"),
    ] = None,
    status: Status | None = None,
    skill: Annotated[str | None, Query(max_length=60)] = None,
    area: Code | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[VolunteerOut]:
    """The people of the actor's areas, oldest entry first."""
    with db.read(actor) as tx:
        wanted = Wanted(area=area_of(tx, area), status=status, skill=skill, search=search)
        people = queries.people(tx, wanted, after=decode_cursor(cursor), limit=limit + 1)
        return page(people, limit, view, lambda person: int(person.row.id))


@router.get("/counts")
def counts(actor: Annotated[Actor, allow("volunteer.read")], area: Code | None = None) -> Counts:
    """Figures of the pool in the actor's areas, or in one of them."""
    with db.read(actor) as tx:
        path = area_of(tx, area)
        return Counts(
            by_status=queries.counts_by_status(tx, path), by_skill=queries.counts_by_skill(tx, path)
        )


@router.post("", status_code=201, response_model=VolunteerOut)
def create(
    actor: Annotated[Actor, allow("volunteer.write")], body: StaffFields, once: OnceOnly
) -> JSONResponse:
    """A new person in the pool."""
    with db.transaction(actor, "volunteer.create") as tx:
        return once.run(tx, lambda: shown(tx, registry.register(tx, body.given())), 201)


@router.get("/{id}", response_model=VolunteerOut)
def one(actor: Annotated[Actor, allow("volunteer.read")], id: uuid.UUID) -> JSONResponse:
    """One person, with their ETag."""
    with db.read(actor) as tx:
        return tagged(shown(tx, registry.find(tx, "volunteer.read", id)))


@router.patch("/{id}", response_model=VolunteerOut)
def change(
    actor: Annotated[Actor, allow("volunteer.write")], id: uuid.UUID, body: StaffFields, version: Version
) -> JSONResponse:
    """Changes the fields that are sent, when If-Match names the version stored (else 412)."""
    seen = required(version)
    with db.transaction(actor, "volunteer.change") as tx:
        return tagged(shown(tx, registry.update(tx, id, seen, body.given())))


@router.delete("/{id}", status_code=204, response_class=Response)
def erase(actor: Annotated[Actor, allow("volunteer.erase")], id: uuid.UUID) -> None:
    """Erases the person for good; ids and sums stay."""
    with db.transaction(actor, "volunteer.erase") as tx:
        forget.by_staff(tx, id)
