"""Somebody joins: a code to their telephone, an application, a clerk's yes. And how they come back in.

A light pledge ("call me only for ...") takes effect at once; an application waits for the clerk.
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlmodel import col, select

from volunteer_hub.access import jurisdictions, login
from volunteer_hub.access.models import Jurisdiction
from volunteer_hub.access.sessions import Opened
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import FieldError, Malformed, NotFound, Unavailable
from volunteer_hub.flows import codes, letters
from volunteer_hub.notify import outbox
from volunteer_hub.notify.outbox import Draft
from volunteer_hub.notify.rules import Channel, Subject
from volunteer_hub.training import introductions
from volunteer_hub.volunteers import fields, join, registry, standing
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.rules import Purpose, Status

HEARD_WITHIN: Final = timedelta(days=3)
"""How long the answer to an application is worth sending."""


@dataclass(frozen=True)
class Sent:
    """A code is on its way to this number (E.164), by this channel."""

    phone: str
    channel: Channel


def start(
    tx: Tx, phone: str, address: str, *, email: str = "", community: str = "", lang: str = "zh"
) -> Sent:
    """Sends a code to a telephone, by text message, or where none can be sent to the e-mail address given.

    ``address`` is the network address that asked. For a number in the pool the code goes to its own addresses
    only: who typed it may be anybody. Raises Malformed, TooMany, Unavailable where no channel fits.
    """
    mail = _email(email)
    login.count_try(tx, address)
    started = join.start(tx, phone)
    channel = codes.channel_to(mail)
    if channel is None:
        raise Unavailable("join.no_channel" if mail else "join.need_email")
    to = started.phone if channel is Channel.SMS else started.known.email if started.known else mail
    if to:
        codes.send(
            tx,
            (Subject.JOIN_CODE, started.row_id),
            (channel, to),
            started.code,
            area=_area(tx, started.known, community),
            lang=lang,
            expires_at=started.expires_at,
        )
    return Sent(started.phone, channel)


def _email(raw: str) -> str:
    try:
        return fields.email(raw.strip()) if raw.strip() else ""
    except fields.Wrong as error:
        raise Malformed("form", fields=[FieldError("email", error.code, error.params)]) from None


def _area(tx: Tx, known: Volunteer | None, community: str) -> str:
    """Whose message a code is: the person's home, the community joined, or the first city."""
    if known is not None:
        return known.area
    wanted = select(Jurisdiction.path).where(col(Jurisdiction.code) == community)
    first = select(Jurisdiction.path).order_by(col(Jurisdiction.path))
    found = tx.exec(wanted).first() or tx.exec(first).first()
    if found is None:
        raise Unavailable("join.no_city")
    return found


def apply(
    tx: Tx,
    proof: str,
    person: Mapping[str, Any],
    purposes: Iterable[Purpose],
    *,
    guardian_consents: bool = False,
    pledge_for: Iterable[str] = (),
) -> Volunteer:
    """Takes an application, or a light pledge, which is welcomed at once. Raises as `join.submit`."""
    row = join.submit(tx, proof, person, purposes, guardian_consents=guardian_consents, pledge_for=pledge_for)
    if row.status is Status.PLEDGED:
        _tell(tx, row, "welcome")
    else:
        introductions.begin(tx, row.id, row.area)
    return row


def approve(tx: Tx, public_id: uuid.UUID) -> Volunteer:
    """A clerk says yes: the person is in the pool and hears so. Raises as `volunteers.standing.approve`."""
    row = standing.approve(tx, public_id)
    introductions.taken_in(tx, introductions.ensured(tx, row.id, row.area, row.created_at))
    _tell(tx, row, "welcome")
    return row


def decline(tx: Tx, public_id: uuid.UUID, reason: str) -> Volunteer:
    """A clerk says no; the person hears that, and whom to ask why."""
    row = standing.decline(tx, public_id, reason)
    _tell(tx, row, "application_declined")
    return row


def _tell(tx: Tx, row: Volunteer, purpose: str) -> None:
    way = letters.reach(tx, [row.id])[row.id]
    if way.contact is None or way.channel is None:
        return
    community = jurisdictions.by_path(tx, row.area)
    draft = Draft(
        purpose=purpose,
        subject_kind=Subject.VOLUNTEER,
        subject_id=row.id,
        area=row.area,
        channel=way.channel,
        lang=way.lang,
        dedupe_key=f"volunteer:{row.id}:{purpose}:{row.version}",
        expires_at=tx.now + HEARD_WITHIN,
        volunteer_id=row.id,
        contact_id=way.contact.id,
        params={"community": community.name},
    )
    outbox.enqueue(tx, [draft])


def send_login_code(tx: Tx, phone: str, address: str) -> str:
    """Sends a code to a volunteer's telephone to sign in with, and returns the number as E.164.

    Whether anybody has this number is not told. Raises Malformed, TooMany, Unavailable where this
    installation can send no codes at all.
    """
    number = join.e164(phone)
    row = registry.by_phone(tx, number)
    if row is not None and row.status in (Status.LEFT, Status.FORGOTTEN):
        row = None
    if codes.channel_to("any") is None:
        raise Unavailable("join.no_channel")
    issued = login.issue_code(tx, number, row.id if row is not None else None, address)
    if row is not None and issued is not None:
        channel = codes.channel_to(row.email)
        to = number if channel is Channel.SMS else row.email
        if channel is not None and to:
            codes.send(
                tx,
                (Subject.LOGIN_CODE, issued.row_id),
                (channel, to),
                issued.code,
                area=row.area,
                lang=row.lang,
                expires_at=issued.expires_at,
            )
    return number


def sign_in(tx: Tx, phone: str, code: str, address: str) -> Opened | None:
    """A session for the right code; None for a wrong one. Raises as `access.login.by_code`."""
    return login.by_code(tx, join.e164(phone), code, address)


def community_of(tx: Tx, code: str) -> Jurisdiction | None:
    """The community that a poster's code names, or None for an unknown code."""
    try:
        return jurisdictions.by_code(tx, code) if code else None
    except NotFound:
        return None
