"""Lists of people: pages, search and counts, each in a fixed number of queries."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, String, cast, column, exists, table
from sqlmodel import col, func, select

from volunteer_hub.core.db import Tx
from volunteer_hub.volunteers import addresses
from volunteer_hub.volunteers.fields import folded_name
from volunteer_hub.volunteers.models import Certification, Contact, SkillClaim, Volunteer
from volunteer_hub.volunteers.rules import Status

_PLACES: Final = table("jurisdictions", column("path"), column("code"), column("name"))
_DIGITS: Final = re.compile(r"\+?[\d -]{3,20}", re.ASCII)


@dataclass(frozen=True)
class Person:
    """A person with everything a list shows of them."""

    row: Volunteer
    community: str
    community_name: dict[str, str]
    skills: list[SkillClaim]
    certifications: list[Certification]
    contacts: list[Contact]


@dataclass(frozen=True)
class Wanted:
    """Which people a list shows; what is None does not narrow it."""

    area: str | None = None
    status: Status | None = None
    skill: str | None = None
    search: str | None = None


def people(
    tx: Tx,
    wanted: Wanted | None = None,
    *,
    permission: str = "volunteer.read",
    after: int | None = None,
    limit: int = 50,
) -> list[Person]:
    """At most ``limit`` people behind the id ``after``, by id. Five queries, however many they are."""
    query = select(Volunteer).where(*clauses(tx, wanted, permission))
    if after is not None:
        query = query.where(col(Volunteer.id) > after)
    return with_parts(tx, tx.exec(query.order_by(col(Volunteer.id)).limit(limit)).all())


def person(tx: Tx, row: Volunteer) -> Person:
    """One person with everything a list shows of them."""
    return with_parts(tx, [row])[0]


def count(tx: Tx, wanted: Wanted | None = None, *, permission: str = "volunteer.read") -> int:
    """How many people the whole list has."""
    query = select(func.count()).select_from(Volunteer).where(*clauses(tx, wanted, permission))
    return tx.exec(query).one()


def counts_by_status(tx: Tx, area: str | None = None) -> dict[Status, int]:
    """How many people there are in each state, all states named."""
    query = select(Volunteer.status, func.count()).where(*clauses(tx, Wanted(area=area), "volunteer.read"))
    found = {Status(status): n for status, n in tx.exec(query.group_by(col(Volunteer.status)))}
    return {status: found.get(status, 0) for status in Status if status != Status.FORGOTTEN}


def counts_by_skill(tx: Tx, area: str | None = None) -> dict[str, int]:
    """How many people in the pool claim each skill, whether verified or not."""
    query = (
        select(SkillClaim.skill, func.count())
        .join(Volunteer, col(Volunteer.id) == col(SkillClaim.volunteer_id))
        .where(*clauses(tx, Wanted(area=area), "volunteer.read"))
        .where(col(Volunteer.status).in_((Status.ACTIVE, Status.PLEDGED, Status.PAUSED)))
        .where(col(SkillClaim.suspended_at).is_(None))
        .group_by(SkillClaim.skill)
    )
    return dict(tx.exec(query).all())


def clauses(tx: Tx, wanted: Wanted | None, permission: str) -> list[ColumnElement[bool]]:
    """The WHERE of a list: the actor's areas first, then what narrows it."""
    tx.actor.must(permission)
    wanted = wanted or Wanted()
    found = [
        tx.actor.scope(permission, Volunteer.area),
        col(Volunteer.status) != Status.FORGOTTEN,
        col(Volunteer.merged_into).is_(None),
    ]
    if wanted.area is not None:
        found.append(col(Volunteer.area).startswith(wanted.area, autoescape=True))
    if wanted.status is not None:
        found.append(col(Volunteer.status) == wanted.status)
    if wanted.skill is not None:
        claims = (col(SkillClaim.volunteer_id) == Volunteer.id) & (col(SkillClaim.skill) == wanted.skill)
        found.append(exists().where(claims))
    if wanted.search is not None and wanted.search.strip():
        found += _search(wanted.search.strip())
    return found


def _search(words: str) -> list[ColumnElement[bool]]:
    """A number's ending (at least four digits) or part of a name; the index finds, the text decides."""
    digits = re.sub(r"\D", "", words)
    if _DIGITS.fullmatch(words) and len(digits) >= 4:
        return [
            col(Volunteer.search).contains([f"#{digits[-4:]}"]),
            col(Volunteer.phone).endswith(digits.removeprefix("0"), autoescape=True),
        ]
    part = folded_name(words)
    if len(part) == 1:
        return [col(Volunteer.search).contains([f"^{part}"])]
    pairs = sorted({part[i : i + 2] for i in range(len(part) - 1)})
    flat = func.replace(func.lower(cast(Volunteer.name, String)), " ", "")
    return [col(Volunteer.search).contains(pairs), func.strpos(flat, part) > 0]


def with_parts(tx: Tx, rows: Sequence[Volunteer]) -> list[Person]:
    """Rows with their parts, each kind read by one query."""
    ids = [row.id for row in rows]
    skills: dict[int, list[SkillClaim]] = {key: [] for key in ids}
    papers: dict[int, list[Certification]] = {key: [] for key in ids}
    claims = select(SkillClaim).where(col(SkillClaim.volunteer_id).in_(ids)).order_by(SkillClaim.skill)
    for claim in tx.exec(claims):
        skills[claim.volunteer_id].append(claim)
    certifications = select(Certification).where(col(Certification.volunteer_id).in_(ids))
    for paper in tx.exec(certifications.order_by(col(Certification.id))):
        papers[paper.volunteer_id].append(paper)
    contacts = addresses.of(tx, ids)
    places = {
        place.path: (place.code, place.name)
        for place in tx.execute(_PLACES.select().where(_PLACES.c.path.in_({row.area for row in rows})))
    }
    return [Person(row, *places[row.area], skills[row.id], papers[row.id], contacts[row.id]) for row in rows]
