"""Where messages reach a person, in which order, and what each address is known to deliver."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, text
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from volunteer_hub.core import bulk, policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import FieldError, Malformed, NotFound
from volunteer_hub.core.site import Site
from volunteer_hub.volunteers import fields
from volunteer_hub.volunteers.fields import Wrong
from volunteer_hub.volunteers.models import Contact, Volunteer
from volunteer_hub.volunteers.registry import touched
from volunteer_hub.volunteers.rules import ContactKind, Delivers, counts
from volunteer_hub.volunteers.stored import phone_hash

_FIRST: Final = text("""
SELECT DISTINCT ON (volunteer_id) volunteer_id, id, kind FROM contacts
WHERE volunteer_id = ANY(CAST(:ids AS bigint[])) AND kind = ANY(CAST(:looked AS text[]))
  AND address IS NOT NULL AND stopped_at IS NULL AND (kind <> 'webpush' OR counts_until > :now)
ORDER BY volunteer_id, kind <> ALL(CAST(:kinds AS text[])), delivers = 'no', preference, id
""")

_HOLD: Final = text("""
SELECT pg_advisory_xact_lock(hashtextextended(address, 23)) FROM (
  SELECT DISTINCT address FROM contacts
  WHERE volunteer_id = :person AND kind IN ('sms', 'voice') AND address IS NOT NULL ORDER BY address
) AS numbers
""")
_BY_NUMBER: Final = (ContactKind.SMS, ContactKind.VOICE)


@dataclass(frozen=True, slots=True)
class First:
    """An address and the channel it is used by: its id, not what it is."""

    id: int
    kind: ContactKind


def first(tx: Tx, volunteer_ids: Collection[int], kinds: Collection[ContactKind]) -> dict[int, First]:
    """The first address of one of these kinds for each person who has one, in the order of `ways`: one query,
    fit for as many people as a city has."""
    wanted = [kind.value for kind in kinds]
    rung = ContactKind.VOICE in kinds and ContactKind.SMS not in kinds
    looked = [*wanted, ContactKind.SMS.value] if rung else wanted
    rows = tx.execute(_FIRST, {"ids": list(volunteer_ids), "kinds": wanted, "looked": looked, "now": tx.now})
    kind_of = {kind.value: kind if kind in kinds else ContactKind.VOICE for kind in ContactKind}
    return {person: First(key, kind_of[kind]) for person, key, kind in rows.all()}


def ways(tx: Tx, volunteer_ids: Iterable[int], kinds: Collection[ContactKind]) -> dict[int, list[First]]:
    """Everybody's addresses of these kinds, in the order to be tried. The number for text messages is rung
    up next, where a person has given none for calls."""
    return {
        person: [
            First(contact.id, kind)
            for contact in contacts
            if contact.stopped_at is None and counts(contact.kind, contact.counts_until, tx.now)
            for kind in _serves(contact, contacts)
            if kind in kinds
        ]
        for person, contacts in of(tx, volunteer_ids).items()
    }


def _serves(contact: Contact, beside: Sequence[Contact]) -> tuple[ContactKind, ...]:
    """The channels an address is good for, the best first."""
    if contact.kind != ContactKind.SMS or any(other.kind == ContactKind.VOICE for other in beside):
        return (contact.kind,)
    return (ContactKind.SMS, ContactKind.VOICE)


def reached(tx: Tx, volunteer_ids: Collection[int], kinds: Collection[ContactKind]) -> set[int]:
    """Those of them who have an address of one of these kinds that is not known to deliver nothing."""
    wanted = select(Contact.volunteer_id).where(
        bulk.among(col(Contact.volunteer_id), list(volunteer_ids)),
        col(Contact.kind).in_(kinds),
        col(Contact.address).is_not(None),
        col(Contact.delivers) != Delivers.NO,
        col(Contact.stopped_at).is_(None),
        (col(Contact.kind) != ContactKind.WEBPUSH) | (col(Contact.counts_until) > tx.now),
    )
    return set(tx.exec(wanted.distinct()))


def add(tx: Tx, row: Volunteer, kind: ContactKind, address: str, preference: int | None = None) -> Contact:
    """A further address, last in order unless a preference is given; one that is there is only re-ordered.

    Raises Malformed for an address that its channel cannot use.
    """
    address = _read(kind, address)
    have = of(tx, [row.id])[row.id]
    last = max((contact.preference for contact in have), default=0)
    contact = next((c for c in have if (c.kind, c.address) == (kind, address)), None)
    if contact is None:
        contact = Contact(volunteer_id=row.id, kind=kind, address=address, preference=last + 1)
        tx.add(contact)
    if preference is not None:
        contact.preference = preference
    contact.stopped_at = None
    touched(tx, row)
    return contact


def remove(tx: Tx, row: Volunteer, contact_id: int) -> None:
    """Empties an address; its row stays, because messages point to it. Raises NotFound."""
    contact = tx.get(Contact, contact_id)
    if contact is None or contact.volunteer_id != row.id or contact.address is None:
        raise NotFound("not_found")
    contact.address, contact.delivers, contact.verified_at = None, Delivers.UNKNOWN, None
    touched(tx, row)


def order(tx: Tx, row: Volunteer, contact_ids: list[int]) -> list[Contact]:
    """Puts the addresses named in this order, the others after them. Raises NotFound for a foreign one."""
    have = {contact.id: contact for contact in of(tx, [row.id])[row.id]}
    if not set(contact_ids) <= have.keys():
        raise NotFound("not_found")
    rest = [key for key in have if key not in contact_ids]
    for preference, key in enumerate([*contact_ids, *rest], start=1):
        have[key].preference = preference
    touched(tx, row)
    return of(tx, [row.id])[row.id]


def note_delivery(tx: Tx, contact_id: int, kind: ContactKind, *, arrived: bool) -> None:
    """What a receipt taught about an address. One that is gone teaches nothing, nor does a call to a number
    about its text messages."""
    contact = tx.get(Contact, contact_id)
    if contact is not None and contact.address is not None and contact.kind == kind:
        contact.delivers = Delivers.YES if arrived else Delivers.NO
        if arrived and contact.verified_at is None:
            contact.verified_at = tx.now
        tx.flush()


def owners(tx: Tx, number: str) -> list[Volunteer]:
    """Who is reached at a telephone number, by text message or call; in a household these may be several."""
    wanted = select(Volunteer).join(Contact, col(Contact.volunteer_id) == col(Volunteer.id))
    return list(tx.exec(wanted.where(_at(number)).distinct().order_by(col(Volunteer.id))))


def sharing(tx: Tx, volunteer_ids: Collection[int]) -> dict[int, set[int]]:
    """Person -> everybody who is reached at one of their telephone numbers, themselves included."""
    theirs, others = aliased(Contact), aliased(Contact)
    pairs = select(col(theirs.volunteer_id), col(others.volunteer_id)).where(
        bulk.among(col(theirs.volunteer_id), list(volunteer_ids)),
        col(theirs.kind).in_(_BY_NUMBER),
        col(others.kind).in_(_BY_NUMBER),
        col(others.address) == col(theirs.address),
    )
    found: dict[int, set[int]] = {person: {person} for person in volunteer_ids}
    for person, other in tx.exec(pairs.distinct()):
        found[person].add(other)
    return found


def numbers(tx: Tx, volunteer_ids: Collection[int]) -> dict[int, str]:
    """Person -> the first telephone number at which they are reached."""
    found: dict[int, str] = {}
    for person, contacts in of(tx, volunteer_ids).items():
        first_number = next((c.address for c in contacts if c.kind in _BY_NUMBER and c.address), None)
        if first_number is not None:
            found[person] = first_number
    return found


def number_hashes(tx: Tx, volunteer_id: int) -> list[bytes]:
    """The hashes of the numbers that somebody may have written from."""
    contacts = of(tx, [volunteer_id])[volunteer_id]
    own = tx.exec(select(Volunteer.phone_hash).where(col(Volunteer.id) == volunteer_id)).first()
    return [phone_hash(c.address) for c in contacts if c.address] + ([own] if own else [])


def hold_numbers(tx: Tx, volunteer_id: int) -> None:
    """Whoever else holds one of this person's telephone numbers waits for the end of this transaction."""
    tx.execute(_HOLD, {"person": volunteer_id})


def stop(tx: Tx, number: str) -> list[int]:
    """Nothing is sent to this number any more, nor is it rung up; the ids of the addresses that it was."""
    return _set_stopped(tx, number, tx.now)


def resume(tx: Tx, number: str) -> list[int]:
    """Its owner takes that back."""
    return _set_stopped(tx, number, None)


def disown(tx: Tx, row: Volunteer) -> None:
    """Somebody else answered at this person's telephone: none of its messages or calls are for them."""
    for contact in of(tx, [row.id])[row.id]:
        if contact.address == row.phone and contact.kind in _BY_NUMBER:
            contact.delivers, contact.stopped_at = Delivers.NO, contact.stopped_at or tx.now
    touched(tx, row)


def _set_stopped(tx: Tx, number: str, when: datetime | None) -> list[int]:
    people = owners(tx, number)
    found = tx.exec(select(Contact).where(_at(number)).order_by(col(Contact.id)).with_for_update()).all()
    for contact in found:
        contact.stopped_at = when if when is None else contact.stopped_at or when
    for row in people:
        touched(tx, row)
    return [contact.id for contact in found]


def _at(number: str) -> ColumnElement[bool]:
    return (col(Contact.address) == number) & col(Contact.kind).in_(_BY_NUMBER)


def read_number(raw: str) -> str:
    """A telephone number as gateways write it, in the form in which we keep it; unread where it is none."""
    try:
        return fields.phone(raw.strip(), policy.load("hub", Site).phone_region)
    except Wrong:
        return raw.strip()[:40]


def of(tx: Tx, volunteer_ids: Iterable[int]) -> dict[int, list[Contact]]:
    """Everybody's addresses, each in the order to be tried: what is known not to deliver comes last."""
    found: dict[int, list[Contact]] = {key: [] for key in volunteer_ids}
    query = select(Contact).where(col(Contact.volunteer_id).in_(found), col(Contact.address).is_not(None))
    for contact in tx.exec(query):
        found[contact.volunteer_id].append(contact)
    for contacts in found.values():
        contacts.sort(key=lambda c: (c.delivers == Delivers.NO, c.preference, c.id))
    return found


def _read(kind: ContactKind, address: str) -> str:
    raw = address.strip()
    try:
        if not raw:
            raise Wrong("required")
        if kind in (ContactKind.SMS, ContactKind.VOICE):
            return fields.phone(raw, policy.load("hub", Site).phone_region)
        return fields.email(raw) if kind == ContactKind.EMAIL else fields.line(raw, 2000)
    except Wrong as error:
        raise Malformed("form", fields=[FieldError("address", error.code, error.params)]) from None
