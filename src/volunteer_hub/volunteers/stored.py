"""Between the checked values of a person and the columns of their row, both ways."""

from collections.abc import Iterable
from typing import Any, Final

from volunteer_hub.core.signing import token_hash
from volunteer_hub.volunteers.checking import Certified, Claimed, escaped
from volunteer_hub.volunteers.fields import as_text, hour_text, search_keys
from volunteer_hub.volunteers.models import Certification, SkillClaim, Volunteer
from volunteer_hub.volunteers.rules import ClaimState
from volunteer_hub.volunteers.week import to_text

# Column of the row -> field of the person. What is not here is named alike on both sides.
RENAMED: Final = {"lang": "language", "guardian_consent_at": "guardian_consent"}
SAME: Final = (
    "external_id",
    "name",
    "birthday",
    "phone",
    "email",
    "street",
    "address",
    "lat",
    "lon",
    "precision",
    "availability",
    "quiet_from",
    "quiet_until",
    "travel_mode",
    "max_km",
    "basis",
    "fit",
    "insured_until",
    "insurer",
    "policy_no",
    "education",
    "status",
    "insured_by",
    "emergency_contact",
    "guardian_name",
    "guardian_phone",
    "paused_until",
    "pledge_for",
)


def phone_hash(phone: str) -> bytes:
    """What a telephone number is looked up by."""
    return token_hash("phone:" + phone)


def columns(values: dict[str, Any]) -> dict[str, Any]:
    """The row's columns that a person's checked values decide; skills and certifications are rows apart."""
    row = {name: values[name] for name in SAME}
    row.update({name: values[field] for name, field in RENAMED.items()})
    row["area"] = values["community"].area
    row["phone_hash"] = phone_hash(row["phone"]) if row["phone"] else None
    row["search"] = search_keys(row["name"], row["phone"])
    return row


def skills_text(claims: Iterable[SkillClaim | Claimed]) -> str:
    """Skills as a file or form writes them."""
    return ";".join(
        f"{c.skill}:{c.level}:verified" if c.state == ClaimState.VERIFIED else f"{c.skill}:{c.level}"
        for c in claims
    )


def certifications_text(papers: Iterable[Certification | Certified]) -> str:
    """Certifications as a file or form writes them."""
    return ";".join(
        "|".join(
            escaped(as_text(value))
            for value in (paper.skill, paper.number, paper.issuer, paper.issued_on, paper.expires_on)
        )
        for paper in papers
    )


def texts(
    row: Volunteer | Any, community: str, claims: Iterable[Any], papers: Iterable[Any]
) -> dict[str, str]:
    """A stored person as the text of every field: what `checking.check` reads back to the same values.

    Rows may be objects of the tables, or plain rows with the same names.
    """
    cells = {name: as_text(getattr(row, name)) for name in SAME}
    cells.update({field: as_text(getattr(row, name)) for name, field in RENAMED.items()})
    for name in ("quiet_from", "quiet_until"):
        cells[name] = hour_text(getattr(row, name))
    return cells | {
        "community": community,
        "datum": "wgs84",
        "availability": to_text(row.availability),
        "pledge_for": ";".join(row.pledge_for),
        "skills": skills_text(claims),
        "certifications": certifications_text(papers),
    }
