"""Forgetting a person: nothing that says who they were stays, while ids and sums do."""

from sqlmodel import col, delete, select, update

from volunteer_hub.core import vault
from volunteer_hub.core.db import Tx
from volunteer_hub.volunteers import rules
from volunteer_hub.volunteers.device_models import Device
from volunteer_hub.volunteers.models import (
    AddressAnswer,
    AvailabilityException,
    Certification,
    Consent,
    Contact,
    ImportFile,
    JoinCode,
    OnCall,
    SkillClaim,
    Volunteer,
)
from volunteer_hub.volunteers.pool import blocks
from volunteer_hub.volunteers.registry import blank, touched
from volunteer_hub.volunteers.rules import Delivers, Status


def erase(tx: Tx, row: Volunteer) -> Volunteer:
    """Blanks every personal column, removes skills, papers and times, and destroys the key in the vault.

    The key goes first: what a trail notes of this very change can then no longer be sealed under it. Consents
    stay, ended: they prove that the data was held rightly, and hold no personal value.
    """
    rules.must_allow(row.status, Status.FORGOTTEN)
    vault.forget(tx, row.id)
    if row.phone_hash is not None:
        tx.exec(delete(JoinCode).where(col(JoinCode.phone_hash) == row.phone_hash))
    tx.exec(delete(ImportFile))  # whoever waits to take one in brings it again: any may name this person
    for model in (SkillClaim, Certification, AvailabilityException, OnCall, AddressAnswer):
        mine: type[SkillClaim] = model  # type: ignore[assignment]  # all have volunteer_id
        tx.exec(delete(mine).where(col(mine.volunteer_id) == row.id))
    own = select(Contact.id).where(col(Contact.volunteer_id) == row.id)
    tx.exec(delete(Device).where(col(Device.contact_id).in_(own)))
    tx.exec(
        update(Contact)
        .where(col(Contact.volunteer_id) == row.id)
        .values(address=None, delivers=Delivers.UNKNOWN, verified_at=None, counts_until=None)
    )
    tx.exec(
        update(Consent)
        .where(col(Consent.volunteer_id) == row.id, col(Consent.withdrawn_at).is_(None))
        .values(withdrawn_at=tx.now)
    )
    blocks.drop(tx, [row.id])
    blank(row)
    row.status, row.pledge_for, row.paused_until, row.insured_until = Status.FORGOTTEN, [], None, None
    row.guardian_consent_at = row.located_at = row.lease_until = None
    return touched(tx, row)
