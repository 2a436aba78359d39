"""What a person agreed to: by purpose, with the version of the words and the time."""

from collections.abc import Iterable

from sqlmodel import col, select

from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound
from volunteer_hub.volunteers.models import Consent, Volunteer
from volunteer_hub.volunteers.registry import touched
from volunteer_hub.volunteers.rules import (
    CALLABLE,
    CONSENT_VERSION,
    REQUIRED_PURPOSES,
    ConsentBy,
    Purpose,
    Status,
)


def give(
    tx: Tx,
    volunteer_id: int,
    purposes: Iterable[Purpose],
    *,
    by: ConsentBy = ConsentBy.SELF,
    text_version: str = CONSENT_VERSION,
) -> list[Consent]:
    """Notes consent to each purpose; one in force for the same words stays as it is."""
    have = {(c.purpose, c.text_version, c.by) for c in in_force(tx, volunteer_id)}
    new = [
        Consent(volunteer_id=volunteer_id, purpose=purpose, text_version=text_version, given_at=tx.now, by=by)
        for purpose in sorted(set(purposes))
        if (purpose, text_version, by) not in have
    ]
    tx.add_all(new)
    tx.flush()
    return new


def withdraw(tx: Tx, row: Volunteer, purpose: Purpose) -> None:
    """Ends a consent. Without leave to keep the data or to send messages a person can no longer be called:
    they are paused, not thrown out. Raises NotFound when it was never given."""
    ended = [c for c in in_force(tx, row.id) if c.purpose == purpose]
    if not ended:
        raise NotFound("not_found")
    for consent in ended:
        consent.withdrawn_at = tx.now
    if purpose in REQUIRED_PURPOSES and row.status in CALLABLE:
        row.status, row.paused_until = Status.PAUSED, None
    touched(tx, row)


def in_force(tx: Tx, volunteer_id: int) -> list[Consent]:
    """What holds now, oldest first."""
    query = select(Consent).where(
        col(Consent.volunteer_id) == volunteer_id, col(Consent.withdrawn_at).is_(None)
    )
    return list(tx.exec(query.order_by(col(Consent.id))))
