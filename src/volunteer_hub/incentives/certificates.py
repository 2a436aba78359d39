"""Certificates: issued, found by their holder or by the code printed on them, withdrawn.

What was issued never changes. Its holder may withdraw it; then the page behind the code says no more than
that. Whoever is forgotten takes their certificates' words along.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlmodel import col, select, update

from volunteer_hub.core import signing, vault
from volunteer_hub.core.columns import uuid7
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import NotFound
from volunteer_hub.incentives import certificates_rules as rules
from volunteer_hub.incentives.certificates_models import Certificate
from volunteer_hub.incentives.certificates_rules import Paper, Shows

_PURPOSE: Final = "certificate"
_SHOWN: Final = 100
Content = Mapping[str, Any]


@dataclass(frozen=True)
class Draft:
    """What is to be issued; ``content`` is what `boards.certificate` has gathered."""

    volunteer_id: int
    area: str
    paper: Paper
    begins: date
    ends: date
    shows: Shows
    content: Content
    offer_id: int | None = None


def token(public_id: uuid.UUID) -> str:
    """The 128-bit code printed on a certificate, derived under HUB_SECRET_KEY: only its hash is stored."""
    return signing.derived_token(_PURPOSE, public_id)


def number(certificate: Certificate) -> str:
    """The number printed on it: the day of issue and eight digits of its id."""
    return f"{certificate.issued_at:%Y%m%d}-{certificate.public_id.hex[-8:].upper()}"


def issue(tx: Tx, draft: Draft) -> Certificate:
    """Keeps it as issued. The same content with the same consent is the same certificate."""
    text = rules.canonical(draft.content)
    sealed_by = rules.digest(text)
    known = _equal(tx, draft, sealed_by)
    if known is not None:
        return known
    public_id = uuid7()
    row = Certificate(
        public_id=public_id,
        volunteer_id=draft.volunteer_id,
        area=draft.area,
        paper=draft.paper,
        offer_id=draft.offer_id,
        begins=draft.begins,
        ends=draft.ends,
        named=draft.shows.named,
        shows_hours=draft.shows.hours,
        shows_duties=draft.shows.duties,
        token_hash=signing.token_hash(token(public_id)),
        digest=sealed_by,
        sealed=vault.seal(tx, draft.volunteer_id, text),
        issued_at=tx.now,
    )
    tx.add(row)
    tx.flush()
    return row


def _equal(tx: Tx, draft: Draft, digest: bytes) -> Certificate | None:
    wanted = select(Certificate).where(
        col(Certificate.volunteer_id) == draft.volunteer_id,
        col(Certificate.digest) == digest,
        col(Certificate.named) == draft.shows.named,
        col(Certificate.shows_hours) == draft.shows.hours,
        col(Certificate.shows_duties) == draft.shows.duties,
        col(Certificate.withdrawn_at).is_(None),
    )
    return tx.exec(wanted.order_by(col(Certificate.id))).first()


def of(tx: Tx, volunteer_id: int) -> Sequence[Certificate]:
    """A person's certificates, the newest first; at most a hundred."""
    wanted = select(Certificate).where(col(Certificate.volunteer_id) == volunteer_id)
    return tx.exec(wanted.order_by(col(Certificate.id).desc()).limit(_SHOWN)).all()


def own(tx: Tx, volunteer_id: int, public_id: uuid.UUID) -> Certificate:
    """One of a person's own. Raises NotFound for anybody else's."""
    wanted = select(Certificate).where(
        col(Certificate.public_id) == public_id, col(Certificate.volunteer_id) == volunteer_id
    )
    found = tx.exec(wanted).first()
    if found is None:
        raise NotFound("not_found")
    return found


def by_token(tx: Tx, code: str) -> Certificate:
    """The certificate that a code is printed on. Raises NotFound for a code that was never given out."""
    wanted = select(Certificate).where(col(Certificate.token_hash) == signing.token_hash(code))
    found = tx.exec(wanted).first()
    if found is None:
        raise NotFound("certificate.unknown")
    return found


def content(tx: Tx, certificate: Certificate) -> dict[str, Any]:
    """What was issued. Raises NotFound once its holder is forgotten."""
    sealed = certificate.sealed
    text = vault.unseal(tx, certificate.volunteer_id, sealed) if sealed is not None else None
    if text is None:
        raise NotFound("certificate.unknown")
    return dict(json.loads(text))


def withdraw(tx: Tx, certificate: Certificate) -> Certificate:
    """Its holder takes it back, for good. Again, it stays as it was."""
    if certificate.withdrawn_at is None:
        certificate.withdrawn_at = tx.now
        tx.flush()
    return certificate


def move(tx: Tx, keep: int, drop: int) -> None:
    """The certificates of the second of two entries are the first one's, sealed under their key."""
    for row in tx.exec(select(Certificate).where(col(Certificate.volunteer_id) == drop)).all():
        text = vault.unseal(tx, drop, row.sealed) if row.sealed is not None else None
        row.sealed = vault.seal(tx, keep, text) if text is not None else None
        row.volunteer_id = keep
    tx.flush()


def forget(tx: Tx, volunteer_id: int) -> None:
    """Takes away every word of a person's certificates; that there were some stays."""
    mine = update(Certificate).where(col(Certificate.volunteer_id) == volunteer_id)
    tx.execute(mine.values(sealed=None))
    still = mine.where(col(Certificate.withdrawn_at).is_(None))
    tx.execute(still.values(withdrawn_at=tx.now))
