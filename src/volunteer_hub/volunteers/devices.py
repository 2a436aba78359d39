"""Devices that take notifications: whose they are, until when each counts, and when one is let go."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from sqlmodel import col, delete, select

from volunteer_hub.core import bulk
from volunteer_hub.core.db import Tx
from volunteer_hub.volunteers import addresses
from volunteer_hub.volunteers.device_models import Device
from volunteer_hub.volunteers.models import Contact, Volunteer
from volunteer_hub.volunteers.registry import touched
from volunteer_hub.volunteers.rules import ContactKind, Delivers

MOST: Final = 5
"""Devices of one person: each costs a call for every message."""


def bind(tx: Tx, row: Volunteer, endpoint: bytes, sealed: str, session: bytes) -> tuple[Contact, list[int]]:
    """Makes a device this person's, and nobody else's any more: its contact, and ids of contacts let go. Of
    more than `MOST` the oldest is."""
    known = tx.exec(select(Device).where(col(Device.endpoint_hash) == endpoint).with_for_update()).first()
    contact = tx.get(Contact, known.contact_id) if known is not None else None
    gone: list[int] = []
    if contact is None or contact.volunteer_id != row.id:
        gone = release(tx, [known.contact_id]) if known is not None else []
        have = addresses.of(tx, [row.id])[row.id]
        last = max((one.preference for one in have), default=0)
        contact = Contact(volunteer_id=row.id, kind=ContactKind.WEBPUSH, preference=last + 1)
        known = None
        gone += release(tx, of(tx, [row.id]).get(row.id, [])[: 1 - MOST])
    contact.address, contact.delivers, contact.stopped_at = sealed, Delivers.UNKNOWN, None
    tx.add(contact)
    tx.flush()
    if known is None:
        tx.add(Device(contact_id=contact.id, endpoint_hash=endpoint, session_hash=session))
    else:
        known.session_hash = session
    touched(tx, row)
    return contact, gone


def of(tx: Tx, volunteer_ids: Iterable[int]) -> dict[int, list[int]]:
    """Person -> the contacts of their devices that take notifications, in one query."""
    found: dict[int, list[int]] = {}
    wanted = select(Contact.volunteer_id, Contact.id).where(
        bulk.among(col(Contact.volunteer_id), list(volunteer_ids)),
        col(Contact.kind) == ContactKind.WEBPUSH,
        col(Contact.address).is_not(None),
        col(Contact.stopped_at).is_(None),
    )
    for person, contact in tx.exec(wanted.order_by(col(Contact.id))):
        found.setdefault(person, []).append(contact)
    return found


def mine(tx: Tx, volunteer_id: int, endpoint: bytes) -> int | None:
    """The contact of a device, when it is this person's."""
    wanted = select(Contact.id).join(Device, col(Device.contact_id) == col(Contact.id))
    own = (col(Device.endpoint_hash) == endpoint) & (col(Contact.volunteer_id) == volunteer_id)
    return tx.exec(wanted.where(own)).first()


def of_session(tx: Tx, session: bytes) -> list[int]:
    """Contacts of the devices set up in a session."""
    return list(tx.exec(select(Device.contact_id).where(col(Device.session_hash) == session)))


def release(tx: Tx, contact_ids: Iterable[int]) -> list[int]:
    """Lets devices go: nothing is sent there any more. The contacts stay, empty, because messages name them.
    Returns the ids of those that were devices."""
    ids = list(contact_ids)
    rows = tx.exec(
        select(Contact).where(col(Contact.id).in_(ids), col(Contact.kind) == ContactKind.WEBPUSH)
    ).all()
    for contact in rows:
        contact.address, contact.delivers, contact.counts_until = None, Delivers.UNKNOWN, None
    tx.flush()
    tx.execute(delete(Device).where(col(Device.contact_id).in_(ids)))
    return [contact.id for contact in rows]


def shown(tx: Tx, contact_id: int, until: datetime) -> None:
    """A message appeared on a device: it counts ``until`` then."""
    contact = tx.get(Contact, contact_id)
    if contact is not None and contact.address is not None and contact.kind is ContactKind.WEBPUSH:
        contact.counts_until = until
        tx.flush()
