"""Two entries of one person become one."""

import uuid
from collections.abc import Sequence
from typing import Final, TypeVar

from sqlmodel import col, delete, select, update

from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import Refused
from volunteer_hub.volunteers import stored
from volunteer_hub.volunteers.fields import search_keys
from volunteer_hub.volunteers.models import (
    AddressAnswer,
    AvailabilityException,
    Certification,
    Consent,
    Contact,
    OnCall,
    SkillClaim,
    Volunteer,
)
from volunteer_hub.volunteers.pool import blocks
from volunteer_hub.volunteers.registry import blank, find, touched
from volunteer_hub.volunteers.rules import ClaimState, Status

Row = TypeVar("Row", Certification, Contact)
_MOVED: Final[tuple[type[AvailabilityException | OnCall | Consent | AddressAnswer], ...]] = (
    AvailabilityException,
    OnCall,
    Consent,
    AddressAnswer,
)


def merge(tx: Tx, keep_id: uuid.UUID, drop_id: uuid.UUID) -> Volunteer:
    """Makes two entries of one person one: what is blank in the kept one is filled, the rest moves over.

    The dropped row stays, blank and left, with ``merged_into``: deeds elsewhere point to its id.
    """
    keep, drop = (find(tx, "volunteer.write", key, lock=True) for key in (keep_id, drop_id))
    if keep.id == drop.id:
        raise Refused("volunteer.merge_self")
    gaps = {
        name: getattr(drop, name)
        for name in (*stored.SAME, "guardian_consent_at")
        if getattr(keep, name) is None
    }
    gaps.pop("paused_until", None)
    _move_rows(tx, keep.id, drop.id)
    blocks.drop(tx, [drop.id])
    blank(drop)
    drop.status, drop.merged_into = Status.LEFT, keep.id
    touched(tx, drop)
    earlier = update(Volunteer).where(col(Volunteer.merged_into) == drop.id)
    tx.execute(earlier.values(merged_into=keep.id))
    for name, value in gaps.items():
        setattr(keep, name, value)
    keep.phone_hash = stored.phone_hash(keep.phone) if keep.phone else None
    keep.search = search_keys(keep.name, keep.phone)
    keep.asked_count += drop.asked_count
    keep.served_minutes += drop.served_minutes
    return touched(tx, keep)


def _move_rows(tx: Tx, keep: int, drop: int) -> None:
    """Everything of this column that hangs on the dropped person; the better of two claims stays."""
    have = {c.skill: c for c in tx.exec(select(SkillClaim).where(col(SkillClaim.volunteer_id) == keep))}
    for claim in tx.exec(select(SkillClaim).where(col(SkillClaim.volunteer_id) == drop)).all():
        mine = have.get(claim.skill)
        if mine is None:
            tx.add(SkillClaim(**claim.model_dump(exclude={"volunteer_id"}), volunteer_id=keep))
        elif (claim.state == ClaimState.VERIFIED, claim.level) > (
            mine.state == ClaimState.VERIFIED,
            mine.level,
        ):
            since = mine.suspended_at or claim.suspended_at
            mine.sqlmodel_update(claim.model_dump(exclude={"volunteer_id", "skill"}))
            mine.suspended_at = since  # whoever has two entries does not get round a course by them
        tx.delete(claim)
    tx.flush()
    _move(tx, Certification, keep, drop, ("skill", "number"))
    tx.execute(delete(Certification).where(col(Certification.volunteer_id) == drop))
    _move(tx, Contact, keep, drop, ("kind", "address"))
    tx.execute(update(Contact).where(col(Contact.volunteer_id) == drop).values(address=None))
    for model in _MOVED:
        tx.execute(update(model).where(col(model.volunteer_id) == drop).values(volunteer_id=keep))


def _move(tx: Tx, model: type[Row], keep: int, drop: int, key: tuple[str, str]) -> None:
    """Moves the rows whose key the kept person has not yet."""
    rows: Sequence[Row] = tx.exec(select(model).where(col(model.volunteer_id).in_((keep, drop)))).all()
    have = {tuple(getattr(row, name) for name in key) for row in rows if row.volunteer_id == keep}
    for row in rows:
        if row.volunteer_id == drop and tuple(getattr(row, name) for name in key) not in have:
            row.volunteer_id = keep
    tx.flush()
