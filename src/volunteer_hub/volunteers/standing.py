"""Where a person stands with the pool: approved, paused, suspended, gone. Each step asks the state table."""

import uuid
from datetime import date

from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import FieldError, Malformed, Refused
from volunteer_hub.volunteers import rules
from volunteer_hub.volunteers.fields import Wrong, lines
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.registry import find, touched
from volunteer_hub.volunteers.rules import Status


def approve(tx: Tx, public_id: uuid.UUID) -> Volunteer:
    """Makes an applicant, or somebody with a light pledge, a member. A minor needs the guardian's consent."""
    row = find(tx, "volunteer.approve", public_id, lock=True)
    if row.status not in (Status.APPLIED, Status.PLEDGED):
        raise Refused("volunteer.state", state=rules.words(row.status), wanted=rules.words(Status.ACTIVE))
    rules.must_have_guardian(row.birthday, row.guardian_consent_at, tx.now.date())
    row.pledge_for = []
    return _step(tx, row, Status.ACTIVE)


def decline(tx: Tx, public_id: uuid.UUID, reason: str) -> Volunteer:
    """Turns an application down."""
    row = find(tx, "volunteer.approve", public_id, lock=True)
    if row.status != Status.APPLIED:
        raise Refused("volunteer.state", state=rules.words(row.status), wanted=rules.words(Status.LEFT))
    return _step(tx, row, Status.LEFT, reason)


def pause(tx: Tx, row: Volunteer, until: date | None) -> Volunteer:
    """No callouts until that day is over, or until resumed."""
    if until is not None and until < tx.now.date():
        raise Malformed("volunteer.pause_past", fields=[FieldError("paused_until", "volunteer.pause_past")])
    row.paused_until = until
    return _step(tx, row, Status.PAUSED)


def resume(tx: Tx, row: Volunteer) -> Volunteer:
    """Ends a pause or a suspension."""
    row.paused_until = None
    return _step(tx, row, rules.back_from_pause(row.pledge_for))


def suspend(tx: Tx, public_id: uuid.UUID, reason: str) -> Volunteer:
    """Takes a person out of the pool until resumed, with the reason."""
    return _step(tx, find(tx, "volunteer.approve", public_id, lock=True), Status.SUSPENDED, reason)


def leave(tx: Tx, row: Volunteer) -> Volunteer:
    """The person leaves the pool; what they did stays theirs."""
    return _step(tx, row, Status.LEFT)


def _step(tx: Tx, row: Volunteer, to: Status, reason: str | None = None) -> Volunteer:
    rules.must_allow(row.status, to)
    row.status, row.reason = to, _reason(reason)
    return touched(tx, row)


def _reason(text: str | None) -> str | None:
    if not text or not text.strip():
        return None
    try:
        return lines(text.strip())
    except Wrong as error:
        fault = FieldError("reason", error.code, error.params)
        raise Malformed(error.code, fields=[fault], **error.params) from None
