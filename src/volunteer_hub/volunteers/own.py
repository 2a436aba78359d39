"""What a person may do with their own data: see it, take it along, correct it. Doors check who they are."""

from collections.abc import Mapping
from typing import Any, Final

from sqlmodel import SQLModel, col, select

from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import FieldError, Malformed, Refused
from volunteer_hub.volunteers import join, registry, skills, standing
from volunteer_hub.volunteers.models import (
    AvailabilityException,
    Certification,
    Consent,
    Contact,
    OnCall,
    SkillClaim,
    Volunteer,
)
from volunteer_hub.volunteers.rules import Status, words

CORRECTABLE: Final = frozenset(
    {
        "name",
        "birthday",
        "email",
        "language",
        "community",
        "street",
        "address",
        "lat",
        "lon",
        "precision",
        "datum",
        "availability",
        "quiet_from",
        "quiet_until",
        "travel_mode",
        "max_km",
        "fit",
        "insured_until",
        "insurer",
        "policy_no",
        "education",
        "emergency_contact",
        "guardian_name",
        "guardian_phone",
    }
)
_PARTS: Final[dict[str, type[SQLModel]]] = {
    "skills": SkillClaim,
    "certifications": Certification,
    "contacts": Contact,
    "availability_exceptions": AvailabilityException,
    "on_call": OnCall,
    "consents": Consent,
}
_INNER: Final = {
    "id",
    "volunteer_id",
    "phone_hash",
    "search",
    "revision",
    "held_revision",
    "merged_into",
    "verified_by",
    "lease_until",
}


def everything(tx: Tx, volunteer_id: int) -> dict[str, Any]:
    """All that is held about a person here, in JSON's types: their row, and a list for each kind of part."""
    row = registry.one(tx, volunteer_id)
    held: dict[str, Any] = {"volunteer": row.model_dump(mode="json", exclude=_INNER)}
    for name, model in _PARTS.items():
        mine: Any = model.volunteer_id  # type: ignore[attr-defined]  # every model named has the column
        rows = tx.exec(select(model).where(mine == volunteer_id)).all()
        dumped = [part.model_dump(mode="json", exclude=_INNER) for part in rows]
        held[name] = sorted(dumped, key=str)
    return held


def correct(tx: Tx, volunteer_id: int, version: int, changes: Mapping[str, Any]) -> Volunteer:
    """Changes a person's own fields. Raises Malformed for a field that only the staff may set,
    PreconditionFailed when somebody else was first."""
    foreign = [FieldError(name[:40], "volunteer.not_own") for name in changes if name not in CORRECTABLE]
    if foreign:
        raise Malformed("form", fields=foreign)
    return registry.change(tx, registry.one(tx, volunteer_id, lock=True), version, changes, None)


def change_phone(tx: Tx, volunteer_id: int, version: int, phone: str, proof: str) -> Volunteer:
    """A new telephone, proved by a code sent to it."""
    number = join.holder(tx, proof, phone)
    row = registry.one(tx, volunteer_id, lock=True)
    return registry.change(tx, row, version, {"phone": number}, None)


def claim_exactly(tx: Tx, row: Volunteer, wanted: set[str]) -> None:
    """Makes a person's skills those they tick: new ones at level 1, those they keep, and those suspended,
    untouched."""
    claims = tx.exec(select(SkillClaim).where(col(SkillClaim.volunteer_id) == row.id)).all()
    have = {claim.skill for claim in claims}
    kept = {claim.skill for claim in claims if claim.suspended_at is not None}
    everyone = {code for code, skill in skills.taxonomy().skills.items() if skill.everyone}
    for skill in sorted(wanted - have):
        skills.claim(tx, row, skill, 1)
    for skill in sorted(have - wanted - everyone - kept):
        skills.unclaim(tx, row, skill)


def resume(tx: Tx, volunteer_id: int) -> Volunteer:
    """Ends a person's own pause. Raises Refused for who is not paused: a suspension the staff ends."""
    row = registry.one(tx, volunteer_id, lock=True)
    if row.status is not Status.PAUSED:
        raise Refused("volunteer.state", state=words(row.status), wanted=words(Status.ACTIVE))
    return standing.resume(tx, row)


def contacts(tx: Tx, volunteer_id: int) -> list[Contact]:
    """The person's own addresses, by id."""
    query = select(Contact).where(
        col(Contact.volunteer_id) == volunteer_id, col(Contact.address).is_not(None)
    )
    return list(tx.exec(query.order_by(col(Contact.id))))
