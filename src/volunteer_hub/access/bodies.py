"""The bodies of a community, and complaints about them, which the node above answers."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlmodel import col, select, update

from volunteer_hub.access.models import Complaint, Jurisdiction
from volunteer_hub.access.rules import Body, ComplaintState, Role, may_stand
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import FieldError, Malformed, NotFound, Refused

LONGEST_TEXT: Final = 4_000


def complain(tx: Tx, about: Jurisdiction, body: Body, text: str) -> Complaint:
    """A complaint about a body of a community, by a guest, a volunteer, or staff who may write one there.

    It is put before the node above, so that nobody judges their own case. Raises Malformed, Refused where
    there is no such body.
    """
    if tx.actor.kind not in ("guest", "volunteer"):
        tx.actor.must_cover("complaint.write", about.path)
    if not may_stand(Role(body.value), about.kind):
        raise Refused("complaint.no_body")
    above = tx.get(Jurisdiction, about.parent_id) if about.parent_id is not None else about
    assert above is not None
    complaint = Complaint(
        area_about=about.path,
        area=above.path,
        body=body,
        text=_read(text),
        volunteer_id=tx.actor.id if tx.actor.kind == "volunteer" else None,
        created_at=tx.now,
    )
    tx.add(complaint)
    tx.flush()
    return complaint


def find(tx: Tx, permission: str, public_id: UUID) -> Complaint:
    """A complaint that the actor's areas answer. Raises NotFound."""
    wanted = select(Complaint).where(
        col(Complaint.public_id) == public_id, tx.actor.scope(permission, Complaint.area)
    )
    complaint = tx.exec(wanted).first()
    if complaint is None:
        raise NotFound("not_found")
    return complaint


def listed(tx: Tx, state: ComplaintState | None = None, limit: int = 100) -> Sequence[Complaint]:
    """Complaints that the actor's areas answer, the newest first."""
    wanted = select(Complaint).where(tx.actor.scope("complaint.read", Complaint.area))
    if state is not None:
        wanted = wanted.where(col(Complaint.state) == state)
    return tx.exec(wanted.order_by(col(Complaint.id).desc()).limit(limit)).all()


def answer(tx: Tx, complaint: Complaint, text: str) -> Complaint:
    """Answers a complaint once. Raises NotFound below the node that answers it, Refused when it is done."""
    tx.actor.must_cover("complaint.write", complaint.area)
    if complaint.state is not ComplaintState.OPEN:
        raise Refused("complaint.answered")
    complaint.answer = _read(text)
    complaint.answered_by = tx.actor.id if tx.actor.kind == "account" else None
    complaint.answered_at = tx.now
    complaint.state = ComplaintState.ANSWERED
    tx.flush()
    return complaint


def forget(tx: Tx, volunteer_id: int) -> None:
    """Takes away the words of somebody who is forgotten; that there was a complaint stays."""
    mine = update(Complaint).where(col(Complaint.volunteer_id) == volunteer_id)
    tx.exec(mine.values(text="", answer=None))


def _read(text: str) -> str:
    words = text.strip()
    if not words or len(words) > LONGEST_TEXT:
        params = {"longest": LONGEST_TEXT}
        raise Malformed("complaint.text", fields=[FieldError("text", "complaint.text", params)], **params)
    return words
