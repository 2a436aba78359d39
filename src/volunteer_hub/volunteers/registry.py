"""People into the pool: registered, found, changed."""

import uuid
from collections.abc import Collection, Mapping
from typing import Any, Final

from sqlalchemy import BigInteger, column, func, literal, table
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import col, select
from sqlmodel import update as update_rows

from volunteer_hub.core import bulk
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import FieldError, Malformed, NotFound, PreconditionFailed, Refused
from volunteer_hub.volunteers import checking, stored
from volunteer_hub.volunteers.fields import as_text
from volunteer_hub.volunteers.models import Certification, Contact, SkillClaim, Volunteer
from volunteer_hub.volunteers.rules import ClaimState, ContactKind, Delivers, Status

_JURISDICTIONS: Final = table("jurisdictions", column("path"), column("code"))
# The state of a person is changed by the verbs below, each with its own rule.
_BY_VERB: Final = frozenset({"status", "paused_until", "pledge_for"})


def find(tx: Tx, permission: str, public_id: uuid.UUID, *, lock: bool = False) -> Volunteer:
    """The person inside the actor's areas. Raises NotFound for a foreign, forgotten or unknown one alike."""
    tx.actor.must(permission)
    query = select(Volunteer).where(
        col(Volunteer.public_id) == public_id,
        tx.actor.scope(permission, Volunteer.area),
        col(Volunteer.status) != Status.FORGOTTEN,
        col(Volunteer.merged_into).is_(None),
    )
    row = tx.exec(query.with_for_update() if lock else query).first()
    if row is None:
        raise NotFound("not_found")
    return row


def one(tx: Tx, volunteer_id: int, *, lock: bool = False) -> Volunteer:
    """The person by inner id, for themselves and for stories that hold the id. Raises NotFound."""
    query = select(Volunteer).where(
        col(Volunteer.id) == volunteer_id, col(Volunteer.status) != Status.FORGOTTEN
    )
    row = tx.exec(query.with_for_update() if lock else query).first()
    if row is None:
        raise NotFound("not_found")
    return row


def by_phone(tx: Tx, phone: str) -> Volunteer | None:
    """Whose number this is, as E.164: for whoever has proved to hold it."""
    return tx.exec(select(Volunteer).where(col(Volunteer.phone_hash) == stored.phone_hash(phone))).first()


def register(
    tx: Tx, person: Mapping[str, Any], *, status: Status = Status.ACTIVE, permission: str = "volunteer.write"
) -> Volunteer:
    """Takes a person into the pool. Fields as in a file of people: text, or the value itself.

    Raises Malformed with one FieldError for every wrong field, Refused when number or telephone is taken.
    """
    values = read({**person, "status": status.value}, checking.known(tx, permission))
    tx.actor.must_cover(permission, values["community"].area)
    return insert(tx, values)


def read(person: Mapping[str, Any], known: checking.Known) -> dict[str, Any]:
    """The checked values of a person. Raises Malformed."""
    unknown = [FieldError(name[:40], "volunteer.unknown") for name in person if name not in checking.READ]
    cells = {name: as_text(value) for name, value in person.items() if name in checking.READ}
    values, wrong = checking.check(cells, known)
    if unknown or wrong:
        raise Malformed("form", fields=[*unknown, *wrong])
    checking.to_wgs84([values], known)
    return values


def insert(tx: Tx, values: dict[str, Any]) -> Volunteer:
    """The rows of one person's checked values."""
    row = Volunteer(**stored.columns(values), created_at=tx.now, updated_at=tx.now)
    _must_be_free(tx, row)
    tx.add(row)
    tx.flush()
    _replace_skills(tx, row.id, values)
    _follow_contacts(tx, row, None, None)
    tx.flush()
    return row


def update(tx: Tx, public_id: uuid.UUID, version: int, changes: Mapping[str, Any]) -> Volunteer:
    """Changes the named fields of a person. Raises PreconditionFailed when somebody else was first."""
    row = find(tx, "volunteer.write", public_id, lock=True)
    return change(tx, row, version, changes, "volunteer.write")


def change(
    tx: Tx, row: Volunteer, version: int, changes: Mapping[str, Any], permission: str | None
) -> Volunteer:
    """Changes a locked row; without a permission the person moves freely among the communities.

    Raises PreconditionFailed, Malformed, and Refused when the new number or telephone is taken.
    """
    must_be_version(row, version)
    fixed = [FieldError(name, "volunteer.by_verb") for name in changes if name in _BY_VERB]
    if fixed:
        raise Malformed("form", fields=fixed)
    known = checking.known(tx, permission)
    values = read(_changed(_texts(tx, row), changes), known)
    values["paused_until"], values["pledge_for"] = row.paused_until, row.pledge_for
    if permission:
        tx.actor.must_cover(permission, values["community"].area)
    return overwrite(tx, row, values, skills=bool({"skills", "certifications"} & changes.keys()))


def overwrite(tx: Tx, row: Volunteer, values: dict[str, Any], *, skills: bool = True) -> Volunteer:
    """Makes a locked row what the checked values say. Raises Refused for a telephone or number taken."""
    phone, mail, home = row.phone, row.email, (row.address, row.area)
    for name, value in stored.columns(values).items():
        if getattr(row, name) != value:
            setattr(row, name, value)
    if (row.address, row.area) != home:
        row.located_at = row.lease_until = None  # the new address is looked up anew
    _must_be_free(tx, row)
    if skills:
        _replace_skills(tx, row.id, values)
    _follow_contacts(tx, row, phone, mail)
    return touched(tx, row)


def count_asked(tx: Tx, volunteer_ids: Collection[int]) -> None:
    """Notes that these people were asked once more, which fairness goes by: one statement, taking the rows in
    order, so that two callouts at once never wait in a circle."""
    rows = select(Volunteer.id).where(bulk.among(col(Volunteer.id), sorted(volunteer_ids)))
    taken = rows.order_by(col(Volunteer.id)).with_for_update(key_share=True).cte("taken")
    tx.execute(
        update_rows(Volunteer)
        .where(col(Volunteer.id).in_(select(taken.c.id)))
        .values(asked_count=Volunteer.asked_count + 1)
    )


def hold(tx: Tx, volunteer_ids: Collection[int]) -> None:
    """Holds people until the commit, in one order."""
    people = select(Volunteer.id).where(bulk.among(col(Volunteer.id), volunteer_ids))
    tx.exec(people.order_by(col(Volunteer.id)).with_for_update(key_share=True)).all()


def add_served(tx: Tx, minutes: Mapping[int, int]) -> None:
    """Notes minutes on duty by person: what fatigue goes by."""
    if not minutes:
        return
    hold(tx, minutes)
    whose, more = (literal(list(values), ARRAY(BigInteger)) for values in (minutes.keys(), minutes.values()))
    served = func.unnest(whose, more).table_valued("person", "minutes", name="served").render_derived()
    tx.execute(
        update_rows(Volunteer)
        .where(col(Volunteer.id) == served.c.person)
        .values(served_minutes=col(Volunteer.served_minutes) + served.c.minutes)
    )


def blank(row: Volunteer) -> None:
    """Empties every personal column of a row."""
    for item in Volunteer.__table__.columns:  # type: ignore[attr-defined]  # SQLModel does not declare it
        if item.info.get("personal"):
            setattr(row, item.name, None if item.nullable else [])
    row.phone_hash = None


def touched(tx: Tx, row: Volunteer) -> Volunteer:
    """Marks a change, so that the next editor's version tells."""
    row.version += 1
    row.updated_at = tx.now
    tx.flush()
    return row


def must_be_version(row: Any, version: int) -> None:
    """Raises PreconditionFailed when the row is no longer the one that was read."""
    if row.version != version:
        raise PreconditionFailed("version")


def _changed(cells: dict[str, str], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A person's fields after the change. Who moves without a new position stands at the centre again."""
    after: dict[str, Any] = {**cells, **changes}
    if {"lat", "lon"} & changes.keys():
        if "precision" not in changes:
            after["precision"] = None
    elif any(as_text(after[name]).strip() != cells[name] for name in ("community", "address")):
        after.update(lat=None, lon=None, precision=None, datum=None)
    else:
        after["datum"] = cells["datum"]
    return after


def _texts(tx: Tx, row: Volunteer) -> dict[str, str]:
    code = tx.execute(select(_JURISDICTIONS.c.code).where(_JURISDICTIONS.c.path == row.area)).scalar_one()
    claims = tx.exec(select(SkillClaim).where(col(SkillClaim.volunteer_id) == row.id)).all()
    papers = tx.exec(select(Certification).where(col(Certification.volunteer_id) == row.id)).all()
    return stored.texts(row, code, claims, papers)


def _must_be_free(tx: Tx, row: Volunteer) -> None:
    """Raises Refused when telephone or number belongs to somebody else: said without saying to whom."""
    city = row.area.split("/")[1]
    taken = {
        "phone": col(Volunteer.phone_hash) == row.phone_hash,
        "external_id": (func.split_part(Volunteer.area, "/", 2) == city)
        & (col(Volunteer.external_id) == row.external_id),
    }
    with tx.no_autoflush:
        for name, clause in taken.items():
            other = select(Volunteer.id).where(clause, col(Volunteer.id).is_distinct_from(row.id))
            if getattr(row, name) is not None and tx.exec(other).first() is not None:
                code = f"volunteer.{name}_taken"
                raise Refused(code, fields=[FieldError(name, code)])


def _replace_skills(tx: Tx, volunteer_id: int, values: dict[str, Any]) -> None:
    """Makes skills and certifications what the values say; what stays keeps who verified it and when. What is
    suspended stays so: taking it away and claiming it anew would be a way around."""
    wanted = {claim.skill: claim for claim in values["skills"]}
    for row in tx.exec(select(SkillClaim).where(col(SkillClaim.volunteer_id) == volunteer_id)).all():
        claim = wanted.pop(row.skill, None)
        if claim is None:
            if row.suspended_at is None:
                tx.delete(row)
        elif (claim.level, claim.state) != (row.level, row.state):
            row.level, row.state = claim.level, claim.state
            verify(tx, row)
    for claim in wanted.values():
        tx.add(
            verify(
                tx,
                SkillClaim(
                    volunteer_id=volunteer_id, skill=claim.skill, level=claim.level, state=claim.state
                ),
            )
        )
    papers = {(paper.skill, paper.number): paper for paper in values["certifications"]}
    for old in tx.exec(select(Certification).where(col(Certification.volunteer_id) == volunteer_id)).all():
        paper = papers.pop((old.skill, old.number), None)
        if paper is None:
            tx.delete(old)
        else:
            old.issuer, old.issued_on, old.expires_on = paper.issuer, paper.issued_on, paper.expires_on
    tx.add_all(Certification(volunteer_id=volunteer_id, **paper._asdict()) for paper in papers.values())
    tx.flush()


def verify(tx: Tx, claim: SkillClaim) -> SkillClaim:
    """Notes who vouches for a verified claim, and since when; a claimed one has nobody."""
    verified = claim.state == ClaimState.VERIFIED
    claim.verified_at = tx.now if verified else None
    claim.verified_by = tx.actor.id if verified and tx.actor.kind == "account" else None
    return claim


def _follow_contacts(tx: Tx, row: Volunteer, phone: str | None, mail: str | None) -> None:
    """Keeps the addresses of messages in step with telephone and e-mail.

    An address no longer used is emptied, not removed: messages sent to it point to its row.
    """
    for preference, kind, old, new in (
        (1, ContactKind.SMS, phone, row.phone),
        (2, ContactKind.EMAIL, mail, row.email),
    ):
        if old == new:
            continue
        same = select(Contact).where(
            col(Contact.volunteer_id) == row.id, col(Contact.kind) == kind, col(Contact.address) == old
        )
        contact = tx.exec(same).first() if old is not None else None
        if contact is None and new is not None:
            tx.add(Contact(volunteer_id=row.id, kind=kind, address=new, preference=preference))
        elif contact is not None:
            contact.address, contact.delivers, contact.verified_at = new, Delivers.UNKNOWN, None
